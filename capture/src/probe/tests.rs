use super::*;
use std::process::Command;

const UUID: &str = "00112233-4455-6677-8899-aabbccddeeff";
const UUID_BYTES: [u8; 16] = [
    0x00, 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x88, 0x99, 0xaa, 0xbb, 0xcc, 0xdd, 0xee, 0xff,
];

fn image(parts: &[(usize, &[u8])]) -> Vec<u8> {
    let mut image = vec![0; 68 << 10];
    for (at, bytes) in parts {
        image[*at..*at + bytes.len()].copy_from_slice(bytes);
    }
    image
}

fn ext() -> Vec<u8> {
    image(&[(1080, &[0x53, 0xef]), (1128, &UUID_BYTES), (1144, b"crash")])
}

fn xfs() -> Vec<u8> {
    image(&[(0, b"XFSB"), (32, &UUID_BYTES), (108, b"twelve bytes")])
}

fn btrfs() -> Vec<u8> {
    let at = 64 << 10;
    image(&[
        (at + 0x40, b"_BHRfS_M"),
        (at + 0x20, &UUID_BYTES),
        (at + 0x12b, b"crash"),
    ])
}

fn fat32() -> Vec<u8> {
    image(&[
        (67, &0x1a2b_3c4d_u32.to_le_bytes()),
        (71, b"CRASH      FAT32   "),
        (510, &[0x55, 0xaa]),
    ])
}

fn fat16() -> Vec<u8> {
    image(&[
        (39, &0x0000_00ff_u32.to_le_bytes()),
        (43, b"NO NAME    FAT16   "),
        (510, &[0x55, 0xaa]),
    ])
}

#[test]
fn each_file_system_says_what_it_is() {
    for (image, owner, uuid, label) in [
        (ext(), Owner::Ext, UUID, Some("crash")),
        (xfs(), Owner::Xfs, UUID, Some("twelve bytes")),
        (btrfs(), Owner::Btrfs, UUID, Some("crash")),
        (fat32(), Owner::Vfat, "1A2B-3C4D", Some("CRASH")),
        (fat16(), Owner::Vfat, "0000-00FF", None),
    ] {
        let found = superblock(&image).unwrap().unwrap();
        assert_eq!(found.owner, owner);
        assert_eq!(found.uuid, uuid, "{owner}");
        assert_eq!(found.label.as_deref(), label, "{owner}");
    }
}

#[test]
fn what_lies_on_another_device_is_reported() {
    let with = |mut image: Vec<u8>, parts: &[(usize, &[u8])]| {
        for (at, bytes) in parts {
            image[*at..*at + bytes.len()].copy_from_slice(bytes);
        }
        superblock(&image).unwrap().unwrap().elsewhere
    };
    let (has_journal, inode) = (1024 + 0x5c, 1024 + 0xe0);
    assert_eq!(with(ext(), &[]), None);
    assert_eq!(with(ext(), &[(has_journal, &[4]), (inode, &[8])]), None);
    assert_eq!(
        with(ext(), &[(has_journal, &[0x3c])]),
        Some(Elsewhere::Journal)
    );
    let (log_start, real_time) = (48, 16);
    assert_eq!(with(xfs(), &[(log_start + 7, &[1])]), None);
    assert_eq!(with(xfs(), &[]), Some(Elsewhere::Log));
    assert_eq!(
        with(xfs(), &[(log_start, &[1]), (real_time + 7, &[1])]),
        Some(Elsewhere::RealTime)
    );
    assert_eq!(with(fat32(), &[]), None);
}

#[test]
fn a_device_of_a_btrfs_on_several_says_which_it_is() {
    let mut image = btrfs();
    let block = 64 << 10;
    image[block + 0x88] = 1;
    image[block + 0x10b..block + 0x11b].fill(0xab);
    assert_eq!(superblock(&image).unwrap().unwrap().member, None);
    image[block + 0x88] = 3;
    let member = superblock(&image).unwrap().unwrap().member.unwrap();
    assert_eq!(member.of, 3);
    assert_eq!(member.uuid, "abababab-abab-abab-abab-abababababab");
}

#[test]
fn what_else_owns_a_device_is_known_too() {
    for (image, owner) in [
        (image(&[(0, b"LUKS\xba\xbe")]), Owner::Luks),
        (image(&[(512, b"LABELONE")]), Owner::Lvm),
        (image(&[(4086, b"SWAPSPACE2")]), Owner::Swap),
    ] {
        assert_eq!(superblock(&image).unwrap().map(|it| it.owner), Some(owner));
    }
}

#[test]
fn nothing_is_found_where_nothing_is() {
    assert_eq!(superblock(&image(&[])).unwrap(), None);
    assert_eq!(superblock(&vec![0xff; 68 << 10]).unwrap(), None);
    assert_eq!(superblock(&Vec::new()).unwrap(), None);
    // A boot sector without a file system, as of a disk with an MBR.
    assert_eq!(superblock(&image(&[(510, &[0x55, 0xaa])])).unwrap(), None);
}

#[test]
fn a_superblock_cut_off_anywhere_is_none() {
    for (image, end) in [
        (ext(), 1024 + 0xe4),
        (xfs(), 120),
        (btrfs(), (64 << 10) + 0x22b),
        (fat32(), 512),
    ] {
        for length in 0..end {
            let mut cut = image.clone();
            cut.truncate(length);
            assert_eq!(superblock(&cut).unwrap(), None, "{length} bytes");
        }
        let mut whole = image;
        whole.truncate(end.max(4096));
        assert!(superblock(&whole).unwrap().is_some());
    }
}

/// The tools' own work, where they are installed.
#[test]
fn what_mkfs_makes_is_recognised() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("image");
    let mut tried = 0;
    for (program, arguments, owner, uuid) in [
        (
            "mke2fs",
            &["-qF", "-L", "crash", "-U", UUID][..],
            Owner::Ext,
            UUID,
        ),
        (
            "mkfs.xfs",
            &["-qf", "-L", "crash", "-m", &format!("uuid={UUID}")],
            Owner::Xfs,
            UUID,
        ),
        (
            "mkfs.btrfs",
            &["-qf", "-L", "crash", "-U", UUID],
            Owner::Btrfs,
            UUID,
        ),
        (
            "mkfs.vfat",
            &["-n", "CRASH", "-i", "1a2b3c4d"],
            Owner::Vfat,
            "1A2B-3C4D",
        ),
    ] {
        std::fs::File::create(&file)
            .and_then(|it| it.set_len(400 << 20))
            .unwrap();
        let path = format!(
            "{}:/usr/sbin:/sbin",
            std::env::var("PATH").unwrap_or_default()
        );
        let mut command = Command::new(program);
        command.env("PATH", path).args(arguments).arg(&file);
        let Ok(output) = command.output() else {
            continue;
        };
        assert!(output.status.success(), "{output:?}");
        tried += 1;
        let found = superblock(&std::fs::File::open(&file).unwrap())
            .unwrap()
            .unwrap();
        assert_eq!((found.owner, found.uuid.as_str()), (owner, uuid));
        assert_eq!(found.label.unwrap().to_lowercase(), "crash", "{owner}");
        assert_eq!(found.elsewhere, None, "{owner}");
    }
    assert!(tried > 0, "e2fsprogs isn't installed");
}

const GUID: &str = "33221100-5544-7766-8899-aabbccddeeff";

/// A disk with a GPT of blocks of this size, whose second partition begins at block 40.
fn gpt(block: usize, header_at: usize) -> Vec<u8> {
    let mut disk = vec![0; 64 * block];
    let header = &mut disk[header_at * block..][..92];
    header[..8].copy_from_slice(b"EFI PART");
    header[72..80].copy_from_slice(&2_u64.to_le_bytes());
    header[80..84].copy_from_slice(&4_u32.to_le_bytes());
    header[84..88].copy_from_slice(&128_u32.to_le_bytes());
    let entry = &mut disk[2 * block + 128..][..128];
    entry[..16].fill(7);
    entry[16..32].copy_from_slice(&UUID_BYTES);
    entry[32..40].copy_from_slice(&40_u64.to_le_bytes());
    for (at, unit) in "dümp".encode_utf16().enumerate() {
        entry[56 + 2 * at..58 + 2 * at].copy_from_slice(&unit.to_le_bytes());
    }
    disk[450] = 0xee;
    disk[510..512].copy_from_slice(&[0x55, 0xaa]);
    disk
}

#[test]
fn a_partition_of_a_gpt_has_an_identifier_and_a_name() {
    for (block, header) in [(512, 1), (4096, 1), (512, 63)] {
        let start = 40 * block as u64;
        let names = gpt::names(&gpt(block, header), block as u64, 2, start)
            .unwrap()
            .unwrap();
        assert_eq!(names.uuid, GUID);
        assert_eq!(names.label.as_deref(), Some("dümp"));
    }
}

#[test]
fn a_partition_that_begins_elsewhere_than_the_kernel_says_has_no_name() {
    let disk = gpt(512, 1);
    assert_eq!(gpt::names(&disk, 512, 2, 41 * 512).unwrap(), None);
    assert_eq!(gpt::names(&disk, 512, 1, 40 * 512).unwrap(), None);
    assert_eq!(gpt::names(&disk, 512, 0, 40 * 512).unwrap(), None);
    assert_eq!(gpt::names(&disk, 512, 5, 40 * 512).unwrap(), None);
    assert_eq!(gpt::names(&disk, 0, 2, 40 * 512).unwrap(), None);
}

#[test]
fn a_table_that_points_nowhere_gives_no_name() {
    for field in [72..80, 80..88] {
        let mut disk = gpt(512, 1);
        disk[512..][field].fill(0xff);
        assert_eq!(gpt::names(&disk, 512, 2, 40 * 512).unwrap(), None);
    }
}

#[test]
fn a_gpt_cut_off_anywhere_gives_no_name() {
    let whole = gpt(512, 1);
    for length in 0..(2 * 512 + 256) {
        let mut cut = whole.clone();
        cut.truncate(length);
        assert_eq!(
            gpt::names(&cut, 512, 2, 40 * 512).unwrap(),
            None,
            "{length}"
        );
    }
}

#[test]
fn a_partition_of_an_mbr_is_named_by_the_disks_signature() {
    let mut disk = vec![0; 4096];
    disk[440..444].copy_from_slice(&0x00c0_ffee_u32.to_le_bytes());
    disk[510..512].copy_from_slice(&[0x55, 0xaa]);
    let names = gpt::names(&disk, 512, 5, 1024).unwrap().unwrap();
    assert_eq!(names.uuid, "00c0ffee-05");
    assert_eq!(names.label, None);
    disk[440..444].fill(0);
    assert_eq!(gpt::names(&disk, 512, 5, 1024).unwrap(), None);
}

/// A disk of which these bytes can't be read.
struct Scratched(Vec<u8>, std::ops::Range<u64>);

impl Source for Scratched {
    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> std::io::Result<()> {
        let end = offset + buffer.len() as u64;
        if offset < self.1.end && end > self.1.start {
            return Err(std::io::Error::from_raw_os_error(5));
        }
        self.0.read_at(offset, buffer)
    }

    fn size(&self) -> std::io::Result<u64> {
        self.0.size()
    }
}

#[test]
fn a_device_that_gives_no_answer_is_not_taken_for_one_that_holds_nothing() {
    let silent = || Scratched(vec![0; 1 << 20], 0..1 << 20);
    assert!(superblock(&silent()).is_err());
    assert!(occupant(&silent()).is_err());
    assert!(gpt::names(&silent(), 512, 2, 40 * 512).is_err());
    // What a signature may stand in is no place for a dump.
    let signature = Scratched(vec![0; 8 << 20], 0x10_0000..0x10_0200);
    assert!(occupant(&signature).is_err());
    // A device that says that it ends before the size that it has.
    struct Gone;
    impl Source for Gone {
        fn read_at(&self, _: u64, _: &mut [u8]) -> std::io::Result<()> {
            Err(std::io::ErrorKind::UnexpectedEof.into())
        }
        fn size(&self) -> std::io::Result<u64> {
            Ok(1 << 20)
        }
    }
    assert!(superblock(&Gone).is_err());
}

#[test]
fn the_second_header_of_a_gpt_serves_where_the_first_can_not_be_read() {
    let both = Scratched(gpt(512, 63), 512..1024);
    let names = gpt::names(&both, 512, 2, 40 * 512).unwrap().unwrap();
    assert_eq!(names.uuid, GUID);
}
