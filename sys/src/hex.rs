//! Bytes in hexadecimal, two digits each, as digests and key identifiers are written everywhere.

/// In lower case.
#[must_use]
pub fn encode(bytes: impl AsRef<[u8]>) -> String {
    bytes.as_ref().iter().map(|b| format!("{b:02x}")).collect()
}

/// The bytes, in digits of either case; `None` if anything else is in it, or half a byte.
#[must_use]
pub fn decode(text: &str) -> Option<Vec<u8>> {
    let digit = |digit: u8| char::from(digit).to_digit(16);
    let pairs = text.as_bytes().chunks(2);
    pairs
        .map(|pair| match pair {
            [high, low] => u8::try_from(digit(*high)? << 4 | digit(*low)?).ok(),
            _ => None,
        })
        .collect()
}

/// As [`decode`], of a digest.
#[must_use]
pub fn decode_digest(text: &str) -> Option<[u8; 32]> {
    decode(text)?.try_into().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_come_back_as_they_were() {
        let all: Vec<u8> = (0..=255).collect();
        assert_eq!(encode([0, 0x0a, 0xff]), "000aff");
        assert_eq!(decode(&encode(&all)), Some(all.clone()));
        assert_eq!(decode(&encode(&all).to_uppercase()), Some(all));
        assert_eq!(decode(""), Some(Vec::new()));
    }

    #[test]
    fn what_is_no_hexadecimal_is_refused() {
        for text in ["0", "0g", "-1", "+1", "000", "00 0", "ä0"] {
            assert_eq!(decode(text), None, "{text}");
        }
        assert_eq!(decode_digest(&"ab".repeat(32)), Some([0xab; 32]));
        assert_eq!(decode_digest(&"ab".repeat(31)), None);
    }
}
