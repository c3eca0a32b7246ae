//! The command line of `baton verify`.

use crate::handover::args::Companions;
use clap::Args;
use std::path::PathBuf;

/// What `--help` adds.
pub const VERIFY_HELP: &str = "\
A kernel is judged as the gate judges it, with what goes with it; without --gate, as a gate with the stock
policy would. A file that is signed but can't be started this way (a boot loader, say) is refused: exit code 4,
\"startable\": false and who signed it. An initrd, an addon or a manifest is judged for what it is, and a
file of no known format by the detached signature beside it.

Below the verdict it says what each of three judges would answer on this machine, or on the one of --against: the
running kernel to a direct kexec (with the error that kexec_file_load returns), shim or the firmware to the
image as an EFI program at boot, and the gate. With --cert alone or --signature-only nobody else is asked.";

/// What to verify, and against what.
#[derive(Debug, Args)]
pub struct VerifyArgs {
    /// The image: a kernel of any format, an initrd, an addon, a manifest, a saved handover. A detached
    /// signature is taken from IMAGE.p7s
    pub image: PathBuf,
    /// What goes with it.
    #[command(flatten)]
    pub with: Companions,
    /// Judge a crash load
    #[arg(long)]
    pub crash: bool,
    /// Trust these certificates (PEM or DER; may be repeated) instead of the machine's
    #[arg(long, value_name = "FILE")]
    pub cert: Vec<PathBuf>,
    /// Judge as this gate would: by its own certificates, revocations and policy, and the machine's lists
    #[arg(long, value_name = "FILE")]
    pub gate: Option<PathBuf>,
    /// Judge against this instead of this machine: certificates as with --cert, a firmware's variable store (OVMF's
    /// VARS.fd), or a state from `baton status --save`; told by its contents (may be repeated)
    #[arg(long, value_name = "FILE", conflicts_with_all = ["root", "saved_state"])]
    pub against: Vec<PathBuf>,
    /// Judge the signature alone, of any file: not whether it can be started, nor what a policy says
    #[arg(long, conflicts_with_all = ["initrd", "profile", "addon", "manifest", "cmdline", "crash"])]
    pub signature_only: bool,
    /// Judge for the machine that is described below this directory, as its own root would
    #[arg(long, value_name = "DIR")]
    pub root: Option<PathBuf>,
    /// Judge for the machine whose state was saved there (`baton status --save`)
    #[arg(long, value_name = "FILE", conflicts_with = "root")]
    pub saved_state: Option<PathBuf>,
    /// Print one JSON object
    #[arg(long)]
    pub json: bool,
}
