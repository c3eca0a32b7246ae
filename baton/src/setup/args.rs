//! The command line of `baton setup`.

use crate::crash::args::CaptureSources;
use crate::keys::args::{Algorithm, PasswordArgs};
use clap::Args;
use std::path::PathBuf;

/// What `--help` adds.
pub const SETUP_HELP: &str = "\
It says what it is going to do, asks once, and does it. What only a person can do is named: confirming the key in
MokManager at the next boot, for instance. Run it again afterwards: it goes on where it stopped, and says `nothing to do`
once all is done. The plan shows with each step what one could type in its place.";

/// What to set up.
#[derive(Debug, Args)]
pub struct SetupArgs {
    /// Sign the gate with this private key (as `baton sign --key`), instead of the one in /var/lib/baton/keys, which is made
    /// if there is none
    #[arg(long, value_name = "KEY", requires = "cert")]
    pub key: Option<PathBuf>,
    /// The key's certificate
    #[arg(long, value_name = "FILE", requires = "key")]
    pub cert: Option<PathBuf>,
    /// The file whose first line is the key's passphrase or the token's PIN [default: it is asked for]
    #[arg(long, value_name = "FILE", requires = "key")]
    pub passphrase_file: Option<PathBuf>,
    /// The kind of key that is made
    #[arg(long, value_enum, default_value = "rsa2048", conflicts_with = "key")]
    pub algorithm: Algorithm,
    /// The gate's policy: TOML, or a preset [default: that of the gate that is there, or else stock]
    #[arg(long, value_name = "FILE|PRESET")]
    pub policy: Option<PathBuf>,
    /// Certificates that the gate trusts besides the machine's MOK list (may be repeated) [default: those of the gate
    /// that is there]
    #[arg(long, value_name = "CERT")]
    pub trust: Vec<PathBuf>,
    /// Build the gate anew even where the one that is there would do, say with another policy
    #[arg(long)]
    pub rebuild: bool,
    /// Reserve so much memory for a crash kernel from the next boot on, in the boot loader's configuration
    #[arg(long, value_name = "SIZE", num_args = 0..=1, default_missing_value = "256M")]
    pub crashkernel: Option<String>,
    /// Don't load a kernel
    #[arg(long)]
    pub no_load: bool,
    /// Don't enable any units
    #[arg(long)]
    pub no_units: bool,
    /// How the key's enrollment is confirmed.
    #[command(flatten)]
    pub password: PasswordArgs,
    /// What the capture initramfs is made from.
    #[command(flatten)]
    pub sources: CaptureSources,
    /// Do it without asking
    #[arg(short, long)]
    pub yes: bool,
    /// Say what would be done, and do nothing
    #[arg(long, conflicts_with = "yes")]
    pub dry_run: bool,
    /// Print one JSON object; needs --yes or --dry-run
    #[arg(long)]
    pub json: bool,
    /// Work on the machine described below this directory (for testing)
    #[arg(long, value_name = "DIR", hide = true)]
    pub root: Option<PathBuf>,
}
