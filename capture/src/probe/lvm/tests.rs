use super::*;

/// The beginnings of physical volumes as LVM 2.03.16 wrote them. They are also the seeds of the fuzzer.
const MEMBER: &[u8] = include_bytes!("../../../../fuzz/corpus/lvm/member-0");
const RING: &[u8] = include_bytes!("../../../../fuzz/corpus/lvm/ring");
const ORPHAN: &[u8] = include_bytes!("../../../../fuzz/corpus/lvm/orphan");
const IGNORED_AREA: &[u8] = include_bytes!("../../../../fuzz/corpus/lvm/ignored");
const WITHOUT_METADATA: &[u8] = include_bytes!("../../../../fuzz/corpus/lvm/without-metadata");

/// Where the metadata area begins on all of them.
const AREA: usize = 4096;

fn read(bytes: &[u8]) -> Result<PhysicalVolume, LvmError> {
    physical_volume(&bytes.to_vec())
}

fn group(name: &str, id: &str, seqno: u32) -> VolumeGroup {
    VolumeGroup {
        name: GroupName::try_from(name.to_owned()).unwrap(),
        id: Id::shown(id).unwrap(),
        seqno,
    }
}

#[test]
fn a_member_names_its_group_and_how_often_that_changed() {
    let found = read(MEMBER).unwrap();
    assert_eq!(
        found.id.to_string(),
        "ifB8jP-Jg0Z-6oyR-DCtV-rKRh-l82J-EG9zUg"
    );
    let wanted = group("vg0", "xL2Mkx-GM20-Ue2N-JTZ3-819A-9JMt-bALxad", 3);
    assert_eq!(found.group, Some(wanted));
}

#[test]
fn a_text_that_reaches_its_areas_end_goes_on_at_the_beginning() {
    // There is a second area, at the end of that disk.
    let mut disk = RING.to_vec();
    disk.resize(64 << 20, 0);
    assert_eq!(physical_volume(&disk), Err(LvmError::Damaged(Part::Header)));
    // Its copy: the text of both is the same, but each says where it is.
    let second = 67_076_096;
    disk.copy_within(AREA..AREA + (32 << 10), second);
    disk[second + 24..second + 32].copy_from_slice(&67_076_096_u64.to_le_bytes());
    seal_header(&mut disk, second);
    let found = physical_volume(&disk).unwrap();
    let wanted = group("ring", "YOkrgU-BPdw-mtHj-C2Rg-YRUe-9eGq-L438j9", 32);
    assert_eq!(found.group, Some(wanted));
}

#[test]
fn one_in_no_group_or_whose_group_is_described_elsewhere_has_none() {
    for disk in [ORPHAN, IGNORED_AREA, WITHOUT_METADATA] {
        assert_eq!(read(disk).unwrap().group, None);
    }
}

#[test]
fn a_part_that_was_altered_or_cut_off_is_refused() {
    let place = usize::try_from(u64::from_le_bytes(array(MEMBER, AREA + 40).unwrap())).unwrap();
    for (at, part) in [
        (512 + 40, Part::Label),
        (AREA + 8, Part::Header),
        (AREA + place + 10, Part::Text),
    ] {
        let mut disk = MEMBER.to_vec();
        disk[at] ^= 1;
        assert_eq!(read(&disk), Err(LvmError::Damaged(part)));
    }
    let end = AREA + place + 2000;
    for length in 0..end.min(MEMBER.len()) {
        let found = read(&MEMBER[..length]);
        if length < 1024 {
            assert_eq!(found, Err(LvmError::NoLabel), "{length}");
        } else if length < AREA + 512 {
            assert_eq!(found, Err(LvmError::Damaged(Part::Header)), "{length}");
        } else if let Err(error) = found {
            assert_eq!(error, LvmError::Damaged(Part::Text), "{length}");
        }
    }
    assert_eq!(read(&[]), Err(LvmError::NoLabel));
    assert_eq!(read(&vec![0; 8192]), Err(LvmError::NoLabel));
}

/// A disk that is there and gives no answer.
struct Silent;

impl Source for Silent {
    fn read_at(&self, _: u64, _: &mut [u8]) -> std::io::Result<()> {
        Err(std::io::Error::from_raw_os_error(5))
    }

    fn size(&self) -> std::io::Result<u64> {
        Ok(1 << 30)
    }
}

#[test]
fn a_disk_that_gives_no_answer_is_not_taken_for_one_without_a_label() {
    assert_eq!(physical_volume(&Silent), Err(LvmError::Unreadable));
}

fn seal_header(disk: &mut [u8], at: usize) {
    let sum = checksum(&disk[at + 4..at + 512]).to_le_bytes();
    disk[at..at + 4].copy_from_slice(&sum);
}

#[test]
fn a_header_that_leads_out_of_its_area_is_refused() {
    let altered = |at: usize, value: u64| {
        let mut disk = MEMBER.to_vec();
        disk[AREA + at..AREA + at + 8].copy_from_slice(&value.to_le_bytes());
        seal_header(&mut disk, AREA);
        read(&disk)
    };
    let (offset, size) = (40, 48);
    for offset_value in [1, 511, 1 << 20, u64::MAX] {
        assert_eq!(
            altered(offset, offset_value),
            Err(LvmError::Damaged(Part::Text))
        );
    }
    assert_eq!(altered(size, 3 << 20), Err(LvmError::Damaged(Part::Text)));
    assert_eq!(altered(size, u64::MAX), Err(LvmError::Long));
    // No text, and so no group.
    assert_eq!(altered(offset, 0).unwrap().group, None);
    // An area that says that it is elsewhere, or longer.
    for at in [24, 32] {
        assert_eq!(altered(at, 1 << 30), Err(LvmError::Damaged(Part::Header)));
    }
}

#[test]
fn a_list_of_areas_without_an_end_is_refused() {
    let mut disk = MEMBER.to_vec();
    disk[512 + 72..1024].fill(1);
    let sum = checksum(&disk[512 + 20..1024]).to_le_bytes();
    disk[512 + 16..512 + 20].copy_from_slice(&sum);
    assert_eq!(read(&disk), Err(LvmError::Damaged(Part::Label)));
}

const TEXT: &str = "# by hand\n\
    contents = \"Text Format Volume Group\" version = 1\n\
    vg { lv { id = \"not } this\" seqno = 9 } tags=[\"]\", \"a\\\"b\", 1]\n\
    seqno = 7 # { not = this\n\
    id = \"xL2Mkx-GM20-Ue2N-JTZ3-819A-9JMt-bALxad\" }\0";

#[test]
fn keys_stand_in_any_order_and_those_of_other_sections_are_skipped() {
    let wanted = group("vg", "xL2Mkx-GM20-Ue2N-JTZ3-819A-9JMt-bALxad", 7);
    assert_eq!(volume_group(TEXT.as_bytes()), Some(wanted));
}

#[test]
fn a_text_that_is_cut_off_or_says_something_twice_describes_nothing() {
    let end = TEXT.rfind('}').unwrap();
    for length in 0..=end {
        assert_eq!(volume_group(&TEXT.as_bytes()[..length]), None, "{length}");
    }
    for (from, to) in [
        ("seqno = 7", "seqno = 7 seqno = 8"),
        ("seqno = 7", "seqno = -7"),
        ("seqno = 7", "seqno = 99999999999"),
        ("id = \"xL2", "id = \"xL"),
        ("id = \"xL2", "id = \"x L2"),
        ("version = 1", "version = 2"),
        ("Volume Group", "Backup"),
        ("vg {", "v\u{1b}g {"),
        ("vg {", "other { } vg {"),
        ("vg {", "vg = {"),
        ("vg {", "} vg {"),
    ] {
        let text = TEXT.replacen(from, to, 1);
        assert_ne!(text, TEXT);
        assert_eq!(volume_group(text.as_bytes()), None, "{text}");
    }
}

#[test]
fn an_identifier_is_written_in_one_way() {
    let id = "xL2Mkx-GM20-Ue2N-JTZ3-819A-9JMt-bALxad";
    assert_eq!(Id::shown(id).unwrap().to_string(), id);
    for bad in ["", "xL2Mkx", &id.replace('-', ""), &id.replace('a', "ä")] {
        assert!(Id::try_from(bad.to_owned()).is_err(), "{bad}");
    }
}
