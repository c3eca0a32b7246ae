//! A dump of whatever format: an ELF core, a kdump-compressed dump in one or several files, or either
//! flattened.

use crate::address_space::{AddressSpaceError, KernelMemory};
use crate::foreign::{BEGINNING, Foreign};
use crate::format::elf::{Vmcore, VmcoreError};
use crate::format::flattened::{Flattened, FlattenedError};
use crate::format::kdump::{KdumpError, KdumpFile};
use crate::machine::Machine;
use crate::memory::{Extent, Memory, Unreadable};
use crate::note::CrashNotes;
use crate::source::{self, Source, read_up_to};
use crate::survey::{Flaw, Survey};
use crate::vmcoreinfo::{VmcoreInfo, VmcoreInfoError};
use std::fmt;
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
    #[error("{0}: no dump: neither an ELF core nor a kdump-compressed dump, as one or flattened")]
    Unknown(PathBuf),
    /// It is something else that is known.
    #[error("{0}: {1}")]
    Foreign(PathBuf, Foreign),
    /// It is empty.
    #[error("{0}: an empty file")]
    Empty(PathBuf),
    /// Nothing was named.
    #[error("no file was named")]
    None,
    /// Several files, of which one isn't a part of a kdump-compressed dump.
    #[error("{0}: no part of a split dump: only kdump-compressed dumps are split")]
    Several(PathBuf),
    /// As an ELF core.
    #[error("{0}: {1}")]
    Elf(PathBuf, VmcoreError),
    /// As a kdump-compressed dump.
    #[error("{0}: {1}")]
    Kdump(PathBuf, KdumpError),
    /// As a flattened dump.
    #[error("{0}: {1}")]
    Flattened(PathBuf, FlattenedError),
}

/// How a dump is written down.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// An ELF core.
    Elf,
    /// Kdump-compressed, of this version.
    Kdump(u32),
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Format::Elf => f.write_str("ELF core"),
            Format::Kdump(version) => write!(f, "kdump-compressed, version {version}"),
        }
    }
}

enum Kind {
    Elf(Vmcore),
    Kdump(KdumpFile),
}

/// A dump.
pub struct Dump {
    kind: Kind,
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
                .map_err(|error| DumpError::Flattened(path.to_owned(), error))?;
            opened.start = read_up_to(&inner, 0, BEGINNING).map_err(failed)?;
            opened.flaw = inner.flaw().cloned();
            opened.flattened = true;
            opened.source = Arc::new(inner);
        }
        match Foreign::of(&opened.start) {
            Some(foreign) => Err(DumpError::Foreign(path.to_owned(), foreign)),
            None => Ok(opened),
        }
    }
}

/// An ELF core, if it is that of a kernel.
fn kernel_core(name: &Path, source: Arc<dyn Source>) -> Result<Vmcore, DumpError> {
    let foreign = |foreign| DumpError::Foreign(name.to_owned(), foreign);
    let told = Vmcore::foreign(&*source).map_err(|error| DumpError::Io(name.to_owned(), error))?;
    if let Some(told) = told {
        return Err(foreign(told));
    }
    let core = Vmcore::open(source).map_err(|error| DumpError::Elf(name.to_owned(), error))?;
    match core.stranger() {
        Some(stranger) => Err(foreign(stranger)),
        None => Ok(core),
    }
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

    fn understand(paths: &[PathBuf], mut files: Vec<Opened>) -> Result<Dump, DumpError> {
        let name = || paths.first().cloned().unwrap_or_default();
        let size = files.iter().map(|it| it.size).sum();
        let flattened = files.iter().any(|it| it.flattened);
        let flaws = files.iter().filter_map(|it| it.flaw.clone()).collect();
        let count = files.len();
        let other = files
            .iter()
            .position(|it| !KdumpFile::recognises(&it.start));
        let kind = match other {
            None if files.is_empty() => return Err(DumpError::None),
            None => {
                let sources = files.into_iter().map(|it| it.source).collect();
                let dump = KdumpFile::open(sources);
                Kind::Kdump(dump.map_err(|error| DumpError::Kdump(name(), error))?)
            }
            Some(index) if count > 1 => {
                let path = paths.get(index).cloned().unwrap_or_default();
                return Err(DumpError::Several(path));
            }
            Some(index) => {
                let file = files.swap_remove(index);
                if !Vmcore::recognises(&file.start) {
                    let foreign = Foreign::of_name(&name());
                    return Err(foreign.map_or(DumpError::Unknown(name()), |foreign| {
                        DumpError::Foreign(name(), foreign)
                    }));
                }
                Kind::Elf(kernel_core(&name(), file.source)?)
            }
        };
        Ok(Dump {
            kind,
            files: count,
            size,
            flattened,
            flaws,
        })
    }

    /// How it is written down.
    #[must_use]
    pub fn format(&self) -> Format {
        match &self.kind {
            Kind::Elf(_) => Format::Elf,
            Kind::Kdump(dump) => Format::Kdump(dump.header().version),
        }
    }

    /// The dump as an ELF core, if it is one.
    #[must_use]
    pub fn elf(&self) -> Option<&Vmcore> {
        match &self.kind {
            Kind::Elf(core) => Some(core),
            Kind::Kdump(_) => None,
        }
    }

    /// The dump as a kdump-compressed one, if it is one.
    #[must_use]
    pub fn kdump(&self) -> Option<&KdumpFile> {
        match &self.kind {
            Kind::Elf(_) => None,
            Kind::Kdump(dump) => Some(dump),
        }
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
        let mut survey = match &self.kind {
            Kind::Elf(core) => core.survey(),
            Kind::Kdump(dump) => dump.survey(),
        };
        survey.flaws.extend(self.flaws.iter().cloned());
        if survey.present == 0 {
            survey.flaws.push(Flaw::Empty);
        }
        survey
    }

    /// The kind of machine that crashed.
    #[must_use]
    pub fn machine(&self) -> Machine {
        match &self.kind {
            Kind::Elf(core) => core.machine(),
            Kind::Kdump(dump) => dump.machine(),
        }
    }

    /// What its notes say.
    #[must_use]
    pub fn notes(&self) -> &CrashNotes {
        match &self.kind {
            Kind::Elf(core) => core.notes(),
            Kind::Kdump(dump) => dump.notes(),
        }
    }

    /// The bytes of its notes.
    #[must_use]
    pub fn note_bytes(&self) -> &[u8] {
        match &self.kind {
            Kind::Elf(core) => core.note_bytes(),
            Kind::Kdump(dump) => dump.note_bytes(),
        }
    }

    /// What the kernel says of itself.
    pub fn vmcoreinfo(&self) -> Result<&VmcoreInfo, VmcoreInfoError> {
        let info = self.notes().vmcoreinfo.as_ref();
        info.ok_or_else(|| VmcoreInfoError::Missing("text: the dump holds none".to_owned()))
    }

    /// The kernel's release.
    #[must_use]
    pub fn release(&self) -> Option<&str> {
        let told = self.notes().vmcoreinfo.as_ref();
        let told = told.and_then(|info| info.release().ok());
        told.or_else(|| {
            let release = &self.kdump()?.header().utsname.release;
            Some(release.as_str()).filter(|it| !it.is_empty())
        })
    }

    /// When the kernel crashed (or, where only that is known, when the dump was written), in seconds
    /// since 1970.
    #[must_use]
    pub fn time(&self) -> Option<u64> {
        let told = self.notes().vmcoreinfo.as_ref();
        let told = told.and_then(|info| info.crash_time().ok());
        told.or_else(|| self.kdump().map(|dump| dump.header().time))
            .filter(|time| *time > 0)
    }

    /// The number of CPUs, as the dump's header has it or by the notes.
    #[must_use]
    pub fn cpus(&self) -> usize {
        let told = self.kdump().map_or(0, |dump| dump.header().cpus);
        let told = usize::try_from(told).unwrap_or(0);
        told.max(self.notes().cpus.len())
    }

    /// What was left out, as makedumpfile's `-d` has it; ELF cores don't tell.
    #[must_use]
    pub fn level(&self) -> Option<u32> {
        Some(self.kdump()?.sub_header().dump_level)
    }

    /// The size of a page.
    #[must_use]
    pub fn page_size(&self) -> u64 {
        match &self.kind {
            Kind::Elf(core) => core.page_size(),
            Kind::Kdump(dump) => dump.page_size(),
        }
    }

    /// Its memory by virtual address.
    pub fn kernel(&self) -> Result<KernelMemory<'_>, AddressSpaceError> {
        KernelMemory::new(self, self.machine(), self.vmcoreinfo()?)
    }
}

impl Memory for Dump {
    fn read(&self, address: u64, buffer: &mut [u8]) -> Result<(), Unreadable> {
        match &self.kind {
            Kind::Elf(core) => core.read(address, buffer),
            Kind::Kdump(dump) => dump.read(address, buffer),
        }
    }

    fn ranges(&self) -> &[Range<u64>] {
        match &self.kind {
            Kind::Elf(core) => core.ranges(),
            Kind::Kdump(dump) => dump.ranges(),
        }
    }

    fn extent(&self, address: u64) -> Extent {
        match &self.kind {
            Kind::Elf(core) => core.extent(address),
            Kind::Kdump(dump) => dump.extent(address),
        }
    }

    fn encoded(&self) -> bool {
        matches!(self.kind, Kind::Kdump(_))
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
            assert_eq!(dump.format(), Format::Elf);
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
            assert_eq!(dump.format(), Format::Kdump(6));
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
        let folder = std::env::temp_dir().join(format!("baton-dump-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let write = |name: &str, bytes: Vec<u8>| {
            let path = folder.join(name);
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
        assert!(refused(&[one, elf.clone()]).contains("elf: no part of a split dump"));
        assert!(refused(&[empty]).ends_with("empty: an empty file"));
        assert!(refused(&[text]).contains("text: no dump"));
        assert!(refused(&[folder.join("none")]).contains("none: No such file"));
        assert!(refused(std::slice::from_ref(&folder)).contains("directory"));
        assert!(refused(&[]).contains("no file"));
        std::fs::remove_dir_all(&folder).unwrap();
    }
}
