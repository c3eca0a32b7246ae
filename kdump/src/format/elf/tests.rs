use super::*;
use crate::bytes::u64_at;
use crate::samples::{core, first_load, note, prstatus};

fn open(bytes: Vec<u8>) -> Result<Vmcore, VmcoreError> {
    Vmcore::open(Arc::new(bytes))
}

fn sample() -> Vec<u8> {
    let mut notes = note(b"CORE", 1, &prstatus(7, 0xabc));
    notes.extend(note(b"VMCOREINFO", 0, b"OSRELEASE=6.1\n"));
    let ram: Vec<u8> = (0..64).collect();
    // The kernel's image first, as /proc/vmcore has it.
    core(
        &notes,
        &[
            (0x1010, 16, ram[16..32].to_vec()),
            (0x1000, 96, ram),
            (0x2000, 16, vec![9; 16]),
        ],
    )
}

fn byte(core: &Vmcore, address: u64) -> Result<u8, Unreadable> {
    let mut buffer = [0];
    core.read(address, &mut buffer).map(|()| buffer[0])
}

#[test]
fn memory_and_notes_are_read() {
    let core = open(sample()).unwrap();
    assert_eq!(core.machine(), Machine::X86_64);
    assert_eq!(core.notes().cpus[0].pid, 7);
    assert_eq!(core.ranges(), [0x1000..0x1060, 0x2000..0x2010]);
    assert_eq!(core.held(), [0x1000..0x1040, 0x2000..0x2010]);
    let survey = core.survey();
    assert!(survey.complete() && core.lost().is_empty());
    // Both in part.
    assert_eq!((survey.present, survey.held, survey.lost), (2, 2, 0));
    let mut buffer = [0; 64];
    core.read(0x1000, &mut buffer).unwrap();
    assert!(buffer.iter().copied().eq(0..64));
    assert_eq!(byte(&core, 0x200f), Ok(9));
}

#[test]
fn memory_that_two_segments_share_is_there_once() {
    let core = open(sample()).unwrap();
    let total: u64 = core.ranges().iter().map(|it| it.end - it.start).sum();
    assert_eq!(total, 96 + 16);
    let mut buffer = [0; 24];
    core.read(0x100c, &mut buffer).unwrap();
    assert!(buffer.iter().copied().eq(12..36));
}

#[test]
fn what_the_file_lacks_of_a_segment_reads_as_zeros() {
    let core = open(sample()).unwrap();
    let mut buffer = [7; 33];
    core.read(0x103f, &mut buffer).unwrap();
    assert_eq!(buffer[0], 63);
    assert_eq!(buffer[1..], [0; 32]);
}

#[test]
fn memory_outside_all_segments_is_absent() {
    let core = open(sample()).unwrap();
    assert_eq!(byte(&core, 0xfff), Err(Unreadable::Absent(0xfff)));
    let mut buffer = [0; 2];
    let beyond = core.read(0x105f, &mut buffer);
    assert_eq!(beyond, Err(Unreadable::Absent(0x1060)));
    assert!(core.read(u64::MAX, &mut buffer).is_err());
}

#[test]
fn a_core_cut_off_anywhere_reads_equal_or_fails() {
    let bytes = sample();
    let whole = open(bytes.clone()).unwrap();
    let headers_end = 64 + 56 * whole.segments().len();
    let notes_end =
        usize::try_from(u64_at(&bytes, 64 + 8).unwrap()).unwrap() + whole.note_bytes().len();
    for length in 0..bytes.len() {
        match open(bytes[..length].to_vec()) {
            Err(_) => assert!(length < headers_end, "{length} bytes"),
            Ok(cut) => {
                let flaws = cut.survey().flaws;
                let notes = flaws.contains(&Flaw::CutOff("notes"));
                assert!(flaws.contains(&Flaw::CutOff("memory")), "{length} bytes");
                assert_eq!(notes, length < notes_end, "{length} bytes");
                assert_eq!(cut.ranges(), whole.ranges());
                let mut lost = Vec::new();
                for address in whole.ranges().iter().cloned().flatten() {
                    match byte(&cut, address) {
                        Err(error) => {
                            assert!(matches!(error, Unreadable::Damaged(..)), "{error}");
                            lost.push(address);
                        }
                        found => assert_eq!(found, byte(&whole, address)),
                    }
                }
                assert!(cut.lost().iter().cloned().flatten().eq(lost));
                let survey = cut.survey();
                assert_eq!(survey.present, 2);
                assert_eq!(survey.held + survey.lost, 2, "{length} bytes");
                assert!(survey.lost > 0 && !survey.complete());
            }
        }
    }
}

/// What each segment of [`sample`] would be with some bytes of its header changed.
fn altered(number: usize, field: usize, value: u64) -> Vec<u8> {
    let mut bytes = sample();
    let at = 64 + 56 * number + field;
    bytes[at..at + 8].copy_from_slice(&value.to_le_bytes());
    bytes
}

#[test]
fn a_segment_that_cannot_be_is_told_and_left_out() {
    let (offset, physical, in_file, in_memory) = (8, 24, 32, 40);
    for (field, value) in [
        (physical, u64::MAX),
        (physical, 1 << 48),
        (in_memory, u64::MAX),
        (in_memory, 1 << 60),
        (offset, u64::MAX),
    ] {
        // The last one: the others' memory is all there.
        let core = open(altered(3, field, value)).unwrap();
        let survey = core.survey();
        let reported = matches!(survey.flaws[..], [Flaw::Segment(3, _)]);
        assert!(reported, "{field}: {value:#x}: {:?}", survey.flaws);
        assert_eq!(core.ranges(), [0x1000..0x1060]);
        assert_eq!((survey.held, survey.lost), (1, 0));
        assert_eq!(byte(&core, 0x1001), Ok(1));
    }
    // Of one that has nothing in the file, it doesn't matter where that would be.
    let mut nothing = altered(3, in_file, 0);
    nothing[64 + 56 * 3 + offset..][..8].copy_from_slice(&(1u64 << 40).to_le_bytes());
    let survey = open(nothing).unwrap().survey();
    assert!(survey.complete());
    assert_eq!((survey.held, survey.left_out()), (1, 1));
}

#[test]
fn memory_without_bytes_is_bounded_by_the_file() {
    for field in [40, 32] {
        let mut bytes = altered(3, field, 1 << 46);
        bytes[64 + 56 * 3 + 40..][..8].copy_from_slice(&(1u64 << 46).to_le_bytes());
        let core = open(bytes).unwrap();
        let size = core.survey().flaws;
        let reported = matches!(size[..], [Flaw::Claim { number: 3, .. }]);
        assert!(reported, "{size:?}");
        // All that the file has from there on is less than a page.
        assert_eq!(core.ranges()[1].start, 0x2000);
        assert!(core.ranges()[1].end <= 0x2010);
        assert_eq!(byte(&core, 0x2000), Ok(9));
    }
    // A machine with 8 GiB that a filter left out.
    let survey = open(altered(3, 40, 1 << 33)).unwrap().survey();
    assert!(survey.complete());
    assert_eq!(survey.present, 1 + (1 << 21));
    // Many that are too much together only.
    let loads: Vec<_> = (0..8u64).map(|it| (it << 40, 1 << 33, vec![1])).collect();
    let survey = open(core(b"", &loads)).unwrap().survey();
    assert_eq!(survey.flaws.len(), 6, "{:?}", survey.flaws);
    assert_eq!(survey.held, 8);
}

#[test]
fn bytes_of_the_file_are_memory_once() {
    // The third segment has the second's bytes, at another address.
    let second = first_load(&sample()) + 16;
    let core = open(altered(3, 8, second + 8)).unwrap();
    assert!(matches!(core.flaws(), [Flaw::Segment(3, _)]));
    assert_eq!(core.ranges(), [0x1000..0x1060]);
    // With the same distance it is the same memory, as QEMU's segments by virtual address are.
    let alias = open(altered(1, 8, second + 16)).unwrap();
    assert!(alias.survey().complete());
    assert_eq!(byte(&alias, 0x1011), Ok(17));
}

#[test]
fn memory_that_two_segments_have_otherwise_is_told() {
    let loads = |bytes: Vec<u8>| {
        let pages = [(0x1000, 64, vec![1; 64]), (0x1020, 32, bytes)];
        open(core(b"", &pages)).unwrap().survey().flaws
    };
    assert_eq!(loads(vec![1; 32]), []);
    let mut other = vec![1; 32];
    other[5] = 2;
    let twice = Flaw::Twice {
        number: 2,
        address: 0x1025,
    };
    assert_eq!(loads(other), [twice]);
}

#[test]
fn what_one_segment_lost_another_may_have() {
    let mut bytes = core(b"", &[(0x1000, 32, vec![5; 32]), (0x1000, 64, vec![5; 64])]);
    bytes.truncate(bytes.len() - 8);
    let core = open(bytes).unwrap();
    assert_eq!(core.lost(), [0x1038..0x1040]);
    assert_eq!(byte(&core, 0x101f), Ok(5));
}

#[test]
fn cores_of_processes_and_of_xen_are_no_kernels() {
    let status = || note(b"CORE", 1, &prstatus(7, 0x40_1000));
    let stranger = |notes: Vec<u8>| {
        let core = open(core(&notes, &[(0x1000, 16, vec![1; 16])])).unwrap();
        core.stranger().map(|it| it.to_string())
    };
    for kind in [3, 6, 0x5349_4749, 0x4649_4c45] {
        let notes = [status(), note(b"CORE", kind, &[0; 32])].concat();
        assert!(stranger(notes.clone()).unwrap().contains("process"));
        // The kernel's own view of itself has some of them, too.
        let kernel = [notes, note(b"VMCOREINFO", 0, b"OSRELEASE=6.1\n")].concat();
        assert_eq!(stranger(kernel), None);
    }
    assert_eq!(stranger(status()), None);
    assert_eq!(stranger(Vec::new()), None);
    assert_eq!(
        stranger([status(), note(b"QEMU", 0, &[0; 432])].concat()),
        None
    );
    let xen = note(b"Xen", 0x200_0001, &[0; 32]);
    assert!(stranger(xen).unwrap().contains("Xen core"));
    let host = [status(), note(b"VMCOREINFO_XEN", 0, b"x")].concat();
    assert!(stranger(host).unwrap().contains("Xen host"));
}

#[test]
fn memory_by_virtual_address_alone_is_that_of_a_process() {
    let notes = note(b"CORE", 1, &prstatus(7, 0x40_1000));
    let mut bytes = core(&notes, &[(0, 16, vec![1; 16]), (0, 16, vec![2; 16])]);
    assert_eq!(open(bytes.clone()).unwrap().stranger(), None);
    bytes[64 + 56 * 2 + 16..][..8].copy_from_slice(&0x40_0000u64.to_le_bytes());
    let stranger = open(bytes).unwrap().stranger().unwrap();
    assert!(stranger.to_string().contains("process"), "{stranger}");
}

#[test]
fn a_core_that_has_xens_sections_is_xens() {
    let xen = |names: &[u8]| {
        let mut bytes = sample();
        let at = bytes.len();
        bytes[40..48].copy_from_slice(&(at as u64).to_le_bytes());
        bytes.resize(at + 64, 0);
        for (field, value) in [(24, at + 64), (32, names.len())] {
            bytes[at + field..][..8].copy_from_slice(&(value as u64).to_le_bytes());
        }
        bytes.extend(names);
        let all = bytes.clone();
        for length in 0..bytes.len() {
            bytes.truncate(length);
            Vmcore::foreign(&bytes).unwrap();
            bytes.clone_from(&all);
        }
        Vmcore::foreign(&bytes).unwrap().is_some()
    };
    assert!(xen(b"\0.note.Xen\0.shstrtab\0"));
    assert!(xen(b"\0.xen_pages\0"));
    assert!(!xen(b"\0.note\0.shstrtab\0"));
    assert!(!xen(b""));
    assert_eq!(Vmcore::foreign(&sample()).unwrap(), None);
}

#[test]
fn more_program_headers_than_sixteen_bits_count_are_in_the_first_section() {
    let mut bytes = sample();
    let count = u16::from_le_bytes([bytes[56], bytes[57]]);
    let section = bytes.len() as u64;
    bytes[40..48].copy_from_slice(&section.to_le_bytes());
    bytes[56..58].copy_from_slice(&[0xff; 2]);
    let cut = bytes.clone();
    bytes.resize(bytes.len() + 44, 0);
    bytes.extend(u32::from(count).to_le_bytes());
    bytes.resize(bytes.len() + 16, 0);
    assert_eq!(open(bytes).unwrap().segments().len(), usize::from(count));
    assert!(matches!(open(cut), Err(VmcoreError::CutOff(..))));
}

#[test]
fn a_core_of_32_bits_is_read() {
    let mut bytes = b"\x7fELF\x01\x01\x01".to_vec();
    bytes.resize(16, 0);
    bytes.extend([4u16, 3].iter().flat_map(|it| it.to_le_bytes()));
    bytes.extend([1u32, 0, 52, 0, 0].iter().flat_map(|it| it.to_le_bytes()));
    bytes.extend(
        [52u16, 32, 1, 0, 0, 0]
            .iter()
            .flat_map(|it| it.to_le_bytes()),
    );
    bytes.extend(
        [1u32, 84, 0, 0x1000, 4, 4, 7, 0]
            .iter()
            .flat_map(|it| it.to_le_bytes()),
    );
    bytes.extend([1, 2, 3, 4]);
    let core = open(bytes).unwrap();
    assert_eq!(core.machine(), Machine::Other(3));
    assert_eq!(byte(&core, 0x1003), Ok(4));
}

#[test]
fn a_core_may_say_that_it_is_incomplete() {
    let mut bytes = sample();
    assert_eq!(open(bytes.clone()).unwrap().flaws(), []);
    bytes[48] = 1;
    assert_eq!(open(bytes).unwrap().flaws(), [Flaw::Marked]);
}

#[test]
fn headers_that_lie_are_refused() {
    let refused = |offset: usize, value: &[u8]| {
        let mut bytes = sample();
        bytes[offset..offset + value.len()].copy_from_slice(value);
        open(bytes).err().map(|it| it.to_string()).unwrap()
    };
    assert!(refused(0, b"\x7fELV").starts_with("not an ELF core"));
    assert!(refused(5, &[2]).contains("big-endian"));
    assert!(refused(16, &[2]).contains("ET_CORE"));
    assert!(refused(54, &[57]).contains("e_phentsize"));
    assert!(refused(56, &[0xfe, 0xff]).contains("program headers"));
    assert!(refused(32, &[0xff; 8]).contains("program headers"));
}

#[test]
fn notes_of_a_length_that_nobody_should_allocate_are_left_out() {
    struct Endless(Vec<u8>);
    impl Source for Endless {
        fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<()> {
            match self.0.read_at(offset, buffer) {
                Ok(()) => Ok(()),
                Err(_) => panic!("{} bytes are read", buffer.len()),
            }
        }

        fn size(&self) -> io::Result<u64> {
            Ok(1 << 40)
        }
    }
    let core = Vmcore::open(Arc::new(Endless(altered(0, 32, 1 << 30)))).unwrap();
    assert_eq!(core.flaws(), [Flaw::Notes]);
    assert_eq!(byte(&core, 0x1001), Ok(1));
}
