//! Reading files: they are opened without blocking and checked once they are open.
//!
//! A path may name a FIFO without a writer, a terminal, a socket or a device. Opening or reading it can block
//! forever or have side effects. So there are two functions: [`open_regular`] for files that Baton found, which
//! accepts only regular files, and [`open_given`] for files named on the command line, which also reads pipes.

use crate::limits::LARGEST_FILE;
use crate::memfd::{Draft, shrank};
use crate::memory;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{OFlags, fcntl_setfl};
use std::fmt;
use std::fs::{self, File, FileType, OpenOptions};
use std::io::{self, ErrorKind, Read};
use std::os::unix::fs::{FileExt, FileTypeExt, OpenOptionsExt};
use std::path::Path;
use std::time::Duration;

/// How long to wait for the other end of a pipe. A shell starts both ends at the same time.
pub(crate) const PIPE_TIMEOUT: Duration = Duration::from_secs(2);

/// The most bytes that are read from a pipe, since they are kept in memory.
const MAX_PIPE: u64 = 1 << 30;

/// The names in a directory that are valid UTF-8, sorted; empty if the directory doesn't exist.
#[must_use]
pub fn names_in(directory: &Path) -> Vec<String> {
    let entries = fs::read_dir(directory).into_iter().flatten().flatten();
    let mut names: Vec<String> = entries
        .filter_map(|entry| entry.file_name().into_string().ok())
        .collect();
    names.sort();
    names
}

/// The type of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FileKind {
    /// A regular file.
    Regular,
    /// A directory.
    Directory,
    /// A block device.
    Block,
    /// A character device, such as a terminal.
    Character,
    /// A pipe, named or anonymous.
    Fifo,
    /// A socket.
    Socket,
    /// A file of another type.
    Other,
}

impl FileKind {
    /// The kind for this type.
    #[must_use]
    pub fn of(kind: FileType) -> FileKind {
        let kinds: [(bool, FileKind); 6] = [
            (kind.is_file(), FileKind::Regular),
            (kind.is_dir(), FileKind::Directory),
            (kind.is_block_device(), FileKind::Block),
            (kind.is_char_device(), FileKind::Character),
            (kind.is_fifo(), FileKind::Fifo),
            (kind.is_socket(), FileKind::Socket),
        ];
        let is = kinds.into_iter().find(|(is, _)| *is);
        is.map_or(FileKind::Other, |(_, kind)| kind)
    }
}

impl fmt::Display for FileKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            FileKind::Regular => "a plain file",
            FileKind::Directory => "a directory",
            FileKind::Block => "a block device",
            FileKind::Character => "a character device",
            FileKind::Fifo => "a pipe",
            FileKind::Socket => "a socket",
            FileKind::Other => "no plain file",
        })
    }
}

/// Why an existing file isn't read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotRead {
    /// The file has a type that isn't accepted.
    #[error("it is {0}; give a plain file")]
    Kind(FileKind),
    /// The pipe has no writer, or its writer wrote nothing.
    #[error(
        "it is a pipe that nothing comes from; give a plain file, or start what writes to it first"
    )]
    Silent,
    /// The pipe delivered more than is kept in memory.
    #[error("more than {} GiB come from this pipe; write it to a file first, and give that", MAX_PIPE >> 30)]
    Long,
}

impl From<NotRead> for io::Error {
    fn from(why: NotRead) -> io::Error {
        io::Error::new(ErrorKind::InvalidInput, why)
    }
}

/// Opens a file of one of these kinds for reading. Symbolic links are followed. The open file is checked, so that
/// it can't be exchanged between check and use.
///
/// # Errors
/// The error of open(2); [`NotRead::Kind`].
pub fn open_as(path: &Path, kinds: &[FileKind]) -> io::Result<(File, FileKind)> {
    // Checked before opening, too, since opening some devices has effects (a watchdog starts, a tape rewinds).
    check(fs::metadata(path)?.file_type(), kinds)?;
    // Without O_NONBLOCK a FIFO waits for a writer and a serial line for its carrier; without O_NOCTTY
    // a terminal may become this process's own.
    let file = OpenOptions::new()
        .read(true)
        .custom_flags(libc::O_NONBLOCK | libc::O_NOCTTY)
        .open(path)?;
    let kind = check(file.metadata()?.file_type(), kinds)?;
    if kind != FileKind::Fifo {
        wait_when_reading(&file)?;
    }
    Ok((file, kind))
}

/// Opens a regular file.
///
/// # Errors
/// As [`open_as`].
pub fn open_regular(path: &Path) -> io::Result<File> {
    open_as(path, &[FileKind::Regular]).map(|(file, _)| file)
}

/// Reads a regular file.
///
/// # Errors
/// As [`open_regular`], and the error of read(2).
pub fn read_regular(path: &Path) -> io::Result<Vec<u8>> {
    all(open_regular(path)?)
}

/// Opens a file named on the command line: a regular file, or a pipe (`<(…)`, `/dev/stdin`), which is read to its
/// end into memory. Either way the result is a regular file of known length.
///
/// # Errors
/// As [`open_as`]; [`NotRead::Silent`] and [`NotRead::Long`] for pipes.
pub fn open_given(path: &Path) -> io::Result<File> {
    match open_as(path, &[FileKind::Regular, FileKind::Fifo])? {
        (pipe, FileKind::Fifo) => {
            let mut draft = Draft::create("baton-pipe")?;
            draft.write_at(&drain(pipe)?, 0)?;
            Ok(draft.seal()?.into_fd().into())
        }
        (file, _) => Ok(file),
    }
}

/// Reads the whole of a file named on the command line, as [`open_given`] opens it.
///
/// # Errors
/// As [`open_given`], and the error of read(2).
pub fn read_given(path: &Path) -> io::Result<Vec<u8>> {
    match open_as(path, &[FileKind::Regular, FileKind::Fifo])? {
        (pipe, FileKind::Fifo) => drain(pipe),
        (file, _) => all(file),
    }
}

/// Reads the whole of a text file named on the command line, as [`read_given`] does.
///
/// # Errors
/// As [`read_given`], and `InvalidData` if the text isn't UTF-8.
pub fn read_given_text(path: &Path) -> io::Result<String> {
    let not_text = |_| io::Error::new(ErrorKind::InvalidData, "it isn't text in UTF-8");
    String::from_utf8(read_given(path)?).map_err(not_text)
}

fn check(kind: FileType, kinds: &[FileKind]) -> io::Result<FileKind> {
    let kind = FileKind::of(kind);
    if kinds.contains(&kind) {
        Ok(kind)
    } else {
        Err(NotRead::Kind(kind).into())
    }
}

fn all(mut file: File) -> io::Result<Vec<u8>> {
    let mut bytes = buffer_for(&file)?;
    file.read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// A buffer for the whole of a file.
///
/// # Errors
/// The error of fstat(2).
pub fn buffer_for(file: &File) -> io::Result<Vec<u8>> {
    // One byte more, so that the end is seen without growing.
    let len = file.metadata()?.len().min(LARGEST_FILE) + 1;
    Ok(memory::buffer(usize::try_from(len).unwrap_or(0)))
}

/// Appends the first `len` bytes of a file to a buffer, whatever the file's own position.
///
/// # Errors
/// When the file is shorter; otherwise the error of pread(2).
pub fn append(file: &File, len: u64, to: &mut Vec<u8>) -> io::Result<()> {
    let begin = to.len();
    let len = usize::try_from(len).map_err(io::Error::other)?;
    to.try_reserve(len)?;
    to.resize(begin.saturating_add(len), 0);
    let read = file.read_exact_at(to.get_mut(begin..).unwrap_or_default(), 0);
    read.map_err(|error| match error.kind() {
        ErrorKind::UnexpectedEof => shrank(),
        _ => error,
    })
}

/// Reads a pipe that was opened with `O_NONBLOCK` to its end.
fn drain(mut pipe: File) -> io::Result<Vec<u8>> {
    let timeout = Timespec::try_from(PIPE_TIMEOUT).map_err(io::Error::other)?;
    let events = PollFlags::IN;
    poll(&mut [PollFd::new(&pipe, events)], Some(&timeout))?;
    let mut bytes = vec![0; 64 << 10];
    // Without data and without a writer, the pipe is at its end; a slow writer is waited for.
    let length = match pipe.read(&mut bytes) {
        Ok(0) => return Err(NotRead::Silent.into()),
        Ok(length) => length,
        Err(e) if e.kind() == ErrorKind::WouldBlock => 0,
        Err(e) => return Err(e),
    };
    bytes.truncate(length);
    wait_when_reading(&pipe)?;
    pipe.take(MAX_PIPE + 1 - bytes.len() as u64)
        .read_to_end(&mut bytes)?;
    match bytes.len() as u64 {
        0 => Err(NotRead::Silent.into()),
        length if length > MAX_PIPE => Err(NotRead::Long.into()),
        _ => Ok(bytes),
    }
}

fn wait_when_reading(file: &File) -> io::Result<()> {
    Ok(fcntl_setfl(file, OFlags::empty())?)
}

#[cfg(test)]
#[path = "file_tests.rs"]
mod tests;
