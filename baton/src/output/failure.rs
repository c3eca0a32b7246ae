//! What is printed of a command that failed.

use super::json;
use crate::failure::Failure;
use serde::Serialize;

#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct ErrorObject {
    /// Why the command failed.
    error: ErrorFields,
}

/// An error, as `--json` shows it.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct ErrorFields {
    /// A word for the exit code (docs/json.md).
    #[cfg_attr(test, schemars(extend("enum" = crate::schema::codes())))]
    code: &'static str,
    /// A word for the reason (docs/json.md), or the name of an error number of the kernel.
    #[cfg_attr(test, schemars(extend("anyOf" = crate::schema::reasons())))]
    reason: &'static str,
    /// The same for people.
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
