//! ELF cores: `/proc/vmcore`, copies of it, and what makedumpfile writes with `-E`.

use super::{Contents, DumpFormat, Files, Refusal};
use crate::arch::Machine;
use crate::foreign::Foreign;
use crate::memory::{Extent, Memory, Presence, Unreadable};
use crate::note::CrashNotes;
use crate::ranges::{pages, total, without};
use crate::source::{Source, reason};
use crate::survey::{Flaw, Survey};
use std::io;
use std::ops::Range;
use std::sync::Arc;

pub(crate) mod disk;
mod header;
mod layout;
mod origin;
mod twice;
pub(crate) mod write;

pub use header::Segment;
use header::{Class, Header};
use layout::Layout;

/// More notes than any machine has: 8192 CPUs of 8 KiB each.
const MAX_NOTES: u64 = 1 << 26;

/// Why a file can't be read as an ELF core.
#[derive(Debug, thiserror::Error)]
pub enum VmcoreError {
    /// The file can't be read.
    #[error("the ELF core can't be read: {0}")]
    Io(#[from] io::Error),
    /// It isn't ELF.
    #[error("not an ELF core: it doesn't begin with an ELF header")]
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
    contents: Contents,
    segments: Vec<Segment>,
    layout: Layout,
    flaws: Vec<Flaw>,
    size: u64,
}

/// Where a page's size isn't stated.
const USUAL_PAGE: u64 = 4096;

impl Vmcore {
    /// Reads the headers and the notes. A core whose segments are cut off, or can't be, opens; what is missing
    /// of it can't be read.
    pub fn open(source: Arc<dyn Source>) -> Result<Vmcore, VmcoreError> {
        let size = source.size()?;
        let header = Header::read(&*source)?;
        let segments = header.segments(&*source, size)?;
        let mut flaws = Vec::new();
        if header.incomplete {
            flaws.push(Flaw::Marked);
        }
        let note_bytes = read_notes(&*source, size, &segments, &mut flaws)?;
        let (layout, of_segments) = Layout::new(&segments, size);
        flaws.extend(of_segments);
        Ok(Vmcore {
            layout,
            contents: Contents {
                machine: header.machine,
                notes: CrashNotes::parse(header.machine, &note_bytes),
                note_bytes,
            },
            source,
            segments,
            flaws,
            size,
        })
    }

    /// What an ELF file is instead of the core of a Linux kernel, if that is known.
    pub fn foreign(source: &dyn Source) -> io::Result<Option<Foreign>> {
        origin::of_sections(source)
    }

    /// What this core is of, if that isn't a Linux kernel.
    #[must_use]
    pub fn stranger(&self) -> Option<Foreign> {
        origin::of_core(self)
    }

    /// The memory whose bytes the file has, sorted and apart.
    #[must_use]
    pub fn held(&self) -> Vec<Range<u64>> {
        self.layout.held()
    }

    /// The memory whose bytes the file should have, and hasn't, sorted and apart.
    #[must_use]
    pub fn lost(&self) -> &[Range<u64>] {
        self.layout.lost()
    }

    /// What is wrong with it, as far as its headers tell.
    #[must_use]
    pub fn flaws(&self) -> &[Flaw] {
        &self.flaws
    }
}

impl DumpFormat for Vmcore {
    fn recognises(start: &[u8]) -> bool {
        Class::of(start).is_some()
    }

    /// An ELF core, if it is that of a kernel.
    fn open_files(files: Files) -> Result<Vmcore, Refusal> {
        let source = files.into_iter().next().ok_or(VmcoreError::NotElf)?;
        if let Some(foreign) = Vmcore::foreign(&*source)? {
            return Err(foreign.into());
        }
        let core = Vmcore::open(source)?;
        match core.stranger() {
            Some(stranger) => Err(stranger.into()),
            None => Ok(core),
        }
    }

    fn format(&self) -> String {
        "ELF core".to_owned()
    }

    fn contents(&self) -> &Contents {
        &self.contents
    }

    fn segments(&self) -> &[Segment] {
        &self.segments
    }

    fn page_size(&self) -> u64 {
        let info = self.notes().vmcoreinfo.as_ref();
        let stated = info.and_then(|info| info.page_size().ok());
        stated.unwrap_or(USUAL_PAGE)
    }

    /// Memory that segments share is compared.
    fn survey(&self) -> Survey {
        let size = self.page_size();
        let lost = pages(self.layout.lost(), size);
        let held = without(&pages(&self.layout.held(), size), &lost);
        let mut flaws = self.flaws.clone();
        flaws.extend(twice::differing(self));
        Survey {
            present: total(&pages(self.layout.ranges(), size)),
            held: total(&held),
            lost: total(&lost),
            flaws,
        }
    }
}

impl Memory for Vmcore {
    fn read(&self, address: u64, buffer: &mut [u8]) -> Result<(), Unreadable> {
        let mut done = 0;
        while let Some(rest) = buffer.get_mut(done..).filter(|it| !it.is_empty()) {
            let here = address
                .checked_add(done as u64)
                .ok_or(Unreadable::Absent(address))?;
            let piece = self.layout.at(here);
            let left = usize::try_from(piece.end - here).unwrap_or(usize::MAX);
            let length = left.min(rest.len());
            let (part, _) = rest.split_at_mut(length);
            match piece.presence {
                Presence::Held => self
                    .source
                    .read_at(piece.offset, part)
                    .map_err(|error| Unreadable::Damaged(here, reason(&error)))?,
                Presence::LeftOut => part.fill(0),
                Presence::Lost => {
                    let reason = reason(&io::ErrorKind::UnexpectedEof.into());
                    return Err(Unreadable::Damaged(here, reason));
                }
                Presence::Absent => return Err(Unreadable::Absent(here)),
            }
            done += length;
        }
        Ok(())
    }

    fn ranges(&self) -> &[Range<u64>] {
        self.layout.ranges()
    }

    fn extent(&self, address: u64) -> Extent {
        let piece = self.layout.at(address);
        Extent {
            presence: piece.presence,
            end: piece.end,
        }
    }
}

/// All notes; a core has one segment of them, but several would be one after another. What is cut off, or is
/// longer than notes can be, is left out.
fn read_notes(
    source: &dyn Source,
    size: u64,
    segments: &[Segment],
    flaws: &mut Vec<Flaw>,
) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    for segment in segments.iter().filter(|it| it.kind == disk::NOTE) {
        let there = size.saturating_sub(segment.offset).min(segment.file_size);
        if there < segment.file_size {
            flaws.push(Flaw::CutOff("notes"));
        }
        let start = bytes.len();
        let room = MAX_NOTES - start as u64;
        let Some(length) = usize::try_from(there).ok().filter(|_| there <= room) else {
            flaws.push(Flaw::Notes);
            continue;
        };
        bytes.resize(start + length, 0);
        if let Some(place) = bytes.get_mut(start..).filter(|it| !it.is_empty()) {
            source.read_at(segment.offset, place)?;
        }
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests;
