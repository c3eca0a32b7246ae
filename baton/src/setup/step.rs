//! Carrying out one step of a plan.

use super::args::SetupArgs;
use super::build::{Build, build};
use super::plan::Step;
use super::reserve::reserve;
use crate::failure::Result;
use crate::failure::setup::SetupError;
use crate::keys::args::{DIRECTORY, EnrollArgs, NewArgs};
use crate::keys::enroll;
use crate::keys::inventory::Place;
use crate::keys::new::{self, KeyFiles};
use crate::keys::password::Confirmation;
use crate::keys::request::Enrollment;
use crate::load::args::LoadOptions;
use crate::load::entry;
use crate::load::settings::Settings;
use crate::readiness::facts::Facts;
use crate::readiness::gate::{Installed, OWN, STUB};
use baton_sys::Root;
use std::io;
use std::os::fd::AsFd;
use std::process::{Command, Stdio};

/// What the steps work with.
pub struct Work<'a> {
    /// The options.
    pub args: &'a SetupArgs,
    /// The machine.
    pub root: &'a Root,
    /// What was found before the first step.
    pub facts: &'a Facts,
    /// How the key's enrollment is confirmed, if that was found out already.
    pub confirmation: Option<&'a Confirmation>,
}

/// For how long a certificate says that it is valid, in days.
const DAYS: u32 = 36500;

impl Work<'_> {
    /// Carries out a step; gives what there is to say of it, line by line.
    ///
    /// # Errors
    /// Why it failed.
    pub fn carry_out(&self, step: &Step) -> Result<Vec<String>> {
        match step {
            Step::MakeKey => self.make_key(),
            Step::BuildGate(_) => self.build_gate(),
            Step::Enroll => self.enroll(),
            Step::Load => self.load(),
            Step::Reserve(size) => self.reserve(size),
            Step::Enable(unit) => {
                run(&["systemctl", "enable", unit])?;
                Ok(vec![format!("enabled {unit}, from the next boot on")])
            }
        }
    }

    fn below(&self, path: &str) -> std::path::PathBuf {
        self.root.join(path.trim_start_matches('/'))
    }

    /// The files of the key that signs the gate.
    pub(super) fn files(&self) -> KeyFiles {
        match (&self.args.key, &self.args.cert) {
            (Some(key), Some(cert)) => KeyFiles {
                key: key.clone(),
                certificate: cert.clone(),
                der: cert.clone(),
            },
            _ => KeyFiles::below(&self.below(DIRECTORY)),
        }
    }

    fn make_key(&self) -> Result<Vec<String>> {
        let made = new::make(&NewArgs {
            algorithm: self.args.algorithm,
            cn: None,
            days: DAYS,
            output: self.below(DIRECTORY),
            force: false,
            json: false,
        })?;
        Ok(made.lines())
    }

    fn build_gate(&self) -> Result<Vec<String>> {
        let files = self.files();
        let output = self.below(OWN);
        build(
            self.args,
            &Build {
                stub: self.below(STUB),
                with_own_certificate: self.is_only_known_otherwise(&files)?,
                key: &files,
                output: output.clone(),
                before: self.own_gate(&files)?,
            },
        )?;
        Ok(vec![format!("built and signed {}", output.display())])
    }

    /// The gate that is there, if this machine trusts it or it is signed with this key.
    pub(super) fn own_gate(&self, files: &KeyFiles) -> Result<Option<&Installed>> {
        let ders = crate::keys::given::certificates(&files.certificate)?;
        let gate = self.facts.gate.installed();
        Ok(gate.filter(|gate| gate.is_accepted() || gate.signer.as_ref() == ders.first()))
    }

    /// Whether the key is one that the kernel accepts, and no MOK: the gate sees MOKs alone.
    pub(super) fn is_only_known_otherwise(&self, files: &KeyFiles) -> Result<bool> {
        let ders = crate::keys::given::certificates(&files.certificate)?;
        let listed = ders.first().and_then(|der| self.facts.inventory.find(der));
        let at = |place: &Place| listed.is_some_and(|it| it.places.contains(place));
        let is_accepted = listed.is_some_and(|it| it.counts_for.kernel == Some(true));
        Ok(is_accepted && !at(&Place::MokList) && !at(&Place::Requested))
    }

    fn enroll(&self) -> Result<Vec<String>> {
        let args = EnrollArgs {
            certificate: self.files().der,
            password: self.args.password.clone(),
            dry_run: false,
            json: false,
            root: self.args.root.clone(),
        };
        let outcome = enroll::request(&args, self.confirmation)?;
        debug_assert!(outcome.is() != Enrollment::No);
        Ok(outcome.lines())
    }

    fn load(&self) -> Result<Vec<String>> {
        let settings = Settings::read(self.root, None)?;
        let options = LoadOptions {
            gate: crate::load::args::installed_gate(self.root),
            // What is described is never loaded.
            dry_run: self.args.root.is_some(),
            root: self.args.root.clone(),
            ..LoadOptions::default()
        };
        let loaded = entry::load(None, &settings, &settings.complete(&options))?;
        Ok(vec![
            format!("loaded {}", loaded.described()),
            "start it with `baton exec`".to_owned(),
        ])
    }

    fn reserve(&self, size: &str) -> Result<Vec<String>> {
        let owner = self.facts.reservation.owner;
        let reserved = reserve(self.root, owner, size)?;
        let said = format!("wrote crashkernel={size} into {}", reserved.path.display());
        if let Some(Err(failure)) = owner.refresh().map(run) {
            let file = reserved.path.display().to_string();
            return Err(failure.remarked(match reserved.take_back() {
                Ok(()) => format!("{file} is as it was"),
                Err(why) => format!("{why}: take crashkernel={size} out of it"),
            }));
        }
        Ok(vec![said])
    }
}

/// Runs a command; what it prints isn't part of the report on standard output.
fn run(command: &[&str]) -> Result<()> {
    let text = command.join(" ");
    let failed = |why: String| SetupError::Command {
        command: text.clone(),
        why,
    };
    let (program, arguments) = command.split_first().unwrap_or((&"", &[]));
    let stderr = io::stderr().as_fd().try_clone_to_owned();
    let stderr = stderr.map_err(|e| failed(e.to_string()))?;
    let status = Command::new(program)
        .args(arguments)
        .stdout(Stdio::from(stderr))
        .status();
    match status {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(failed(status.to_string()).into()),
        Err(error) => Err(failed(error.to_string()).into()),
    }
}
