//! Memory of kinds that no allocator gives out.

use rustix::mm::{Advice, MapFlags, ProtFlags, madvise, mlock, mmap, mmap_anonymous, munmap};
use std::io;
use std::os::fd::{FromRawFd, OwnedFd};
use std::ptr::null_mut;

/// A kind of memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A program's own.
    Private,
    /// What children share with it.
    Shared,
    /// Large pages of hugetlbfs, of the default size. They must have been set aside (`/proc/sys/vm/nr_hugepages`).
    Large,
    /// What the kernel itself has no mapping of (memfd_secret(2)).
    Secret,
}

/// What the kernel is told about memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Use {
    /// Large pages are welcome.
    LargePages,
    /// Equal pages may be merged.
    Mergeable,
}

/// Mapped memory, zeros at first; let go of when dropped. No descriptor of what is mapped is left, so that nobody
/// shortens it.
#[derive(Debug)]
pub struct Mapping {
    start: *mut core::ffi::c_void,
    len: usize,
}

impl Mapping {
    /// Maps `len` bytes.
    ///
    /// # Errors
    /// The error of mmap(2), memfd_secret(2) or ftruncate(2).
    pub fn new(kind: Kind, len: usize) -> io::Result<Mapping> {
        let access = ProtFlags::READ | ProtFlags::WRITE;
        let flags = match kind {
            Kind::Private => MapFlags::PRIVATE,
            Kind::Shared => MapFlags::SHARED,
            Kind::Large => MapFlags::PRIVATE | MapFlags::HUGETLB,
            Kind::Secret => return Mapping::secret(len),
        };
        // SAFETY: a new mapping at an address of the kernel's choice touches no memory of ours.
        let start = unsafe { mmap_anonymous(null_mut(), len, access, flags)? };
        Ok(Mapping { start, len })
    }

    fn secret(len: usize) -> io::Result<Mapping> {
        // SAFETY: the call takes flags alone.
        let fd = unsafe { libc::syscall(libc::SYS_memfd_secret, libc::O_CLOEXEC) };
        let fd = i32::try_from(fd).map_err(io::Error::other)?;
        if fd < 0 {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: the kernel has just opened it, for us alone.
        let fd = unsafe { OwnedFd::from_raw_fd(fd) };
        rustix::fs::ftruncate(&fd, len as u64)?;
        let access = ProtFlags::READ | ProtFlags::WRITE;
        // SAFETY: a new mapping at an address of the kernel's choice touches no memory of ours.
        let start = unsafe { mmap(null_mut(), len, access, MapFlags::SHARED, &fd, 0)? };
        Ok(Mapping { start, len })
    }

    /// Tells the kernel what it is for.
    ///
    /// # Errors
    /// The error of madvise(2).
    pub fn advise(&self, r#use: Use) -> io::Result<()> {
        let advice = match r#use {
            Use::LargePages => Advice::LinuxHugepage,
            Use::Mergeable => Advice::LinuxMergeable,
        };
        // SAFETY: the mapping is ours, and neither advice changes what is in it.
        unsafe { madvise(self.start, self.len, advice)? };
        Ok(())
    }

    /// Keeps it in memory.
    ///
    /// # Errors
    /// The error of mlock(2).
    pub fn lock(&self) -> io::Result<()> {
        // SAFETY: the mapping is ours, and nothing in it changes.
        unsafe { mlock(self.start, self.len)? };
        Ok(())
    }
}

impl std::ops::Deref for Mapping {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        // SAFETY: `start` and `len` are of a mapping that lives as long as `self` and that nobody else has.
        unsafe { std::slice::from_raw_parts(self.start.cast(), self.len) }
    }
}

impl std::ops::DerefMut for Mapping {
    fn deref_mut(&mut self) -> &mut [u8] {
        // SAFETY: as above, and `self` is borrowed for changes.
        unsafe { std::slice::from_raw_parts_mut(self.start.cast(), self.len) }
    }
}

impl Drop for Mapping {
    fn drop(&mut self) {
        // SAFETY: the mapping is ours, and no borrow of it outlives `self`.
        let _ = unsafe { munmap(self.start, self.len) };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_that_was_mapped_is_zeros_and_keeps_what_is_written() {
        for kind in [Kind::Private, Kind::Shared] {
            let mut memory = Mapping::new(kind, 8192).unwrap();
            assert_eq!(*memory, [0; 8192]);
            memory[8191] = 7;
            assert_eq!(memory[8190..], [0, 7]);
        }
    }

    #[test]
    fn nothing_can_be_mapped_of_no_length() {
        assert!(Mapping::new(Kind::Private, 0).is_err());
    }
}
