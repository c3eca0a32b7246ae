//! Against makedumpfile, with the cores of real kernels (`cores`).
//!
//!     cargo test --release -p baton-kdump --test oracles -- --ignored --nocapture

mod cores;

use baton_kdump::compare::{Comparison, compare};
use baton_kdump::dmesg::{Log, Text};
use baton_kdump::{Dump, Memory};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use tempfile::TempDir;

struct Oracles {
    makedumpfile: PathBuf,
    vmcores: Vec<PathBuf>,
    scratch: TempDir,
}

impl Oracles {
    /// Each test has its own scratch directory: they run at the same time.
    fn find() -> Oracles {
        Oracles {
            makedumpfile: cores::makedumpfile(),
            vmcores: cores::all(),
            scratch: tempfile::tempdir().unwrap(),
        }
    }

    /// Runs makedumpfile; `None` if it was built without the codec.
    fn run(&self, arguments: &[&str], files: &[&Path], output: Stdio) -> Option<()> {
        let run = Command::new(&self.makedumpfile)
            .args(arguments)
            .args(files)
            .stdout(output)
            .stderr(Stdio::piped())
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&run.stderr).into_owned();
        if said.contains("disabled") || String::from_utf8_lossy(&run.stdout).contains("disabled") {
            return None;
        }
        assert!(run.status.success(), "{arguments:?}: {said}");
        Some(())
    }

    /// makedumpfile's dump of `vmcore`, opened; the files are removed at once.
    fn dump(&self, arguments: &[&str], vmcore: &Path, parts: usize) -> Option<Dump> {
        let names = (0..parts).map(|it| self.scratch.path().join(format!("dump{it}")));
        let names: Vec<_> = names.collect();
        let flattened = arguments.contains(&"-F");
        let mut files: Vec<&Path> = vec![vmcore];
        let mut output = Stdio::piped();
        if flattened {
            output = std::fs::File::create(&names[0]).unwrap().into();
        } else {
            files.extend(names.iter().map(PathBuf::as_path));
        }
        let run = self.run(arguments, &files, output);
        let dump = run.map(|()| Dump::open(&names).unwrap());
        for name in &names {
            // What is open stays readable; without the codec there may be no file.
            let _ = std::fs::remove_file(name);
        }
        dump
    }
}

fn log(dump: &Dump) -> String {
    let kernel = dump.kernel().unwrap();
    let log = Log::open(&kernel, dump.vmcoreinfo().unwrap()).unwrap();
    Text::new(&log).with_callers(true).to_string()
}

/// What makedumpfile does otherwise: it leaves empty messages out, and shows no byte above 0x7e.
fn comparable(line: &str) -> Option<&str> {
    let said = line.rsplit("] ").next()?;
    Some(line).filter(|line| !said.is_empty() && line.is_ascii() && !line.contains("\\x"))
}

#[test]
#[ignore = "needs the cores of real kernels and makedumpfile"]
fn the_log_is_what_makedumpfile_says() {
    let oracles = Oracles::find();
    for vmcore in &oracles.vmcores {
        let text = oracles.scratch.path().join("dmesg");
        let arguments = ["--dump-dmesg", "-f"];
        oracles
            .run(&arguments, &[vmcore, &text], Stdio::piped())
            .unwrap();
        let theirs = std::fs::read(&text).unwrap();
        let theirs = String::from_utf8_lossy(&theirs);
        let ours = log(&cores::open(vmcore));
        let lines = |text: &str| -> Vec<String> {
            text.lines()
                .filter_map(comparable)
                .map(str::to_owned)
                .collect()
        };
        assert!(lines(&ours).len() > 100);
        assert_eq!(lines(&ours), lines(&theirs), "{}", vmcore.display());
        println!("{}: {} lines", vmcore.display(), ours.lines().count());
    }
}

#[test]
#[ignore = "needs the cores of real kernels and makedumpfile"]
fn each_page_that_makedumpfile_wrote_is_that_of_the_vmcore() {
    let oracles = Oracles::find();
    let runs: [(&[&str], usize); 13] = [
        (&["-d", "0"], 1),
        (&["-c", "-d", "0"], 1),
        (&["-l", "-d", "0"], 1),
        (&["-p", "-d", "0"], 1),
        (&["-z", "-d", "0"], 1),
        (&["-c", "-d", "1"], 1),
        (&["-l", "-d", "31"], 1),
        (&["-z", "-d", "31"], 1),
        (&["--split", "-z", "-d", "31"], 3),
        (&["-F", "-z", "-d", "31"], 1),
        (&["-F", "-l", "-d", "0"], 1),
        (&["-E", "-d", "0"], 1),
        (&["-F", "-E", "-d", "0"], 1),
    ];
    for vmcore in &oracles.vmcores {
        let whole = cores::open(vmcore);
        let expected = log(&whole);
        for (arguments, parts) in runs {
            let Some(dump) = oracles.dump(arguments, vmcore, parts) else {
                println!(
                    "{}: {arguments:?}: not in this makedumpfile",
                    vmcore.display()
                );
                continue;
            };
            let start = std::time::Instant::now();
            let found = compare(&whole, &dump, 4096);
            let time = start.elapsed();
            println!("{}: {arguments:?}: {found} in {time:?}", vmcore.display());
            agree(&found, arguments);
            assert!(dump.survey().complete());
            assert_eq!(log(&dump), expected, "{arguments:?}");
            assert_eq!(dump.notes().cpus, whole.notes().cpus);
            let dumped = dump.survey().held;
            assert!(found.same <= dumped, "{arguments:?}: {dumped} pages");
        }
    }
}

fn agree(found: &Comparison, arguments: &[&str]) {
    assert!(found.agrees(), "{arguments:?}: {found}");
    let whole = arguments.contains(&"0") || arguments.contains(&"1");
    assert_eq!(found.left_out > 0, !whole, "{arguments:?}: {found}");
}

#[test]
#[ignore = "needs the cores of real kernels and makedumpfile"]
fn what_is_left_of_a_dump_that_was_cut_off_is_that_of_the_vmcore() {
    let oracles = Oracles::find();
    let vmcore = oracles.vmcores.last().unwrap();
    let whole = cores::open(vmcore);
    let path = oracles.scratch.path().join("dump");
    for flattened in [false, true] {
        if flattened {
            let output = std::fs::File::create(&path).unwrap();
            oracles
                .run(&["-F", "-z", "-d", "31"], &[vmcore], output.into())
                .unwrap();
        } else {
            oracles
                .run(&["-z", "-d", "31"], &[vmcore, &path], Stdio::piped())
                .unwrap();
        }
        let size = std::fs::metadata(&path).unwrap().len();
        let file = std::fs::File::options().write(true).open(&path).unwrap();
        for tenths in (1..10).rev() {
            file.set_len(size * tenths / 10).unwrap();
            let cut = cores::open(&path);
            let found = compare(&whole, &cut, 4096);
            println!("{tenths}/10, flattened: {flattened}: {found}");
            assert_eq!(found.different, 0, "{found}");
            assert!(found.damaged > 0 && found.same > 0, "{found}");
            assert_eq!(cut.ranges(), whole.ranges());
        }
        std::fs::remove_file(&path).unwrap();
    }
}
