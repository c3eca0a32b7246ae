//! A crash whose dump is a few bytes.

use baton_capture::crash::{Crash, CrashError, Facts, Written};
use baton_kdump::Source;
use baton_kdump::write::{Observer, Output, Phase};
use std::sync::Arc;

pub const LOG: &str = "[    1.000000] Kernel panic - not syncing: test\n";

/// 2026-11-28T17:33:33Z
pub const TIME: u64 = 1_795_887_213;

pub struct Small {
    pub facts: Facts,
    pub log: bool,
}

impl Small {
    pub fn new() -> Small {
        Small {
            facts: Facts {
                time: Some(TIME),
                kernel: Some("6.12.1".into()),
                panic: Some("Kernel panic - not syncing: test".into()),
                memory: 64 << 20,
            },
            log: true,
        }
    }

    /// What is in the dump.
    pub fn dump() -> Vec<u8> {
        (0..100_000_u32).flat_map(|it| it.to_le_bytes()).collect()
    }
}

impl Crash for Small {
    fn facts(&self) -> &Facts {
        &self.facts
    }

    fn log(&self) -> Result<String, CrashError> {
        match self.log {
            true => Ok(LOG.to_owned()),
            false => Err(CrashError::Log(
                "the kernel log can't be read: a test".into(),
            )),
        }
    }

    /// Not in order, as the real one: the header last.
    fn write(&self, output: &dyn Output, observer: &dyn Observer) -> Result<Written, CrashError> {
        let dump = Small::dump();
        observer.progress(Phase::Headers, 0, 1);
        let failed = |error: std::io::Error| CrashError::Write(error.into());
        observer.checkpoint(Phase::Headers).map_err(failed)?;
        for (number, part) in dump.chunks(10_000).enumerate().skip(1) {
            observer.progress(Phase::Pages, number as u64, 40);
            let offset = number as u64 * 10_000;
            output.write_at(offset, part).map_err(failed)?;
        }
        output.write_at(0, &dump[..10_000]).map_err(failed)?;
        Ok(Written {
            length: dump.len() as u64,
            level: 31,
            remarks: vec!["a remark".into()],
            pages_total: 1000,
            pages_written: 98,
            pages_zero: 1,
            pages_unreadable: 0,
        })
    }

    fn check(&self, dump: Arc<dyn Source>, written: &Written) -> Result<(), CrashError> {
        let mut bytes = vec![0; usize::try_from(written.length).unwrap()];
        let read = dump.read_at(0, &mut bytes);
        read.map_err(|error| CrashError::Read(error.to_string()))?;
        match bytes == Small::dump() {
            true => Ok(()),
            false => Err(CrashError::Read("page 0 can't be read".into())),
        }
    }
}
