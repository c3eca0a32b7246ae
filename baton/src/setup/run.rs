//! `baton setup`: the plan shown, asked about once, and carried out.

use super::args::SetupArgs;
use super::plan::{self, Plan, Step, Wanted};
use super::reserve::is_size;
use super::situation;
use super::step::Work;
use crate::failure::Result;
use crate::failure::setup::SetupError;
use crate::keys::password::{self, Confirmation};
use crate::machine::saved_state;
use crate::output::json;
use crate::readiness::facts::{Facts, Sources};
use serde::Serialize;
use std::io::{self, BufRead, IsTerminal};

/// The object that `--json` prints.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct Report<'p> {
    /// Nothing is left to do.
    complete: bool,
    /// Nothing was done.
    dry_run: bool,
    /// What was as it should be.
    done: &'p [String],
    /// What there was to do.
    steps: Vec<StepReport>,
    /// What a person has to do, in this order.
    waits: &'p [String],
    /// What a person should know.
    notes: &'p [String],
}

#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct StepReport {
    /// Which step (docs/setup.md).
    step: &'static str,
    /// What it does, in words for people.
    text: String,
    /// The command that does it by itself.
    command: String,
    /// What there is to say once it is carried out.
    said: Vec<String>,
}

/// Plans, asks, and does it.
///
/// # Errors
/// When something can't be read or done, or nobody can be asked.
pub fn run(args: &SetupArgs) -> Result<()> {
    if let Some(size) = args.crashkernel.as_ref().filter(|it| !is_size(it)) {
        let given = size.clone();
        return Err(SetupError::Size { given }.into());
    }
    if args.json && !args.yes && !args.dry_run {
        return Err(SetupError::NobodyToAsk.into());
    }
    let root = saved_state::described(args.root.as_deref())?;
    let sources = Sources {
        gate: None,
        capture: args.sources.clone(),
    };
    let facts = Facts::read(&root, args.root.as_deref(), &sources)?;
    let situation = situation::of(&facts, args.cert.as_deref())?;
    let plan = plan::make(&situation, &wanted(args));
    let mut work = Work {
        args,
        root: &root,
        facts: &facts,
        confirmation: None,
    };
    let commands = plan.steps.iter().map(|step| work.command(step));
    let commands: Vec<String> = commands.collect::<Result<_>>()?;
    if !args.json {
        show(&plan, &commands);
    }
    let mut said = vec![Vec::new(); plan.steps.len()];
    if !args.dry_run && !plan.steps.is_empty() {
        let confirmation = may_go_on(args, &plan)?;
        work.confirmation = confirmation.as_ref();
        for (step, said) in plan.steps.iter().zip(&mut said) {
            *said = work.carry_out(step)?;
            if !args.json {
                said.iter().for_each(|line| say!("{line}"));
            }
        }
        if !args.json {
            end(&plan);
        }
    }
    if args.json {
        print(&plan, commands, args.dry_run, said);
    }
    Ok(())
}

fn wanted(args: &SetupArgs) -> Wanted {
    Wanted {
        crashkernel: args.crashkernel.clone(),
        rebuild: args.rebuild,
        no_load: args.no_load,
        no_units: args.no_units,
    }
}

/// Asks once; before anything is done, so is what a step would ask later and nobody could answer: how an enrollment is
/// confirmed.
fn may_go_on(args: &SetupArgs, plan: &Plan) -> Result<Option<Confirmation>> {
    let enrolls = plan.steps.contains(&Step::Enroll);
    let confirmation = enrolls.then(|| password::confirmation(&args.password));
    let confirmation = confirmation.transpose()?;
    if args.yes {
        return Ok(confirmation);
    }
    if !io::stdin().is_terminal() {
        return Err(SetupError::NobodyToAsk.into());
    }
    tell!("Go on? [y/N]");
    let mut answer = String::new();
    let read = io::stdin().lock().read_line(&mut answer);
    let is_yes = read.is_ok() && matches!(answer.trim(), "y" | "Y" | "yes");
    if is_yes {
        Ok(confirmation)
    } else {
        Err(SetupError::Declined.into())
    }
}

fn show(plan: &Plan, commands: &[String]) {
    for done in &plan.done {
        say!("done   {done}");
    }
    for (step, command) in plan.steps.iter().zip(commands) {
        say!("do     {}", step.words());
        say!("         {command}");
    }
    if plan.steps.is_empty() {
        end(plan);
    } else {
        for wait in &plan.waits {
            say!("then   {wait}");
        }
    }
    for note in &plan.notes {
        say!("note   {note}");
    }
}

/// What is left to do.
fn end(plan: &Plan) {
    for wait in &plan.waits {
        say!("left   {wait}");
    }
    if plan.is_complete() {
        say!("nothing to do");
    }
}

fn print(plan: &Plan, commands: Vec<String>, dry_run: bool, said: Vec<Vec<String>>) {
    let steps = plan.steps.iter().zip(commands).zip(said);
    json::print(&Report {
        complete: plan.waits.is_empty() && (plan.steps.is_empty() || !dry_run),
        dry_run,
        done: &plan.done,
        steps: steps
            .map(|((step, command), said)| StepReport {
                step: step.word(),
                text: step.words(),
                command,
                said,
            })
            .collect(),
        waits: &plan.waits,
        notes: &plan.notes,
    });
}
