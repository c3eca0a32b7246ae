//! A dump of whatever format: an ELF core, a kdump-compressed dump in one or several files, or either
//! flattened.

use crate::address_space::{AddressSpaceError, KernelMemory};
use crate::arch::Machine;
use crate::foreign::{BEGINNING, Foreign};
use crate::format::elf::Segment;
use crate::format::flattened::Flattened;
use crate::format::{DumpFormat, READERS, Reader, Refusal, Stated};
use crate::memory::{Extent, Memory, Unreadable};
use crate::note::CrashNotes;
use crate::source::{self, Source, read_up_to};
use crate::survey::{Flaw, Survey};
use crate::vmcoreinfo::{VmcoreInfo, VmcoreInfoError};
use baton_formats::elf::Elf;
use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Why a dump can't be opened.
#[derive(Debug, thiserror::Error)]
pub enum DumpError {
    /// A file can't be read.
    #[error("{0}: {1}")]
    Io(PathBuf, io::Error),
    /// It is nothing that is known here.
    #[error("{0}: not a dump: neither an ELF core nor a kdump-compressed dump, flattened or not")]
    Unknown(PathBuf),
    /// It is empty.
    #[error("{0}: an empty file")]
    Empty(PathBuf),
    /// Nothing was named.
    #[error("no file was named")]
    None,
    /// Several files, of which one isn't a part of a kdump-compressed dump.
    #[error("{0}: not a part of a split dump: only kdump-compressed dumps can be split")]
    Several(PathBuf),
    /// It can't be read as what it begins as, or isn't read here.
    #[error("{0}: {1}")]
    Refused(PathBuf, Refusal),
}

/// A dump.
pub struct Dump {
    inner: Box<dyn DumpFormat>,
    files: usize,
    size: u64,
    flattened: bool,
    /// What is wrong with it as a flattened one.
    flaws: Vec<Flaw>,
}

/// A file of a dump, unflattened.
struct Opened {
    source: Arc<dyn Source>,
    start: Vec<u8>,
    size: u64,
    flattened: bool,
    flaw: Option<Flaw>,
}

impl Opened {
    fn open(path: &Path) -> Result<Opened, DumpError> {
        let file = source::open(path).map_err(|error| DumpError::Io(path.to_owned(), error))?;
        Opened::of(path, Arc::new(file))
    }

    fn of(path: &Path, source: Arc<dyn Source>) -> Result<Opened, DumpError> {
        let failed = |error| DumpError::Io(path.to_owned(), error);
        let size = source.size().map_err(failed)?;
        if size == 0 {
            return Err(DumpError::Empty(path.to_owned()));
        }
        let mut opened = Opened {
            start: read_up_to(&*source, 0, BEGINNING).map_err(failed)?,
            source,
            size,
            flattened: false,
            flaw: None,
        };
        if Flattened::recognises(&opened.start) {
            let inner = Flattened::open(opened.source)
                .map_err(|error| DumpError::Refused(path.to_owned(), error.into()))?;
            opened.start = read_up_to(&inner, 0, BEGINNING).map_err(failed)?;
            opened.flaw = inner.flaw().cloned();
            opened.flattened = true;
            opened.source = Arc::new(inner);
        }
        match Foreign::of(&opened.start) {
            Some(foreign) => Err(DumpError::Refused(path.to_owned(), foreign.into())),
            None => Ok(opened),
        }
    }
}

/// The format that all files are of.
fn reader(paths: &[PathBuf], files: &[Opened]) -> Result<&'static Reader, DumpError> {
    let stranger = |reader: &&Reader| {
        let mut files = files.iter();
        files.position(|it| !(reader.recognises)(&it.start))
    };
    let possible = || READERS.iter().filter(|it| it.splits || files.len() == 1);
    if let Some(reader) = possible().find(|it| stranger(it).is_none()) {
        return Ok(reader);
    }
    let index = possible().filter_map(|it| stranger(&it)).max();
    let path = paths.get(index.unwrap_or(0)).cloned().unwrap_or_default();
    Err(match Foreign::of_name(&path) {
        _ if files.len() > 1 => DumpError::Several(path),
        Some(foreign) => DumpError::Refused(path, foreign.into()),
        None => DumpError::Unknown(path),
    })
}

impl Dump {
    /// Opens a dump: one file, or all parts of a split one.
    pub fn open(paths: &[PathBuf]) -> Result<Dump, DumpError> {
        let mut opened = Vec::new();
        for path in paths {
            opened.push(Opened::open(path)?);
        }
        Dump::understand(paths, opened)
    }

    /// Opens what stands in a source; errors call it by `name`.
    pub fn from_source(name: &Path, source: Arc<dyn Source>) -> Result<Dump, DumpError> {
        let opened = Opened::of(name, source)?;
        Dump::understand(&[name.to_owned()], vec![opened])
    }

    fn understand(paths: &[PathBuf], files: Vec<Opened>) -> Result<Dump, DumpError> {
        let name = paths.first().ok_or(DumpError::None)?;
        let open = reader(paths, &files)?.open;
        let size = files.iter().map(|it| it.size).sum();
        let flattened = files.iter().any(|it| it.flattened);
        let flaws = files.iter().filter_map(|it| it.flaw.clone()).collect();
        let count = files.len();
        let sources = files.into_iter().map(|it| it.source).collect();
        let refused = |refusal: Refusal| match refusal.downcast() {
            Ok(error) => DumpError::Io(name.clone(), *error),
            Err(refusal) => DumpError::Refused(name.clone(), refusal),
        };
        Ok(Dump {
            inner: open(sources).map_err(refused)?,
            files: count,
            size,
            flattened,
            flaws,
        })
    }

    /// Whether a file that begins so may be a dump: of ELF files, only cores are. The first 18 bytes tell.
    #[must_use]
    pub fn recognises(start: &[u8]) -> bool {
        let is_other_elf = Elf::recognises(start) && Elf::core_class(start).is_none();
        let is_read = |reader: &Reader| (reader.recognises)(start);
        Flattened::recognises(start) || (!is_other_elf && READERS.iter().any(is_read))
    }

    /// How it is written down, for a person.
    #[must_use]
    pub fn format(&self) -> String {
        self.inner.format()
    }

    /// What its header states.
    #[must_use]
    pub fn stated(&self) -> Stated<'_> {
        self.inner.stated()
    }

    /// The program headers of an ELF core; none of others.
    #[must_use]
    pub fn segments(&self) -> &[Segment] {
        self.inner.segments()
    }

    /// Whether it is flattened.
    #[must_use]
    pub fn flattened(&self) -> bool {
        self.flattened
    }

    /// In how many files it is.
    #[must_use]
    pub fn files(&self) -> usize {
        self.files
    }

    /// How large its files are together, in bytes.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.size
    }

    /// What there is of it: the one answer to whether it is complete.
    #[must_use]
    pub fn survey(&self) -> Survey {
        let mut survey = self.inner.survey();
        survey.flaws.extend(self.flaws.iter().cloned());
        if survey.present == 0 {
            survey.flaws.push(Flaw::Empty);
        }
        survey
    }

    /// The kind of machine that crashed.
    #[must_use]
    pub fn machine(&self) -> Machine {
        self.inner.machine()
    }

    /// What its notes say.
    #[must_use]
    pub fn notes(&self) -> &CrashNotes {
        self.inner.notes()
    }

    /// The bytes of its notes.
    #[must_use]
    pub fn note_bytes(&self) -> &[u8] {
        self.inner.note_bytes()
    }

    /// What the kernel says of itself.
    pub fn vmcoreinfo(&self) -> Result<&VmcoreInfo, VmcoreInfoError> {
        let info = self.notes().vmcoreinfo.as_ref();
        info.ok_or_else(|| VmcoreInfoError::Missing("text: the dump holds none".to_owned()))
    }

    /// The kernel's release.
    #[must_use]
    pub fn release(&self) -> Option<&str> {
        let info = self.notes().vmcoreinfo.as_ref();
        let stated = || self.stated().utsname.map(|it| it.release.as_str());
        info.and_then(|info| info.release().ok())
            .or_else(|| stated().filter(|it| !it.is_empty()))
    }

    /// When the kernel crashed (or, where only that is known, when the dump was written), in seconds
    /// since 1970.
    #[must_use]
    pub fn time(&self) -> Option<u64> {
        let info = self.notes().vmcoreinfo.as_ref();
        let time = info.and_then(|info| info.crash_time().ok());
        Some(time.unwrap_or(self.stated().time)).filter(|time| *time > 0)
    }

    /// The number of CPUs, as the dump's header has it or by the notes.
    #[must_use]
    pub fn cpus(&self) -> usize {
        let stated = usize::try_from(self.stated().cpus).unwrap_or(0);
        stated.max(self.notes().cpus.len())
    }

    /// What was left out, as makedumpfile's `-d` has it; ELF cores don't tell.
    #[must_use]
    pub fn level(&self) -> Option<u32> {
        self.stated().level
    }

    /// The size of a page.
    #[must_use]
    pub fn page_size(&self) -> u64 {
        self.inner.page_size()
    }

    /// Its memory by virtual address.
    pub fn kernel(&self) -> Result<KernelMemory<'_>, AddressSpaceError> {
        KernelMemory::new(self, self.machine(), self.vmcoreinfo()?)
    }
}

impl Memory for Dump {
    fn read(&self, address: u64, buffer: &mut [u8]) -> Result<(), Unreadable> {
        self.inner.read(address, buffer)
    }

    fn ranges(&self) -> &[Range<u64>] {
        self.inner.ranges()
    }

    fn extent(&self, address: u64) -> Extent {
        self.inner.extent(address)
    }

    fn encoded(&self) -> bool {
        self.inner.encoded()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dmesg::{Log, Text};
    use crate::samples::flattened;
    use crate::samples::kdump::{KdumpSample, content};
    use crate::samples::log::LogSample;

    fn open(bytes: Vec<u8>) -> Result<Dump, DumpError> {
        Dump::from_source(Path::new("dump"), Arc::new(bytes))
    }

    #[test]
    fn an_elf_core_tells_its_log() {
        let mut sample = LogSample::new();
        sample.push("hello");
        for bytes in [sample.core(), flattened(&[(0, &sample.core())])] {
            let dump = open(bytes).unwrap();
            assert_eq!(dump.format(), "ELF core");
            assert_eq!(dump.release(), Some("6.12.1-sample"));
            assert_eq!(dump.time(), Some(1_700_000_000));
            let survey = dump.survey();
            assert_eq!((dump.level(), survey.present, survey.held), (None, 8, 8));
            assert!(dump.survey().complete());
            let kernel = dump.kernel().unwrap();
            let log = Log::open(&kernel, dump.vmcoreinfo().unwrap()).unwrap();
            assert_eq!(Text::new(&log).to_string(), "[    0.000000] hello\n");
        }
    }

    #[test]
    fn a_kdump_is_read_flattened_or_not() {
        let bytes = KdumpSample::new().build();
        let (head, tail) = bytes.split_at(9000);
        let flat = flattened(&[(9000, tail), (0, head)]);
        for (bytes, is_flat) in [(bytes.clone(), false), (flat.clone(), true)] {
            let dump = open(bytes).unwrap();
            assert_eq!(dump.format(), "kdump-compressed, version 6");
            assert_eq!(dump.flattened(), is_flat);
            assert_eq!(dump.release(), Some("6.12.1-sample"));
            let survey = dump.survey();
            assert_eq!(
                (dump.level(), survey.present, survey.held),
                (Some(31), 8, 6)
            );
            let mut page = vec![0; 4096];
            dump.read(8 * 4096, &mut page).unwrap();
            assert_eq!(page, content(8));
            assert!(dump.survey().complete());
        }
        let unended = flat[..flat.len() - 16].to_vec();
        assert!(!open(unended).unwrap().survey().complete());
    }

    #[test]
    fn a_dump_without_memory_is_not_complete() {
        let elf = open(crate::samples::core(b"", &[])).unwrap();
        assert_eq!(elf.survey().flaws, [Flaw::Empty]);
        let kdump = KdumpSample {
            pages: Vec::new(),
            ..KdumpSample::new()
        };
        assert_eq!(open(kdump.build()).unwrap().survey().flaws, [Flaw::Empty]);
    }

    #[test]
    fn parts_are_opened_together_and_strangers_refused() {
        let scratch = tempfile::tempdir().unwrap();
        let directory = scratch.path().to_owned();
        let write = |name: &str, bytes: Vec<u8>| {
            let path = directory.join(name);
            std::fs::write(&path, bytes).unwrap();
            path
        };
        let part = |part| {
            KdumpSample {
                part: Some(part),
                ..KdumpSample::new()
            }
            .build()
        };
        let (one, two) = (write("1", part(0..5)), write("2", part(5..11)));
        let elf = write("elf", LogSample::new().core());
        let empty = write("empty", Vec::new());
        let text = write("text", b"no dump at all".to_vec());
        let dump = Dump::open(&[two.clone(), one.clone()]).unwrap();
        assert!(dump.survey().complete());
        assert_eq!(dump.files(), 2);
        let alone = Dump::open(std::slice::from_ref(&one)).unwrap().survey();
        assert_eq!((alone.held, alone.lost), (3, 3));
        assert_eq!(alone.flaws, [Flaw::Part(5..11)]);
        let refused = |paths: &[PathBuf]| Dump::open(paths).err().unwrap().to_string();
        assert!(refused(&[one, elf.clone()]).contains("elf: not a part of a split dump"));
        assert!(refused(&[empty]).ends_with("empty: an empty file"));
        assert!(refused(&[text]).contains("text: not a dump"));
        assert!(refused(&[directory.join("none")]).contains("none: No such file"));
        assert!(refused(std::slice::from_ref(&directory)).contains("directory"));
        assert!(refused(&[]).contains("no file"));
    }
}
