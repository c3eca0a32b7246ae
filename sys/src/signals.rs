//! The signals that end a program, and what is done before they do.

use signal_hook::consts::{SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGXCPU, SIGXFSZ};
use signal_hook::iterator::Signals;
use signal_hook::low_level::emulate_default_handler;
use std::ffi::c_int;
use std::io;

/// What a terminal, `kill`, a connection that is lost and a limit on time send; and what a limit on a file's length
/// does (setrlimit(2)), which ends nothing here: where it is handled, write(2) fails with EFBIG, which is told.
const ENDING: [c_int; 6] = [SIGINT, SIGQUIT, SIGTERM, SIGHUP, SIGXCPU, SIGXFSZ];

/// Has `clean` called when one of these signals comes, and then ends the process by it, so that whoever
/// waits for it sees the signal. One that was ignored when the program began stays so, as below `nohup`.
///
/// # Errors
/// When there can't be more threads or descriptors.
pub fn before_end(clean: impl FnOnce() + Send + 'static) -> io::Result<()> {
    let heeded = ENDING.into_iter().filter(|signal| !is_ignored(*signal));
    let mut signals = Signals::new(heeded)?;
    let wait = move || {
        if let Some(signal) = signals.forever().find(|signal| *signal != SIGXFSZ) {
            clean();
            let _ = emulate_default_handler(signal);
        }
    };
    let thread = std::thread::Builder::new().name("signals".into());
    thread.spawn(wait).map(drop)
}

fn is_ignored(signal: c_int) -> bool {
    let mut action = std::mem::MaybeUninit::<libc::sigaction>::zeroed();
    // SAFETY: without a new action sigaction(2) only writes the present one to where it is told.
    let result = unsafe { libc::sigaction(signal, std::ptr::null(), action.as_mut_ptr()) };
    // SAFETY: all zeros are a valid value, and the call wrote another one or nothing.
    let action = unsafe { action.assume_init() };
    result == 0 && action.sa_sigaction == libc::SIG_IGN
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_ignored_is_told_apart() {
        // Rust's runtime ignores SIGPIPE before main.
        assert!(is_ignored(libc::SIGPIPE));
        assert!(!is_ignored(libc::SIGUSR1));
    }
}
