//! Others who load a kernel for crashes at boot, or when memory and processors come and go. There is one place for
//! such a kernel: whoever loads last has it, and the kernel doesn't say who did.

use baton_sys::Root;
use baton_sys::file::{names_in, read_regular};
use std::collections::BTreeSet;

/// Debian's and Ubuntu's; Fedora's, Red Hat's and openSUSE's; openSUSE's for the time before disks are mounted.
const UNITS: [&str; 3] = [
    "kdump-tools.service",
    "kdump.service",
    "kdump-early.service",
];

/// Where systemd looks for units (systemd.unit(5)), the first that has one counting.
pub const DIRECTORIES: [&str; 5] = [
    "etc/systemd/system",
    "run/systemd/system",
    "usr/local/lib/systemd/system",
    "usr/lib/systemd/system",
    "lib/systemd/system",
];

/// The services that are enabled and load a kernel for crashes: known ones, and what runs `kexec` to do so.
#[must_use]
pub fn find(root: &Root) -> Vec<String> {
    let mut found = BTreeSet::new();
    for directory in DIRECTORIES {
        for wants in names_in(&root.join(directory)) {
            if wants.ends_with(".wants") || wants.ends_with(".requires") {
                let units = names_in(&root.join(directory).join(wants));
                found.extend(units.into_iter().filter(|unit| loads(root, unit)));
            }
        }
    }
    // Without systemd the scripts of System V's init and of OpenRC count.
    if !root.exists("run/systemd/system") {
        for directory in [
            "etc/rc2.d",
            "etc/rc3.d",
            "etc/rc5.d",
            "etc/runlevels/default",
        ] {
            let scripts = names_in(&root.join(directory)).into_iter();
            let scripts = scripts.map(|name| {
                name.trim_start_matches(|c: char| c == 'S' || c.is_ascii_digit())
                    .to_owned()
            });
            found.extend(scripts.filter(|name| {
                UNITS.contains(&format!("{name}.service").as_str()) && is_switched_on(root, name)
            }));
        }
    }
    found.into_iter().collect()
}

/// What is against them, in words.
#[must_use]
pub fn described(owner: &str) -> String {
    let how = if owner.ends_with(".service") {
        format!("systemctl disable --now {owner}")
    } else {
        format!("update-rc.d {owner} disable")
    };
    format!(
        "{owner} is enabled, too, and replaces this crash kernel with one of its own: disable it (`{how}`), then load again (`baton crash load`)"
    )
}

fn loads(root: &Root, unit: &str) -> bool {
    if unit.starts_with("baton-") {
        return false;
    }
    if !UNITS.contains(&unit) {
        return text(root, unit).is_some_and(|text| runs_kexec_for_crashes(&text));
    }
    !is_masked(root, unit) && is_switched_on(root, unit.trim_end_matches(".service"))
}

/// `USE_KDUMP=0` in kdump-tools' own settings.
fn is_switched_on(root: &Root, name: &str) -> bool {
    let text = root.read_text(&format!("etc/default/{name}"));
    let text = text.ok().flatten().unwrap_or_default();
    let last = text
        .lines()
        .filter_map(|line| line.trim().strip_prefix("USE_KDUMP="))
        .next_back();
    last.is_none_or(|value| value.trim_matches(['"', '\'']) != "0")
}

/// A masked unit is a link to /dev/null.
fn is_masked(root: &Root, unit: &str) -> bool {
    let link = DIRECTORIES
        .iter()
        .find_map(|directory| std::fs::read_link(root.join(directory).join(unit)).ok());
    link.is_some_and(|to| to == std::path::Path::new("/dev/null"))
}

fn text(root: &Root, unit: &str) -> Option<String> {
    let bytes = DIRECTORIES
        .iter()
        .find_map(|directory| read_regular(&root.join(directory).join(unit)).ok())?;
    Some(String::from_utf8_lossy(&bytes).into_owned())
}

/// `kexec -p` or `--load-panic` (kexec(8)) in a line that starts something.
fn runs_kexec_for_crashes(text: &str) -> bool {
    let commands = text.lines().filter(|line| line.starts_with("Exec"));
    commands.into_iter().any(|line| {
        let mut words =
            line.split(|c: char| c.is_whitespace() || c == '=' || c == '\'' || c == '"');
        words.any(|word| word == "kexec" || word.ends_with("/kexec"))
            && words.any(|word| {
                let short = word.starts_with('-') && !word.starts_with("--");
                word == "--load-panic" || (short && word.contains('p'))
            })
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crash::fake::Fake;

    const WANTS: &str = "etc/systemd/system/multi-user.target.wants";

    fn systemd() -> Fake {
        Fake::new().directory("run/systemd/system")
    }

    #[test]
    fn services_of_distributions_are_named_where_they_are_enabled() {
        assert!(find(&systemd().root()).is_empty());
        for unit in UNITS {
            let fake = systemd().file(&format!("usr/lib/systemd/system/{unit}"), "");
            assert!(find(&fake.root()).is_empty(), "{unit} is only installed");
            let fake = fake.file(&format!("{WANTS}/{unit}"), "");
            assert_eq!(find(&fake.root()), [unit]);
        }
    }

    #[test]
    fn what_is_masked_or_switched_off_is_not() {
        let fake = systemd().file(&format!("{WANTS}/kdump-tools.service"), "");
        let off = fake.file("etc/default/kdump-tools", "USE_KDUMP=1\n USE_KDUMP=\"0\"\n");
        assert!(find(&off.root()).is_empty());
        off.set("etc/default/kdump-tools", "USE_KDUMP=1\n");
        assert_eq!(find(&off.root()), ["kdump-tools.service"]);
        let masked = off.path("etc/systemd/system/kdump-tools.service");
        std::os::unix::fs::symlink("/dev/null", masked).unwrap();
        assert!(find(&off.root()).is_empty());
    }

    #[test]
    fn any_unit_that_runs_kexec_for_crashes_is_one() {
        for (command, recognises) in [
            ("ExecStart=/sbin/kexec -p /boot/vmlinuz", true),
            ("ExecStart=/usr/sbin/kexec -s -p /boot/vmlinuz", true),
            ("ExecStart=kexec --load-panic /boot/vmlinuz", true),
            ("ExecStart=/bin/sh -c 'kexec -sp /boot/vmlinuz'", true),
            (
                "ExecStart=/sbin/kexec -l /boot/vmlinuz --append=quiet",
                false,
            ),
            ("ExecStart=/sbin/kexec -e", false),
            ("Description=kexec -p", false),
            ("ExecStart=/usr/bin/other -p", false),
        ] {
            let fake = systemd()
                .file(
                    "etc/systemd/system/own.service",
                    format!("[Service]\n{command}\n"),
                )
                .file("etc/systemd/system/sysinit.target.requires/own.service", "")
                .file(
                    "etc/systemd/system/baton-crash.service",
                    "ExecStart=/sbin/kexec -p x\n",
                )
                .file(&format!("{WANTS}/baton-crash.service"), "");
            assert_eq!(
                find(&fake.root()) == ["own.service"],
                recognises,
                "{command}"
            );
        }
    }

    #[test]
    fn scripts_count_where_there_is_no_systemd() {
        let fake = Fake::new().file("etc/rc2.d/S01kdump-tools", "");
        assert_eq!(find(&fake.root()), ["kdump-tools"]);
        assert!(described("kdump-tools").contains("update-rc.d kdump-tools disable"));
        let openrc = Fake::new().file("etc/runlevels/default/kdump", "");
        assert_eq!(find(&openrc.root()), ["kdump"]);
        assert!(find(&fake.directory("run/systemd/system").root()).is_empty());
    }
}
