//! What entries' files have in common: patterns, and the texts of `os-release`.

/// The longest text that is read of a boot loader's configuration, in bytes.
pub const MAX_TEXT: usize = 4 << 20;

/// A text without its ending, whether in capitals or not: names on a FAT file system may be in either.
#[must_use]
pub fn strip_suffix_ignoring_case<'t>(text: &'t str, suffix: &str) -> Option<&'t str> {
    let (stem, end) = text.split_at_checked(text.len().checked_sub(suffix.len())?)?;
    end.eq_ignore_ascii_case(suffix).then_some(stem)
}

/// Whether an ID matches a pattern of loader.conf's `default`: fnmatch(3) with `*`, `?` and sets in brackets. Capitals
/// don't matter.
#[must_use]
pub fn matches(pattern: &str, id: &str) -> bool {
    let lower = |text: &str| text.to_ascii_lowercase().chars().collect::<Vec<_>>();
    glob(&lower(pattern), &lower(id))
}

/// Goes back to the last star alone, so that the work is bounded by the product of the lengths.
fn glob(pattern: &[char], text: &[char]) -> bool {
    let (mut p, mut t) = (0, 0);
    let mut star = None;
    while t < text.len() {
        match pattern.get(p) {
            Some('*') => {
                star = Some((p, t));
                p += 1;
                continue;
            }
            Some(_) => {
                if let Some(len) = one(pattern.get(p..).unwrap_or_default(), text.get(t)) {
                    p += len;
                    t += 1;
                    continue;
                }
            }
            None => {}
        }
        let Some((at, from)) = star else { return false };
        star = Some((at, from + 1));
        (p, t) = (at + 1, from + 1);
    }
    pattern
        .get(p..)
        .unwrap_or_default()
        .iter()
        .all(|c| *c == '*')
}

/// How long the part of the pattern is that matches the character; `None` if it doesn't.
fn one(pattern: &[char], c: Option<&char>) -> Option<usize> {
    match pattern {
        ['?', ..] => Some(1),
        ['[', rest @ ..] => {
            let len = rest.iter().skip(1).position(|it| *it == ']')? + 1;
            let set = rest.get(..len)?;
            let (negated, set) = match set {
                ['!' | '^', set @ ..] => (true, set),
                set => (false, set),
            };
            let is_in = set
                .windows(3)
                .any(|it| matches!(it, [from, '-', to] if c.is_some_and(|c| from <= c && c <= to)))
                || c.is_some_and(|c| set.contains(c));
            (is_in != negated).then_some(len + 2)
        }
        [first, ..] if Some(first) == c => Some(1),
        _ => None,
    }
}

/// The value of a line `NAME=VALUE` of a text like `os-release`, without quotes (os-release(5)).
#[must_use]
pub fn os_release<'t>(text: &'t str, name: &str) -> Option<&'t str> {
    let value = text
        .lines()
        .find_map(|line| line.trim().strip_prefix(name)?.strip_prefix('='))?;
    let quoted = |quote| value.strip_prefix(quote)?.strip_suffix(quote);
    let value = quoted('"').or_else(|| quoted('\'')).unwrap_or(value);
    Some(value).filter(|it| !it.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_match_as_fnmatch_does() {
        for (pattern, id, is_match) in [
            ("", "", true),
            ("*", "anything", true),
            ("debian-*", "Debian-6.1.conf", true),
            ("debian-*.conf", "debian-6.1.efi", false),
            ("a?c", "abc", true),
            ("a?c", "ac", false),
            ("[a-c]x", "bx", true),
            ("[!a-c]x", "bx", false),
            ("[", "[", false),
            ("*a*b*", "xxaxxbxx", true),
            ("*a*b", "xxaxxbxx", false),
            ("abc", "abcd", false),
        ] {
            assert_eq!(matches(pattern, id), is_match, "{pattern} {id}");
        }
        // Would take years by trying all divisions.
        assert!(!matches(&"*a".repeat(40), &"a".repeat(39)));
    }

    #[test]
    fn values_of_os_release_have_no_quotes() {
        let text = "ID=debian\nPRETTY_NAME=\"Debian GNU/Linux 13 (trixie)\"\nVERSION_ID=''\nX=a\"";
        assert_eq!(os_release(text, "ID"), Some("debian"));
        assert_eq!(
            os_release(text, "PRETTY_NAME"),
            Some("Debian GNU/Linux 13 (trixie)")
        );
        assert_eq!(os_release(text, "VERSION_ID"), None);
        assert_eq!(os_release(text, "VERSION"), None);
        assert_eq!(os_release(text, "X"), Some("a\""));
    }
}
