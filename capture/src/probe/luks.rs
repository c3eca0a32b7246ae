//! The header of an encrypted volume (LUKS On-Disk Format Specification 1.2.3, section 2.1, and LUKS2 On-Disk Format
//! Specification 1.1.1, section 2.2): both versions begin with the same magic and have the identifier at the same place.

use super::{array, bytes};
use baton_kdump::Source;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::io;

/// What both versions begin with.
pub const MAGIC: [u8; 6] = *b"LUKS\xba\xbe";

/// The offsets of the version, big-endian, and of the identifier, a text of at most 40 bytes that ends with a zero byte.
const VERSION: usize = 6;
const ID: usize = 168;
const ID_SIZE: usize = 40;

/// The identifier of an encrypted volume: a UUID. Every `cryptsetup luksFormat` makes another one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct LuksId(String);

/// A text isn't such an identifier.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no UUID of a LUKS volume, such as 5f1d9a3c-0c1e-4f5c-9d55-000000000003")]
pub struct NotALuksId(String);

impl LuksId {
    /// The identifier, in small letters.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for LuksId {
    type Error = NotALuksId;

    fn try_from(text: String) -> Result<LuksId, NotALuksId> {
        let is_right = |(at, byte): (usize, u8)| match at {
            8 | 13 | 18 | 23 => byte == b'-',
            _ => byte.is_ascii_hexdigit(),
        };
        if text.len() == 36 && text.bytes().enumerate().all(is_right) {
            Ok(LuksId(text.to_ascii_lowercase()))
        } else {
            Err(NotALuksId(text))
        }
    }
}

impl From<LuksId> for String {
    fn from(id: LuksId) -> String {
        id.0
    }
}

impl fmt::Display for LuksId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The identifier in the header at a device's beginning; `None` if there is no header of a known version.
///
/// # Errors
/// When the device gives no answer.
pub fn id(source: &dyn Source) -> io::Result<Option<LuksId>> {
    let header = bytes(source, 0)?;
    Ok(header.and_then(id_in))
}

fn id_in(header: [u8; ID + ID_SIZE]) -> Option<LuksId> {
    let version = u16::from_be_bytes(array(&header, VERSION)?);
    (header.starts_with(&MAGIC) && matches!(version, 1 | 2)).then_some(())?;
    let text: [u8; ID_SIZE] = array(&header, ID)?;
    let end = text.iter().position(|byte| *byte == 0)?;
    let text = String::from_utf8(text.get(..end)?.to_vec()).ok()?;
    LuksId::try_from(text).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As cryptsetup 2.6.1 wrote them.
    const HEADERS: [(&[u8], &str); 2] = [
        (
            include_bytes!("../../../fuzz/corpus/superblock/luks1"),
            "5f1d9a3c-0c1e-4f5c-9d55-000000000001",
        ),
        (
            include_bytes!("../../../fuzz/corpus/superblock/luks2"),
            "5f1d9a3c-0c1e-4f5c-9d55-000000000002",
        ),
    ];

    #[test]
    fn the_identifier_is_read_of_both_versions_and_of_nothing_that_is_cut_off() {
        for (header, expected) in HEADERS {
            let found = id(&header.to_vec()).unwrap();
            assert_eq!(found.unwrap().as_str(), expected);
            for length in 0..ID + ID_SIZE {
                assert_eq!(id(&header[..length].to_vec()).unwrap(), None, "{length}");
            }
        }
    }

    #[test]
    fn a_header_without_its_magic_version_or_identifier_has_none() {
        for at in [0, 5, VERSION, VERSION + 1, ID, ID + 8, ID + 36] {
            let mut header = HEADERS[1].0.to_vec();
            header[at] ^= 0x40;
            assert_eq!(id(&header).unwrap(), None, "{at}");
        }
        let mut endless = HEADERS[1].0.to_vec();
        endless[ID + 36..ID + ID_SIZE].fill(b'0');
        assert_eq!(id(&endless).unwrap(), None);
    }

    #[test]
    fn an_identifier_is_a_uuid_in_whatever_letters() {
        let id = |text: &str| LuksId::try_from(text.to_owned());
        let large = id("5F1D9A3C-0C1E-4F5C-9D55-00000000000A").unwrap();
        assert_eq!(String::from(large), "5f1d9a3c-0c1e-4f5c-9d55-00000000000a");
        for bad in ["", "5f1d9a3c", "5f1d9a3c-0c1e-4f5c-9d55+000000000001"] {
            assert!(id(bad).is_err(), "{bad}");
        }
    }
}
