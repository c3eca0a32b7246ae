//! Starting the loaded kernel.

use super::args::ExecArgs;
use crate::boot_count::UNIT as BOOT_COUNT;
use crate::entries::place::mount_automounts;
use crate::failure::Result;
use crate::failure::exec::ExecError;
use crate::load::settings::Settings;
use crate::machine::quirks;
use crate::timing::{Timing, note};
use crate::{boot_count, unload};
use baton_sys::init::{self, Init};
use baton_sys::kexec_state::KexecState;
use baton_sys::{Root, power};

/// Starts the loaded kernel: through the init system, or at once.
///
/// # Errors
/// When nothing is loaded, or there is no orderly way, or the kernel refuses. With `--now` it returns
/// only then.
pub fn run(args: &ExecArgs) -> Result<()> {
    let root = Root::system();
    if args.real_reboot {
        return real_reboot(args, &root);
    }
    let state = KexecState::read(&root)?;
    if !state.is_some_and(|s| s.loaded) {
        return Err(ExecError::NothingLoaded.into());
    }
    if !args.ignore_quirks {
        check_quirks(&root)?;
    }
    if args.timings {
        say_timing(&root)?;
    }
    power::sync();
    if let Err(failure) = note::asked(&root) {
        tell!("baton: {failure}");
    }
    let init = Init::detect(&root);
    // Where systemd stops services, baton-boot-count.service counts.
    if args.now || init != Init::Systemd {
        count(&root);
    }
    if args.now {
        return Err(ExecError::Reboot(power::reboot_into_loaded()).into());
    }
    mount_automounts(&root);
    shut_down(
        || init != Init::Systemd || init::is_active(BOOT_COUNT).unwrap_or(false),
        || ask_init(init, args.json),
        || forget_choice(&root),
    )
}

/// Has the shutdown begun, and then the choice for one boot forgotten, unless that is done elsewhere: the unit that counts
/// looks again at what is to be loaded, and so forgets it by itself; where there is no such unit, it was forgotten with
/// the counting. The unit is asked after before: the shutdown only begins here, and a unit that it stops isn't active any
/// more while it still reads the choice.
fn shut_down(
    is_forgotten_elsewhere: impl FnOnce() -> bool,
    ask: impl FnOnce() -> Result<()>,
    forget: impl FnOnce(),
) -> Result<()> {
    let is_forgotten_elsewhere = is_forgotten_elsewhere();
    ask()?;
    if !is_forgotten_elsewhere {
        forget();
    }
    Ok(())
}

/// Forgets the choice for one boot by which the kernel was loaded, now that it is being started.
fn forget_choice(root: &Root) {
    if let Err(failure) = boot_count::run::forget_choice_of_loaded(root) {
        tell!("baton: {failure}");
    }
}

fn check_quirks(root: &Root) -> Result<()> {
    if Settings::read(root, None)?.ignore_quirks {
        return Ok(());
    }
    quirks::check(root)
}

fn say_timing(root: &Root) -> Result<()> {
    let words = match Timing::read(root)? {
        Some(timing) => timing.words(),
        None => "not known: this boot didn't begin with one".to_owned(),
    };
    tell!("last kexec: {words}");
    Ok(())
}

/// Counts that what is loaded is about to be started. That it can't be counted stops nothing.
pub fn count(root: &Root) {
    if let Err(failure) = boot_count::run::count(root) {
        tell!("baton: {failure}");
    }
}

/// Restarts through the firmware: nothing may be loaded then, since a restart would start it.
fn real_reboot(args: &ExecArgs, root: &Root) -> Result<()> {
    if KexecState::read(root)?.is_some_and(|state| state.loaded) {
        unload::run::unload(false)?;
    }
    power::sync();
    if args.now {
        return Err(ExecError::Reboot(power::restart()).into());
    }
    let command = Init::detect(root).reboot_command();
    say_unless(
        args.json,
        "asking for a restart through the firmware",
        command,
    );
    run_orderly(command)
}

fn ask_init(init: Init, json: bool) -> Result<()> {
    let Some(command) = init.orderly_command() else {
        return Err(ExecError::NoOrderlyWay.into());
    };
    say_unless(
        json,
        "asking for an orderly shutdown into the loaded kernel",
        command,
    );
    run_orderly(command)
}

fn say_unless(json: bool, what: &str, command: &[&str]) {
    if !json {
        say!("{what}: {}", command.join(" "));
    }
}

fn run_orderly(command: &[&str]) -> Result<()> {
    let why = match init::run(command) {
        Ok(status) if status.success() => return Ok(()),
        Ok(status) => format!("failed ({status})"),
        Err(error) => error.to_string(),
    };
    let command = command.join(" ");
    Err(ExecError::Init { command, why }.into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::Cell;

    /// Whether the choice is forgotten here, where the unit is this active before a shutdown that begins, or doesn't.
    fn forgets(is_active: bool, begins: bool) -> bool {
        let unit = Cell::new(is_active);
        let is_forgotten = Cell::new(false);
        let ask = || {
            unit.set(false);
            let failed = || ExecError::NoOrderlyWay.into();
            begins.then_some(()).ok_or_else(failed)
        };
        let done = shut_down(|| unit.get(), ask, || is_forgotten.set(true));
        assert_eq!(done.is_ok(), begins);
        is_forgotten.get()
    }

    #[test]
    fn a_choice_stays_for_the_unit_that_reads_it_in_the_shutdown() {
        assert!(!forgets(true, true));
        assert!(forgets(false, true));
        // Where the shutdown doesn't begin, the next boot takes it.
        assert!(!forgets(true, false) && !forgets(false, false));
    }
}
