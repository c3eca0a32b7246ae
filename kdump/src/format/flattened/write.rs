//! The flattened format: a dump as a stream of records, each with the offset where it belongs.
//!
//! As makedumpfile writes it to standard output (makedumpfile.h: makedumpfile_header,
//! makedumpfile_data_header): big-endian, whatever the machine.

use super::disk::{FileHeader, HEADER_ROOM, RecordHeader};
use crate::write::Output;
use std::io::{self, Write};
use std::sync::{Mutex, PoisonError};
use zerocopy::IntoBytes;

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
        let mut header = FileHeader::CURRENT.as_bytes().to_vec();
        header.resize(HEADER_ROOM, 0);
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
        stream.write_all(RecordHeader::END.as_bytes())?;
        stream.flush()?;
        Ok(stream)
    }
}

impl<W: Write + Send> Output for FlattenedWriter<W> {
    fn write_at(&self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        let header = RecordHeader::new(offset, bytes.len() as u64);
        let header = header.ok_or(io::ErrorKind::FileTooLarge)?;
        let mut stream = self.stream.lock().unwrap_or_else(PoisonError::into_inner);
        stream.write_all(header.as_bytes())?;
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
        // isn't whole is shown by the end that it lacks.
        false
    }
}
