//! ELF executables that are kernels: little-endian, x86-64 or (as some that aren't Linux) i386, by
//! their program headers alone.
//!
//! What is checked of an accepted file:
//!
//! - the header is that of an `ET_EXEC` or `ET_DYN` file of version 1, with program headers of 56
//!   bytes (32 in i386 files), 1 to [`MAX_PROGRAM_HEADERS`] of them, all in the file (so `PN_XNUM`, which hides the
//!   count in a section header, is refused);
//! - every segment's data is in the file, is no longer than the segment, and no address wraps;
//! - segments that are loaded don't overlap in physical memory; at least one is there;
//! - alignments are 0 or powers of two;
//! - the entry point lies in a loaded segment (that it is marked executable isn't asked for: Linux
//!   7's lies in one that isn't, and a kernel is entered with its own page tables);
//! - no interpreter is asked for (`PT_INTERP`): that would be a program for user space;
//! - every `PT_NOTE` segment is notes from begin to end, see [`Note`], and together they are no longer
//!   than the file;
//! - there is at most one signature note, see [`SIGNATURE_NOTE_NAME`].
//!
//! Not judged: sections (what is loaded doesn't depend on them), the target of relocations, and
//! whether the file's segments fit the machine's memory.
//!
//! # The signature note
//!
//! A signature can travel inside the file: as the descriptor of a note of name `Baton` and type 1,
//! which is a detached CMS signature in DER over the whole file **with the descriptor's bytes
//! replaced by zeros** ([`Elf::signed_parts`]). So whoever signs makes room of the right length
//! first. The note must lie in a `PT_NOTE` segment. Because its descriptor is the only part of the
//! file that the signature doesn't cover, it must not overlap the ELF header, the program headers
//! or any other segment: nothing in it can be loaded or be taken for something else.
//!
//! Sources: "System V Application Binary Interface", chapters 4 and 5; elf(5);
//! include/uapi/linux/elf.h and include/xen/interface/elfnote.h in Linux.

mod error;
mod header;
mod note;

#[cfg(test)]
mod tests;

pub use error::ElfError;
pub use note::{Note, Notes, SIGNATURE_NOTE_KIND, SIGNATURE_NOTE_NAME};

use crate::magic::Magic;
use core::ops::Range;
use header::{Header, ProgramHeader};

/// The length of the ELF header of a 64-bit file, in bytes.
pub const HEADER_LEN: usize = 64;
/// The length of a program header of a 64-bit file, in bytes.
pub const PROGRAM_HEADER_LEN: usize = 56;
/// The most program headers a file may have; Linux images have about five.
pub const MAX_PROGRAM_HEADERS: u16 = 64;
/// The longest signature in a note, in bytes.
pub const MAX_SIGNATURE_LEN: usize = 0x1_0000;

/// `p_type` of a segment that is loaded.
pub const PT_LOAD: u32 = 1;
/// `p_type` of the name of an interpreter.
pub const PT_INTERP: u32 = 3;
/// The name of notes that Linux's build leaves.
const LINUX_NOTE_NAME: &[u8] = b"Linux";

/// `p_type` of notes.
pub const PT_NOTE: u32 = 4;

/// The size of a file's addresses, and with it its machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// 32 bits: i386.
    Elf32,
    /// 64 bits: x86-64.
    Elf64,
}

/// Whether the addresses of a file are where it must lie.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ElfKind {
    /// `ET_EXEC`: linked for the addresses it states.
    Executable,
    /// `ET_DYN`: may lie elsewhere, once relocated.
    Relocatable,
}

/// A segment: a program header and its data in the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Segment<'a> {
    /// Its number in the table of program headers, from 0.
    pub index: usize,
    /// `p_type`, one of `PT_*`.
    pub kind: u32,
    /// `p_flags`: 1 executable, 2 writable, 4 readable. (Not judged.)
    pub flags: u32,
    /// `p_offset`: where its data lies in the file (of no meaning if there is none).
    pub offset: u64,
    /// `p_vaddr`, its virtual address.
    pub vaddr: u64,
    /// `p_paddr`, its physical address.
    pub paddr: u64,
    /// `p_memsz`: how many bytes it takes in memory; what `data` doesn't fill is zero.
    pub memsz: u64,
    /// `p_align`: 0, 1, or the power of two that its addresses are multiples of. (Not judged.)
    pub align: u64,
    /// Its data in the file, no longer than `memsz` if it is loaded.
    pub data: &'a [u8],
}

impl Segment<'_> {
    fn is_loaded(&self) -> bool {
        self.kind == PT_LOAD && self.memsz > 0
    }

    /// The physical address of an address that lies in the segment when it begins at `base`.
    fn physical(&self, base: u64, address: u64) -> Option<u64> {
        let into = address.checked_sub(base)?;
        (into < self.memsz)
            .then(|| self.paddr.checked_add(into))
            .flatten()
    }

    /// Where its data lies in the file.
    fn file_range(&self) -> Option<Range<usize>> {
        let begin = usize::try_from(self.offset).ok()?;
        Some(begin..begin.checked_add(self.data.len())?)
    }
}

/// An ELF file whose layout has been checked as the module says.
#[derive(Clone, Debug)]
pub struct Elf<'a> {
    file: &'a [u8],
    header: Header,
    table: &'a [u8],
    entry: u64,
    is_linux: bool,
    pvh_entry: Option<u64>,
    signature: Option<Range<usize>>,
}

impl<'a> Elf<'a> {
    /// Checks the whole layout of `file`.
    pub fn parse(file: &'a [u8]) -> Result<Self, ElfError> {
        let header = Header::parse(file)?;
        let table = header.table(file)?;
        let mut index = 0_usize;
        while let Some(raw) = ProgramHeader::nth(header.class, table, index) {
            raw.check(index, file)?;
            index = index.saturating_add(1);
        }
        let mut elf = Elf {
            file,
            entry: header.entry,
            header,
            table,
            is_linux: false,
            pvh_entry: None,
            signature: None,
        };
        elf.check_memory()?;
        elf.entry = elf.physical_entry().ok_or(ElfError::Entry(header.entry))?;
        elf.read_notes()?;
        Ok(elf)
    }

    /// Whether `file` begins as ELF does, of any kind.
    pub fn recognises(file: &[u8]) -> bool {
        Magic::Elf.begins(file)
    }

    /// The class of the core that `file` begins as, such as a dump of memory; `None` if it is no core, or not
    /// little-endian.
    pub fn core_class(file: &[u8]) -> Option<Class> {
        Class::of_core(file)
    }

    /// The size of its addresses.
    pub fn class(&self) -> Class {
        self.header.class
    }

    /// Whether it must lie where it says.
    pub fn kind(&self) -> ElfKind {
        self.header.kind
    }

    /// `e_entry` as it is in the header: mostly a virtual address, but see [`Elf::entry`].
    pub fn stated_entry(&self) -> u64 {
        self.header.entry
    }

    /// The physical address of the entry point: if a loaded segment holds the stated one as a
    /// virtual address, that segment's physical address as far in. Otherwise the stated one is
    /// physical already: Linux says `ENTRY(phys_startup_64)` (arch/x86/kernel/vmlinux.lds.S).
    pub fn entry(&self) -> u64 {
        self.entry
    }

    /// The physical address of the 32-bit entry point for virtual machines (PVH), which the note
    /// `XEN_ELFNOTE_PHYS32_ENTRY` states; it lies in a loaded segment.
    pub fn pvh_entry(&self) -> Option<u64> {
        self.pvh_entry
    }

    /// All segments, in the order of the program headers.
    pub fn all_segments(&self) -> Segments<'a> {
        Segments {
            file: self.file,
            class: self.header.class,
            table: self.table,
            index: 0,
        }
    }

    /// The segments to load (`PT_LOAD`), without empty ones.
    pub fn segments(&self) -> impl Iterator<Item = Segment<'a>> + use<'a> {
        self.all_segments().filter(Segment::is_loaded)
    }

    /// The physical memory that the segments take, from the lowest byte to the highest.
    pub fn physical_range(&self) -> Range<u64> {
        let ends =
            |segment: Segment<'_>| (segment.paddr, segment.paddr.saturating_add(segment.memsz));
        let mut segments = self.segments().map(ends);
        // `parse` has seen to it that there is one.
        let (begin, end) = segments.next().unwrap_or_default();
        segments.fold(begin..end, |range, (begin, end)| {
            range.start.min(begin)..range.end.max(end)
        })
    }

    /// The notes of all `PT_NOTE` segments.
    pub fn notes(&self) -> impl Iterator<Item = Note<'a>> + use<'a> {
        note_segments(self.all_segments())
            .flat_map(|segment| Notes::new(&segment))
            .filter_map(Result::ok)
    }

    /// Whether it is Linux: its build leaves notes of that name (`BUILD_SALT` in
    /// include/linux/build-salt.h, since 4.19).
    pub fn is_linux(&self) -> bool {
        self.is_linux
    }

    /// Where the signature note's descriptor lies in the file; `None` if there is no such note.
    pub fn signature_note(&self) -> Option<Range<usize>> {
        self.signature.clone()
    }

    /// The signature in the file: the signature note's descriptor.
    pub fn signature(&self) -> Option<&'a [u8]> {
        self.file.get(self.signature.clone()?)
    }

    /// What the signature in the file is over: slices to hash, in order, that together are as long
    /// as the file. `None` if there is no signature note.
    pub fn signed_parts(&self) -> Option<impl Iterator<Item = &'a [u8]> + Clone + use<'a>> {
        let range = self.signature.clone()?;
        let before = self.file.get(..range.start)?;
        let after = self.file.get(range.end..)?;
        Some(
            core::iter::once(before)
                .chain(zeros(range.len()))
                .chain(core::iter::once(after)),
        )
    }

    fn check_memory(&self) -> Result<(), ElfError> {
        if self.segments().next().is_none() {
            return Err(ElfError::NothingToLoad);
        }
        for segment in self.segments() {
            let overlaps = |other: &Segment<'_>| {
                let (begin, end) = (segment.paddr, segment.paddr.saturating_add(segment.memsz));
                other.paddr < end && begin < other.paddr.saturating_add(other.memsz)
            };
            let mut others = self.segments().skip_while(|s| s.index <= segment.index);
            if let Some(other) = others.find(overlaps) {
                return Err(ElfError::Overlap(segment.index, other.index));
            }
        }
        Ok(())
    }

    fn physical_entry(&self) -> Option<u64> {
        let entry = self.header.entry;
        let by_virtual = self.segments().find_map(|s| s.physical(s.vaddr, entry));
        by_virtual.or_else(|| self.segments().find_map(|s| s.physical(s.paddr, entry)))
    }

    /// Reads all notes once, and keeps what matters of them.
    fn read_notes(&mut self) -> Result<(), ElfError> {
        let (mut pvh_entry, mut signature) = (None, None);
        let mut unread = self.file.len();
        for segment in note_segments(self.all_segments()) {
            // Many segments of the same bytes would only take time.
            unread = unread
                .checked_sub(segment.data.len())
                .ok_or(ElfError::Note(segment.index))?;
            for note in Notes::new(&segment) {
                let note = note.map_err(|_| ElfError::Note(segment.index))?;
                self.is_linux |= note.name == LINUX_NOTE_NAME;
                if note.is_pvh_entry() && pvh_entry.replace(note).is_some() {
                    return Err(ElfError::PvhEntry);
                }
                if note.is_signature() && signature.replace(note).is_some() {
                    return Err(ElfError::SecondSignature);
                }
            }
        }
        if let Some(note) = pvh_entry {
            self.pvh_entry = Some(self.pvh_address(&note).ok_or(ElfError::PvhEntry)?);
        }
        if let Some(note) = signature {
            self.signature = Some(self.signature_range(&note)?);
        }
        Ok(())
    }

    /// What a note states as the PVH entry point, if that lies in a loaded segment.
    fn pvh_address(&self, note: &Note<'_>) -> Option<u64> {
        let address = note.address()?;
        let mut segments = self.segments();
        segments.find_map(|segment| segment.physical(segment.paddr, address))
    }

    /// Where a signature note's descriptor lies, if nothing else lies there.
    fn signature_range(&self, note: &Note<'_>) -> Result<Range<usize>, ElfError> {
        if !(1..=MAX_SIGNATURE_LEN).contains(&note.descriptor.len()) {
            return Err(ElfError::SignatureLength(note.descriptor.len()));
        }
        let range = note.descriptor_range();
        let overlaps = |other: &Range<usize>| other.start < range.end && range.start < other.end;
        let headers = [0..HEADER_LEN, self.header.table_range()];
        let mut others = self.all_segments().filter(|s| s.index != note.segment);
        if headers.iter().any(overlaps)
            || others.any(|other| other.file_range().is_some_and(|other| overlaps(&other)))
        {
            Err(ElfError::SignatureOverlaps)
        } else {
            Ok(range)
        }
    }
}

/// The segments of a file whose program headers have been checked, in their order.
#[derive(Clone, Debug)]
pub struct Segments<'a> {
    file: &'a [u8],
    class: Class,
    table: &'a [u8],
    index: usize,
}

impl<'a> Iterator for Segments<'a> {
    type Item = Segment<'a>;

    fn next(&mut self) -> Option<Self::Item> {
        let index = self.index;
        let raw = ProgramHeader::nth(self.class, self.table, index)?;
        self.index = index.checked_add(1)?;
        raw.segment(index, self.file)
    }
}

fn note_segments<'a>(
    segments: impl Iterator<Item = Segment<'a>>,
) -> impl Iterator<Item = Segment<'a>> {
    segments.filter(|segment| segment.kind == PT_NOTE)
}

/// So many zeros, as slices.
fn zeros<'a>(len: usize) -> impl Iterator<Item = &'a [u8]> + Clone {
    static ZEROS: [u8; 64] = [0; 64];
    let whole = core::iter::repeat_n(&ZEROS[..], len.checked_div(ZEROS.len()).unwrap_or_default());
    let rest = len.checked_rem(ZEROS.len()).unwrap_or_default();
    whole.chain(core::iter::once(ZEROS.get(..rest).unwrap_or_default()))
}
