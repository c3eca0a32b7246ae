//! The command line of `baton gate`.

use crate::policy::args::POLICY_HELP;
use clap::{Args, Subcommand};
use std::path::PathBuf;

/// `baton gate …`
#[derive(Debug, Subcommand)]
pub enum GateCommand {
    /// Add certificates, a policy, SBAT metadata and revocations to the gate's stub
    #[command(after_help = POLICY_HELP)]
    Build(GateBuildArgs),
}

/// What to build a gate from.
#[derive(Debug, Args)]
pub struct GateBuildArgs {
    /// The gate's stub
    #[arg(long, value_name = "FILE")]
    pub stub: PathBuf,
    /// Certificates the gate trusts, PEM or DER (may be repeated)
    #[arg(long, value_name = "FILE")]
    pub cert: Vec<PathBuf>,
    /// The policy: TOML, or a preset
    #[arg(long, value_name = "FILE|PRESET", default_value = "stock")]
    pub policy: PathBuf,
    /// SBAT metadata, as CSV, in place of the gate's own (baton.gate)
    #[arg(long, value_name = "FILE")]
    pub sbat: Option<PathBuf>,
    /// What the gate refuses: EFI signature lists, a variable from efivarfs, or a dbx update as it is published (may be
    /// repeated). A dbx update's own signature isn't checked: whoever signs the gate vouches for its contents
    #[arg(long, value_name = "FILE")]
    pub dbx: Vec<PathBuf>,
    /// The gate to write
    #[arg(short, long, visible_alias = "out", value_name = "FILE")]
    pub output: PathBuf,
    /// Replace the gate to write, if it is there
    #[arg(long)]
    pub force: bool,
}
