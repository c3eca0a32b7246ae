//! What is loaded, what this machine would accept, and who started it.

use super::args::StatusArgs;
use super::tree;
use crate::arch::running;
use crate::failure::Result;
use crate::failure::input::InputError;
use crate::machine::saved_state;
use crate::machine::{Keys, Machine};
use crate::output::file::save_private;
use crate::output::{json, terminal};
use crate::timing::Timing;
use crate::verdict::parts::PartLine;
use crate::verdict::trust::TrustSummary;
use baton_formats::verdict::Verdict;
use baton_sys::hex;
use baton_sys::kexec_state::KexecState;
use baton_sys::keyring::{self, Keyrings};
use baton_sys::{Root, Shown};
use baton_verify::Trust;
use serde::Serialize;

#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct Status {
    /// The kernel has kexec; `None`, here and below: it can't be told, because what would say it isn't mounted or
    /// readable.
    pub(super) kexec: Option<bool>,
    /// A kernel is loaded.
    pub(super) loaded: Option<bool>,
    /// A kernel is loaded for a panic.
    pub(super) crash_loaded: Option<bool>,
    /// How much memory is reserved for a crash kernel.
    pub(super) crash_reserved: Option<u64>,
    /// This process may load kernels.
    pub(super) may_load: Option<bool>,
    /// The machine was booted by EFI.
    pub(super) efi: Option<bool>,
    /// Secure Boot is on.
    pub(super) secure_boot: Option<bool>,
    /// The lockdown mode.
    pub(super) lockdown: Option<String>,
    /// The kernel loads nothing that is unsigned.
    pub(super) signatures_enforced: Option<bool>,
    /// Why it insists.
    pub(super) signatures_enforced_by: Option<&'static str>,
    /// A sysctl keeps kernels from being loaded.
    pub(super) load_disabled: Option<bool>,
    /// `None`: without limit, where it is known whether loading is off.
    pub(super) loads_left: Option<u32>,
    /// The same for crash loads.
    pub(super) crash_loads_left: Option<u32>,
    /// The processor is in the mode of five levels of page tables.
    pub(super) five_level_paging: Option<bool>,
    /// How much memory the machine has.
    pub(super) memory: Option<u64>,
    /// All keyrings could be read.
    pub(super) keyrings_readable: bool,
    /// The keys in the kernel's keyrings.
    pub(super) keys: Vec<Key>,
    /// What shim's lists and the firmware's dbx say, as a load is judged by them; `None` where they can't
    /// be read.
    pub(super) machine_lists: Option<TrustSummary>,
    /// What the gate verified that started this kernel; null if none did.
    pub(super) started_by: Option<StartedBy>,
    /// Whether that could be read.
    pub(super) started_by_known: bool,
    /// Whether a kernel started the running one, and no boot loader.
    pub(super) by_kexec: Option<bool>,
    /// Where the time of the kexec went that this boot began with; `None` if it didn't, or that can't be read.
    pub(super) timing: Option<Timing>,
}

/// The gate that started the running kernel, and what it verified.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct StartedBy {
    /// The version of the gate.
    pub(super) gate_version: String,
    /// The digest that identifies it.
    gate_identity: String,
    /// It was started by a panic.
    crash: bool,
    /// The name of the gate's policy.
    policy: String,
    /// SHA-256 of its compact form.
    policy_digest: String,
    /// What was booted, part by part.
    pub(super) parts: Vec<PartLine>,
}

impl StartedBy {
    /// The record that the gate left; `None` where no gate did.
    fn read(root: &Root) -> Result<Option<StartedBy>> {
        let Some(bytes) = running::gate_record(root)? else {
            return Ok(None);
        };
        let verdict = Verdict::parse(&bytes).map_err(InputError::GateRecord)?;
        let gate = verdict.gate();
        Ok(Some(StartedBy {
            gate_version: gate.version.to_owned(),
            gate_identity: hex::encode(gate.identity),
            crash: gate.crash,
            policy: gate.policy_name.to_owned(),
            policy_digest: hex::encode(gate.policy),
            parts: verdict.components().map(PartLine::from).collect(),
        }))
    }

    fn policy_name(&self) -> String {
        match self.policy.as_str() {
            "" => "without a name".to_owned(),
            name => format!("\"{name}\""),
        }
    }

    pub(super) fn policy_words(&self) -> String {
        format!("policy {}", self.policy_name())
    }

    fn print(&self) {
        say!(
            "{:<13} gate {} (identity {}){}",
            "started by",
            self.gate_version,
            self.gate_identity,
            if self.crash { ", after a crash" } else { "" }
        );
        let name = self.policy_name();
        say!("  {:<12} {name} (digest {})", "policy", self.policy_digest);
        for part in &self.parts {
            say!("  {:<12} {}", part.kind(), part.vouched());
            say!("  {:<12} {}", "", part.identity());
        }
    }
}

#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct Key {
    /// The keyring.
    keyring: String,
    /// What the certificate is called.
    name: String,
    /// The identifier of the key.
    id: String,
}

fn read(root: &Root) -> Result<Status> {
    let machine = Machine::read(root)?;
    let (keyrings, machine_lists) = match Keys::read(root) {
        Ok(keys) => {
            let lists = machine_lists(&keys);
            (keys.keyrings, lists)
        }
        // Only root may read shim's table, and others see the keyrings.
        Err(_) => (keyring::read(root)?, None),
    };
    let started_by = match StartedBy::read(root) {
        Ok(started_by) => machine.shown.sys.then_some(started_by),
        // Only root may read it.
        Err(failure) if failure.is_denied() => None,
        Err(failure) => return Err(failure),
    };
    let by_kexec = running::is_by_kexec(root).ok();
    Ok(Status {
        by_kexec: by_kexec.filter(|_| root.exists(running::DIRECTORY)),
        timing: Timing::read(root).ok().flatten(),
        started_by_known: started_by.is_some(),
        started_by: started_by.flatten(),
        machine_lists: machine_lists.filter(|_| machine.shown.sys),
        ..Status::new(&machine, keyrings)
    })
}

/// A malformed list is a load's to complain about.
fn machine_lists(keys: &Keys) -> Option<TrustSummary> {
    let list = keys.mok.list.as_deref().unwrap_or_default();
    let trust = Trust::new().add_mok_list(list).ok()?;
    Some(TrustSummary::of(&keys.refuse_revoked(trust).ok()?))
}

impl Status {
    fn new(machine: &Machine, keyrings: Keyrings) -> Status {
        let Shown { sys, proc, .. } = machine.shown;
        let state = machine.state.or_else(|| sys.then(KexecState::default));
        Status {
            kexec: sys.then_some(machine.state.is_some()),
            loaded: state.map(|state| state.loaded),
            crash_loaded: state.map(|state| state.crash_loaded),
            crash_reserved: state.map(|state| state.crash_size),
            may_load: proc.then_some(machine.may_boot),
            efi: sys.then_some(machine.efi),
            secure_boot: machine.secure_boot,
            lockdown: machine.lockdown.map(|l| l.to_string()),
            signatures_enforced: machine.enforces_signatures(),
            signatures_enforced_by: machine.enforced_by,
            load_disabled: proc.then_some(machine.limits.disabled),
            loads_left: machine.limits.reboot_left,
            crash_loads_left: machine.limits.panic_left,
            five_level_paging: proc.then_some(machine.five_level),
            memory: machine.memory,
            keyrings_readable: keyrings.complete,
            keys: keyrings
                .trusted
                .into_iter()
                .map(|k| Key {
                    keyring: k.keyring,
                    name: k.name,
                    id: k.id,
                })
                .collect(),
            machine_lists: None,
            started_by: None,
            started_by_known: false,
            by_kexec: None,
            timing: None,
        }
    }

    /// Label and value, in the order they are shown.
    fn rows(&self) -> Vec<(&'static str, String)> {
        let mut rows = vec![("next kernel", loaded(self.kexec, self.loaded).to_owned())];
        rows.extend(self.crash_rows());
        rows.extend([
            (
                "Secure Boot",
                match (self.secure_boot, self.efi) {
                    (Some(true), _) => "on",
                    (Some(false), _) => "off",
                    (None, Some(true)) => "not known (mount efivarfs at /sys/firmware/efi/efivars)",
                    (None, Some(false)) => "none (not booted by EFI)",
                    (None, None) => NO_SYS,
                }
                .to_owned(),
            ),
            (
                "lockdown",
                self.lockdown.clone().unwrap_or_else(|| {
                    "not known (mount securityfs at /sys/kernel/security)".into()
                }),
            ),
            (
                "signatures",
                match (self.signatures_enforced_by, self.signatures_enforced) {
                    (Some(by), _) => format!("enforced (by {by})"),
                    (None, Some(_)) => "not enforced: the kernel loads unsigned images too".into(),
                    (None, None) => "not known (mount securityfs at /sys/kernel/security)".into(),
                },
            ),
            ("loading", self.permission()),
        ]);
        rows
    }

    fn crash_rows(&self) -> [(&'static str, String); 2] {
        let reserved = match self.crash_reserved {
            Some(0) => "none (boot with crashkernel=256M or more)".to_owned(),
            Some(n) => format!("{} MiB", n >> 20),
            None => NO_SYS.to_owned(),
        };
        [
            (
                "crash kernel",
                loaded(self.kexec, self.crash_loaded).to_owned(),
            ),
            ("crash memory", reserved),
        ]
    }

    fn list_rows(&self) -> Vec<(&'static str, String)> {
        let Some(lists) = &self.machine_lists else {
            let unknown = match self.kexec {
                None => NO_SYS,
                Some(_) => "malformed, or can't be read here (run as root)",
            };
            return vec![("shim's lists", unknown.to_owned())];
        };
        vec![
            ("MOK list", format!("{} certificates", lists.anchors)),
            ("revocations", lists.revoked()),
            ("SBAT", lists.levels()),
        ]
    }

    fn permission(&self) -> String {
        match self.load_disabled {
            None => return "not known (mount /proc)".into(),
            Some(true) => return "off until the next reboot (kernel.kexec_load_disabled)".into(),
            Some(false) => {}
        }
        let left = |n: Option<u32>| n.map_or("any number of".to_owned(), |n| n.to_string());
        let mut text = format!(
            "{} loads and {} crash loads left",
            left(self.loads_left),
            left(self.crash_loads_left)
        );
        if self.may_load == Some(false) {
            text.push_str(", but not by this process (run as root)");
        }
        text
    }
}

/// What `/sys` would say, where it isn't mounted.
const NO_SYS: &str = "not known (mount /sys)";

pub(super) fn loaded(kexec: Option<bool>, loaded: Option<bool>) -> &'static str {
    match (kexec, loaded) {
        (Some(false), _) => "this kernel has no kexec",
        (Some(true), Some(true)) => "loaded",
        (Some(true), _) => "not loaded",
        (None, _) => NO_SYS,
    }
}

fn print_rows(rows: &[(&'static str, String)]) {
    for (label, value) in rows {
        say!("{label:<13} {value}");
    }
}

/// Shows everything.
///
/// # Errors
/// When something of the system can't be read.
pub fn run(args: &StatusArgs) -> Result<()> {
    if let Some(path) = &args.save {
        save_private(path, saved_state::text()?.as_bytes(), args.force)?;
    }
    let root = saved_state::described(args.root.as_deref())?;
    let status = read(&root)?;
    if args.json {
        json::print(&status);
        return Ok(());
    }
    if terminal::is_watched() {
        for line in tree::lines(&status) {
            say!("{line}");
        }
        say!("");
    }
    print_rows(&status.rows());
    if !status.keyrings_readable {
        say!("{:<13} can't be read here", "trusted keys");
    } else if status.keys.is_empty() {
        say!("{:<13} none", "trusted keys");
    }
    for (i, key) in status.keys.iter().enumerate() {
        let label = if i == 0 { "trusted keys" } else { "" };
        say!("{label:<13} {}: {} ({})", key.keyring, key.name, key.id);
    }
    print_rows(&status.list_rows());
    match &status.started_by {
        Some(gate) => gate.print(),
        None => {
            let words = match (status.started_by_known, status.kexec) {
                (true, _) if status.by_kexec == Some(true) => {
                    "another kernel, through no gate, or one that left no record"
                }
                (true, _) => "no gate, or one that left no record",
                (false, Some(_)) => "not known (run as root)",
                (false, None) => NO_SYS,
            };
            say!("{:<13} {words}", "started by");
        }
    }
    if let Some(timing) = &status.timing {
        say!("{:<13} {}", "last kexec", timing.words());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use baton_sys::limits::Limits;
    use baton_sys::lockdown::Lockdown;

    const ALL_SHOWN: Shown = Shown {
        proc: true,
        sys: true,
        security: true,
    };

    /// All that the kernel shows can be looked at.
    fn shown() -> Machine {
        Machine {
            shown: ALL_SHOWN,
            ..Machine::default()
        }
    }

    fn row(machine: &Machine, label: &str) -> String {
        let status = Status::new(machine, Keyrings::default());
        let rows = status.rows();
        rows.into_iter().find(|(l, _)| *l == label).unwrap().1
    }

    #[test]
    fn what_is_loaded_is_told_apart() {
        let machine = Machine {
            state: Some(KexecState {
                loaded: false,
                crash_loaded: true,
                crash_size: 256 << 20,
            }),
            ..shown()
        };
        assert_eq!(row(&machine, "next kernel"), "not loaded");
        assert_eq!(row(&machine, "crash kernel"), "loaded");
        assert_eq!(row(&machine, "crash memory"), "256 MiB");
    }

    #[test]
    fn a_machine_that_does_not_insist_is_told_plainly() {
        assert!(row(&shown(), "signatures").starts_with("not enforced"));
    }

    #[test]
    fn limits_are_shown() {
        let machine = Machine {
            may_boot: true,
            limits: Limits {
                disabled: false,
                reboot_left: Some(2),
                panic_left: None,
            },
            ..shown()
        };
        assert_eq!(
            row(&machine, "loading"),
            "2 loads and any number of crash loads left"
        );
    }

    /// The tree of a locked-down machine, started so.
    fn tree(how: impl FnOnce(&mut Status)) -> String {
        let machine = Machine {
            efi: true,
            secure_boot: Some(true),
            lockdown: Some(Lockdown::Integrity),
            enforced_by: Some("lockdown"),
            state: Some(KexecState {
                loaded: true,
                crash_loaded: false,
                crash_size: 256 << 20,
            }),
            ..shown()
        };
        let mut status = Status {
            started_by_known: true,
            by_kexec: Some(false),
            ..Status::new(&machine, Keyrings::default())
        };
        how(&mut status);
        let markers = |c: char| ('\u{fdd0}'..='\u{fdd5}').contains(&c);
        tree::lines(&status).join("\n").replace(markers, "")
    }

    #[test]
    fn the_chain_of_trust_is_a_tree_from_the_firmware_to_what_is_loaded() {
        assert_eq!(
            tree(|_| ()),
            "firmware Secure Boot is on\n\
             └─ kernel starts only what is signed (because of lockdown)\n   \
                │  lockdown integrity, keyrings that can't be read here\n   \
                ├─ next kernel loaded\n   \
                └─ crash kernel not loaded, 256 MiB reserved"
        );
    }

    #[test]
    fn what_an_earlier_kernel_started_is_not_said_to_be_started_by_shim() {
        let gate = StartedBy {
            gate_version: "0.1".to_owned(),
            gate_identity: String::new(),
            crash: false,
            policy: "stock".to_owned(),
            policy_digest: String::new(),
            parts: Vec::new(),
        };
        let branches = |text: &str| -> Vec<String> {
            let names = text.lines().filter_map(|line| line.split_once("└─ "));
            let words = names.map(|(_, rest)| rest.split(' ').take(2).collect::<Vec<_>>());
            words.map(|words| words.join(" ")).take(3).collect()
        };
        let by_gate = tree(|status| status.started_by = Some(gate));
        assert_eq!(
            branches(&by_gate),
            ["earlier kernel", "gate 0.1,", "kernel starts"]
        );
        let by_kexec = tree(|status| status.by_kexec = Some(true));
        assert_eq!(
            branches(&by_kexec)[..2],
            ["earlier kernel", "kernel starts"]
        );
        assert!(by_kexec.contains("isn't on record"), "{by_kexec}");
        let unknown = tree(|status| {
            (status.by_kexec, status.started_by_known) = (None, false);
        });
        assert!(unknown.contains("└─ not known"), "{unknown}");
    }

    #[test]
    fn revocations_and_levels_are_shown() {
        let status = |lists| Status {
            machine_lists: lists,
            ..Status::new(&shown(), Keyrings::default())
        };
        let level = &b"sbat,1,2025051000\nshim,4\n"[..];
        let trust = Trust::new().add_sbat_level(level, baton_verify::SbatSource::Machine);
        let shown = status(Some(TrustSummary::of(&trust.unwrap()))).list_rows();
        assert_eq!(shown[1].1, "0");
        assert_eq!(shown[2].1, "SBAT level 2025051000 (shim 4)");
        assert!(status(None).list_rows()[0].1.contains("can't be read"));
    }
}
