//! The crash that this kernel was started by.

use super::{Crash, CrashError, Facts, check};
use crate::config::Plan;
use crate::steady::MOST_UNSAFE;
use baton_kdump::convert::{self, Options, Summary, convert};
use baton_kdump::dmesg::{Log, Text};
use baton_kdump::write::{Observer, Output};
use baton_kdump::{KernelMemory, Memory, Source, Vmcore, VmcoreInfo};
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::thread::available_parallelism;

/// What a line of a panic begins with, after the time (panic, kernel/panic.c).
const PANIC: &str = "Kernel panic - not syncing: ";

/// A crash whose memory can be read.
pub struct Live {
    core: Vmcore,
    log: Result<String, CrashError>,
    facts: Facts,
    options: Options,
}

impl Live {
    /// Of what the kernel shows in `/proc/vmcore`, to be written as planned.
    ///
    /// # Errors
    /// When it isn't an ELF core. What is wrong with its contents comes out later.
    pub fn open(source: Arc<dyn Source>, plan: &Plan) -> Result<Live, CrashError> {
        let core = Vmcore::open(source)?;
        let log = log(&core);
        let info = core.notes().vmcoreinfo.as_ref();
        let facts = Facts {
            time: info
                .and_then(|it| it.crash_time().ok())
                .filter(|it| *it > 0),
            kernel: info.and_then(|it| it.release().ok()).map(str::to_owned),
            panic: log.as_ref().ok().and_then(|log| panic(log)),
            memory: core.ranges().iter().map(|it| it.end - it.start).sum(),
        };
        let options = Options {
            format: plan.format,
            compression: plan.compression,
            level: plan.level,
            threads: threads(),
            checkpoint: MOST_UNSAFE,
        };
        Ok(Live {
            core,
            log,
            facts,
            options,
        })
    }
}

pub(super) fn threads() -> NonZeroUsize {
    available_parallelism().unwrap_or(NonZeroUsize::MIN)
}

fn info(core: &Vmcore) -> Result<&VmcoreInfo, CrashError> {
    let info = core.notes().vmcoreinfo.as_ref();
    info.ok_or(CrashError::NoVmcoreinfo)
}

fn log(core: &Vmcore) -> Result<String, CrashError> {
    let info = info(core)?;
    let kernel = KernelMemory::new(core, core.machine(), info)?;
    let log = Log::open(&kernel, info)?;
    Ok(Text::new(&log).to_string())
}

/// The message of the first panic: others follow from it.
fn panic(log: &str) -> Option<String> {
    let message = |line: &str| Some(line.split_once("] ")?.1.strip_prefix(PANIC)?.to_owned());
    log.lines().find_map(message)
}

impl Crash for Live {
    fn facts(&self) -> &Facts {
        &self.facts
    }

    fn log(&self) -> Result<&str, &CrashError> {
        self.log.as_deref()
    }

    fn write(&self, output: &dyn Output, observer: &dyn Observer) -> Result<Summary, CrashError> {
        let crash = convert::Crash {
            memory: &self.core,
            machine: self.core.machine(),
            segments: self.core.segments(),
            notes: self.core.note_bytes(),
            seconds: self.facts.time.unwrap_or_default(),
        };
        Ok(convert(&crash, output, &self.options, observer)?)
    }

    fn check(&self, dump: Arc<dyn Source>, written: &Summary) -> Result<(), CrashError> {
        check(dump, written)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_panic_is_the_one_that_is_told() {
        let log = "[    0.1] Kernel panic? no\n[    1.0] Kernel panic - not syncing: one\n\
            [    1.1] Kernel panic - not syncing: two\n";
        assert_eq!(panic(log).as_deref(), Some("one"));
        assert_eq!(panic("[    0.1] all is well\n"), None);
    }
}
