//! `baton keys new`.

use super::args::NewArgs;
use super::generate::{self, Subject};
use crate::calendar;
use crate::certificate::details::Details;
use crate::failure::keys::KeysError;
use crate::failure::{Attempt, IoError, Result};
use crate::output::file::{self, Access, Destination, Existing};
use crate::output::json;
use baton_sys::Root;
use baton_verify::Certificate;
use serde::Serialize;
use std::fs::{self, DirBuilder};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

/// The files of a key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct KeyFiles {
    /// The private key, in PEM.
    #[serde(rename = "key_file")]
    pub key: PathBuf,
    /// The certificate in PEM.
    #[serde(rename = "certificate_file")]
    pub certificate: PathBuf,
    /// The certificate in DER, for mokutil.
    #[serde(rename = "der_file")]
    pub der: PathBuf,
}

impl KeyFiles {
    /// Where they lie in a directory.
    #[must_use]
    pub fn below(directory: &Path) -> KeyFiles {
        KeyFiles {
            key: directory.join("mok.key"),
            certificate: directory.join("mok.pem"),
            der: directory.join("mok.der"),
        }
    }
}

/// What was made.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct NewKey {
    #[serde(flatten)]
    files: KeyFiles,
    #[serde(flatten)]
    details: Details,
}

/// Makes a key and says where it lies.
///
/// # Errors
/// When it can't be written, or a key is there already.
pub fn run(args: &NewArgs) -> Result<()> {
    let made = make(args)?;
    if args.json {
        json::print(&made);
        return Ok(());
    }
    made.lines().iter().for_each(|line| say!("{line}"));
    say!(
        "have shim ask for it at the next boot with `baton keys enroll {}`",
        made.files.der.display()
    );
    Ok(())
}

impl NewKey {
    /// What there is to say of it.
    #[must_use]
    pub fn lines(&self) -> Vec<String> {
        let (files, details) = (&self.files, &self.details);
        vec![
            format!(
                "{}: the private key ({}); whoever has it signs for this machine",
                files.key.display(),
                details.key
            ),
            format!(
                "{}, {}: its certificate",
                files.certificate.display(),
                files.der.display()
            ),
            format!("  name        {}", details.subject),
            format!("  key id      {}", details.key_id),
            format!("  SHA-1       {} (which MokManager shows)", details.sha1),
        ]
    }
}

/// Makes a key in a directory.
///
/// # Errors
/// As [`run`].
pub fn make(args: &NewArgs) -> Result<NewKey> {
    let common_name = match &args.cn {
        Some(name) => name.clone(),
        None => default_name(&Root::system()),
    };
    check_name(&common_name)?;
    let files = KeyFiles::below(&args.output);
    make_directory(&args.output)?;
    let existing = Existing::with(args.force);
    // All of them before the first is written: a key must not be replaced if its certificate can't be.
    let key = Destination::new(&files.key, Access::Private, existing)?;
    let certificate = Destination::new(&files.certificate, Access::Public, existing)?;
    let der = Destination::new(&files.der, Access::Public, existing)?;
    let now = calendar::now();
    let made = generate::generate(
        args.algorithm,
        &Subject {
            common_name,
            not_before: now,
            not_after: now + u64::from(args.days) * 24 * 3600,
        },
    )?;
    let key_pem = generate::key_pem(&made.key)?;
    let certificate_pem = generate::certificate_pem(&made.certificate)?;
    file::write_together(&[
        (&key, key_pem.as_bytes()),
        (&certificate, certificate_pem.as_bytes()),
        (&der, &made.certificate),
    ])?;
    let parsed = Certificate::parse(&made.certificate);
    let parsed = parsed.map_err(crate::failure::sign::SignError::Certificate)?;
    Ok(NewKey {
        files,
        details: Details::of(&parsed),
    })
}

/// For its owner alone, if it isn't there yet; others may pass through those above it.
fn make_directory(directory: &Path) -> Result<()> {
    let failed = |e| IoError::new(Attempt::CreateDirectory, directory, e);
    if directory.is_dir() {
        return Ok(());
    }
    if let Some(parent) = directory.parent() {
        fs::create_dir_all(parent).map_err(failed)?;
    }
    let made = DirBuilder::new().mode(0o700).create(directory);
    Ok(made.map_err(failed)?)
}

/// The longest common name (ub-common-name of RFC 5280, A.1).
const LONGEST_NAME: usize = 64;

fn check_name(name: &str) -> std::result::Result<(), KeysError> {
    let count = name.chars().count();
    let is_name = (1..=LONGEST_NAME).contains(&count) && !name.chars().any(char::is_control);
    is_name.then_some(()).ok_or(KeysError::CommonName)
}

/// By the machine's name, by which its owner will know the key in MokManager.
fn default_name(root: &Root) -> String {
    let host = root.read_text("proc/sys/kernel/hostname").ok().flatten();
    let host = host.unwrap_or_default();
    let name = match host.trim() {
        "" | "(none)" => "Baton MOK".to_owned(),
        host => format!("Baton MOK of {host}"),
    };
    name.chars()
        .filter(|it| !it.is_control())
        .take(LONGEST_NAME)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crash::fake::Fake;

    #[test]
    fn a_key_is_named_after_its_machine() {
        let fake = Fake::new();
        assert_eq!(default_name(&fake.root()), "Baton MOK");
        fake.set("proc/sys/kernel/hostname", "ada\n");
        assert_eq!(default_name(&fake.root()), "Baton MOK of ada");
        fake.set("proc/sys/kernel/hostname", "x".repeat(64));
        assert!(check_name(&default_name(&fake.root())).is_ok());
    }

    #[test]
    fn a_name_has_up_to_64_characters_that_can_be_shown() {
        assert!(check_name("Zoë's kernels").is_ok());
        assert!(check_name(&"ë".repeat(64)).is_ok());
        for wrong in ["", "a\nb", "\u{1b}[2J", &"x".repeat(65)] {
            assert!(check_name(wrong).is_err(), "{wrong}");
        }
    }
}
