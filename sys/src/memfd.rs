//! Files in memory that nobody can change.
//!
//! The kernel refuses to read an image from a file that is open for writing anywhere (ETXTBSY,
//! deny_write_access in fs/exec.c), so a memfd is written, sealed, opened again read-only through
//! `/proc/self/fd`, and the writable descriptor is closed.

use rustix::fs::{MemfdFlags, SealFlags, fcntl_add_seals, memfd_create, sendfile};
use rustix::mm::{MapFlags, ProtFlags, mmap, munmap};
use std::fs::File;
use std::io::{self, Write};
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::fs::FileExt;

/// A memfd that is being written.
#[derive(Debug)]
pub struct Draft(File);

/// A sealed memfd, open read-only.
#[derive(Debug)]
pub struct Sealed(File);

impl Draft {
    /// Creates an empty memfd; `name` is what `/proc/PID/fd` shows.
    ///
    /// # Errors
    /// The error of memfd_create(2).
    pub fn create(name: &str) -> io::Result<Draft> {
        let fd = memfd_create(name, MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING)?;
        Ok(Draft(File::from(fd)))
    }

    /// Sets the length to `len` bytes; bytes that aren't written are zero.
    ///
    /// # Errors
    /// The error of ftruncate(2).
    pub fn set_len(&mut self, len: u64) -> io::Result<()> {
        self.0.set_len(len)
    }

    /// Writes bytes at an offset.
    ///
    /// # Errors
    /// The error of pwrite(2), such as ENOSPC or ENOMEM.
    pub fn write_at(&mut self, bytes: &[u8], offset: u64) -> io::Result<()> {
        self.0.write_all_at(bytes, offset)
    }

    /// Copies the first `len` bytes of a file to an offset, within the kernel.
    ///
    /// # Errors
    /// When the file is shorter; otherwise the error of sendfile(2).
    pub fn copy_at(&mut self, from: &File, len: u64, offset: u64) -> io::Result<()> {
        use std::io::Seek;
        self.0.seek(io::SeekFrom::Start(offset))?;
        let mut position = 0u64;
        while position < len {
            let want = usize::try_from((len - position).min(1 << 30)).unwrap_or(1 << 30);
            let sent = match sendfile(&self.0, from, Some(&mut position), want) {
                Ok(sent) => sent,
                // A file system that doesn't support splicing is read in the ordinary way.
                Err(rustix::io::Errno::INVAL | rustix::io::Errno::NOSYS) => {
                    return self.read_and_write(from, position, len);
                }
                Err(e) => return Err(e.into()),
            };
            if sent == 0 {
                return Err(shrank());
            }
        }
        Ok(())
    }

    fn read_and_write(&mut self, from: &File, mut position: u64, len: u64) -> io::Result<()> {
        let mut buffer = vec![0; 1 << 20];
        while position < len {
            let want = usize::try_from(len - position).unwrap_or(usize::MAX);
            let room = buffer.len().min(want);
            let chunk = buffer.get_mut(..room).unwrap_or_default();
            let got = from.read_at(chunk, position)?;
            if got == 0 {
                return Err(shrank());
            }
            self.0.write_all(chunk.get(..got).unwrap_or_default())?;
            position += got as u64;
        }
        Ok(())
    }

    /// Maps the bytes written so far, whose number nobody can change from then on.
    ///
    /// # Errors
    /// The error of fcntl(2) or mmap(2).
    pub fn map(&self) -> io::Result<DraftMap<'_>> {
        fcntl_add_seals(&self.0, SealFlags::GROW | SealFlags::SHRINK)?;
        Ok(DraftMap {
            map: map(&self.0)?,
            _draft: std::marker::PhantomData,
        })
    }

    /// Seals the memfd against any change and reopens it for reading.
    ///
    /// # Errors
    /// The error of fcntl(2) or open(2); `/proc` must be mounted.
    pub fn seal(self) -> io::Result<Sealed> {
        fcntl_add_seals(
            &self.0,
            SealFlags::WRITE | SealFlags::GROW | SealFlags::SHRINK | SealFlags::SEAL,
        )?;
        let path = format!("/proc/self/fd/{}", self.0.as_raw_fd());
        File::open(path).map(Sealed)
    }
}

/// That a file became shorter.
pub(crate) fn shrank() -> io::Error {
    io::Error::new(
        io::ErrorKind::UnexpectedEof,
        "the file became shorter while it was read",
    )
}

impl Sealed {
    /// The file, for use in system calls.
    #[must_use]
    pub fn file(&self) -> &File {
        &self.0
    }

    /// The length in bytes.
    ///
    /// # Errors
    /// The error of fstat(2).
    #[allow(clippy::len_without_is_empty)] // whether it is empty is nobody's question
    pub fn len(&self) -> io::Result<u64> {
        Ok(self.0.metadata()?.len())
    }

    /// Maps the bytes, which nobody can change.
    ///
    /// # Errors
    /// The error of mmap(2).
    pub fn map(&self) -> io::Result<Map> {
        map(&self.0)
    }

    /// The descriptor.
    #[must_use]
    pub fn into_fd(self) -> OwnedFd {
        self.0.into()
    }
}

/// A read-only view of a sealed memfd.
#[derive(Debug)]
pub struct Map {
    start: *mut core::ffi::c_void,
    len: usize,
}

/// A read-only view of a memfd that isn't sealed yet. It borrows the draft, so that no `&mut self` method can write
/// to it meanwhile.
#[derive(Debug)]
pub struct DraftMap<'a> {
    map: Map,
    _draft: std::marker::PhantomData<&'a Draft>,
}

impl std::ops::Deref for Map {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        if self.len == 0 {
            return &[];
        }
        // SAFETY: `start` and `len` are of a mapping that lives as long as `self`, readable in full
        // since the file is as long and can't shrink (it is sealed against that, also as a draft).
        unsafe { std::slice::from_raw_parts(self.start.cast(), self.len) }
    }
}

impl std::ops::Deref for DraftMap<'_> {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.map
    }
}

impl Drop for Map {
    fn drop(&mut self) {
        if self.len != 0 {
            // SAFETY: the mapping is ours, and no borrow of it outlives `self`.
            let _ = unsafe { munmap(self.start, self.len) };
        }
    }
}

// SAFETY: the mapping is read-only memory that belongs to the value; nothing in it is bound to a thread.
unsafe impl Send for Map {}
// SAFETY: as above: shared reads of read-only memory.
unsafe impl Sync for Map {}

fn map(file: &File) -> io::Result<Map> {
    let len = usize::try_from(file.metadata()?.len()).map_err(io::Error::other)?;
    if len == 0 {
        return Ok(Map {
            start: std::ptr::null_mut(),
            len,
        });
    }
    // A private mapping, since a shared one of a writable descriptor would forbid F_SEAL_WRITE.
    // SAFETY: a new mapping at an address of the kernel's choice touches no memory of ours.
    let start = unsafe {
        mmap(
            std::ptr::null_mut(),
            len,
            ProtFlags::READ,
            MapFlags::PRIVATE | MapFlags::POPULATE,
            file,
            0,
        )?
    };
    Ok(Map { start, len })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Read;

    #[test]
    fn a_sealed_file_keeps_its_bytes_and_is_not_writable() {
        let mut draft = Draft::create("test").unwrap();
        draft.set_len(8192).unwrap();
        draft.write_at(b"here", 4096).unwrap();
        let sealed = draft.seal().unwrap();
        let map = sealed.map().unwrap();
        assert_eq!((map.len(), sealed.len().unwrap()), (8192, 8192));
        assert_eq!(&map[4096..4100], b"here");
        assert!(sealed.file().write_all(b"x").is_err());
        // Not even a new writable descriptor can change it.
        let path = format!("/proc/self/fd/{}", sealed.file().as_raw_fd());
        let again = File::options().write(true).open(path).unwrap();
        assert!(again.write_at(b"x", 0).is_err());
        assert!(again.set_len(0).is_err());
    }

    #[test]
    fn copies_a_file_to_its_place() {
        let mut from = tempfile(b"0123456789");
        let mut draft = Draft::create("test").unwrap();
        draft.set_len(20).unwrap();
        draft.copy_at(&from, 10, 5).unwrap();
        assert_eq!(&draft.map().unwrap()[4..16], b"\x000123456789\0");
        assert!(draft.copy_at(&from, 11, 0).is_err(), "it is not so long");
        let mut all = String::new();
        from.read_to_string(&mut all).unwrap();
        assert_eq!(all.len(), 10, "the source's own position is untouched");
    }

    #[test]
    fn an_empty_file_maps_to_no_bytes() {
        assert!(Draft::create("test").unwrap().map().unwrap().is_empty());
    }

    fn tempfile(bytes: &[u8]) -> File {
        let mut draft = Draft::create("source").unwrap();
        draft.write_at(bytes, 0).unwrap();
        draft.0
    }
}
