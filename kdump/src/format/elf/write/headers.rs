//! The headers of an ELF core (uapi/linux/elf.h).

use super::Load;
use crate::format::elf::Segment;
use crate::format::elf::disk::{
    EXTENDED, FileHeader, INCOMPLETE, LOAD, NOTE, ProgramHeader64, SectionHeader,
};
use crate::write::{Job, WriteError, WriteResult};
use std::mem::offset_of;
use zerocopy::little_endian::U64;
use zerocopy::{FromZeros, IntoBytes};

/// offsetof(Elf64_Ehdr, e_flags).
pub(super) const FLAGS_AT: u64 = offset_of!(FileHeader<U64>, e_flags) as u64;
/// PF_R | PF_W | PF_X, as /proc/vmcore has them.
const ALL: u32 = 7;

/// Where the parts of a core lie.
#[derive(Debug)]
pub(super) struct Headers {
    /// How many program headers there are.
    count: u64,
    /// Where the first section header is, if there is one.
    section: Option<u64>,
    notes: u64,
    /// The kernel's image by its own address, in pieces, of which the file has the bytes already.
    images: Vec<Image>,
    /// The length of the file.
    pub end: u64,
}

/// A piece of memory that a load has, too, by another address.
#[derive(Debug)]
struct Image {
    /// The load, by number.
    load: usize,
    /// The piece, with its place in the load instead of in the file.
    piece: Segment,
}

impl Headers {
    /// Gives each part its place.
    pub(super) fn place(job: &Job<'_>, loads: &mut [Load]) -> WriteResult<Headers> {
        let page_size = job.regions.page_size();
        let images: Vec<Image> = aliases(job)
            .into_iter()
            .flat_map(|segment| pieces(segment, loads, page_size))
            .collect();
        let count = 1 + loads.len() as u64 + images.len() as u64;
        let after =
            size_of::<FileHeader<U64>>() as u64 + count * size_of::<ProgramHeader64>() as u64;
        let section = (count >= EXTENDED.into()).then_some(after);
        let notes = after + section.map_or(0, |_| size_of::<SectionHeader<U64>>() as u64);
        u32::try_from(count).map_err(|_| WriteError::TooManySegments(count))?;
        let mut end = (notes + job.crash.notes.len() as u64).next_multiple_of(page_size);
        for load in loads.iter_mut() {
            load.offset = end;
            end += (load.held.end - load.held.start) * page_size;
        }
        Ok(Headers {
            count,
            section,
            notes,
            images,
            end,
        })
    }

    /// All of them, with the notes; `whole` if nobody will be told otherwise later.
    pub(super) fn bytes(&self, job: &Job<'_>, loads: &[Load], whole: bool) -> Vec<u8> {
        let mut bytes = self.file_header(job, if whole { 0 } else { INCOMPLETE });
        let notes = job.crash.notes.len() as u64;
        let mut add = |segment| bytes.extend(ProgramHeader64::from(segment).as_bytes());
        add(Segment {
            kind: NOTE,
            flags: 0,
            offset: self.notes,
            virtual_address: 0,
            physical_address: 0,
            file_size: notes,
            memory_size: notes,
        });
        for Image { load, piece } in &self.images {
            // Nowhere is nothing: crash reads headers up to the first segment's offset.
            let offset = loads.get(*load).map_or(self.end, |load| load.offset);
            add(Segment {
                offset: offset + piece.offset,
                ..*piece
            });
        }
        let page_size = job.regions.page_size();
        for load in loads {
            let start = load.held.start * page_size;
            add(Segment {
                kind: LOAD,
                flags: ALL,
                offset: load.offset,
                virtual_address: virtual_address(job.crash.segments, start),
                physical_address: start,
                file_size: (load.held.end - load.held.start) * page_size,
                memory_size: (load.end - load.held.start) * page_size,
            });
        }
        if self.section.is_some() {
            let mut header = SectionHeader::<U64>::new_zeroed();
            header
                .sh_info
                .set(u32::try_from(self.count).unwrap_or(u32::MAX));
            bytes.extend(header.as_bytes());
        }
        bytes.extend(job.crash.notes);
        // Up to where memory begins, so that a core without any is as long as it says, too.
        let page_size = usize::try_from(page_size).unwrap_or(1);
        bytes.resize(bytes.len().next_multiple_of(page_size), 0);
        bytes
    }

    fn file_header(&self, job: &Job<'_>, flags: u32) -> Vec<u8> {
        let segments = u16::try_from(self.count).unwrap_or(EXTENDED);
        let mut header = FileHeader::core(job.crash.machine, segments);
        header.e_flags = flags.into();
        if let Some(section) = self.section {
            header.e_shoff = section.into();
            header.e_shentsize = 64.into();
            header.e_shnum = 1.into();
        }
        header.as_bytes().to_vec()
    }
}

/// The virtual address of memory in the source's largest segment that has it; 0 where none is known.
fn virtual_address(segments: &[Segment], physical: u64) -> u64 {
    segments
        .iter()
        .filter(|it| it.kind == LOAD)
        .filter_map(|it| {
            let inside = physical.checked_sub(it.physical_address)?;
            (inside < it.memory_size)
                .then_some((it.memory_size, it.virtual_address.wrapping_add(inside)))
        })
        .max()
        .map_or(0, |(_, address)| address)
}

/// Segments of the source that lie within others: the kernel's image.
fn aliases<'a>(job: &Job<'a>) -> Vec<&'a Segment> {
    let loads = || job.crash.segments.iter().filter(|it| it.kind == LOAD);
    let end = |it: &Segment| it.physical_address.saturating_add(it.memory_size);
    // /proc/vmcore has one; of a source that has many segments, few can be.
    loads()
        .take(16)
        .filter(|it| {
            loads().any(|other| {
                other.memory_size > it.memory_size
                    && other.physical_address <= it.physical_address
                    && end(it) <= end(other)
            })
        })
        .collect()
}

/// The pieces of a segment that loads have, each with what follows of it that the file hasn't.
fn pieces(segment: &Segment, loads: &[Load], page_size: u64) -> Vec<Image> {
    let start = segment.physical_address;
    let end = start.saturating_add(segment.memory_size);
    let piece = |(number, load): (usize, &Load)| {
        let first = start.max(load.held.start * page_size);
        let held = end.min(load.held.end * page_size);
        let last = end.min(load.end * page_size);
        let piece = Segment {
            kind: LOAD,
            flags: ALL,
            offset: first.min(load.held.end * page_size) - load.held.start * page_size,
            virtual_address: segment.virtual_address.wrapping_add(first - start),
            physical_address: first,
            file_size: held.saturating_sub(first),
            memory_size: last.saturating_sub(first),
        };
        (first < last).then_some(Image {
            load: number,
            piece,
        })
    };
    loads.iter().enumerate().filter_map(piece).collect()
}
