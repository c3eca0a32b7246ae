//! A machine's state in a file: what of `/proc` and `/sys` a load is judged by there, for `--saved-state` on
//! another machine.

use crate::failure::input::InputError;
use crate::failure::{IoError, Result};
use crate::input::read;
use crate::machine::{Keys, Machine};
use baton_sys::Root;
use baton_sys::hex;
use baton_sys::root::Files;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::Path;

/// The version of the format.
const VERSION: u32 = 1;

#[derive(Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
struct State {
    #[serde(rename = "baton-machine")]
    version: u32,
    files: BTreeMap<String, Content>,
}

#[derive(Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(untagged)]
enum Content {
    Text(String),
    Bytes { hex: String },
}

/// The machine to look at: this one, the one that is described below a directory, or the saved one.
///
/// # Errors
/// When what was saved can't be read.
pub fn root(directory: Option<&Path>, saved: Option<&Path>) -> Result<Root> {
    match (directory, saved) {
        (_, Some(path)) => load(path),
        (directory, None) => described(directory),
    }
}

/// The machine that is described below a directory, or this one.
///
/// # Errors
/// When there is no such directory: one without anything in it says as little as can be, and is right.
pub fn described(directory: Option<&Path>) -> Result<Root> {
    let Some(directory) = directory else {
        return Ok(Root::system());
    };
    let metadata = std::fs::metadata(directory).map_err(|e| IoError::reading(directory, e))?;
    if metadata.is_dir() {
        Ok(Root::at(directory))
    } else {
        Err(InputError::NotADirectory {
            path: directory.to_owned(),
        }
        .into())
    }
}

/// Writes down what a load is judged by on this machine.
///
/// # Errors
/// When something of it can't be read, as by others than root.
pub fn text() -> Result<String> {
    let root = Root::recording();
    Machine::read(&root)?;
    Keys::read(&root)?;
    baton_sys::mok::requested(&root)?;
    baton_sys::cmdline::current(&root)?;
    written(root.recorded())
}

fn written(files: Files) -> Result<String> {
    let files = files.into_iter().map(|(path, bytes)| (path, bytes.into()));
    let state = State {
        version: VERSION,
        files: files.collect(),
    };
    let text = serde_json::to_string_pretty(&state).map_err(InputError::UnsavedState)?;
    Ok(text + "\n")
}

fn load(path: &Path) -> Result<Root> {
    Ok(Root::saved(files(path, &read::given_text(path)?)?))
}

/// Whether a file begins as a saved state does.
#[must_use]
pub fn is_saved(file: &[u8]) -> bool {
    file.trim_ascii_start().starts_with(b"{")
}

/// What was saved in the file at `path`, which holds this.
///
/// # Errors
/// When it is no saved state.
pub fn files(path: &Path, text: &str) -> std::result::Result<Files, InputError> {
    parse(text).map_err(|why| InputError::SavedState {
        path: path.to_owned(),
        why,
    })
}

fn parse(text: &str) -> std::result::Result<Files, String> {
    let state: State = serde_json::from_str(text).map_err(|e| e.to_string())?;
    if state.version != VERSION {
        return Err(format!(
            "it is of version {}, and {VERSION} is known",
            state.version
        ));
    }
    let files = state.files.into_iter();
    files
        .map(|(path, content)| {
            let bytes = content
                .bytes()
                .ok_or_else(|| format!("{path} isn't hexadecimal"))?;
            Ok((path, bytes))
        })
        .collect()
}

impl From<Vec<u8>> for Content {
    fn from(bytes: Vec<u8>) -> Content {
        String::from_utf8(bytes).map_or_else(
            |e| Content::Bytes {
                hex: hex::encode(e.as_bytes()),
            },
            Content::Text,
        )
    }
}

impl Content {
    fn bytes(self) -> Option<Vec<u8>> {
        match self {
            Content::Text(text) => Some(text.into_bytes()),
            Content::Bytes { hex } => hex::decode(&hex),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_and_bytes_come_back_as_they_were() {
        let files = Files::from([
            ("proc/cpuinfo".to_owned(), b"flags: fpu\n".to_vec()),
            (
                "sys/firmware/efi/efivars/dbx-x".to_owned(),
                vec![0x27, 0, 0xff, 0x80],
            ),
            ("sys/kernel/".to_owned(), Vec::new()),
        ]);
        assert_eq!(parse(&written(files.clone()).unwrap()), Ok(files));
    }

    #[test]
    fn what_is_no_saved_state_is_refused() {
        assert!(parse("").is_err());
        assert!(parse("{}").is_err());
        let newer = "{\"baton-machine\": 2, \"files\": {}}";
        assert!(parse(newer).unwrap_err().contains("version 2"));
        for hex in ["0", "0g", "-1"] {
            let odd =
                format!("{{\"baton-machine\": 1, \"files\": {{\"x\": {{\"hex\": \"{hex}\"}}}}}}");
            assert!(parse(&odd).unwrap_err().contains("hexadecimal"), "{hex}");
        }
    }
}
