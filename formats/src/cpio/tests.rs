use super::*;
use baton_samples::cpio::{file, header, trailer};

const PATH: &[u8] = b"kernel/firmware/acpi/";
const TABLE: &str = "kernel/firmware/acpi/ssdt.aml";

fn names(initrd: &[u8]) -> Vec<String> {
    let name = |entry: Entry<'_>| {
        String::from_utf8_lossy(entry.name)
            .trim_end_matches('\0')
            .to_owned()
    };
    entries(initrd).map(name).collect()
}

fn bytes_of(name_size: u32, file_size: u32) -> [u8; HEADER_LEN] {
    header(name_size, file_size).try_into().unwrap()
}

fn is_in(bytes: &[u8]) -> bool {
    Search::new(PATH).is_in(bytes)
}

/// Whether an entry lies across a joint of these pieces.
fn crosses(pieces: &[&[u8]]) -> bool {
    let mut search = Search::new(PATH);
    let crossed: Vec<bool> = pieces
        .iter()
        .map(|piece| search.reaches_into(piece))
        .collect();
    crossed.contains(&true)
}

#[test]
fn a_header_is_read_as_it_was_written() {
    for magic in [b"070701", b"070702"] {
        let mut written = bytes_of(7, 0x1234_abcd);
        written[..6].copy_from_slice(magic);
        let read = Header::parse(&written).unwrap();
        assert_eq!(read.to_bytes(), written);
        assert_eq!(read.checksummed, magic == b"070702");
        assert_eq!((read.mode(), read.name_size()), (0o100_644, 7));
        assert_eq!(read.file_size(), 0x1234_abcd);
    }
}

#[test]
fn digits_of_either_case_are_digits_and_nothing_else_is() {
    let good = bytes_of(1, 0xabcd);
    let upper = good.map(|byte| byte.to_ascii_uppercase());
    assert_eq!(Header::parse(&upper), Header::parse(&good));
    for at in 0..HEADER_LEN {
        for bad in [b'g', b' ', b'+', 0, 0xb0] {
            let mut bytes = good;
            bytes[at] = bad;
            assert_eq!(Header::parse(&bytes), None, "{at} {bad}");
        }
    }
}

#[test]
fn no_other_magic_is_one() {
    for magic in [b"070700", b"070703", b"070707", b"0707f1"] {
        let mut bytes = bytes_of(1, 0);
        bytes[..6].copy_from_slice(magic);
        assert_eq!(Header::parse(&bytes), None);
    }
}

#[test]
fn entries_follow_one_another_over_zeros_and_past_a_trailer() {
    let archive = [
        vec![0; 8],
        file("first", b"12345"),
        trailer(),
        vec![0; 512],
        file("second", b""),
        b"\x1f\x8b compressed from here".to_vec(),
        vec![0; 128],
        file("never seen", b""),
    ]
    .concat();
    assert_eq!(names(&archive), ["first", "TRAILER!!!", "second"]);
    assert_eq!(entries(&archive).next().unwrap().contents, b"12345");
}

#[test]
fn what_is_cut_off_has_no_more_entries_than_are_whole() {
    let archive = [file("a", b"12"), file("b", b"345")].concat();
    let first = file("a", b"12").len();
    for len in 0..archive.len() {
        let expected = usize::from(len >= first);
        assert_eq!(entries(&archive[..len]).count(), expected, "{len}");
    }
    assert_eq!(entries(&archive).count(), 2);
}

#[test]
fn sizes_that_wrap_around_end_the_reading() {
    for (name_size, file_size) in [(u32::MAX, 0), (0, u32::MAX), (u32::MAX, u32::MAX)] {
        let mut bytes = header(name_size, file_size);
        bytes.extend([b'x'; 64]);
        assert_eq!(entries(&bytes).count(), 0);
    }
}

#[test]
fn an_entry_is_found_wherever_it_is() {
    let table = file(TABLE, b"SSDT");
    for before in 0..300 {
        assert!(
            is_in(&[vec![b'k'; before], table.clone()].concat()),
            "{before}"
        );
    }
    let compressed_first = [b"\x28\xb5\x2f\xfd...".as_slice(), &table].concat();
    assert!(is_in(&compressed_first));
    let checksummed: Vec<u8> = [b"070702".as_slice(), &table[6..]].concat();
    assert!(is_in(&checksummed));
}

#[test]
fn a_name_without_a_header_and_another_name_are_none() {
    assert!(!is_in(b""));
    assert!(!is_in(&[vec![b'0'; 200], PATH.to_vec()].concat()));
    for name in [
        "kernel/firmware/acpi",
        "/kernel/firmware/acpi/x",
        "Kernel/firmware/acpi/x",
        "kernel/x86/microcode/GenuineIntel.bin",
        "usr/share/doc/kernel/firmware/acpi/x",
    ] {
        assert!(!is_in(&file(name, b"")), "{name}");
    }
    let text = [PATH, b" is read by drivers/acpi/tables.c"].concat();
    assert!(!is_in(&file("notes", &text)));
}

#[test]
fn what_is_cut_off_before_the_name_ends_is_not_found() {
    let table = file(TABLE, b"SSDT");
    for len in 0..table.len() {
        let whole = HEADER_LEN + PATH.len();
        assert_eq!(is_in(&table[..len]), len >= whole, "{len}");
    }
}

#[test]
fn an_entry_across_a_joint_is_found_at_every_place_of_it() {
    let table = file(TABLE, b"SSDT");
    let whole = HEADER_LEN + PATH.len();
    for at in 0..table.len() {
        let (left, right) = table.split_at(at);
        let left = [vec![b'x'; 500], left.to_vec()].concat();
        assert_eq!(crosses(&[&left, right]), (1..whole).contains(&at), "{at}");
    }
    for size in 1..=5 {
        let pieces: Vec<&[u8]> = table.chunks(size).collect();
        assert!(crosses(&pieces), "{size}");
    }
}

#[test]
fn an_entry_on_one_side_of_a_joint_does_not_cross_it() {
    let table = file(TABLE, b"SSDT");
    assert!(!crosses(&[&table, b"more"]));
    assert!(!crosses(&[b"more", &table]));
    assert!(!crosses(&[&table, &table]));
    let (left, right) = table.split_at(60);
    assert!(!crosses(&[left, &[0; 4], right]));
}

#[test]
fn whatever_linux_would_see_is_found() {
    let table = file(TABLE, b"SSDT");
    let archives = [
        table.clone(),
        [vec![0; 4], table.clone()].concat(),
        [file("a", b"1"), trailer(), vec![0; 700], table.clone()].concat(),
        [trailer(), file("kernel/x86/microcode/x", b"123"), table].concat(),
    ];
    for archive in archives {
        assert!(entries(&archive).any(|entry| entry.name.starts_with(PATH)));
        assert!(is_in(&archive));
    }
}

#[test]
fn an_archive_of_microcode_alone_has_no_program() {
    let microcode = file("kernel/x86/microcode/GenuineIntel.bin", &[0x5a; 64]);
    let early = [file("early_cpio", b"1"), microcode.clone(), trailer()].concat();
    assert!(is_early_alone(&early));
    assert!(is_early_alone(&[early.clone(), vec![0; 300]].concat()));
    assert!(is_early_alone(&microcode));
    let program = file("init", b"#!/bin/sh");
    for more in [&program, &b"\x1f\x8b\x08 compressed".to_vec()] {
        assert!(!is_early_alone(&[&early[..], more].concat()));
        assert!(!is_early_alone(&[&early[..], &[0; 512], more].concat()));
    }
    for other in [&b""[..], &program, b"\x1f\x8b\x08", &[0; 200]] {
        assert!(!is_early_alone(other));
    }
}
