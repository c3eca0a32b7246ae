//! Progress on a terminal.

use std::io::{IsTerminal, Write};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// The shortest time between two updates.
const INTERVAL: Duration = Duration::from_millis(100);
/// The width of the bar in characters.
const WIDTH: u64 = 40;

/// Draws a bar on standard error, if that is a terminal.
pub(super) struct Bar {
    terminal: bool,
    drawn: Mutex<Option<Instant>>,
}

impl Bar {
    pub(super) fn new() -> Bar {
        Bar {
            terminal: std::io::stderr().is_terminal(),
            drawn: Mutex::new(None),
        }
    }

    /// Shows that `done` of `total` is done, unless the last update was a moment ago.
    pub(super) fn show(&self, what: &str, done: u64, total: u64) {
        if !self.terminal {
            return;
        }
        let mut drawn = self.drawn();
        if drawn.is_some_and(|then| then.elapsed() < INTERVAL) {
            return;
        }
        *drawn = Some(Instant::now());
        let _ = write!(std::io::stderr(), "\r\x1b[K{}", line(what, done, total));
    }

    /// Erases the bar.
    pub(super) fn end(&self) {
        if self.drawn().take().is_some() {
            let _ = write!(std::io::stderr(), "\r\x1b[K");
        }
    }

    fn drawn(&self) -> MutexGuard<'_, Option<Instant>> {
        self.drawn.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn line(what: &str, done: u64, total: u64) -> String {
    let total = total.max(1);
    let done = done.min(total);
    let part = |of: u128| u128::from(done) * of / u128::from(total);
    let filled = usize::try_from(part(WIDTH.into())).unwrap_or(0);
    format!("{what:<14} [{:<40}] {:3} %", "#".repeat(filled), part(100))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bar_grows_with_what_is_done() {
        let half = line("reading", 50, 100);
        let bar = format!("[{}{}]  50 %", "#".repeat(20), " ".repeat(20));
        assert!(half.ends_with(&bar), "{half}");
        assert!(line("reading", u64::MAX, u64::MAX).ends_with("100 %"));
        assert!(line("reading", 7, 0).ends_with("100 %"));
    }
}
