//! The terminal that standard output goes to, and the one that a person sits at.

use crate::signals;
use rustix::termios::{LocalModes, OptionalActions, tcgetattr, tcsetattr};
use std::fs::File;
use std::io::{self, IsTerminal, Read, Write};

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

/// Asks a person for a secret at the terminal that this process belongs to, whatever standard input and output are; what is
/// typed isn't shown.
///
/// # Errors
/// `NotFound` or ENXIO where there is no terminal; `Interrupted` where Ctrl-C or Ctrl-D was typed.
pub fn ask_secret(prompt: &str) -> io::Result<Vec<u8>> {
    let mut terminal = File::options().read(true).write(true).open("/dev/tty")?;
    let before = tcgetattr(&terminal)?;
    let mut silent = before.clone();
    // Not by lines, so that Ctrl-C comes as a byte, and what was typed of the secret is wiped.
    silent.local_modes &= !(LocalModes::ECHO | LocalModes::ICANON | LocalModes::ISIG);
    // Others' signals, as `kill` sends them, must not leave the terminal silent.
    let (other, after) = (terminal.try_clone()?, before.clone());
    let _restored = signals::before_end(move || {
        let _ = tcsetattr(&other, OptionalActions::Flush, &after);
    })?;
    tcsetattr(&terminal, OptionalActions::Flush, &silent)?;
    // Only now: whoever sees the prompt may type.
    let prompted = terminal.write_all(prompt.as_bytes());
    let secret = prompted.and_then(|()| read_secret(&mut terminal));
    tcsetattr(&terminal, OptionalActions::Flush, &before)?;
    terminal.write_all(b"\n")?;
    secret
}

/// The longest secret: room for it is there from the start, as what grows leaves copies behind.
const MAX_SECRET: usize = 1024;

/// Reads up to the end of a line, as a terminal would.
fn read_secret(from: &mut impl Read) -> io::Result<Vec<u8>> {
    let mut secret = Vec::with_capacity(MAX_SECRET);
    loop {
        let mut byte = [0];
        from.read_exact(&mut byte)?;
        match byte[0] {
            b'\n' | b'\r' => return Ok(secret),
            // Ctrl-C, Ctrl-D
            3 | 4 => {
                secret.fill(0);
                return Err(io::ErrorKind::Interrupted.into());
            }
            // Backspace and delete, Ctrl-U
            8 | 127 => drop(secret.pop()),
            21 => secret.clear(),
            other if secret.len() < MAX_SECRET => secret.push(other),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_typed_with_mistakes() {
        for (typed, expected) in [
            (&b"abc\n"[..], Some(&b"abc"[..])),
            (b"abx\x7fc\r", Some(b"abc")),
            (b"wrong\x15abc\n", Some(b"abc")),
            (b"\x08\n", Some(b"")),
            (b"abc\x03", None),
            (b"abc", None),
        ] {
            let read = read_secret(&mut &typed[..]).ok();
            assert_eq!(read.as_deref(), expected, "{typed:?}");
        }
        let long = [&[b'x'; 2 * MAX_SECRET][..], b"\n"].concat();
        assert_eq!(read_secret(&mut &long[..]).unwrap().len(), MAX_SECRET);
    }
}
