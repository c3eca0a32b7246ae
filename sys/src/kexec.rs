//! The system call kexec_file_load, and kexec_load for kernels that don't have it.

use crate::kexec_error::{KexecError, Load};
use crate::kexec_lock;
use std::ffi::CStr;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};

/// include/uapi/linux/kexec.h
const KEXEC_FILE_UNLOAD: libc::c_ulong = 1;
const KEXEC_FILE_ON_CRASH: libc::c_ulong = 2;
const KEXEC_FILE_NO_INITRAMFS: libc::c_ulong = 4;
const KEXEC_ON_CRASH: libc::c_ulong = 1;

/// Loads a kernel for the next kexec, or for a crash.
///
/// The kernel reads both files itself; `kernel` must not be open for writing anywhere. While another load is in
/// progress, this waits for its end.
///
/// # Errors
/// The kernel's errno with its reason. After a failed crash load the previously loaded crash kernel is gone; a failed
/// normal load leaves the loaded kernel in place.
pub fn load(
    kernel: BorrowedFd<'_>,
    initrd: Option<BorrowedFd<'_>>,
    cmdline: &CStr,
    crash: bool,
) -> Result<(), KexecError> {
    let mut flags = 0;
    if crash {
        flags |= KEXEC_FILE_ON_CRASH;
    }
    if initrd.is_none() {
        flags |= KEXEC_FILE_NO_INITRAMFS;
    }
    let initrd = initrd.as_ref().map_or(-1, |fd| fd.as_fd().as_raw_fd());
    let what = if crash { Load::Crash } else { Load::Normal };
    let cmdline = cmdline.to_bytes_with_nul();
    let attempt = || file_load(kernel.as_raw_fd(), initrd, cmdline, flags);
    kexec_lock::waiting(attempt, is_busy).map_err(|errno| KexecError::new(what, errno))
}

/// Unloads the loaded kernel or the loaded crash kernel. Succeeds if none is loaded.
///
/// # Errors
/// The kernel's errno with its reason.
pub fn unload(crash: bool) -> Result<(), KexecError> {
    let mut flags = KEXEC_FILE_UNLOAD;
    if crash {
        flags |= KEXEC_FILE_ON_CRASH;
    }
    let attempt = || match file_load(-1, -1, &[], flags) {
        Err(libc::ENOSYS) => old_load(0, &[], crash),
        other => other,
    };
    kexec_lock::waiting(attempt, is_busy).map_err(|errno| KexecError::new(Load::Unload, errno))
}

/// A part of what [`load_segments`] loads: these bytes, and zeros up to its size.
#[derive(Debug, Clone, Copy)]
pub struct Segment<'a> {
    /// What it begins with.
    pub bytes: &'a [u8],
    /// Its physical address, a multiple of a page.
    pub address: u64,
    /// Its size in bytes, likewise.
    pub size: u64,
}

/// Loads what was laid out in user space for the next kexec, by kexec_load: the kernel verifies nothing of it, and
/// enters it at this physical address. A locked-down kernel refuses.
///
/// # Errors
/// The kernel's errno with its reason.
pub fn load_segments(entry: u64, segments: &[Segment<'_>]) -> Result<(), KexecError> {
    kexec_lock::waiting(|| old_load(entry, segments, false), is_busy)
        .map_err(|errno| KexecError::new(Load::Normal, errno))
}

fn is_busy(errno: &i32) -> bool {
    *errno == libc::EBUSY
}

/// `struct kexec_segment` of include/uapi/linux/kexec.h.
#[repr(C)]
struct RawSegment {
    buf: *const libc::c_void,
    bufsz: libc::size_t,
    mem: *const libc::c_void,
    memsz: libc::size_t,
}

fn old_load(entry: u64, segments: &[Segment<'_>], crash: bool) -> Result<(), i32> {
    let word = |value: u64| usize::try_from(value).map_err(|_| libc::EADDRNOTAVAIL);
    let raw = segments.iter().map(|segment| {
        Ok(RawSegment {
            buf: segment.bytes.as_ptr().cast(),
            bufsz: segment.bytes.len(),
            mem: std::ptr::without_provenance(word(segment.address)?),
            memsz: word(segment.size)?,
        })
    });
    let raw: Vec<RawSegment> = raw.collect::<Result<_, i32>>()?;
    let flags = if crash { KEXEC_ON_CRASH } else { 0 };
    // SAFETY: the array and the bytes that it points to live across the call, which reads as many of them as are
    // stated and writes nothing; where they go is memory that only the next kernel sees.
    let result =
        unsafe { libc::syscall(libc::SYS_kexec_load, entry, raw.len(), raw.as_ptr(), flags) };
    if result == 0 {
        Ok(())
    } else {
        Err(std::io::Error::last_os_error().raw_os_error().unwrap_or(0))
    }
}

fn file_load(kernel: i32, initrd: i32, cmdline: &[u8], flags: libc::c_ulong) -> Result<(), i32> {
    let (pointer, len) = if cmdline.is_empty() {
        (std::ptr::null(), 0)
    } else {
        (cmdline.as_ptr(), cmdline.len())
    };
    // SAFETY: the pointer is null with length 0, or of a slice that lives across the call, which reads
    // `len` bytes of it and writes nothing; the descriptors are checked by the kernel.
    let result = unsafe {
        libc::syscall(
            libc::SYS_kexec_file_load,
            libc::c_long::from(kernel),
            libc::c_long::from(initrd),
            len,
            pointer,
            flags,
        )
    };
    if result == 0 {
        Ok(())
    } else {
        Err(std::io::Error::last_os_error().raw_os_error().unwrap_or(0))
    }
}
