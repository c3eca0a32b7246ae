use tempfile::TempDir;

use super::kernel::{FREE_STRUCTS, IMAGE, MAX_SECTIONS, NR_FREE, START, VMEMMAP, contents};
use super::pages::{BUDDY, MAPCOUNT, ORDER, PRIVATE, STRUCT, Use, used_for};
use super::*;

/// Two sections.
const MEMORY: u64 = 2 * SECTION;

/// A vmcore of two sections, and where its memory begins in the file.
struct Sample {
    vmcore: Vmcore,
    file: File,
    _directory: TempDir,
}

impl Sample {
    fn new() -> Sample {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("vmcore");
        let vmcore = Vmcore::write(&path, MEMORY).unwrap();
        let file = File::open(&path).unwrap();
        Sample {
            vmcore,
            file,
            _directory: directory,
        }
    }

    fn bytes(&self, offset: u64, length: usize) -> Vec<u8> {
        let mut bytes = vec![0; length];
        self.file.read_exact_at(&mut bytes, offset).unwrap();
        bytes
    }

    fn number(&self, offset: u64) -> u64 {
        u64::from_le_bytes(self.bytes(offset, 8).try_into().unwrap())
    }

    /// p_offset of the second program header.
    fn memory(&self) -> u64 {
        self.number(64 + 56 + 8)
    }

    fn physical(&self, address: u64) -> u64 {
        self.number(self.memory() + address)
    }

    /// Where an address is, by the page tables that begin where the kernel's own data does.
    fn walk(&self, address: u64) -> u64 {
        let mut table = START;
        for level in [3, 2] {
            let entry = self.physical(table + 8 * (address >> (12 + 9 * level) & 511));
            assert_eq!(entry & 0x81, 1, "present, and no page");
            table = entry & !0xfff;
        }
        let entry = self.physical(table + 8 * (address >> 21 & 511));
        assert_eq!(entry & 0x81, 0x81, "present, and a large page");
        (entry & !0xfff) + address % (1 << 21)
    }
}

#[test]
fn notes_and_memory_are_where_the_headers_say() {
    let sample = Sample::new();
    let [notes, length] = [64 + 8, 64 + 32].map(|at| sample.number(at));
    let text = sample.bytes(notes, usize::try_from(length).unwrap());
    let text = String::from_utf8_lossy(&text);
    assert!(text.starts_with("\u{5}\0\0\0"), "CORE");
    assert!(text.contains("VMCOREINFO\0"));
    assert!(text.contains("\nPAGESIZE=4096\n"));
    assert!(sample.memory() >= notes + length);
    let [in_file, in_memory] = [32, 40].map(|at| sample.number(64 + 56 + at));
    assert_eq!((in_file, in_memory), (MEMORY, MEMORY));
    let all = sample.file.metadata().unwrap().len();
    assert_eq!(all, sample.memory() + MEMORY);
}

#[test]
fn the_zone_counts_the_blocks_that_are_marked_as_free() {
    let sample = Sample::new();
    let mut free: u64 = 0;
    for section in 0..MEMORY / SECTION {
        let structs = sample.walk(VMEMMAP + section * (SECTION / PAGE) * STRUCT);
        let structs = sample.bytes(sample.memory() + structs, 1 << 21);
        for page in structs.chunks_exact(64) {
            let at = |offset, length| {
                let start = usize::try_from(offset).unwrap();
                &page[start..start + length]
            };
            if at(MAPCOUNT, 4) == BUDDY.to_le_bytes() {
                assert_eq!(at(PRIVATE, 8), ORDER.to_le_bytes());
                free += 1;
            }
        }
    }
    assert_eq!(free, sample.physical(NR_FREE));
    assert_eq!(free << ORDER, sample.vmcore.pages() / 2);
}

#[test]
fn only_the_kernels_pages_hold_anything() {
    let sample = Sample::new();
    let held = (0..sample.vmcore.pages()).filter(|page| {
        let page = sample.bytes(sample.memory() + page * PAGE, 4096);
        page != [0; 4096]
    });
    let held = held.count() as u64;
    let kernel = sample.vmcore.kernel_pages();
    assert_eq!(kernel, sample.vmcore.pages() / 4);
    // The table of sections is mostly empty, and has pages of its own.
    assert!(held <= kernel && held + 8 > kernel, "{held} of {kernel}");
}

#[test]
fn each_section_has_its_own_struct_pages() {
    let sample = Sample::new();
    for section in [0, 1] {
        let first = VMEMMAP + section * (SECTION / PAGE) * STRUCT;
        assert_eq!(sample.walk(first + 64), section * SECTION + 64);
    }
    assert_eq!(sample.walk(IMAGE + START + 8), START + 8);
}

#[test]
fn the_largest_size_fits_its_tables() {
    assert_eq!(MAX_SECTIONS * SECTION, 32 << 40);
    let contents = contents(MAX_SECTIONS, 1);
    let kernel = |address: u64| used_for(address % SECTION / BLOCK) == Use::Kernel;
    for (address, bytes) in contents {
        let end = address + bytes.len() as u64;
        assert!(end <= SECTION && kernel(address) && kernel(end - 1));
        // Not over what comes before it.
        assert!(
            address / BLOCK == (end - 1) / BLOCK,
            "{address:#x} to {end:#x}"
        );
    }
}

#[test]
fn of_a_machine_that_is_mostly_free_all_sections_but_one_share_their_struct_pages() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("vmcore");
    let vmcore = Vmcore::write_mostly_free(&path, 1 << 40).unwrap();
    let file = File::open(&path).unwrap();
    assert_eq!(vmcore.kernel_pages(), 8 * BLOCK / PAGE);
    assert_eq!(vmcore.pages(), 1 << 28);
    let sample = Sample {
        vmcore,
        file,
        _directory: directory,
    };
    let structs = |section: u64| sample.walk(VMEMMAP + section * (SECTION / PAGE) * STRUCT);
    assert_eq!(structs(0), 0);
    for section in [1, 511, 512, 8191] {
        assert_eq!(structs(section), FREE_STRUCTS);
    }
    // Of 32 blocks each, and half of those of the first section.
    assert_eq!(sample.physical(NR_FREE), 8191 * 32 + 16);
}

#[test]
fn the_file_goes_with_what_it_was_written_for() {
    let sample = Sample::new();
    let path = sample.vmcore.path().to_path_buf();
    assert!(path.exists());
    drop(sample);
    assert!(!path.exists());
}
