//! Speaks on the serial console.

use std::fs::OpenOptions;
use std::io::Write;

use baton_guest::event::{Event, Line, PREFIX};

/// The console, and the stage that speaks on it.
pub struct Console {
    stage: usize,
}

impl Console {
    /// For this stage.
    pub fn open(stage: usize) -> Console {
        Console { stage }
    }

    /// The stage that speaks.
    pub fn stage(&self) -> usize {
        self.stage
    }

    /// Says a line. Kernel messages may have left the cursor in the middle of one, and a line that
    /// isn't written at once could be cut by them.
    pub fn say(&self, event: Event) {
        let line = Line {
            stage: self.stage,
            uptime_ms: uptime_ms(),
            event,
        };
        let Ok(json) = serde_json::to_string(&line) else {
            return;
        };
        let text = format!("\n{PREFIX}{json}\n");
        // There is nobody to tell where the console itself can't be written.
        if let Ok(mut console) = OpenOptions::new().write(true).open("/dev/console") {
            let _ = console.write_all(text.as_bytes());
        }
    }
}

/// `/proc/uptime` begins with seconds in two decimals.
fn uptime_ms() -> u64 {
    let text = crate::observe::text("/proc/uptime");
    let digits: String = text
        .split_whitespace()
        .next()
        .unwrap_or_default()
        .chars()
        .filter(char::is_ascii_digit)
        .collect();
    digits.parse::<u64>().unwrap_or(0) * 10
}
