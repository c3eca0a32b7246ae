//! Page structures that describe only pages that are left out.

use super::*;

/// A machine whose second section is free, and of whose first one a part is.
fn idle() -> PageSample {
    let mut sample = machine();
    for block in 0..32 {
        sample.free(0x8000 + block * 0x400, 10);
    }
    // Structures of 64 pages lie in a page: four whole ones, and a half.
    sample.free(0x6000, 8);
    sample.free(0x6100, 5);
    sample
}

/// The page that the structure of a page is in.
fn home(page: u64) -> u64 {
    PageSample::at(page) / 4096
}

fn is_idle(page: u64) -> bool {
    (home(0x6000)..home(0x6100)).contains(&page) || (home(0x8000)..home(0x1_0000)).contains(&page)
}

fn sparing(level: u8, threads: usize) -> Options {
    Options {
        page_structs: PageStructs::OfDumped,
        ..options("none", level, threads)
    }
}

#[test]
fn structures_of_pages_that_are_left_out_are_left_out_and_no_others() {
    let sample = idle();
    let all = written(
        &sample,
        &sample.notes(),
        &options("none", 31, 1),
        &Kept::new(0, true),
    );
    for (threads, before) in [(1, 0), (3, 0), (2, 0xff)] {
        let output = Kept::new(before, true);
        let summary = written(&sample, &sample.notes(), &sparing(31, threads), &output);
        assert_eq!(summary.pages.structs, 4 + 512);
        assert_eq!(summary.pages.dumped + 4 + 512, all.pages.dumped);
        assert_eq!((summary.excluded, summary.warnings), (all.excluded, vec![]));
        let dump = opened(output.file());
        assert!(dump.survey().complete() && dump.stated().without_structs);
        for page in 0x1000..0x1400 {
            assert_eq!(left_out(&dump, page), is_idle(page), "{page:#x}");
        }
        let found = compare(&sample, &dump, 4096);
        assert_eq!((found.first, found.different), (None, 0));
    }
}

#[test]
fn an_elf_dump_that_could_have_zeros_in_their_place_has_all() {
    let sample = idle();
    let output = Kept::new(0, true);
    let options = Options {
        format: Format::Elf,
        ..sparing(31, 1)
    };
    let summary = written(&sample, &sample.notes(), &options, &output);
    assert_eq!(
        (summary.pages.structs, summary.page_structs),
        (0, PageStructs::All)
    );
    let dump = opened(output.file());
    for page in 0x1000..0x1400 {
        let (mut one, mut two) = ([0; 4096], [1; 4096]);
        sample.read(page * 4096, &mut one).unwrap();
        dump.read(page * 4096, &mut two).unwrap();
        assert_eq!(one, two, "{page:#x}");
    }
}

#[test]
fn a_stream_lacks_the_same_pages() {
    let sample = idle();
    let stream = FlattenedWriter::begin(Vec::new()).unwrap();
    let options = sparing(31, 1);
    let summary = written(&sample, &sample.notes(), &options, &stream);
    let dump = opened(stream.finish().unwrap());
    assert_eq!(summary.pages.structs, 4 + 512);
    assert!(dump.survey().complete());
    assert!((0x1000..0x1400).all(|page| left_out(&dump, page) == is_idle(page)));
}

#[test]
fn where_a_level_leaves_out_no_memory_all_structures_are_kept() {
    let mut sample = idle();
    // Offline pages are in no dump.
    (0x6000..0x6100).for_each(|page| sample.offline(page));
    for level in [0, 1] {
        let output = Kept::new(0, true);
        let summary = written(&sample, &sample.notes(), &sparing(level, 1), &output);
        let dump = opened(output.file());
        assert_eq!(summary.pages.structs, 0);
        assert!(!dump.stated().without_structs);
        assert!((0x1000..0x1400).all(|page| !left_out(&dump, page)));
    }
}

#[test]
fn a_dump_without_them_is_filtered_again_without_a_doubt() {
    let sample = idle();
    let output = Kept::new(0, true);
    let options = sparing(31, 1);
    let first = written(&sample, &sample.notes(), &options, &output);
    let dump = opened(output.file());
    let uses = crate::uses::of(&dump, NonZeroUsize::MIN).unwrap();
    assert_eq!((uses.gone, uses.unknown), (0x100 + 0x8000, 0));
    assert_eq!(uses.counts.free + uses.gone, first.excluded.free);
    // The pages that are left out have structures, too: a further eight pages describe nothing that this dump has.
    for (options, fewer) in [(&options, 8), (&super::options("zstd", 31, 2), 0)] {
        let output = Kept::new(0, true);
        let again = written(&dump, dump.note_bytes(), options, &output);
        assert_eq!((again.warnings, again.pages.structs), (vec![], fewer));
        assert_eq!(again.pages.dumped + fewer, first.pages.dumped);
        let found = compare(&dump, &opened(output.file()), 4096);
        assert_eq!((found.different, found.same), (0, again.pages.dumped));
    }
}

#[test]
fn a_page_that_is_needed_first_is_kept_whatever_it_describes() {
    let sample = idle();
    // A stack where structures of free pages are.
    let stack = IMAGE + home(0x9000) * 4096;
    let notes = [cpu(stack), sample.notes()].concat();
    let output = Kept::new(0, true);
    written(&sample, &notes, &sparing(31, 1), &output);
    let dump = opened(output.file());
    assert!(!left_out(&dump, home(0x9000)) && left_out(&dump, home(0xa000)));
}
