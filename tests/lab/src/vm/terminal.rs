//! A running machine, as a person sees it who sits at its serial console: what it says is waited for, and answered.

use fs_err::File;
use std::io::Write;
use std::path::Path;
use std::process::{ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};

use super::{Guard, reader};
use crate::machine::console::Plain;

/// What an error shows of what was said instead.
const TAIL: usize = 2000;

/// The console of a running machine, which ends with it.
pub struct Terminal {
    keys: ChildStdin,
    bytes: Receiver<Vec<u8>>,
    log: File,
    plain: Plain,
    unread: Vec<u8>,
    ends: Instant,
    _machine: Guard,
}

impl Terminal {
    /// Switches a machine on, for `limit` at most. What it says is kept in `directory`, too, as it came.
    pub fn start(mut command: Command, directory: &Path, limit: Duration) -> Result<Terminal> {
        let mut machine = Guard(
            command
                .stdin(Stdio::piped())
                .stdout(Stdio::piped())
                .stderr(File::create(directory.join("qemu.log"))?.into_file())
                .spawn()
                .context("qemu-system-x86_64")?,
        );
        Ok(Terminal {
            keys: machine.0.stdin.take().context("no pipe")?,
            bytes: reader(machine.0.stdout.take().context("no pipe")?),
            log: File::create(directory.join("console.log"))?,
            plain: Plain::default(),
            unread: Vec::new(),
            ends: Instant::now() + limit,
            _machine: machine,
        })
    }

    /// Waits for the first of these to be said. Gives its number, and what was said before it; what comes after it is
    /// left for the next call.
    pub fn wait_for(&mut self, wanted: &[&str]) -> Result<(usize, String)> {
        loop {
            if let Some((number, from, to)) = first(&self.unread, wanted) {
                let before = String::from_utf8_lossy(&self.unread[..from]).into_owned();
                self.unread.drain(..to);
                return Ok((number, before));
            }
            let is_open = self.listen()?;
            ensure!(is_open, "the machine ended; {}", self.instead_of(wanted));
        }
    }

    /// Waits until the machine has switched itself off.
    pub fn wait_for_end(&mut self) -> Result<()> {
        while self.listen()? {}
        Ok(())
    }

    /// Types something.
    pub fn type_in(&mut self, keys: &str) -> Result<()> {
        self.keys
            .write_all(keys.as_bytes())
            .and_then(|()| self.keys.flush())
            .context("the machine doesn't listen")
    }

    /// Takes what was said next; false if there is no more.
    fn listen(&mut self) -> Result<bool> {
        let left = self.ends.saturating_duration_since(Instant::now());
        match self.bytes.recv_timeout(left) {
            Ok(chunk) => {
                self.log.write_all(&chunk)?;
                self.unread.extend(self.plain.take(&chunk));
                Ok(true)
            }
            Err(RecvTimeoutError::Disconnected) => Ok(false),
            Err(RecvTimeoutError::Timeout) => bail!("time limit reached; {}", self.instead_of(&[])),
        }
    }

    fn instead_of(&self, wanted: &[&str]) -> String {
        let said = String::from_utf8_lossy(&self.unread);
        let from = said.char_indices().rev().nth(TAIL).map_or(0, |(at, _)| at);
        let said = said.get(from..).unwrap_or_default().trim();
        if wanted.is_empty() {
            format!("it said last:\n{said}")
        } else {
            format!("it didn't say {wanted:?} but:\n{said}")
        }
    }
}

/// The first of these texts, by where it begins: its number, and where it is.
fn first(said: &[u8], wanted: &[&str]) -> Option<(usize, usize, usize)> {
    let places = wanted.iter().enumerate().filter_map(|(number, text)| {
        let from = said
            .windows(text.len())
            .position(|window| window == text.as_bytes())?;
        Some((number, from, from + text.len()))
    });
    places.min_by_key(|(_, from, _)| *from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_text_that_comes_first_is_found_whatever_the_order_of_the_wanted_ones() {
        assert_eq!(first(b"go on? y", &["y", "on?"]), Some((1, 3, 6)));
        assert_eq!(first(b"go on", &["on?"]), None);
    }

    #[test]
    fn what_was_said_is_waited_for_and_answered() {
        let directory = tempfile::tempdir().unwrap();
        let mut shell = Command::new("sh");
        shell.args(["-c", "printf 'name? '; read name; echo hello $name"]);
        let limit = Duration::from_secs(10);
        let mut terminal = Terminal::start(shell, directory.path(), limit).unwrap();
        assert_eq!(terminal.wait_for(&["no", "? "]).unwrap().1, "name");
        terminal.type_in("you\n").unwrap();
        assert_eq!(terminal.wait_for(&[" you"]).unwrap(), (0, "hello".into()));
        let error = terminal.wait_for(&["more"]).unwrap_err().to_string();
        assert!(error.contains("the machine ended"), "{error}");
    }
}
