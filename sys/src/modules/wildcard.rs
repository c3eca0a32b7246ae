//! The wildcards of module aliases: `*`, `?` and `[…]`, matched as by fnmatch(3) without flags, which modprobe uses.

/// Whether `pattern` matches all of `text`.
#[must_use]
pub fn matches(pattern: &[u8], text: &[u8]) -> bool {
    let (mut pattern, mut text) = (pattern, text);
    // Where to continue if the rest of the pattern after the last `*` doesn't match: one byte further in the text.
    // Earlier `*` need not be retried, so the time is bounded by the product of the lengths.
    let mut again: Option<(&[u8], &[u8])> = None;
    loop {
        match pattern {
            [b'*', rest @ ..] => {
                pattern = rest;
                again = Some((rest, text));
                continue;
            }
            [] if text.is_empty() => return true,
            _ => {}
        }
        if let (Some(rest), [_, after @ ..]) = (one(pattern, text.first().copied()), text) {
            (pattern, text) = (rest, after);
        } else if let Some((after_star, [_, after @ ..])) = again {
            (pattern, text) = (after_star, after);
            again = Some((after_star, after));
        } else {
            return false;
        }
    }
}

/// The rest of the pattern after its first element has matched one byte.
fn one(pattern: &[u8], byte: Option<u8>) -> Option<&[u8]> {
    let byte = byte?;
    match pattern {
        [b'?', rest @ ..] => Some(rest),
        [b'[', rest @ ..] => set(rest, byte),
        [first, rest @ ..] if *first == byte => Some(rest),
        _ => None,
    }
}

/// `[abc]`, `[a-z]` and `[!a]`, from after the bracket. An unterminated set matches nothing.
fn set(pattern: &[u8], byte: u8) -> Option<&[u8]> {
    let (negated, members) = match pattern {
        [b'!' | b'^', rest @ ..] => (true, rest),
        _ => (false, pattern),
    };
    // A closing bracket at the beginning is a member of the set.
    let end = members.iter().skip(1).position(|b| *b == b']')? + 1;
    let (mut members, rest) = (members.get(..end)?, members.get(end + 1..)?);
    let mut found = false;
    while let [first, after @ ..] = members {
        members = match after {
            [b'-', last, after @ ..] => {
                found |= (*first..=*last).contains(&byte);
                after
            }
            _ => {
                found |= *first == byte;
                after
            }
        };
    }
    (found != negated).then_some(rest)
}

#[cfg(test)]
mod tests {
    use super::matches as bytes_match;

    fn matches(pattern: &str, text: &str) -> bool {
        bytes_match(pattern.as_bytes(), text.as_bytes())
    }

    #[test]
    fn a_star_stands_for_any_bytes_and_a_question_mark_for_one() {
        assert!(matches(
            "pci:v*d*sv*sd*bc01sc08i02*",
            "pci:v00001B36d00000010sv0sd1100bc01sc08i02"
        ));
        assert!(!matches(
            "pci:v*bc01sc06i01*",
            "pci:v00001B36d00000010bc01sc08i02"
        ));
        assert!(matches("a?c", "abc"));
        assert!(!matches("a?c", "ac"));
        assert!(matches("*", ""));
        assert!(matches("a**b*", "ab"));
        assert!(!matches("", "a"));
        assert!(!matches("ab", "a"));
    }

    #[test]
    fn the_last_star_takes_as_much_as_it_must() {
        assert!(matches("*ab", "aab"));
        assert!(matches("a*b*c", "a1b2b3c"));
        assert!(!matches("a*b*c", "a1c2b"));
    }

    #[test]
    fn a_set_is_of_bytes_and_ranges_and_may_be_turned_round() {
        assert!(matches("usb:v*p*d*dc[0-9A-F]i", "usb:v1p2d3dcBi"));
        assert!(!matches("x[0-9]", "xa"));
        assert!(matches("x[!0-9]", "xa"));
        assert!(matches("x[]a]", "x]"));
        assert!(matches("x[a-]", "x-"));
        assert!(!matches("x[ab", "xa"), "it never ends");
        assert!(!matches("x[", "x["));
    }

    #[test]
    fn many_stars_take_no_longer_than_a_product() {
        let text = "a".repeat(20_000);
        assert!(!matches(&("*a".repeat(200) + "b"), &text));
    }
}
