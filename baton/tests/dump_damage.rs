//! `baton dump` with dumps that aren't whole, or lie: every command says the same of them, and nothing is made
//! of what isn't there. The dumps are made here.

mod common;

use baton_capture::trailer::{self, Trailer};
use baton_kdump::write::FileOutput;
use common::{Said, WriteFile, baton, temp_dir};
use serde_json::Value;
use std::ffi::OsStr;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use tempfile::TempDir;

const PAGE: usize = 4096;
/// Where the data of a [`kdump`] begins: header, sub-header, two bitmaps, descriptors.
const DATA: usize = 5 * PAGE;

fn dump(command: &str, arguments: &[&dyn AsRef<OsStr>]) -> Said {
    let mut all: Vec<&dyn AsRef<OsStr>> = vec![&"dump", &command];
    all.extend(arguments);
    baton(&all)
}

fn put(bytes: &mut [u8], at: usize, value: u64, length: usize) {
    bytes[at..at + length].copy_from_slice(&value.to_le_bytes()[..length]);
}

/// A kdump-compressed dump of pages from address 0 on, each filled with a byte, and none of them compressed.
fn kdump(machine: &str, pages: &[u8]) -> Vec<u8> {
    let mut bytes = vec![0; DATA];
    bytes[..8].copy_from_slice(b"KDUMP   ");
    for (at, value) in [(8, 6), (428, 4096), (432, 1), (436, 2), (440, pages.len())] {
        put(&mut bytes, at, value as u64, 4);
    }
    bytes[12 + 65 * 4..][..machine.len()].copy_from_slice(machine.as_bytes());
    put(&mut bytes, PAGE + 96, pages.len() as u64, 8);
    for (number, fill) in pages.iter().enumerate() {
        for bitmap in [2 * PAGE, 3 * PAGE] {
            bytes[bitmap + number / 8] |= 1 << (number % 8);
        }
        let at = bytes.len();
        put(&mut bytes, 4 * PAGE + 24 * number, at as u64, 8);
        put(&mut bytes, 4 * PAGE + 24 * number + 8, PAGE as u64, 4);
        bytes.extend([*fill; PAGE]);
    }
    bytes
}

fn note(name: &str, kind: u32, description: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for length in [name.len() + 1, description.len(), kind as usize] {
        bytes.extend(u32::try_from(length).unwrap().to_le_bytes());
    }
    for part in [[name.as_bytes(), b"\0"].concat(), description.to_vec()] {
        bytes.extend(part);
        bytes.resize(bytes.len().next_multiple_of(4), 0);
    }
    bytes
}

fn kernel() -> Vec<u8> {
    note("VMCOREINFO", 0, b"OSRELEASE=6.1.0\nPAGESIZE=4096\n")
}

/// A segment: virtual and physical address, size in memory, bytes in the file.
type Load = (u64, u64, u64, Vec<u8>);

/// An ELF core, with each segment's bytes at a multiple of a page.
fn core(notes: &[u8], loads: &[Load]) -> Vec<u8> {
    let mut bytes = vec![0; 64];
    bytes[..7].copy_from_slice(b"\x7fELF\x02\x01\x01");
    let count = loads.len() as u64 + 1;
    for (at, value) in [(16, 4), (18, 62), (20, 1), (52, 64), (54, 56), (56, count)] {
        put(&mut bytes, at, value, 2);
    }
    put(&mut bytes, 32, 64, 8);
    let mut data = Vec::new();
    let mut segment = |kind: u64, place: [u64; 3], held: &[u8]| {
        let offset = (PAGE + data.len()) as u64;
        let [at, physical, memory] = place;
        let header = [
            kind,
            offset,
            at,
            physical,
            held.len() as u64,
            memory,
            PAGE as u64,
        ];
        bytes.extend(header.iter().flat_map(|it| it.to_le_bytes()));
        data.extend(held);
        data.resize(data.len().next_multiple_of(PAGE), 0);
    };
    segment(4, [0, 0, 0], notes);
    for (at, physical, memory, held) in loads {
        segment(1, [*at, *physical, *memory], held);
    }
    bytes.resize(PAGE, 0);
    bytes.extend(data);
    bytes
}

/// What `info`, `list`, `check` and `convert` say of a dump, in every format it is converted to: how many
/// pages it holds, how many are lost. Fails where they don't agree.
fn told(directory: &TempDir, path: &Path) -> (u64, u64, Value) {
    let said = dump("info", &[&"--json", &path]);
    assert_eq!(said.code, 0, "{}", said.err);
    let info = said.json();
    let number = |value: &Value| value.as_u64().unwrap();
    let memory = &info["memory"];
    let (held, lost) = (number(&memory["dumped"]), number(&memory["lost"]));
    let complete = info["complete"].as_bool().unwrap();
    let code = i32::from(!complete);

    let checked = dump("check", &[&"--json", &path]);
    assert_eq!(checked.code, code, "{}", checked.out);
    let checked = checked.json();
    assert_eq!(number(&checked["pages"]["readable"]), held);
    assert_eq!(number(&checked["pages"]["damaged"]), lost);
    assert_eq!(
        number(&checked["pages"]["left_out"]),
        number(&memory["pages"]) - held - lost
    );
    assert_eq!(checked["complete"], complete);
    assert_eq!(checked["flaws"], info["flaws"]);

    let listed = dump("list", &[&"--json", &path]).json();
    let state = if complete { "complete" } else { "incomplete" };
    assert_eq!(listed["dumps"][0]["state"], state);

    for format in ["kdump", "elf", "flattened"] {
        let out = directory.path().join(format!("converted.{format}"));
        let _ = std::fs::remove_file(&out);
        let said = dump("convert", &[&"--json", &"--format", &format, &path, &out]);
        let what = format!("{format}: {}", said.out);
        assert_eq!(said.code, code, "{what}");
        let summary = said.json();
        assert_eq!(summary["complete"], complete, "{what}");
        let pages = &summary["pages"];
        assert_eq!(number(&pages["dumped"]), held, "{what}");
        assert_eq!(number(&pages["lost"]), lost, "{what}");
        let again = dump("info", &[&"--json", &out]).json();
        assert_eq!(again["complete"], complete, "{what}");
        assert_eq!(number(&again["memory"]["dumped"]), held, "{what}");
    }
    (held, lost, info)
}

#[test]
fn a_kdump_that_is_cut_off_among_its_pages_is_incomplete_for_everyone() {
    let directory = temp_dir();
    let whole = kdump("x86_64", &[1, 2, 3, 4]);
    let lengths = [
        (whole.len(), 4),
        (whole.len() - 1, 3),
        (DATA + 3 * PAGE, 3),
        (26_000, 1),
        (DATA, 0),
        // Within the descriptors, and at their beginning.
        (4 * PAGE + 50, 0),
        (4 * PAGE, 0),
    ];
    for (length, pages) in lengths {
        let path = directory.write("vmcore", &whole[..length]);
        let (held, lost, info) = told(&directory, &path);
        assert_eq!((held, lost), (pages, 4 - pages), "{length} bytes");
        assert_eq!(info["complete"], pages == 4, "{length} bytes");
    }
    let text = dump("info", &[&directory.path().join("vmcore")]).out;
    assert!(text.contains("0 of 4, of 4096 bytes; 4 lost"), "{text}");
}

#[test]
fn a_dump_that_its_writer_did_not_finish_is_incomplete_for_everyone() {
    let directory = temp_dir();
    let whole = kdump("x86_64", &[1, 2]);
    let path = directory.write("vmcore.incomplete", &whole);
    let (held, lost, info) = told(&directory, &path);
    assert_eq!((held, lost), (2, 0));
    assert_eq!(info["flaws"][0], "its name says that it wasn't finished");

    let path = directory.write("partition", &whole);
    let size = 8 << 20;
    for complete in [false, true] {
        let file = std::fs::File::options()
            .read(true)
            .write(true)
            .open(&path)
            .unwrap();
        file.set_len(size).unwrap();
        let trailer = Trailer {
            complete,
            length: whole.len() as u64,
            ..Trailer::default()
        };
        let output = FileOutput::new(file).unwrap();
        trailer::write(&output, trailer::place(size).unwrap(), &trailer).unwrap();
        let (held, _, info) = told(&directory, &path);
        assert_eq!((held, info["complete"].as_bool()), (2, Some(complete)));
    }
}

#[test]
fn pages_that_are_lost_are_left_out_and_not_zeros() {
    let directory = temp_dir();
    let path = directory.write("vmcore", &kdump("x86_64", &[1, 2, 3, 4])[..26_000]);
    let out = directory.path().join("out");
    let said = dump("convert", &[&"--format", &"elf", &path, &out]);
    assert_eq!(said.code, 1);
    assert!(said.out.contains("1 of 4 pages"), "{}", said.out);
    assert!(said.err.contains("has lost 3 of its pages"), "{}", said.err);
    let bytes = std::fs::read(&out).unwrap();
    let word = |at: usize| u64::from_le_bytes(bytes[at..at + 8].try_into().unwrap());
    // The second program header: p_filesz and p_memsz.
    assert_eq!((word(64 + 56 + 32), word(64 + 56 + 40)), (4096, 4 * 4096));
    // DUMP_ELF_INCOMPLETE
    assert_eq!(bytes[48], 1);
}

#[test]
fn a_page_of_which_the_data_is_nonsense_is_lost_in_each_conversion() {
    let directory = temp_dir();
    let mut bytes = kdump("x86_64", &[1, 2, 3]);
    // It says that it is zlib.
    put(&mut bytes, 4 * PAGE + 24 + 12, 1, 4);
    let path = directory.write("vmcore", bytes);
    for format in ["kdump", "elf", "flattened"] {
        let out = directory.path().join(format);
        let said = dump("convert", &[&"--format", &format, &path, &out]);
        assert_eq!(said.code, 1, "{}", said.out);
        assert!(said.out.contains("2 of 3 pages"), "{}", said.out);
        let info = dump("info", &[&"--json", &out]).json();
        assert_eq!(info["complete"], false, "{format}");
        assert_eq!(info["memory"]["dumped"], 2, "{format}");
    }
}

#[test]
fn qemus_dump_of_an_unknown_machine_is_read() {
    let directory = temp_dir();
    let path = directory.write("vmcore", kdump("Unknown", &[0x10, 0x20]));
    let (held, lost, info) = told(&directory, &path);
    assert_eq!((held, lost), (2, 0));
    assert_eq!(info["kernel"]["machine"], "x86_64");
    let bytes = std::fs::read(directory.path().join("converted.elf")).unwrap();
    let pages = &bytes[bytes.len() - 2 * PAGE..];
    assert!(pages[..PAGE].iter().all(|it| *it == 0x10));
    assert!(pages[PAGE..].iter().all(|it| *it == 0x20));
}

#[test]
fn pages_of_an_elf_core_are_counted_alike_by_everyone() {
    let directory = temp_dir();
    let page = |number: u64, memory: u64, held: usize| {
        let at = number * PAGE as u64;
        (0, at, memory, vec![7; held])
    };
    for (name, loads, pages, held) in [
        // Parts of one page, one of which was left out.
        (
            "parts",
            vec![
                (0x200, 0x200, 0x400, vec![1; 0x200]),
                (0x800, 0x800, 0x400, Vec::new()),
                (0xc00, 0xc00, 0x200, vec![2; 0x200]),
            ],
            1,
            1,
        ),
        // makedumpfile -E: what the file lacks was left out.
        (
            "filtered",
            vec![page(1, 0x4000, 0x1000), page(9, 0x1000, 0)],
            5,
            1,
        ),
        ("half", vec![page(1, 0x2000, 0x1800)], 2, 2),
        ("whole", vec![page(1, 0x2000, 0x2000)], 2, 2),
    ] {
        let path = directory.write(name, core(&kernel(), &loads));
        let (found, lost, info) = told(&directory, &path);
        assert_eq!((found, lost), (held, 0), "{name}");
        assert_eq!(info["memory"]["pages"], pages, "{name}");
        assert_eq!(info["complete"], true, "{name}");
    }
}

#[test]
fn an_elf_core_that_is_cut_off_loses_what_is_missing() {
    let directory = temp_dir();
    let loads = [
        (0, 0x1000, 0x3000, vec![1; 0x2000]),
        (0, 0x8000, 0x2000, vec![2; 0x2000]),
    ];
    let whole = core(&kernel(), &loads);
    for (missing, held) in [(0, 4), (1, 3), (PAGE, 3), (PAGE + 1, 2), (3 * PAGE + 9, 0)] {
        let path = directory.write("vmcore", &whole[..whole.len() - missing]);
        let (found, lost, _) = told(&directory, &path);
        assert_eq!((found, lost), (held, 4 - held), "{missing} bytes");
    }
}

#[test]
fn a_segment_that_cannot_be_is_told_and_the_others_are_read() {
    let directory = temp_dir();
    let bad = [
        (0, u64::MAX - 1, 0x1000, vec![9; PAGE]),
        (0, 0x1000, u64::MAX, vec![9; PAGE]),
        (0, 1 << 60, 0x1000, vec![9; PAGE]),
    ];
    for bad in bad {
        let loads = [bad, (0, 0x5000, 0x1000, vec![5; PAGE])];
        let path = directory.write("vmcore", core(&kernel(), &loads));
        let (held, lost, info) = told(&directory, &path);
        assert_eq!((held, lost), (1, 0));
        let flaw = info["flaws"][0].as_str().unwrap();
        assert!(flaw.contains("program header 1 is invalid"), "{flaw}");
        let said = dump(
            "convert",
            &[&"--force", &path, &directory.path().join("out")],
        );
        assert!(said.code == 1 && said.err.contains(flaw), "{}", said.err);
    }
}

#[test]
fn memory_that_is_there_twice_with_other_bytes_is_told() {
    let directory = temp_dir();
    let image = 0xffff_ffff_8100_0000;
    for (second, differs) in [
        ((0, 0x1000, 0x1000, vec![2; PAGE]), true),
        ((image, 0x1800, 0x800, vec![2; 0x800]), true),
        ((image, 0x1800, 0x800, vec![1; 0x800]), false),
    ] {
        let loads = [(0, 0x1000, 0x1000, vec![1; PAGE]), second];
        let path = directory.write("vmcore", core(&kernel(), &loads));
        let (held, lost, info) = told(&directory, &path);
        assert_eq!((held, lost), (1, 0));
        assert_eq!(info["complete"], !differs);
        let flaws = info["flaws"].to_string();
        assert_eq!(flaws.contains("with other bytes"), differs, "{flaws}");
    }
}

#[test]
fn the_core_of_a_process_and_of_xen_are_refused_by_name() {
    let directory = temp_dir();
    let status = note("CORE", 1, &[0; 336]);
    let process = [status.clone(), note("CORE", 6, &[0; 32])].concat();
    let memory = |at: u64| (at, 0, 0x1000, vec![1; PAGE]);
    let mut sections = core(&[], &[]);
    // Xen's cores have no program headers, but sections.
    put(&mut sections, 32, 0, 8);
    put(&mut sections, 54, 0, 4);
    put(&mut sections, 40, 1024, 8);
    put(&mut sections, 58, 64, 2);
    put(&mut sections, 60, 1, 2);
    put(&mut sections, 1024 + 24, 2048, 8);
    put(&mut sections, 1024 + 32, 32, 8);
    sections[2048..][..21].copy_from_slice(b"\0.note.Xen\0.xen_pages");
    for (name, bytes, what) in [
        (
            "user",
            core(&process, &[memory(0x40_0000)]),
            "the core of a process",
        ),
        (
            "bare",
            core(&status, &[memory(0x40_0000), memory(0x7fff_0000)]),
            "the core of a process",
        ),
        ("sections", sections, "a Xen core"),
        (
            "notes",
            core(&note("Xen", 0x200_0001, &[0; 32]), &[memory(0)]),
            "a Xen core",
        ),
    ] {
        let path = directory.write(name, bytes);
        for command in ["info", "dmesg", "check"] {
            let said = dump(command, &[&path]);
            assert_eq!(said.code, 4, "{name}");
            assert!(said.err.contains(what), "{name}: {}", said.err);
        }
        let out = directory.path().join("out");
        assert_eq!(dump("convert", &[&path, &out]).code, 4);
        assert!(!out.exists());
    }
}

/// How many bytes a file takes on the disk.
fn taken(path: &Path) -> u64 {
    std::fs::metadata(path).unwrap().blocks() * 512
}

#[test]
fn what_is_written_is_bounded_by_what_is_there() {
    let directory = temp_dir();
    let claims = |offset_too: bool| {
        let mut bytes = core(&kernel(), &[(0, 0x1000, 1 << 46, vec![1; PAGE])]);
        if offset_too {
            put(&mut bytes, 64 + 56 + 32, 1 << 46, 8);
        }
        bytes
    };
    let many = |count: u64| {
        let loads: Vec<Load> = (0..count)
            .map(|it| (0, it << 36, 1 << 35, vec![1; 16]))
            .collect();
        core(&kernel(), &loads)
    };
    // One page of the file as the memory of many.
    let mut shared = core(
        &kernel(),
        &(0..60u64)
            .map(|it| (0, it << 12, PAGE as u64, Vec::new()))
            .collect::<Vec<_>>(),
    );
    for number in 1..=60 {
        put(&mut shared, 64 + 56 * number + 8, PAGE as u64, 8);
        put(&mut shared, 64 + 56 * number + 32, PAGE as u64, 8);
    }
    for (name, bytes) in [
        ("in memory", claims(false)),
        ("in the file", claims(true)),
        ("many", many(50)),
        ("shared", shared),
    ] {
        let size = bytes.len() as u64;
        let path = directory.write("vmcore", bytes);
        let (held, _, info) = told(&directory, &path);
        assert_eq!(info["complete"], false, "{name}");
        assert!(held * PAGE as u64 <= size, "{name}: {held} pages");
        for format in ["kdump", "elf", "flattened"] {
            let out = directory.path().join(format!("converted.{format}"));
            // Two bitmaps of 16 GiB are a MiB.
            assert!(
                taken(&out) <= size + (2 << 20),
                "{name}, {format}: {} bytes",
                taken(&out)
            );
        }
    }
}

#[test]
fn a_dump_never_replaces_the_one_that_it_is_made_of() {
    let directory = temp_dir();
    let bytes = kdump("x86_64", &[1, 2]);
    let path = directory.write("vmcore", &bytes);
    let (link, hard) = (directory.path().join("link"), directory.path().join("hard"));
    std::os::unix::fs::symlink("vmcore", &link).unwrap();
    std::fs::hard_link(&path, &hard).unwrap();
    let other = directory.write("other", kdump("x86_64", &[1]));
    let names = || {
        let mut names: Vec<_> = std::fs::read_dir(directory.path().join(""))
            .unwrap()
            .map(|it| it.unwrap().file_name())
            .collect();
        names.sort();
        names
    };
    let before = names();
    let dotted = directory.path().join("./vmcore");
    for out in [&path, &link, &hard, &dotted] {
        for inputs in [vec![&path], vec![&link], vec![&other, &path]] {
            let mut arguments: Vec<&dyn AsRef<OsStr>> = vec![&"--format", &"elf"];
            inputs.iter().for_each(|it| arguments.push(*it));
            arguments.push(out);
            let said = dump("convert", &arguments);
            assert_eq!(said.code, 2, "{}", said.out);
            assert!(
                said.err.contains("it is the same file as the input"),
                "{}",
                said.err
            );
            assert!(std::fs::read(&path).unwrap() == bytes);
            assert_eq!(names(), before);
        }
    }
}
