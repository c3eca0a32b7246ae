//! The manifest: a signed list, in text, of what else may be booted.
//!
//! Whoever trusts the signature of a manifest trusts what it lists by digest: a kernel of any
//! format, initrds, a command line. The signature is detached (CMS), so that `openssl cms` can make
//! and check it. Nothing is judged here.
//!
//! ```text
//! baton-manifest 1
//! name Rescue system of 2026
//! kernel sha256 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08 11534336
//! initrd sha256 60303ae22b998861bce3b28f33eec1be758a213c86c93c076dbe9f558c11c752 26214400
//! cmdline root=/dev/vda1 ro quiet
//! ```
//!
//! | line | how often | |
//! |---|---|---|
//! | `baton-manifest 1` | first | what it is, and its version |
//! | `name TEXT` | at most once | what people call it |
//! | `kernel sha256 DIGEST LENGTH` | at most once | the kernel's whole file |
//! | `initrd sha256 DIGEST LENGTH` | at most 16 times | an initrd's whole file, in the order of unpacking |
//! | `cmdline TEXT` | at most one of these two | the whole command line is this; without ` TEXT` it is empty |
//! | `cmdline-prefix TEXT` | | the command line is this, or begins with this and a space |
//!
//! The lines after the first may come in any order, at least one of them a kernel or an initrd. The
//! text is ASCII, of printable characters and line feeds; every line ends with a line feed, the
//! last one included. Words are separated by one space. `TEXT` is not empty, and neither begins nor
//! ends with a space. `DIGEST` is 64 lower-case hexadecimal digits. `LENGTH` is in bytes, decimal,
//! not 0, without leading zeros. A manifest has at most 65536 bytes. Anything else is refused,
//! unknown lines as well: an older program must not overlook what a newer one would heed.

mod error;
mod line;

#[cfg(test)]
mod tests;

pub use error::{LineProblem, ManifestError};
pub use line::{Entry, Line};

use core::fmt;

/// The first line, without its line feed.
pub const FIRST_LINE: &str = "baton-manifest 1";
/// The longest manifest, in bytes.
pub const MAX_LEN: usize = 0x1_0000;
/// The most initrds a manifest may list.
pub const MAX_INITRDS: usize = 16;

/// What a manifest says about the command line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CommandLine<'a> {
    /// It must be exactly this.
    Exact(&'a str),
    /// It must be this, or begin with this and a space.
    Prefix(&'a str),
}

impl CommandLine<'_> {
    /// Whether a command line is as the manifest says.
    pub fn allows(&self, line: &[u8]) -> bool {
        match self {
            CommandLine::Exact(text) => line == text.as_bytes(),
            CommandLine::Prefix(text) => line
                .strip_prefix(text.as_bytes())
                .is_some_and(|rest| rest.first().is_none_or(|&byte| byte == b' ')),
        }
    }
}

/// A manifest that has been checked as the module says. Its `Display` is a manifest of the same
/// meaning: name, kernel, initrds, command line.
#[derive(Clone, Copy, Debug)]
pub struct Manifest<'a> {
    text: &'a str,
    /// The parts to write; they are found in `text` again where there may be several.
    name: Option<&'a str>,
    kernel: Option<Entry>,
    command_line: Option<CommandLine<'a>>,
}

impl<'a> Manifest<'a> {
    /// Checks a manifest, which must be exactly `bytes`.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, ManifestError> {
        if bytes.len() > MAX_LEN {
            return Err(ManifestError::TooLong(bytes.len()));
        }
        let text = checked_text(bytes)?;
        let mut manifest = Manifest {
            text,
            name: None,
            kernel: None,
            command_line: None,
        };
        let mut initrds = 0usize;
        for (number, line) in numbered(text) {
            let problem = match Line::parse(line) {
                Err(problem) => Some(problem),
                Ok(Line::Name(name)) => twice(manifest.name.replace(name)),
                Ok(Line::Kernel(entry)) => twice(manifest.kernel.replace(entry)),
                Ok(Line::CommandLine(line)) => twice(manifest.command_line.replace(line)),
                Ok(Line::Initrd(_)) => {
                    initrds = initrds.saturating_add(1);
                    (initrds > MAX_INITRDS).then_some(LineProblem::TooMany)
                }
            };
            if let Some(problem) = problem {
                return Err(ManifestError::Line { number, problem });
            }
        }
        if manifest.kernel.is_none() && initrds == 0 {
            Err(ManifestError::ListsNothing)
        } else {
            Ok(manifest)
        }
    }

    /// What people call it.
    pub fn name(&self) -> Option<&'a str> {
        self.name
    }

    /// The kernel it lists.
    pub fn kernel(&self) -> Option<Entry> {
        self.kernel
    }

    /// The initrds it lists, in the order of unpacking.
    pub fn initrds(&self) -> impl Iterator<Item = Entry> + use<'a> {
        numbered(self.text).filter_map(|(_, line)| match Line::parse(line) {
            Ok(Line::Initrd(entry)) => Some(entry),
            _ => None,
        })
    }

    /// What it says about the command line; `None`: nothing.
    pub fn command_line(&self) -> Option<CommandLine<'a>> {
        self.command_line
    }
}

impl fmt::Display for Manifest<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{FIRST_LINE}")?;
        if let Some(name) = self.name {
            writeln!(f, "{}", Line::Name(name))?;
        }
        if let Some(entry) = self.kernel {
            writeln!(f, "{}", Line::Kernel(entry))?;
        }
        for entry in self.initrds() {
            writeln!(f, "{}", Line::Initrd(entry))?;
        }
        match self.command_line {
            Some(line) => writeln!(f, "{}", Line::CommandLine(line)),
            None => Ok(()),
        }
    }
}

fn twice<T>(before: Option<T>) -> Option<LineProblem> {
    before.map(|_| LineProblem::Twice)
}

/// The text without its first line, if it has the right characters in it and ends as it must.
fn checked_text(bytes: &[u8]) -> Result<&str, ManifestError> {
    let allowed = |&byte: &u8| byte == b'\n' || byte == b' ' || byte.is_ascii_graphic();
    if let Some(offset) = bytes.iter().position(|byte| !allowed(byte)) {
        return Err(ManifestError::Character(offset));
    }
    let text = core::str::from_utf8(bytes).map_err(|_| ManifestError::Character(0))?;
    let rest = text
        .strip_prefix(FIRST_LINE)
        .and_then(|rest| rest.strip_prefix('\n'))
        .ok_or(ManifestError::FirstLine)?;
    if rest.is_empty() || rest.ends_with('\n') {
        Ok(rest)
    } else {
        Err(ManifestError::NoLineFeed)
    }
}

/// The lines after the first one, with their numbers as people count them.
fn numbered(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let lines = text.split_terminator('\n').enumerate();
    lines.map(|(index, line)| (index.saturating_add(2), line))
}
