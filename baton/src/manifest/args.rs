//! The command line of `baton manifest`.

use clap::Args;
use std::path::{Path, PathBuf};

/// What `--help` adds.
pub const MANIFEST_HELP: &str = "\
Whoever trusts the manifest's signature trusts what it lists, whether that is signed itself or not.
It counts once it is signed:
  baton sign --key K --cert C OUT          # writes OUT.p7s
  baton verify KERNEL --manifest OUT --initrd INITRD";

/// What a manifest lists.
#[derive(Debug, Args)]
pub struct ManifestArgs {
    /// What people call it
    #[arg(long, value_name = "TEXT")]
    pub name: Option<String>,
    /// The kernel, of any format
    #[arg(long, value_name = "FILE")]
    pub kernel: Option<PathBuf>,
    /// An initrd; several are given in the order of unpacking
    #[arg(long, value_name = "FILE")]
    pub initrd: Vec<PathBuf>,
    /// The command line must be exactly this
    #[arg(
        long,
        value_name = "TEXT",
        conflicts_with = "cmdline_prefix",
        allow_hyphen_values = true
    )]
    pub cmdline: Option<String>,
    /// The command line must be this, or begin with this and a space
    #[arg(long, value_name = "TEXT", allow_hyphen_values = true)]
    pub cmdline_prefix: Option<String>,
    /// Replace the manifest to write, if it is there
    #[arg(long)]
    pub force: bool,
    /// The manifest to write
    #[arg(
        value_name = "OUT",
        required_unless_present = "output",
        conflicts_with = "output"
    )]
    out: Option<PathBuf>,
    /// The manifest to write
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
}

impl ManifestArgs {
    /// The manifest to write.
    #[must_use]
    pub fn output(&self) -> &Path {
        let named = self.output.as_deref().or(self.out.as_deref());
        named.unwrap_or(Path::new(""))
    }
}
