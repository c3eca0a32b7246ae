//! `baton load` of files that are something else, too large, or not there.

mod common;

use common::loading::{Machine, message, reason, with_gate};
use common::{WriteFile, baton, kernel_image, put, temp_dir};
use std::path::PathBuf;
use tempfile::TempDir;

/// A file of zeros that takes no room on the disk.
fn sparse(directory: &TempDir, name: &str, len: u64) -> PathBuf {
    let path = directory.write(name, b"");
    let file = std::fs::File::options().write(true).open(&path).unwrap();
    file.set_len(len).unwrap();
    path
}

#[test]
fn files_that_no_kernel_reads_are_refused_before_anything_else() {
    let directory = temp_dir();
    let kernel = directory.write("vmlinuz", kernel_image(0x8000));
    let five = sparse(&directory, "i", 5 << 30);
    let three = sparse(&directory, "j", 3 << 30);
    let words = "no room: the kernel reads at most 4 GiB (2 GiB on older ones)";
    // Wherever this runs, on a machine with kexec or not.
    let said = baton(&[&"load", &kernel, &"--initrd", &five, &"--dry-run"]);
    assert_eq!(said.code, 7, "{}", said.err);
    assert!(said.err.contains(words), "{}", said.err);
    let said = baton(&[
        &"load",
        &kernel,
        &"--initrd",
        &three,
        &"--initrd",
        &three,
        &"--dry-run",
    ]);
    assert_eq!(said.code, 7, "{}", said.err);
    let said = baton(&[&"load", &five, &"--dry-run"]);
    assert_eq!(said.code, 7, "{}", said.err);
    assert!(said.err.contains(words), "{}", said.err);
}

#[test]
fn what_is_larger_than_memory_is_not_copied_to_find_that_out() {
    let machine = with_gate();
    let initrd = sparse(&machine.directory, "i", 3 << 30);
    machine.set(
        "proc/meminfo",
        "MemTotal: 16777216 kB\nMemAvailable: 8388608 kB\n",
    );
    let said = machine.load(&[&"--initrd", &initrd]);
    assert_eq!(reason(&said), (7, "no-room".into()), "{}", said.out);
    assert!(
        message(&said).contains("9217 MiB are needed"),
        "{}",
        said.out
    );
    machine.set("proc/sys/kernel/osrelease", "5.10.0-32-amd64\n");
    let said = machine.load(&[&"--initrd", &initrd]);
    assert_eq!(reason(&said), (7, "file-too-large".into()));
}

#[test]
fn what_is_no_kernel_is_named_and_no_way_is_tried() {
    let machine = with_gate();
    for (file, words) in [
        (
            &b"07070100000000"[..],
            "an initrd (cpio archive), and not a kernel",
        ),
        (b"\x1f\x8b\x08\0\0", "compressed data (gzip)"),
        (b"baton-manifest 1\n", "a manifest, and not a kernel"),
    ] {
        std::fs::write(&machine.kernel, file).unwrap();
        let said = machine.load(&[]);
        assert_eq!(reason(&said), (4, "not-a-kernel".into()), "{words}");
        let message = message(&said);
        assert!(
            message.starts_with("kernel refused: ") && message.contains(words),
            "{message}"
        );
    }
}

#[test]
fn something_else_in_the_gates_place_is_no_gate() {
    let machine = Machine::locked_down();
    std::fs::copy(&machine.kernel, &machine.gate).unwrap();
    assert_eq!(
        reason(&machine.load(&[&"--via", &"gate"])),
        (4, "bad-gate".into())
    );
}

#[test]
fn what_is_no_bzimage_is_malformed() {
    let machine = Machine::locked_down();
    let mut bytes = kernel_image(0x8000);
    put(&mut bytes, 0x202, b"SrdH");
    std::fs::write(&machine.kernel, bytes).unwrap();
    assert_eq!(machine.load(&[&"--via", &"kernel"]).code, 4);
}

#[test]
fn missing_files_and_wrong_usage_have_their_codes() {
    let machine = Machine::locked_down();
    let missing = machine.directory.path().join("missing");
    let said = baton(&[&"load", &missing]);
    assert_eq!(said.code, 1);
    assert!(said.err.contains("missing"), "{}", said.err);
    assert_eq!(said.err.lines().count(), 1);
    assert_eq!(machine.load(&[&"--initrd", &missing]).code, 1);
    let empty = machine.directory.write("empty", "");
    assert!(message(&machine.load(&[&"--initrd", &empty])).contains("empty"));
    assert_eq!(baton(&[&"load", &"--via"]).code, 2);
    assert_eq!(baton(&[&"--nonsense"]).code, 2);
}
