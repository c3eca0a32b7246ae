//! Reading the files that commands are given, and those that are found beside them or where they belong.
//!
//! What is named on the command line may also be a pipe, what is found must be a plain file
//! ([`baton_sys::file`] says why).

use crate::failure::input::InputError;
use crate::failure::{IoError, Result};
use baton_sys::limits::LARGEST_FILE;
use baton_sys::{Root, file, memory};
use std::fs::File;
use std::io::{ErrorKind, Read};
use std::path::Path;

/// What a person named.
///
/// # Errors
/// When it isn't there, or nothing that can be read.
pub fn given(path: &Path) -> Result<Vec<u8>> {
    check_size(path)?;
    Ok(file::read_given(path).map_err(|e| IoError::reading(path, e))?)
}

/// As [`given`], where `-` is standard input.
///
/// # Errors
/// As [`given`].
pub fn given_or_stdin(path: &Path) -> Result<Vec<u8>> {
    given(if is_stdin(path) {
        Path::new("/dev/stdin")
    } else {
        path
    })
}

/// Whether standard input is meant, by a command that has [`given_or_stdin`].
#[must_use]
pub fn is_stdin(path: &Path) -> bool {
    path == Path::new("-")
}

/// Before a file is read; of a pipe there is no telling, and [`file::read_given`] has a limit.
fn check_size(path: &Path) -> Result<()> {
    let len = std::fs::metadata(path).map_or(0, |it| if it.is_file() { it.len() } else { 0 });
    fits(path, len)?;
    check_room(len)
}

/// Nothing that is larger than the kernel reads is of use to any command.
fn fits(path: &Path, len: u64) -> Result<()> {
    if len <= LARGEST_FILE {
        Ok(())
    } else {
        Err(InputError::TooLarge {
            what: path.display().to_string(),
            len,
            limit: LARGEST_FILE,
        }
        .into())
    }
}

/// As [`given`], with the file, open.
///
/// # Errors
/// As [`given`].
pub fn opened(path: &Path) -> Result<(File, Vec<u8>)> {
    let (mut file, len) = open(path)?;
    check_room(len)?;
    let mut bytes = file::buffer_for(&file).map_err(|e| IoError::reading(path, e))?;
    file.read_to_end(&mut bytes)
        .map_err(|e| IoError::reading(path, e))?;
    Ok((file, bytes))
}

/// A file that a person named, open, and its length: what a pipe gives lies in memory then.
///
/// # Errors
/// As [`given`], and when it is too large.
pub fn open(path: &Path) -> Result<(File, u64)> {
    let file = file::open_given(path).map_err(|e| IoError::reading(path, e))?;
    let len = file
        .metadata()
        .map_err(|e| IoError::reading(path, e))?
        .len();
    fits(path, len)?;
    Ok((file, len))
}

/// Whether so many bytes can be had here, so that nobody else is driven out of memory in vain.
///
/// # Errors
/// When they can't.
pub fn check_room(len: u64) -> Result<()> {
    // Where that isn't told, it shows when they are asked for.
    match memory::obtainable(&Root::system()) {
        Ok(Some(free)) if len > free => Err(InputError::NoMemory { needed: len, free }.into()),
        _ => Ok(()),
    }
}

/// As [`given`], as text.
///
/// # Errors
/// As [`given`], and when it isn't UTF-8.
pub fn given_text(path: &Path) -> Result<String> {
    let text = String::from_utf8(given(path)?);
    Ok(text.map_err(|_| InputError::NotText {
        path: path.to_owned(),
    })?)
}

/// What lies where nobody named it; `None` where nothing does.
///
/// # Errors
/// When there is something that can't be read.
pub fn found(path: &Path) -> Result<Option<Vec<u8>>> {
    match file::read_regular(path) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(e) if e.kind() == ErrorKind::NotFound => Ok(None),
        Err(e) => Err(IoError::reading(path, e).into()),
    }
}
