//! The command line of `baton exec`.

use clap::Args;

/// How to start the loaded kernel.
#[derive(Debug, Args)]
pub struct ExecArgs {
    /// Start it at once after writing dirty data to the disks, without stopping services
    #[arg(long)]
    pub now: bool,
    /// Unload what is loaded, and restart through the firmware; with --now without stopping services
    #[arg(long)]
    pub real_reboot: bool,
    /// Start it although a device of this machine is known not to survive that (`ignore-quirks` of load.toml)
    #[arg(long, conflicts_with = "real_reboot")]
    pub ignore_quirks: bool,
    /// Also say where the time of the last kexec went, if this boot began with one (as `baton status` does)
    #[arg(long)]
    pub timings: bool,
    /// Print one JSON object where it fails
    #[arg(long)]
    pub json: bool,
}
