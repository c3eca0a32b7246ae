//! How much is hashed for a report: of a large image that takes most of the time.

use super::sha256;

/// What of a file is hashed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hashing {
    /// Nothing: for a part of a file that gets a line of its own.
    Nothing,
    /// What signatures are compared with.
    Signed,
    /// That, and everything that has a digest to be shown.
    Everything,
}

impl Hashing {
    /// The SHA-256 of bytes that no signature is compared with, in hexadecimal.
    #[must_use]
    pub fn digest(self, bytes: &[u8]) -> Option<String> {
        (self == Hashing::Everything).then(|| sha256(bytes))
    }

    /// What of the content signatures are compared with, if they are.
    #[must_use]
    pub fn compared<T>(self, content: T) -> Option<T> {
        (self != Hashing::Nothing).then_some(content)
    }
}
