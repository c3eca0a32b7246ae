//! Whatever a dump says of itself, it is converted, and what was written reads as what was read, and is complete
//! if that is.
#![no_main]

use baton_kdump::compare::compare;
use baton_kdump::convert::{Crash, Format, Options, PageStructs, convert};
use baton_kdump::encode::Compression;
use baton_kdump::filter::{Level, OnDoubt};
use baton_kdump::write::{Output, Unobserved};
use baton_kdump::{Dump, Memory};
use libfuzzer_sys::fuzz_target;
use std::io;
use std::num::NonZeroUsize;
use std::path::Path;
use std::sync::{Arc, Mutex};

/// A file in memory.
#[derive(Default)]
struct File(Mutex<Vec<u8>>);

/// More than any of these dumps has.
const MOST: usize = 1 << 24;

impl Output for File {
    fn write_at(&self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        let start = usize::try_from(offset).unwrap();
        let end = start + bytes.len();
        if end > MOST {
            return Err(io::ErrorKind::StorageFull.into());
        }
        let mut file = self.0.lock().unwrap();
        let length = file.len().max(end);
        file.resize(length, 0);
        file[start..end].copy_from_slice(bytes);
        Ok(())
    }

    fn read_back(&self, offset: u64, buffer: &mut [u8]) -> io::Result<bool> {
        let start = usize::try_from(offset).unwrap();
        let file = self.0.lock().unwrap();
        buffer.copy_from_slice(&file[start..start + buffer.len()]);
        Ok(true)
    }

    fn begins_empty(&self) -> bool {
        true
    }
}

fuzz_target!(|input: &[u8]| {
    // The first byte says how.
    let Some((&how, file)) = input.split_first() else {
        return;
    };
    let name = Path::new("dump");
    let Ok(dump) = Dump::from_source(name, Arc::new(file.to_vec())) else {
        return;
    };
    // Of more memory than this, going through it would take all the time.
    let memory: u64 = dump.ranges().iter().map(|it| it.end - it.start).sum();
    if memory > 1 << 24 || dump.ranges().last().is_none_or(|it| it.end > 1 << 34) {
        return;
    }
    let survey = dump.survey();
    let crash = Crash {
        memory: &dump,
        machine: dump.machine(),
        segments: dump.segments(),
        notes: dump.note_bytes(),
        seconds: 1,
        whole: survey.complete(),
    };
    let options = Options {
        format: if how & 0x80 == 0 {
            Format::Kdump
        } else {
            Format::Elf
        },
        compression: if how & 0x40 == 0 {
            Compression::None
        } else {
            Compression::default()
        },
        level: Level::try_from(how & 31).unwrap(),
        on_doubt: if how & 0x20 == 0 {
            OnDoubt::Keep
        } else {
            OnDoubt::Drop
        },
        page_structs: if how & 0x1 == 0 {
            PageStructs::All
        } else {
            PageStructs::OfDumped
        },
        threads: NonZeroUsize::MIN,
        checkpoint: 1 << 16,
    };
    let output = File::default();
    let Ok(summary) = convert(&crash, &output, &options, &Unobserved) else {
        return;
    };
    let written = output.0.into_inner().unwrap();
    assert_eq!(written.len() as u64, summary.bytes);
    assert!(survey.complete() || !summary.complete);
    if options.format == Format::Kdump && dump.ranges().iter().all(|it| it.start % 4096 == 0) {
        // Of another machine or page size, a dump says so, and isn't read here.
        if let Ok(again) = Dump::from_source(name, Arc::new(written)) {
            let found = compare(&dump, &again, 4096);
            assert_eq!(found.different, 0, "{found}");
            assert_eq!(again.survey().complete(), summary.complete);
        }
    }
});
