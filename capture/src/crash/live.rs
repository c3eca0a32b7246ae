//! The crash that made the kernel start this one, read from `/proc/vmcore`.

use super::{Crash, CrashError, Facts};
use crate::dump::Dump;
use crate::periodic_sync::MAX_UNSYNCED_BYTES;
use baton_kdump::convert::{self, Options, PageStructs, Summary, convert};
use baton_kdump::dmesg::{Log, Panic, Text};
use baton_kdump::write::{Observer, Output};
use baton_kdump::{DumpFormat, KernelMemory, Memory, Source, Vmcore, VmcoreInfo};
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::thread::available_parallelism;

/// A crash whose memory can be read.
pub struct Live {
    core: Vmcore,
    log: Result<String, CrashError>,
    facts: Facts,
    options: Options,
}

impl Live {
    /// Opens the core that the kernel shows as `/proc/vmcore`, to be dumped like this.
    ///
    /// # Errors
    /// When it isn't an ELF core. Errors in its contents are reported when they are read.
    pub fn open(source: Arc<dyn Source>, dump: &Dump) -> Result<Live, CrashError> {
        let core = Vmcore::open(source)?;
        let (log, panic) = match log(&core) {
            Ok((log, panic)) => (Ok(log), panic),
            Err(error) => (Err(error), Panic::default()),
        };
        let info = core.notes().vmcoreinfo.as_ref();
        let facts = Facts {
            time: info
                .and_then(|it| it.crash_time().ok())
                .filter(|it| *it > 0),
            kernel: info.and_then(|it| it.release().ok()).map(str::to_owned),
            panic: panic.summary().map(str::to_owned),
            memory: core.ranges().iter().map(|it| it.end - it.start).sum(),
        };
        let options = Options {
            format: dump.format,
            compression: dump.compression,
            level: dump.level,
            on_doubt: dump.on_doubt,
            page_structs: PageStructs::All,
            threads: threads(),
            checkpoint: MAX_UNSYNCED_BYTES,
        };
        Ok(Live {
            core,
            log,
            facts,
            options,
        })
    }
}

fn threads() -> NonZeroUsize {
    available_parallelism().unwrap_or(NonZeroUsize::MIN)
}

fn info(core: &Vmcore) -> Result<&VmcoreInfo, CrashError> {
    let info = core.notes().vmcoreinfo.as_ref();
    info.ok_or(CrashError::NoVmcoreinfo)
}

/// The kernel log as text, and what it says about the crash.
fn log(core: &Vmcore) -> Result<(String, Panic), CrashError> {
    let info = info(core)?;
    let kernel = KernelMemory::new(core, core.machine(), info)?;
    let log = Log::open(&kernel, info)?;
    let panic = Panic::find(log.records());
    Ok((Text::new(&log).to_string(), panic))
}

impl Crash for Live {
    fn facts(&self) -> &Facts {
        &self.facts
    }

    fn log(&self) -> Result<&str, &CrashError> {
        self.log.as_ref().map(String::as_str)
    }

    fn flaws(&self) -> Vec<String> {
        let flaws = self.core.flaws().iter();
        flaws
            .map(|flaw| format!("the crashed kernel's memory isn't whole: {flaw}"))
            .collect()
    }

    fn write(&self, output: &dyn Output, observer: &dyn Observer) -> Result<Summary, CrashError> {
        let crash = convert::Crash {
            memory: &self.core,
            machine: self.core.machine(),
            segments: self.core.segments(),
            notes: self.core.note_bytes(),
            seconds: self.facts.time.unwrap_or_default(),
            whole: self.core.flaws().is_empty(),
        };
        Ok(convert(&crash, output, &self.options, observer)?)
    }
}
