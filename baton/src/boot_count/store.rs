//! The file that the count is kept in.

use super::state::State;
use crate::failure::boot_count::BootCountError;
use crate::failure::{Attempt, IoError, Result};
use crate::output::file;
use baton_sys::Root;

/// Its path.
pub const PATH: &str = "var/lib/baton/boot-count.json";

/// The count; an empty one where there is none.
///
/// # Errors
/// When it is there and can't be read.
pub fn read(root: &Root) -> Result<State> {
    let Some(text) = root.read_text(PATH)? else {
        return Ok(State::default());
    };
    let state = serde_json::from_str(&text);
    Ok(state.map_err(|error| BootCountError::BadState { path: PATH, error })?)
}

/// Keeps it, whole or not at all.
///
/// # Errors
/// When it can't be written.
pub fn write(root: &Root, state: &State) -> Result<()> {
    let path = root.join(PATH);
    let directory = path.parent().unwrap_or(&path);
    std::fs::create_dir_all(directory)
        .map_err(|e| IoError::new(Attempt::CreateDirectory, directory, e))?;
    let text = serde_json::to_string(state).map_err(BootCountError::Unwritten)?;
    file::replace(&path, text.as_bytes())
}
