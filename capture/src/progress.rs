//! Progress on the console; printed sparingly, because a serial line is slow.

use std::time::Duration;

/// The shortest time between two lines of a phase.
const MIN_INTERVAL: Duration = Duration::from_secs(1);
/// The longest time between two lines of a phase, however little progress there is.
const MAX_INTERVAL: Duration = Duration::from_secs(10);
/// How many percent of progress are worth a line.
const STEP: u64 = 5;

/// Decides when progress is worth a line.
#[derive(Debug, Default)]
pub struct Progress {
    phase: Option<String>,
    said: u64,
    at: Duration,
}

impl Progress {
    /// The line for `done` of `total` at this time, if there should be one.
    pub fn line(&mut self, now: Duration, phase: &str, done: u64, total: u64) -> Option<String> {
        let percent = done.min(total).saturating_mul(100).checked_div(total);
        let percent = percent.unwrap_or(100);
        let waited = now.saturating_sub(self.at);
        let is_new = self.phase.as_deref() != Some(phase);
        let is_far = percent >= self.said + STEP && waited >= MIN_INTERVAL;
        let is_late = waited >= MAX_INTERVAL;
        if !is_new && !is_far && !is_late {
            return None;
        }
        let line = if is_new && percent < STEP {
            phase.to_owned()
        } else {
            format!("{phase}: {percent} %")
        };
        *self = Progress {
            phase: Some(phase.to_owned()),
            said: percent,
            at: now,
        };
        Some(line)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_phase_begins_with_a_line_and_goes_on_in_steps() {
        let mut progress = Progress::default();
        let mut line = |milliseconds, done| {
            progress.line(Duration::from_millis(milliseconds), "pages", done, 1000)
        };
        assert_eq!(line(0, 0).as_deref(), Some("pages"));
        assert_eq!(line(500, 400), None);
        assert_eq!(line(1000, 400).as_deref(), Some("pages: 40 %"));
        assert_eq!(line(3000, 449), None);
        assert_eq!(line(3001, 450).as_deref(), Some("pages: 45 %"));
        assert_eq!(line(13_001, 451).as_deref(), Some("pages: 45 %"));
    }

    #[test]
    fn a_new_phase_is_said_at_once() {
        let mut progress = Progress::default();
        assert!(progress.line(Duration::ZERO, "log", 0, 1).is_some());
        assert!(progress.line(Duration::ZERO, "log", 1, 1).is_none());
        let line = progress.line(Duration::ZERO, "pages", 0, 0);
        assert_eq!(line.as_deref(), Some("pages: 100 %"));
    }
}
