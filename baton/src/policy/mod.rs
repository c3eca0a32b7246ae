//! The gate's policy: as people write it, as the gate reads it, and in sentences.
//!
//! ```text
//! TOML ── source ─▶ model ── compact ─▶ bytes in the gate
//!      ◀─ canonical ──   ◀── compact ──
//! ```
//!
//! docs/policy.md describes the TOML, [`baton_formats::policy`] the bytes, and `baton_verify` what
//! each rule does.

mod aliases;
pub mod canonical;
pub mod compact;
pub mod cover;
pub mod explain;
pub mod model;
pub mod preset;
pub mod source;

#[cfg(test)]
mod tests;

use crate::cli::{PolicyCheckArgs, PolicyCommand, PolicyExplainArgs, PolicyShowArgs};
use crate::cmdline;
use crate::failure::gate::GateError;
use crate::failure::input::InputError;
use crate::failure::{Failure, Result};
use crate::gate::own::not_a_gate;
use crate::inspect::page::Page;
use crate::output::{json, text};
use crate::read;
use baton_formats::gate_image::GateInfo;
use baton_formats::policy::{Action, MAGIC, Policy as Compact};
use baton_sys::hex;
use baton_verify::{Component, Reason, Refusal, Way, command_line};
use model::Policy;
use serde::Serialize;
use sha2::{Digest, Sha256};
use source::Source;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

/// Carries out the command.
///
/// # Errors
/// When the policy can't be read or isn't one; when `explain` finds a parameter denied.
pub fn run(command: &PolicyCommand) -> Result<()> {
    match command {
        PolicyCommand::Check(args) => check(args),
        PolicyCommand::Show(args) => show(args),
        PolicyCommand::Explain(args) => explain(args),
    }
}

/// The compact form of a preset, or of a TOML file's policy.
///
/// # Errors
/// When it can't be read, or isn't a policy.
pub fn compiled(name: &Path) -> Result<Vec<u8>> {
    match preset_text(name) {
        Some(text) => compile(text, name).map(|(_, bytes)| bytes),
        None => {
            let bytes = read_file(name)?;
            compile(utf8(&bytes, name)?, name).map(|(_, bytes)| bytes)
        }
    }
}

/// SHA-256 of a compact policy, in hexadecimal: what tells policies apart.
#[must_use]
pub fn digest(bytes: &[u8]) -> String {
    hex::encode(&Sha256::digest(bytes))
}

fn compile(text: &str, name: &Path) -> Result<(Source, Vec<u8>)> {
    let wrong = |why: &dyn std::fmt::Display| bad_policy(name, why);
    let folder = name.parent().unwrap_or(Path::new(""));
    let source = source::read(text, folder).map_err(|problem| wrong(&problem))?;
    let bytes = compact::write(&source.policy).map_err(|why| wrong(&why))?;
    let parsed = Compact::parse(&bytes).map_err(|why| wrong(&why))?;
    source::check_forced(&parsed).map_err(|problem| wrong(&problem))?;
    Ok((source, bytes))
}

fn bad_policy(name: &Path, why: &dyn std::fmt::Display) -> InputError {
    InputError::Policy {
        path: name.to_owned(),
        why: why.to_string(),
    }
}

fn preset_text(name: &Path) -> Option<&'static str> {
    preset::text(name.to_str()?)
}

fn read_file(path: &Path) -> Result<Vec<u8>> {
    read::given(path).map_err(|failure| {
        let bare = path.components().count() == 1;
        match bare && !path.exists() {
            true => failure.remarked(format!("presets are {}", preset::NAMES.join(", "))),
            false => failure,
        }
    })
}

fn utf8<'b>(bytes: &'b [u8], path: &Path) -> Result<&'b str> {
    let wrong = |_| {
        let why = "neither TOML nor a gate; give a policy's TOML, a gate, or a preset's name";
        bad_policy(path, &why)
    };
    Ok(std::str::from_utf8(bytes).map_err(wrong)?)
}

/// The compact form of a preset's, a file's, or a gate's policy.
fn compact_of(name: &Path) -> Result<Vec<u8>> {
    if preset_text(name).is_some() {
        return compiled(name);
    }
    let bytes = read_file(name)?;
    if bytes.starts_with(&MAGIC) {
        return Ok(bytes);
    }
    match bytes.starts_with(b"MZ") {
        true => of_gate(&bytes, name),
        false => compile(utf8(&bytes, name)?, name).map(|(_, bytes)| bytes),
    }
}

fn of_gate(image: &[u8], name: &Path) -> Result<Vec<u8>> {
    let info = GateInfo::from_image(image);
    let policy = info.and_then(|info| info.policy(image).map(<[u8]>::to_vec));
    let policy = policy.map_err(|e| GateError::NotAGate {
        path: name.to_owned(),
        why: not_a_gate(image, &e),
    })?;
    match policy.is_empty() {
        true => Ok(Compact::stock().as_bytes().to_vec()),
        false => Ok(policy),
    }
}

/// The parts of a compact policy from there.
fn parts(bytes: &[u8], name: &Path) -> Result<Policy> {
    let parsed = parse(bytes, name)?;
    Ok(compact::read(&parsed).map_err(|why| bad_policy(name, &why))?)
}

fn parse<'b>(bytes: &'b [u8], name: &Path) -> Result<Compact<'b>> {
    let parsed = Compact::parse(bytes);
    Ok(parsed.map_err(|e| bad_policy(name, &e))?)
}

fn check(args: &PolicyCheckArgs) -> Result<()> {
    let bytes = match preset_text(&args.policy) {
        Some(text) => text.as_bytes().to_vec(),
        None => read_file(&args.policy)?,
    };
    let (source, bytes) = compile(utf8(&bytes, &args.policy)?, &args.policy)?;
    for warning in warnings(&source) {
        tell!("baton: {}: warning: {warning}", args.policy.display());
    }
    let name = match source.policy.name.as_str() {
        "" => "a policy without a name".to_owned(),
        name => format!("\"{name}\""),
    };
    say!(
        "ok: {name}, {} bytes, SHA-256 {}",
        bytes.len(),
        digest(&bytes)
    );
    Ok(())
}

/// What its writer may not have meant.
fn warnings(source: &Source) -> Vec<String> {
    let policy = &source.policy;
    let own = [
        ("cmdline", &policy.normal, source.own_rules),
        ("crash.cmdline", &policy.crash, source.own_crash_rules),
    ];
    let mut all = Vec::new();
    for (table, rules, count) in &own {
        all.extend(aliases::walked_round(table, rules, *count));
        let rules = rules.parameters.get(..*count).unwrap_or_default();
        for (later, earlier) in cover::never_fit(rules) {
            all.push(format!(
                "{table}.rules[{later}] can never fit: {table}.rules[{earlier}] comes before it \
                 and takes all that it is about"
            ));
        }
    }
    // The rules for crash loads have those for normal ones in them.
    let mut told = own
        .iter()
        .map(|(table, rules, _)| aliases::told_otherwise(table, rules));
    all.extend(told.find(|it| !it.is_empty()).unwrap_or_default());
    all.extend(cover::weaker_than_stock(policy));
    all.extend(cover::unguarded_initrd(policy));
    all
}

#[derive(Serialize)]
struct Shown {
    name: String,
    sha256: String,
    preset: Option<&'static str>,
    policy: serde_json::Value,
}

fn show(args: &PolicyShowArgs) -> Result<()> {
    let bytes = compact_of(&args.policy)?;
    let policy = parts(&bytes, &args.policy)?;
    if args.json {
        json::print(&Shown {
            name: policy.name.clone(),
            sha256: digest(&bytes),
            preset: preset::name_of(&parse(&bytes, &args.policy)?),
            policy: canonical::json(&policy),
        });
        return Ok(());
    }
    text::print(&canonical::write(&policy));
    Ok(())
}

/// The longest command line that a gate takes, with the zero that ends it: `cmdline_size` in its setup header.
const GATE_TAKES: usize = 4096;

fn explain(args: &PolicyExplainArgs) -> Result<()> {
    let bytes = compact_of(&args.policy)?;
    let compact = parse(&bytes, &args.policy)?;
    let Some(line) = &args.cmdline else {
        let policy = parts(&bytes, &args.policy)?;
        text::print(&explained(&policy, &bytes, args.crash));
        return Ok(());
    };
    let (line, rules) = (line.as_bytes(), compact.rules(args.crash));
    cmdline::check(line)?;
    if line.len() >= GATE_TAKES {
        return Err(Failure::from(Refusal::new(
            Component::CommandLine,
            Reason::CommandLineTooLong {
                length: line.len(),
                limit: GATE_TAKES - 1,
            },
        )));
    }
    let verdict = command_line::accept(line, Way::Unsigned, rules);
    let mut page = Page::default();
    if let Err(reason @ Reason::NotAccepted(_)) = &verdict {
        page.field("denied", format!("the line as a whole: {reason}"));
    }
    for it in explain::decisions(line, rules) {
        let verdict = match it.action {
            Action::Allow => "allowed",
            Action::Deny => "denied",
        };
        page.field(verdict, format!("{}: {}", it.parameter, it.why));
    }
    text::print(page.text());
    verdict.map_err(denial)
}

/// As the gate would refuse; it has been reported already.
fn denial(reason: Reason) -> Failure {
    Failure::from(Refusal::new(Component::CommandLine, reason)).reported()
}

fn explained(policy: &Policy, bytes: &[u8], crash: bool) -> String {
    let name = match policy.name.as_str() {
        "" => "The policy".to_owned(),
        name => format!("The policy \"{name}\""),
    };
    let occasion = match (crash, policy.crash == policy.normal) {
        (_, true) => "for normal and crash loads alike",
        (false, false) => "for a normal load (with --crash: for a crash load)",
        (true, false) => "for a crash load",
    };
    let digest = digest(bytes);
    let mut lines = vec![format!("{name} {occasion}, SHA-256 {digest}:")];
    lines.extend(explain::sentences(policy, crash));
    lines.join("\n") + "\n"
}
