//! The program called `kexec`, on described machines: what it would do, and what it says of wrong use.

mod common;

use common::loading::{Machine, with_gate};
use common::{Said, WriteFile, temp_dir, tool};
use std::ffi::OsString;
use std::os::unix::fs::symlink;

/// Runs it on this machine, in a directory with the files of the tables below: `K` is a kernel, and so on.
fn kexec(machine: &Machine, line: &str) -> Said {
    let directory = machine.directory.path();
    let program = directory.join("kexec");
    if !program.exists() {
        symlink(env!("CARGO_BIN_EXE_baton"), &program).unwrap();
        machine.directory.write("initrd.img", "070701 and more");
        machine.directory.write("text", "neither this nor that");
        machine.directory.write("empty", "");
    }
    let root = OsString::from("--baton-root=");
    let mut words = vec![[root, directory.join("root").into()].into_iter().collect()];
    words.extend(line.split_whitespace().map(|word| named(machine, word)));
    let gate = format!("BATON_GATE={}", machine.gate.display());
    let mut all: Vec<&dyn AsRef<std::ffi::OsStr>> = vec![&gate, &program];
    all.extend(words.iter().map(|word| word as &dyn AsRef<std::ffi::OsStr>));
    tool("env", &all)
}

/// A word, or what follows `=` in it, in capitals is a file.
fn named(machine: &Machine, word: &str) -> OsString {
    let (option, name) = word
        .split_once('=')
        .map_or(("", word), |(option, _)| word.split_at(option.len() + 1));
    let directory = machine.directory.path();
    let path = match name {
        "K" => machine.kernel.clone(),
        "I" => directory.join("initrd.img"),
        "TEXT" => directory.join("text"),
        "EMPTY" => directory.join("empty"),
        "NONE" => directory.join("none"),
        _ => return word.into(),
    };
    [OsString::from(option), path.into()].into_iter().collect()
}

fn without_reserved_memory() -> Machine {
    let machine = Machine::locked_down();
    machine.set("sys/kernel/kexec_crash_size", "0\n");
    machine
}

/// What was typed, what it ends with, and what its one line says.
const WRONG_USE: &[(&str, i32, &str)] = &[
    (
        "--bogus",
        1,
        "unrecognized option '--bogus'; see kexec --help",
    ),
    ("-l K -Z", 1, "invalid option -- 'Z'"),
    (
        "-l K --re",
        1,
        "option '--re' is ambiguous; possibilities: '--reuseinitrd'",
    ),
    ("-l K --initrd", 1, "option '--initrd' requires an argument"),
    ("-l K -t", 1, "option requires an argument -- 't'"),
    ("--load=K", 1, "option '--load' doesn't allow an argument"),
    (
        "-l K --mem-min=low",
        1,
        "Bad option value in --mem-min=low; give a number",
    ),
    ("-l K --mem-max=1M", 1, "Bad option value in --mem-max=1M"),
    ("-l K --entry=x", 1, "Bad option value in --entry=x"),
    (
        "-l K --serial=ttyS9",
        255,
        "Bad serial port base 'ttyS9'; give ttyS0",
    ),
    (
        "-l K --serial-baud=1200",
        255,
        "Bad serial port baud rate '1200'",
    ),
    ("-l", 255, "No kernel specified"),
    ("", 255, "No kernel specified"),
    ("-p", 255, "No kernel specified"),
    ("-l --initrd=I", 255, "No kernel specified"),
    ("-l NONE", 255, "none: can't be read: No such file"),
    (
        "-l K --initrd=NONE",
        255,
        "none: can't be read: No such file",
    ),
    ("-l K --initrd=", 255, "can't be read: No such file"),
    (
        "-l K --initrd=EMPTY",
        255,
        "the file is empty; leave it out",
    ),
    ("-l TEXT", 255, "kernel refused"),
    ("-l EMPTY", 255, "an empty file"),
    ("-l I", 255, "is an initrd (cpio archive)"),
    ("-l /", 255, "it is a directory; give a plain file"),
    (
        "-l K -t no-such",
        255,
        "Unsupported kernel type no-such; leave -t out, or give one of",
    ),
    (
        "-l K -t nbi-x86",
        255,
        "no nbi-x86 kernel is booted by Baton",
    ),
    (
        "-l K -t uki",
        255,
        "Wrong file type uki, it is a Linux kernel (bzImage)",
    ),
    (
        "-c -l K",
        255,
        "kexec_load isn't possible: it verifies nothing",
    ),
    (
        "-e --append=quiet",
        1,
        "option '--append' goes with loading a kernel alone",
    ),
    (
        "-u --initrd=I",
        1,
        "option '--initrd' goes with loading a kernel alone",
    ),
    (
        "-S --reuse-cmdline",
        1,
        "option '--reuse-cmdline' goes with loading a kernel alone",
    ),
    (
        "-l K --module=I",
        1,
        "--module isn't done: modules count only if a signed manifest lists them",
    ),
    (
        "-l K --dtb=I",
        1,
        "--dtb isn't done: a device tree counts only if it is signed",
    ),
    (
        "-l K --real-mode",
        255,
        "--real-mode isn't done: kernels are entered in 64-bit mode",
    ),
    (
        "-l K --reuseinitrd",
        1,
        "--reuseinitrd isn't done: the first initrd isn't kept",
    ),
    (
        "--load-preserve-context K",
        1,
        "isn't done: the kernel jumps back only from an image",
    ),
    (
        "--exec-live-update",
        1,
        "isn't done: it only works under Xen",
    ),
    (
        "-p --hotplug K",
        1,
        "does not exist, the kernel needs CONFIG_CRASH_HOTPLUG",
    ),
];

#[test]
fn wrong_use_ends_as_with_kexec_tools_and_says_one_line() {
    let machine = Machine::locked_down();
    for (line, code, says) in WRONG_USE {
        let said = kexec(&machine, line);
        let shown = format!("kexec {line}: {} {}{}", said.code, said.out, said.err);
        assert_eq!(said.code, *code, "{shown}");
        assert!(
            said.err.starts_with("kexec: ") && said.err.contains(says),
            "{shown}"
        );
        assert_eq!(
            (said.err.lines().count(), said.out.as_str()),
            (1, ""),
            "{shown}"
        );
    }
}

#[test]
fn a_crash_kernel_needs_memory_that_is_reserved() {
    let said = kexec(&without_reserved_memory(), "-p K");
    assert_eq!(said.code, 1);
    assert!(
        said.err.contains("Memory for crashkernel is not reserved"),
        "{}",
        said.err
    );
    assert_eq!(
        kexec(&without_reserved_memory(), "--print-ckr-size").out,
        "0\n"
    );
    assert_eq!(
        kexec(&Machine::locked_down(), "--print-ckr-size").out,
        "268435456\n"
    );
}

#[test]
fn a_load_goes_the_way_that_baton_load_goes() {
    let machine = with_gate();
    for line in [
        "-l K",
        "-s -l K",
        "-a -l K --initrd=I",
        "--load K --append=quiet --ramdisk=I",
        "-ls K",
        "-lat bzImage64 K",
        "K -l",
        "-l -- K",
        "-l K --args-linux --elf64-core-headers -i",
        "-p K --reuse-cmdline",
        "-ps --com=quiet K",
    ] {
        let said = kexec(&machine, line);
        assert_eq!(
            (said.code, said.err.as_str()),
            (0, ""),
            "kexec {line}: {}",
            said.out
        );
        assert_eq!(said.out, "", "kexec {line}");
        let said = kexec(&machine, &format!("-d {line}"));
        assert!(
            said.out.contains("through the gate"),
            "kexec -d {line}: {}",
            said.out
        );
    }
}

#[test]
fn the_command_line_is_what_was_given_after_what_is_reused() {
    let machine = with_gate();
    let line = |words: &str| {
        let said = kexec(&machine, &format!("-d {words}"));
        let found = said
            .out
            .lines()
            .find_map(|it| it.strip_prefix("  command line: "));
        found
            .unwrap_or_else(|| panic!("{}{}", said.out, said.err))
            .to_owned()
    };
    assert_eq!(line("-l K"), "");
    assert_eq!(line("-l K --append=a --command-line=b"), "b");
    assert_eq!(
        line("-l K --reuse-cmdline"),
        "root=/dev/vda ro crashkernel=256M"
    );
    assert_eq!(
        line("-l K --reuse-cmdline --append=quiet"),
        "root=/dev/vda ro crashkernel=256M quiet"
    );
    assert_eq!(
        line("-p K --append=quiet --reuse-cmdline"),
        "root=/dev/vda ro quiet"
    );
}

#[test]
fn a_kernel_that_nobody_vouches_for_is_refused_under_lockdown_and_told_elsewhere() {
    let said = kexec(&Machine::locked_down(), "-a -l K");
    assert_eq!(said.code, 255);
    assert!(
        said.err.contains("Cannot load") && said.err.contains("no signature"),
        "{}",
        said.err
    );
    let machine = Machine::not_locked_down();
    let said = kexec(&machine, "-s -l K");
    assert_eq!((said.code, said.out + &said.err), (0, String::new()));
    let said = kexec(&machine, "-d -s -l K");
    assert!(
        said.out
            .contains("note: this kernel doesn't enforce signatures"),
        "{}",
        said.out
    );
}

#[test]
fn kexec_load_is_not_used_where_the_kernel_insists_nor_for_what_it_can_not_pass_on() {
    for (machine, line, says) in [
        (with_gate(), "-c -l K", "this kernel insists on signatures"),
        (
            Machine::not_locked_down(),
            "-c -l K",
            "of EFI, Baton leaves to",
        ),
        (Machine::not_locked_down(), "-c -p K", "leave -c out"),
    ] {
        let said = kexec(&machine, line);
        assert_eq!(said.code, 255, "{}", said.err);
        let is_told = said.err.contains("kexec_load isn't possible") && said.err.contains(says);
        assert!(is_told, "{}", said.err);
    }
}

#[test]
fn a_kernel_without_the_system_call_is_253_and_nothing_is_loaded_in_another_way() {
    let machine = Machine::locked_down();
    for file in ["kexec_loaded", "kexec_crash_loaded", "kexec_crash_size"] {
        std::fs::remove_file(machine.directory.path().join("root/sys/kernel").join(file)).unwrap();
    }
    machine.set("sys/kernel/kexec/other", "");
    let said = kexec(&machine, "-l K");
    assert_eq!(said.code, 253, "{}", said.err);
    assert!(
        said.err.contains("nothing is loaded unverified"),
        "{}",
        said.err
    );
    assert_eq!(kexec(&machine, "-S").code, 255);
}

#[test]
fn the_status_is_1_where_something_is_loaded() {
    let machine = Machine::locked_down();
    assert_eq!(kexec(&machine, "-S").code, 0);
    assert_eq!(kexec(&machine, "-l -S").code, 0);
    assert_eq!(
        kexec(&machine, "-e").code,
        0,
        "on a machine that is described"
    );
    machine.set("sys/kernel/kexec_crash_loaded", "1\n");
    assert_eq!(kexec(&machine, "-S").code, 1);
    assert_eq!(kexec(&machine, "-S -p").code, 1);
    assert_eq!(kexec(&machine, "-l -S").code, 0);
    machine.set("sys/kernel/kexec_loaded", "1\n");
    let said = kexec(&machine, "-S -l");
    assert_eq!((said.code, said.out + &said.err), (1, String::new()));
}

#[test]
fn what_has_no_effect_is_said() {
    let machine = with_gate();
    for (line, says) in [
        ("-l K --noefi", "--noefi has no effect: EFI is passed on"),
        (
            "-l K --mem-min=0x1000",
            "--mem-min has no effect: the kernel chooses",
        ),
        ("-l K --serial=ttyS0", "--serial has no effect"),
        (
            "-l K --initrd=I --initrd=I",
            "only the last --initrd counts",
        ),
        ("-l K I", "isn't looked at (an initrd goes with --initrd)"),
    ] {
        let said = kexec(&machine, line);
        assert_eq!(said.code, 0, "kexec {line}: {}", said.err);
        assert!(
            said.err.contains(says) && said.err.lines().count() == 1,
            "{}",
            said.err
        );
    }
}

#[test]
fn its_version_and_help_are_found_by_scripts() {
    let machine = Machine::locked_down();
    for line in ["-v", "--version", "-l -v --bogus"] {
        let said = kexec(&machine, line);
        assert_eq!(said.code, 0);
        assert!(said.out.starts_with("kexec-tools 2.0."), "{}", said.out);
    }
    let help = kexec(&machine, "-h");
    assert!(help.code == 0 && help.out.contains("--kexec-file-syscall"));
    assert_eq!(kexec(&machine, "-?").code, 1);
}

#[test]
fn by_its_own_name_it_is_baton() {
    let directory = temp_dir();
    let program = directory.path().join("renamed");
    symlink(env!("CARGO_BIN_EXE_baton"), &program).unwrap();
    let said = tool(program.to_str().unwrap(), &[&"--version"]);
    assert!(said.out.starts_with("baton "), "{}", said.out);
}
