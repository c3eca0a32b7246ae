//! In which order boot loaders list entries, and so which one is the newest.
//!
//! Sources: the UAPI Group's "Boot Loader Specification" (UAPI.1, "Sorting") and "Version Format Specification"
//! (UAPI.10).

use std::cmp::Ordering;

/// What an entry's place is determined by, besides its ID.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Rank {
    /// How many more times the boot loader tries it; `None` if that isn't counted.
    pub tries_left: Option<u32>,
    /// Groups entries; those without one come last.
    pub sort_key: Option<String>,
    /// The installation that it belongs to.
    pub machine_id: Option<String>,
    /// What is compared within a group, newest first.
    pub version: Option<String>,
    /// The number of a UKI's profile.
    pub profile: u32,
}

/// The order of two entries, each with its ID.
#[must_use]
pub fn compare(a: (&Rank, &str), b: (&Rank, &str)) -> Ordering {
    let ((a, a_id), (b, b_id)) = (a, b);
    let is_bad = |rank: &Rank| rank.tries_left == Some(0);
    is_bad(a)
        .cmp(&is_bad(b))
        .then_with(|| a.sort_key.is_none().cmp(&b.sort_key.is_none()))
        .then_with(|| match (&a.sort_key, &b.sort_key) {
            (Some(a_key), Some(b_key)) => a_key
                .cmp(b_key)
                .then_with(|| a.machine_id.cmp(&b.machine_id))
                .then_with(|| newest_first(a.version.as_deref(), b.version.as_deref())),
            _ => Ordering::Equal,
        })
        .then_with(|| newest_first(Some(without_profile(a_id)), Some(without_profile(b_id))))
        .then_with(|| a.profile.cmp(&b.profile))
        .then_with(|| a_id.cmp(b_id))
}

fn without_profile(id: &str) -> &str {
    id.rsplit_once('@').map_or(id, |(before, _)| before)
}

fn newest_first(a: Option<&str>, b: Option<&str>) -> Ordering {
    match (a, b) {
        (Some(a), Some(b)) => compare_versions(b, a),
        _ => b.is_some().cmp(&a.is_some()),
    }
}

/// Characters besides letters and digits that mean something, in the order in which they are looked at: what has one of
/// the first three where the other has none is older, for `.` likewise.
const MARKS: [u8; 3] = [b'-', b'^', b'.'];

/// Compares two versions: the older one is less.
#[must_use]
pub fn compare_versions(a: &str, b: &str) -> Ordering {
    let (mut a, mut b) = (a.as_bytes(), b.as_bytes());
    loop {
        a = skip(a, |c| !is_valid(c));
        b = skip(b, |c| !is_valid(c));
        match mark(&mut a, &mut b, b'~') {
            Mark::Differs(order) => return order,
            Mark::Both => continue,
            Mark::None => {}
        }
        if a.is_empty() || b.is_empty() {
            return a.len().min(1).cmp(&b.len().min(1));
        }
        let mut was_mark = false;
        for wanted in MARKS {
            match mark(&mut a, &mut b, wanted) {
                Mark::Differs(order) => return order,
                Mark::Both => {
                    was_mark = true;
                    break;
                }
                Mark::None => {}
            }
        }
        if was_mark {
            continue;
        }
        let order = if starts_with_digit(a) || starts_with_digit(b) {
            let (a_digits, b_digits) = (take(&mut a, is_digit), take(&mut b, is_digit));
            compare_numbers(a_digits, b_digits)
        } else {
            let (a_letters, b_letters) = (take(&mut a, is_letter), take(&mut b, is_letter));
            a_letters.cmp(b_letters)
        };
        if order != Ordering::Equal {
            return order;
        }
    }
}

enum Mark {
    None,
    Both,
    Differs(Ordering),
}

/// Removes a mark that both begin with; one that begins with it alone is less.
fn mark(a: &mut &[u8], b: &mut &[u8], wanted: u8) -> Mark {
    match (a.first() == Some(&wanted), b.first() == Some(&wanted)) {
        (false, false) => Mark::None,
        (true, true) => {
            *a = a.get(1..).unwrap_or_default();
            *b = b.get(1..).unwrap_or_default();
            Mark::Both
        }
        (in_a, in_b) => Mark::Differs(in_b.cmp(&in_a)),
    }
}

/// An empty sequence is less than any number: a letter stands there.
fn compare_numbers(a: &[u8], b: &[u8]) -> Ordering {
    let (a_value, b_value) = (skip(a, |c| c == b'0'), skip(b, |c| c == b'0'));
    let is_there = |digits: &[u8]| !digits.is_empty();
    is_there(a)
        .cmp(&is_there(b))
        .then_with(|| a_value.len().cmp(&b_value.len()))
        .then_with(|| a_value.cmp(b_value))
}

fn starts_with_digit(text: &[u8]) -> bool {
    text.first().copied().is_some_and(is_digit)
}

fn is_digit(c: u8) -> bool {
    c.is_ascii_digit()
}

fn is_letter(c: u8) -> bool {
    c.is_ascii_alphabetic()
}

fn is_valid(c: u8) -> bool {
    c.is_ascii_alphanumeric() || c == b'~' || MARKS.contains(&c)
}

fn skip(text: &[u8], unwanted: impl Fn(u8) -> bool) -> &[u8] {
    let at = text.iter().position(|c| !unwanted(*c));
    at.and_then(|at| text.get(at..)).unwrap_or_default()
}

/// The longest prefix of wanted characters, which is removed.
fn take<'t>(text: &mut &'t [u8], wanted: impl Fn(u8) -> bool) -> &'t [u8] {
    let len = text.iter().take_while(|c| wanted(**c)).count();
    let (taken, rest) = text.split_at_checked(len).unwrap_or_default();
    *text = rest;
    taken
}

#[cfg(test)]
mod tests {
    use super::*;

    /// From old to new, after the examples of the Version Format Specification.
    #[test]
    fn versions_are_ordered_from_old_to_new() {
        for rising in [
            &["~1", "", "1"][..],
            &["1_2", "1_3"],
            &[
                "123~rc1-1",
                "123",
                "123-a",
                "123-a.1",
                "123-1",
                "123-1.1",
                "123^post1",
                "123.a-1",
                "123.1-1",
                "123a-1",
                "124-1",
            ],
            &["6.1.0-9-amd64", "6.1.0-13-amd64", "6.10.0-1-amd64"],
            &[
                "6.5.6-300.fc39.x86_64",
                "6.5.12-300.fc39.x86_64",
                "6.6.0-0.rc1.fc40.x86_64",
            ],
            &["1.0", "1.1", "1.10", "1a"],
        ] {
            for pair in rising.windows(2) {
                let [old, new] = pair else { unreachable!() };
                assert_eq!(compare_versions(old, new), Ordering::Less, "{old} {new}");
                assert_eq!(compare_versions(new, old), Ordering::Greater, "{old} {new}");
                assert_eq!(compare_versions(old, old), Ordering::Equal);
            }
        }
        assert_eq!(compare_versions("00123", "123"), Ordering::Equal);
        assert_eq!(compare_versions("1_2_3", "1.3.3"), Ordering::Greater);
    }

    #[test]
    fn an_order_of_versions_is_one() {
        let all = [
            "", "~", "a", "1", "1~", "1-", "1.", "1^", "01", "1a", "a1", "é1", "10", "1-1", ".",
        ];
        for a in all {
            for b in all {
                assert_eq!(compare_versions(a, b), compare_versions(b, a).reverse());
                for c in all {
                    let is_less = |x, y| compare_versions(x, y) == Ordering::Less;
                    assert!(
                        !(is_less(a, b) && is_less(b, c)) || is_less(a, c),
                        "{a} {b} {c}"
                    );
                }
            }
        }
    }

    #[test]
    fn entries_are_ordered_as_the_specification_says() {
        let rank = |sort_key: Option<&str>, version: &str, tries_left| Rank {
            tries_left,
            sort_key: sort_key.map(str::to_owned),
            version: Some(version.to_owned()),
            ..Rank::default()
        };
        let mut entries = [
            (rank(None, "9", None), "b-9.conf"),
            (rank(Some("fedora"), "6.5", None), "x.conf"),
            (rank(Some("fedora"), "6.10", Some(0)), "bad.conf"),
            (rank(Some("debian"), "1", Some(2)), "d.conf"),
            (rank(None, "1", None), "b-10.conf"),
            (rank(Some("fedora"), "6.10", None), "w.conf"),
        ];
        entries.sort_by(|a, b| compare((&a.0, a.1), (&b.0, b.1)));
        let ids: Vec<_> = entries.iter().map(|it| it.1).collect();
        assert_eq!(
            ids,
            [
                "d.conf",
                "w.conf",
                "x.conf",
                "b-10.conf",
                "b-9.conf",
                "bad.conf"
            ]
        );
    }
}
