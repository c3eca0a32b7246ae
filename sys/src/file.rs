//! Files that are read: opened so that nothing waits for ever, and looked at once they are open.
//!
//! What a path names may be a FIFO that nobody writes to, a terminal, a socket or a device. Opening or
//! reading such a thing can wait for ever, or do something. So there are two ways in: [`open_regular`] for
//! what is found, which takes plain files alone, and [`open_given`] for what a person named on the command
//! line, which also reads a pipe.

use crate::memfd::Draft;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{OFlags, fcntl_setfl};
use std::fmt;
use std::fs::{self, File, FileType, OpenOptions};
use std::io::{self, ErrorKind, Read};
use std::os::unix::fs::{FileTypeExt, OpenOptionsExt};
use std::path::Path;
use std::time::Duration;

/// How long a pipe is waited for if nobody has it open for writing: a shell starts both ends at once.
pub(crate) const PATIENCE: Duration = Duration::from_secs(2);

/// The most that is taken from a pipe, whose length nobody knows: it is kept in memory.
const MOST: u64 = 1 << 30;

/// The names in a directory that are UTF-8, sorted; none where there is no such directory.
#[must_use]
pub fn names_in(directory: &Path) -> Vec<String> {
    let entries = fs::read_dir(directory).into_iter().flatten().flatten();
    let mut names: Vec<String> = entries
        .filter_map(|entry| entry.file_name().into_string().ok())
        .collect();
    names.sort();
    names
}

/// What a path names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A plain file.
    Regular,
    /// A directory.
    Directory,
    /// A block device.
    Block,
    /// A character device, a terminal among them.
    Character,
    /// A pipe, with a name or without.
    Fifo,
    /// A socket.
    Socket,
    /// Something else.
    Other,
}

impl Kind {
    /// What a file is.
    #[must_use]
    pub fn of(kind: FileType) -> Kind {
        let kinds: [(bool, Kind); 6] = [
            (kind.is_file(), Kind::Regular),
            (kind.is_dir(), Kind::Directory),
            (kind.is_block_device(), Kind::Block),
            (kind.is_char_device(), Kind::Character),
            (kind.is_fifo(), Kind::Fifo),
            (kind.is_socket(), Kind::Socket),
        ];
        let is = kinds.into_iter().find(|(is, _)| *is);
        is.map_or(Kind::Other, |(_, kind)| kind)
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Kind::Regular => "a plain file",
            Kind::Directory => "a directory",
            Kind::Block => "a block device",
            Kind::Character => "a character device",
            Kind::Fifo => "a pipe",
            Kind::Socket => "a socket",
            Kind::Other => "no plain file",
        })
    }
}

/// Why something that is there isn't read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotRead {
    /// It is something else than what is read here.
    #[error("it is {0}; give a plain file")]
    Kind(Kind),
    /// Nobody writes to this pipe, or nobody wrote anything.
    #[error(
        "it is a pipe that nothing comes from; give a plain file, or start what writes to it first"
    )]
    Silent,
    /// More came from a pipe than is kept in memory.
    #[error("more than {} GiB come from this pipe; write it to a file first, and give that", MOST >> 30)]
    Long,
}

impl From<NotRead> for io::Error {
    fn from(why: NotRead) -> io::Error {
        io::Error::new(ErrorKind::InvalidInput, why)
    }
}

/// Opens a path that names one of these kinds, for reading. A link is followed, and what is open is looked
/// at, so that nothing can be put in its place between.
///
/// # Errors
/// What open(2) gives; [`NotRead::Kind`].
pub fn open_as(path: &Path, kinds: &[Kind]) -> io::Result<(File, Kind)> {
    // Before, too: opening some devices does something (a watchdog starts, a tape is wound back).
    check(fs::metadata(path)?.file_type(), kinds)?;
    // Without O_NONBLOCK a FIFO waits for a writer and a serial line for its carrier; without O_NOCTTY
    // a terminal may become this process's own.
    let file = OpenOptions::new()
        .read(true)
        .custom_flags(libc::O_NONBLOCK | libc::O_NOCTTY)
        .open(path)?;
    let kind = check(file.metadata()?.file_type(), kinds)?;
    if kind != Kind::Fifo {
        wait_when_reading(&file)?;
    }
    Ok((file, kind))
}

/// Opens a plain file.
///
/// # Errors
/// As [`open_as`].
pub fn open_regular(path: &Path) -> io::Result<File> {
    open_as(path, &[Kind::Regular]).map(|(file, _)| file)
}

/// Reads a plain file.
///
/// # Errors
/// As [`open_regular`], and what read(2) gives.
pub fn read_regular(path: &Path) -> io::Result<Vec<u8>> {
    all(open_regular(path)?)
}

/// Opens what a person named: a plain file, or a pipe (`<(…)`, `/dev/stdin`), which is read to its end
/// and kept in memory. Either way what is given is a plain file of known length.
///
/// # Errors
/// As [`open_as`]; [`NotRead::Silent`] and [`NotRead::Long`] of pipes.
pub fn open_given(path: &Path) -> io::Result<File> {
    match open_as(path, &[Kind::Regular, Kind::Fifo])? {
        (pipe, Kind::Fifo) => {
            let mut draft = Draft::create("baton-pipe")?;
            draft.write_at(&drain(pipe)?, 0)?;
            Ok(draft.seal()?.into_fd().into())
        }
        (file, _) => Ok(file),
    }
}

/// As [`open_given`], all of it.
///
/// # Errors
/// As [`open_given`], and what read(2) gives.
pub fn read_given(path: &Path) -> io::Result<Vec<u8>> {
    match open_as(path, &[Kind::Regular, Kind::Fifo])? {
        (pipe, Kind::Fifo) => drain(pipe),
        (file, _) => all(file),
    }
}

/// As [`read_given`], as text.
///
/// # Errors
/// As [`read_given`], and `InvalidData` where it isn't UTF-8.
pub fn read_given_text(path: &Path) -> io::Result<String> {
    let not_text = |_| io::Error::new(ErrorKind::InvalidData, "it isn't text in UTF-8");
    String::from_utf8(read_given(path)?).map_err(not_text)
}

fn check(kind: FileType, kinds: &[Kind]) -> io::Result<Kind> {
    let kind = Kind::of(kind);
    match kinds.contains(&kind) {
        true => Ok(kind),
        false => Err(NotRead::Kind(kind).into()),
    }
}

fn all(mut file: File) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Reads a pipe that was opened with `O_NONBLOCK` to its end.
fn drain(mut pipe: File) -> io::Result<Vec<u8>> {
    let patience = Timespec::try_from(PATIENCE).map_err(io::Error::other)?;
    let events = PollFlags::IN;
    poll(&mut [PollFd::new(&pipe, events)], Some(&patience))?;
    let mut bytes = vec![0; 64 << 10];
    // Nothing to read is the end where nobody has it open for writing; a slow writer is waited for.
    let length = match pipe.read(&mut bytes) {
        Ok(0) => return Err(NotRead::Silent.into()),
        Ok(length) => length,
        Err(e) if e.kind() == ErrorKind::WouldBlock => 0,
        Err(e) => return Err(e),
    };
    bytes.truncate(length);
    wait_when_reading(&pipe)?;
    pipe.take(MOST + 1 - bytes.len() as u64)
        .read_to_end(&mut bytes)?;
    match bytes.len() as u64 {
        0 => Err(NotRead::Silent.into()),
        length if length > MOST => Err(NotRead::Long.into()),
        _ => Ok(bytes),
    }
}

fn wait_when_reading(file: &File) -> io::Result<()> {
    Ok(fcntl_setfl(file, OFlags::empty())?)
}

#[cfg(test)]
#[path = "file_tests.rs"]
mod tests;
