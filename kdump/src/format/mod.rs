//! The formats of dumps, each in a directory of its own: what reads it and what writes it. One that is added to be read
//! is a [`DumpFormat`], and a row in the table at the end of this file.

pub mod elf;
pub mod flattened;
pub mod kdump;

use crate::arch::Machine;
use crate::memory::Memory;
use crate::note::CrashNotes;
use crate::source::Source;
use crate::survey::Survey;
use crate::utsname::Utsname;
use elf::Segment;
use std::error::Error;
use std::sync::Arc;

/// Why files aren't read as a dump of some format.
pub type Refusal = Box<dyn Error + Send + Sync>;

/// The files of a dump, unflattened.
pub type Files = Vec<Arc<dyn Source>>;

/// An opened dump of some format: its memory, and what else is in it.
pub trait DumpFormat: Memory {
    /// Whether a file that begins so may be one.
    fn recognises(start: &[u8]) -> bool
    where
        Self: Sized;

    /// Opens a dump of one file, or all parts of a split one.
    fn open_files(files: Files) -> Result<Self, Refusal>
    where
        Self: Sized;

    /// The format's name, with its version.
    fn format(&self) -> String;

    /// What is in it besides memory.
    fn contents(&self) -> &Contents;

    /// The size of a page.
    fn page_size(&self) -> u64;

    /// What there is of it, as far as that is known without decoding its pages.
    fn survey(&self) -> Survey;

    /// What its header states.
    fn stated(&self) -> Stated<'_> {
        Stated::default()
    }

    /// The program headers of an ELF core as they stand there; none of others.
    fn segments(&self) -> &[Segment] {
        &[]
    }

    /// The kind of machine that crashed.
    fn machine(&self) -> Machine {
        self.contents().machine
    }

    /// What the notes say.
    fn notes(&self) -> &CrashNotes {
        &self.contents().notes
    }

    /// The bytes of all notes.
    fn note_bytes(&self) -> &[u8] {
        &self.contents().note_bytes
    }
}

/// What is in a dump besides memory.
pub struct Contents {
    /// The kind of machine that crashed.
    pub machine: Machine,
    /// What the notes say.
    pub notes: CrashNotes,
    /// Their bytes.
    pub note_bytes: Vec<u8>,
}

/// What a dump's header states, where the format has room for it.
#[derive(Debug, Clone, Copy, Default)]
pub struct Stated<'a> {
    /// What `uname` said of the machine.
    pub utsname: Option<&'a Utsname>,
    /// When the dump was written, in seconds since 1970; or 0.
    pub time: u64,
    /// The number of CPUs; or 0.
    pub cpus: u32,
    /// What was left out, as makedumpfile's `-d` has it.
    pub level: Option<u32>,
    /// Whether it is a part of a split dump.
    pub split: bool,
    /// Whether page structures that describe only pages that are left out may be left out, too.
    pub without_structs: bool,
}

/// A format, as far as it is known before a dump is opened.
pub(crate) struct Reader {
    pub recognises: fn(&[u8]) -> bool,
    pub open: fn(Files) -> Result<Box<dyn DumpFormat>, Refusal>,
    /// Whether there are dumps of several files.
    pub splits: bool,
}

impl Reader {
    const fn of<F: DumpFormat + 'static>(splits: bool) -> Reader {
        Reader {
            recognises: F::recognises,
            open: |files| Ok(Box::new(F::open_files(files)?)),
            splits,
        }
    }
}

/// All formats that are read.
pub(crate) static READERS: [Reader; 2] = [
    Reader::of::<kdump::KdumpFile>(true),
    Reader::of::<elf::Vmcore>(false),
];
