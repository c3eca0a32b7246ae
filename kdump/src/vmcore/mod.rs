//! ELF cores: `/proc/vmcore`, copies of it, and what makedumpfile writes with `-E`.

use crate::bytes::{u16_at, u32_at, u64_at};
use crate::machine::Machine;
use crate::memory::{Memory, Unreadable};
use crate::note::CrashNotes;
use crate::source::{Source, reason};
use std::io;
use std::ops::Range;
use std::sync::Arc;

mod header;
mod layout;

pub use header::Segment;
use header::{Class, Header};
use layout::Layout;

/// More notes than any machine has: 8192 CPUs of 8 KiB each.
const MOST_NOTES: u64 = 1 << 26;

/// Why a file can't be read as an ELF core.
#[derive(Debug, thiserror::Error)]
pub enum VmcoreError {
    /// The file can't be read.
    #[error("the ELF core can't be read: {0}")]
    Io(#[from] io::Error),
    /// It isn't ELF.
    #[error("no ELF core: it doesn't begin with an ELF header")]
    NotElf,
    /// It is ELF that no reader here knows.
    #[error("an ELF file that isn't a core of a little-endian machine: {0}")]
    Unsupported(&'static str),
    /// It ends too early.
    #[error("the ELF core is cut off: its {0} would end beyond its {1} bytes")]
    CutOff(&'static str, u64),
    /// A header says what can't be.
    #[error("the ELF core is damaged: {0}")]
    Damaged(&'static str),
}

/// An ELF core.
pub struct Vmcore {
    source: Arc<dyn Source>,
    machine: Machine,
    segments: Vec<Segment>,
    layout: Layout,
    note_bytes: Vec<u8>,
    notes: CrashNotes,
    missing: u64,
    incomplete: bool,
}

impl Vmcore {
    /// Reads the headers and the notes. A core whose segments are cut off opens; what is missing of it
    /// can't be read.
    pub fn open(source: Arc<dyn Source>) -> Result<Vmcore, VmcoreError> {
        let size = source.size()?;
        let header = Header::read(&*source, size)?;
        let segments = header.segments(&*source, size)?;
        let note_bytes = read_notes(&*source, size, &segments)?;
        let notes = CrashNotes::parse(header.machine, &note_bytes);
        let loads = segments.iter().filter(|it| it.kind == header::LOAD);
        let missing = loads.clone().map(|it| it.missing(size)).max().unwrap_or(0);
        Ok(Vmcore {
            layout: Layout::new(loads)?,
            machine: header.machine,
            source,
            segments,
            note_bytes,
            notes,
            missing,
            incomplete: header.incomplete,
        })
    }

    /// Whether this may be an ELF core, by how it begins.
    #[must_use]
    pub fn recognises(start: &[u8]) -> bool {
        Class::of(start).is_some()
    }

    /// The kind of machine that crashed.
    #[must_use]
    pub fn machine(&self) -> Machine {
        self.machine
    }

    /// The program headers as they stand there.
    #[must_use]
    pub fn segments(&self) -> &[Segment] {
        &self.segments
    }

    /// The bytes of all notes.
    #[must_use]
    pub fn note_bytes(&self) -> &[u8] {
        &self.note_bytes
    }

    /// What the notes say.
    #[must_use]
    pub fn notes(&self) -> &CrashNotes {
        &self.notes
    }

    /// The memory whose bytes the file has, sorted and apart; the rest of the ranges is zeros.
    #[must_use]
    pub fn held(&self) -> Vec<Range<u64>> {
        self.layout.held()
    }

    /// How many bytes there should be beyond the end of the file: 0 of a whole core.
    #[must_use]
    pub fn missing(&self) -> u64 {
        self.missing
    }

    /// Whether its header says that it wasn't written to its end, or bytes are missing.
    #[must_use]
    pub fn incomplete(&self) -> bool {
        self.incomplete || self.missing > 0
    }
}

impl Memory for Vmcore {
    fn read(&self, address: u64, buffer: &mut [u8]) -> Result<(), Unreadable> {
        let mut done = 0;
        while let Some(rest) = buffer.get_mut(done..).filter(|it| !it.is_empty()) {
            let here = address
                .checked_add(done as u64)
                .ok_or(Unreadable::Absent(address))?;
            let piece = self.layout.at(here).ok_or(Unreadable::Absent(here))?;
            let length = usize::try_from(piece.left).map_or(rest.len(), |it| it.min(rest.len()));
            let (part, _) = rest.split_at_mut(length);
            match piece.offset {
                Some(offset) => self
                    .source
                    .read_at(offset, part)
                    .map_err(|error| Unreadable::Damaged(here, reason(&error)))?,
                None => part.fill(0),
            }
            done += length;
        }
        Ok(())
    }

    fn ranges(&self) -> &[Range<u64>] {
        self.layout.ranges()
    }

    fn excluded_until(&self, address: u64) -> u64 {
        self.layout.hole_end(address).unwrap_or(address)
    }
}

/// All notes; a core has one segment of them, but several would be one after another.
fn read_notes(
    source: &dyn Source,
    size: u64,
    segments: &[Segment],
) -> Result<Vec<u8>, VmcoreError> {
    let mut bytes = Vec::new();
    for segment in segments.iter().filter(|it| it.kind == header::NOTE) {
        if segment.missing(size) > 0 {
            return Err(VmcoreError::CutOff("notes", size));
        }
        let length = segment.file_size;
        if length > MOST_NOTES.saturating_sub(bytes.len() as u64) {
            return Err(VmcoreError::Damaged("it has more than 64 MiB of notes"));
        }
        let length = usize::try_from(length)
            .map_err(|_| VmcoreError::Damaged("it has more than 64 MiB of notes"))?;
        let start = bytes.len();
        bytes.resize(start + length, 0);
        source.read_at(segment.offset, &mut bytes[start..])?;
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests;
