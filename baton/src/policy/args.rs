//! The command line of `baton policy`.

use clap::{Args, Subcommand};
use std::ffi::OsString;
use std::path::PathBuf;

/// What `--help` says about policies.
pub const POLICY_HELP: &str = "\
Presets are stock (the default), signed-initrd and sealed; `baton policy explain PRESET` says what
one does. A policy of one's own is TOML; what it doesn't say is as in its preset:
  preset = \"signed-initrd\"
  [refusal]
  action = \"halt\"
  [cmdline]
  rules = [{ allow = \"init\", one-of = [\"/sbin/init\"] }, { deny = \"module_blacklist\" }]
docs/policy.md describes all of it.

The gate must be signed (`baton sign`) with a key that the running kernel trusts.";

/// `baton policy …`
#[derive(Debug, Subcommand)]
pub enum PolicyCommand {
    /// Check whether a policy can be built into a gate, and warn of anything suspicious
    #[command(after_help = POLICY_HELP)]
    Check(PolicyCheckArgs),
    /// Show all that a policy says, as TOML
    Show(PolicyShowArgs),
    /// Explain what a policy accepts and refuses, or what it does with a command line
    Explain(PolicyExplainArgs),
    /// Compare what two policies accept and refuse
    Diff(PolicyDiffArgs),
}

impl PolicyCommand {
    /// Whether the output is to be JSON.
    #[must_use]
    pub fn json(&self) -> bool {
        match self {
            PolicyCommand::Show(args) => args.json,
            PolicyCommand::Diff(args) => args.json,
            PolicyCommand::Check(_) | PolicyCommand::Explain(_) => false,
        }
    }
}

/// Which policy to check.
#[derive(Debug, Args)]
pub struct PolicyCheckArgs {
    /// The policy's TOML, or a preset
    #[arg(value_name = "FILE|PRESET")]
    pub policy: PathBuf,
}

/// Which policy to show.
#[derive(Debug, Args)]
pub struct PolicyShowArgs {
    /// The policy's TOML, a gate with a policy, or a preset
    #[arg(value_name = "FILE|GATE|PRESET")]
    pub policy: PathBuf,
    /// Print one JSON object
    #[arg(long)]
    pub json: bool,
}

/// What to explain.
#[derive(Debug, Args)]
pub struct PolicyExplainArgs {
    /// The policy's TOML, a gate with a policy, or a preset
    #[arg(value_name = "FILE|GATE|PRESET")]
    pub policy: PathBuf,
    /// Say what happens to each parameter of this command line
    #[arg(long, value_name = "TEXT", allow_hyphen_values = true)]
    pub cmdline: Option<OsString>,
    /// Judge the command line of a crash load
    #[arg(long, requires = "cmdline")]
    pub crash: bool,
    /// Call keys by the names in these certificates (PEM or DER; may be repeated)
    #[arg(long, value_name = "FILE")]
    pub cert: Vec<PathBuf>,
}

/// What to compare.
#[derive(Debug, Args)]
pub struct PolicyDiffArgs {
    /// A policy's TOML, a gate with a policy, or a preset
    #[arg(value_name = "OLD")]
    pub old: PathBuf,
    /// Another one
    #[arg(value_name = "NEW")]
    pub new: PathBuf,
    /// Call keys by the names in these certificates (PEM or DER; may be repeated)
    #[arg(long, value_name = "FILE")]
    pub cert: Vec<PathBuf>,
    /// Print one JSON object
    #[arg(long)]
    pub json: bool,
}
