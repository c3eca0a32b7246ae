//! What is printed of a command that failed.

use super::json;
use crate::failure::Failure;
use serde::Serialize;

#[derive(Serialize)]
struct ErrorObject {
    error: ErrorFields,
}

/// An error, as `--json` shows it.
#[derive(Serialize)]
pub struct ErrorFields {
    code: &'static str,
    reason: &'static str,
    message: String,
}

impl From<&Failure> for ErrorFields {
    fn from(failure: &Failure) -> Self {
        ErrorFields {
            code: failure.exit().word(),
            reason: failure.word(),
            message: failure.to_string(),
        }
    }
}

/// Prints it, unless the command has reported it itself.
pub fn print(failure: &Failure, json: bool) {
    if failure.is_reported {
        return;
    }
    if json {
        json::print(&ErrorObject {
            error: failure.into(),
        });
    } else {
        tell!("baton: {failure}");
    }
}
