//! `baton exec` and `baton unload`.

use crate::cli::{ExecArgs, UnloadArgs};
use crate::crash::record;
use crate::failure::Result;
use crate::failure::exec::ExecError;
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
    let state = KexecState::read(&root)?;
    if !state.is_some_and(|s| s.loaded) {
        return Err(ExecError::NothingLoaded.into());
    }
    power::sync();
    if args.now {
        return Err(ExecError::Reboot(power::reboot_into_loaded()).into());
    }
    ask_init(Init::detect(&root), args.json)
}

fn ask_init(init: Init, json: bool) -> Result<()> {
    let Some(command) = init.orderly_command() else {
        return Err(ExecError::NoOrderlyWay.into());
    };
    let text = command.join(" ");
    if !json {
        say!("asking for an orderly shutdown into the loaded kernel: {text}");
    }
    let why = match init::run(command) {
        Ok(status) if status.success() => return Ok(()),
        Ok(status) => format!("failed ({status})"),
        Err(error) => error.to_string(),
    };
    let command = text;
    Err(ExecError::Init { command, why }.into())
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
    let before = KexecState::read(&Root::system())?;
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
