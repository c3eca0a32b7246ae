//! The terminal that standard output goes to.

use std::io::IsTerminal;

/// How many columns it has; `None` where standard output is no terminal, or one that doesn't say.
#[must_use]
pub fn columns() -> Option<usize> {
    let size = rustix::termios::tcgetwinsize(std::io::stdout()).ok()?;
    Some(usize::from(size.ws_col)).filter(|columns| *columns > 0)
}

/// Whether standard output is a terminal.
#[must_use]
pub fn is_output() -> bool {
    std::io::stdout().is_terminal()
}
