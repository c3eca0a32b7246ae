//! Where a dump goes.

use std::fs::File;
use std::io;
use std::os::unix::fs::{FileExt, FileTypeExt};

/// Takes bytes at offsets, from several threads at once.
pub trait Output: Send + Sync {
    /// Writes all of `bytes` at `offset`.
    fn write_at(&self, offset: u64, bytes: &[u8]) -> io::Result<()>;

    /// Writes all of `bytes` at `offset`, where each byte was written before or reads as zero.
    fn write_over_at(&self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        self.write_at(offset, bytes)
    }

    /// Writes all of `bytes` at `offset`, and they are written there again later: if that never comes, they are there.
    fn write_ahead_at(&self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        self.write_at(offset, bytes)
    }

    /// Fills `buffer` with what was written at `offset`; `false` where that can't be had.
    fn read_back(&self, offset: u64, buffer: &mut [u8]) -> io::Result<bool>;

    /// Whether what isn't written reads as zeros. If not, old bytes are there.
    fn begins_empty(&self) -> bool;

    /// Whether what was written may be written over. If not, each byte is written once at most.
    fn can_rewrite(&self) -> bool {
        true
    }
}

/// A file, or a device that is overwritten from its start.
pub struct FileOutput {
    file: File,
    device: bool,
}

impl FileOutput {
    /// Takes an empty file, or a device, open for reading and writing.
    ///
    /// # Errors
    /// When the kernel doesn't say what it is.
    pub fn new(file: File) -> io::Result<FileOutput> {
        let kind = file.metadata()?.file_type();
        let device = kind.is_block_device() || kind.is_char_device();
        Ok(FileOutput { file, device })
    }

    /// The file.
    #[must_use]
    pub fn file(&self) -> &File {
        &self.file
    }
}

impl Output for FileOutput {
    fn write_at(&self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        self.file.write_all_at(bytes, offset)
    }

    fn read_back(&self, offset: u64, buffer: &mut [u8]) -> io::Result<bool> {
        let mut done = 0;
        while let Some(rest) = buffer.get_mut(done..).filter(|rest| !rest.is_empty()) {
            match self.file.read_at(rest, offset + done as u64) {
                // Beyond the end nothing was written yet.
                Ok(0) => {
                    rest.fill(0);
                    break;
                }
                Ok(count) => done += count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(true)
    }

    fn begins_empty(&self) -> bool {
        !self.device
    }
}

/// Writes zeros over old bytes, where there are any.
pub(crate) fn clear(output: &dyn Output, offset: u64, length: u64) -> io::Result<()> {
    /// As much as is written at once.
    const LONGEST: usize = 1 << 16;
    if output.begins_empty() {
        return Ok(());
    }
    // Not a constant, which would lie in the program's file.
    let zeros = vec![0; usize::try_from(length).unwrap_or(LONGEST).min(LONGEST)];
    let mut done = 0;
    while done < length {
        let count = (length - done).min(zeros.len() as u64);
        let count = usize::try_from(count).unwrap_or(zeros.len());
        let (zeros, _) = zeros.split_at(count);
        output.write_at(offset + done, zeros)?;
        done += count as u64;
    }
    Ok(())
}
