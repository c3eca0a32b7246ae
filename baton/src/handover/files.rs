//! The files of a load, opened and read once.

use crate::failure::input::InputError;
use crate::failure::load::LoadError;
use crate::failure::{Failure, IoError, Result};
use crate::input::p7s;
use crate::input::read;
use baton_sys::appraisal;
use baton_sys::kexec_error::KexecError;
use baton_sys::memfd::{Draft, Sealed};
use std::fs::File;
use std::path::{Path, PathBuf};

/// An image: its bytes, for the verdict and the system call, and the open file.
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
        let (file, bytes) = read::opened(path)?;
        Ok(Image {
            path: path.to_owned(),
            file,
            bytes,
        })
    }

    /// As [`Image::open`], of what goes with a kernel: with nothing in it, it says nothing.
    ///
    /// # Errors
    /// As [`Image::open`], and when it is empty.
    pub fn open_companion(path: &Path) -> Result<Image> {
        let image = Image::open(path)?;
        if image.bytes.is_empty() {
            Err(empty(path).into())
        } else {
            Ok(image)
        }
    }

    /// Hands the bytes that were read to the system call: whatever becomes of the file meanwhile, what was
    /// judged is what is loaded.
    ///
    /// The file itself is handed over where IMA appraises it by its `security.ima` attribute, or a security policy
    /// forbids the copy in memory because of where it lies.
    ///
    /// # Errors
    /// When memory runs out, and what the call gives.
    pub fn load(
        &self,
        mut call: impl FnMut(&File) -> std::result::Result<(), KexecError>,
    ) -> std::result::Result<(), NotLoaded> {
        if !appraisal::has_ima(&self.file) {
            let sealed = sealed("baton-image", &self.bytes).map_err(NotLoaded::Memory)?;
            match call(sealed.file()) {
                Err(refused) if refused.is_by_policy() => {}
                result => return result.map_err(NotLoaded::Kernel),
            }
        }
        call(&self.file).map_err(NotLoaded::Kernel)
    }
}

/// Why an image isn't loaded.
#[derive(Debug)]
pub enum NotLoaded {
    /// There is no room for its bytes.
    Memory(Failure),
    /// The kernel refuses it.
    Kernel(KexecError),
}

fn sealed(name: &str, bytes: &[u8]) -> Result<Sealed> {
    let write = || {
        let mut draft = Draft::create(name)?;
        draft.write_at(bytes, 0)?;
        draft.seal()
    };
    Ok(write().map_err(out_of_memory)?)
}

/// An empty file says nothing, so it can be left out.
fn empty(path: &Path) -> InputError {
    InputError::Empty {
        path: path.to_owned(),
        advice: "leave it out",
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
        let (file, len) = read::open(path)?;
        if len == 0 {
            return Err(empty(path).into());
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
        Ok(Initrd {
            path: PathBuf::from(name),
            len: bytes.len() as u64,
            file: sealed(name, bytes)?.into_fd().into(),
            signature: None,
        })
    }
}

fn out_of_memory(error: std::io::Error) -> LoadError {
    let what = "what is to be loaded";
    LoadError::Memory { what, error }
}

/// Several initrds as the kernel takes them: one after another, each at a multiple of 4
/// (Documentation/driver-api/early-userspace/buffer-format.rst).
///
/// # Errors
/// When memory runs out or a file can't be read.
pub fn concatenate(initrds: &[Initrd]) -> Result<Sealed> {
    read::check_room(joined_len(initrds))?;
    let mut draft = Draft::create("baton-initrds").map_err(out_of_memory)?;
    draft.set_len(joined_len(initrds)).map_err(out_of_memory)?;
    let mut offset = 0;
    for initrd in initrds {
        draft
            .copy_at(&initrd.file, initrd.len, offset)
            .map_err(|e| IoError::reading(&initrd.path, e))?;
        offset += initrd.len.next_multiple_of(4);
    }
    Ok(draft.seal().map_err(out_of_memory)?)
}

/// How long they are together.
#[must_use]
pub fn joined_len(initrds: &[Initrd]) -> u64 {
    let lengths = initrds.iter().map(|i| i.len.next_multiple_of(4));
    lengths.fold(0, u64::saturating_add)
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use baton_sys::kexec_error::Load;
    use std::io::Read;

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
    fn what_was_read_of_an_image_is_what_is_loaded() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("kernel");
        std::fs::write(&path, b"judged").unwrap();
        let image = Image::open(&path).unwrap();
        std::fs::write(&path, b"put in its place").unwrap();
        let mut loaded = Vec::new();
        let handed = |file: &File| {
            let mut all = Vec::new();
            let mut file = file.try_clone().unwrap();
            file.read_to_end(&mut all).unwrap();
            loaded.push(all);
            Ok(())
        };
        image.load(handed).unwrap();
        assert_eq!(loaded, [b"judged"]);
    }

    #[test]
    fn what_a_policy_forbids_of_the_bytes_is_asked_of_the_file() {
        let image = Image {
            path: PathBuf::new(),
            file: File::open("/dev/null").unwrap(),
            bytes: b"judged".to_vec(),
        };
        const EACCES: i32 = 13;
        const EPERM: i32 = 1;
        const EKEYREJECTED: i32 = 129;
        for (errno, asked) in [(EACCES, 2), (EPERM, 1), (EKEYREJECTED, 1)] {
            let mut lengths = Vec::new();
            let refused = image.load(|file| {
                lengths.push(file.metadata().unwrap().len());
                Err(KexecError::new(Load::Normal, errno))
            });
            assert!(refused.is_err());
            assert_eq!(lengths, [6, 0][..asked], "{errno}");
        }
    }

    #[test]
    fn a_directory_is_no_image() {
        assert!(
            Image::open(Path::new("/"))
                .unwrap_err()
                .to_string()
                .contains("plain file")
        );
    }
}
