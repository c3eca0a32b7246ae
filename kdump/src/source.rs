//! Where the bytes of a dump come from.

use std::fs::{File, FileType};
use std::io::{self, Seek, SeekFrom};
use std::os::unix::fs::{FileExt, FileTypeExt, OpenOptionsExt};
use std::path::Path;
use zerocopy::{FromBytes, IntoBytes};

/// O_NONBLOCK (asm-generic/fcntl.h): opening a pipe doesn't wait for somebody to write to it.
const NONBLOCK: i32 = 0o4000;

/// Opens a file or block device to be read as a dump. Whatever else is there is refused at once.
///
/// # Errors
/// When it can't be opened, or is nothing that can be read at any offset.
pub fn open(path: &Path) -> io::Result<File> {
    // Of some devices, opening them is an order. What is checked may be another by the time it is opened.
    seekable(std::fs::metadata(path)?.file_type())?;
    let file = File::options()
        .read(true)
        .custom_flags(NONBLOCK)
        .open(path)?;
    seekable(file.metadata()?.file_type())?;
    Ok(file)
}

fn seekable(kind: FileType) -> io::Result<()> {
    let what = match () {
        () if kind.is_dir() => return Err(io::ErrorKind::IsADirectory.into()),
        () if kind.is_fifo() => "a pipe",
        () if kind.is_socket() => "a socket",
        () if kind.is_char_device() => "a character device",
        () => return Ok(()),
    };
    Err(io::Error::other(format!(
        "{what}: a dump can't be read sequentially; write it to a file first"
    )))
}

/// Bytes at offsets: a file, a device, the kernel's own view of the crashed one.
pub trait Source: Send + Sync {
    /// Fills `buffer` with what stands at `offset`, or fails: never with less.
    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<()>;

    /// How many bytes there are.
    fn size(&self) -> io::Result<u64>;
}

/// The structure that stands at `offset`.
pub(crate) fn read<T: FromBytes + IntoBytes>(source: &dyn Source, offset: u64) -> io::Result<T> {
    let mut value = T::new_zeroed();
    source.read_at(offset, value.as_mut_bytes())?;
    Ok(value)
}

/// Up to so many bytes from `offset` on: as many as there are.
pub(crate) fn read_up_to(source: &dyn Source, offset: u64, length: u64) -> io::Result<Vec<u8>> {
    let there = source.size()?.saturating_sub(offset).min(length);
    let mut bytes = vec![0; usize::try_from(there).unwrap_or(0)];
    if !bytes.is_empty() {
        source.read_at(offset, &mut bytes)?;
    }
    Ok(bytes)
}

/// Why bytes couldn't be had, for a person.
pub(crate) fn reason(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::UnexpectedEof => "the file ends before it".to_owned(),
        _ => error.to_string(),
    }
}

impl Source for File {
    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<()> {
        self.read_exact_at(buffer, offset)
    }

    /// Of a block device, which has no length, how far one can go.
    fn size(&self) -> io::Result<u64> {
        let metadata = self.metadata()?;
        if metadata.file_type().is_block_device() {
            let mut file = self;
            return file.seek(SeekFrom::End(0));
        }
        Ok(metadata.len())
    }
}

impl<T: Source + ?Sized> Source for std::sync::Arc<T> {
    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<()> {
        (**self).read_at(offset, buffer)
    }

    fn size(&self) -> io::Result<u64> {
        (**self).size()
    }
}

impl Source for Vec<u8> {
    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<()> {
        let found = usize::try_from(offset)
            .ok()
            .and_then(|start| self.get(start..start.checked_add(buffer.len())?))
            .ok_or(io::ErrorKind::UnexpectedEof)?;
        buffer.copy_from_slice(found);
        Ok(())
    }

    fn size(&self) -> io::Result<u64> {
        Ok(self.len() as u64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_file_is_refused_by_name_and_at_once() {
        let directory = tempfile::tempdir().unwrap();
        let directory = directory.path();
        let pipe = directory.join("pipe");
        let made = std::process::Command::new("mkfifo").arg(&pipe).status();
        assert!(made.unwrap().success());
        let _socket = std::os::unix::net::UnixListener::bind(directory.join("socket")).unwrap();
        let refused = |path: &Path| open(path).unwrap_err().to_string();
        assert!(refused(&pipe).starts_with("a pipe: "));
        assert!(refused(&directory.join("socket")).starts_with("a socket: "));
        assert!(refused(Path::new("/dev/null")).starts_with("a character device: "));
        assert!(refused(directory).contains("directory"));
        assert!(open(&directory.join("none")).is_err());
        std::fs::write(directory.join("file"), "abc").unwrap();
        assert_eq!(open(&directory.join("file")).unwrap().size().unwrap(), 3);
    }
}
