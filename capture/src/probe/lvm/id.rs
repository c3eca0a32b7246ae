//! The identifiers that LVM gives to physical volumes and volume groups.

use serde::{Deserialize, Serialize};
use std::fmt;

/// An identifier, as LVM's programs show it: `xL2Mkx-GM20-Ue2N-JTZ3-819A-9JMt-bALxad`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Id(String);

/// A text isn't an identifier.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no identifier of LVM; one looks like xL2Mkx-GM20-Ue2N-JTZ3-819A-9JMt-bALxad")]
pub struct NotAnId(String);

/// ID_LEN of lib/uuid/uuid.h: how many characters are stored.
const LENGTH: usize = 32;

/// Where dashes go (id_write_format of lib/uuid/uuid.c).
const DASHES: [usize; 6] = [6, 10, 14, 18, 22, 26];

impl Id {
    /// The identifier that is stored like this; `None` if it is none.
    #[must_use]
    pub fn stored(bytes: [u8; LENGTH]) -> Option<Id> {
        let mut text = String::with_capacity(LENGTH + DASHES.len());
        for (at, byte) in bytes.into_iter().enumerate() {
            // The alphabet of lib/uuid/uuid.c.
            (byte.is_ascii_alphanumeric() || matches!(byte, b'!' | b'#')).then_some(())?;
            if DASHES.contains(&at) {
                text.push('-');
            }
            text.push(char::from(byte));
        }
        Some(Id(text))
    }

    /// The identifier that is shown like this.
    #[must_use]
    pub fn shown(text: &str) -> Option<Id> {
        let plain: Vec<u8> = text.bytes().filter(|byte| *byte != b'-').collect();
        let id = Id::stored(plain.try_into().ok()?)?;
        (id.0 == text).then_some(id)
    }
}

impl TryFrom<String> for Id {
    type Error = NotAnId;

    fn try_from(text: String) -> Result<Id, NotAnId> {
        Id::shown(&text).ok_or(NotAnId(text))
    }
}

impl From<Id> for String {
    fn from(id: Id) -> String {
        id.0
    }
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
