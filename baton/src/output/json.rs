//! Objects for programs, one on a line.

use serde::Serialize;

/// Prints one object.
pub fn print(object: &impl Serialize) {
    match serde_json::to_string(object) {
        Ok(text) => say!("{text}"),
        Err(error) => tell!("baton: {error}"),
    }
}
