//! The command line of `baton load`, and the options that `baton crash load` has in common with it.

use crate::failure::load::LoadError;
use crate::handover::args::Companions;
use baton_sys::Root;
use clap::{ArgGroup, Args, ValueEnum};
use std::path::{Path, PathBuf};

/// Where the gate lies when nothing else is said: the one that this machine's owner made, and else the
/// distribution's.
pub const GATES: [&str; 2] = ["/var/lib/baton/gate.efi", "/usr/lib/baton/gate.efi"];

/// Which load route to take.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Via {
    /// Direct kexec where the kernel accepts the image, the gate where only the gate does
    Auto,
    /// The kernel verifies the image itself
    Kernel,
    /// The kernel verifies the gate, and the gate verifies the image
    Gate,
}

/// What to load.
#[derive(Debug, Args)]
pub struct LoadArgs {
    /// The kernel to load: a bzImage, a UKI, an ELF file (vmlinux, or with a PVH entry), a multiboot2 kernel, or a
    /// saved handover. A detached signature is taken from KERNEL.p7s. Without it an entry of this machine's boot
    /// loaders is loaded, by default the one that they would start
    #[arg(conflicts_with = "entry")]
    pub kernel: Option<PathBuf>,
    /// The entry to load, with its initrds and command line (`baton entries` lists them)
    #[arg(long, value_name = "ID")]
    pub entry: Option<String>,
    /// What is loaded, and how, where no option says so [default: /etc/baton/load.toml, if there is one]
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Keep what is loaded if a path or an entry was named when it was loaded (for units, which replace only what units
    /// loaded)
    #[arg(long, conflicts_with_all = ["kernel", "entry", "dry_run"])]
    pub keep_named: bool,
    /// As --keep-named, and only if the machine is shutting down into what is loaded; where the load is refused, that
    /// is unloaded, and the machine restarts through its firmware (for units that are stopped at shutdown)
    #[arg(long, conflicts_with_all = ["kernel", "entry", "dry_run"])]
    pub at_kexec: bool,
    /// What goes with it, and how.
    #[command(flatten)]
    pub options: LoadOptions,
}

/// What goes with a kernel, and how it is loaded.
#[derive(Debug, Clone, Default, Args)]
#[command(group(ArgGroup::new("saved").multiple(true)))]
pub struct LoadOptions {
    /// What goes with it.
    #[command(flatten)]
    pub with: Companions,
    /// Use the running kernel's command line, without BOOT_IMAGE= and initrd= (and crashkernel= for a
    /// crash kernel)
    #[arg(long, conflicts_with = "cmdline")]
    pub reuse_cmdline: bool,
    /// Which load route to take [default: auto]
    #[arg(long, value_enum)]
    pub via: Option<Via>,
    /// The gate to use [default: /var/lib/baton/gate.efi, and where there is none, /usr/lib/baton/gate.efi]
    #[arg(long, value_name = "FILE", env = "BATON_GATE")]
    pub gate: Option<PathBuf>,
    /// By kexec_load, with what the gate needs laid out here: for kernels that have nothing else (`kexec -c`).
    #[arg(skip)]
    pub kexec_load: bool,
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
    /// Judge as root on the machine described in this directory would: another machine's /proc and /sys,
    /// of which only what is known need be there
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

impl LoadOptions {
    /// The load route to take.
    #[must_use]
    pub fn via(&self) -> Via {
        self.via.unwrap_or(Via::Auto)
    }

    /// The gate to use: the one that was named, or the installed one.
    ///
    /// # Errors
    /// That there is none.
    pub fn gate(&self) -> Result<PathBuf, LoadError> {
        let gate = match &self.gate {
            Some(named) => named.exists().then(|| named.clone()),
            None => gate_of(self.root.as_deref()),
        };
        gate.ok_or_else(|| LoadError::NoGate {
            places: match &self.gate {
                Some(named) => vec![named.clone()],
                None => GATES.map(PathBuf::from).to_vec(),
            },
        })
    }
}

/// The installed gate of the machine that is described in a directory, if it has one, or of this one.
fn gate_of(described: Option<&Path>) -> Option<PathBuf> {
    let theirs = described.and_then(|directory| installed_gate(&Root::at(directory)));
    theirs.or_else(|| installed_gate(&Root::system()))
}

/// The first of [`GATES`] that is there.
#[must_use]
pub fn installed_gate(root: &Root) -> Option<PathBuf> {
    let places = GATES
        .iter()
        .map(|gate| root.join(gate.trim_start_matches('/')));
    places.into_iter().find(|path| path.exists())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crash::fake::Fake;

    #[test]
    fn the_gate_made_on_this_machine_comes_before_the_distributions() {
        let fake = Fake::new();
        assert_eq!(installed_gate(&fake.root()), None);
        for gate in GATES.iter().rev() {
            fake.set(gate.trim_start_matches('/'), "gate");
            let found = installed_gate(&fake.root()).unwrap();
            assert!(found.ends_with(gate.trim_start_matches('/')), "{found:?}");
        }
        assert_eq!(gate_of(Some(&fake.path(""))), installed_gate(&fake.root()));
    }
}
