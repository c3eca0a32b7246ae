//! The name of a layer.

use serde::{Deserialize, Serialize};
use std::fmt;

/// The name of a layer: that of a volume, as in `/dev/mapper`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Name(String);

/// A text can't be the name of a layer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0:?} is no name of a device-mapper volume, which has 1 to 127 bytes without slashes and control characters"
)]
pub struct NameError(String);

impl Name {
    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for Name {
    type Error = NameError;

    fn try_from(name: String) -> Result<Name, NameError> {
        // DM_NAME_LEN of include/uapi/linux/dm-ioctl.h, check_name of drivers/md/dm-ioctl.c
        let is_allowed = |c: char| c != '/' && !c.is_control();
        if (1..128).contains(&name.len()) && name.chars().all(is_allowed) {
            Ok(Name(name))
        } else {
            Err(NameError(name))
        }
    }
}

impl From<Name> for String {
    fn from(name: Name) -> String {
        name.0
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
