//! The command line.

use crate::dump::args::DumpCommand;
pub use crate::sign::args::{Encoding, Hash, SignArgs, SignatureKind};
use clap::{ArgGroup, Args, Parser, Subcommand, ValueEnum};
use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// Where the gate lies when nothing else is said.
pub const DEFAULT_GATE: &str = "/usr/lib/baton/gate.efi";

/// Where the capture program lies when nothing else is said.
pub const DEFAULT_CAPTURE: &str = "/usr/lib/baton/capture";

/// Hands a running Linux machine over to another kernel, and keeps the chain of trust of Secure Boot.
#[derive(Debug, Parser)]
#[command(name = "baton", version, max_term_width = 100)]
pub struct Cli {
    /// What to do
    #[command(subcommand)]
    pub command: Command,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Load a kernel to be started by `baton exec`
    Load(Box<LoadArgs>),
    /// Start the loaded kernel
    Exec(ExecArgs),
    /// Forget the loaded kernel
    Unload(UnloadArgs),
    /// Show what is loaded and what this machine would accept
    Status(StatusArgs),
    /// Load, forget or show the kernel that takes over after a panic
    #[command(subcommand)]
    Crash(CrashCommand),
    /// Read, check and convert dumps of kernels that crashed
    #[command(subcommand)]
    Dump(DumpCommand),
    /// Build a gate
    #[command(subcommand)]
    Gate(GateCommand),
    /// Check, show or explain a gate's policy
    #[command(subcommand)]
    Policy(PolicyCommand),
    /// Sign a kernel, a gate, an initrd, a manifest: any file
    #[command(after_help = SIGN_HELP)]
    Sign(SignArgs),
    /// Write a manifest: which kernel, initrds and command line may be booted together
    #[command(after_help = MANIFEST_HELP)]
    Manifest(ManifestArgs),
    /// Show what is in an image, and who signed it, without judging
    Inspect(InspectArgs),
    /// Say whether an image would be accepted, by whom it is signed, or why not
    #[command(after_help = VERIFY_HELP)]
    Verify(Box<VerifyArgs>),
}

/// `baton crash …`
#[derive(Debug, Subcommand)]
pub enum CrashCommand {
    /// Load a kernel to take over after a panic: one of your own, or one that writes a dump
    Load(Box<CrashLoadArgs>),
    /// Forget the loaded crash kernel
    Unload(UnloadArgs),
    /// Say whether a crash now would be captured, where to, and what is missing
    Status(CrashStatusArgs),
}

/// `baton gate …`
#[derive(Debug, Subcommand)]
pub enum GateCommand {
    /// Add certificates, a policy, SBAT metadata and revocations to the gate's stub
    #[command(after_help = POLICY_HELP)]
    Build(GateBuildArgs),
}

/// `baton policy …`
#[derive(Debug, Subcommand)]
pub enum PolicyCommand {
    /// Say whether a policy can be built into a gate, and warn of what is odd
    #[command(after_help = POLICY_HELP)]
    Check(PolicyCheckArgs),
    /// Show all that a policy says, as TOML
    Show(PolicyShowArgs),
    /// Say in sentences what a policy does, or what it does with a command line
    Explain(PolicyExplainArgs),
}

pub(crate) const POLICY_HELP: &str = "\
Presets are stock (the default), signed-initrd and sealed; `baton policy explain PRESET` says what
one does. A policy of one's own is TOML; what it doesn't say is as in its preset:
  preset = \"signed-initrd\"
  [refusal]
  action = \"halt\"
  [cmdline]
  rules = [{ allow = \"init\", one-of = [\"/sbin/init\"] }, { deny = \"module_blacklist\" }]
docs/policy.md describes all of it.

The gate must be signed (`baton sign`) with a key that the running kernel trusts.";

const SIGN_HELP: &str = "\
Without --as, a PE image (UKI, EFI kernel, gate) gets an Authenticode signature, an ELF file an
appended one, and anything else a detached one in IN.p7s, where `baton load` looks for it.
A signature counts for what the file is by how it begins: Linux as PE or ELF, an initrd, a manifest.
Any other kernel (multiboot2, PVH, a bzImage that is no PE image) is listed in a manifest instead.
What is written has been verified; the same input gives the same bytes.

A detached signature is plain CMS:
  openssl cms -verify -binary -inform DER -in IN.p7s -content IN -CAfile CERT -purpose any -out /dev/null";

const MANIFEST_HELP: &str = "\
Whoever trusts the manifest's signature trusts what it lists, whether that is signed itself or not.
It counts once it is signed:
  baton sign --key K --cert C OUT          # writes OUT.p7s
  baton verify KERNEL --manifest OUT --initrd INITRD";

const VERIFY_HELP: &str = "\
A kernel is judged as the gate judges it, with what goes with it; without --gate, as a gate with the stock
policy would. What is signed and can't be started this way (a boot loader, say) is refused: exit code 4,
\"startable\": false and who signed it. An initrd, an addon or a manifest is judged for what it is, and a
file of no known format by the detached signature beside it.";

/// Which way to the next kernel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Via {
    /// The kernel's own way where the kernel accepts the image, the gate where only the gate does
    Auto,
    /// The kernel verifies the image itself
    Kernel,
    /// The kernel verifies the gate, and the gate verifies the image
    Gate,
}

/// What to load.
#[derive(Debug, Args)]
pub struct LoadArgs {
    /// The kernel to load: a bzImage, a UKI, ELF (vmlinux, or with a PVH entry), a multiboot2 kernel, or a
    /// handover that was saved. A signature in KERNEL.p7s beside it goes with it
    pub kernel: PathBuf,
    /// What goes with it, and how.
    #[command(flatten)]
    pub options: LoadOptions,
}

/// What to load for a crash.
#[derive(Debug, Args)]
pub struct CrashLoadArgs {
    /// The kernel to load, of any format that `baton load` takes. Without it the running kernel is loaded,
    /// with a capture initramfs that is made here, as CONFIG says
    pub kernel: Option<PathBuf>,
    /// Where the capture initramfs is made from.
    #[command(flatten)]
    pub sources: CaptureSources,
    /// Also write the capture initramfs to a file
    #[arg(long, value_name = "FILE", conflicts_with = "kernel", group = "saved")]
    pub save_initrd: Option<PathBuf>,
    /// Load only if what would be loaded isn't loaded already
    #[arg(long, conflicts_with_all = ["kernel", "dry_run"])]
    pub if_changed: bool,
    /// What goes with it, and how.
    #[command(flatten)]
    pub options: LoadOptions,
}

/// Where a capture initramfs is made from.
#[derive(Debug, Clone, Args)]
pub struct CaptureSources {
    /// Where dumps go and how they are written; without it the file system of /var/crash is used
    /// [default: /etc/baton/crash.toml, if there is one]
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// The capture program
    #[arg(long, value_name = "FILE", env = "BATON_CAPTURE", default_value = DEFAULT_CAPTURE)]
    pub capture: PathBuf,
}

/// What goes with a kernel.
#[derive(Debug, Default, Args)]
pub struct Companions {
    /// An initrd, with the signature in FILE.p7s if there is one; several are given one after another
    #[arg(long, value_name = "FILE")]
    pub initrd: Vec<PathBuf>,
    /// The profile of a UKI to boot, by number from 0 or by ID
    #[arg(long, value_name = "N|ID")]
    pub profile: Option<String>,
    /// A signed addon for a UKI; several apply one after another
    #[arg(long, value_name = "FILE")]
    pub addon: Vec<PathBuf>,
    /// A manifest of what may be booted, with its signature in FILE.p7s
    #[arg(long, value_name = "FILE")]
    pub manifest: Option<PathBuf>,
    /// The next kernel's command line; by default what a UKI or a manifest says it is
    #[arg(long, value_name = "TEXT", allow_hyphen_values = true)]
    pub cmdline: Option<OsString>,
}

impl Companions {
    /// The first option that was given besides `--cmdline`.
    #[must_use]
    pub fn besides_cmdline(&self) -> Option<&'static str> {
        let all = [
            (!self.initrd.is_empty(), "--initrd"),
            (!self.addon.is_empty(), "--addon"),
            (self.manifest.is_some(), "--manifest"),
            (self.profile.is_some(), "--profile"),
        ];
        all.into_iter()
            .find_map(|(given, name)| given.then_some(name))
    }
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
    /// Which way to take
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
    /// Judge for the machine that is described below this folder, as its own root would: /proc and /sys
    /// of another machine, of which nothing need be there but what is known
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

/// How to start the loaded kernel.
#[derive(Debug, Args)]
pub struct ExecArgs {
    /// Start it at once after writing dirty data to the disks, without stopping services
    #[arg(long)]
    pub now: bool,
    /// Print one JSON object where it fails
    #[arg(long)]
    pub json: bool,
}

/// Options of unload.
#[derive(Debug, Args)]
pub struct UnloadArgs {
    /// Print one JSON object
    #[arg(long)]
    pub json: bool,
}

/// Options of status.
#[derive(Debug, Args)]
pub struct StatusArgs {
    /// Print one JSON object
    #[arg(long)]
    pub json: bool,
    /// Look at the machine described below this folder (for testing)
    #[arg(long, value_name = "DIR", hide = true)]
    pub root: Option<PathBuf>,
    /// Also write what loads are judged by here to a file, for `--saved-state` on another machine
    #[arg(long, value_name = "FILE", conflicts_with = "root")]
    pub save: Option<PathBuf>,
    /// Replace the file that is to be saved to, if it is there
    #[arg(long, requires = "save")]
    pub force: bool,
}

/// Options of the status of crash dumps.
#[derive(Debug, Args)]
pub struct CrashStatusArgs {
    /// What the capture initramfs would be made from now.
    #[command(flatten)]
    pub sources: CaptureSources,
    /// Print one JSON object
    #[arg(long)]
    pub json: bool,
    /// Look at the machine described below this folder (for testing)
    #[arg(long, value_name = "DIR", hide = true)]
    pub root: Option<PathBuf>,
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
    /// What the gate refuses: EFI signature lists, a variable of efivarfs, or an update of dbx as it is published (may be
    /// repeated). An update's own signature isn't judged: whoever signs the gate vouches for what is in it
    #[arg(long, value_name = "FILE")]
    pub dbx: Vec<PathBuf>,
    /// The gate to write
    #[arg(short, long, visible_alias = "out", value_name = "FILE")]
    pub output: PathBuf,
    /// Replace the gate to write, if it is there
    #[arg(long)]
    pub force: bool,
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
    /// What counts for a crash load
    #[arg(long)]
    pub crash: bool,
}

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

/// What to inspect.
#[derive(Debug, Args)]
pub struct InspectArgs {
    /// The image: a UKI, kernel, gate or other PE image, an ELF or multiboot2 kernel, a saved
    /// handover, a manifest, a signature or a certificate
    pub image: PathBuf,
    /// Print one JSON object
    #[arg(long)]
    pub json: bool,
}

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
    /// Trust these certificates, PEM or DER (may be repeated), and not the machine's
    #[arg(long, value_name = "FILE")]
    pub cert: Vec<PathBuf>,
    /// Judge as this gate would: by its own certificates, revocations and policy, and the machine's lists
    #[arg(long, value_name = "FILE")]
    pub gate: Option<PathBuf>,
    /// Judge the signature alone, of any file: not whether it can be started, nor what a policy says
    #[arg(long, conflicts_with_all = ["initrd", "profile", "addon", "manifest", "cmdline", "crash"])]
    pub signature_only: bool,
    /// Judge for the machine that is described below this folder, as its own root would
    #[arg(long, value_name = "DIR")]
    pub root: Option<PathBuf>,
    /// Judge for the machine whose state was saved there (`baton status --save`)
    #[arg(long, value_name = "FILE", conflicts_with = "root")]
    pub saved_state: Option<PathBuf>,
    /// Print one JSON object
    #[arg(long)]
    pub json: bool,
}

impl Command {
    /// Whether the command was told to speak JSON.
    #[must_use]
    pub fn json(&self) -> bool {
        match self {
            Command::Load(a) => a.options.json,
            Command::Crash(CrashCommand::Load(a)) => a.options.json,
            Command::Exec(a) => a.json,
            Command::Unload(a) | Command::Crash(CrashCommand::Unload(a)) => a.json,
            Command::Status(a) => a.json,
            Command::Crash(CrashCommand::Status(a)) => a.json,
            Command::Inspect(a) => a.json,
            Command::Verify(a) => a.json,
            Command::Policy(PolicyCommand::Show(a)) => a.json,
            Command::Dump(command) => command.json(),
            Command::Gate(_) | Command::Policy(_) | Command::Sign(_) | Command::Manifest(_) => {
                false
            }
        }
    }
}
