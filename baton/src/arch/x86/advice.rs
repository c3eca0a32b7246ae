//! What to do about a file that isn't built for x86.

/// It is built for another machine.
pub const OTHER_MACHINE: &str = "take the one that is built for x86-64";
/// It is an EFI zboot image.
pub const ZBOOT: &str = "x86-64 kernels aren't built this way: use the one for this machine, or the kernel that is compressed in it";
/// It is what boot loaders of other machines start.
pub const UNWRAP: &str =
    "a boot loader's wrapping: name the kernel that is in it, if it is for x86-64";
