//! Which entry this machine boots by default.

use super::once::Once;
use super::text;
use super::{Entry, Kind};

/// What the IDs of entries begin with that systemd-boot finds without a file: of Windows, the firmware's setup, and more.
const FOUND_BY_ITSELF: &str = "auto-";

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
    /// GRUB's, unless another is known to be in use: the position of an entry, if its menu has any, or why it can't be told.
    pub grub: Option<Result<Option<usize>, String>>,
    /// What GRUB is to boot next and only then (`next_entry` of grubenv), where its menu says so.
    pub next_entry: Option<String>,
}

/// What is chosen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Choice {
    /// The entry's position.
    pub at: usize,
    /// Whether it is for the next boot only.
    pub once: Option<Once>,
}

impl Sayings {
    /// The default among the entries, which are in order; `None` if nothing can be booted.
    ///
    /// # Errors
    /// Why it can't be told.
    pub fn choose(&self, entries: &[Entry]) -> Result<Option<Choice>, String> {
        if let Some(choice) = self.by_systemd_boot(entries)? {
            return Ok(Some(choice));
        }
        if let Some(choice) = self.by_grub()? {
            return Ok(Some(choice));
        }
        let at = entries.iter().position(|entry| entry.problem.is_none());
        Ok(at.map(|at| Choice { at, once: None }))
    }

    fn is_by(&self, loader: &str) -> bool {
        self.loader
            .as_ref()
            .is_some_and(|it| it.starts_with(loader))
    }

    /// Variables and loader.conf hold patterns. GRUB reads neither; loader.conf is systemd-boot's: where another boot
    /// loader calls itself otherwise, it counts for nothing.
    fn by_systemd_boot(&self, entries: &[Entry]) -> Result<Option<Choice>, String> {
        if self.is_by("GRUB") {
            return Ok(None);
        }
        if let Some(value) = &self.one_shot {
            let once = Once::LoaderEntryOneShot(value.clone());
            let at = self.meant(entries, value).ok_or_else(|| {
                format!("{once}, which is no entry that is known here; restart through the firmware for it (`baton exec --real-reboot`)")
            })?;
            let once = Some(once);
            return Ok(Some(Choice { at, once }));
        }
        let is_in_use = self.loader.is_none() || self.is_by("systemd-boot");
        let pattern = self.pattern.as_ref().filter(|_| is_in_use);
        for pattern in [self.chosen.as_ref(), pattern].into_iter().flatten() {
            let at = self.meant(entries, pattern);
            if at.is_none() && pattern.starts_with(FOUND_BY_ITSELF) {
                return Err(format!(
                    "it is {pattern}, which systemd-boot finds by itself, and which isn't known here"
                ));
            }
            if let Some(at) = at {
                return Ok(Some(Choice { at, once: None }));
            }
        }
        Ok(None)
    }

    fn meant(&self, entries: &[Entry], pattern: &str) -> Option<usize> {
        match pattern {
            "@saved" => matching(entries, self.last.as_deref()?),
            pattern => matching(entries, pattern),
        }
    }

    fn by_grub(&self) -> Result<Option<Choice>, String> {
        match &self.grub {
            None => Ok(None),
            Some(Err(why)) => Err(why.clone()),
            Some(Ok(at)) => Ok(at.map(|at| Choice {
                at,
                once: self.next_entry.clone().map(Once::NextEntry),
            })),
        }
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

    const NAMES: [&str; 5] = ["broken", "new", "old", "image", "simple"];

    fn choice(sayings: &Sayings) -> Result<(&'static str, Option<Once>), String> {
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
        let choice = sayings.choose(&entries)?.unwrap();
        Ok((NAMES[choice.at], choice.once))
    }

    fn chosen(sayings: &Sayings) -> &'static str {
        choice(sayings).unwrap().0
    }

    fn some(text: &str) -> Option<String> {
        Some(text.to_owned())
    }

    #[test]
    fn what_is_said_first_counts() {
        let nothing = Sayings::default();
        assert_eq!(chosen(&nothing), "new");
        assert_eq!(nothing.choose(&[]), Ok(None));
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
        let value = Once::LoaderEntryOneShot("broken.conf".to_owned());
        assert_eq!(choice(&once), Ok(("broken", Some(value))));
        let gone = Sayings {
            chosen: some("gone.conf"),
            ..owners
        };
        assert_eq!(choice(&gone), Ok(("old", None)));
    }

    #[test]
    fn what_only_systemd_boot_can_start_is_not_replaced_by_something_else() {
        let sayings = |one_shot, chosen| Sayings {
            one_shot,
            chosen,
            pattern: some("old*"),
            ..Sayings::default()
        };
        for (sayings, words) in [
            (sayings(some("auto-windows"), None), "\"auto-windows\""),
            (
                sayings(some("gone.conf"), None),
                "no entry that is known here",
            ),
            (
                sayings(None, some("auto-osx")),
                "systemd-boot finds by itself",
            ),
        ] {
            let why = choice(&sayings).unwrap_err();
            assert!(why.contains(words), "{why}");
        }
    }

    #[test]
    fn grubs_default_counts_where_it_has_a_menu_and_alone_where_it_is_in_use() {
        let grub = Sayings {
            grub: Some(Ok(Some(4))),
            ..Sayings::default()
        };
        assert_eq!(chosen(&grub), "simple");
        let once = Sayings {
            next_entry: some("1>2"),
            ..grub.clone()
        };
        let value = Once::NextEntry("1>2".to_owned());
        assert_eq!(choice(&once), Ok(("simple", Some(value))));
        let not_known = Sayings {
            grub: Some(Err("conditions".to_owned())),
            ..Sayings::default()
        };
        assert_eq!(choice(&not_known), Err("conditions".to_owned()));
        // What another boot loader left behind.
        let under_grub = Sayings {
            loader: some("GRUB 2.12"),
            one_shot: some("old.conf"),
            chosen: some("old.conf"),
            pattern: some("old*"),
            ..grub
        };
        assert_eq!(choice(&under_grub), Ok(("simple", None)));
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
        assert_eq!(chosen(&pattern("rEFInd 0.14")), "new");
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
