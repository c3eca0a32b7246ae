//! A crash whose dump is a few bytes.

use baton_capture::crash::{Crash, CrashError, Facts};
use baton_kdump::convert::{Format, Pages, Summary, Times};
use baton_kdump::encode::Compression;
use baton_kdump::filter::{Counts, Level, OnDoubt, Warning};
use baton_kdump::write::{Observer, Output, Phase};

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
        let numbers = (0..100_000_u32).flat_map(|it| it.to_le_bytes());
        let mut dump: Vec<u8> = numbers.collect();
        dump[..8].copy_from_slice(b"KDUMP   ");
        dump
    }
}

impl Crash for Small {
    fn facts(&self) -> &Facts {
        &self.facts
    }

    fn log(&self) -> Result<&str, &CrashError> {
        if self.log {
            Ok(LOG)
        } else {
            Err(&CrashError::NoVmcoreinfo)
        }
    }

    /// Not in order, as the real one: the header last.
    fn write(&self, output: &dyn Output, observer: &dyn Observer) -> Result<Summary, CrashError> {
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
        Ok(Summary {
            format: Format::Kdump,
            compression: Compression::Zstd(1),
            level_asked: level(31),
            level: level(15),
            on_doubt: OnDoubt::Keep,
            page_structs: Default::default(),
            warnings: vec![Warning::TooManyFree {
                found: 2,
                counted: 1,
            }],
            complete: true,
            pages: Pages {
                present: 1000,
                dumped: 98,
                ..Pages::default()
            },
            excluded: Counts::default(),
            bytes: dump.len() as u64,
            seconds: Times::default(),
        })
    }
}

fn level(number: u8) -> Level {
    Level::try_from(number).unwrap()
}
