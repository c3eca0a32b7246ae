//! What a crash has left on a disk: taken from it by a second machine, and opened by everyone who reads
//! dumps.

use fs_err::{self as fs, File};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};
use baton_guest::script::{Script, Step};
use baton_lab::exec;
use baton_lab::fetch::built;
use baton_lab::fetch::cache::Cache;
use baton_lab::fetch::peers::said;
use baton_lab::fetch::symbols;
use baton_lab::image::disk;
use baton_lab::machine::{Boot, Bus, Machine, Target};
use baton_lab::setup::Lab;
use baton_lab::vm::{self, Until, judge};
use serde_json::Value;

use super::case::{Case, Panic};
use super::crashing::attached;

/// Opens the one dump that there must be.
pub fn examine(lab: &Lab, directory: &Path, case: &Case) -> Result<()> {
    let dump = if case.format == "raw" {
        partition(directory)?
    } else {
        let targets = [case.target()];
        let files = fetched(lab, directory, &case.label, &targets)?;
        the_dump(files.first().context("no disk")?)?
    };
    let crashed = Crashed {
        label: &case.label,
        panic: case.panic,
    };
    without_symbols(lab, &dump, crashed)?;
    // The kernels' symbols, which nobody else needs, are too large for the short suite.
    if case.is_short() {
        return Ok(());
    }
    by_crash(lab, &dump, crashed)
}

/// The kernel that a dump is of, and how it panicked.
#[derive(Clone, Copy)]
struct Crashed<'a> {
    label: &'a str,
    panic: Panic,
}

/// Opens a dump of a kernel that sysrq-c crashed, with everything that reads dumps.
pub fn opened_by_all(lab: &Lab, dump: &Path, label: &str) -> Result<()> {
    let panic = Panic::Sysrq;
    let crashed = Crashed { label, panic };
    without_symbols(lab, dump, crashed)?;
    // Nobody keeps symbols of kernels that were built here.
    if built::is_built(label) {
        return Ok(());
    }
    by_crash(lab, dump, crashed)
}

/// Opens it with all that needs no debug symbols.
fn without_symbols(lab: &Lab, dump: &Path, crashed: Crashed<'_>) -> Result<()> {
    by_baton(lab, dump, crashed.panic)?;
    by_makedumpfile(lab, dump)?;
    by_libkdumpfile(lab, dump, crashed.label)?;
    by_drgn(lab, dump, crashed.label)
}

/// Kernels that crash 9.0.2 doesn't know all structures of (`module_num_gpl_syms` is gone): it reads their memory
/// and log.
const TOO_NEW_FOR_CRASH: &[&str] = &["7.2"];

/// crash finds the panicking task's way into the panic, or at least the log.
fn by_crash(lab: &Lab, dump: &Path, crashed: Crashed<'_>) -> Result<()> {
    let kernel = lab.packages.kernel(crashed.label)?;
    let vmlinux = symbols::vmlinux(&Cache::open()?, kernel)?;
    let (mode, command, wanted) = if TOO_NEW_FOR_CRASH.contains(&crashed.label) {
        (Some("--minimal"), "log", crashed.panic.message())
    } else {
        (None, "bt", "crash_kexec")
    };
    let commands = dump.with_extension("crash");
    fs::write(&commands, format!("{command}\nquit\n"))?;
    let mut crash = lab.extras()?.peers.crash();
    crash.arg("-s").args(mode).arg("-i").arg(&commands);
    let text = said(crash.arg(vmlinux).arg(dump))?;
    ensure!(
        text.contains(wanted),
        "crash's \"{command}\" doesn't say \"{wanted}\": {text}"
    );
    Ok(())
}

/// A raw target is the dump itself.
fn partition(directory: &Path) -> Result<PathBuf> {
    let mut disk = File::open(vm::target_image(directory, 0))?;
    disk.seek(SeekFrom::Start(disk::RAW_BEGINS))?;
    let dump = directory.join("vmcore");
    let mut out = File::create(&dump)?;
    let mut chunk = vec![0; 1 << 20];
    loop {
        match disk.read(&mut chunk)? {
            0 => break,
            count => out.write_all(&chunk[..count])?,
        }
    }
    Ok(dump)
}

/// What is on each of the machine's disks, by their number: another machine mounts them and copies all to
/// disks without a file system, which are unpacked here.
pub fn fetched(
    lab: &Lab,
    directory: &Path,
    label: &str,
    targets: &[Target],
) -> Result<Vec<PathBuf>> {
    let places = targets.iter().enumerate().map(|(number, target)| {
        let place = format!("/target-{number}");
        (attached(number, target, &place), place)
    });
    read_elsewhere(lab, directory, label, targets, places.collect())
}

/// The same of places that another machine can read once it has carried out the steps before them.
pub fn read_elsewhere(
    lab: &Lab,
    directory: &Path,
    label: &str,
    targets: &[Target],
    places: Vec<(Vec<Step>, String)>,
) -> Result<Vec<PathBuf>> {
    let reader = directory.join("reader");
    fs::create_dir_all(&reader)?;
    for number in 0..targets.len() {
        fs::rename(
            vm::target_image(directory, number),
            vm::target_image(&reader, number),
        )?;
    }
    let size_mib = targets.iter().map(|target| target.size_mib).sum();
    let mut disks = targets.to_vec();
    let mut steps = Vec::new();
    let count = places.len();
    for (attached, place) in places {
        steps.extend(attached);
        steps.push(Step::run(&format!("/payload/bin/baton dump list {place}")));
        steps.push(Step::Archive {
            directory: place,
            target: disks.len(),
        });
        disks.push(Target {
            bus: Bus::Nvme,
            format: "blank",
            size_mib,
        });
    }
    let machine = Machine {
        boot: Boot::Bios,
        targets: disks,
        ..Machine::new(label)
    };
    let script = Script {
        stages: vec![steps],
    };
    let until = Until::within(120);
    let run = vm::run(lab, &machine, &script, &reader, until, &mut |_, _| {})?;
    fs::write(reader.join("console.txt"), run.transcript.to_text())?;
    judge::done(&run, 1).context("reading the disks in another machine")?;
    (0..count)
        .map(|number| {
            let archive = vm::target_image(&reader, targets.len() + number);
            unpacked(&archive, &directory.join(format!("files-{number}")))
        })
        .collect()
}

fn unpacked(archive: &Path, into: &Path) -> Result<PathBuf> {
    fs::create_dir_all(into)?;
    let mut tar = Command::new("tar");
    exec::run(tar.arg("-x").arg("-C").arg(into).arg("-f").arg(archive))?;
    Ok(into.to_path_buf())
}

/// One directory, with all that belongs into it.
pub fn the_dump(files: &Path) -> Result<PathBuf> {
    let mut directories: Vec<PathBuf> = fs::read_dir(files)?
        .map(|entry| Ok(entry?.path()))
        .collect::<Result<_>>()?;
    directories.retain(|path| path.join("vmcore").exists());
    let [directory] = directories.as_slice() else {
        bail!(
            "{} dumps are on the disk: {directories:?}",
            directories.len()
        );
    };
    for name in ["dmesg.txt", "summary.json", "vmcore.sha256"] {
        ensure!(directory.join(name).is_file(), "there is no {name}");
    }
    exec::run(
        Command::new("sha256sum")
            .args(["--check", "--quiet", "vmcore.sha256"])
            .current_dir(directory),
    )?;
    Ok(directory.join("vmcore"))
}

/// Everything in it can be read, and it says what happened.
fn by_baton(lab: &Lab, dump: &Path, panic: Panic) -> Result<()> {
    let baton = |words: &[&str]| {
        let mut command = Command::new(lab.work.join("payload/bin/baton"));
        command.args(words).arg(dump);
        command
    };
    said(&mut baton(&["dump", "check"]))?;
    let info: Value =
        serde_json::from_slice(&exec::bytes(&mut baton(&["dump", "info", "--json"]))?)?;
    let said = info["panic"]["message"].as_str().unwrap_or_default();
    ensure!(
        said.contains(panic.message()),
        "baton dump info says that the panic was \"{said}\", and not \"{}\"",
        panic.message()
    );
    Ok(())
}

/// makedumpfile finds the same kernel log in it, and filters it once more.
fn by_makedumpfile(lab: &Lab, dump: &Path) -> Result<()> {
    let peers = &lab.extras()?.peers;
    let log = dump.with_extension("makedumpfile.txt");
    said(
        peers
            .makedumpfile()
            .args(["--dump-dmesg", "-f"])
            .arg(dump)
            .arg(&log),
    )?;
    let theirs = fs::read_to_string(&log)?;
    let ours = exec::output(
        Command::new(lab.work.join("payload/bin/baton"))
            .args(["dump", "dmesg", "--callers"])
            .arg(dump),
    )?;
    ensure!(
        ours == theirs,
        "baton dump dmesg and makedumpfile --dump-dmesg differ: see {}",
        log.display()
    );
    let again = dump.with_extension("again");
    said(
        peers
            .makedumpfile()
            .args(["-d", "31", "-z", "-f"])
            .arg(dump)
            .arg(&again),
    )?;
    Ok(fs::remove_file(again)?)
}

/// libkdumpfile knows what it is, and of which kernel.
fn by_libkdumpfile(lab: &Lab, dump: &Path, label: &str) -> Result<()> {
    let said = said(lab.extras()?.peers.kdumpid().arg("-v").arg(dump))?;
    let release = &lab.packages.kernel(label)?.release;
    ensure!(
        said.contains(release.as_str()),
        "kdumpid doesn't know the kernel {release}: {said}"
    );
    Ok(())
}

/// What drgn is asked: to take the file for a kernel's dump, and to read the kernel's name (`struct
/// uts_namespace`) through its page tables.
const DRGN: &str = r"
import re, sys, drgn
program = drgn.Program()
program.set_core_dump(sys.argv[1])
info = program['VMCOREINFO'].string_().decode()
address = int(re.search(r'SYMBOL\(init_uts_ns\)=([0-9a-f]+)', info)[1], 16)
assert sys.argv[2].encode() in program.read(address, 400), 'the name is not there'
";

fn by_drgn(lab: &Lab, dump: &Path, label: &str) -> Result<()> {
    let release = &lab.packages.kernel(label)?.release;
    let mut python = lab.extras()?.python();
    said(python.args(["-c", DRGN]).arg(dump).arg(release)).map(drop)
}
