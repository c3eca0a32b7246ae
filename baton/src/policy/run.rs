//! Checks, shows and explains policies.

use super::args::{
    PolicyCheckArgs, PolicyCommand, PolicyDiffArgs, PolicyExplainArgs, PolicyShowArgs,
};
use super::diff::difference;
use super::given::{
    bad_policy, compact_of, compile, digest, parse, parts, preset_text, read_file, utf8,
};
use super::model::Policy;
use super::names::Names;
use super::warnings::warnings;
use super::words::Word;
use super::{canonical, explain, preset, table};
use crate::failure::{Failure, Result};
use crate::input::cmdline;
use crate::output::page::Page;
use crate::output::{json, text};
use baton_formats::policy::Action;
use baton_toml::TomlError;
use baton_verify::{Component, Reason, Refusal, SignatureKind, command_line};
use serde::Serialize;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

/// Carries out the command.
///
/// # Errors
/// When the policy can't be read or isn't one; when `explain` finds a parameter denied.
pub fn run(command: &PolicyCommand) -> Result<()> {
    match command {
        PolicyCommand::Check(args) => check(args),
        PolicyCommand::Show(args) => show(args),
        PolicyCommand::Explain(args) => explain(args),
        PolicyCommand::Diff(args) => diff(args),
    }
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

#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct Shown {
    /// What people call it; may be empty.
    name: String,
    /// SHA-256 of its compact form.
    sha256: String,
    /// The preset that it is, byte for byte.
    preset: Option<&'static str>,
    /// Its TOML as JSON (docs/policy.md).
    policy: serde_json::Value,
}

fn show(args: &PolicyShowArgs) -> Result<()> {
    let bytes = compact_of(&args.policy)?;
    let policy = parts(&bytes, &args.policy)?;
    let wrong = |why: TomlError| bad_policy(&args.policy, &why);
    if args.json {
        json::print(&Shown {
            name: policy.name.clone(),
            sha256: digest(&bytes),
            preset: preset::name_of(&parse(&bytes, &args.policy)?),
            policy: canonical::json(&policy).map_err(wrong)?,
        });
        return Ok(());
    }
    text::print(&canonical::write(&policy).map_err(wrong)?);
    Ok(())
}

/// The longest command line that a gate takes, with the zero that ends it: `cmdline_size` in its setup header.
const GATE_TAKES: usize = 4096;

fn explain(args: &PolicyExplainArgs) -> Result<()> {
    let bytes = compact_of(&args.policy)?;
    let compact = parse(&bytes, &args.policy)?;
    let Some(line) = &args.cmdline else {
        let policy = parts(&bytes, &args.policy)?;
        let names = names(&args.cert, &[&args.policy])?;
        text::print(&explained(&policy, &bytes, &names));
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
    let verdict = command_line::accept(line, SignatureKind::Unsigned, rules);
    let mut page = Page::default();
    if let Err(reason @ Reason::NotAccepted(_)) = &verdict {
        page.field("denied", format!("the line as a whole: {reason}"));
    }
    for it in explain::decisions(line, rules) {
        let verdict = Word::<Action>(it.action).described();
        page.field(verdict, format!("{}: {}", it.parameter, it.why));
    }
    text::print(page.text());
    verdict.map_err(denial)
}

/// As the gate would refuse; it has been reported already.
fn denial(reason: Reason) -> Failure {
    Failure::from(Refusal::new(Component::CommandLine, reason)).reported()
}

/// What keys are called by these certificates, and by those in the files that are gates.
fn names(certificates: &[PathBuf], policies: &[&Path]) -> Result<Names> {
    let mut names = Names::of_files(certificates)?;
    for policy in policies {
        if preset_text(policy).is_none() {
            names.add_gate(&read_file(policy)?);
        }
    }
    Ok(names)
}

fn explained(policy: &Policy, bytes: &[u8], names: &Names) -> String {
    let name = match policy.name.as_str() {
        "" => "policy without a name".to_owned(),
        name => format!("policy \"{name}\""),
    };
    let digest = digest(bytes);
    format!(
        "{name}, SHA-256 {digest}\n\n{}",
        table::tables(policy, names)
    )
}

fn diff(args: &PolicyDiffArgs) -> Result<()> {
    let read = |path: &Path| parts(&compact_of(path)?, path);
    let (old, new) = (read(&args.old)?, read(&args.new)?);
    let names = names(&args.cert, &[&args.old, &args.new])?;
    let found = difference(&old, &new, &names);
    if args.json {
        json::print(&found);
    } else if found.same {
        say!("no difference");
    } else {
        text::print(&found.text());
    }
    Ok(())
}
