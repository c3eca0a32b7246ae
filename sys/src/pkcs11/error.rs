//! What a module answers.

use super::ffi::Ulong;
use std::path::PathBuf;

/// Why a token isn't used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs)] // the words say what the fields are
pub enum Pkcs11Error {
    #[error("{}: can't be loaded: {why}", .path.display())]
    Load { path: PathBuf, why: String },
    #[error("{}: not a PKCS#11 module: {why}", .path.display())]
    NoModule { path: PathBuf, why: &'static str },
    /// A function failed.
    #[error("{function}: {}", named(*.code))]
    Call { function: &'static str, code: u64 },
}

impl Pkcs11Error {
    pub(super) fn call(function: &'static str, code: Ulong) -> Pkcs11Error {
        Pkcs11Error::Call { function, code }
    }

    fn code(&self) -> Option<u64> {
        match self {
            Pkcs11Error::Call { code, .. } => Some(*code),
            _ => None,
        }
    }

    /// Whether the PIN was wrong.
    #[must_use]
    pub fn is_wrong_pin(&self) -> bool {
        matches!(self.code(), Some(0xa0..=0xa2))
    }

    /// Whether no PIN is accepted any more.
    #[must_use]
    pub fn is_locked(&self) -> bool {
        self.code() == Some(0xa4)
    }
}

/// The specification's name of a return value.
fn named(code: u64) -> String {
    let name = match code {
        0x03 => "CKR_SLOT_ID_INVALID",
        0x05 => "CKR_GENERAL_ERROR",
        0x06 => "CKR_FUNCTION_FAILED",
        0x07 => "CKR_ARGUMENTS_BAD",
        0x12 => "CKR_ATTRIBUTE_TYPE_INVALID",
        0x21 => "CKR_DATA_LEN_RANGE",
        0x30 => "CKR_DEVICE_ERROR",
        0x32 => "CKR_DEVICE_REMOVED",
        0x54 => "CKR_FUNCTION_NOT_SUPPORTED",
        0x63 => "CKR_KEY_TYPE_INCONSISTENT",
        0x68 => "CKR_KEY_FUNCTION_NOT_PERMITTED",
        0x70 => "CKR_MECHANISM_INVALID",
        0xa0 => "CKR_PIN_INCORRECT",
        0xa1 => "CKR_PIN_INVALID",
        0xa2 => "CKR_PIN_LEN_RANGE",
        0xa3 => "CKR_PIN_EXPIRED",
        0xa4 => "CKR_PIN_LOCKED",
        0xe0 => "CKR_TOKEN_NOT_PRESENT",
        0xe1 => "CKR_TOKEN_NOT_RECOGNIZED",
        0x101 => "CKR_USER_NOT_LOGGED_IN",
        0x102 => "CKR_USER_PIN_NOT_INITIALIZED",
        0x190 => "CKR_CRYPTOKI_NOT_INITIALIZED",
        _ => return format!("CKR {code:#x}"),
    };
    name.to_owned()
}
