//! The command line: the subcommands, each of which has its options in its `args.rs` and is carried out by its
//! `run.rs`.

pub mod parse;

use crate::boot_count::args::BootCountCommand;
use crate::crash::args::CrashCommand;
use crate::doctor::args::DoctorArgs;
use crate::dump::args::DumpCommand;
use crate::entries::args::EntriesArgs;
use crate::exec::args::ExecArgs;
use crate::failure::Result;
use crate::gate::args::GateCommand;
use crate::inspect::args::InspectArgs;
use crate::keys::args::KeysCommand;
use crate::load::args::LoadArgs;
use crate::manifest::args::ManifestArgs;
use crate::output::terminal::Color;
use crate::policy::args::PolicyCommand;
use crate::setup::args::SetupArgs;
use crate::sign::args::SignArgs;
use crate::sign_all::args::SignAllArgs;
use crate::status::args::StatusArgs;
use crate::unload::args::UnloadArgs;
use crate::verify::args::VerifyArgs;
use crate::{
    boot_count, crash, doctor, dump, entries, exec, gate, inspect, keys, load, manifest, policy,
    setup, sign, sign_all, status, unload, verify,
};
use clap::{Parser, Subcommand};

/// Hands a running Linux machine over to another kernel without breaking Secure Boot's chain of trust.
#[derive(Debug, Parser)]
#[command(name = "baton", version, max_term_width = 100)]
pub struct Cli {
    /// When to use colours: on a terminal (unless NO_COLOR is set), always, or never
    #[arg(
        long,
        value_enum,
        value_name = "WHEN",
        default_value = "auto",
        global = true
    )]
    pub color: Color,
    /// What to do
    #[command(subcommand)]
    pub command: Command,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Load a kernel to be started by `baton exec`
    Load(Box<LoadArgs>),
    /// List what this machine's boot loaders could start, and `baton load` could load
    Entries(EntriesArgs),
    /// Show or reset how often kernels were started without coming up
    #[command(subcommand)]
    BootCount(BootCountCommand),
    /// Start the loaded kernel
    Exec(ExecArgs),
    /// Unload the loaded kernel
    Unload(UnloadArgs),
    /// Show what is loaded and what this machine would accept
    Status(StatusArgs),
    /// Load, unload or show the kernel that takes over after a panic
    #[command(subcommand)]
    Crash(CrashCommand),
    /// Read, check and convert dumps of kernels that crashed
    #[command(subcommand)]
    Dump(DumpCommand),
    /// Set this machine up: key, gate, units, and a kernel loaded
    #[command(after_help = setup::args::SETUP_HELP)]
    Setup(Box<SetupArgs>),
    /// Say whether this machine is ready to start another kernel and to survive a crash, and what mends it
    Doctor(DoctorArgs),
    /// List, show, make and enroll keys
    #[command(subcommand)]
    Keys(KeysCommand),
    /// Build a gate
    #[command(subcommand)]
    Gate(GateCommand),
    /// Check, show or explain a gate's policy
    #[command(subcommand)]
    Policy(PolicyCommand),
    /// Sign a kernel, a gate, an initrd, a manifest: any file
    #[command(after_help = sign::args::SIGN_HELP)]
    Sign(Box<SignArgs>),
    /// Sign what /etc/baton/sign.toml lists, as after a kernel upgrade
    #[command(after_help = sign_all::args::SIGN_ALL_HELP)]
    SignAll(SignAllArgs),
    /// Write a manifest: which kernel, initrds and command line may be booted together
    #[command(after_help = manifest::args::MANIFEST_HELP)]
    Manifest(ManifestArgs),
    /// Show what is in an image and who claims to have signed it, without judging it
    Inspect(InspectArgs),
    /// Say whether an image would be accepted, and who signed it or why not
    #[command(after_help = verify::args::VERIFY_HELP)]
    Verify(Box<VerifyArgs>),
}

impl Command {
    /// Carries it out.
    ///
    /// # Errors
    /// Why it failed.
    pub fn run(&self) -> Result<()> {
        match self {
            Command::Load(args) => load::run::run(args),
            Command::Entries(args) => entries::run::run(args),
            Command::BootCount(command) => boot_count::run::run(command),
            Command::Exec(args) => exec::run::run(args),
            Command::Unload(args) => unload::run::run(args, false),
            Command::Status(args) => status::run::run(args),
            Command::Crash(command) => crash::run::run(command),
            Command::Dump(command) => dump::run::run(command),
            Command::Setup(args) => setup::run::run(args),
            Command::Doctor(args) => doctor::run::run(args),
            Command::Keys(command) => keys::run::run(command),
            Command::Gate(GateCommand::Build(args)) => gate::run::build(args),
            Command::Policy(command) => policy::run::run(command),
            Command::Sign(args) => sign::run::run(args),
            Command::SignAll(args) => sign_all::run::run(args),
            Command::Manifest(args) => manifest::run::run(args),
            Command::Inspect(args) => inspect::run::run(args),
            Command::Verify(args) => verify::run::run(args),
        }
    }

    /// Whether the output is to be JSON.
    #[must_use]
    pub fn json(&self) -> bool {
        match self {
            Command::Load(args) => args.options.json,
            Command::Entries(args) => args.json,
            Command::BootCount(command) => command.json(),
            Command::Exec(args) => args.json,
            Command::Unload(args) => args.json,
            Command::Status(args) => args.json,
            Command::Crash(command) => command.json(),
            Command::Dump(command) => command.json(),
            Command::Setup(args) => args.json,
            Command::Doctor(args) => args.json,
            Command::Keys(command) => command.json(),
            Command::Policy(command) => command.json(),
            Command::Inspect(args) => args.json,
            Command::Verify(args) => args.json,
            Command::Gate(_) | Command::Sign(_) | Command::SignAll(_) | Command::Manifest(_) => {
                false
            }
        }
    }
}
