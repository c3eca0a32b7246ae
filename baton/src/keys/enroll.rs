//! `baton keys enroll`.

use super::args::EnrollArgs;
use super::inventory::Inventory;
use super::password::{Confirmation, confirmation};
use super::request::{self, Enrollment};
use super::{given, mokutil};
use crate::certificate::details::Details;
use crate::certificate::usefulness::{Answer, Usefulness};
use crate::failure::Result;
use crate::failure::input::InputError;
use crate::failure::keys::KeysError;
use crate::machine::{Keys, saved_state};
use crate::output::{file, json};
use baton_sys::{Root, efivars};
use baton_verify::{Certificate, Trust};
use serde::Serialize;
use std::path::Path;

/// What became of a request.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Outcome {
    /// How far it was before.
    was: Enrollment,
    /// How far it is now.
    is: Enrollment,
    /// Whether something was done.
    requested: bool,
    /// Nothing was done.
    dry_run: bool,
    /// The certificate that is enrolled.
    certificate: Details,
    /// One that was made up here.
    #[serde(skip_serializing_if = "Option::is_none")]
    password: Option<String>,
    /// What MokManager asks at the next boot.
    steps: Vec<String>,
    /// What a person should know.
    notes: Vec<String>,
}

/// Requests an enrollment, and says what comes next.
///
/// # Errors
/// When it can't be requested, or would do no good.
pub fn run(args: &EnrollArgs) -> Result<()> {
    let outcome = request(args, None)?;
    if args.json {
        json::print(&outcome);
    } else {
        outcome.lines().iter().for_each(|line| say!("{line}"));
    }
    Ok(())
}

/// Requests an enrollment, unless it is done or requested already. How it is confirmed may be known: what a password is
/// read from may be a pipe.
///
/// # Errors
/// As [`run`].
pub fn request(args: &EnrollArgs, how: Option<&Confirmation>) -> Result<Outcome> {
    let root = saved_state::described(args.root.as_deref())?;
    let der = only_certificate(&args.certificate)?;
    let certificate =
        Certificate::parse(&der).map_err(crate::failure::sign::SignError::Certificate)?;
    let notes = check_use(&args.certificate, &certificate)?;
    let inventory = Inventory::read(&root, None)?;
    let was = Enrollment::of(inventory.find(&der));
    let mut outcome = Outcome {
        was,
        is: was,
        requested: false,
        dry_run: args.dry_run,
        certificate: Details::of(&certificate),
        password: None,
        steps: Vec::new(),
        notes,
    };
    if was == Enrollment::No {
        request::check(efivars::is_efi(&root), &inventory)?;
        check_revoked(&root, &certificate)?;
        outcome.ask_shim(args, &root, &der, how)?;
    }
    if outcome.is != Enrollment::Done {
        let details = &outcome.certificate;
        outcome.steps =
            request::steps(&details.subject, &details.sha1, outcome.password.as_deref());
    }
    Ok(outcome)
}

fn only_certificate(path: &Path) -> Result<Vec<u8>> {
    let mut found = given::certificates(path)?;
    match (found.pop(), found.len()) {
        (Some(one), 0) => Ok(one),
        (_, others) => Err(KeysError::SeveralCertificates {
            path: path.to_owned(),
            count: others + 1,
        }
        .into()),
    }
}

/// Refuses a key that would count for nothing, and tells for whom else it wouldn't.
fn check_use(path: &Path, certificate: &Certificate<'_>) -> Result<Vec<String>> {
    let useful = Usefulness::of(certificate);
    if let (Answer::Refuses(why), Answer::Refuses(_)) = (&useful.kernel, &useful.gate) {
        let why = format!("{why}; make one that signs what is booted (`baton keys new`)");
        let path = path.to_owned();
        return Err(InputError::UnusableKey { path, why }.into());
    }
    let answers = [
        ("shim", useful.shim),
        ("the gate", useful.gate),
        ("the kernel", useful.kernel),
    ];
    let refusing = answers
        .into_iter()
        .filter_map(|(who, answer)| match answer {
            Answer::Refuses(why) => Some(format!("{who} won't accept what it signs: {why}")),
            Answer::Accepts => None,
        });
    Ok(refusing.collect())
}

fn check_revoked(root: &Root, certificate: &Certificate<'_>) -> Result<()> {
    let keys = Keys::read(root)?;
    let refusing = keys.refuse_revoked(Trust::new())?;
    match refusing.revokes(certificate) {
        None => Ok(()),
        Some(list) => Err(KeysError::Revoked {
            subject: certificate.subject_name(),
            list,
        }
        .into()),
    }
}

impl Outcome {
    fn ask_shim(
        &mut self,
        args: &EnrollArgs,
        root: &Root,
        der: &[u8],
        how: Option<&Confirmation>,
    ) -> Result<()> {
        let program = mokutil::find().ok_or_else(|| KeysError::NoMokutil {
            install: mokutil::install(root),
        })?;
        if args.dry_run {
            return Ok(());
        }
        let own;
        let how = match how {
            Some(how) => how,
            None => {
                own = confirmation(&args.password)?;
                &own
            }
        };
        // mokutil reads nothing but DER.
        let file = file::temporary(der)?;
        mokutil::import(&program, file.path(), how)?;
        drop(file);
        // It succeeds, too, where it leaves a key out.
        self.is = Enrollment::of(Inventory::read(root, None)?.find(der));
        if self.is == Enrollment::No {
            return Err(KeysError::Mokutil {
                why: "it succeeded, and there is no request (MokNew) in the firmware's variables"
                    .into(),
            }
            .into());
        }
        self.requested = true;
        if let Confirmation::Shown(password) = how {
            self.password = Some(password.to_string());
        }
        Ok(())
    }

    /// How far the enrollment is now.
    #[must_use]
    pub fn is(&self) -> Enrollment {
        self.is
    }

    /// What there is to say of it.
    #[must_use]
    pub fn lines(&self) -> Vec<String> {
        let name = &self.certificate.subject;
        let id = &self.certificate.key_id;
        let mut lines = vec![match (self.was, self.dry_run) {
            (Enrollment::Done, _) => format!("\"{name}\" ({id}) is already enrolled"),
            (Enrollment::Requested, _) => {
                format!("the enrollment of \"{name}\" ({id}) is already requested")
            }
            (_, true) => {
                format!("would request the enrollment of \"{name}\" ({id}) (mokutil --import)")
            }
            _ => format!("requested the enrollment of \"{name}\" ({id})"),
        }];
        lines.extend(self.password.iter().map(|it| format!("  password: {it}")));
        let steps = (1..).zip(&self.steps);
        lines.extend(steps.map(|(number, step)| format!("  {number}. {step}")));
        lines.extend(self.notes.iter().map(|note| format!("  note: {note}")));
        lines
    }
}
