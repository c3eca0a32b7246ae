//! Entries of type 1 of the UAPI Group's "Boot Loader Specification" (UAPI.1): text files in `loader/entries`.

use super::grub::variables::Variables;
use super::text;
use crate::arch;

/// The end of such a file's name.
pub const SUFFIX: &str = ".conf";

/// What a file says. Keys that aren't known are passed over, as the specification wants.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Bls {
    /// What people call it.
    pub title: Option<String>,
    /// The kernel's version.
    pub version: Option<String>,
    /// The installation that it belongs to.
    pub machine_id: Option<String>,
    /// Groups entries.
    pub sort_key: Option<String>,
    /// The kernel, from the partition's root.
    pub linux: Option<String>,
    /// A UKI, from the partition's root.
    pub uki: Option<String>,
    /// The number of the UKI's profile.
    pub profile: u32,
    /// An EFI program, from the partition's root.
    pub efi: Option<String>,
    /// The initrds, from the partition's root.
    pub initrds: Vec<String>,
    /// The command line.
    pub options: String,
    /// The architecture.
    pub architecture: Option<String>,
    /// A device tree, or overlays for one.
    pub devicetree: Option<String>,
}

impl Bls {
    /// Reads a file's text; GRUB's variables stand in it on Fedora.
    ///
    /// # Errors
    /// Why it can't be read as an entry.
    pub fn parse(text: &str, variables: Option<&Variables>) -> Result<Bls, String> {
        let mut entry = Bls::default();
        let mut options = Vec::new();
        for line in text.lines().map(str::trim) {
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let (key, value) = line
                .split_once(|c: char| c.is_ascii_whitespace())
                .unwrap_or((line, ""));
            let value = match variables {
                Some(variables) if matches!(key, "options" | "initrd" | "linux") => {
                    variables.expand(value.trim())?
                }
                _ => value.trim().to_owned(),
            };
            if value.is_empty() {
                continue;
            }
            match key {
                "title" => entry.title = Some(value),
                "version" => entry.version = Some(value),
                "machine-id" => entry.machine_id = Some(value),
                "sort-key" => entry.sort_key = Some(value),
                "linux" => entry.linux = Some(value),
                "uki" => entry.uki = Some(value),
                "efi" => entry.efi = Some(value),
                "profile" => {
                    entry.profile = value
                        .parse()
                        .map_err(|_| format!("profile is \"{value}\"; it must be a number"))?;
                }
                // GRUB's blscfg takes several on a line, as Fedora's entries have them.
                "initrd" => entry
                    .initrds
                    .extend(value.split_ascii_whitespace().map(str::to_owned)),
                "options" => options.push(value),
                "architecture" => entry.architecture = Some(value),
                "devicetree" | "devicetree-overlay" => entry.devicetree = Some(value),
                _ => {}
            }
        }
        entry.options = options.join(" ");
        Ok(entry)
    }

    /// Whether it is for another architecture.
    #[must_use]
    pub fn is_for_another(&self) -> bool {
        let is_other = |it: &String| !it.eq_ignore_ascii_case(arch::ENTRY_ARCHITECTURE);
        self.architecture.as_ref().is_some_and(is_other)
    }

    /// Why it can't be loaded, as far as its text tells.
    #[must_use]
    pub fn problem(&self) -> Option<String> {
        if self.is_for_another() {
            let other = self.architecture.as_deref().unwrap_or_default();
            return Some(format!("it is for the architecture {other}"));
        }
        match (&self.linux, &self.uki, &self.efi) {
            (None, None, None) => Some("it names no kernel (a line \"linux PATH\")".to_owned()),
            (None, None, Some(program)) => Some(format!(
                "it starts an EFI program, {program}, and no kernel"
            )),
            _ if self.devicetree.is_some() => {
                Some("it wants a device tree, which only a UKI's can be".to_owned())
            }
            _ => None,
        }
    }
}

/// The name of an entry's file: `NAME[+LEFT[-DONE]].conf`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Name {
    /// The ID, which has no counters.
    pub id: String,
    /// How many more times it is tried; `None` if that isn't counted.
    pub tries_left: Option<u32>,
    /// How many times it was tried in vain.
    pub tries_done: u32,
}

impl Name {
    /// Reads the name of a file with this suffix; `None` if it has another one.
    #[must_use]
    pub fn parse(name: &str, suffix: &str) -> Option<Name> {
        let stem = text::strip_suffix_ignoring_case(name, suffix)?;
        // What begins with "auto-" is what systemd-boot finds by itself.
        let is_reserved = stem
            .get(..5)
            .is_some_and(|it| it.eq_ignore_ascii_case("auto-"));
        if stem.is_empty() || stem.starts_with('.') || is_reserved {
            return None;
        }
        let ending = name.get(stem.len()..)?;
        let counted = stem.rsplit_once('+').and_then(|(stem, counters)| {
            let (left, done) = counters.split_once('-').unwrap_or((counters, "0"));
            Some((stem, number(left)?, number(done)?))
        });
        Some(match counted {
            Some((stem, left, done)) if !stem.is_empty() => Name {
                id: format!("{stem}{ending}"),
                tries_left: Some(left),
                tries_done: done,
            },
            _ => Name {
                id: name.to_owned(),
                tries_left: None,
                tries_done: 0,
            },
        })
    }
}

/// A number of digits alone: `parse` takes a sign, too.
fn number(text: &str) -> Option<u32> {
    let is_digits = text.bytes().all(|c| c.is_ascii_digit());
    text.parse().ok().filter(|_| is_digits)
}

#[cfg(test)]
mod tests {
    use super::*;

    const FEDORA: &str = "\
title Fedora Linux (6.11.4-301.fc41.x86_64) 41 (Server Edition)
version 6.11.4-301.fc41.x86_64
linux /vmlinuz-6.11.4-301.fc41.x86_64
initrd /initramfs-6.11.4-301.fc41.x86_64.img $tuned_initrd
options $kernelopts $tuned_params
grub_users $grub_users
grub_arg --unrestricted
grub_class fedora
";

    #[test]
    fn an_entry_of_fedora_is_read_with_grubs_variables() {
        let env = "# GRUB Environment Block\nkernelopts=root=/dev/mapper/fedora-root ro \ntuned_params=\n";
        let variables = Variables::of_environment(env);
        let entry = Bls::parse(FEDORA, Some(&variables)).unwrap();
        assert_eq!(entry.options, "root=/dev/mapper/fedora-root ro");
        assert_eq!(entry.initrds, ["/initramfs-6.11.4-301.fc41.x86_64.img"]);
        assert_eq!(entry.problem(), None);
        let why = Bls::parse(FEDORA, Some(&Variables::default())).unwrap_err();
        assert!(why.contains("$kernelopts"), "{why}");
    }

    #[test]
    fn an_entry_of_systemd_boot_is_read_as_the_specification_says() {
        let entry = Bls::parse(
            "# by hand\ntitle\tDebian GNU/Linux 12\nversion 6.1.0-13-amd64\nmachine-id 4f0c\n\
             sort-key debian\noptions root=UUID=1 ro\noptions quiet price=$5\narchitecture X64\n\
             linux /4f0c/6.1.0-13-amd64/linux\ninitrd /ucode.img\ninitrd /4f0c/initrd\nnew-key 1\n",
            None,
        )
        .unwrap();
        assert_eq!(entry.title.as_deref(), Some("Debian GNU/Linux 12"));
        assert_eq!(entry.options, "root=UUID=1 ro quiet price=$5");
        assert_eq!(entry.initrds, ["/ucode.img", "/4f0c/initrd"]);
        assert_eq!(entry.problem(), None);
    }

    #[test]
    fn what_an_entry_lacks_is_reported() {
        for (text, words) in [
            ("", "names no kernel"),
            ("title x\nlinux\n", "names no kernel"),
            ("efi /EFI/memtest.efi\n", "/EFI/memtest.efi"),
            ("linux /k\narchitecture aa64\n", "aa64"),
            ("linux /k\ndevicetree /x.dtb\n", "device tree"),
        ] {
            let entry = Bls::parse(text, None).unwrap();
            let why = entry.problem().unwrap();
            assert!(why.contains(words), "{text}: {why}");
        }
        assert!(Bls::parse("uki /k\nprofile x\n", None).is_err());
    }

    #[test]
    fn every_truncation_is_read_or_reported() {
        let variables = Variables::of_environment("kernelopts=ro\n");
        for at in 0..FEDORA.len() {
            let entry = Bls::parse(&FEDORA[..at], Some(&variables));
            assert!(
                entry.is_ok_and(|it| it.linux.is_some() || it.problem().is_some()),
                "{at}"
            );
        }
    }

    #[test]
    fn counters_are_no_part_of_an_id() {
        for (name, id, left, done) in [
            ("a.conf", "a.conf", None, 0),
            ("a+3.conf", "a.conf", Some(3), 0),
            ("a+0-2.conf", "a.conf", Some(0), 2),
            ("a+3-1.EFI", "", None, 0),
            ("6.1+deb+2-1.conf", "6.1+deb.conf", Some(2), 1),
            ("6.1+deb.conf", "6.1+deb.conf", None, 0),
            ("a++1.conf", "a+.conf", Some(1), 0),
            ("a+-1.conf", "a+-1.conf", None, 0),
            ("a+99999999999.conf", "a+99999999999.conf", None, 0),
            ("+1.conf", "+1.conf", None, 0),
            (".conf", "", None, 0),
            (".hidden.conf", "", None, 0),
            ("a.conf~", "", None, 0),
            ("Auto-windows.conf", "", None, 0),
        ] {
            match Name::parse(name, SUFFIX) {
                None => assert_eq!(id, "", "{name}"),
                Some(read) => {
                    assert_eq!(
                        (read.id.as_str(), read.tries_left, read.tries_done),
                        (id, left, done)
                    );
                }
            }
        }
        assert_eq!(Name::parse("a+3-1.EFI", ".efi").unwrap().id, "a.EFI");
    }
}
