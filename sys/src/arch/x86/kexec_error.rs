//! What errno means of arch/x86/kernel/kexec-bzimage64.c and machine_kexec_64.c.

/// What to do about an image that no loader knows.
pub(crate) const UNKNOWN_FORMAT: &str =
    "give it a 64-bit relocatable bzImage (for other formats the gate is needed)";
/// Why there is no kexec at all.
pub(crate) const NO_KEXEC: &str = "this machine can't kexec (a TDX host with a known erratum)";
