//! Checks, shows and explains policies.

use super::args::{PolicyCheckArgs, PolicyCommand, PolicyExplainArgs, PolicyShowArgs};
use super::given::{
    bad_policy, compact_of, compile, digest, parse, parts, preset_text, read_file, utf8,
};
use super::model::Policy;
use super::warnings::warnings;
use super::words::Word;
use super::{canonical, explain, preset};
use crate::failure::{Failure, Result};
use crate::input::cmdline;
use crate::output::page::Page;
use crate::output::{json, text};
use baton_formats::policy::Action;
use baton_toml::TomlError;
use baton_verify::{Component, Reason, Refusal, SignatureKind, command_line};
use serde::Serialize;
use std::os::unix::ffi::OsStrExt;

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
struct Shown {
    name: String,
    sha256: String,
    preset: Option<&'static str>,
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

fn explained(policy: &Policy, bytes: &[u8], crash: bool) -> String {
    let name = match policy.name.as_str() {
        "" => "The policy".to_owned(),
        name => format!("The policy \"{name}\""),
    };
    let load_type = match (crash, policy.crash == policy.normal) {
        (_, true) => "for normal and crash loads alike",
        (false, false) => "for a normal load (with --crash: for a crash load)",
        (true, false) => "for a crash load",
    };
    let digest = digest(bytes);
    let mut lines = vec![format!("{name} {load_type}, SHA-256 {digest}:")];
    lines.extend(explain::sentences(policy, crash));
    lines.join("\n") + "\n"
}
