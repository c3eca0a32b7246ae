//! Sentences about a run that hold or don't.

use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use baton_guest::event::{Event, Line, Observation};

use super::{End, Run};

/// The guest came to the end of its script, at this stage, and nothing failed.
pub fn done(run: &Run, stage: usize) -> Result<()> {
    nothing_failed(run)?;
    let last = last_word(run)?;
    ensure!(
        last.stage == stage && matches!(last.event, Event::Done),
        "the last word came from stage {}: {:?}",
        last.stage,
        last.event
    );
    switched_off(run)
}

/// The machine was reset (and not switched off) after this stage had said all, and no other stage came.
pub fn reset_after(run: &Run, stage: usize) -> Result<()> {
    left(run, stage)?;
    ensure!(run.end == End::Itself, "the machine wasn't reset");
    Ok(())
}

/// This stage said all, and what came after it spoke as was waited for.
pub fn stopped_after(run: &Run, stage: usize) -> Result<()> {
    left(run, stage)?;
    ensure!(run.end == End::Said, "what was to be said wasn't");
    Ok(())
}

/// Nothing failed, and the last word came from this stage, as it handed over.
fn left(run: &Run, stage: usize) -> Result<()> {
    nothing_failed(run)?;
    let last = last_word(run)?;
    ensure!(
        last.stage == stage,
        "stage {} came up, which must not run",
        last.stage
    );
    ensure!(
        matches!(last.event, Event::Leaving),
        "stage {stage} didn't hand over: {:?}",
        last.event
    );
    Ok(())
}

/// What the guest said last.
fn last_word(run: &Run) -> Result<&Line> {
    let last = run.transcript.events.last();
    Ok(&last.context("the guest said nothing")?.line)
}

/// The machine ended by itself, before its time was over.
pub fn switched_off(run: &Run) -> Result<()> {
    ensure!(
        run.end == End::Itself,
        "the machine didn't switch itself off"
    );
    Ok(())
}

/// No step of a script failed that shouldn't.
pub fn no_step_failed(run: &Run) -> Result<()> {
    for happened in &run.transcript.events {
        if let Event::Failed { reason } = &happened.line.event {
            bail!("stage {}: {reason}", happened.line.stage);
        }
    }
    Ok(())
}

fn nothing_failed(run: &Run) -> Result<()> {
    no_step_failed(run)?;
    ensure!(run.end != End::TimeLimit, "time limit reached");
    Ok(())
}

/// What this stage saw first.
pub fn observed(run: &Run, stage: usize) -> Result<&Observation> {
    run.transcript
        .stage(stage)
        .find_map(|event| match event {
            Event::Observed(seen) => Some(&**seen),
            _ => None,
        })
        .with_context(|| format!("stage {stage} observed nothing"))
}

/// What a program said in this stage; `word` is one of its arguments.
pub fn said<'a>(run: &'a Run, stage: usize, word: &str) -> Result<&'a str> {
    run.transcript
        .stage(stage)
        .find_map(|event| match event {
            Event::Ran { argv, output, .. } if argv.iter().any(|a| a == word) => {
                Some(output.as_str())
            }
            _ => None,
        })
        .with_context(|| format!("no program ran with {word} in stage {stage}"))
}

/// A line on the console holds this.
pub fn console_says(run: &Run, text: &str) -> Result<()> {
    ensure!(
        run.transcript.says(text),
        "the console doesn't say \"{text}\""
    );
    Ok(())
}

/// Everything that a kexec must keep is kept between these stages.
pub fn kept(run: &Run, before: usize, after: usize) -> Result<()> {
    let (old, new) = (observed(run, before)?, observed(run, after)?);
    ensure!(
        old.keys_complete && new.keys_complete,
        "the keyrings couldn't be read"
    );
    same("lockdown", &old.lockdown, &new.lockdown)?;
    same("EFI", &old.efi, &new.efi)?;
    same(
        "the variable SecureBoot",
        &old.secure_boot,
        &new.secure_boot,
    )?;
    same(
        "the number of EFI variables",
        &old.efi_variables,
        &new.efi_variables,
    )?;
    same("5-level paging", &old.five_level, &new.five_level)?;
    same_processors_and_tables(run, before, after)?;
    same_keys(old, new)
}

/// What ACPI tells is there again.
pub fn same_processors_and_tables(run: &Run, before: usize, after: usize) -> Result<()> {
    let (old, new) = (observed(run, before)?, observed(run, after)?);
    same("ACPI tables", &old.acpi_tables, &new.acpi_tables)?;
    same("processors", &old.cpus, &new.cpus)
}

/// Built-in keys are the kernel's own and differ between kernels; those of the firmware and of shim
/// must be there again.
fn same_keys(old: &Observation, new: &Observation) -> Result<()> {
    if old.release == new.release {
        same("trusted keys", &old.keys, &new.keys)?;
        return same("revoked keys", &old.blacklist, &new.blacklist);
    }
    let passed_on = |seen: &Observation| -> Vec<String> {
        let passed = |key: &&String| key.starts_with(".machine ") || key.starts_with(".platform ");
        // Kernels differ in which of the two they put a MOK into.
        let mut ids: Vec<String> = seen
            .keys
            .iter()
            .filter(passed)
            .filter_map(|k| k.rsplit(' ').next())
            .map(String::from)
            .collect();
        ids.sort();
        ids.dedup();
        ids
    };
    same(
        "keys of the firmware and of shim",
        &passed_on(old),
        &passed_on(new),
    )
}

fn same<T: PartialEq + std::fmt::Debug>(what: &str, old: &T, new: &T) -> Result<()> {
    ensure!(old == new, "{what} changed from {old:?} to {new:?}");
    Ok(())
}

/// Locked down by Secure Boot.
pub fn locked_down(run: &Run, stage: usize) -> Result<()> {
    let seen = observed(run, stage)?;
    ensure!(
        seen.lockdown.as_deref() == Some("integrity"),
        "stage {stage}: lockdown is {:?}",
        seen.lockdown
    );
    ensure!(
        seen.secure_boot == Some(true),
        "stage {stage}: SecureBoot is {:?}",
        seen.secure_boot
    );
    Ok(())
}

/// This stage runs the kernel called `label`, with exactly this command line.
pub fn runs(run: &Run, stage: usize, label: &str, cmdline: &str) -> Result<()> {
    kernel(run, stage, label)?;
    same(
        "the command line",
        &cmdline,
        &observed(run, stage)?.cmdline.as_str(),
    )
}

/// This stage runs the kernel called `label`.
pub fn kernel(run: &Run, stage: usize, label: &str) -> Result<()> {
    let seen = observed(run, stage)?;
    ensure!(
        seen.release == label
            || seen
                .release
                .strip_prefix(label)
                .is_some_and(|rest| rest.starts_with('.')),
        "stage {stage} runs {}, not {label}",
        seen.release
    );
    Ok(())
}

/// These initrds arrived, by the files in them, and no others.
pub fn markers(run: &Run, stage: usize, wanted: &[&str]) -> Result<()> {
    let arrived = &observed(run, stage)?.markers;
    ensure!(
        arrived == wanted,
        "stage {stage}: of the initrds with {wanted:?} these arrived: {arrived:?}"
    );
    Ok(())
}

/// What `baton status` shows in this stage of how it came about holds this.
pub fn chain_says(run: &Run, stage: usize, text: &str) -> Result<()> {
    let status = said(run, stage, "status")?;
    ensure!(
        status.contains(text),
        "stage {stage}: baton status doesn't say \"{text}\" but: {status}"
    );
    Ok(())
}

/// From the last word of a stage to the first of the next.
pub fn gap(run: &Run, from: usize) -> Result<Duration> {
    let find = |stage: usize, wanted: &dyn Fn(&Event) -> bool| {
        run.transcript
            .events
            .iter()
            .find(|h| h.line.stage == stage && wanted(&h.line.event))
            .map(|h| h.at)
    };
    let left = find(from, &|e| matches!(e, Event::Leaving)).context("it never left")?;
    let up = find(from + 1, &|e| matches!(e, Event::Up)).context("the next stage never came up")?;
    Ok(up.saturating_sub(left))
}
