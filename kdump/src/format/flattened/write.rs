//! The flattened format: a dump as a stream of records, each with the offset where it belongs.
//!
//! As makedumpfile writes it to standard output (makedumpfile.h: makedumpfile_header,
//! makedumpfile_data_header): big-endian, whatever the machine.

use crate::write::Output;
use std::io::{self, Write};
use std::sync::{Mutex, PoisonError};

/// MAX_SIZE_MDF_HEADER of makedumpfile.h.
const HEADER: usize = 4096;
/// TYPE_FLAT_HEADER and VERSION_FLAT_HEADER of makedumpfile.h.
const TYPE: i64 = 1;
const VERSION: i64 = 1;
/// END_FLAG_FLAT_HEADER of makedumpfile.h, in place of offset and size.
const END: i64 = -1;

/// Writes a dump to a stream. It must be ended by [`finish`](FlattenedWriter::finish).
pub struct FlattenedWriter<W> {
    stream: Mutex<W>,
}

impl<W: Write + Send> FlattenedWriter<W> {
    /// Begins the stream.
    ///
    /// # Errors
    /// When the stream takes no more.
    pub fn begin(mut stream: W) -> io::Result<FlattenedWriter<W>> {
        let mut header = Vec::with_capacity(HEADER);
        header.extend(b"makedumpfile\0\0\0\0");
        header.extend(TYPE.to_be_bytes());
        header.extend(VERSION.to_be_bytes());
        header.resize(HEADER, 0);
        stream.write_all(&header)?;
        Ok(FlattenedWriter {
            stream: Mutex::new(stream),
        })
    }

    /// Ends the stream.
    ///
    /// # Errors
    /// When the stream takes no more.
    pub fn finish(self) -> io::Result<W> {
        let mut stream = self
            .stream
            .into_inner()
            .unwrap_or_else(PoisonError::into_inner);
        stream.write_all(&record(END, END))?;
        stream.flush()?;
        Ok(stream)
    }
}

fn record(offset: i64, size: i64) -> [u8; 16] {
    let mut bytes = [0; 16];
    let (first, second) = bytes.split_at_mut(8);
    first.copy_from_slice(&offset.to_be_bytes());
    second.copy_from_slice(&size.to_be_bytes());
    bytes
}

impl<W: Write + Send> Output for FlattenedWriter<W> {
    fn write_at(&self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        let number = |it: u64| i64::try_from(it).map_err(|_| io::ErrorKind::FileTooLarge);
        let head = record(number(offset)?, number(bytes.len() as u64)?);
        let mut stream = self.stream.lock().unwrap_or_else(PoisonError::into_inner);
        stream.write_all(&head)?;
        stream.write_all(bytes)
    }

    fn read_back(&self, _offset: u64, _buffer: &mut [u8]) -> io::Result<bool> {
        Ok(false)
    }

    fn begins_empty(&self) -> bool {
        true
    }

    fn can_rewrite(&self) -> bool {
        // Of two records of the same place, crash takes either (read_flattened_format). That the stream
        // isn't whole is told by the end that it lacks.
        false
    }
}
