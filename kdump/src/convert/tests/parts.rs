//! Dumps that are split among several files.

use super::*;
use crate::source::Source;
use crate::survey::Flaw;
use crate::{DumpFormat, KdumpFile};

/// Writes the machine, or what there is of it, to so many files.
fn split(
    memory: &dyn Memory,
    whole: bool,
    options: &Options,
    parts: usize,
) -> (Summary, Vec<Kept>) {
    let outputs: Vec<Kept> = (0..parts).map(|_| Kept::new(0, true)).collect();
    let refs: Vec<&dyn Output> = outputs.iter().map(|it| it as &dyn Output).collect();
    let notes = machine().notes();
    let crash = Crash {
        memory,
        machine: Machine::X86_64,
        segments: &[],
        notes: &notes,
        seconds: 77,
        whole,
    };
    let summary = convert_split(&crash, &refs, options, &Unobserved).unwrap();
    (summary, outputs)
}

fn together(outputs: &[Kept]) -> KdumpFile {
    let source = |it: &Kept| Arc::new(it.file()) as Arc<dyn Source>;
    KdumpFile::open(outputs.iter().map(source).collect()).unwrap()
}

#[test]
fn the_parts_of_a_dump_read_as_the_dump_that_they_would_be_in_one_file() {
    let sample = machine();
    let memory = Window::of(&sample);
    for (level, threads) in [(0, 1), (31, 3)] {
        for parts in 1..=5 {
            let options = options("zstd", level, threads);
            let (summary, mut outputs) = split(&memory, true, &options, parts);
            assert!(summary.complete);
            let files: Vec<Vec<u8>> = outputs.iter().map(Kept::file).collect();
            let sizes = files.iter().map(|it| it.len() as u64);
            assert_eq!(summary.bytes, sizes.sum::<u64>());
            // crash and makedumpfile compare the first 464 bytes (struct disk_dump_header).
            assert!(files.iter().all(|it| it[..464] == files[0][..464]));
            outputs.reverse();
            let dump = together(&outputs);
            assert_eq!(dump.stated().split, parts > 1);
            assert_eq!(dump.stated().level, Some(level.into()));
            assert_eq!(dump.note_bytes(), sample.notes());
            assert_eq!(dump.survey().flaws, []);
            assert_eq!(dump.survey().held, summary.pages.dumped);
            let found = compare(&memory, &dump, 4096);
            assert_eq!(found.first, None, "level {level}, {parts} parts");
            assert_eq!(found.same, summary.pages.dumped);
            assert_eq!(found.left_out, if level == 31 { 18 } else { 1 });
        }
    }
}

#[test]
fn parts_have_about_as_many_pages_each_and_begin_where_crash_can_count_from() {
    let sample = machine();
    let parts = 4;
    let (summary, outputs) = split(&sample, true, &options("none", 0, 2), parts);
    let mut next = 0;
    for output in &outputs {
        let file = output.file();
        let word = |at: usize| u64::from_le_bytes(file[at..at + 8].try_into().unwrap());
        // start_pfn_64 and end_pfn_64 of struct kdump_sub_header, in the second block.
        let [start, end] = [80, 88].map(|at| word(4096 + at));
        assert_eq!(start, next);
        // crash counts from there on in words of 64 bits.
        assert!(start.is_multiple_of(64));
        next = end;
        let held = together(std::slice::from_ref(output)).survey().held;
        let equal = summary.pages.dumped / parts as u64;
        assert!(
            held.abs_diff(equal) <= 512,
            "{held} of {}",
            summary.pages.dumped
        );
    }
    assert_eq!(next, 2 << 15);
}

#[test]
fn a_part_that_is_not_there_is_missed_by_its_pages() {
    let sample = machine();
    let (summary, mut outputs) = split(&sample, true, &options("none", 0, 1), 3);
    outputs.remove(1);
    let dump = together(&outputs);
    let survey = dump.survey();
    assert!(matches!(&survey.flaws[..], [Flaw::Part(pages)] if !pages.is_empty()));
    assert_eq!(survey.held + survey.lost, summary.pages.dumped);
    assert!(survey.lost > 1 << 14);
}

#[test]
fn of_more_parts_than_there_are_pages_some_are_empty() {
    let sample = machine();
    let memory = Window::of(&sample);
    let (summary, outputs) = split(&memory, true, &options("zstd", 31, 2), 40);
    let dump = together(&outputs);
    assert!(dump.survey().complete());
    assert_eq!(dump.survey().held, summary.pages.dumped);
    assert_eq!(compare(&memory, &dump, 4096).same, summary.pages.dumped);
}

#[test]
fn if_anything_is_lost_all_parts_say_that_the_dump_is_incomplete() {
    let sample = machine();
    let (summary, outputs) = split(&Window::of(&sample), false, &options("none", 0, 1), 3);
    assert!(!summary.complete);
    for output in &outputs {
        let flaws = together(std::slice::from_ref(output)).survey().flaws;
        assert!(flaws.contains(&Flaw::Marked));
    }
}

#[test]
fn streams_and_other_formats_cannot_be_split() {
    let sample = machine();
    let crash = Crash {
        memory: &sample,
        machine: Machine::X86_64,
        segments: &[],
        notes: &[],
        seconds: 0,
        whole: true,
    };
    let refused = |outputs: &[&dyn Output], options: &Options| {
        convert_split(&crash, outputs, options, &Unobserved).unwrap_err()
    };
    let stream = FlattenedWriter::begin(Vec::new()).unwrap();
    let file = Kept::new(0, true);
    let kdump = options("none", 0, 1);
    for outputs in [&[&file as &dyn Output, &stream][..], &[]] {
        let error = refused(outputs, &kdump);
        assert!(matches!(error, WriteError::SplitStream), "{error}");
    }
    let elf = Options {
        format: Format::Elf,
        ..kdump
    };
    let error = refused(&[&file, &file], &elf);
    assert!(matches!(error, WriteError::Unsplittable), "{error}");
}
