//! The memory of a crashed machine of 4 GiB that did some work: page cache, programs with memory of their own,
//! and what was never used.

use fs_err::{self as fs, File};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use baton_guest::event::Event;
use baton_guest::script::{Script, Step};
use baton_lab::fetch::cache::{Cache, Entry};
use baton_lab::fetch::packages::MAIN;
use baton_lab::machine::{self, Boot, Bus, Machine, Target};
use baton_lab::setup::Lab;
use baton_lab::vm::judge;
use baton_lab::vm::{self, Until};

/// RAM of the machine.
const MEMORY_MIB: u64 = 4096;

/// How long it may take on a busy host.
const LIMIT: u64 = 600;

/// Programs that keep a kernel's image in memory until their input ends; and then the wait until all
/// have it.
const HOLD: &str = "for i in 1 2 3 4 5 6 7 8 9; do \
    { (cat /payload/elf/6.12.note; sleep 3600) | tail -c 99999999; } > /dev/null 2>&1 & done";
const HELD: &str =
    "until [ $(awk '/^AnonPages/ {print $2}' /proc/meminfo) -gt 450000 ]; do sleep 1; done";

/// The file, which is made once.
pub fn make(cache: &Cache) -> Result<PathBuf> {
    let directory = cache.once(Entry::FiguresVmcore, |draft| crash(&Lab::set_up()?, draft))?;
    Ok(directory.join("vmcore"))
}

fn crash(lab: &Lab, directory: &Path) -> Result<()> {
    eprintln!("crashing a machine of {MEMORY_MIB} MiB for its /proc/vmcore (once)");
    let machine = Machine {
        boot: Boot::Bios,
        memory_mib: MEMORY_MIB,
        cmdline: "crashkernel=256M".into(),
        targets: vec![Target {
            bus: Bus::Nvme,
            format: "blank",
            size_mib: MEMORY_MIB,
        }],
        ..Machine::new(MAIN)
    };
    let until = Until::within(LIMIT);
    let run = vm::run(lab, &machine, &script(), directory, until, &mut |_, _| {})?;
    fs::write(directory.join("console.txt"), run.transcript.to_text())?;
    judge::done(&run, 2).with_context(|| format!("see {}", directory.display()))?;
    let mut events = run.transcript.stage(2);
    let size = events.find_map(|event| match event {
        Event::Copied { size } => Some(*size),
        _ => None,
    });
    let disk = vm::target_image(directory, 0);
    File::options()
        .write(true)
        .open(&disk)?
        .set_len(size.context("/proc/vmcore wasn't copied")?)?;
    Ok(fs::rename(disk, directory.join("vmcore"))?)
}

fn script() -> Script {
    let load = Step::run(&format!(
        "/payload/bin/baton crash load /payload/kernels/{MAIN}/vmlinuz \
         --initrd /payload/kernels/{MAIN}/initrd.img --cmdline"
    ));
    let shell = |line: &str| Step::run("/payload/bin/busybox sh -c").and(line);
    Script {
        stages: vec![
            vec![
                load.and(machine::cmdline(2)),
                shell("find /payload -type f -exec cat {} + > /dev/null"),
                shell(HOLD),
                shell(HELD),
                Step::Sysrq('c'),
            ],
            vec![Step::CopyVmcore { target: 0 }],
        ],
    }
}
