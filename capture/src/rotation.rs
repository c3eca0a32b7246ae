//! Decides which dumps of a directory are removed. The directory target removes them.

use crate::name::Name;

/// An existing dump.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct OldDump {
    /// The name of the dump's directory.
    pub name: Name,
    /// Whether the dump is complete.
    pub complete: bool,
}

/// The dumps to remove once a new one is complete, the oldest first, so that `keep` complete dumps remain,
/// including the new one. An incomplete dump is removed once enough newer dumps are complete; while there
/// are too few complete dumps, the newest incomplete ones fill the remaining places.
#[must_use]
pub fn superseded(old: &[OldDump], keep: usize) -> Vec<Name> {
    let others = keep.saturating_sub(1);
    let complete = newest_first(old, true);
    let broken = newest_first(old, false);
    let oldest_kept = match others {
        0 => None,
        _ => complete.get(others - 1),
    };
    let stays = |it: &OldDump| match oldest_kept {
        Some(kept) => it.name >= kept.name,
        None if others == 0 => false,
        None if it.complete => true,
        None => broken.iter().take(keep).any(|newest| newest == it),
    };
    let mut gone: Vec<Name> = old
        .iter()
        .filter(|it| !stays(it))
        .map(|it| it.name)
        .collect();
    gone.sort();
    gone
}

/// What is removed once a log without a dump is saved, so that `keep` logs and incomplete dumps remain, including the new
/// one. No complete dump goes for a log.
#[must_use]
pub fn superseded_by_log(old: &[OldDump], keep: usize) -> Vec<Name> {
    let logs = newest_first(old, false).into_iter();
    let mut gone: Vec<Name> = logs
        .skip(keep.saturating_sub(1))
        .map(|it| it.name)
        .collect();
    gone.sort();
    gone
}

/// The dumps that may be removed before the new one is written if there is too little room for it, the oldest
/// first: those that would be removed afterwards anyway, except the newest dump and the newest complete one.
#[must_use]
pub fn expendable(old: &[OldDump], keep: usize) -> Vec<Name> {
    let newest = old.iter().map(|it| it.name).max();
    let newest_complete = newest_first(old, true).first().map(|it| it.name);
    let mut gone = superseded(old, keep);
    gone.retain(|name| Some(*name) != newest && Some(*name) != newest_complete);
    gone
}

fn newest_first(old: &[OldDump], complete: bool) -> Vec<OldDump> {
    let mut some: Vec<OldDump> = old
        .iter()
        .copied()
        .filter(|it| it.complete == complete)
        .collect();
    some.sort_by(|a, b| b.cmp(a));
    some
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Dumps of the seconds 1, 2…: `c` complete, `i` incomplete.
    fn dumps(text: &str) -> Vec<OldDump> {
        let all = text.chars().zip(1..).map(|(kind, second)| OldDump {
            name: Name::of(second),
            complete: kind == 'c',
        });
        all.collect()
    }

    fn names(seconds: &[u64]) -> Vec<Name> {
        seconds.iter().map(|it| Name::of(*it)).collect()
    }

    #[test]
    fn the_newest_complete_dumps_stay_with_the_new_one() {
        for (old, keep, gone) in [
            ("", 1, &[][..]),
            ("ccc", 1, &[1, 2, 3]),
            ("ccc", 2, &[1, 2]),
            ("ccc", 3, &[1]),
            ("ccc", 4, &[]),
            ("ccc", usize::MAX, &[]),
        ] {
            assert_eq!(superseded(&dumps(old), keep), names(gone), "{old} {keep}");
        }
    }

    #[test]
    fn an_incomplete_dump_goes_when_enough_complete_ones_are_newer() {
        for (old, keep, gone) in [
            ("i", 1, &[1][..]),
            ("ci", 2, &[]),
            ("ic", 2, &[1]),
            ("icic", 3, &[1]),
            ("icici", 2, &[1, 2, 3]),
        ] {
            assert_eq!(superseded(&dumps(old), keep), names(gone), "{old} {keep}");
        }
    }

    #[test]
    fn incomplete_dumps_do_not_pile_up() {
        assert_eq!(superseded(&dumps("iiiiic"), 3), names(&[1, 2]));
        assert_eq!(superseded(&dumps("iiiii"), 3), names(&[1, 2]));
    }

    #[test]
    fn a_complete_dump_never_goes_for_incomplete_ones() {
        assert_eq!(superseded(&dumps("ciiiii"), 3), names(&[2, 3]));
    }

    #[test]
    fn a_log_takes_the_place_of_logs_and_never_of_a_complete_dump() {
        for (old, keep, gone) in [
            ("ccc", 1, &[][..]),
            ("cic", 1, &[2]),
            ("iii", 2, &[1, 2]),
            ("cii", 3, &[]),
        ] {
            let names = names(gone);
            assert_eq!(superseded_by_log(&dumps(old), keep), names, "{old} {keep}");
        }
    }

    #[test]
    fn the_order_of_the_list_does_not_matter() {
        let mut old = dumps("cicci");
        let gone = superseded(&old, 2);
        old.reverse();
        assert_eq!(superseded(&old, 2), gone);
    }

    #[test]
    fn before_the_new_dump_is_complete_the_newest_ones_stay() {
        for (old, keep, gone) in [
            ("c", 1, &[][..]),
            ("cc", 1, &[1]),
            ("cci", 1, &[1]),
            ("ccc", 2, &[1, 2]),
            ("ccc", 3, &[1]),
            ("ccc", 4, &[]),
            ("i", 1, &[]),
        ] {
            assert_eq!(expendable(&dumps(old), keep), names(gone), "{old} {keep}");
        }
    }
}
