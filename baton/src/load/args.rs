//! The command line of `baton load`, and the options that `baton crash load` has in common with it.

use crate::handover::args::Companions;
use clap::{ArgGroup, Args, ValueEnum};
use std::path::PathBuf;

/// Where the gate lies when nothing else is said.
pub const DEFAULT_GATE: &str = "/usr/lib/baton/gate.efi";

/// Which load route to take.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Via {
    /// Direct kexec where the kernel accepts the image, the gate where only the gate does
    Auto,
    /// The kernel verifies the image itself
    Kernel,
    /// The kernel verifies the gate, and the gate verifies the image
    Gate,
}

/// What to load.
#[derive(Debug, Args)]
pub struct LoadArgs {
    /// The kernel to load: a bzImage, a UKI, an ELF file (vmlinux, or with a PVH entry), a multiboot2 kernel, or a
    /// saved handover. A detached signature is taken from KERNEL.p7s
    pub kernel: PathBuf,
    /// What goes with it, and how.
    #[command(flatten)]
    pub options: LoadOptions,
}

/// What goes with a kernel, and how it is loaded.
#[derive(Debug, Args)]
#[command(group(ArgGroup::new("saved").multiple(true)))]
pub struct LoadOptions {
    /// What goes with it.
    #[command(flatten)]
    pub with: Companions,
    /// Use the running kernel's command line, without BOOT_IMAGE= and initrd= (and crashkernel= for a
    /// crash kernel)
    #[arg(long, conflicts_with = "cmdline")]
    pub reuse_cmdline: bool,
    /// Which load route to take
    #[arg(long, value_enum, default_value = "auto")]
    pub via: Via,
    /// The gate to use
    #[arg(long, value_name = "FILE", env = "BATON_GATE", default_value = DEFAULT_GATE)]
    pub gate: PathBuf,
    /// Say what would be loaded, and load nothing
    #[arg(long)]
    pub dry_run: bool,
    /// Also write the handover to a file, which can be loaded later in place of KERNEL
    #[arg(long, value_name = "FILE", group = "saved")]
    pub save_handover: Option<PathBuf>,
    /// Replace the file that is to be saved to, if it is there
    #[arg(long, requires = "saved")]
    pub force: bool,
    /// Skip Baton's own verdict (for testing): the kernel and the gate still give theirs
    #[arg(long)]
    pub no_preflight: bool,
    /// Print one JSON object
    #[arg(long)]
    pub json: bool,
    /// Judge as root on the machine described in this directory would: another machine's /proc and /sys,
    /// of which only what is known need be there
    #[arg(long, value_name = "DIR", requires = "dry_run")]
    pub root: Option<PathBuf>,
    /// Judge for the machine whose state was saved there (`baton status --save`)
    #[arg(
        long,
        value_name = "FILE",
        requires = "dry_run",
        conflicts_with = "root"
    )]
    pub saved_state: Option<PathBuf>,
}
