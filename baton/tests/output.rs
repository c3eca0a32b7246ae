//! How all commands write: reports on standard output, and files.

mod common;

use baton_sys::output::Attributes;
use common::fake::Fake;
use common::{Said, WriteFile, baton, gate_stub, kernel_image, owners, temp_dir};
use rustix::fs::XattrFlags;
use std::ffi::OsStr;
use std::fs::{self, File, Permissions};
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use tempfile::TempDir;

/// A core of a small machine, which the fuzzers begin with.
fn core() -> PathBuf {
    PathBuf::from(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../fuzz/corpus/vmcore/log"
    ))
}

/// A directory with something to read for every command that writes a file.
struct Bench {
    directory: TempDir,
    kernel: PathBuf,
    stub: PathBuf,
}

impl Bench {
    fn new() -> Bench {
        let directory = temp_dir();
        Bench {
            kernel: directory.write("kernel", kernel_image(0x3000)),
            stub: directory.write("stub", gate_stub(0x10_0000)),
            directory,
        }
    }

    /// Every command that writes a file, without the file's name.
    fn writers(&self) -> Vec<Vec<PathBuf>> {
        let o = owners();
        let list =
            |words: &[&dyn AsRef<OsStr>]| words.iter().map(|it| it.as_ref().into()).collect();
        vec![
            list(&[
                &"sign",
                &"--key",
                &o.rsa.key,
                &"--cert",
                &o.rsa.cert,
                &self.kernel,
            ]),
            list(&[
                &"sign",
                &"--as",
                &"detached",
                &"--key",
                &o.rsa.key,
                &"--cert",
                &o.rsa.cert,
                &self.kernel,
            ]),
            list(&[&"manifest", &"--kernel", &self.kernel]),
            list(&[&"gate", &"build", &"--stub", &self.stub]),
            list(&[&"dump", &"convert", &core()]),
            list(&[&"dump", &"convert", &"--format", &"elf", &core()]),
        ]
    }

    fn write(&self, writer: &[PathBuf], more: &[&dyn AsRef<OsStr>]) -> Said {
        let mut all: Vec<&dyn AsRef<OsStr>> = Vec::new();
        all.extend(writer.iter().map(|it| -> &dyn AsRef<OsStr> { it }));
        all.extend(more);
        baton(&all)
    }
}

fn said_by(writer: &[PathBuf]) -> String {
    format!("{} {}", writer[0].display(), writer[1].display())
}

/// A program's standard output goes to a file that takes nothing.
fn into(output: &str, args: &[&dyn AsRef<OsStr>]) -> (i32, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_baton"));
    command.args(args.iter().map(|it| it.as_ref()));
    let output = File::options().write(true).open(output).unwrap();
    let done = command.stdout(output).output().unwrap();
    (
        done.status.code().unwrap_or(-1),
        String::from_utf8(done.stderr).unwrap(),
    )
}

/// A program's standard output and standard error are pipes that nobody reads.
fn unread(args: &[&dyn AsRef<OsStr>]) -> i32 {
    let mut command = Command::new(env!("CARGO_BIN_EXE_baton"));
    command.args(args.iter().map(|it| it.as_ref()));
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    command.stderr(writer.try_clone().unwrap());
    command.stdout(writer);
    command.status().unwrap().code().unwrap_or(-1)
}

mod text {
    use super::*;

    /// Commands that only tell something, and the code that they end with.
    fn tellers(bench: &Bench) -> Vec<(Vec<PathBuf>, i32)> {
        let o = owners();
        let fake = Fake::new();
        let list =
            |words: &[&dyn AsRef<OsStr>]| words.iter().map(|it| it.as_ref().into()).collect();
        let places = fake.path("var/crash");
        fs::create_dir_all(&places).unwrap();
        vec![
            (list(&[&"inspect", &bench.kernel]), 0),
            (list(&[&"inspect", &"--json", &bench.kernel]), 0),
            (list(&[&"verify", &bench.kernel, &"--cert", &o.rsa.cert]), 3),
            (
                list(&[&"verify", &"--json", &bench.kernel, &"--cert", &o.rsa.cert]),
                3,
            ),
            (list(&[&"policy", &"check", &"sealed"]), 0),
            (list(&[&"policy", &"show", &"sealed"]), 0),
            (list(&[&"policy", &"explain", &"sealed"]), 0),
            (
                list(&[
                    &"policy",
                    &"explain",
                    &"stock",
                    &"--cmdline",
                    &"nokaslr initrdmem=1",
                ]),
                3,
            ),
            (list(&[&"dump", &"info", &core()]), 0),
            (list(&[&"dump", &"dmesg", &core()]), 0),
            (list(&[&"dump", &"check", &core()]), 0),
            (list(&[&"dump", &"list", &core()]), 0),
            (list(&[&"--help"]), 0),
            (list(&[&"--version"]), 0),
        ]
    }

    fn words(list: &[PathBuf]) -> Vec<&dyn AsRef<OsStr>> {
        list.iter().map(|it| -> &dyn AsRef<OsStr> { it }).collect()
    }

    #[test]
    fn a_reader_that_left_changes_no_exit_code() {
        let bench = Bench::new();
        for (command, code) in tellers(&bench) {
            assert_eq!(unread(&words(&command)), code, "{command:?}");
        }
    }

    #[test]
    fn a_full_disk_is_an_error_unless_there_is_a_worse_one() {
        let bench = Bench::new();
        for (command, code) in tellers(&bench) {
            // A refusal without --json tells nothing on standard output.
            let silent = code == 3 && command[0] == Path::new("verify") && command.len() == 4;
            let (ended, err) = into("/dev/full", &words(&command));
            assert_eq!(
                ended,
                if code == 0 { 1 } else { code },
                "{command:?}: {err}"
            );
            assert_eq!(
                err.contains("standard output: No space"),
                !silent,
                "{command:?}: {err}"
            );
        }
    }

    #[test]
    fn what_was_written_stays_written_when_the_report_finds_no_reader() {
        let bench = Bench::new();
        for (number, writer) in (0..).zip(bench.writers()) {
            for (kind, code) in [("unread", 0), ("full", 1)] {
                let out = bench.directory.path().join(format!("{number}.{kind}"));
                let mut args = words(&writer);
                args.extend::<[&dyn AsRef<OsStr>; 2]>([&"-o", &out]);
                let ended = match kind {
                    "unread" => unread(&args),
                    _ => into("/dev/full", &args).0,
                };
                // A gate without revocations reports nothing.
                let expected = if writer[0] == Path::new("gate") {
                    0
                } else {
                    code
                };
                assert_eq!(ended, expected, "{writer:?}");
                assert!(fs::metadata(&out).unwrap().len() > 0);
            }
        }
    }
}

mod file {
    use super::*;

    #[test]
    fn nothing_that_is_there_is_replaced_without_force() {
        let bench = Bench::new();
        for writer in bench.writers() {
            let by_place = !["gate", "sign"].contains(&writer[0].to_str().unwrap());
            let there = bench.directory.write("there", b"precious");
            if by_place {
                let said = bench.write(&writer, &[&there]);
                assert_eq!(said.code, 1, "{}", said_by(&writer));
                assert!(said.err.contains("there: already exists"), "{}", said.err);
                assert_eq!(
                    fs::read(&there).unwrap(),
                    b"precious",
                    "{}",
                    said_by(&writer)
                );
            }
            let said = bench.write(&writer, &[&"-o", &there]);
            assert_eq!(
                (said.code, said.out.as_str()),
                (1, ""),
                "{}",
                said_by(&writer)
            );
            assert_eq!(
                fs::read(&there).unwrap(),
                b"precious",
                "{}",
                said_by(&writer)
            );
            let said = bench.write(&writer, &[&"--force", &"--output", &there]);
            assert_eq!(said.code, 0, "{}", said.err);
            assert_ne!(
                fs::read(&there).unwrap(),
                b"precious",
                "{}",
                said_by(&writer)
            );
        }
    }

    #[test]
    fn no_input_is_written_over_even_with_force() {
        let bench = Bench::new();
        let core = bench.directory.write("core", fs::read(core()).unwrap());
        let link = bench.directory.path().join("link");
        symlink(&core, &link).unwrap();
        for (args, input) in [
            (vec!["dump", "convert", "core", "-o", "link"], &core),
            (
                vec!["manifest", "--kernel", "kernel", "-o", "kernel"],
                &bench.kernel,
            ),
            (
                vec!["gate", "build", "--stub", "stub", "-o", "stub"],
                &bench.stub,
            ),
        ] {
            let before = fs::read(input).unwrap();
            let path = |word: &str| match bench.directory.path().join(word) {
                path if path.exists() => path,
                _ => word.into(),
            };
            let args: Vec<_> = args.into_iter().map(path).collect();
            let said = bench.write(&args, &[&"--force"]);
            assert_eq!(said.code, 2, "{args:?}");
            assert!(
                said.err.contains("it is the same file as the input"),
                "{}",
                said.err
            );
            assert_eq!(fs::read(input).unwrap(), before);
        }
    }

    #[test]
    fn a_detached_signature_is_not_written_over_its_file() {
        let bench = Bench::new();
        let writer = &bench.writers()[1];
        let said = bench.write(writer, &[&"--force", &"-o", &bench.kernel]);
        assert_eq!(said.code, 2);
        assert_eq!(fs::read(&bench.kernel).unwrap(), kernel_image(0x3000));
    }

    #[test]
    fn a_device_stays_a_device() {
        let bench = Bench::new();
        let before = fs::metadata("/dev/null").unwrap();
        let through = bench.directory.path().join("link");
        symlink("/dev/null", &through).unwrap();
        for writer in bench.writers() {
            for name in [Path::new("/dev/null"), &through] {
                let said = bench.write(&writer, &[&"-o", &name]);
                assert_eq!(said.code, 0, "{}: {}", said_by(&writer), said.err);
                let now = fs::metadata("/dev/null").unwrap();
                assert!(now.file_type().is_char_device());
                assert_eq!((now.ino(), now.rdev()), (before.ino(), before.rdev()));
            }
            let said = bench.write(&writer, &[&"-o", &"/dev/full"]);
            assert_eq!(said.code, 1, "{}", said_by(&writer));
            assert!(
                said.err.contains("/dev/full: can't be written: No space"),
                "{}",
                said.err
            );
        }
    }

    #[test]
    fn a_link_stays_a_link_and_its_file_keeps_what_is_attached_to_it() {
        let bench = Bench::new();
        let file = bench
            .directory
            .write("elsewhere/file", kernel_image(0x3000));
        fs::set_permissions(&file, Permissions::from_mode(0o751)).unwrap();
        let set =
            |name, value: &[u8]| rustix::fs::setxattr(&file, name, value, XattrFlags::empty());
        set("user.note", b"kept").unwrap();
        // linux/posix_acl_xattr.h: the owner does all, user 4242 reads, nobody else does anything.
        let list = b"\x02\0\0\0\
            \x01\0\x07\0\xff\xff\xff\xff\
            \x02\0\x04\0\x92\x10\0\0\
            \x04\0\0\0\xff\xff\xff\xff\
            \x10\0\x04\0\xff\xff\xff\xff\
            \x20\0\0\0\xff\xff\xff\xff";
        set("system.posix_acl_access", list).unwrap();
        let is_root = fs::metadata("/proc/self").unwrap().uid() == 0;
        if is_root {
            std::os::unix::fs::chown(&file, Some(1234), Some(1235)).unwrap();
        }
        let before = Attributes::of(&file).unwrap();
        let (one, two) = (
            bench.directory.path().join("one"),
            bench.directory.path().join("two"),
        );
        symlink("elsewhere/file", &two).unwrap();
        symlink("two", &one).unwrap();
        let o = owners();
        let said = baton(&[&"sign", &"--key", &o.rsa.key, &"--cert", &o.rsa.cert, &one]);
        assert_eq!(said.code, 0, "{}", said.err);
        assert!(
            fs::read(&file).unwrap().len() > 0x3000,
            "the file is signed"
        );
        assert!(one.is_symlink() && two.is_symlink());
        assert_eq!(Attributes::of(&file).unwrap(), before);
        assert_eq!(fs::read_dir(file.parent().unwrap()).unwrap().count(), 1);
    }

    #[test]
    fn a_link_to_nothing_yet_names_the_new_file_with_force_alone() {
        let bench = Bench::new();
        let (link, new) = (
            bench.directory.path().join("link"),
            bench.directory.path().join("new"),
        );
        symlink("new", &link).unwrap();
        for writer in bench.writers() {
            let said = bench.write(&writer, &[&"-o", &link]);
            assert_eq!(said.code, 1, "{}", said_by(&writer));
            assert!(
                said.err
                    .contains("a symbolic link to a file that doesn't exist"),
                "{}",
                said.err
            );
            assert!(!new.exists(), "{}", said_by(&writer));
            let said = bench.write(&writer, &[&"--force", &"-o", &link]);
            assert_eq!(said.code, 0, "{}", said.err);
            assert!(link.is_symlink());
            fs::remove_file(&new).unwrap();
        }
    }

    #[test]
    fn a_dump_is_never_given_to_whoever_took_its_name_before() {
        let bench = Bench::new();
        let there = bench.directory.write("there", "taken");
        fs::set_permissions(&there, Permissions::from_mode(0o666)).unwrap();
        let note = rustix::fs::setxattr(&there, "user.note", b"theirs", XattrFlags::empty());
        note.unwrap();
        let own = fs::metadata("/proc/self").unwrap().uid();
        if own == 0 {
            std::os::unix::fs::chown(&there, Some(1234), Some(1235)).unwrap();
        }
        let is_dump = |writer: &Vec<PathBuf>| writer[0] == Path::new("dump");
        for writer in bench.writers().into_iter().filter(is_dump) {
            let said = bench.write(&writer, &[&"--force", &"-o", &there]);
            assert_eq!(said.code, 0, "{}", said.err);
            let now = fs::metadata(&there).unwrap();
            assert_eq!((now.uid(), now.mode() & 0o7777), (own, 0o600));
            assert_ne!(now.gid(), 1235);
            let mut names = Vec::with_capacity(4096);
            rustix::fs::listxattr(&there, rustix::buffer::spare_capacity(&mut names)).unwrap();
            let names = String::from_utf8_lossy(&names).into_owned();
            assert!(!names.contains("user.note"), "{names}");
        }
    }

    #[test]
    fn a_new_file_is_for_those_that_the_umask_lets() {
        let bench = Bench::new();
        for (number, writer) in (0..).zip(bench.writers()) {
            let out = bench.directory.path().join(format!("{number}.out"));
            let mut shell = Command::new("sh");
            shell.args([
                "-c",
                "umask 027; exec \"$0\" \"$@\"",
                env!("CARGO_BIN_EXE_baton"),
            ]);
            let status = shell
                .args(&writer)
                .arg("-o")
                .arg(&out)
                .output()
                .unwrap()
                .status;
            assert!(status.success());
            let dump = writer[0] == Path::new("dump");
            let expected = if dump { 0o600 } else { 0o640 };
            assert_eq!(
                fs::metadata(&out).unwrap().mode() & 0o7777,
                expected,
                "{writer:?}"
            );
        }
    }

    #[test]
    fn standard_output_gets_the_file_alone() {
        let bench = Bench::new();
        for writer in bench.writers() {
            let out = bench.directory.path().join("out");
            let said = bench.write(&writer, &[&"-o", &out]);
            assert_eq!(said.code, 0, "{}", said.err);
            let written = fs::read(&out).unwrap();
            for name in ["-", "/dev/stdout", "/dev/fd/1"] {
                let mut command = Command::new(env!("CARGO_BIN_EXE_baton"));
                let done = command.args(&writer).args(["-o", name]).output().unwrap();
                assert!(done.status.success(), "{writer:?}: {done:?}");
                if writer[0] == Path::new("dump") {
                    assert!(done.stdout.starts_with(b"makedumpfile"), "flattened");
                } else {
                    assert_eq!(done.stdout, written, "{writer:?}");
                }
            }
            fs::remove_file(out).unwrap();
        }
    }

    #[test]
    fn a_fifo_is_written_if_it_has_a_reader_and_refused_if_not() {
        let bench = Bench::new();
        let fifo = bench.directory.path().join("fifo");
        assert!(
            Command::new("mkfifo")
                .arg(&fifo)
                .status()
                .unwrap()
                .success()
        );
        let said = bench.write(&bench.writers()[0], &[&"-o", &fifo]);
        assert_eq!(said.code, 1);
        assert!(
            said.err
                .contains("fifo: can't be written: nothing is reading from it"),
            "{}",
            said.err
        );
        for writer in bench.writers() {
            // Open for reading and writing it is open at once, and then has a reader.
            let reader = File::options().read(true).write(true).open(&fifo).unwrap();
            let said = bench.write(&writer, &[&"-o", &fifo]);
            assert_eq!(said.code, 0, "{}", said.err);
            assert!(fs::metadata(&fifo).unwrap().file_type().is_fifo());
            drop(reader);
        }
    }

    #[test]
    fn a_directory_is_named_as_one() {
        let bench = Bench::new();
        for writer in bench.writers() {
            for name in [
                bench.directory.path().join("."),
                bench.directory.path().join("new/"),
            ] {
                // Under its own name, which is in this directory already.
                if writer[0] == Path::new("sign") && name.is_dir() {
                    continue;
                }
                let said = bench.write(&writer, &[&"--force", &"-o", &name]);
                assert_eq!(said.code, 1, "{}", said_by(&writer));
                assert!(
                    said.err.contains("a directory; name a file in it"),
                    "{}",
                    said.err
                );
            }
            let lost = bench.directory.path().join("no/such/place");
            let said = bench.write(&writer, &[&"-o", &lost]);
            assert!(said.err.contains("no/such: No such file"), "{}", said.err);
        }
    }

    /// Waits until the file that becomes the output is there.
    fn temporary(directory: &Path, child: &mut Child) {
        let recognises = |name: &OsStr| name.as_encoded_bytes().starts_with(b".baton.");
        while !fs::read_dir(directory)
            .unwrap()
            .any(|it| recognises(&it.unwrap().file_name()))
        {
            assert!(child.try_wait().unwrap().is_none(), "it ended too early");
            std::thread::sleep(std::time::Duration::from_millis(2));
        }
    }

    #[test]
    fn nothing_is_left_behind_by_a_signal_that_ends_it() {
        use std::os::unix::process::ExitStatusExt;
        let directory = temp_dir();
        // So large that it takes a while: a sparse core of zeros.
        let core = directory.write("in/core", large_core());
        File::options()
            .write(true)
            .open(&core)
            .unwrap()
            .set_len(8 << 30)
            .unwrap();
        for (name, signal) in [
            ("INT", 2),
            ("QUIT", 3),
            ("TERM", 15),
            ("HUP", 1),
            ("XCPU", 24),
        ] {
            let out = directory.path().join(format!("{name}/out"));
            let place = out.parent().unwrap();
            fs::create_dir_all(place).unwrap();
            // What starts the tests may have these signals ignored, as nohup has.
            let mut command = Command::new("env");
            command
                .args(["--default-signal", env!("CARGO_BIN_EXE_baton")])
                .args(["dump", "convert", "--threads", "1"])
                .arg(&core)
                .arg("-o")
                .arg(&out);
            let mut child = command.stdout(Stdio::null()).spawn().unwrap();
            temporary(place, &mut child);
            let kill = ["-s", name, &child.id().to_string()];
            assert!(Command::new("kill").args(kill).status().unwrap().success());
            assert_eq!(child.wait().unwrap().signal(), Some(signal));
            assert_eq!(fs::read_dir(place).unwrap().count(), 0, "{name}");
        }
    }

    /// A core with 8 GiB in one segment, but for what it is filled with.
    fn large_core() -> Vec<u8> {
        let mut core = fs::read(core()).unwrap();
        let at = |core: &[u8], at: usize| u64::from_le_bytes(core[at..at + 8].try_into().unwrap());
        let headers = usize::try_from(at(&core, 0x20)).unwrap();
        let count = usize::from(u16::from_le_bytes([core[0x38], core[0x39]]));
        // The last PT_LOAD (1) is made longer: elf64_phdr of linux/elf.h.
        let load = (0..count)
            .map(|it| headers + 56 * it)
            .rfind(|it| core[*it] == 1)
            .unwrap();
        let offset = at(&core, load + 8);
        let length = ((8u64 << 30) - offset) & !0xfff;
        for field in [32, 40] {
            core[load + field..load + field + 8].copy_from_slice(&length.to_le_bytes());
        }
        core
    }
}
