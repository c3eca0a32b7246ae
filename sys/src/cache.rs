//! The page cache.

use rustix::fs::Advice;
use std::fs::File;
use std::io;

/// Drops a file's clean pages from the page cache, so that the next read goes to the disk.
///
/// # Errors
/// When it isn't a file or a device.
pub fn forget(file: &File) -> io::Result<()> {
    Ok(rustix::fs::fadvise(file, 0, None, Advice::DontNeed)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_can_be_forgotten_and_a_pipe_has_nothing_to_forget() {
        let program = File::open("/proc/self/exe").unwrap();
        forget(&program).unwrap();
        let (reader, _writer) = io::pipe().unwrap();
        let pipe = File::from(std::os::fd::OwnedFd::from(reader));
        assert!(forget(&pipe).is_err());
    }
}
