//! Dumps of which a part is lost, converted.

use super::*;
use crate::bytes::u64_at;
use crate::memory::read_page;
use crate::samples::kdump::{DESCRIPTORS, KdumpSample};
use crate::survey::Flaw;

/// A dump with pages of which some are lost: its file ends too early, or what stands there can't be decoded.
fn damaged(how: &str) -> Dump {
    let mut bytes = KdumpSample::new().build();
    match how {
        "cut off" => bytes.truncate(bytes.len() - 4096 - 100),
        "decoded" => {
            let at = u64_at(&bytes, DESCRIPTORS + 24).unwrap();
            bytes[usize::try_from(at).unwrap()..][..20].fill(0xee);
        }
        _ => {}
    }
    opened(bytes)
}

fn converted(source: &Dump, format: Format, output: &dyn Output) -> Summary {
    let crash = Crash {
        memory: source,
        machine: source.machine(),
        segments: &[],
        notes: source.note_bytes(),
        seconds: 7,
        whole: source.survey().complete(),
    };
    let options = Options {
        format,
        ..options("none", 0, 2)
    };
    convert(&crash, output, &options, &Unobserved).unwrap()
}

#[test]
fn what_a_dump_lost_its_conversion_leaves_out_and_says_that_it_is_incomplete() {
    for (how, lost) in [("whole", 0), ("cut off", 2), ("decoded", 1)] {
        for format in [Format::Kdump, Format::Elf] {
            for before in [0, 0xff] {
                let source = damaged(how);
                let output = Kept::new(before, true);
                let summary = converted(&source, format, &output);
                let written = opened(output.file());
                assert_eq!(summary.complete, lost == 0, "{how}, {format:?}");
                assert_eq!(summary.pages.lost + summary.pages.unreadable, lost);
                let survey = written.survey();
                assert_eq!(survey.complete(), lost == 0, "{how}, {format:?}");
                assert_eq!(survey.flaws.contains(&Flaw::Marked), lost > 0);
                assert_eq!(survey.held, 6 - lost, "{how}, {format:?}");
                let (mut one, mut other) = ([0; 4096], [0; 4096]);
                for page in [1, 2, 3, 4, 5, 8, 9, 10] {
                    let here = read_page(&source, page * 4096, &mut one);
                    let there = read_page(&written, page * 4096, &mut other);
                    if here == Ok(Presence::Held) {
                        assert_eq!(there, Ok(Presence::Held), "{page}");
                        assert!(one == other, "{page}");
                    } else {
                        assert_ne!(there, Ok(Presence::Held), "{page}: {how}, {format:?}");
                    }
                }
            }
        }
    }
}

#[test]
fn a_stream_of_what_is_left_of_a_dump_says_so_from_its_beginning() {
    for (how, complete) in [("whole", true), ("cut off", false), ("decoded", false)] {
        let stream = FlattenedWriter::begin(Vec::new()).unwrap();
        let summary = converted(&damaged(how), Format::Kdump, &stream);
        let written = opened(stream.finish().unwrap());
        assert_eq!(summary.complete, complete, "{how}");
        assert_eq!(written.survey().complete(), complete, "{how}");
    }
}

#[test]
fn pages_that_cannot_be_read_leave_a_core_that_says_so() {
    let sample = machine();
    let broken = Broken(&sample, 0x4050);
    let output = Kept::new(0, false);
    let options = Options {
        format: Format::Elf,
        ..options("none", 31, 1)
    };
    let summary = written(&broken, &sample.notes(), &options, &output);
    assert_eq!((summary.complete, summary.pages.unreadable), (false, 1));
    assert_eq!(opened(output.file()).survey().flaws, [Flaw::Marked]);
}
