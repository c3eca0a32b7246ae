//! The command line of `baton inspect`.

use clap::Args;
use std::path::PathBuf;

/// What to inspect.
#[derive(Debug, Args)]
pub struct InspectArgs {
    /// The image: a UKI, kernel, gate or other PE image, an ELF or multiboot2 kernel, a saved
    /// handover, a manifest, a signature or a certificate
    pub image: PathBuf,
    /// Also show the SHA-256 of the file, and of its sections or segments
    #[arg(long)]
    pub digests: bool,
    /// Print one JSON object
    #[arg(long)]
    pub json: bool,
}
