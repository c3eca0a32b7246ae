//! ELF notes of a dump: the registers of each CPU, and VMCOREINFO.

use crate::arch::Machine;
use crate::bytes::{u32_at, u64_at};
use crate::format::elf::disk::NoteHeader;
use crate::vmcoreinfo::VmcoreInfo;
use std::ops::Range;
use zerocopy::FromBytes;

const HEADER: usize = size_of::<NoteHeader>();
/// NT_PRSTATUS of uapi/linux/elf.h, in the name of "CORE".
pub(crate) const PRSTATUS: u32 = 1;

/// Notes that end in the middle of one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the dump's notes are cut off in the one at byte {0}")]
pub struct NoteError(pub usize);

/// One note.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note<'a> {
    /// Who gave the type its meaning, without the zero at the end.
    pub name: &'a [u8],
    /// The type.
    pub kind: u32,
    /// What it says.
    pub description: &'a [u8],
    /// Where the description stands among the bytes of all notes.
    pub at: Range<usize>,
}

/// The notes in a segment, one after another; ends after the first that is cut off.
#[derive(Debug, Clone)]
pub struct Notes<'a> {
    bytes: &'a [u8],
    next: usize,
}

impl<'a> Notes<'a> {
    /// The notes in these bytes.
    #[must_use]
    pub fn new(bytes: &'a [u8]) -> Notes<'a> {
        Notes { bytes, next: 0 }
    }

    fn parse_next(&self) -> Option<(Note<'a>, usize)> {
        let start = self.next;
        let (header, _) = NoteHeader::read_from_prefix(self.bytes.get(start..)?).ok()?;
        let length = |it: u32| usize::try_from(it).ok();
        let begin = start.checked_add(HEADER)?;
        let name = begin..begin.checked_add(length(header.n_namesz.get())?)?;
        // Both are padded to four bytes, in 64-bit cores, too.
        let begin = name.end.checked_next_multiple_of(4)?;
        let at = begin..begin.checked_add(length(header.n_descsz.get())?)?;
        let description = self.bytes.get(at.clone())?;
        let name = self.bytes.get(name)?;
        let name = name.strip_suffix(&[0]).unwrap_or(name);
        let next = at.end.checked_next_multiple_of(4)?;
        let note = Note {
            name,
            kind: header.n_type.get(),
            description,
            at,
        };
        Some((note, next))
    }
}

impl<'a> Iterator for Notes<'a> {
    type Item = Result<Note<'a>, NoteError>;

    fn next(&mut self) -> Option<Self::Item> {
        let rest = self.bytes.get(self.next..)?;
        // The kernel ends each CPU's notes with an empty one (append_elf_note, kernel/crash_core.c).
        if rest.iter().take(HEADER).all(|byte| *byte == 0) {
            return None;
        }
        let start = self.next;
        match self.parse_next() {
            Some((note, next)) => {
                self.next = next;
                Some(Ok(note))
            }
            None => {
                self.next = self.bytes.len();
                Some(Err(NoteError(start)))
            }
        }
    }
}

/// Where a CPU was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CpuState {
    /// The process, or 0 for an idle CPU.
    pub pid: u32,
    /// The instruction pointer.
    pub instruction: u64,
    /// The stack pointer.
    pub stack: u64,
    /// The frame pointer.
    pub frame: u64,
}

impl CpuState {
    /// Reads `struct elf_prstatus` (include/linux/elfcore.h). On 64-bit machines `pr_pid` is at 32 and
    /// `pr_reg` at 112.
    fn parse(machine: Machine, bytes: &[u8]) -> Option<CpuState> {
        let register = |index: usize| u64_at(bytes, 112 + 8 * index);
        let registers = &machine.architecture()?.registers;
        Some(CpuState {
            pid: u32_at(bytes, 32)?,
            instruction: register(registers.instruction)?,
            stack: register(registers.stack)?,
            frame: register(registers.frame)?,
        })
    }
}

/// What is understood of a dump's notes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CrashNotes {
    /// Where each CPU was, in the order of the notes. CPUs that didn't answer have no note.
    pub cpus: Vec<CpuState>,
    /// What the kernel says of itself.
    pub vmcoreinfo: Option<VmcoreInfo>,
    /// Where the text of VMCOREINFO stands among the notes' bytes.
    pub vmcoreinfo_at: Option<Range<usize>>,
    /// Where the notes are cut off, if they are.
    pub cut_off: Option<NoteError>,
}

impl CrashNotes {
    /// Reads the notes of a machine. Those that aren't known are passed over.
    #[must_use]
    pub fn parse(machine: Machine, bytes: &[u8]) -> CrashNotes {
        let mut read = CrashNotes::default();
        for note in Notes::new(bytes) {
            match note {
                Ok(note) if note.name == b"CORE" && note.kind == PRSTATUS => {
                    read.cpus.extend(CpuState::parse(machine, note.description));
                }
                Ok(note) if note.name == b"VMCOREINFO" && read.vmcoreinfo.is_none() => {
                    read.vmcoreinfo = Some(VmcoreInfo::parse(note.description));
                    read.vmcoreinfo_at = Some(note.at);
                }
                Ok(_) => {}
                Err(error) => read.cut_off = Some(error),
            }
        }
        read
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples::{note, prstatus};

    fn sample() -> Vec<u8> {
        let mut bytes = note(b"CORE", 1, &prstatus(7, 0xffff_ffff_8100_0010));
        bytes.extend(note(b"LINUX", 0x202, b"xstate"));
        bytes.extend(note(b"CORE", 1, &prstatus(0, 0xffff_ffff_8100_0020)));
        bytes.extend(note(b"VMCOREINFO", 0, b"OSRELEASE=6.1\n"));
        bytes
    }

    #[test]
    fn the_cpus_and_vmcoreinfo_are_found_among_other_notes() {
        let bytes = sample();
        let read = CrashNotes::parse(Machine::X86_64, &bytes);
        assert_eq!(read.cut_off, None);
        let cpus: Vec<_> = read
            .cpus
            .iter()
            .map(|it| (it.pid, it.instruction))
            .collect();
        assert_eq!(
            cpus,
            [(7, 0xffff_ffff_8100_0010), (0, 0xffff_ffff_8100_0020)]
        );
        assert_eq!(read.vmcoreinfo.unwrap().release(), Ok("6.1"));
        assert_eq!(&bytes[read.vmcoreinfo_at.unwrap()], b"OSRELEASE=6.1\n");
    }

    #[test]
    fn an_empty_note_ends_them() {
        let mut bytes = sample();
        let notes = Notes::new(&bytes).count();
        bytes.extend([0; 64]);
        assert_eq!(Notes::new(&bytes).count(), notes);
        assert!(Notes::new(&bytes).all(|it| it.is_ok()));
    }

    #[test]
    fn notes_cut_off_at_any_length_give_those_before() {
        let bytes = sample();
        let whole: Vec<_> = Notes::new(&bytes).collect();
        let mut ends = vec![0];
        ends.extend(whole.iter().flatten().map(|it| it.at.end));
        for length in 0..bytes.len() {
            let cut: Vec<_> = Notes::new(&bytes[..length]).collect();
            let kept = ends.iter().filter(|end| **end <= length).count() - 1;
            assert_eq!(cut[..kept], whole[..kept], "{length} bytes");
            assert!(cut.len() <= kept + 1);
            assert!(cut[kept..].iter().all(Result::is_err), "{length} bytes");
        }
    }

    #[test]
    fn a_length_beyond_all_bounds_is_an_error() {
        for (offset, value) in [(0, u32::MAX), (4, u32::MAX), (4, 1 << 20)] {
            let mut bytes = sample();
            bytes[offset..offset + 4].copy_from_slice(&value.to_le_bytes());
            assert_eq!(Notes::new(&bytes).next(), Some(Err(NoteError(0))));
        }
    }

    #[test]
    fn an_arm64_cpu_has_its_registers_elsewhere() {
        let mut status = vec![0; 392];
        status[112 + 8 * 32..][..8].copy_from_slice(&5u64.to_le_bytes());
        status[112 + 8 * 31..][..8].copy_from_slice(&6u64.to_le_bytes());
        let read = CrashNotes::parse(Machine::Aarch64, &note(b"CORE", 1, &status));
        assert_eq!((read.cpus[0].instruction, read.cpus[0].stack), (5, 6));
    }
}
