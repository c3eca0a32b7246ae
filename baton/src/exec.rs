//! `baton exec` and `baton unload`.

use crate::cli::{ExecArgs, UnloadArgs};
use crate::crash::record;
use crate::exit::Exit;
use crate::failure::{Failure, Result};
use crate::output::json;
use baton_sys::init::{self, Init};
use baton_sys::kexec_state::KexecState;
use baton_sys::{Root, kexec, power};
use serde::Serialize;

/// Starts the loaded kernel: through the init system, or at once.
///
/// # Errors
/// When nothing is loaded, or there is no orderly way, or the kernel refuses. With `--now` it returns
/// only then.
pub fn exec(args: &ExecArgs) -> Result<()> {
    let root = Root::system();
    let state = KexecState::read(&root).map_err(|e| Failure::system(&e))?;
    if !state.is_some_and(|s| s.loaded) {
        return Err(Failure::new(
            Exit::NothingLoaded,
            "nothing-loaded",
            "nothing is loaded; load a kernel first (`baton load`)",
        ));
    }
    power::sync();
    if args.now {
        let error = power::reboot_into_loaded();
        return Err(Failure::new(
            Exit::Kernel,
            "reboot",
            format!("the kernel refused to start what is loaded: {error}; run as root"),
        ));
    }
    ask_init(Init::detect(&root), args.json)
}

fn ask_init(init: Init, json: bool) -> Result<()> {
    let Some(command) = init.orderly_command() else {
        return Err(Failure::new(
            Exit::Unsupported,
            "no-orderly-way",
            "no orderly way: the init system here isn't known to shut down into a loaded kernel; stop services yourself and use --now",
        ));
    };
    let text = command.join(" ");
    if !json {
        say!("asking for an orderly shutdown into the loaded kernel: {text}");
    }
    let failed =
        |why: String| Failure::new(Exit::Failed, "init", format!("{text}: {why}; or use --now"));
    let status = init::run(command).map_err(|e| failed(e.to_string()))?;
    if status.success() {
        Ok(())
    } else {
        Err(failed(format!("failed ({status})")))
    }
}

#[derive(Serialize)]
struct Unloaded {
    unloaded: bool,
    crash: bool,
}

/// Forgets the loaded kernel; that nothing is loaded is fine.
///
/// # Errors
/// When the kernel refuses.
pub fn unload(args: &UnloadArgs, crash: bool) -> Result<()> {
    let before = KexecState::read(&Root::system()).map_err(|e| Failure::system(&e))?;
    let was_loaded = before.is_some_and(|s| if crash { s.crash_loaded } else { s.loaded });
    kexec::unload(crash)?;
    if crash {
        record::forget(&Root::system())?;
    }
    if args.json {
        json::print(&Unloaded {
            unloaded: was_loaded,
            crash,
        });
    } else if was_loaded {
        say!("unloaded");
    } else {
        say!("nothing was loaded");
    }
    Ok(())
}
