//! Passphrases and PINs: from a file, or from whoever sits at the terminal.

use crate::failure::sign::SignError;
use crate::failure::{IoError, Result};
use crate::input::read;
use baton_sys::terminal;
use std::fmt::Display;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use zeroize::Zeroizing;

/// Anybody else may read or write it.
const OTHERS: u32 = 0o007;

/// Where passphrases come from.
#[derive(Debug, Clone, Default)]
pub struct Passphrase {
    /// A file whose first line it is; `None`: it is asked for.
    pub file: Option<PathBuf>,
}

impl Passphrase {
    /// The passphrase of `what`.
    ///
    /// # Errors
    /// When the file can't be read, is open to others, or there is no terminal to ask at.
    pub fn get(&self, what: impl Display) -> Result<Zeroizing<Vec<u8>>> {
        match &self.file {
            Some(path) => from_file(path),
            None => ask(&what.to_string()),
        }
    }
}

/// The first line of a file.
///
/// # Errors
/// When it can't be read, or is open to others.
pub fn from_file(path: &Path) -> Result<Zeroizing<Vec<u8>>> {
    let metadata = std::fs::metadata(path).map_err(|e| IoError::reading(path, e))?;
    if metadata.is_file() && metadata.mode() & OTHERS != 0 {
        return Err(SignError::OpenPassphrase {
            path: path.to_owned(),
        }
        .into());
    }
    let bytes = Zeroizing::new(read::given(path)?);
    let line = bytes
        .split(|byte| *byte == b'\n')
        .next()
        .unwrap_or_default();
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    Ok(Zeroizing::new(line.to_vec()))
}

fn ask(what: &str) -> Result<Zeroizing<Vec<u8>>> {
    let secret = terminal::ask_secret(&format!("{what}: "));
    Ok(secret.map_err(|e| SignError::NotAsked {
        what: what.to_owned(),
        why: match e.kind() {
            std::io::ErrorKind::Interrupted => "interrupted".to_owned(),
            _ => format!("there is no terminal to ask at ({e}); give it with --passphrase-file"),
        },
    })?)
}
