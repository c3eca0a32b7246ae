//! Counts, and shows the count.

use super::args::{BootCountCommand, BootCountOptions, ResetArgs};
use super::record::{COUNT, RECORD, Record};
use super::state::{Attempt, Counted, MAX_ATTEMPTS, Outcome};
use crate::calendar;
use crate::failure::Result;
use crate::failure::boot_count::BootCountError;
use crate::machine::{running_kernel, saved_state};
use crate::output::json;
use crate::timing::note;
use baton_sys::kexec_state::KexecState;
use baton_sys::{Root, init};
use serde::Serialize;

/// Carries out the command.
///
/// # Errors
/// When something can't be read or written, or there is no such kernel.
pub fn run(command: &BootCountCommand) -> Result<()> {
    match command {
        BootCountCommand::Show(options) => show(options),
        BootCountCommand::Reset(args) => reset(args),
        BootCountCommand::Attempt(options) => attempt(options),
        BootCountCommand::Good(options) => good(options),
    }
}

#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct Done {
    /// What was done, in words for people.
    done: String,
}

/// What was done, in words for people, and as an object for programs.
fn report(options: &BootCountOptions, done: String) {
    if options.json {
        json::print(&Done { done });
    } else {
        say!("{done}");
    }
}

fn show(options: &BootCountOptions) -> Result<()> {
    let root = saved_state::described(options.root.as_deref())?;
    let state = COUNT.read(&root)?.unwrap_or_default();
    if options.json {
        json::print(&state);
        return Ok(());
    }
    if state.kernels.is_empty() {
        say!("no kernel was started without coming up");
    }
    for (digest, kernel) in &state.kernels {
        let given_up = if kernel.is_given_up() {
            ", not loaded any more"
        } else {
            ""
        };
        say!("{}: {}{given_up}", kernel.name, times(kernel.attempts));
        say!("  digest {digest}");
    }
    Ok(())
}

fn times(attempts: u32) -> String {
    let times = if attempts == 1 { "time" } else { "times" };
    format!("started {attempts} {times} without coming up")
}

fn reset(args: &ResetArgs) -> Result<()> {
    let root = saved_state::described(args.options.root.as_deref())?;
    let mut state = COUNT.read(&root)?.unwrap_or_default();
    let names = state.reset(args.kernel.as_deref());
    match &args.kernel {
        Some(name) if names.is_empty() => {
            return Err(BootCountError::NoSuchKernel {
                name: name.clone(),
                known: state.kernels.values().map(|it| it.name.clone()).collect(),
            }
            .into());
        }
        _ => {}
    }
    COUNT.write(&root, &state)?;
    let done = match &names[..] {
        [] => "nothing was counted".to_owned(),
        names => format!("forgotten: {}", names.join(", ")),
    };
    report(&args.options, done);
    Ok(())
}

/// Called where a shutdown begins: it counts only if that ends in what is loaded.
fn attempt(options: &BootCountOptions) -> Result<()> {
    let root = saved_state::described(options.root.as_deref())?;
    if root.is_system() && !init::is_ending_in_kexec().unwrap_or(false) {
        let done = "not counted: the shutdown doesn't end in what is loaded";
        report(options, done.to_owned());
        return Ok(());
    }
    note_that(note::asked(&root));
    let done = match count(&root)? {
        None => "not counted: Baton loaded nothing".to_owned(),
        Some((name, Counted::Attempts(attempts))) => {
            format!("{name}: attempt {attempts} of {MAX_ATTEMPTS}, unless it comes up")
        }
        Some((name, Counted::Already)) => format!("{name}: counted already"),
        Some((name, Counted::NotWatched)) => format!(
            "{name}: not counted, because baton-boot-count.service didn't see this boot come up"
        ),
    };
    report(options, done);
    Ok(())
}

/// What can't be noted or forgotten stops nothing.
fn note_that(noted: Result<()>) {
    if let Err(failure) = noted {
        tell!("baton: {failure}");
    }
}

fn forget_choice(root: &Root, record: &Record) -> Result<()> {
    let Some(once) = &record.once else {
        return Ok(());
    };
    once.forget(root).map_err(|failure| {
        failure.remarked(format!("the next boot takes the same choice again: {once}"))
    })
}

/// As in [`count`], where nothing is counted because another does that or nobody would.
///
/// # Errors
/// When the record can't be read, or the choice not be removed.
pub fn forget_choice_of_loaded(root: &Root) -> Result<()> {
    match RECORD.read(root)? {
        Some(record) => forget_choice(root, &record),
        None => Ok(()),
    }
}

/// Counts that what Baton loaded is about to be started; `None` if it loaded nothing. If it was loaded because of a choice
/// for the next boot only, that is forgotten, as the boot loader would forget it.
///
/// # Errors
/// When the count can't be read or kept.
pub fn count(root: &Root) -> Result<Option<(String, Counted)>> {
    let is_loaded = KexecState::read(root)?.is_some_and(|it| it.loaded);
    let Some(record) = RECORD.read(root)?.filter(|_| is_loaded) else {
        return Ok(None);
    };
    note_that(forget_choice(root, &record));
    let mut state = COUNT.read(root)?.unwrap_or_default();
    let before = state.clone();
    let name = record.name();
    let attempt = Attempt {
        digest: record.digest,
        judged: record.judged,
        is_through_gate: record.is_through_gate,
        release: record.release,
        boot: running_kernel::read(root)?.boot,
    };
    let counted = state.attempt(&name, attempt, calendar::now());
    if state != before {
        COUNT.write(root, &state)?;
    }
    Ok(Some((name, counted)))
}

fn good(options: &BootCountOptions) -> Result<()> {
    let root = saved_state::described(options.root.as_deref())?;
    // What can't be read counts for nothing, and is replaced: otherwise nothing would ever be counted again.
    let state = COUNT.read(&root).unwrap_or_else(|failure| {
        tell!("baton: {failure}");
        None
    });
    let mut state = state.unwrap_or_default();
    note_that(note::came_up(&root));
    let done = match state.good(&running_kernel::read(&root)?) {
        Outcome::None => "this boot came up".to_owned(),
        Outcome::CameUp(name) => format!("{name} came up"),
        Outcome::NotStarted(name) => format!("{name} wasn't started; its attempt doesn't count"),
        Outcome::Failed(name, attempts) => format!("{name}: {}", times(attempts)),
    };
    COUNT.write(&root, &state)?;
    report(options, done);
    Ok(())
}
