//! What there is to do: plain values in, steps out. No input or output.

use crate::finding::RESTART;
use crate::keys::request::Enrollment;

/// How the machine is, as far as the steps depend on it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Situation {
    /// The kernel insists on signatures.
    pub enforced: bool,
    /// Why no key can be enrolled by MokManager; `None`: one can.
    pub no_mokmanager: Option<String>,
    /// Why the kernel knows no MOKs.
    pub no_mok: Option<&'static str>,
    /// The key that signs the gate.
    pub key: Key,
    /// The gate that would be used.
    pub gate: Gate,
    /// There is a stub to build a gate from.
    pub has_stub: bool,
    /// Units that are installed, and not enabled.
    pub disabled_units: Vec<&'static str>,
    /// Units that are enabled.
    pub enabled_units: Vec<&'static str>,
    /// Memory for a crash kernel.
    pub memory: Memory,
    /// A kernel is loaded.
    pub is_loaded: bool,
    /// Why none can be, whoever signed it.
    pub no_load: Option<String>,
}

/// The key that signs the gate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Key {
    /// There is none yet.
    Missing,
    /// There is this file of one, and others are missing or can't be used.
    Incomplete(String),
    /// There is one.
    Present {
        /// What its certificate is called.
        name: String,
        /// How far the enrollment is.
        enrollment: Enrollment,
        /// The running kernel accepts what it signed.
        is_accepted: bool,
        /// The list that revokes it.
        revoked_by: Option<&'static str>,
    },
}

/// The gate that would be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Gate {
    /// There is none.
    Missing,
    /// What lies in its place isn't one that this release knows.
    Unreadable,
    /// There is one.
    Present {
        /// Where.
        path: String,
        /// The running kernel would start it.
        is_accepted: bool,
        /// The installed stub would give another one.
        is_outdated: bool,
        /// It is signed with the key above.
        by_key: bool,
        /// Why no signature helps it: it is revoked itself.
        revoked: Option<String>,
    },
}

/// Memory for a crash kernel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Memory {
    /// Bytes that are reserved.
    Reserved(u64),
    /// This file has some reserved from the next boot on.
    AtNextBoot(String),
    /// None; whether Baton knows how to have some reserved, and how it is done otherwise.
    None {
        /// It knows.
        can_write: bool,
        /// What to do.
        advice: String,
    },
    /// That can't be told here.
    Unknown,
}

/// What is wanted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Wanted {
    /// So much memory reserved.
    pub crashkernel: Option<String>,
    /// The gate built anew in any case.
    pub rebuild: bool,
    /// No kernel loaded.
    pub no_load: bool,
    /// No units enabled.
    pub no_units: bool,
}

/// A step that is carried out here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// A key is made.
    MakeKey,
    /// The gate is built and signed; why.
    BuildGate(&'static str),
    /// shim is asked to enroll the key.
    Enroll,
    /// A kernel is loaded.
    Load,
    /// The boot loader is told to reserve so much memory.
    Reserve(String),
    /// A unit is enabled.
    Enable(&'static str),
}

/// The plan.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Plan {
    /// What is as it should be.
    pub done: Vec<String>,
    /// What is carried out, in this order.
    pub steps: Vec<Step>,
    /// What a person has to do, in this order.
    pub waits: Vec<String>,
    /// What a person should know.
    pub notes: Vec<String>,
}

impl Plan {
    /// Whether all is done, as far as it was wanted.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.steps.is_empty() && self.waits.is_empty()
    }
}

/// Confirming a key.
const CONFIRM: &str = "confirm the key in MokManager; then run `baton setup` again";

/// Makes the plan.
#[must_use]
pub fn make(now: &Situation, wanted: &Wanted) -> Plan {
    let mut plan = Plan::default();
    let can_load = if now.enforced || wanted.rebuild {
        plan.gate(now, wanted)
    } else {
        plan.without_enforcement(now)
    };
    // What is loaded after memory was reserved reserves it, too.
    plan.memory(now, wanted);
    if !wanted.no_load {
        plan.load(now, can_load);
    }
    if !wanted.no_units {
        plan.units(now);
    }
    plan
}

impl Plan {
    /// Without enforcement no gate is needed.
    fn without_enforcement(&mut self, now: &Situation) -> bool {
        self.notes.push(
            "nothing enforces signatures here (Secure Boot is off, or the kernel isn't locked down): kernels are loaded by \
             direct kexec, and no key and no gate are needed. A gate, for UKIs and other formats, boots here only if its policy \
             says require-secure-boot = false: `baton setup --rebuild --policy FILE` makes one"
                .to_owned(),
        );
        if let Gate::Present { path, .. } = &now.gate {
            self.done.push(format!("there is a gate, {path}"));
        }
        true
    }

    /// The gate, and what it needs; whether the kernel accepts one once this is done.
    fn gate(&mut self, now: &Situation, wanted: &Wanted) -> bool {
        if let Some(why) = now.no_mok.filter(|_| now.enforced) {
            self.notes.push(why.to_owned());
        }
        let why = match &now.gate {
            Gate::Present {
                path,
                is_accepted: true,
                is_outdated: false,
                ..
            } if !wanted.rebuild => {
                self.done
                    .push(format!("the kernel accepts the gate {path}"));
                return true;
            }
            Gate::Present {
                path,
                is_outdated: false,
                by_key: true,
                revoked: Some(why),
                ..
            } => {
                self.waits.push(format!(
                    "install a newer release of Baton, and run `baton setup` again: the gate {path} is refused ({why})"
                ));
                return false;
            }
            Gate::Missing => "there is none",
            Gate::Unreadable => "what lies in its place can't be used",
            Gate::Present {
                is_outdated: false,
                by_key: true,
                ..
            } if !wanted.rebuild => "",
            Gate::Present {
                is_accepted: false,
                by_key: false,
                ..
            } => "the kernel doesn't accept the signer of the one that is there",
            Gate::Present {
                is_outdated: true, ..
            } => "the one that is there is of another release",
            Gate::Present { .. } => "it is wanted anew",
        };
        let keeps_acceptance = matches!(
            now.key,
            Key::Present {
                is_accepted: true,
                ..
            }
        );
        if let Gate::Present {
            path,
            is_accepted: true,
            by_key: false,
            ..
        } = &now.gate
            && !keeps_acceptance
        {
            self.waits.push(format!(
                "give the key that the gate {path} is signed with (--key, with --cert): it is to be built anew ({why}), and the kernel accepts no other key yet"
            ));
            return true;
        }
        let Some(is_accepted) = self.key(now) else {
            return false;
        };
        if why.is_empty() {
            self.done.push("the gate is built and signed".to_owned());
        } else if now.has_stub {
            self.steps.push(Step::BuildGate(why));
        } else {
            self.waits.push(
                "install the package that has /usr/lib/baton/gate.stub, or build that (`cargo xtask gate`)".to_owned(),
            );
            return false;
        }
        if is_accepted || !now.enforced {
            return true;
        }
        self.enrollment(now);
        false
    }

    /// The key; whether the kernel accepts it. `None`: it can't be used.
    fn key(&mut self, now: &Situation) -> Option<bool> {
        match &now.key {
            Key::Missing => {
                self.steps.push(Step::MakeKey);
                Some(false)
            }
            Key::Incomplete(file) => {
                self.waits.push(format!(
                    "{file} is there without the rest of a key (mok.key, mok.pem and mok.der), as an interrupted \
                     `baton keys new` leaves it: put the rest beside it, or remove it, and run `baton setup` again"
                ));
                None
            }
            Key::Present {
                revoked_by: Some(list),
                name,
                ..
            } => {
                self.waits.push(format!(
                    "\"{name}\" is revoked by {list}: make another key (`baton keys new --force`, or --key with --cert)"
                ));
                None
            }
            Key::Present {
                name, is_accepted, ..
            } => {
                let whose = if *is_accepted {
                    "the kernel accepts"
                } else {
                    "there is"
                };
                self.done.push(format!("{whose} the key \"{name}\""));
                Some(*is_accepted)
            }
        }
    }

    fn enrollment(&mut self, now: &Situation) {
        let enrollment = match &now.key {
            Key::Missing | Key::Incomplete(_) => Enrollment::No,
            Key::Present { enrollment, .. } => *enrollment,
        };
        match (enrollment, &now.no_mokmanager, now.no_mok) {
            (Enrollment::Requested, ..) => {
                self.done.push("its enrollment is requested".to_owned());
                self.waits.push(format!("{RESTART}, and {CONFIRM}"));
            }
            (Enrollment::Done, _, Some(_)) => self.waits.push(
                "boot with efi=runtime on the command line, so that the kernel knows the enrolled key; then run `baton setup` again"
                    .to_owned(),
            ),
            (Enrollment::Done, ..) => self.waits.push(
                "the key is enrolled, and the kernel doesn't accept it: `baton keys list` says why".to_owned(),
            ),
            (Enrollment::No, Some(why), _) => self.waits.push(why.clone()),
            (Enrollment::No, None, _) => {
                self.steps.push(Step::Enroll);
                self.waits.push(format!("{RESTART}, and {CONFIRM}"));
            }
        }
    }

    fn load(&mut self, now: &Situation, can_load: bool) {
        if now.is_loaded {
            self.done.push("a kernel is loaded".to_owned());
        } else if let Some(why) = &now.no_load {
            self.waits.push(why.clone());
        } else if can_load {
            self.steps.push(Step::Load);
        }
    }

    fn memory(&mut self, now: &Situation, wanted: &Wanted) {
        match (&now.memory, &wanted.crashkernel) {
            (Memory::Reserved(bytes), _) => {
                self.done.push(format!("{} MiB are reserved for a crash kernel", bytes >> 20));
            }
            (Memory::AtNextBoot(file), _) => self.waits.push(format!(
                "{RESTART}: {file} has memory reserved for a crash kernel from then on"
            )),
            (Memory::None { can_write: true, .. }, Some(size)) => {
                self.steps.push(Step::Reserve(size.clone()));
                self.waits.push(format!("{RESTART}: from then on memory is reserved for a crash kernel"));
            }
            (Memory::None { advice, .. }, Some(_)) => self.waits.push(advice.clone()),
            (Memory::None { advice, .. }, None) => self.notes.push(format!(
                "no memory is reserved for a crash kernel, so that no crash is captured; to have some: {advice}"
            )),
            (Memory::Unknown, _) => {}
        }
    }

    fn units(&mut self, now: &Situation) {
        for unit in &now.enabled_units {
            self.done.push(format!("{unit} is enabled"));
        }
        let steps = now.disabled_units.iter().map(|unit| Step::Enable(unit));
        self.steps.extend(steps);
    }
}

impl Step {
    /// A short, stable word for programs.
    #[must_use]
    pub fn word(&self) -> &'static str {
        match self {
            Step::MakeKey => "make-key",
            Step::BuildGate(_) => "build-gate",
            Step::Enroll => "enroll",
            Step::Load => "load",
            Step::Reserve(_) => "reserve",
            Step::Enable(_) => "enable",
        }
    }

    /// What is done, in words.
    #[must_use]
    pub fn words(&self) -> String {
        match self {
            Step::MakeKey => "make a key in /var/lib/baton/keys".to_owned(),
            Step::BuildGate(why) => {
                format!("build and sign the gate /var/lib/baton/gate.efi ({why})")
            }
            Step::Enroll => "have shim ask for the key at the next boot".to_owned(),
            Step::Load => "load the kernel that boots by default".to_owned(),
            Step::Reserve(size) => {
                format!("have {size} reserved for a crash kernel from the next boot on")
            }
            Step::Enable(unit) => format!("enable {unit}"),
        }
    }
}
