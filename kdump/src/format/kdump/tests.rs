use super::*;
use crate::samples::kdump::{DESCRIPTORS, KdumpSample, content};
use crate::samples::{note, prstatus};

const PAGE: u64 = 4096;

fn open(bytes: Vec<u8>) -> Result<KdumpFile, KdumpError> {
    KdumpFile::open(vec![Arc::new(bytes)])
}

fn page(dump: &KdumpFile, frame: u64) -> Result<Vec<u8>, Unreadable> {
    let mut page = vec![0; 4096];
    dump.read(frame * PAGE, &mut page).map(|()| page)
}

#[test]
fn pages_of_each_codec_are_read() {
    let dump = open(KdumpSample::new().build()).unwrap();
    let codecs = [
        (1, Codec::Raw),
        (2, Codec::Zlib),
        (4, Codec::Lzo),
        (5, Codec::Snappy),
        (8, Codec::Zstd),
        (9, Codec::Raw),
    ];
    for (frame, codec) in codecs {
        let expected = content(usize::try_from(frame).unwrap());
        assert_eq!(page(&dump, frame), Ok(expected), "{codec}");
        assert_eq!(dump.codec(frame * PAGE), Ok(codec));
    }
    let survey = dump.survey();
    assert_eq!((survey.held, survey.present, survey.left_out()), (6, 8, 2));
    assert!(dump.survey().complete());
    assert_eq!(dump.ranges(), [PAGE..6 * PAGE, 8 * PAGE..11 * PAGE]);
}

#[test]
fn a_read_crosses_pages_and_ends_within_them() {
    let dump = open(KdumpSample::new().build()).unwrap();
    let mut buffer = [0; 200];
    dump.read(2 * PAGE - 100, &mut buffer).unwrap();
    assert_eq!(buffer[..100], content(1)[3996..]);
    assert_eq!(buffer[100..], content(2)[..100]);
    let excluded = dump.read(3 * PAGE - 100, &mut buffer);
    assert_eq!(excluded, Err(Unreadable::Excluded(3 * PAGE)));
}

#[test]
fn pages_left_out_and_memory_that_never_was_are_told_apart() {
    let dump = open(KdumpSample::new().build()).unwrap();
    assert_eq!(page(&dump, 3), Err(Unreadable::Excluded(3 * PAGE)));
    assert_eq!(page(&dump, 6), Err(Unreadable::Absent(6 * PAGE)));
    assert_eq!(page(&dump, 11), Err(Unreadable::Absent(11 * PAGE)));
    assert!(dump.read(u64::MAX, &mut [0; 2]).is_err());
}

#[test]
fn headers_and_notes_are_read_in_each_version() {
    for version in 1..=6 {
        let mut notes = note(b"CORE", 1, &prstatus(7, 0xabc));
        notes.extend(note(b"VMCOREINFO", 0, b"OSRELEASE=6.12.1-sample\n"));
        let mut bytes = KdumpSample {
            version,
            notes: notes.clone(),
            ..KdumpSample::new()
        }
        .build();
        // Version 3 has VMCOREINFO alone.
        let text = (4096 + 104 + notes.len() - 24) as u64;
        bytes[4096 + 32..][..8].copy_from_slice(&text.to_le_bytes());
        bytes[4096 + 40..][..8].copy_from_slice(&24u64.to_le_bytes());
        let dump = open(bytes).unwrap();
        assert_eq!(dump.header().version(), version);
        assert_eq!(dump.header().utsname.nodename, "host");
        assert_eq!(dump.header().raw.nr_cpus.get(), 3);
        assert_eq!(dump.header().raw.tv_sec.get(), 1_700_000_000);
        assert_eq!(dump.machine(), Machine::X86_64);
        assert_eq!(dump.sub_header().dump_level, 31);
        assert_eq!(dump.sub_header().frames, 11);
        assert_eq!(dump.notes().cpus.len(), usize::from(version >= 4));
        assert_eq!(dump.notes().vmcoreinfo.is_some(), version >= 3);
        assert_eq!(page(&dump, 8), Ok(content(8)));
    }
}

#[test]
fn a_machine_that_the_header_does_not_name_is_that_of_the_notes() {
    let machine = |name: &'static str, notes: Vec<u8>| {
        let sample = KdumpSample {
            machine: name,
            notes,
            ..KdumpSample::new()
        };
        let dump = open(sample.build()).unwrap();
        assert_eq!(page(&dump, 8), Ok(content(8)));
        dump.machine()
    };
    let arm64 = || note(b"CORE", 1, &[0; 392]);
    let kernel = |line: &[u8]| note(b"VMCOREINFO", 0, line);
    for name in ["Unknown", ""] {
        // kdump-raw-zlib of QEMU, for a guest that stated nothing.
        assert_eq!(machine(name, Vec::new()), Machine::X86_64);
        let registers = note(b"CORE", 1, &prstatus(7, 0xabc));
        assert_eq!(machine(name, registers), Machine::X86_64);
        assert_eq!(machine(name, arm64()), Machine::Aarch64);
        let stated = kernel(b"NUMBER(kimage_voffset)=0x1\n");
        assert_eq!(machine(name, stated), Machine::Aarch64);
        let stated = [arm64(), kernel(b"SYMBOL(init_top_pgt)=1\n")].concat();
        assert_eq!(machine(name, stated), Machine::X86_64);
        let strange = note(b"CORE", 1, &[0; 480]);
        assert_eq!(machine(name, strange), Machine::Other(0));
    }
    // What is named isn't guessed.
    assert_eq!(machine("riscv64", arm64()), Machine::Other(243));
}

#[test]
fn blocks_of_64_kib_without_notes_are_those_of_an_arm64_guest() {
    let mut bytes = vec![0; 5 << 16];
    for (at, value) in [(428, 1 << 16), (432, 1), (436, 2), (440, 4)] {
        bytes[at..at + 4].copy_from_slice(&u32::to_le_bytes(value));
    }
    bytes[..8].copy_from_slice(b"KDUMP   ");
    bytes[8] = 6;
    bytes[12 + 65 * 4..][..7].copy_from_slice(b"Unknown");
    bytes[(1 << 16) + 96] = 4;
    let dump = open(bytes.clone()).unwrap();
    assert_eq!(
        (dump.machine(), dump.page_size()),
        (Machine::Aarch64, 1 << 16)
    );
    // A 32-bit guest's header is shorter: this one has 256 MiB.
    bytes[416..428].copy_from_slice(&[0, 0x10, 0, 0, 1, 0, 0, 0, 4, 0, 0, 0]);
    let error = open(bytes).err().unwrap().to_string();
    assert!(error.contains("a 32-bit machine"), "{error}");
}

#[test]
fn a_split_dump_is_read_from_its_parts_in_any_order() {
    let part = |part| -> Arc<dyn Source> {
        let part = Some(part);
        Arc::new(
            KdumpSample {
                part,
                ..KdumpSample::new()
            }
            .build(),
        )
    };
    let whole = open(KdumpSample::new().build()).unwrap();
    let dump = KdumpFile::open(vec![part(5..9), part(9..11), part(0..5)]).unwrap();
    assert!(dump.survey().complete());
    assert_eq!(dump.survey().held, 6);
    for frame in 0..12 {
        assert_eq!(page(&dump, frame), page(&whole, frame), "frame {frame}");
    }
    let dump = KdumpFile::open(vec![part(0..5), part(9..11)]).unwrap();
    assert!(!dump.survey().complete());
    assert_eq!(dump.missing(), [5..9, 0..0][..1]);
    assert!(
        page(&dump, 8)
            .unwrap_err()
            .to_string()
            .contains("isn't here")
    );
    assert_eq!(page(&dump, 6), Err(Unreadable::Absent(6 * PAGE)));
    assert_eq!(page(&dump, 9), Ok(content(9)));
    for (frame, end, presence) in [
        (4, 5, Presence::Held),
        (5, 6, Presence::Lost),
        (6, 8, Presence::Absent),
        (8, 9, Presence::Lost),
        (9, 10, Presence::Held),
        (10, 11, Presence::LeftOut),
    ] {
        let end = end * PAGE;
        assert_eq!(dump.extent(frame * PAGE), Extent { presence, end });
    }
    let twice = KdumpFile::open(vec![part(0..5), part(4..11)]);
    assert!(twice.err().unwrap().to_string().contains("same pages"));
    let other = Arc::new(
        KdumpSample {
            version: 5,
            part: Some(5..11),
            ..KdumpSample::new()
        }
        .build(),
    );
    let mixed = KdumpFile::open(vec![part(0..5), other]);
    assert!(mixed.err().unwrap().to_string().contains("headers differ"));
}

#[test]
fn a_dump_cut_off_anywhere_reads_equal_or_fails() {
    let bytes = KdumpSample::new().build();
    let whole = open(bytes.clone()).unwrap();
    // Every length of the headers, of each descriptor and of the data.
    let lengths = (0..600)
        .chain(4096..4300)
        .chain((600..DESCRIPTORS).step_by(512));
    for length in lengths.chain(DESCRIPTORS..bytes.len()) {
        match open(bytes[..length].to_vec()) {
            Err(error) => {
                assert!(length < DESCRIPTORS, "{length} bytes: {error}");
                let stated = matches!(error, KdumpError::CutOff(..) | KdumpError::NotKdump);
                assert!(stated, "{length} bytes: {error}");
            }
            Ok(cut) => {
                assert!(length >= DESCRIPTORS);
                assert_eq!(cut.ranges(), whole.ranges());
                let mut lost = 0;
                for frame in 0..12 {
                    let extent = cut.extent(frame * PAGE);
                    assert!(extent.end > frame * PAGE);
                    match page(&cut, frame) {
                        Err(Unreadable::Damaged(..)) => {
                            lost += 1;
                            assert_eq!(extent.presence, Presence::Lost);
                        }
                        found => {
                            assert_eq!(found, page(&whole, frame), "{length} bytes");
                            assert_ne!(extent.presence, Presence::Lost);
                        }
                    }
                }
                // What is reported at once is what comes out when all is read.
                let survey = cut.survey();
                assert!(lost > 0 && !survey.complete(), "{length} bytes");
                assert_eq!((survey.lost, survey.held), (lost, 6 - lost));
                assert_eq!((survey.present, survey.left_out()), (8, 2));
            }
        }
    }
}

#[test]
fn a_dump_broken_off_before_its_bitmaps_says_what_crashed_and_has_no_pages() {
    let mut bytes = KdumpSample::new().build();
    // DUMP_DH_COMPRESSED_INCOMPLETE of `status`.
    bytes[424] |= 8;
    let whole = open(bytes.clone()).unwrap();
    for length in (4096 + 104..DESCRIPTORS).step_by(100) {
        let cut = open(bytes[..length].to_vec()).unwrap();
        let flaws = cut.survey().flaws;
        assert_eq!(flaws[..2], [Flaw::Marked, Flaw::CutOff("bitmaps")]);
        assert_eq!(cut.header(), whole.header());
        assert_eq!((cut.survey().held, cut.ranges().len()), (0, 0));
        assert!(page(&cut, 1).is_err());
        let notes = cut.note_bytes();
        assert!(notes.is_empty() || notes == whole.note_bytes());
    }
}

#[test]
fn a_descriptor_of_zeros_is_a_lost_page() {
    let mut bytes = KdumpSample::new().build();
    bytes[DESCRIPTORS + 24..][..24].fill(0);
    bytes[424] = 0x8;
    let dump = open(bytes).unwrap();
    assert!(!dump.survey().complete());
    assert!(page(&dump, 2).unwrap_err().to_string().contains("was lost"));
    assert_eq!(page(&dump, 4), Ok(content(4)));
}

#[test]
fn frames_that_share_a_place_in_the_file_are_each_read_as_their_descriptors_say() {
    let mut bytes = KdumpSample::new().build();
    // Frame 2 has the data of frame 1; frame 9 the first bytes of frame 1's, as if they were compressed.
    let first = bytes[DESCRIPTORS..][..24].to_vec();
    let descriptor = |index: usize| DESCRIPTORS + 24 * index;
    bytes[descriptor(1)..][..24].copy_from_slice(&first);
    bytes[descriptor(5)..][..24].copy_from_slice(&first);
    bytes[descriptor(5) + 12] = 1;
    let dump = open(bytes).unwrap();
    for _ in 0..3 {
        assert_eq!(page(&dump, 1), Ok(content(1)));
        assert_eq!(page(&dump, 2), Ok(content(1)));
        assert!(matches!(page(&dump, 9), Err(Unreadable::Damaged(..))));
        assert_eq!(page(&dump, 8), Ok(content(8)));
    }
}

#[test]
fn descriptors_that_lie_damage_their_page_alone() {
    for (at, value) in [
        (0, u64::MAX),
        (0, 1 << 40),
        (8, 0),
        (8, 4097),
        (8, u64::MAX),
        (12, 3),
    ] {
        let mut bytes = KdumpSample::new().build();
        let at = DESCRIPTORS + 24 + at;
        bytes[at..at + 8].copy_from_slice(&value.to_le_bytes());
        let dump = open(bytes).unwrap();
        let read = page(&dump, 2);
        assert!(matches!(read, Err(Unreadable::Damaged(..))), "{value:#x}");
        assert_eq!((dump.survey().held, dump.survey().lost), (5, 1));
        assert_eq!(page(&dump, 1), Ok(content(1)));
        assert_eq!(page(&dump, 4), Ok(content(4)));
    }
}

#[test]
fn headers_that_lie_are_refused() {
    let refused = |at: usize, value: &[u8]| {
        let mut bytes = KdumpSample::new().build();
        bytes[at..at + value.len()].copy_from_slice(value);
        open(bytes).err().map(|it| it.to_string()).unwrap()
    };
    assert!(refused(0, b"DISK").starts_with("no kdump-compressed dump"));
    assert!(refused(8, &[7]).contains("version 7"));
    assert!(refused(8, &[0, 0, 0, 6]).contains("big-endian"));
    assert!(refused(12 + 65 * 4, b"i686\0\0").contains("i686"));
    assert!(refused(428, &[1]).contains("blocks of 4097 bytes"));
    assert!(refused(432, &[0xff; 4]).contains("bitmaps"));
    assert!(refused(436, &[0xff; 4]).contains("bitmaps"));
    assert!(refused(436, &[0]).contains("shorter than memory"));
    assert!(refused(4096 + 96, &[0xff; 8]).contains("page frames"));
}

#[test]
fn what_cannot_be_besides_pages_is_told_and_left_out() {
    for (at, value, flaw) in [
        (48, 1 << 40, Flaw::CutOff("notes")),
        (48, u64::MAX, Flaw::CutOff("notes")),
        (56, u64::MAX, Flaw::Notes),
        (40, 1 << 40, Flaw::Notes),
        // makedumpfile's last block: a dump that ends before it was cut off.
        (72, 1 << 40, Flaw::CutOff("table of what was erased")),
    ] {
        let mut bytes = KdumpSample {
            notes: note(b"CORE", 1, &prstatus(7, 0xabc)),
            ..KdumpSample::new()
        }
        .build();
        bytes[4096 + at..][..8].copy_from_slice(&u64::to_le_bytes(value));
        let dump = open(bytes).unwrap();
        assert_eq!(page(&dump, 8), Ok(content(8)));
        let survey = dump.survey();
        assert_eq!((survey.held, survey.lost), (6, 0));
        assert_eq!(survey.flaws, [flaw], "{at}: {value:#x}");
    }
}

#[test]
fn a_page_that_is_dumped_is_memory_whatever_the_first_bitmap_says() {
    let mut bytes = KdumpSample::new().build();
    bytes[3 * 4096] &= !(1 << 4);
    let dump = open(bytes).unwrap();
    assert_eq!(dump.ranges(), [PAGE..6 * PAGE, 8 * PAGE..11 * PAGE]);
    assert_eq!(page(&dump, 4), Ok(content(4)));
    assert_eq!(dump.survey().present, 8);
}
