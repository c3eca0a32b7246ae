//! Kdump-compressed dumps: what makedumpfile writes without `-E`, in one file or split into several
//! (`diskdump_mod.h` and IMPLEMENTATION of makedumpfile).

use super::{Contents, DumpFormat, Files, Refusal, Stated};
use crate::arch::Machine;
use crate::decode::Codec;
use crate::memory::{Extent, Memory, Presence, Unreadable};
use crate::note::CrashNotes;
use crate::ranges::total;
use crate::source::Source;
use crate::survey::{Flaw, Survey};
use crate::vmcoreinfo::VmcoreInfo;
use std::io;
use std::ops::Range;
use std::sync::{Arc, OnceLock};

mod bitmap;
pub(crate) mod disk;
mod header;
mod machine;
mod page;
mod part;
pub(crate) mod write;

use header::{Header, SubHeader};
use part::Part;

/// Why a file can't be read as a kdump-compressed dump.
#[derive(Debug, thiserror::Error)]
pub enum KdumpError {
    /// The file can't be read.
    #[error("the kdump-compressed dump can't be read: {0}")]
    Io(#[from] io::Error),
    /// It doesn't begin as one.
    #[error("no kdump-compressed dump: it doesn't begin with KDUMP")]
    NotKdump,
    /// A version or a machine that isn't known here.
    #[error(
        "a kdump-compressed dump of {0}: only versions 1 to 6 of 64-bit little-endian machines can be read"
    )]
    Unsupported(String),
    /// It ends before its pages begin.
    #[error("the kdump-compressed dump is cut off: its {0} would end beyond its {1} bytes")]
    CutOff(&'static str, u64),
    /// A header says what can't be.
    #[error("the kdump-compressed dump is damaged: {0}")]
    Damaged(&'static str),
    /// The files aren't parts of one dump.
    #[error("these files aren't parts of one split dump: {0}")]
    Parts(&'static str),
}

/// A kdump-compressed dump.
pub struct KdumpFile {
    parts: Vec<Part>,
    ranges: Vec<Range<u64>>,
    contents: Contents,
    /// How many pages it really holds, once that was asked.
    held: OnceLock<u64>,
}

impl KdumpFile {
    /// Opens the one file, or all parts of a split dump in any order. A dump that is cut off after its
    /// bitmaps opens; the pages that are lost can't be read. One that says that it is incomplete opens without
    /// its bitmaps, too, and has no pages then.
    pub fn open(sources: Vec<Arc<dyn Source>>) -> Result<KdumpFile, KdumpError> {
        let mut parts = Vec::new();
        for source in sources {
            parts.push(Part::open(source)?);
        }
        // One without pages comes before the one that begins where it does.
        parts.sort_by_key(|part| (part.pages().start, part.pages().end));
        let first = parts.first().ok_or(KdumpError::NotKdump)?;
        if !parts.iter().all(|part| part.belongs_with(first)) {
            return Err(KdumpError::Parts("their headers differ"));
        }
        let apart = |pair: &[Part]| match pair {
            [one, two] => one.pages().end <= two.pages().start,
            _ => true,
        };
        if !parts.windows(2).all(apart) {
            return Err(KdumpError::Parts("two of them hold the same pages"));
        }
        let (note_bytes, text) = (first.notes()?, first.vmcoreinfo()?);
        let machine = machine::of(&first.header, &note_bytes, &text);
        Ok(KdumpFile {
            ranges: first.ranges()?,
            contents: Contents {
                machine,
                notes: understand(machine, &note_bytes, &text),
                note_bytes,
            },
            parts,
            held: OnceLock::new(),
        })
    }

    /// The header; parts of a split dump share it.
    pub(crate) fn header(&self) -> &Header {
        &self.first().header
    }

    /// The sub-header, of the first part if there are several.
    pub(crate) fn sub_header(&self) -> &SubHeader {
        &self.first().sub_header
    }

    fn held(&self) -> u64 {
        *self
            .held
            .get_or_init(|| self.parts.iter().map(Part::held).sum())
    }

    /// The frames of pages whose part of the split dump isn't here.
    #[must_use]
    pub fn missing(&self) -> Vec<Range<u64>> {
        let mut missing = Vec::new();
        let mut next = 0;
        for part in &self.parts {
            missing.push(next..part.pages().start);
            next = part.pages().end;
        }
        missing.push(next..self.first().frames());
        missing.retain(|it| !it.is_empty());
        missing
    }

    /// How the page at `address` is compressed.
    pub fn codec(&self, address: u64) -> Result<Codec, Unreadable> {
        let frame = address / self.page_size();
        self.part(frame, address)?.codec(frame)
    }

    fn first(&self) -> &Part {
        // There is one: `open` refuses to do without.
        &self.parts[0]
    }

    fn part(&self, frame: u64, address: u64) -> Result<&Part, Unreadable> {
        let found = self.parts.iter().find(|part| part.pages().contains(&frame));
        found.ok_or_else(|| match self.first().state(frame, address) {
            Err(error) => error,
            Ok(()) => Unreadable::Damaged(
                address,
                "it is in a part of the split dump that isn't here".to_owned(),
            ),
        })
    }
}

impl DumpFormat for KdumpFile {
    fn recognises(start: &[u8]) -> bool {
        start.starts_with(&disk::SIGNATURE)
    }

    fn open_files(files: Files) -> Result<KdumpFile, Refusal> {
        Ok(KdumpFile::open(files)?)
    }

    fn format(&self) -> String {
        format!("kdump-compressed, version {}", self.header().version())
    }

    fn contents(&self) -> &Contents {
        &self.contents
    }

    fn page_size(&self) -> u64 {
        self.first().page_size()
    }

    fn stated(&self) -> Stated<'_> {
        Stated {
            utsname: Some(&self.header().utsname),
            time: self.header().raw.tv_sec.get(),
            cpus: self.header().raw.nr_cpus.get(),
            level: Some(self.sub_header().dump_level),
            split: self.sub_header().split,
            without_structs: self.header().without_structs(),
        }
    }

    fn survey(&self) -> Survey {
        let held = self.held();
        let mut flaws: Vec<Flaw> = self.parts.iter().flat_map(Part::flaws).collect();
        flaws.extend(self.missing().into_iter().map(Flaw::Part));
        Survey {
            present: total(&self.ranges) / self.page_size(),
            held,
            lost: self.first().all_dumped().saturating_sub(held),
            flaws,
        }
    }
}

impl Memory for KdumpFile {
    fn read(&self, address: u64, buffer: &mut [u8]) -> Result<(), Unreadable> {
        let size = self.page_size();
        let mut done = 0;
        while let Some(rest) = buffer.get_mut(done..).filter(|it| !it.is_empty()) {
            let here = address
                .checked_add(done as u64)
                .ok_or(Unreadable::Absent(address))?;
            let inside = here % size;
            let left = usize::try_from(size - inside).unwrap_or(rest.len());
            let length = left.min(rest.len());
            let (into, _) = rest.split_at_mut(length);
            self.part(here / size, here)?
                .read(here / size, inside, into)?;
            done += length;
        }
        Ok(())
    }

    fn ranges(&self) -> &[Range<u64>] {
        &self.ranges
    }

    fn extent(&self, address: u64) -> Extent {
        let frame = address / self.page_size();
        let all_held = self.held() == self.first().all_dumped();
        let after = self.parts.partition_point(|part| part.pages().end <= frame);
        let (presence, end) = match self.parts.get(after) {
            Some(part) if part.pages().start <= frame => {
                let (presence, end) = part.presence(frame, all_held);
                (presence, end.min(part.pages().end))
            }
            // The part that it would be in isn't here.
            next => {
                let next = next.map_or(u64::MAX, |part| part.pages().start);
                match self.first().chosen(frame) {
                    Ok((Presence::Held, end)) => (Presence::Lost, end.min(next)),
                    Ok((presence, end)) => (presence, end.min(next)),
                    Err(_) => (Presence::Lost, frame + 1),
                }
            }
        };
        Extent {
            presence,
            end: end.saturating_mul(self.page_size()),
        }
    }

    fn encoded(&self) -> bool {
        true
    }
}

/// VMCOREINFO and the registers, from what the header points to.
fn understand(machine: Machine, note_bytes: &[u8], vmcoreinfo: &[u8]) -> CrashNotes {
    let mut notes = CrashNotes::parse(machine, note_bytes);
    if notes.vmcoreinfo.is_none() && !vmcoreinfo.is_empty() {
        notes.vmcoreinfo = Some(VmcoreInfo::parse(vmcoreinfo));
    }
    notes
}

#[cfg(test)]
mod tests;
