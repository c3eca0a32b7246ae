//! Writing DER (ITU-T X.690), as much as an Authenticode signature needs.

/// Universal and context tags used here, named as in X.680.
#[allow(missing_docs)] // the names say it
pub mod tag {
    pub const INTEGER: u8 = 0x02;
    pub const BIT_STRING: u8 = 0x03;
    pub const OCTET_STRING: u8 = 0x04;
    pub const NULL: u8 = 0x05;
    pub const OID: u8 = 0x06;
    pub const SEQUENCE: u8 = 0x30;
    pub const SET: u8 = 0x31;

    /// `[n]`, primitive.
    pub const fn context(n: u8) -> u8 {
        0x80 | n
    }

    /// `[n]`, constructed.
    pub const fn constructed(n: u8) -> u8 {
        0xa0 | n
    }
}

/// One element: a tag, the length in its shortest form, and the parts one after another.
#[must_use]
pub fn element(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
    let len: usize = parts.iter().map(|p| p.len()).sum();
    let mut out = Vec::with_capacity(len + 6);
    out.push(tag);
    match u8::try_from(len) {
        Ok(short) if short < 0x80 => out.push(short),
        _ => {
            let bytes = len.to_be_bytes();
            let significant = bytes.iter().skip_while(|b| **b == 0).copied();
            let significant: Vec<u8> = significant.collect();
            // A length has at most 8 bytes.
            #[allow(clippy::cast_possible_truncation)]
            out.push(0x80 | significant.len() as u8);
            out.extend(significant);
        }
    }
    for part in parts {
        out.extend_from_slice(part);
    }
    out
}

/// `SEQUENCE` of the parts.
#[must_use]
pub fn sequence(parts: &[&[u8]]) -> Vec<u8> {
    element(tag::SEQUENCE, parts)
}

/// An object identifier from its content bytes.
#[must_use]
pub fn oid(content: &[u8]) -> Vec<u8> {
    element(tag::OID, &[content])
}

/// `AlgorithmIdentifier` whose parameters are NULL.
#[must_use]
pub fn algorithm_with_null(content: &[u8]) -> Vec<u8> {
    sequence(&[&oid(content), &[tag::NULL, 0]])
}

/// `AlgorithmIdentifier` without parameters.
#[must_use]
pub fn algorithm(content: &[u8]) -> Vec<u8> {
    sequence(&[&oid(content)])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_take_the_shortest_form() {
        assert_eq!(element(4, &[&[0; 127]])[..2], [4, 0x7f]);
        assert_eq!(element(4, &[&[0; 128]])[..3], [4, 0x81, 0x80]);
        assert_eq!(element(4, &[&[0; 256]])[..4], [4, 0x82, 1, 0]);
        assert_eq!(element(4, &[&[0; 65536]])[..5], [4, 0x83, 1, 0, 0]);
    }

    #[test]
    fn parts_follow_one_another() {
        assert_eq!(sequence(&[&[1, 2], &[], &[3]]), [0x30, 3, 1, 2, 3]);
    }
}
