//! shim's MokManager, which asks at the console whether a key is to be enrolled.

use std::thread;
use std::time::Duration;

use anyhow::{Context, Result};

use super::terminal::Terminal;

/// Down, and Enter.
const SECOND: &str = "\u{1b}[B\r";

/// Its screens up to the password: what is waited for there, what is typed, and what that chooses.
const SCREENS: [(&str, &str, &str); 4] = [
    ("Press any key to perform MOK management", " ", "a key"),
    ("Enroll MOK", SECOND, "Enroll MOK"),
    ("View key 0", SECOND, "Continue"),
    ("Enroll the key(s)?", SECOND, "Yes"),
];

/// It draws a screen first, and looks for keys then: what comes too early can get lost.
const DRAWN: Duration = Duration::from_secs(2);

/// Confirms that a key is enrolled, and reboots. Gives what was chosen.
pub fn enroll(terminal: &mut Terminal, password: &str) -> Result<Vec<&'static str>> {
    for (screen, keys, _) in SCREENS {
        answer(terminal, screen, keys)?;
    }
    answer(terminal, "Password:", &format!("{password}\r"))?;
    answer(terminal, "Reboot", "\r")?;
    let mut chosen: Vec<_> = SCREENS.iter().map(|(_, _, choice)| *choice).collect();
    chosen.extend(["the password", "Reboot"]);
    Ok(chosen)
}

fn answer(terminal: &mut Terminal, screen: &str, keys: &str) -> Result<()> {
    terminal
        .wait_for(&[screen])
        .with_context(|| format!("MokManager's screen \"{screen}\""))?;
    // The first one counts down.
    thread::sleep(DRAWN);
    terminal.type_in(keys)
}
