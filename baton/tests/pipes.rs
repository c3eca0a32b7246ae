//! Pipes, devices and directories where a file is expected: read, or refused at once by name, and never waited
//! for.

mod common;

use common::{Said, WriteFile, kernel_image, owners, temp_dir, tool};
use std::ffi::OsStr;
use std::path::PathBuf;
use std::thread;
use tempfile::TempDir;

const BATON: &str = env!("CARGO_BIN_EXE_baton");

/// What each command reads that a person names, in place of `IN`.
const NAMED: [&str; 20] = [
    "inspect IN",
    "verify IN",
    "verify KERNEL --cert IN",
    "verify KERNEL --gate IN",
    "verify KERNEL --manifest IN",
    "sign --key IN --cert CERT KERNEL -o OUT",
    "sign --key KEY --cert IN KERNEL -o OUT",
    "sign --key KEY --cert CERT IN -o OUT",
    "manifest --kernel IN OUT",
    "manifest --initrd IN OUT",
    "policy check IN",
    "policy show IN",
    "policy explain IN",
    "gate build --stub IN --cert CERT --out OUT",
    "gate build --stub KERNEL --cert IN --out OUT",
    "gate build --stub KERNEL --cert CERT --dbx IN --out OUT",
    "load IN --dry-run",
    "load KERNEL --initrd IN --dry-run",
    "load KERNEL --addon IN --dry-run",
    "crash load --config IN --dry-run --no-preflight",
];

/// A FIFO that nobody writes to.
fn fifo(directory: &TempDir, name: &str) -> PathBuf {
    let path = directory.path().join(name);
    assert_eq!(tool("mkfifo", &[&path]).code, 0);
    path
}

/// Runs a command of the table; 124 is the code of one that hung.
fn run(line: &str, input: &OsStr, directory: &TempDir) -> Said {
    let owner = &owners().rsa;
    let kernel = directory.path().join("kernel");
    let out = directory.path().join("out");
    let mut args: Vec<&dyn AsRef<OsStr>> = vec![&"20", &BATON];
    args.extend(line.split(' ').map(|word| -> &dyn AsRef<OsStr> {
        match word {
            "IN" => &input,
            "KERNEL" => &kernel,
            "OUT" => &out,
            "KEY" => &owner.key,
            "CERT" => &owner.cert,
            _ => Box::leak(Box::new(word)),
        }
    }));
    tool("timeout", &args)
}

/// Every command of the table at once, with what it was given: `input` makes that.
fn each(input: impl Fn(&TempDir) -> PathBuf + Copy + Send, expected: &'static str) {
    let lines = NAMED.map(|line| {
        let directory = temp_dir();
        directory.write("kernel", kernel_image(0x8000));
        let input = input(&directory);
        (
            line,
            thread::spawn(move || run(line, input.as_os_str(), &directory)),
        )
    });
    for (line, run) in lines {
        let said = run.join().unwrap();
        assert!(
            said.code == 1 || said.code == 3,
            "{line}: {} {}",
            said.code,
            said.err
        );
        assert!(said.err.contains(expected), "{line}: {}", said.err);
        assert_eq!(said.err.lines().count(), 1, "{line}: {}", said.err);
    }
}

#[test]
fn a_pipe_that_nobody_writes_to_is_refused_in_every_place() {
    each(
        |directory| fifo(directory, "fifo"),
        "a pipe that nothing comes from",
    );
}

#[test]
fn a_device_and_a_directory_are_refused_in_every_place() {
    each(
        |_| "/dev/zero".into(),
        "it is a character device; give a plain file",
    );
    each(|_| "/".into(), "it is a directory; give a plain file");
}

#[test]
fn a_signature_that_is_found_beside_a_file_is_not_waited_for() {
    let directory = temp_dir();
    let kernel = directory.write("kernel", kernel_image(0x8000));
    fifo(&directory, "kernel.p7s");
    for line in ["inspect IN", "verify IN", "load IN --dry-run"] {
        let said = run(line, kernel.as_os_str(), &directory);
        assert_eq!(said.code, 1, "{line}: {}", said.err);
        assert!(
            said.err.contains("kernel.p7s: can't be read: it is a pipe"),
            "{line}: {}",
            said.err
        );
    }
}

#[test]
fn what_is_piped_is_read_as_a_file_is() {
    let directory = temp_dir();
    let owner = &owners().rsa;
    let kernel = directory.write("kernel", kernel_image(0x8000));
    let plain = run("inspect IN", kernel.as_os_str(), &directory);
    assert_eq!(plain.code, 0, "{}", plain.err);
    let (kernel, cert) = (kernel.display(), owner.cert.display());
    for (script, expected) in [
        (format!("{BATON} inspect <(cat {kernel})"), "bzImage"),
        (
            format!("cat {kernel} | {BATON} inspect /dev/stdin"),
            "bzImage",
        ),
        (format!("{BATON} inspect <(cat {cert})"), "RSA owner"),
        (
            format!(
                "{BATON} manifest --kernel <(cat {kernel}) {}",
                directory.path().join("m").display()
            ),
            "lists a kernel",
        ),
    ] {
        let said = tool("bash", &[&"-c", &script]);
        assert_eq!(said.code, 0, "{script}: {}", said.err);
        assert!(said.out.contains(expected), "{script}: {}", said.out);
    }
    for (file, text) in [
        ("proc/self/status", "CapEff:\t000001ffffffffff\n"),
        ("proc/meminfo", "MemTotal: 2097152 kB\n"),
        ("sys/kernel/kexec_loaded", "0\n"),
    ] {
        directory.write(&format!("root/{file}"), text);
    }
    let root = directory.path().join("root");
    let script = format!(
        "{BATON} load <(cat {kernel}) --initrd <(echo x) --cmdline x --dry-run --root {}",
        root.display()
    );
    let said = tool("bash", &[&"-c", &script]);
    assert_eq!(said.code, 0, "{}", said.err);
}
