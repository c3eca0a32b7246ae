//! An output that can be looked at as of any moment.

use crate::write::Output;
use std::io;
use std::sync::Mutex;

/// Keeps all that is written, in order, over bytes that were there before.
pub(super) struct Kept {
    pub before: u8,
    /// What is there before, where it isn't all `before`.
    pub under: Vec<u8>,
    pub readable: bool,
    pub writes: Mutex<Vec<(u64, Vec<u8>)>>,
}

impl Kept {
    pub fn new(before: u8, readable: bool) -> Kept {
        Kept {
            before,
            under: Vec::new(),
            readable,
            writes: Mutex::default(),
        }
    }

    /// What is there after so many writes.
    pub fn after(&self, count: usize) -> Vec<u8> {
        let writes = self.writes.lock().unwrap();
        let end = |(offset, bytes): &(u64, Vec<u8>)| offset + bytes.len() as u64;
        // A device has a size of its own.
        let considered = if self.before == 0 {
            count
        } else {
            writes.len()
        };
        let size = writes.iter().take(considered).map(end).max().unwrap_or(0);
        let mut file = self.under.clone();
        file.resize(usize::try_from(size).unwrap(), self.before);
        for (offset, bytes) in writes.iter().take(count) {
            let at = usize::try_from(*offset).unwrap();
            file[at..at + bytes.len()].copy_from_slice(bytes);
        }
        file
    }

    pub fn count(&self) -> usize {
        self.writes.lock().unwrap().len()
    }

    /// The length of the longest write.
    pub fn longest(&self) -> usize {
        let writes = self.writes.lock().unwrap();
        writes.iter().map(|(_, it)| it.len()).max().unwrap_or(0)
    }

    pub fn file(&self) -> Vec<u8> {
        self.after(usize::MAX)
    }
}

impl Output for Kept {
    fn write_at(&self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        self.writes.lock().unwrap().push((offset, bytes.to_vec()));
        Ok(())
    }

    fn read_back(&self, offset: u64, buffer: &mut [u8]) -> io::Result<bool> {
        if self.readable {
            let file = self.file();
            let at = usize::try_from(offset).unwrap();
            buffer.copy_from_slice(&file[at..at + buffer.len()]);
        }
        Ok(self.readable)
    }

    fn begins_empty(&self) -> bool {
        self.before == 0
    }
}
