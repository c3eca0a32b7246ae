//! DER (ITU-T X.690), element by element: for what is shown of a certificate and decides nothing. What trust depends on
//! is read by `baton_verify`.

/// An element: its tag, its contents, and all its bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Element<'a> {
    /// The identifier octet.
    pub tag: u8,
    /// The contents.
    pub value: &'a [u8],
    /// All of its bytes.
    pub raw: &'a [u8],
}

impl<'a> Element<'a> {
    /// The elements inside.
    #[must_use]
    pub fn inside(&self) -> Elements<'a> {
        Elements(self.value)
    }
}

/// The elements that bytes consist of, up to the first that is malformed.
#[derive(Debug, Clone, Copy)]
pub struct Elements<'a>(pub &'a [u8]);

impl<'a> Elements<'a> {
    /// The next element if it has this tag.
    pub fn with_tag(&mut self, tag: u8) -> Option<Element<'a>> {
        self.next().filter(|element| element.tag == tag)
    }

    /// The next element if it has this tag; otherwise it stays the next.
    pub fn optional(&mut self, tag: u8) -> Option<Element<'a>> {
        let mut ahead = *self;
        let found = ahead.with_tag(tag)?;
        *self = ahead;
        Some(found)
    }
}

impl<'a> Iterator for Elements<'a> {
    type Item = Element<'a>;

    fn next(&mut self) -> Option<Element<'a>> {
        let (&[tag, first], rest) = self.0.split_first_chunk()?;
        let (length, rest) = match first {
            0..=0x7f => (usize::from(first), rest),
            0x81..=0x84 => {
                let (octets, rest) = rest.split_at_checked(usize::from(first & 0x7f))?;
                let length = octets
                    .iter()
                    .fold(0, |n, octet| n << 8 | usize::from(*octet));
                (length, rest)
            }
            _ => return None,
        };
        let (value, after) = rest.split_at_checked(length)?;
        let raw = self.0.get(..self.0.len() - after.len())?;
        self.0 = after;
        Some(Element { tag, value, raw })
    }
}

/// An object identifier in dots (X.690, 8.19).
#[must_use]
pub fn dotted(oid: &[u8]) -> String {
    let mut numbers: Vec<u64> = Vec::new();
    let mut number = 0_u64;
    for octet in oid {
        number = number << 7 | u64::from(octet & 0x7f);
        if octet & 0x80 == 0 {
            numbers.push(number);
            number = 0;
        }
    }
    let (first, rest) = match numbers.split_first() {
        Some((first, rest)) => (*first, rest),
        None => return String::new(),
    };
    let root = (first / 40).min(2);
    let mut text = format!("{root}.{}", first - 40 * root);
    for number in rest {
        text.push_str(&format!(".{number}"));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::encode::der::element;

    #[test]
    fn elements_are_read_as_they_are_written() {
        for len in [0, 1, 127, 128, 255, 256, 70_000] {
            let value = vec![7; len];
            let bytes = [element(4, &[&value]), element(0x30, &[])].concat();
            let mut elements = Elements(&bytes);
            assert_eq!(elements.optional(0x30), None);
            assert_eq!(elements.with_tag(4).unwrap().value, value);
            assert!(elements.next().unwrap().inside().next().is_none());
            assert!(elements.next().is_none());
        }
    }

    #[test]
    fn what_is_cut_off_is_no_element() {
        let bytes = element(4, &[&[7; 300]]);
        for len in 0..bytes.len() {
            assert_eq!(Elements(&bytes[..len]).next(), None, "{len}");
        }
    }

    #[test]
    fn identifiers_are_written_in_dots() {
        assert_eq!(dotted(&[0x2b, 6, 1, 5, 5, 7, 3, 3]), "1.3.6.1.5.5.7.3.3");
        assert_eq!(dotted(&[0x55, 0x1d, 0x25]), "2.5.29.37");
        assert_eq!(
            dotted(baton_verify::der::oid::SHA256),
            "2.16.840.1.101.3.4.2.1"
        );
        assert_eq!(dotted(&[]), "");
    }
}
