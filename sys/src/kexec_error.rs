//! What the kernel's errno means when it refuses to load, and how to fix it.
//!
//! The kernel returns only a number. The table here is derived from kernel/kexec_file.c, kernel/kexec.c and
//! crypto/asymmetric_keys/ of Linux 6.1 to 7.2; what one architecture alone means is in `arch`.

use crate::arch;
use std::fmt;

/// ENOTSUPP of include/linux/errno.h, which libc doesn't name but the kernel's signature code returns to user space.
const ENOTSUPP: i32 = 524;

/// The numbers, for whoever forecasts which one the kernel returns.
pub mod errno {
    pub use libc::{
        EADDRNOTAVAIL, EBADMSG, EFBIG, EINVAL, EKEYREJECTED, ELIBBAD, EMSGSIZE, ENODATA, ENOENT,
        ENOEXEC, ENOKEY, ENOPKG, EPERM,
    };

    /// As above.
    pub const ENOTSUPP: i32 = super::ENOTSUPP;
}

/// A request to the kernel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Load {
    /// Loading a kernel for the next kexec.
    Normal,
    /// Loading a kernel for a crash.
    Crash,
    /// Unloading a kernel.
    Unload,
}

/// The cause of a refusal, in groups on which a caller can act.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cause {
    /// This process, or this kernel, may not load at all.
    NotPermitted,
    /// The signature is missing, bad, or of a key that isn't trusted.
    Signature,
    /// The image or its signature is malformed, or of a kind the kernel doesn't know.
    Malformed,
    /// There isn't enough memory.
    NoRoom,
    /// The kernel lacks the system call.
    Unsupported,
    /// The request is invalid: its flags, command line or files.
    Request,
    /// Any other cause.
    Other,
}

/// A refusal of kexec_file_load.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KexecError {
    load: Load,
    errno: i32,
    fix: Option<&'static str>,
}

impl std::error::Error for KexecError {}

impl KexecError {
    /// The error for this errno.
    #[must_use]
    pub fn new(load: Load, errno: i32) -> KexecError {
        KexecError {
            load,
            errno,
            fix: None,
        }
    }

    /// The same error with another fix than the usual one.
    #[must_use]
    pub fn with_fix(self, fix: &'static str) -> KexecError {
        KexecError {
            fix: Some(fix),
            ..self
        }
    }

    /// Whether no trusted key has signed the image.
    #[must_use]
    pub fn is_for_want_of_a_key(&self) -> bool {
        self.errno == libc::ENOKEY
    }

    /// Whether a security policy forbids the load. The policy may concern the file rather than its bytes, since IPE and
    /// IMA can ask which file system it is on.
    #[must_use]
    pub fn is_by_policy(&self) -> bool {
        self.errno == libc::EACCES
    }

    /// The errno.
    #[must_use]
    pub fn errno(&self) -> i32 {
        self.errno
    }

    /// The name of the errno, such as `ENOKEY`.
    #[must_use]
    pub fn name(&self) -> &'static str {
        entry(self.errno).map_or("an errno of unknown meaning", |e| e.name)
    }

    /// What the errno means here.
    #[must_use]
    pub fn reason(&self) -> &'static str {
        entry(self.errno).map_or("an error that isn't known of kexec_file_load", |e| e.reason)
    }

    /// What to do about it.
    #[must_use]
    pub fn fix(&self) -> &'static str {
        let usual = entry(self.errno).map_or("see the kernel's log (dmesg)", |e| e.fix);
        self.fix.unwrap_or(usual)
    }

    /// The group of causes that the errno belongs to.
    #[must_use]
    pub fn cause(&self) -> Cause {
        entry(self.errno).map_or(Cause::Other, |e| e.cause)
    }
}

impl fmt::Display for KexecError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let thing = match self.load {
            Load::Normal => "the kernel refused to load the image",
            Load::Crash => "the kernel refused to load the crash image",
            Load::Unload => "the kernel refused to unload",
        };
        match entry(self.errno) {
            Some(e) => {
                let fix = self.fix.unwrap_or(e.fix);
                write!(f, "{thing}: {} ({}): {fix}", e.reason, e.name)?;
            }
            None => write!(
                f,
                "{thing}: errno {}, which isn't a known error of kexec_file_load: see the kernel's log (dmesg)",
                self.errno
            )?,
        }
        if self.load == Load::Crash {
            f.write_str(
                "; a crash image that was loaded before may be gone: see `baton crash status`",
            )?;
        }
        Ok(())
    }
}

struct Entry {
    errno: i32,
    name: &'static str,
    cause: Cause,
    reason: &'static str,
    fix: &'static str,
}

fn entry(errno: i32) -> Option<&'static Entry> {
    TABLE.iter().find(|e| e.errno == errno)
}

const fn row(
    errno: i32,
    name: &'static str,
    cause: Cause,
    reason: &'static str,
    fix: &'static str,
) -> Entry {
    Entry {
        errno,
        name,
        cause,
        reason,
        fix,
    }
}

#[rustfmt::skip]
const TABLE: &[Entry] = &[
    row(libc::EPERM, "EPERM", Cause::NotPermitted,
        "not permitted: no CAP_SYS_BOOT, kernel.kexec_load_disabled is set, the load limit is used up, or lockdown hid why the signature failed",
        "run as root, look at `baton status`, and try `baton verify` on the image"),
    row(libc::EACCES, "EACCES", Cause::NotPermitted,
        "a security policy (IMA appraisal or an LSM) forbids it",
        "see the kernel's log for what was appraised, and sign the image as that policy wants"),
    row(libc::ENODATA, "ENODATA", Cause::Signature,
        "the image has no signature",
        "sign it with a key the kernel trusts (`baton sign`)"),
    row(libc::ENOKEY, "ENOKEY", Cause::Signature,
        "no key in the kernel's keyrings matches the image's first signature",
        "enrol the signer's certificate (mokutil --import) and restart through the firmware, or load through the gate"),
    row(libc::ENOPKG, "ENOPKG", Cause::Signature,
        "this kernel lacks an algorithm that the signature uses",
        "sign with RSA and SHA-256"),
    row(libc::ENOENT, "ENOENT", Cause::Signature,
        "this kernel lacks an algorithm that a certificate in the signature uses",
        "sign with RSA and SHA-256"),
    row(libc::EKEYREJECTED, "EKEYREJECTED", Cause::Signature,
        "the signature doesn't match the image, or its certificate is revoked",
        "get the image again from its origin, or sign it again"),
    row(libc::EBADMSG, "EBADMSG", Cause::Malformed,
        "the signature is malformed",
        "sign the image again (`baton sign --replace`)"),
    row(libc::ELIBBAD, "ELIBBAD", Cause::Malformed,
        "the image is a malformed PE file",
        "get the image again from its origin"),
    row(libc::EMSGSIZE, "EMSGSIZE", Cause::Malformed,
        "the signature's wrapper has a length the kernel can't take",
        "sign the image again with fewer certificates"),
    row(ENOTSUPP, "ENOTSUPP", Cause::Malformed,
        "the signature's wrapper is of a kind the kernel doesn't know",
        "sign the image again (`baton sign --replace`)"),
    row(libc::ENOEXEC, "ENOEXEC", Cause::Malformed,
        "no loader of this kernel knows the image's format",
        arch::UNKNOWN_FORMAT),
    row(libc::EINVAL, "EINVAL", Cause::Request,
        "invalid: the command line is too long, a file is empty or not a plain file, the image needs more than half of the memory, or the flags aren't known",
        "shorten the command line, and check the files and their sizes"),
    row(libc::EADDRNOTAVAIL, "EADDRNOTAVAIL", Cause::NoRoom,
        "no free memory where the image could lie (or no region is reserved for a crash)",
        "use a smaller initrd, or more crashkernel= memory"),
    row(libc::ENOMEM, "ENOMEM", Cause::NoRoom,
        "out of memory",
        "free some memory, or use a smaller initrd"),
    row(libc::EFBIG, "EFBIG", Cause::NoRoom,
        "a file is larger than the kernel reads (4 GiB)",
        "use a smaller file"),
    row(libc::EBUSY, "EBUSY", Cause::Request,
        "another load or a kexec is in progress",
        "wait for it and try again"),
    row(libc::ETXTBSY, "ETXTBSY", Cause::Request,
        "the file is open for writing somewhere",
        "close it there and try again"),
    row(libc::EBADF, "EBADF", Cause::Request,
        "a file could not be read by the kernel",
        "check that it is a plain file on a mounted file system"),
    row(libc::ENOSYS, "ENOSYS", Cause::Unsupported,
        "this kernel was built without kexec_file_load (CONFIG_KEXEC_FILE)",
        "use a kernel that has it; nothing is loaded by the unverified kexec_load"),
    row(libc::EOPNOTSUPP, "EOPNOTSUPP", Cause::Unsupported,
        arch::NO_KEXEC,
        "reboot through the firmware"),
];

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn each_errno_is_explained_once() {
        let numbers: HashSet<i32> = TABLE.iter().map(|e| e.errno).collect();
        assert_eq!(numbers.len(), TABLE.len());
    }

    #[test]
    fn an_explanation_names_the_thing_the_reason_and_the_fix_on_one_line() {
        for e in TABLE {
            let text = KexecError::new(Load::Normal, e.errno).to_string();
            assert!(text.starts_with("the kernel refused to load the image: "));
            assert!(text.contains(e.name) && text.contains(e.reason) && text.contains(e.fix));
            assert!(!text.contains('\n'));
        }
    }

    #[test]
    fn signature_errors_are_distinguished_from_permissions() {
        let cause = |errno| KexecError::new(Load::Normal, errno).cause();
        assert_eq!(cause(libc::ENOKEY), Cause::Signature);
        assert_eq!(cause(libc::EKEYREJECTED), Cause::Signature);
        assert_eq!(cause(libc::EPERM), Cause::NotPermitted);
        assert_eq!(cause(libc::EADDRNOTAVAIL), Cause::NoRoom);
        assert_eq!(cause(libc::ENOSYS), Cause::Unsupported);
    }

    #[test]
    fn another_fix_stands_in_for_the_usual_one() {
        let error = KexecError::new(Load::Normal, libc::ENOKEY).with_fix("boot with efi=runtime");
        assert!(error.is_for_want_of_a_key());
        let text = error.to_string();
        assert!(
            text.ends_with(": boot with efi=runtime") && !text.contains("mokutil"),
            "{text}"
        );
    }

    #[test]
    fn a_failed_crash_load_warns_that_the_old_image_may_be_gone() {
        let text = KexecError::new(Load::Crash, libc::ENOKEY).to_string();
        assert!(text.contains("may be gone"));
    }

    #[test]
    fn an_unknown_errno_is_shown_as_a_number() {
        let error = KexecError::new(Load::Unload, 4095);
        assert!(error.to_string().contains("errno 4095"));
        assert_eq!(error.cause(), Cause::Other);
    }
}
