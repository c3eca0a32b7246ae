//! The memory of the crashed kernel, as the capture kernel shows it.
//!
//! read(2) on `/proc/vmcore` makes the kernel map and unmap every page; mmap(2) maps a whole range at once,
//! which is many times faster. So large reads go through a mapping of their range.

use rustix::mm::{MapFlags, ProtFlags, mmap, munmap};
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::ptr;
use std::sync::atomic::{AtomicBool, Ordering};

/// The path at which the kernel shows it.
pub const PATH: &str = "/proc/vmcore";

/// The shortest read that uses a mapping; for shorter ones, setting it up takes as long as reading.
const MIN_MAPPED: usize = 64 << 10;

/// The most bytes that are mapped at once.
const MAX_MAPPED: usize = 4 << 20;

/// The alignment of mappings on all supported machines.
const PAGE: u64 = 4096;

/// An open `/proc/vmcore`, or a file like it.
pub struct Vmcore {
    file: File,
    size: u64,
    /// Whether all mappings have succeeded so far.
    maps: AtomicBool,
}

impl Vmcore {
    /// Opens the crashed kernel's memory.
    ///
    /// # Errors
    /// `NotFound` for `/proc/vmcore` if the running kernel wasn't started by a crash.
    pub fn open(path: &Path) -> io::Result<Vmcore> {
        let file = File::open(path)?;
        let size = file.metadata()?.len();
        Ok(Vmcore {
            file,
            size,
            maps: AtomicBool::new(true),
        })
    }

    /// The size in bytes.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Fills `buffer` with the bytes at `offset`.
    ///
    /// # Errors
    /// `UnexpectedEof` beyond the end; otherwise the error of read(2).
    pub fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<()> {
        let end = offset.checked_add(buffer.len() as u64);
        if end.is_none_or(|end| end > self.size) {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        if buffer.len() < MIN_MAPPED || !self.maps.load(Ordering::Relaxed) {
            return self.file.read_exact_at(buffer, offset);
        }
        let mut at = offset;
        for part in buffer.chunks_mut(MAX_MAPPED) {
            self.read_mapped(at, part)?;
            at += part.len() as u64;
        }
        Ok(())
    }

    fn read_mapped(&self, offset: u64, buffer: &mut [u8]) -> io::Result<()> {
        let Ok(window) = Window::map(&self.file, offset, buffer.len()) else {
            // On some machines parts of the old memory can't be mapped (Xen, memory that the hypervisor
            // withholds); read(2) asks for it page by page.
            self.maps.store(false, Ordering::Relaxed);
            return self.file.read_exact_at(buffer, offset);
        };
        window.copy_to(buffer);
        Ok(())
    }
}

/// A mapping of a range, unmapped when dropped.
struct Window {
    start: *mut core::ffi::c_void,
    mapped: usize,
    /// The offset of the requested range in the mapping.
    skip: usize,
}

impl Window {
    fn map(file: &File, offset: u64, length: usize) -> io::Result<Window> {
        let skip = usize::try_from(offset % PAGE).map_err(io::Error::other)?;
        let mapped = skip
            .checked_add(length)
            .and_then(|it| it.checked_next_multiple_of(4096))
            .ok_or(io::ErrorKind::InvalidInput)?;
        // SAFETY: a new mapping at an address of the kernel's choice touches nothing that is there.
        let start = unsafe {
            mmap(
                ptr::null_mut(),
                mapped,
                ProtFlags::READ,
                MapFlags::PRIVATE,
                file,
                offset - offset % PAGE,
            )
        }?;
        Ok(Window {
            start,
            mapped,
            skip,
        })
    }

    /// Copies the requested range, which is as long as `buffer`.
    fn copy_to(&self, buffer: &mut [u8]) {
        assert!(self.skip + buffer.len() <= self.mapped);
        // SAFETY: the mapping holds `mapped` readable bytes until it is dropped, and the assertion
        // keeps the copy inside it. Nobody writes to them: they belong to a kernel that is dead. A page
        // that the kernel can't give ends the process (SIGBUS), which is no undefined behaviour.
        // `buffer` is borrowed exclusively, so that the two don't overlap.
        unsafe {
            ptr::copy_nonoverlapping(
                self.start.cast::<u8>().add(self.skip),
                buffer.as_mut_ptr(),
                buffer.len(),
            );
        }
    }
}

impl Drop for Window {
    fn drop(&mut self) {
        // SAFETY: the range is the one that mmap gave, unmapped once, and no reference into it exists.
        // It can fail only for an address that isn't one.
        let _ = unsafe { munmap(self.start, self.mapped) };
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testroot::TestRoot;

    const SIZE: usize = 9 << 20;

    fn bytes() -> Vec<u8> {
        let numbers = (0..SIZE / 4).flat_map(|it: usize| (it as u64 * 2_654_435_761).to_le_bytes());
        numbers.take(SIZE).collect()
    }

    fn opened(t: &TestRoot) -> Vmcore {
        Vmcore::open(&t.root().join("vmcore")).unwrap()
    }

    #[test]
    fn reads_of_every_kind_give_what_stands_there() {
        let bytes = bytes();
        let t = TestRoot::new().with("vmcore", &bytes);
        let vmcore = opened(&t);
        for (offset, length) in [
            (0, 0),
            (0, 10),
            (4095, 2),
            (4096, MIN_MAPPED - 1),
            (0, MIN_MAPPED),
            (1, MIN_MAPPED),
            (4095, MIN_MAPPED + 4098),
            (5000, MAX_MAPPED),
            (5000, MAX_MAPPED + 1),
            (0, SIZE),
            (SIZE - MIN_MAPPED, MIN_MAPPED),
        ] {
            let mut buffer = vec![0; length];
            vmcore.read_at(offset as u64, &mut buffer).unwrap();
            assert!(
                buffer == bytes[offset..offset + length],
                "{length} bytes at {offset}"
            );
        }
        assert!(vmcore.maps.load(Ordering::Relaxed));
    }

    #[test]
    fn beyond_the_end_is_an_error_and_not_a_signal() {
        let t = TestRoot::new().with("vmcore", bytes());
        let vmcore = opened(&t);
        for (offset, length) in [
            (SIZE as u64, 1),
            (SIZE as u64 - 1, 2),
            (SIZE as u64 - 4096, MIN_MAPPED),
            (u64::MAX, MIN_MAPPED),
            (u64::MAX, 1),
        ] {
            let error = vmcore.read_at(offset, &mut vec![0; length]).unwrap_err();
            assert_eq!(
                error.kind(),
                io::ErrorKind::UnexpectedEof,
                "{length} at {offset}"
            );
        }
    }

    #[test]
    fn what_cannot_be_mapped_is_read() {
        let bytes = bytes();
        let t = TestRoot::new().with("vmcore", &bytes);
        let vmcore = opened(&t);
        vmcore.maps.store(false, Ordering::Relaxed);
        let mut buffer = vec![0; MAX_MAPPED];
        vmcore.read_at(3, &mut buffer).unwrap();
        assert!(buffer == bytes[3..3 + MAX_MAPPED]);
    }

    #[test]
    fn where_no_kernel_crashed_there_is_none() {
        let t = TestRoot::new().with("x", "");
        let error = Vmcore::open(&t.root().join("vmcore")).err().unwrap();
        assert_eq!(error.kind(), io::ErrorKind::NotFound);
    }
}
