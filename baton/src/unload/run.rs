//! Forgetting the loaded kernel.

use super::args::UnloadArgs;
use crate::boot_count::record::RECORD;
use crate::failure::Result;
use crate::failure::problem::Problem;
use crate::output::json;
use baton_sys::kexec_state::KexecState;
use baton_sys::{Root, crash_keys, kexec};
use serde::Serialize;

#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct Unloaded {
    /// Something was loaded before.
    unloaded: bool,
    /// It was what is loaded for a panic.
    crash: bool,
}

/// Forgets the loaded kernel; that nothing is loaded is fine.
///
/// # Errors
/// When the kernel refuses.
pub fn run(args: &UnloadArgs, crash: bool) -> Result<()> {
    let was_loaded = unload(crash)?;
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

/// The same without a word; tells whether something was loaded.
///
/// # Errors
/// When the kernel refuses.
pub fn unload(crash: bool) -> Result<bool> {
    let before = KexecState::read(&Root::system())?;
    kexec::unload(crash)?;
    if crash {
        forget_keys()?;
    } else {
        RECORD.forget(&Root::system())?;
    }
    Ok(before.is_some_and(|s| if crash { s.crash_loaded } else { s.loaded }))
}

/// What is loaded next is given no keys of encrypted volumes that were named for what was loaded.
fn forget_keys() -> Result<()> {
    let forgotten = crash_keys::forget(&Root::system());
    Ok(forgotten.map_err(|error| Problem::Keys {
        why: error.to_string(),
    })?)
}
