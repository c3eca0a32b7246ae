//! Starting the loaded kernel.

use super::args::ExecArgs;
use crate::failure::Result;
use crate::failure::exec::ExecError;
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
    let state = KexecState::read(&root)?;
    if !state.is_some_and(|s| s.loaded) {
        return Err(ExecError::NothingLoaded.into());
    }
    power::sync();
    if args.now {
        return Err(at_once().into());
    }
    ask_init(Init::detect(&root), args.json)
}

/// Starts what is loaded, asking nobody and writing nothing to the disks. Returns only on failure.
#[must_use]
pub fn at_once() -> ExecError {
    ExecError::Reboot(power::reboot_into_loaded())
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
