//! Pages that are equal.

use super::*;

#[test]
fn equal_pages_share_a_place() {
    let mut sample = PageSample::new(Release::V6_12, 1);
    // Three kinds of pages, in turn, more of them than are held back at once.
    for page in 0x4000..0x6000u64 {
        let kind = (page % 3).to_le_bytes()[0] + 1;
        let mut bytes = [kind; 4096];
        bytes[4095] = 0;
        sample.bytes(page * 4096, &bytes);
    }
    let window = Window(&sample, [0x10_0000..0x11_0000, 0x400_0000..0x600_0000]);
    for threads in [1, 3] {
        let output = Kept::new(0, threads == 1);
        let options = options("none", 0, threads);
        let summary = written(&window, &sample.notes(), &options, &output);
        // Each thread may have written one of each kind before it knew of another's.
        let written = 0x2000 - summary.pages.equal;
        assert!(written >= 3 && written <= 3 * threads as u64, "{written}");
        assert!(summary.bytes < 0x2010 * 24 + (1 << 19), "{}", summary.bytes);
        let dump = opened(output.file());
        assert!(dump.survey().complete());
        let found = compare(&window, &dump, 4096);
        assert_eq!((found.different, found.same), (0, summary.pages.dumped));
    }
}
