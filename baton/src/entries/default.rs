//! Which entry this machine boots by default.

use super::text;
use super::{Entry, Kind};

/// What boot loaders say of it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Sayings {
    /// What the boot loader calls itself (`LoaderInfo`).
    pub loader: Option<String>,
    /// What is to be booted next and only then (`LoaderEntryOneShot`).
    pub one_shot: Option<String>,
    /// What the owner chose in the boot loader (`LoaderEntryDefault`).
    pub chosen: Option<String>,
    /// What was booted last (`LoaderEntryLastBooted`).
    pub last: Option<String>,
    /// The pattern in loader.conf (`default`).
    pub pattern: Option<String>,
    /// GRUB's, as its menu names it.
    pub grub: Option<Grub>,
}

/// What GRUB says of it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Grub {
    /// What `default` is set to.
    pub default: String,
    /// The ID of the entry of grub.cfg that it leads to.
    pub entry: Option<String>,
    /// Whether the entries of `loader/entries` belong to its menu.
    pub has_blscfg: bool,
}

impl Sayings {
    /// The position of the default among the entries, which are in order; `None` if nothing can be booted.
    #[must_use]
    pub fn choose(&self, entries: &[Entry]) -> Option<usize> {
        self.by_systemd_boot(entries)
            .or_else(|| self.by_grub(entries))
            .or_else(|| entries.iter().position(|entry| entry.problem.is_none()))
    }

    /// Variables and loader.conf hold patterns. loader.conf is systemd-boot's: where another boot loader calls itself
    /// otherwise, it counts for nothing.
    fn by_systemd_boot(&self, entries: &[Entry]) -> Option<usize> {
        let is_read = |loader: &String| loader.starts_with("systemd-boot");
        let is_in_use = self.loader.as_ref().is_none_or(is_read);
        let pattern = self.pattern.as_ref().filter(|_| is_in_use);
        let patterns = [self.one_shot.as_ref(), self.chosen.as_ref(), pattern];
        let meant = |pattern: &String| match pattern.as_str() {
            "@saved" => matching(entries, self.last.as_deref()?),
            pattern => matching(entries, pattern),
        };
        patterns.into_iter().flatten().find_map(meant)
    }

    fn by_grub(&self, entries: &[Entry]) -> Option<usize> {
        let is_other = |loader: &String| loader.starts_with("systemd-boot");
        let grub = self.grub.as_ref()?;
        if self.loader.as_ref().is_some_and(is_other) {
            return None;
        }
        if grub.has_blscfg {
            let bls = || (0..).zip(entries).filter(|(_, it)| it.kind == Kind::Bls);
            let found = match grub.default.parse::<usize>() {
                Ok(number) => bls().nth(number),
                Err(_) => bls().find(|(_, it)| it.is_called(&grub.default)),
            };
            if let Some((at, _)) = found {
                return Some(at);
            }
        }
        let id = grub.entry.as_deref()?;
        entries
            .iter()
            .position(|entry| entry.kind == Kind::Grub && entry.id == id)
    }
}

/// The first entry of the specification that matches, among those that its boot loader lists.
fn matching(entries: &[Entry], pattern: &str) -> Option<usize> {
    entries.iter().position(|entry| {
        matches!(entry.kind, Kind::Bls | Kind::Uki)
            && !entry.is_passed_over
            && text::matches(pattern, &entry.id)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(id: &str, kind: Kind) -> Entry {
        Entry {
            id: id.to_owned(),
            kind,
            ..Entry::default()
        }
    }

    fn chosen(sayings: &Sayings) -> &'static str {
        let entries = [
            Entry {
                problem: Some("no kernel".to_owned()),
                ..entry("broken.conf", Kind::Bls)
            },
            entry("new.conf", Kind::Bls),
            entry("old.conf", Kind::Bls),
            entry("image.efi", Kind::Uki),
            entry("gnulinux-simple", Kind::Grub),
        ];
        let names = ["broken", "new", "old", "image", "simple"];
        sayings.choose(&entries).map_or("none", |at| names[at])
    }

    fn some(text: &str) -> Option<String> {
        Some(text.to_owned())
    }

    #[test]
    fn what_is_said_first_counts() {
        let nothing = Sayings::default();
        assert_eq!(chosen(&nothing), "new");
        assert_eq!(nothing.choose(&[]), None);
        let pattern = Sayings {
            pattern: some("o*"),
            ..Sayings::default()
        };
        assert_eq!(chosen(&pattern), "old");
        let owners = Sayings {
            chosen: some("IMAGE.efi"),
            ..pattern.clone()
        };
        assert_eq!(chosen(&owners), "image");
        let once = Sayings {
            one_shot: some("broken.conf"),
            ..owners.clone()
        };
        assert_eq!(chosen(&once), "broken");
        let gone = Sayings {
            one_shot: some("gone.conf"),
            ..owners
        };
        assert_eq!(chosen(&gone), "image");
    }

    #[test]
    fn grubs_default_is_an_entry_of_its_menu_or_of_the_specification() {
        let grub = |default: &str, entry: Option<&str>, has_blscfg| Sayings {
            grub: Some(Grub {
                default: default.to_owned(),
                entry: entry.map(str::to_owned),
                has_blscfg,
            }),
            ..Sayings::default()
        };
        assert_eq!(chosen(&grub("0", Some("gnulinux-simple"), false)), "simple");
        assert_eq!(chosen(&grub("old", None, true)), "old");
        assert_eq!(chosen(&grub("2", None, true)), "old");
        assert_eq!(chosen(&grub("gone", None, true)), "new");
        let under_another = Sayings {
            loader: some("systemd-boot 257"),
            ..grub("0", Some("gnulinux-simple"), false)
        };
        assert_eq!(chosen(&under_another), "new");
    }

    #[test]
    fn the_configuration_of_a_boot_loader_that_is_not_in_use_counts_for_nothing() {
        let pattern = |loader: &str| Sayings {
            loader: some(loader),
            pattern: some("old*"),
            ..Sayings::default()
        };
        assert_eq!(chosen(&pattern("systemd-boot 257")), "old");
        assert_eq!(chosen(&pattern("GRUB 2.12")), "new");
        let saved = Sayings {
            pattern: some("@saved"),
            last: some("old.conf"),
            ..Sayings::default()
        };
        assert_eq!(chosen(&saved), "old");
        let saved = Sayings {
            chosen: some("@saved"),
            pattern: some("image*"),
            ..saved
        };
        assert_eq!(chosen(&saved), "old");
    }
}
