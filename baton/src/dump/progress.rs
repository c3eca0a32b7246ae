//! How far a dump is, on a terminal.

use baton_kdump::write::{Observer, Phase};
use std::io::{IsTerminal, Write};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// So often a person can read it.
const INTERVAL: Duration = Duration::from_millis(100);

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

    /// Wipes the bar away.
    pub(super) fn end(&self) {
        if self.drawn().take().is_some() {
            let _ = write!(std::io::stderr(), "\r\x1b[K");
        }
    }

    fn drawn(&self) -> std::sync::MutexGuard<'_, Option<Instant>> {
        self.drawn.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Observer for Bar {
    fn progress(&self, phase: Phase, done: u64, total: u64) {
        if !self.terminal {
            return;
        }
        let mut drawn = self.drawn();
        if drawn.is_some_and(|then| then.elapsed() < INTERVAL) {
            return;
        }
        *drawn = Some(Instant::now());
        let _ = write!(std::io::stderr(), "\r\x1b[K{}", line(phase, done, total));
    }
}

fn line(phase: Phase, done: u64, total: u64) -> String {
    const WIDTH: u64 = 40;
    let what = match phase {
        Phase::Headers => "headers",
        Phase::Choosing => "choosing pages",
        Phase::Log => "kernel log",
        Phase::Stacks => "stacks",
        Phase::Pages => "writing pages",
        Phase::End => "ending",
    };
    let total = total.max(1);
    let done = done.min(total);
    let filled = usize::try_from(done * WIDTH / total).unwrap_or(0);
    format!(
        "{what:<14} [{:<40}] {:3} %",
        "#".repeat(filled),
        done * 100 / total
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bar_grows_with_what_is_done() {
        let half = line(Phase::Pages, 50, 100);
        assert!(half.contains(&format!("[{}{}]  50 %", "#".repeat(20), " ".repeat(20))));
        assert!(line(Phase::Pages, 100, 100).ends_with("100 %"));
        assert!(line(Phase::End, 7, 0).ends_with("100 %"));
    }
}
