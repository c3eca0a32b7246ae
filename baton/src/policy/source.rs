//! A policy read: its TOML, with what is from the preset.

use super::document::{Accept, CommandLine, Document, Key as KeyTable, LoadType};
use super::model::{Key, Policy, Rules};
use super::preset;
use super::words::{Set, Words};
use crate::digest::sha256;
use crate::input::certs;
use baton_formats::cmdline::{Parameter, parameters};
use baton_formats::policy::{self, Action, Purpose};
use baton_toml::{Number, Result, TomlError, problem};
use baton_verify::Certificate;
use std::collections::BTreeMap;
use std::path::Path;

/// A policy and what of it is from elsewhere.
#[derive(Debug, Clone)]
pub struct PolicySource {
    /// All of it.
    pub policy: Policy,
    /// How many of the first parameter rules for a normal load are the text's own.
    pub own_rules: usize,
    /// As many for a crash load.
    pub own_crash_rules: usize,
}

/// Reads a policy; certificates are looked for in `directory`.
///
/// # Errors
/// Says where something is wrong, and what.
pub fn read(text: &str, directory: &Path) -> Result<PolicySource> {
    let document: Document = baton_toml::read(text)?;
    let base = base(&document)?;
    let name = name(&document, &base.name);
    let mut refusal = base.refusal;
    if let Some(said) = document.refusal {
        refusal.action = said.action.map_or(refusal.action, |it| it.0);
        refusal.delay_seconds = said.delay.map_or(refusal.delay_seconds, Number::get);
    }
    let normal = LoadType {
        kernel: document.kernel,
        initrd: document.initrd,
        cmdline: document.cmdline,
    };
    if normal
        .cmdline
        .as_ref()
        .is_some_and(|it| it.normal_rules.is_some())
    {
        let why = "is about crash loads; write it under [crash.cmdline]";
        return Err(problem(text, "cmdline.normal-rules", why));
    }
    let minimum = document.sbat.map(|it| it.minimum.unwrap_or_default());
    let names = minimum.iter().flat_map(BTreeMap::keys);
    if names.into_iter().any(|component| component.0 == "sbat") {
        let why = "is SBAT's own generation; leave it out";
        return Err(problem(text, "sbat.minimum.sbat", why));
    }
    let crash = document.crash.unwrap_or_default();
    let (own_rules, own_crash_rules) = (own_rules(&normal), own_rules(&crash));
    let normal = rules(normal, &base.normal);
    if normal.kernel.bits() == 0 {
        let why =
            "kernel.accept must be set where there is no preset; otherwise no kernel is accepted";
        return Err(TomlError::new(why));
    }
    let crash = rules(crash, &normal);
    let policy = Policy {
        name,
        refusal,
        require_secure_boot: document
            .require_secure_boot
            .unwrap_or(base.require_secure_boot),
        sbat: minimum.unwrap_or(base.sbat),
        normal,
        crash,
        keys: keys(document.key.unwrap_or_default(), directory)
            .map_err(|(path, why)| problem(text, &path, why))?,
    };
    Ok(PolicySource {
        policy,
        own_rules,
        own_crash_rules,
    })
}

/// What counts where the text says nothing.
fn base(document: &Document) -> Result<Policy> {
    let default = preset::NAMES[0];
    match document.preset.as_deref().unwrap_or(default) {
        preset::NONE => Ok(preset::nothing()),
        // The document has no other name, and a test reads each of them.
        name => preset::named(name).ok_or_else(|| {
            TomlError::new(format!(
                "the preset \"{name}\" can't be read; please report this"
            ))
        }),
    }
}

/// A policy that says nothing else is its preset, by the same name.
fn name(document: &Document, inherited: &str) -> String {
    let as_it_is = Document {
        preset: document.preset.clone(),
        ..Document::default()
    };
    match &document.name {
        Some(name) => name.clone(),
        None if *document == as_it_is => inherited.to_owned(),
        None => String::new(),
    }
}

fn own_rules(said: &LoadType) -> usize {
    let rules = said.cmdline.as_ref().and_then(|it| it.rules.as_ref());
    rules.map_or(0, Vec::len)
}

/// What counts for a load type: what is said of it, and otherwise what `base` says.
fn rules(said: LoadType, base: &Rules) -> Rules {
    let line: CommandLine = said.cmdline.unwrap_or_default();
    let mut parameters = line.rules.unwrap_or_default();
    if line.normal_rules.unwrap_or(true) {
        parameters.extend(base.parameters.iter().cloned());
    }
    let force = line
        .force
        .map(|all| all.into_iter().map(|it| it.0).collect());
    Rules {
        kernel: accepted(said.kernel, base.kernel),
        initrd: accepted(said.initrd, base.initrd),
        command_line: line.accept.unwrap_or(base.command_line),
        unlisted: line.unlisted.map_or(base.unlisted, |it| it.0),
        init_arguments: line.init_arguments.map_or(base.init_arguments, |it| it.0),
        force: force.unwrap_or_else(|| base.force.clone()),
        parameters,
    }
}

fn accepted<T: Words>(said: Option<Accept<T>>, base: Set<T>) -> Set<T> {
    said.and_then(|it| it.accept).unwrap_or(base)
}

/// A dotted key, and what is wrong with its value.
type Wrong = (String, String);

fn keys(tables: Vec<KeyTable>, directory: &Path) -> Result<Vec<Key>, Wrong> {
    let mut keys: Vec<Key> = Vec::new();
    for (index, table) in tables.into_iter().enumerate() {
        let path = format!("key[{index}]");
        let key = key(table, &path, directory)?;
        if keys.iter().any(|it| it.sha256 == key.sha256) {
            let why = "names a key that was already named; merge the two";
            return Err((path, why.into()));
        }
        keys.push(key);
    }
    Ok(keys)
}

fn key(table: KeyTable, path: &str, directory: &Path) -> Result<Key, Wrong> {
    let sha256 = match (table.certificate, table.key_sha256) {
        (Some(file), None) => certificate(&directory.join(file)).map_err(|why| {
            (
                format!("{path}.certificate"),
                format!("can't be used: {why}"),
            )
        })?,
        (None, Some(digest)) => digest.0,
        _ => {
            let why = "needs either \"certificate\" or \"key-sha256\"";
            return Err((path.into(), why.into()));
        }
    };
    if table.sbat.is_some() && table.may != Set::of(Purpose::Kernel as u8) {
        let why = "must be [\"kernel\"] alone where the key has an sbat";
        return Err((format!("{path}.may"), why.into()));
    }
    Ok(Key {
        sha256,
        may: table.may,
        sbat: table.sbat,
    })
}

fn certificate(path: &Path) -> Result<[u8; 32], String> {
    let all = certs::read(path).map_err(|failure| failure.to_string())?;
    let [one] = &all[..] else {
        let (path, count) = (path.display(), all.len());
        return Err(format!(
            "{path} holds {count} certificates; give a file with one"
        ));
    };
    let parsed = Certificate::parse(one).map_err(|e| e.to_string())?;
    Ok(sha256([parsed.key_info()]))
}

/// Refuses forced parameters that a rule of the same policy denies: one of both is a mistake.
///
/// # Errors
/// Names the parameter and the rule.
pub fn check_forced(policy: &policy::Policy<'_>) -> Result<()> {
    for (crash, prefix) in [(false, ""), (true, "crash.")] {
        let rules = policy.rules(crash);
        let decides = |it: &Parameter<'_>| rules.parameters().find(|rule| rule.is_about(it));
        let is_denied =
            |it: &Parameter<'_>| decides(it).is_some_and(|rule| rule.action == Action::Deny);
        if let Some(denied) = parameters(rules.forced).find(is_denied) {
            return Err(TomlError::new(format!(
                "{prefix}cmdline.force has \"{}\", which a rule of the same policy denies; \
                 allow it by a rule before that, or don't force it",
                denied.raw.escape_ascii()
            )));
        }
    }
    Ok(())
}
