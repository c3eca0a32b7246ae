//! What differs from one architecture to another:
//!
//! | what | where |
//! |---|---|
//! | its name, and which files are built for it | the constants of its `mod.rs` |
//! | what to do about files that aren't | `advice` |
//! | what the kernel's loader asks of a boot image, and what that says of itself | `loader` |
//! | which images the kernel's loader takes, with its error numbers | `probe` |
//! | what the running kernel shows of how it was started | `running` |
//! | what goes on a capture's command line | `capture` |
//! | what kexec_load loads, laid out in memory | `segments` |
//! | what of the gate's file its boot protocol reads | `stub` |
//! | parameters that its kernels alone have | `parameters` |
//! | what kexec-tools has for it alone | `kexec` |
//! | its boot image, shown | `inspect` |
//!
//! Files are shown whatever they are built for; all else is about the one that this is built for. The names of others
//! are in `names`.

pub mod names;
pub mod x86;

pub use x86::inspect::BzImageInfo;
// The one that this is built for.
pub use x86::{
    ENTRY_ARCHITECTURE, NAME, PE_MACHINE, advice, capture, is_elf_machine, kexec, loader,
    parameters, probe, running, segments, stub,
};
