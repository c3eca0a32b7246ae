//! Memory so high up that numbers of pages don't fit 32 bits: from 16 TiB on.

use super::*;
use crate::write::FileOutput;

/// The first page from 16 TiB on, and the section that it is in.
const HIGH: u64 = 1 << 32;
const SECTION: u64 = HIGH >> 15;

fn machine() -> PageSample {
    let mut sample = PageSample::new(Release::V6_12, 1);
    let structs = sample.add_high_section(SECTION);
    // On both sides of where 32 bits would begin anew, what is at the same place differs.
    for page in [0x4000, 0x4001, HIGH, HIGH + 0x4000, HIGH + 0x7fff] {
        sample.bytes(page * 4096, &page.to_le_bytes().repeat(512));
    }
    // Four free pages, of which one has what must not be in a dump.
    let free = structs + 64 * 0x100;
    sample.bytes(free + 48, &(-0x1000_0000i32).to_le_bytes());
    sample.put(free + 40, 2);
    sample.counted(2, 1);
    sample.bytes((HIGH + 0x101) * 4096, b"freed");
    sample
}

#[test]
fn pages_whose_numbers_do_not_fit_32_bits_are_written_and_read() {
    let sample = machine();
    let directory = tempfile::tempdir().unwrap();
    for (format, level) in [(Format::Kdump, 16), (Format::Kdump, 0), (Format::Elf, 16)] {
        let path = directory.path().join("dump");
        let file = std::fs::File::options()
            .read(true)
            .write(true)
            .create(true)
            .truncate(true)
            .open(&path);
        let output = FileOutput::new(file.unwrap()).unwrap();
        let options = Options {
            format,
            ..options("zstd", level, 2)
        };
        let summary = written(&sample, &sample.notes(), &options, &output);
        assert!(summary.complete && summary.warnings.is_empty());
        let free = if level == 16 { 4 } else { 0 };
        assert_eq!(summary.pages.dumped, (2 << 15) - free);
        let dump = Dump::open(&[path]).unwrap();
        assert!(dump.survey().complete());
        assert_eq!(dump.ranges(), sample.ranges());
        let found = compare(&sample, &dump, 4096);
        // Of an ELF core, holes are filled with zeros, as of the one page here that holds something.
        let out = if format == Format::Kdump { free } else { 0 };
        assert_eq!((found.damaged, found.left_out), (0, out), "{found}");
        assert_eq!(found.different, if format == Format::Kdump { 0 } else { 1 });
        let mut page = [0; 4096];
        dump.read((HIGH + 0x4000) * 4096, &mut page).unwrap();
        assert_eq!(page[..8], (HIGH + 0x4000).to_le_bytes());
        if format == Format::Kdump {
            assert_eq!(left_out(&dump, HIGH + 0x101), level == 16);
        }
    }
}
