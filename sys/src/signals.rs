//! Cleaning up before a signal ends the program.

use signal_hook::consts::{SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGXCPU, SIGXFSZ};
use signal_hook::iterator::Signals;
use signal_hook::low_level::emulate_default_handler;
use std::ffi::c_int;
use std::io;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// The signals sent by a terminal, by `kill`, on a lost connection and on exceeding a CPU time limit. SIGXFSZ, sent on
/// exceeding a file size limit (setrlimit(2)), is handled so that it doesn't end the program: write(2) then fails with
/// EFBIG, which is reported.
const HANDLED: [c_int; 6] = [SIGINT, SIGQUIT, SIGTERM, SIGHUP, SIGXCPU, SIGXFSZ];

/// What is to be done before a signal ends the program.
static CLEANERS: Mutex<Vec<(u64, Clean)>> = Mutex::new(Vec::new());

type Clean = Box<dyn FnMut() + Send>;

/// As long as this is there, something is done before a signal ends the program.
#[derive(Debug)]
#[must_use]
pub struct BeforeEnd(u64);

/// Has `clean` called when one of these signals arrives. Then the process ends by the same signal, so that the parent
/// sees it. Signals that were ignored when the program started stay ignored, as under `nohup`.
///
/// # Errors
/// When no thread or descriptor can be created.
pub fn before_end(clean: impl FnMut() + Send + 'static) -> io::Result<BeforeEnd> {
    static NEXT: Mutex<Option<u64>> = Mutex::new(None);
    let mut next = NEXT.lock().unwrap_or_else(PoisonError::into_inner);
    let number = match *next {
        Some(number) => number,
        None => {
            wait()?;
            0
        }
    };
    *next = Some(number + 1);
    cleaners().push((number, Box::new(clean)));
    Ok(BeforeEnd(number))
}

impl Drop for BeforeEnd {
    fn drop(&mut self) {
        cleaners().retain(|(number, _)| *number != self.0);
    }
}

fn cleaners() -> MutexGuard<'static, Vec<(u64, Clean)>> {
    CLEANERS.lock().unwrap_or_else(PoisonError::into_inner)
}

/// One thread for all, since the first that is done ends the process.
fn wait() -> io::Result<()> {
    let handled = HANDLED.into_iter().filter(|signal| !is_ignored(*signal));
    let mut signals = Signals::new(handled)?;
    let wait = move || {
        if let Some(signal) = signals.forever().find(|signal| *signal != SIGXFSZ) {
            cleaners().iter_mut().rev().for_each(|(_, clean)| clean());
            let _ = emulate_default_handler(signal);
        }
    };
    let thread = std::thread::Builder::new().name("signals".into());
    thread.spawn(wait).map(drop)
}

fn is_ignored(signal: c_int) -> bool {
    let mut action = std::mem::MaybeUninit::<libc::sigaction>::zeroed();
    // SAFETY: without a new action sigaction(2) only writes the current one to the given address.
    let result = unsafe { libc::sigaction(signal, std::ptr::null(), action.as_mut_ptr()) };
    // SAFETY: all zeros are a valid value, and the call wrote another one or nothing.
    let action = unsafe { action.assume_init() };
    result == 0 && action.sa_sigaction == libc::SIG_IGN
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ignored_signals_are_recognised() {
        // Rust's runtime ignores SIGPIPE before main.
        assert!(is_ignored(libc::SIGPIPE));
        assert!(!is_ignored(libc::SIGUSR1));
    }
}
