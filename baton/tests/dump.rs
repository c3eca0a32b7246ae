//! `baton dump info`, `dmesg`, `check` and `list`, with the dumps that the fuzzers begin with.

mod common;

use common::{Said, WriteFile, baton, temp_dir};
use std::ffi::OsStr;
use std::path::PathBuf;

fn sample(name: &str) -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../fuzz/corpus")).join(name)
}

fn bytes(name: &str) -> Vec<u8> {
    std::fs::read(sample(name)).unwrap()
}

fn dump(command: &str, arguments: &[&dyn AsRef<OsStr>]) -> Said {
    let mut all: Vec<&dyn AsRef<OsStr>> = vec![&"dump", &command];
    all.extend(arguments);
    baton(&all)
}

#[test]
fn info_tells_what_crashed_and_why() {
    let said = dump("info", &[&"--json", &sample("vmcore/log")]);
    assert_eq!(said.code, 0, "{}", said.err);
    let info = said.json();
    assert_eq!(info["kernel"]["release"], "6.12.1-sample");
    assert_eq!(info["crashed_at"], "2023-11-14T22:13:20Z");
    assert_eq!(info["panic"]["message"], "Fatal exception");
    assert_eq!(info["panic"]["task"], "worker");
    assert_eq!(info["states"][1]["task"], "worker");
    assert_eq!(info["states"][1]["instruction"], "0xffffffff81000020");
    assert_eq!(info["log"]["lost"], 1);
    assert_eq!(info["complete"], true);
    let text = dump("info", &[&sample("vmcore/log")]).out;
    for line in [
        "Fatal exception",
        "worker (PID 7)",
        "BUG: kernel NULL pointer",
        "(idle)",
    ] {
        assert!(text.contains(line), "{line}: {text}");
    }
}

#[test]
fn info_tells_of_a_kdump_how_much_it_holds() {
    for (name, flattened) in [("kdump/codecs", false), ("flattened/kdump", true)] {
        let info = dump("info", &[&"--json", &sample(name)]).json();
        assert_eq!(info["format"], "kdump-compressed, version 6");
        assert_eq!(info["flattened"], flattened);
        assert_eq!(info["memory"]["pages"], 8);
        assert_eq!(info["memory"]["dumped"], 6);
        assert_eq!(info["memory"]["level"], 31);
        assert_eq!(info["cpus"], 3);
        assert_eq!(info["kernel"]["host"], "host");
        // Its pages aren't a kernel's: that there is no log is told, and no more.
        assert!(
            info["log"]["error"]
                .as_str()
                .unwrap()
                .contains("kernel log")
        );
    }
}

#[test]
fn dmesg_prints_the_log_as_text_and_json() {
    let said = dump("dmesg", &[&sample("vmcore/log")]);
    assert_eq!((said.code, said.err.as_str()), (0, ""));
    let lines: Vec<_> = said.out.lines().collect();
    let [.., lost, cause, two, more, panic, task] = lines.as_slice() else {
        panic!("{}", said.out)
    };
    assert_eq!(*lost, "** 1 printk messages dropped **");
    assert!(cause.ends_with("] BUG: kernel NULL pointer dereference, address: 0000000000000000"));
    assert!(two.ends_with("] two"));
    assert_eq!(*more, "               lines, \\x1b[31mred");
    assert!(panic.ends_with("] Kernel panic - not syncing: Fatal exception"));
    assert!(task.contains("Comm: worker"));
    let with = dump("dmesg", &[&"--callers", &sample("vmcore/log")]).out;
    assert!(with.contains("] [    T105] CPU: 1"), "{with}");
    let json = dump("dmesg", &[&"--json", &sample("vmcore/log")]).json();
    let records = json["records"].as_array().unwrap();
    let last = &records[records.len() - 1];
    assert_eq!(last["level"], 6);
    assert_eq!(last["sequence"], 65);
    assert_eq!(json["lost_after"], 0);
}

#[test]
fn dmesg_says_why_there_is_no_log() {
    let said = dump("dmesg", &[&sample("kdump/version-1")]);
    assert_eq!(said.code, 1);
    assert!(said.err.contains("version-1: "), "{}", said.err);
    assert!(said.err.contains("the dump holds none"), "{}", said.err);
}

#[test]
fn check_reads_every_page_and_compares_the_digest() {
    let directory = temp_dir();
    let path = directory.write("vmcore", bytes("kdump/codecs"));
    let checked = |path: &PathBuf| dump("check", &[&"--json", path]);
    let said = checked(&path);
    assert_eq!(said.code, 0, "{}", said.out);
    let found = said.json();
    assert_eq!(found["pages"]["readable"], 6);
    assert_eq!(found["pages"]["left_out"], 2);
    assert_eq!(found["digests"][0], "missing");
    let sum = common::tool("sha256sum", &[&path]).out;
    directory.write(
        "vmcore.sha256",
        sum.replace(path.to_str().unwrap(), "vmcore"),
    );
    assert_eq!(checked(&path).json()["digests"][0], "same");
    // The host's name: no page is hurt.
    let mut other = bytes("kdump/codecs");
    other[12 + 65] ^= 1;
    directory.write("vmcore", &other);
    let said = checked(&path);
    assert_eq!((said.code, said.err.as_str()), (1, ""));
    assert_eq!(said.json()["digests"][0], "different");
    assert_eq!(said.json()["pages"]["damaged"], 0);
}

#[test]
fn check_names_damaged_pages() {
    let directory = temp_dir();
    let mut cut = bytes("kdump/codecs");
    cut.truncate(cut.len() - 1);
    let path = directory.write("vmcore", &cut);
    let said = dump("check", &[&path]);
    assert_eq!(said.code, 1);
    assert!(
        said.out
            .contains("the page at 0x9000 can't be read: the file ends before it")
    );
    let whole = dump("check", &[&sample("vmcore/log"), &"--threads", &"3"]);
    assert_eq!(whole.code, 0, "{}", whole.out);
    assert!(whole.out.contains("8 pages"));
}

#[test]
fn check_takes_a_part_of_a_split_dump_for_incomplete() {
    let said = dump("check", &[&"--json", &sample("kdump/part")]);
    assert_eq!(said.code, 1);
    assert_eq!(said.json()["complete"], false);
}

#[test]
fn list_finds_dumps_below_a_directory() {
    let directory = temp_dir();
    for dir in ["a", "b", "c", "d", "e", "f"] {
        std::fs::create_dir(directory.path().join(dir)).unwrap();
    }
    directory.write("a/vmcore", bytes("vmcore/log"));
    directory.write("a/dmesg.txt", "log");
    directory.write("b/vmcore.incomplete", bytes("flattened/kdump"));
    directory.write("c/dmesg.txt", "log");
    directory.write("d/part", bytes("kdump/part"));
    directory.write("e/vmcore", &bytes("kdump/codecs")[..5000]);
    directory.write("e/unrelated", "text");
    directory.write("f/vmcore.unverified", bytes("vmcore/log"));
    let said = dump("list", &[&"--json", &directory.path().join("")]);
    assert_eq!(said.code, 0, "{}", said.err);
    let json = said.json();
    let dumps = json["dumps"].as_array().unwrap();
    let mut found: Vec<_> = dumps
        .iter()
        .map(|it| {
            let file = it["file"].as_str().unwrap();
            let name = file.rsplit('/').next().unwrap().to_owned();
            (name, it["state"].as_str().unwrap())
        })
        .collect();
    found.sort();
    let expected = [
        ("dmesg.txt", "log-only"),
        ("part", "part"),
        ("vmcore", "complete"),
        ("vmcore", "damaged"),
        ("vmcore.incomplete", "incomplete"),
        ("vmcore.unverified", "unverified"),
    ];
    assert_eq!(
        found,
        expected.map(|(name, state)| (name.to_owned(), state))
    );
    let text = dump("list", &[&directory.path().join("")]).out;
    let line = text.lines().find(|it| it.contains("a/vmcore")).unwrap();
    assert!(
        line.contains("2023-11-14T22:13:20Z") && line.ends_with("Fatal exception"),
        "{line}"
    );
}

#[test]
fn a_directory_stands_for_the_one_dump_in_it() {
    let directory = temp_dir();
    for dir in ["crash", "other"] {
        std::fs::create_dir(directory.path().join(dir)).unwrap();
    }
    directory.write("crash/vmcore", bytes("vmcore/log"));
    directory.write("crash/dmesg.txt", "log");
    let crash = directory.path().join("crash");
    for command in ["info", "dmesg", "check"] {
        let by_directory = dump(command, &[&crash]);
        let by_file = dump(command, &[&crash.join("vmcore")]);
        assert_eq!(by_directory.code, 0, "{command}: {}", by_directory.err);
        assert_eq!(by_directory.out, by_file.out, "{command}");
    }
    let converted = dump("convert", &[&crash, &directory.path().join("out")]);
    assert_eq!(converted.code, 0, "{}", converted.err);
    // Not where it isn't clear which.
    let several = dump("info", &[&directory.path()]);
    let none = dump("info", &[&directory.path().join("other")]);
    for (said, count) in [(several, 2), (none, 0)] {
        let words = format!("a directory with {count} dumps; name one of them");
        assert!(said.code == 2 && said.err.contains(&words), "{}", said.err);
    }
}

#[test]
fn a_directory_without_dumps_and_one_that_is_missing_differ() {
    let directory = temp_dir();
    let said = dump("list", &[&directory.path().join("")]);
    assert!(
        said.code == 0 && said.out.starts_with("no dumps in "),
        "{}",
        said.out
    );
    let said = dump("list", &[&directory.path().join("missing")]);
    assert_eq!(said.code, 1);
    assert!(
        said.err.contains("missing: can't be read: No such file"),
        "{}",
        said.err
    );
}

#[test]
fn a_packed_or_foreign_dump_is_named_with_what_to_do() {
    let directory = temp_dir();
    let packed = |tool: &str| {
        let path = directory.write("core", bytes("vmcore/log"));
        let packed = std::process::Command::new(tool)
            .arg("-c")
            .arg(&path)
            .output();
        packed.unwrap().stdout
    };
    let mut saved = b"QEVM\0\0\0\x03".to_vec();
    saved.resize(512, 0);
    for (name, bytes, what, fix) in [
        ("vmcore.gz", packed("gzip"), "a gzip file", "gzip -dc"),
        ("vmcore.xz", packed("xz"), "an xz file", "xz -dc"),
        ("vmcore.bz2", packed("bzip2"), "a bzip2 file", "bzip2 -dc"),
        ("saved", saved, "QEMU", "virsh dump --memory-only"),
        ("MEMORY.DMP", b"PAGEDU64".repeat(2), "Windows", "WinDbg"),
        ("vm.vmem", vec![0; 4096], "VMware", "vmss2core"),
    ] {
        let path = directory.write(name, bytes);
        for command in ["info", "dmesg", "check", "convert"] {
            let said = match command {
                "convert" => dump(command, &[&path, &directory.path().join("out")]),
                _ => dump(command, &[&path]),
            };
            assert_eq!(said.code, 4, "{name}");
            assert_eq!(said.err.lines().count(), 1, "{}", said.err);
            for word in [name, what, fix] {
                assert!(said.err.contains(word), "{word}: {}", said.err);
            }
        }
    }
}

#[test]
fn a_pipe_is_refused_by_name_and_never_waited_for() {
    let directory = temp_dir();
    let pipe = directory.path().join("pipe");
    common::tool("mkfifo", &[&pipe]);
    for command in ["info", "dmesg", "check", "list", "convert"] {
        let said = match command {
            "convert" => dump(command, &[&pipe, &directory.path().join("out")]),
            _ => dump(command, &[&pipe]),
        };
        assert_eq!(said.code, 1, "{command}: {}", said.err);
        assert!(
            said.err.contains("pipe: can't be read: a pipe"),
            "{}",
            said.err
        );
    }
    // Nor is one in the place of a digest.
    let path = directory.write("vmcore", bytes("kdump/codecs"));
    common::tool("mkfifo", &[&directory.path().join("vmcore.sha256")]);
    let said = dump("check", &[&path]);
    assert!(
        said.code == 1 && said.err.contains("a pipe"),
        "{}",
        said.err
    );
}

#[test]
fn what_is_no_dump_is_named() {
    let directory = temp_dir();
    let path = directory.write("text", "no dump");
    for command in ["info", "dmesg", "check"] {
        let said = dump(command, &[&path]);
        assert_eq!(said.code, 4);
        assert!(said.err.contains("text: not a dump"), "{}", said.err);
    }
}

#[test]
fn an_elf_dump_without_page_structures_is_refused() {
    let directory = temp_dir();
    let out = directory.path().join("out");
    let sample = sample("vmcore/log");
    let arguments: [&dyn AsRef<OsStr>; 5] =
        [&"--leave-out-structs", &"--format", &"elf", &sample, &out];
    let said = dump("convert", &arguments);
    assert_eq!(said.code, 2);
    assert!(said.err.contains("--format kdump"), "{}", said.err);
    assert!(!out.exists());
    let said = dump("convert", &[&"--leave-out-structs", &sample, &out]);
    assert_eq!(said.code, 0, "{}", said.err);
}

#[test]
fn a_dump_is_split_and_its_parts_are_one_dump_again() {
    let directory = temp_dir();
    let at = |name: &str| directory.path().join(name);
    let (out, again) = (at("out"), at("again"));
    let source = sample("vmcore/log");
    let said = dump("convert", &[&"--json", &"--split", &"3", &source, &out]);
    assert_eq!(said.code, 0, "{}", said.err);
    let parts = [at("out.1"), at("out.2"), at("out.3")];
    let named = said.json()["parts"].clone();
    assert_eq!(named, serde_json::json!(parts));
    assert!(!out.exists());
    let all: Vec<&dyn AsRef<OsStr>> = parts.iter().map(|it| it as _).collect();
    let info = dump(
        "info",
        &[&[&"--json" as &dyn AsRef<OsStr>][..], &all].concat(),
    );
    assert_eq!(info.code, 0, "{}", info.err);
    assert_eq!(info.json()["complete"], true);
    assert_eq!(dump("check", &all).code, 0);
    // The panic's log is that of the source, also of the parts by another order.
    let log = dump("dmesg", &[&parts[2], &parts[0], &parts[1]]);
    assert_eq!(log.out, dump("dmesg", &[&source]).out);
    let joined = dump("convert", &[&parts[1], &parts[2], &parts[0], &again]);
    assert_eq!(joined.code, 0, "{}", joined.err);
    assert!(joined.out.contains("8 of 8 pages"), "{}", joined.out);
    // Of two, what is missing is said.
    let two = dump("info", &[&parts[0], &parts[1]]);
    assert!(two.out.contains("isn't here"), "{}", two.out);
}

#[test]
fn what_cannot_be_split_is_refused_and_nothing_is_written() {
    let directory = temp_dir();
    let at = |name: &str| directory.path().join(name);
    let (out, source) = (at("out"), sample("vmcore/log"));
    let refused = |arguments: &[&dyn AsRef<OsStr>], code, words: &str| {
        let all: Vec<&dyn AsRef<OsStr>> = [&[&"--split" as _, &"2" as _][..], arguments].concat();
        let said = dump("convert", &all);
        assert_eq!(said.code, code, "{}", said.err);
        assert!(said.err.contains(words), "{}", said.err);
        assert!(!at("out.1").exists());
    };
    let elf = "--split doesn't go with --format elf: only kdump-compressed";
    refused(&[&"--format", &"elf", &source, &out], 2, elf);
    refused(
        &[&"--format", &"flattened", &source, &out],
        2,
        "--format flattened",
    );
    refused(&[&source, &"-"], 2, "doesn't go with standard output");
    // A part is there: then no other is written.
    directory.write("out.2", "old");
    refused(&[&source, &out], 1, "out.2: already exists");
    assert_eq!(std::fs::read(at("out.2")).unwrap(), b"old");
    let one = dump("convert", &[&"--split", &"1", &source, &out]);
    assert_eq!(one.code, 2, "{}", one.err);
}

#[test]
fn what_is_in_doubt_is_treated_as_asked() {
    let directory = temp_dir();
    let out = directory.path().join("out");
    let sample = sample("vmcore/log");
    // Of this kernel's pages nothing is told.
    let converted = |level: &str, on_doubt: &str| {
        let arguments: [&dyn AsRef<OsStr>; 7] = [
            &"--force",
            &"--level",
            &level,
            &"--on-doubt",
            &on_doubt,
            &sample,
            &out,
        ];
        dump("convert", &arguments)
    };
    let mut sizes = Vec::new();
    for (on_doubt, level) in [("keep", 1), ("drop", 31), ("log-only", 31)] {
        let said = converted("31", on_doubt);
        assert_eq!(said.code, 0, "{on_doubt}: {}", said.err);
        assert!(said.err.contains("so all are in doubt: "), "{}", said.err);
        assert!(
            said.out.contains(&format!("level {level})")),
            "{}",
            said.out
        );
        let log = dump("dmesg", &[&out]);
        assert!(
            log.out.contains("Kernel panic - not syncing"),
            "{}",
            log.err
        );
        sizes.push(std::fs::metadata(&out).unwrap().len());
        let whole = converted("0", on_doubt);
        assert!(whole.out.contains("8 of 8 pages"), "{}", whole.out);
    }
    assert!(sizes[0] > sizes[1], "{sizes:?}");
    let said = converted("31", "guess");
    assert_eq!(said.code, 2);
    assert!(
        said.err.contains("it is keep, drop or log-only"),
        "{}",
        said.err
    );
}
