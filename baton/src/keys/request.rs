//! A request to enroll a certificate: whether it is needed, whether it would do any good, and what MokManager asks.

use super::inventory::{Inventory, Listed, Place};
use crate::failure::keys::KeysError;
use crate::finding::RESTART;
use serde::Serialize;

/// How far a certificate's enrollment is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Enrollment {
    /// Nobody asked for it.
    No,
    /// It waits for somebody to confirm it at the next boot.
    Requested,
    /// shim trusts it, by its own list or the firmware's.
    Done,
}

impl Enrollment {
    /// Of this certificate.
    #[must_use]
    pub fn of(listed: Option<&Listed>) -> Enrollment {
        let at = |place: &Place| listed.is_some_and(|it| it.places.contains(place));
        if at(&Place::MokList) || at(&Place::Db) {
            Enrollment::Done
        } else if at(&Place::Requested) {
            Enrollment::Requested
        } else {
            Enrollment::No
        }
    }
}

/// Whether a request would lead anywhere on this machine.
///
/// # Errors
/// Why not.
pub fn check(efi: bool, inventory: &Inventory) -> Result<(), KeysError> {
    if !efi {
        Err(KeysError::NotEfi)
    } else if !inventory.shim {
        Err(KeysError::NoShim)
    } else {
        Ok(())
    }
}

/// What MokManager asks at the next boot, step by step (its texts are those of MokManager.c in shim).
#[must_use]
pub fn steps(name: &str, sha1: &str, password: Option<&str>) -> Vec<String> {
    let password = match password {
        Some(password) => format!("the password {password}"),
        None => "the password that was chosen now".to_owned(),
    };
    vec![
        format!(
            "{RESTART}; on the blue screen press a key within 10 seconds (\"Press any key to perform MOK management\")"
        ),
        format!("choose \"Enroll MOK\"; \"View key 0\" shows \"{name}\" with the SHA-1 {sha1}"),
        "choose \"Continue\", and \"Yes\" to \"Enroll the key(s)?\"".to_owned(),
        format!("at \"Password:\" type {password}; nothing is shown while you do"),
        "choose \"Reboot\"".to_owned(),
    ]
}
