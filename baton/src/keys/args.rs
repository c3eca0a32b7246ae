//! The command line of `baton keys`.

use clap::{Args, Subcommand, ValueEnum};
use std::path::PathBuf;

/// Where keys are made when nothing else is said.
pub const DIRECTORY: &str = "/var/lib/baton/keys";

/// `baton keys …`
#[derive(Debug, Subcommand)]
pub enum KeysCommand {
    /// List whom this machine trusts, where that stands, and what it counts for
    List(ListArgs),
    /// Show a certificate: what it says, what it may vouch for, and whether this machine trusts it
    Show(ShowArgs),
    /// Make a key and its certificate, to be enrolled as a machine owner key (MOK)
    New(NewArgs),
    /// Ask shim to enroll a certificate at the next boot
    #[command(after_help = ENROLL_HELP)]
    Enroll(EnrollArgs),
    /// Save what loads are judged by on this machine, for `--saved-state` on another; the file is the one that
    /// `baton status --save` writes
    Export(ExportArgs),
}

/// What `--help` adds.
pub const ENROLL_HELP: &str = "\
A program that runs under Linux can't enroll a key by itself: it leaves a request, and whoever sits at the machine
confirms it at the next boot through the firmware (`baton exec --real-reboot`), in MokManager, with the password that is
chosen now. MokManager knows the keyboard as the firmware does, mostly as a US one.";

impl KeysCommand {
    /// Whether the output is to be JSON.
    #[must_use]
    pub fn json(&self) -> bool {
        match self {
            KeysCommand::List(args) => args.json,
            KeysCommand::Show(args) => args.json,
            KeysCommand::New(args) => args.json,
            KeysCommand::Enroll(args) => args.json,
            KeysCommand::Export(args) => args.json,
        }
    }
}

/// Which machine to look at, and the gate there.
#[derive(Debug, Clone, Default, Args)]
pub struct MachineArgs {
    /// The gate to look into [default: the installed one]
    #[arg(long, value_name = "FILE", env = "BATON_GATE")]
    pub gate: Option<PathBuf>,
    /// Look at the machine described below this directory (for testing)
    #[arg(long, value_name = "DIR", hide = true)]
    pub root: Option<PathBuf>,
    /// Look at the machine whose state was saved there (`baton keys export`)
    #[arg(long, value_name = "FILE", conflicts_with = "root")]
    pub saved_state: Option<PathBuf>,
}

/// Options of list.
#[derive(Debug, Args)]
pub struct ListArgs {
    /// Which machine.
    #[command(flatten)]
    pub machine: MachineArgs,
    /// Print one JSON object
    #[arg(long)]
    pub json: bool,
}

/// What to show.
#[derive(Debug, Args)]
pub struct ShowArgs {
    /// A file with certificates (PEM, DER or PKCS#7), or the beginning of an ID that `baton keys list` shows
    #[arg(value_name = "CERT|ID")]
    pub given: PathBuf,
    /// Which machine.
    #[command(flatten)]
    pub machine: MachineArgs,
    /// Print one JSON object
    #[arg(long)]
    pub json: bool,
}

/// Kinds of keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Algorithm {
    /// RSA of 2048 bits: every shim, firmware and kernel takes it
    Rsa2048,
    /// RSA of 3072 bits
    Rsa3072,
    /// RSA of 4096 bits
    Rsa4096,
    /// ECDSA on P-256: for the gate, and for kernels with ECDSA built in; shim doesn't take it
    P256,
    /// ECDSA on P-384: likewise
    P384,
}

/// The key to make.
#[derive(Debug, Args)]
pub struct NewArgs {
    /// The kind of key
    #[arg(long, value_enum, default_value = "rsa2048")]
    pub algorithm: Algorithm,
    /// The certificate's name (CN), of up to 64 characters [default: "Baton MOK of" and this machine's name]
    #[arg(long, value_name = "TEXT")]
    pub cn: Option<String>,
    /// For how long it says that it is valid; nobody who verifies goes by that
    #[arg(long, value_name = "DAYS", default_value_t = 36500, value_parser = clap::value_parser!(u32).range(1..=36500))]
    pub days: u32,
    /// Where to write mok.key, mok.pem and mok.der
    #[arg(short, long, value_name = "DIR", default_value = DIRECTORY)]
    pub output: PathBuf,
    /// Replace the key that is there. What it signed is trusted as before, but nothing more can be signed with it
    #[arg(long)]
    pub force: bool,
    /// Print one JSON object
    #[arg(long)]
    pub json: bool,
}

/// What to enroll.
#[derive(Debug, Args)]
pub struct EnrollArgs {
    /// The certificate, PEM, DER or PKCS#7
    #[arg(value_name = "CERT", default_value = "/var/lib/baton/keys/mok.der")]
    pub certificate: PathBuf,
    /// How the request is confirmed.
    #[command(flatten)]
    pub password: PasswordArgs,
    /// Say what would be done, and do nothing
    #[arg(long)]
    pub dry_run: bool,
    /// Print one JSON object
    #[arg(long)]
    pub json: bool,
    /// Look at the machine described below this directory (for testing)
    #[arg(long, value_name = "DIR", hide = true)]
    pub root: Option<PathBuf>,
}

/// The password by which the request is confirmed in MokManager.
#[derive(Debug, Clone, Default, Args)]
#[group(multiple = false)]
pub struct PasswordArgs {
    /// Read the password from the first line of a file that others may not read, instead of asking for it
    #[arg(long, value_name = "FILE")]
    pub password_file: Option<PathBuf>,
    /// Make up a password that every keyboard can type, and show it
    #[arg(long)]
    pub random_password: bool,
    /// Confirm with root's password, as it is now
    #[arg(long)]
    pub root_password: bool,
}

/// Where to save the machine's state.
#[derive(Debug, Args)]
pub struct ExportArgs {
    /// The file to write; only its owner may read it
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// Replace it, if it is there
    #[arg(long)]
    pub force: bool,
    /// Print one JSON object
    #[arg(long)]
    pub json: bool,
}
