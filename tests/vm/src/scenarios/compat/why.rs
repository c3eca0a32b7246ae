//! Why both programs end differently.

/// A reason.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Why {
    DefaultSyscall,
    OldUnload,
    OldSyscall,
    Formats,
    Verified,
    Files,
    Invalid,
    Ignored,
    NotDone,
    Newer,
}

impl Why {
    pub const ALL: [Why; 10] = [
        Why::DefaultSyscall,
        Why::OldUnload,
        Why::OldSyscall,
        Why::Formats,
        Why::Verified,
        Why::Files,
        Why::Invalid,
        Why::Ignored,
        Why::NotDone,
        Why::Newer,
    ];

    pub fn text(self) -> &'static str {
        match self {
            Why::DefaultSyscall => {
                "Without `-s` and `-a`, kexec-tools 2.0.25 uses kexec_load, which a locked-down kernel refuses. Baton \
                 uses kexec_file_load, as kexec-tools 2.0.32 does at first."
            }
            Why::OldUnload => {
                "Without `-s` and with `-c`, kexec-tools 2.0.25 unloads by kexec_load, too, which a locked-down kernel \
                 refuses. Baton always unloads by kexec_file_load."
            }
            Why::OldSyscall => {
                "What a crash kernel needs besides, Baton leaves to kexec_file_load."
            }
            Why::Formats => {
                "kexec_file_load boots none of these, kexec_load boots an ELF kernel unverified. Baton loads them through \
                 the gate, if that trusts who signed them."
            }
            Why::Verified => {
                "Where nobody insists on signatures, Baton loads an unsigned kernel, but none whose signature is false."
            }
            Why::Files => {
                "kexec-tools ends with 1 or 255 by which of its functions finds that a file can't be read. Baton ends \
                 with 255."
            }
            Why::Invalid => {
                "kexec-tools takes whatever the kernel calls invalid (EINVAL, ENOEXEC) for a missing system call, and \
                 says so. Baton says what is wrong, and ends with 253 only where the system call is missing."
            }
            Why::Ignored => "kexec-tools takes no notice of it; to Baton it is wrong use.",
            Why::NotDone => {
                "With kexec_file_load kexec-tools takes no notice of it. Baton says that it isn't done."
            }
            Why::Newer => {
                "kexec-tools 2.0.25 doesn't have the option; 2.0.32, whose options Baton takes, does."
            }
        }
    }
}
