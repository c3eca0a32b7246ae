//! The files of a load, opened and read once.

use crate::failure::{Failure, Result};
use crate::p7s;
use baton_sys::file::open_given;
use baton_sys::memfd::{Draft, Sealed};
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

/// An image: the open file, for the system call, and its bytes, for the verdict.
#[derive(Debug)]
pub struct Image {
    /// Where it is.
    pub path: PathBuf,
    /// Open for reading.
    pub file: File,
    /// All of it.
    pub bytes: Vec<u8>,
}

impl Image {
    /// Opens and reads it.
    ///
    /// # Errors
    /// When it isn't a plain file, or can't be read.
    pub fn open(path: &Path) -> Result<Image> {
        let (mut file, len) = open_plain(path)?;
        let mut bytes = Vec::with_capacity(usize::try_from(len).unwrap_or(0) + 1);
        file.read_to_end(&mut bytes)
            .map_err(|e| Failure::io(path, &e))?;
        Ok(Image {
            path: path.to_owned(),
            file,
            bytes,
        })
    }
}

/// An initrd, open and not read.
#[derive(Debug)]
pub struct Initrd {
    /// Where it is.
    pub path: PathBuf,
    /// Its length in bytes.
    pub len: u64,
    /// Open for reading.
    pub file: File,
    /// Its detached signature.
    pub signature: Option<Vec<u8>>,
}

impl Initrd {
    /// Opens it.
    ///
    /// # Errors
    /// When it isn't a plain file, or can't be opened.
    pub fn open(path: &Path) -> Result<Initrd> {
        let (file, len) = open_plain(path)?;
        if len == 0 {
            return Err(Failure::failed(format!(
                "{}: the file is empty; leave it out",
                path.display()
            )));
        }
        Ok(Initrd {
            path: path.to_owned(),
            len,
            file,
            signature: p7s::read_beside(path)?,
        })
    }
}

impl Initrd {
    /// One that was made here, of these bytes, which nobody can change any more.
    ///
    /// # Errors
    /// When memory runs out.
    pub fn made(name: &str, bytes: &[u8]) -> Result<Initrd> {
        let write = || {
            let mut draft = Draft::create(name)?;
            draft.write_at(bytes, 0)?;
            draft.seal()
        };
        Ok(Initrd {
            path: PathBuf::from(name),
            len: bytes.len() as u64,
            file: write().map_err(memory)?.into_fd().into(),
            signature: None,
        })
    }
}

fn memory(e: std::io::Error) -> Failure {
    Failure::new(
        crate::exit::Exit::NoRoom,
        "memfd",
        format!("the initrds can't be written to memory: {e}; free some memory"),
    )
}

/// A plain file: what a pipe gives lies in memory then.
fn open_plain(path: &Path) -> Result<(File, u64)> {
    let file = open_given(path).map_err(|e| Failure::io(path, &e))?;
    let metadata = file.metadata().map_err(|e| Failure::io(path, &e))?;
    Ok((file, metadata.len()))
}

/// Several initrds as the kernel takes them: one after another, each at a multiple of 4
/// (Documentation/driver-api/early-userspace/buffer-format.rst).
///
/// # Errors
/// When memory runs out or a file can't be read.
pub fn concatenate(initrds: &[Initrd]) -> Result<Sealed> {
    let mut draft = Draft::create("baton-initrds").map_err(memory)?;
    draft.set_len(joined_len(initrds)).map_err(memory)?;
    let mut offset = 0;
    for initrd in initrds {
        draft
            .copy_at(&initrd.file, initrd.len, offset)
            .map_err(|e| Failure::io(&initrd.path, &e))?;
        offset += initrd.len.next_multiple_of(4);
    }
    draft.seal().map_err(memory)
}

/// How long they are together.
#[must_use]
pub fn joined_len(initrds: &[Initrd]) -> u64 {
    initrds.iter().map(|i| i.len.next_multiple_of(4)).sum()
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// An initrd of these bytes.
    pub fn initrd(bytes: &[u8]) -> Initrd {
        Initrd::made("initrd", bytes).unwrap()
    }

    #[test]
    fn initrds_are_joined_at_multiples_of_four() {
        let sealed = concatenate(&[initrd(b"12345"), initrd(b"6789")]).unwrap();
        assert_eq!(&*sealed.map().unwrap(), b"12345\0\0\x006789");
    }

    #[test]
    fn a_folder_is_no_image() {
        assert!(
            Image::open(Path::new("/"))
                .unwrap_err()
                .message
                .contains("plain file")
        );
    }
}
