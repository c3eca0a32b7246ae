//! A policy as TOML in one form only: everything is said, nothing is left to a preset.

use super::document::{
    Accept, CommandLine, Document, Forced, Key, KeyDigest, LoadType, Refusal, Sbat,
};
use super::model::{self, Policy, Rules};
use super::preset::NONE;
use super::words::{Set, Word};
use baton_toml::{Number, Result};
use serde_json::Value as Json;

/// The TOML; read back it gives the same policy.
///
/// # Errors
/// When TOML can't hold it.
pub fn write(policy: &Policy) -> Result<String> {
    baton_toml::write(&document(policy))
}

/// The same as JSON: the same keys, the same values.
///
/// # Errors
/// As for [`write()`].
pub fn json(policy: &Policy) -> Result<Json> {
    baton_toml::read(&write(policy)?)
}

fn document(policy: &Policy) -> Document {
    let normal = load_type(&policy.normal);
    let minimum = Some(policy.sbat.clone()).filter(|it| !it.is_empty());
    let keys: Vec<_> = policy.keys.iter().map(key).collect();
    Document {
        preset: Some(NONE.to_owned()),
        name: Some(policy.name.clone()),
        require_secure_boot: Some(policy.require_secure_boot),
        refusal: Some(Refusal {
            action: Some(Word(policy.refusal.action)),
            delay: Number::new(policy.refusal.delay_seconds),
        }),
        sbat: minimum.is_some().then_some(Sbat { minimum }),
        kernel: normal.kernel,
        initrd: normal.initrd,
        cmdline: normal.cmdline,
        crash: crash(&policy.crash, &policy.normal),
        key: (!keys.is_empty()).then_some(keys),
    }
}

fn load_type(rules: &Rules) -> LoadType {
    LoadType {
        kernel: accept(rules.kernel),
        initrd: accept(rules.initrd),
        cmdline: Some(CommandLine {
            accept: Some(rules.command_line),
            unlisted: Some(Word(rules.unlisted)),
            init_arguments: Some(Word(rules.init_arguments)),
            force: Some(rules.force.iter().cloned().map(Forced).collect()),
            normal_rules: None,
            rules: Some(rules.parameters.clone()),
        }),
    }
}

fn accept<T>(set: Set<T>) -> Option<Accept<T>> {
    let accept = Some(set);
    Some(Accept { accept })
}

/// What differs from a normal load.
fn crash(rules: &Rules, normal: &Rules) -> Option<LoadType> {
    fn differing<T: PartialEq>(crash: Option<T>, normal: Option<T>) -> Option<T> {
        crash.filter(|it| Some(it) != normal.as_ref())
    }
    let (crash, base) = (load_type(rules), load_type(normal));
    let (line, normal_line) = (crash.cmdline?, base.cmdline?);
    let own = rules.parameters.strip_suffix(&normal.parameters[..]);
    let line = CommandLine {
        accept: differing(line.accept, normal_line.accept),
        unlisted: differing(line.unlisted, normal_line.unlisted),
        init_arguments: differing(line.init_arguments, normal_line.init_arguments),
        force: differing(line.force, normal_line.force),
        normal_rules: own.is_none().then_some(false),
        rules: Some(own.unwrap_or(&rules.parameters).to_vec())
            .filter(|rules| own.is_none() || !rules.is_empty()),
    };
    let crash = LoadType {
        kernel: differing(crash.kernel, base.kernel),
        initrd: differing(crash.initrd, base.initrd),
        cmdline: differing(Some(line), Some(CommandLine::default())),
    };
    differing(Some(crash), Some(LoadType::default()))
}

fn key(key: &model::Key) -> Key {
    Key {
        certificate: None,
        key_sha256: Some(KeyDigest(key.sha256)),
        may: key.may,
        sbat: key.sbat.clone(),
    }
}
