use super::*;
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
    assert_eq!(core.missing(), 0);
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
    let headers_end = usize::try_from(first_load(&bytes)).unwrap();
    for length in 0..bytes.len() {
        match open(bytes[..length].to_vec()) {
            Err(_) => assert!(length < headers_end, "{length} bytes"),
            Ok(cut) => {
                assert!(cut.missing() > 0, "{length} bytes");
                assert_eq!(cut.ranges(), whole.ranges());
                let mut lost = 0;
                for address in whole.ranges().iter().cloned().flatten() {
                    match byte(&cut, address) {
                        Err(error) => {
                            assert!(matches!(error, Unreadable::Damaged(..)), "{error}");
                            lost += 1;
                        }
                        found => assert_eq!(found, byte(&whole, address)),
                    }
                }
                assert!(lost > 0, "{length} bytes");
            }
        }
    }
}

#[test]
fn more_program_headers_than_sixteen_bits_count_are_in_the_first_section() {
    let mut bytes = sample();
    let count = u16_at(&bytes, 56).unwrap();
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
    assert!(!open(bytes.clone()).unwrap().incomplete());
    bytes[48] = 1;
    assert!(open(bytes).unwrap().incomplete());
}

#[test]
fn headers_that_lie_are_refused() {
    let refused = |offset: usize, value: &[u8]| {
        let mut bytes = sample();
        bytes[offset..offset + value.len()].copy_from_slice(value);
        open(bytes).err().map(|it| it.to_string()).unwrap()
    };
    assert!(refused(0, b"\x7fELV").starts_with("no ELF core"));
    assert!(refused(5, &[2]).contains("big-endian"));
    assert!(refused(16, &[2]).contains("ET_CORE"));
    assert!(refused(54, &[57]).contains("e_phentsize"));
    assert!(refused(56, &[0xfe, 0xff]).contains("program headers"));
    assert!(refused(32, &[0xff; 8]).contains("program headers"));
    // Notes of a length that nobody should allocate, and memory that ends beyond all addresses.
    assert!(refused(64 + 32, &[0xff; 8]).contains("notes"));
    assert!(refused(64 + 56 + 24, &[0xff; 8]).contains("memory beyond 2^52"));
    assert!(refused(64 + 56 + 40, &[0xff; 7]).contains("memory beyond 2^52"));
    assert!(refused(64 + 56 + 8, &[0xff; 8]).contains("segment beyond 2^64"));
}
