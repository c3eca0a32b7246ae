//! What readiness depends on: plain values, read once.

use super::crash::CrashFact;
use super::gate::{GateFact, STUB};
use super::key::OwnKey;
use super::others;
use super::reservation::Reservation;
use super::units::{BOOT_COUNT, CRASH, LOAD, Unit};
use crate::crash::args::CaptureSources;
use crate::failure::{Failure, Result};
use crate::keys::inventory::Inventory;
use crate::keys::request::Enrollment;
use crate::load::args::LoadOptions;
use crate::load::entry;
use crate::load::settings::Settings;
use crate::machine::{Keys, Machine};
use baton_sys::{Root, mok};
use std::path::{Path, PathBuf};

/// Everything.
#[derive(Debug)]
pub struct Facts {
    /// What a load depends on.
    pub machine: Machine,
    /// The lists and keyrings.
    pub keys: Keys,
    /// Whom the machine trusts.
    pub inventory: Inventory,
    /// The gate that would be used.
    pub gate: GateFact,
    /// The stub that a gate can be built from is installed.
    pub has_stub: bool,
    /// The owner's key.
    pub own_key: Option<OwnKey>,
    /// Without one: a file of one that lies there all the same.
    pub stray_key: Option<PathBuf>,
    /// What loads kernels for reboots, and watches over that.
    pub load_units: [Unit; 2],
    /// What loads the capture.
    pub crash_unit: Unit,
    /// systemd runs the machine.
    pub systemd: bool,
    /// Memory for a crash kernel.
    pub reservation: Reservation,
    /// Whether the entry that boots by default could be loaded: its name, or why not.
    pub next: std::result::Result<String, Failure>,
    /// Whether a crash would be captured.
    pub crash: CrashFact,
    /// What loads another kernel at reboot.
    pub loads_at_reboot: Option<&'static str>,
}

/// Where the facts come from, besides the system.
#[derive(Debug, Clone)]
pub struct Sources {
    /// The gate that was named.
    pub gate: Option<PathBuf>,
    /// What captures are made of.
    pub capture: CaptureSources,
}

impl Facts {
    /// Asks the system.
    ///
    /// # Errors
    /// When something that is there can't be read, as by others than root.
    pub fn read(root: &Root, directory: Option<&Path>, sources: &Sources) -> Result<Facts> {
        let machine = Machine::read(root)?;
        let keys = Keys::read(root)?;
        let gate = GateFact::read(root, sources.gate.as_deref(), &keys)?;
        let requested = mok::requested(root)?.unwrap_or_default();
        let lists = gate.installed().map(|it| &it.lists);
        let own_key = OwnKey::read(root)?;
        let reserved = machine.state.map(|it| it.crash_size);
        Ok(Facts {
            inventory: Inventory::of(&keys, &requested, lists),
            has_stub: root.exists(STUB.trim_start_matches('/')),
            stray_key: own_key.is_none().then(|| OwnKey::stray(root)).flatten(),
            own_key,
            load_units: [LOAD, BOOT_COUNT].map(|name| Unit::read(root, name)),
            crash_unit: Unit::read(root, CRASH),
            systemd: root.exists("run/systemd/system"),
            reservation: Reservation::read(root, reserved)?,
            next: next(root, directory, &gate),
            crash: CrashFact::read(root, &sources.capture),
            loads_at_reboot: others::loads_at_reboot(root),
            machine,
            keys,
            gate,
        })
    }

    /// How far a certificate's enrollment is.
    #[must_use]
    pub fn enrollment(&self, der: &[u8]) -> Enrollment {
        Enrollment::of(self.inventory.find(der))
    }

    /// Whether the running kernel accepts what a certificate's key signed, once it is loaded by direct kexec.
    #[must_use]
    pub fn kernel_accepts(&self, der: &[u8]) -> bool {
        let listed = self.inventory.find(der);
        listed.is_some_and(|it| it.counts_for.kernel == Some(true))
    }
}

/// What `baton load` would load now, by its own verdict.
fn next(
    root: &Root,
    directory: Option<&Path>,
    gate: &GateFact,
) -> std::result::Result<String, Failure> {
    let settings = Settings::read(root, None)?;
    let options = LoadOptions {
        gate: gate.installed().map(|it| it.path.clone()),
        dry_run: true,
        root: directory.map(Path::to_owned),
        ..LoadOptions::default()
    };
    let loaded = entry::load(None, &settings, &settings.complete(&options))?;
    Ok(loaded.described())
}
