mod ahead;
mod damage;
mod doubt;
mod equal;
mod high;
mod kept;
mod machines;
mod parts;
mod structs;

use self::kept::Kept;
use super::*;
use crate::Dump;
use crate::bits::{Bits, REGION};
use crate::compare::compare;
use crate::filter::Warning;
use crate::format::flattened::FlattenedWriter;
use crate::memory::{Extent, Presence, Unreadable};
use crate::samples::pages::{IMAGE, LRU, POISON, PageSample, Release};
use crate::write::Unobserved;
use std::io;
use std::ops::Range;
use std::path::Path;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};

/// A machine with a few pages of everything; most of its memory is zeros.
fn machine() -> PageSample {
    let mut sample = PageSample::new(Release::V6_12, 2);
    for page in 0x4000..0x4100u64 {
        let mut bytes: Vec<u8> = (0..4096u32).map(|it| (it / 97).to_le_bytes()[0]).collect();
        if page % 3 == 0 {
            let mut state = page;
            bytes.fill_with(|| {
                state = state.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(1);
                state.to_be_bytes()[0]
            });
        }
        sample.bytes(page * 4096, &bytes);
    }
    sample.flags(0x4001, LRU);
    sample.flags(0x4003, POISON);
    sample.free(0x4010, 4);
    sample
}

fn options(compression: &str, level: u8, threads: usize) -> Options {
    Options {
        format: Format::Kdump,
        compression: compression.parse().unwrap(),
        level: level.try_into().unwrap(),
        on_doubt: OnDoubt::Keep,
        page_structs: Default::default(),
        threads: threads.try_into().unwrap(),
        checkpoint: 1 << 20,
    }
}

fn written(memory: &dyn Memory, notes: &[u8], options: &Options, output: &dyn Output) -> Summary {
    let crash = Crash {
        memory,
        machine: Machine::X86_64,
        segments: &[],
        notes,
        seconds: 77,
        whole: true,
    };
    convert(&crash, output, options, &Unobserved).unwrap()
}

fn opened(bytes: Vec<u8>) -> Dump {
    Dump::from_source(Path::new("dump"), Arc::new(bytes)).unwrap()
}

fn left_out(dump: &dyn Memory, page: u64) -> bool {
    let read = dump.read(page * 4096, &mut [0; 4096]);
    matches!(read, Err(Unreadable::Excluded(_)))
}

/// The part of a machine in which something is, so that all of it is soon gone through.
struct Window<'a>(&'a PageSample, [Range<u64>; 2]);

impl<'a> Window<'a> {
    fn of(sample: &'a PageSample) -> Window<'a> {
        Window(sample, [0x10_0000..0x12_0000, 0x400_0000..0x410_0000])
    }
}

impl Memory for Window<'_> {
    fn read(&self, address: u64, buffer: &mut [u8]) -> Result<(), Unreadable> {
        self.0.read(address, buffer)
    }

    fn ranges(&self) -> &[Range<u64>] {
        &self.1
    }
}

#[test]
fn a_dump_reads_as_the_memory_it_was_made_of() {
    let whole = machine();
    let sample = Window::of(&whole);
    for compression in ["zstd", "zstd:1", "zlib", "none"] {
        for threads in [1, 3] {
            for readable in [true, false] {
                let output = Kept::new(0, readable);
                let options = options(compression, 31, threads);
                let summary = written(&sample, &whole.notes(), &options, &output);
                let dump = opened(output.file());
                assert!(dump.survey().complete());
                assert_eq!(dump.level(), Some(31));
                assert_eq!(dump.release(), Some("sample"));
                assert_eq!(dump.time(), Some(77));
                assert_eq!(dump.note_bytes(), whole.notes());
                assert_eq!(dump.ranges(), sample.ranges());
                let found = compare(&sample, &dump, 4096);
                assert_eq!(found.first, None, "{compression}, {threads} threads");
                assert_eq!(found.left_out, 1 + 1 + 16);
                assert_eq!(found.same, summary.pages.dumped);
                assert_eq!(summary.pages.present, 0x120);
                assert_eq!(summary.warnings, []);
                for page in [0x4001, 0x4003, 0x4010, 0x401f] {
                    assert!(left_out(&dump, page), "{page:#x}");
                }
            }
        }
    }
}

#[test]
fn what_memory_was_used_for_is_told_from_a_dump_that_lacks_most_of_it() {
    let sample = machine();
    let output = Kept::new(0, true);
    let summary = written(&sample, &sample.notes(), &options("none", 31, 1), &output);
    let dump = opened(output.file());
    let uses = crate::uses::of(&dump, NonZeroUsize::MIN).unwrap();
    assert_eq!(uses.pages, summary.pages.present);
    assert_eq!(uses.counts, summary.excluded);
    assert_eq!((uses.counts.cache, uses.counts.free), (1, 16));
    assert_eq!(uses.kernel(), uses.pages - uses.unknown - 18);
}

#[test]
fn zeros_take_no_room_at_any_level() {
    let sample = PageSample::new(Release::V6_12, 1);
    for level in [0, 1] {
        let output = Kept::new(0, true);
        let summary = written(
            &sample,
            &sample.notes(),
            &options("zstd", level, 1),
            &output,
        );
        assert!(summary.pages.zero > 30_000);
        // A descriptor for each page, and the `struct page`s.
        assert!(
            summary.bytes < (0x8000 * 24) + (1 << 18),
            "{}",
            summary.bytes
        );
        assert_eq!(summary.bytes, output.file().len() as u64);
        // What a thread holds back is bounded, however many zeros follow one another.
        assert!(output.longest() <= 1 << 18, "{}", output.longest());
    }
}

#[test]
fn without_vmcoreinfo_all_is_kept_and_said() {
    let whole = machine();
    let sample = Window::of(&whole);
    let output = Kept::new(0, true);
    let summary = written(&sample, b"", &options("zstd", 31, 2), &output);
    assert!(matches!(summary.warnings[..], [Warning::NoMap { .. }]));
    assert_eq!(u8::from(summary.level), 1);
    assert_eq!(summary.pages.dumped, summary.pages.present);
    let found = compare(&sample, &opened(output.file()), 4096);
    assert_eq!((found.left_out, found.first), (0, None));
}

#[test]
fn a_dump_cut_off_after_any_write_gives_what_was_written() {
    let whole = machine();
    let sample = Window::of(&whole);
    for before in [0, 0xff] {
        for threads in [1, 3] {
            let output = Kept::new(before, true);
            let options = options("zstd", 31, threads);
            written(&sample, &whole.notes(), &options, &output);
            let mut known = 0;
            for count in 0..output.count() {
                let bytes = output.after(count);
                let dump = Dump::from_source(Path::new("dump"), Arc::new(bytes));
                let Ok(dump) = dump else {
                    // The bitmaps come before any page.
                    assert_eq!(known, 0, "{count} writes");
                    continue;
                };
                assert!(!dump.survey().complete(), "{count} writes");
                let found = compare(&sample, &dump, 4096);
                assert_eq!(found.different, 0, "{count} writes: {found}");
                assert!(found.same >= known, "{count} writes");
                known = found.same;
            }
            assert!(known > 0);
        }
    }
}

#[test]
fn an_old_dump_on_a_device_shows_nowhere() {
    let whole = machine();
    let sample = Window::of(&whole);
    let output = Kept::new(0xff, true);
    written(&sample, &whole.notes(), &options("zlib", 0, 2), &output);
    let found = compare(&sample, &opened(output.file()), 4096);
    assert_eq!((found.first, found.unreadable), (None, 0));
}

#[test]
fn an_old_dump_on_a_device_never_passes_for_the_new_one() {
    let whole = machine();
    let mut other = machine();
    for page in 0x4000..0x4100u64 {
        other.bytes(page * 4096, &[page.to_le_bytes()[0]; 4096]);
    }
    let old = Kept::new(0xff, true);
    written(
        &Window::of(&other),
        &whole.notes(),
        &options("zstd", 31, 1),
        &old,
    );
    let new = Kept {
        under: old.file(),
        ..Kept::new(0xff, true)
    };
    let sample = Window::of(&whole);
    written(&sample, &whole.notes(), &options("zstd", 31, 1), &new);
    let mut opened = 0;
    for count in 1..new.count() {
        let source = Arc::new(new.after(count));
        if let Ok(dump) = Dump::from_source(Path::new("dump"), source) {
            opened += 1;
            assert!(!dump.survey().complete(), "{count} writes");
            let found = compare(&sample, &dump, 4096);
            assert_eq!(found.different, 0, "{count} writes: {found}");
        }
    }
    assert!(opened > 5);
}

#[test]
fn a_flattened_dump_is_the_same_dump() {
    let whole = machine();
    let sample = Window::of(&whole);
    let stream = FlattenedWriter::begin(Vec::new()).unwrap();
    written(&sample, &whole.notes(), &options("zstd", 31, 2), &stream);
    let bytes = stream.finish().unwrap();
    let dump = opened(bytes.clone());
    assert!(dump.flattened() && dump.survey().complete());
    assert_eq!(compare(&sample, &dump, 4096).first, None);
    // One without its end isn't whole, whatever stands in its header.
    assert!(
        !opened(bytes[..bytes.len() - 16].to_vec())
            .survey()
            .complete(),
    );
}

/// Fails if a byte is written twice.
#[derive(Default)]
struct Once(Mutex<Vec<Range<u64>>>);

impl Output for Once {
    fn write_at(&self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        let new = offset..offset + bytes.len() as u64;
        let mut written = self.0.lock().unwrap();
        let twice = written
            .iter()
            .find(|it| it.start < new.end && new.start < it.end);
        assert_eq!(twice, None, "{new:?}");
        written.push(new);
        Ok(())
    }

    fn read_back(&self, _: u64, _: &mut [u8]) -> io::Result<bool> {
        Ok(false)
    }

    fn begins_empty(&self) -> bool {
        true
    }

    fn can_rewrite(&self) -> bool {
        false
    }
}

#[test]
fn in_a_stream_no_byte_comes_twice() {
    let mut whole = machine();
    // More free memory than there is, so that pages are chosen anew.
    whole.counted(4, 0);
    for block in 0..3 {
        whole.free(0x5000 + 0x400 * block, 10);
    }
    whole.counted(10, 0);
    let mut notes = cpu(IMAGE + 0x4040 * 4096);
    notes.extend(whole.notes());
    for format in [Format::Kdump, Format::Elf] {
        for threads in [1, 3] {
            let options = Options {
                format,
                ..options("zstd", 31, threads)
            };
            let summary = written(&whole, &notes, &options, &Once::default());
            assert_eq!(u8::from(summary.level), 31 - 16, "{:?}", summary.warnings);
        }
    }
}

#[test]
fn an_elf_core_reads_as_the_memory_it_was_made_of() {
    let mut sample = machine();
    // A hole that is large enough.
    sample.free(0x4400, 9);
    for (before, threads) in [(0, 1), (0, 3), (0xff, 2)] {
        let output = Kept::new(before, false);
        let options = Options {
            format: Format::Elf,
            ..options("none", 31, threads)
        };
        let summary = written(&sample, &sample.notes(), &options, &output);
        let bytes = output.file();
        assert_eq!(bytes.len() as u64, summary.bytes);
        assert_eq!(bytes[48..52], [0; 4]);
        let dump = opened(bytes);
        assert!(dump.survey().complete());
        assert_eq!(dump.release(), Some("sample"));
        // What is broken, and what is free: the other pages left out are too few for a hole, and are zeros.
        let segments = dump.segments().len();
        assert_eq!(segments, 1 + 3);
        assert!(dump.excluded(0x4003 * 4096) && dump.excluded(0x45ff * 4096));
        assert!(!dump.excluded(0x4010 * 4096));
        let mut expected = vec![0; 4096];
        let mut found = vec![0; 4096];
        for page in (0..0x1_0000).filter(|page| *page != 0x4003) {
            sample.read(page * 4096, &mut expected).unwrap();
            if page == 0x4001 || (0x4010..0x4020).contains(&page) {
                assert!(expected.iter().any(|byte| *byte != 0), "{page:#x}");
                expected.fill(0);
            }
            dump.read(page * 4096, &mut found).unwrap();
            assert!(expected == found, "{page:#x}");
        }
    }
}

#[test]
fn a_core_of_which_all_pages_are_lacking_is_as_long_as_its_summary_says() {
    struct Lacking(Range<u64>);
    impl Memory for Lacking {
        fn read(&self, address: u64, _: &mut [u8]) -> Result<(), Unreadable> {
            Err(Unreadable::Excluded(address))
        }

        fn extent(&self, _: u64) -> Extent {
            Extent {
                presence: Presence::LeftOut,
                end: self.0.end,
            }
        }

        fn ranges(&self) -> &[Range<u64>] {
            std::slice::from_ref(&self.0)
        }
    }
    let output = Kept::new(0, false);
    let options = Options {
        format: Format::Elf,
        ..options("none", 31, 1)
    };
    let summary = written(&Lacking(0..4096), &[], &options, &output);
    assert_eq!(summary.pages.lacking, 1);
    assert_eq!(summary.bytes, output.file().len() as u64);
}

#[test]
fn an_elf_core_that_is_cut_off_says_so() {
    let whole = machine();
    let sample = Window::of(&whole);
    let output = Kept::new(0, false);
    let options = Options {
        format: Format::Elf,
        ..options("none", 31, 1)
    };
    written(&sample, &whole.notes(), &options, &output);
    for count in [1, 2, output.count() / 2, output.count() - 1] {
        assert!(!opened(output.after(count)).survey().complete(), "{count}");
    }
}

#[test]
fn what_a_filtered_dump_lacks_its_conversion_lacks() {
    let whole = machine();
    let sample = Window::of(&whole);
    let first = Kept::new(0, true);
    written(&sample, &whole.notes(), &options("zstd", 31, 1), &first);
    let first = opened(first.file());
    let second = Kept::new(0, true);
    let summary = written(&first, first.note_bytes(), &options("zlib", 0, 2), &second);
    assert_eq!(summary.pages.lacking, 18);
    let second = opened(second.file());
    assert_eq!(compare(&first, &second, 4096).first, None);
    assert_eq!(compare(&sample, &second, 4096).left_out, 18);
}

/// Memory of which one page can't be read.
struct Broken<'a>(&'a PageSample, u64);

impl Memory for Broken<'_> {
    fn read(&self, address: u64, buffer: &mut [u8]) -> Result<(), Unreadable> {
        let bad = self.1 * 4096..(self.1 + 1) * 4096;
        if address < bad.end && bad.start < address + buffer.len() as u64 {
            return Err(Unreadable::Damaged(bad.start, "broken".to_owned()));
        }
        self.0.read(address, buffer)
    }

    fn ranges(&self) -> &[Range<u64>] {
        self.0.ranges()
    }
}

#[test]
fn a_page_that_cannot_be_read_is_lost_alone() {
    let sample = machine();
    let output = Kept::new(0, true);
    let broken = Broken(&sample, 0x4050);
    let summary = written(&broken, &sample.notes(), &options("zstd", 31, 2), &output);
    assert_eq!(summary.pages.unreadable, 1);
    let dump = opened(output.file());
    assert!(dump.read(0x4050 * 4096, &mut [0; 4096]).is_err());
    let found = compare(&broken, &dump, 4096);
    assert_eq!((found.first, found.unreadable), (None, 1));
}

/// Notes of a CPU whose stack pointer is this.
fn cpu(stack: u64) -> Vec<u8> {
    let mut status = crate::samples::prstatus(1, 0);
    status[112 + 8 * 19..][..8].copy_from_slice(&stack.to_le_bytes());
    crate::samples::note(b"CORE", 1, &status)
}

#[test]
fn stacks_come_before_other_pages_and_whatever_the_filter_thinks() {
    let sample = machine();
    let mut notes = cpu(IMAGE + 0x4010 * 4096 + 0x123);
    notes.extend(sample.notes());
    let output = Kept::new(0, true);
    let summary = written(&sample, &notes, &options("zstd", 31, 1), &output);
    assert_eq!(summary.warnings, []);
    let stack = 0x4010..0x4014;
    let has = |dump: &Dump, page: u64| dump.read(page * 4096, &mut [0; 4096]).is_ok();
    let first = (0..output.count())
        .filter_map(|count| {
            let source = Arc::new(output.after(count));
            Dump::from_source(Path::new("dump"), source).ok()
        })
        .find(|dump| has(dump, 0x4010))
        .unwrap();
    assert!(stack.clone().all(|page| has(&first, page)));
    assert!(!has(&first, 0x4000) && !has(&first, 0x4014));
    let whole = opened(output.file());
    assert!(stack.clone().all(|page| has(&whole, page)));
    assert!(has(&whole, 0x4000) && left_out(&whole, 0x4014));
}

#[test]
fn a_broken_page_stays_unread_even_in_a_stack() {
    let sample = machine();
    let broken = Broken(&sample, 0x4003);
    let mut notes = cpu(IMAGE + 0x4000 * 4096);
    notes.extend(sample.notes());
    let output = Kept::new(0, true);
    let summary = written(&broken, &notes, &options("zstd", 0, 1), &output);
    assert_eq!(summary.pages.unreadable, 0);
    assert!(left_out(&opened(output.file()), 0x4003));
}

/// Breaks a dump off after so many looks.
struct Impatient(AtomicU32);

impl Observer for Impatient {
    fn cancelled(&self) -> bool {
        self.0.fetch_sub(1, Ordering::Relaxed) <= 1
    }
}

#[test]
fn a_dump_is_broken_off_when_its_observer_says_so() {
    let sample = machine();
    let notes = sample.notes();
    let crash = Crash {
        memory: &sample,
        machine: Machine::X86_64,
        segments: &[],
        notes: &notes,
        seconds: 0,
        whole: true,
    };
    for format in [Format::Kdump, Format::Elf] {
        for looks in [1, 3, 20, 60] {
            let output = Kept::new(0, true);
            let observer = Impatient(AtomicU32::new(looks));
            let options = Options {
                format,
                ..options("zstd", 0, 1)
            };
            let ended = convert(&crash, &output, &options, &observer);
            assert!(matches!(ended, Err(WriteError::Cancelled)), "{looks} looks");
        }
    }
}

#[test]
fn memory_that_is_there_in_part_is_filled_up_with_zeros() {
    struct Part([Range<u64>; 2]);
    impl Memory for Part {
        fn read(&self, address: u64, buffer: &mut [u8]) -> Result<(), Unreadable> {
            let end = address + buffer.len() as u64;
            let inside = |range: &Range<u64>| range.start <= address && end <= range.end;
            if !self.0.iter().any(inside) {
                return Err(Unreadable::Absent(address));
            }
            buffer.fill(7);
            Ok(())
        }
        fn ranges(&self) -> &[Range<u64>] {
            &self.0
        }
    }
    let memory = Part([0x1800..0x2000, 0x4000..0x4400]);
    let output = Kept::new(0, true);
    written(&memory, b"", &options("zstd", 0, 1), &output);
    let dump = opened(output.file());
    let mut page = [1; 4096];
    dump.read(0x1000, &mut page).unwrap();
    assert!(page[..0x800].iter().all(|it| *it == 0) && page[0x800..].iter().all(|it| *it == 7));
    dump.read(0x4000, &mut page).unwrap();
    assert!(page[..0x400].iter().all(|it| *it == 7) && page[0x400..].iter().all(|it| *it == 0));
}

#[test]
fn a_summary_is_written_as_it_is_read() {
    let whole = machine();
    let sample = Window::of(&whole);
    let output = Kept::new(0, true);
    let summary = written(&sample, b"", &options("zlib:3", 31, 1), &output);
    let text = serde_json::to_string(&summary).unwrap();
    assert!(text.contains(r#""doubt":"no-map""#) && text.contains(r#""compression":"zlib:3""#));
    assert_eq!(serde_json::from_str::<Summary>(&text).unwrap(), summary);
}

#[test]
fn nothing_of_a_region_is_written_twice() {
    // Pages of the log and of stacks, of which the rest leaves gaps in its descriptors.
    let whole = machine();
    let sample = Window::of(&whole);
    let mut notes = cpu(IMAGE + 0x4040 * 4096);
    notes.extend(whole.notes());
    let output = Kept::new(0, true);
    written(&sample, &notes, &options("none", 0, 1), &output);
    let mut seen = Bits::default();
    let dump = opened(output.file());
    let start = {
        let bytes = output.file();
        let blocks =
            |at: usize| u64::from(u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap()));
        (1 + blocks(432) + blocks(436)) * 4096
    };
    let end = start + dump.survey().held * 24;
    for (offset, bytes) in output.writes.lock().unwrap().iter() {
        if (start..end).contains(offset) {
            let first = usize::try_from((offset - start) / 24).unwrap();
            for index in (first..first + bytes.len() / 24).filter(|it| *it < REGION) {
                assert!(!seen.has(index), "{index}");
                seen.insert(index..index + 1);
            }
        }
    }
    assert_eq!(seen.count(), 0x120 - 1);
}
