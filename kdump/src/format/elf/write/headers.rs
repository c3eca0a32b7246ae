//! The headers of an ELF core (uapi/linux/elf.h).

use super::Load;
use crate::format::elf::Segment;
use crate::format::kdump::write::Subject;
use crate::write::{WriteError, WriteResult};

/// sizeof(Elf64_Ehdr), sizeof(Elf64_Phdr), sizeof(Elf64_Shdr).
const HEADER: u64 = 64;
const SEGMENT: u64 = 56;
const SECTION: u64 = 64;
/// PN_XNUM: the number of program headers is in `sh_info` of the first section header.
const EXTENDED: u64 = 0xffff;
/// offsetof(Elf64_Ehdr, e_flags).
pub(super) const FLAGS_AT: u64 = 48;
/// DUMP_ELF_INCOMPLETE of makedumpfile.c, in `e_flags`.
const INCOMPLETE: u32 = 1;
/// PT_LOAD, PT_NOTE.
const LOAD: u32 = 1;
const NOTE: u32 = 4;
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
    /// The load, by number, and how far into it the piece begins.
    load: usize,
    inside: u64,
    virtual_address: u64,
    physical_address: u64,
    held: u64,
    length: u64,
}

impl Headers {
    /// Gives each part its place.
    pub(super) fn place(subject: &Subject<'_>, loads: &mut [Load]) -> WriteResult<Headers> {
        let page_size = subject.regions.page_size();
        let images: Vec<Image> = aliases(subject)
            .into_iter()
            .flat_map(|segment| pieces(segment, loads, page_size))
            .collect();
        let count = 1 + loads.len() as u64 + images.len() as u64;
        let after = HEADER + count * SEGMENT;
        let section = (count >= EXTENDED).then_some(after);
        let notes = after + section.map_or(0, |_| SECTION);
        u32::try_from(count).map_err(|_| WriteError::TooManySegments(count))?;
        let mut end = (notes + subject.notes.len() as u64).next_multiple_of(page_size);
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
    pub(super) fn bytes(&self, subject: &Subject<'_>, loads: &[Load], whole: bool) -> Vec<u8> {
        let mut bytes = self.file_header(subject, if whole { 0 } else { INCOMPLETE });
        let notes = subject.notes.len() as u64;
        segment(&mut bytes, NOTE, 0, [self.notes, 0, 0, notes, notes, 0]);
        for image in &self.images {
            // Nowhere is nothing: crash reads headers up to the first segment's offset.
            let offset = loads.get(image.load).map_or(self.end, |load| load.offset);
            let numbers = [
                offset + image.inside,
                image.virtual_address,
                image.physical_address,
                image.held,
                image.length,
                0,
            ];
            segment(&mut bytes, LOAD, ALL, numbers);
        }
        let page_size = subject.regions.page_size();
        for load in loads {
            let start = load.held.start * page_size;
            let numbers = [
                load.offset,
                virtual_address(subject.segments, start),
                start,
                (load.held.end - load.held.start) * page_size,
                (load.end - load.held.start) * page_size,
                0,
            ];
            segment(&mut bytes, LOAD, ALL, numbers);
        }
        if self.section.is_some() {
            let mut header = [0; 64];
            if let (Ok(count), Some(place)) = (u32::try_from(self.count), header.get_mut(44..48)) {
                place.copy_from_slice(&count.to_le_bytes());
            }
            bytes.extend(header);
        }
        bytes.extend(subject.notes);
        // Up to where memory begins, so that a core without any is as long as it says, too.
        let page_size = usize::try_from(page_size).unwrap_or(1);
        bytes.resize(bytes.len().next_multiple_of(page_size), 0);
        bytes
    }

    fn file_header(&self, subject: &Subject<'_>, flags: u32) -> Vec<u8> {
        // ELFCLASS64, ELFDATA2LSB, EV_CURRENT
        let mut bytes = b"\x7fELF\x02\x01\x01".to_vec();
        bytes.resize(16, 0);
        // ET_CORE, EV_CURRENT
        bytes.extend(4u16.to_le_bytes());
        bytes.extend(subject.machine.elf().to_le_bytes());
        bytes.extend(1u32.to_le_bytes());
        let longs = [0, HEADER, self.section.unwrap_or(0)];
        bytes.extend(longs.iter().flat_map(|it| it.to_le_bytes()));
        bytes.extend(flags.to_le_bytes());
        let sections = u16::from(self.section.is_some());
        let shorts = [
            64,
            56,
            u16::try_from(self.count).unwrap_or(u16::MAX),
            64 * sections,
            sections,
            0,
        ];
        bytes.extend(shorts.iter().flat_map(|it: &u16| it.to_le_bytes()));
        bytes
    }
}

/// Elf64_Phdr: type, flags, then offset, virtual and physical address, sizes in file and memory,
/// alignment.
fn segment(bytes: &mut Vec<u8>, kind: u32, flags: u32, numbers: [u64; 6]) {
    bytes.extend(kind.to_le_bytes());
    bytes.extend(flags.to_le_bytes());
    bytes.extend(numbers.iter().flat_map(|it| it.to_le_bytes()));
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
fn aliases<'a>(subject: &Subject<'a>) -> Vec<&'a Segment> {
    let loads = || subject.segments.iter().filter(|it| it.kind == LOAD);
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
        (first < last).then(|| Image {
            load: number,
            inside: first.min(load.held.end * page_size) - load.held.start * page_size,
            virtual_address: segment.virtual_address.wrapping_add(first - start),
            physical_address: first,
            held: held.saturating_sub(first),
            length: last - first,
        })
    };
    loads.iter().enumerate().filter_map(piece).collect()
}
