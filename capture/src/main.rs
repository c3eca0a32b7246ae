//! The init program of a capture kernel.

// These panic where nothing can be written.
#![deny(clippy::print_stdout, clippy::print_stderr)]

use baton_capture::config;
use baton_capture::crash::{Crash, CrashError, Live};
use baton_capture::deadline::{End, GRACE};
use baton_capture::linux::{Linux, VmcoreSource};
use baton_capture::run;
use baton_capture::system::System;
use std::io::Write;
use std::path::Path;
use std::sync::Arc;

fn main() {
    if std::process::id() != 1 {
        let _ = std::io::stderr().write_all(
            b"baton-capture: this program captures a crash and then reboots, and runs only as the first \
            program of a capture kernel; `baton crash load` sets it up\n",
        );
        std::process::exit(2);
    }
    let system: Arc<dyn System> = Arc::new(Linux::set_up());
    let end = End::new(Arc::clone(&system));
    if let Err(error) = end.insist(GRACE) {
        system.say(&format!(
            "the reset after a hanging final action can't be set up: {error}"
        ));
    }
    end_with_panics(&end);
    let config = std::fs::read_to_string(config::PATH);
    let config =
        config.map_err(|e| std::io::Error::new(e.kind(), format!("{}: {e}", config::PATH)));
    run::capture(&system, &end, config, &|dump| {
        let source = VmcoreSource::open(Path::new(baton_sys::vmcore::PATH));
        let source = source.map_err(|error| CrashError::None(baton_sys::vmcore::PATH, error))?;
        Ok(Box::new(Live::open(Arc::new(source), dump)?) as Box<dyn Crash>)
    });
}

/// Makes a panic of this program end in the final action, so that the machine doesn't stay down.
fn end_with_panics(end: &Arc<End>) {
    let end = Arc::clone(end);
    std::panic::set_hook(Box::new(move |panic| {
        end.take(&panic.to_string());
        // Another thread is taking the action. If this program ended meanwhile, the kernel would panic.
        loop {
            std::thread::park();
        }
    }));
}
