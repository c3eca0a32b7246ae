//! Secrets in every kind of memory, and which of them a dump of each level and format has.

mod document;
mod results;
mod table;

use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};
use baton_guest::event::Event;
use baton_guest::script::{Script, Step};
use baton_guest::secret::{Found, Kind, SECRET};
use baton_lab::exec;
use baton_lab::fetch::packages::MAIN;
use baton_lab::fetch::peers::said;
use baton_lab::machine::{self, Machine};
use baton_lab::setup::Lab;
use baton_lab::vm::{self, Run, judge};
use fs_err::{self as fs, File};

use super::crashing::{attached, on_nvme, unlocked};
use crate::scenario::Scenario;
use results::{Counts, Results, counts};
use table::{LEVELS, TABLE};

/// Kernels without a kind of memory.
const WITHOUT: &[(&str, Kind)] = &[("6.1", Kind::Middle)];

/// Where a disk with a file system is, on the machine.
const DISK: &str = "/disk";

/// A format, and how it is compressed.
type Written = (&'static str, &'static str);

/// What is written of each level.
const FORMATS: [Written; 4] = [
    ("kdump", "zstd"),
    ("kdump", "zlib"),
    ("flattened", "zstd"),
    ("elf", "none"),
];

/// The formats in which pages that are left out are something else: not there, and holes.
const SHORT: [Written; 2] = [("kdump", "zstd"), ("elf", "none")];

/// One for each kernel; and for one kernel a shorter one.
pub fn all(labels: &[&str]) -> Vec<Scenario> {
    let each = labels.iter().map(|label| {
        let name = format!("dump-secrets-{label}");
        scenario(name, label, &FORMATS).only_in_full()
    });
    let mut found: Vec<Scenario> = each.collect();
    found.push(scenario("dump-secrets-short".to_owned(), MAIN, &SHORT));
    found
}

fn scenario(name: String, label: &str, formats: &'static [Written]) -> Scenario {
    let disks = vec![on_nvme("blank", 512), on_nvme("ext4", 64)];
    let machine = Machine {
        memory_mib: 512,
        // Before 6.5, memfd_secret is there only if it is asked for.
        cmdline: "crashkernel=192M secretmem.enable=1".into(),
        ..unlocked(label, disks, None)
    };
    let label = label.to_owned();
    Scenario::new(name, script(&label), {
        let label = label.clone();
        move |run| copied(run, &label)
    })
    .on(machine)
    .within(180)
    .examined(move |lab, directory| examine(lab, directory, &label, formats))
}

fn script(label: &str) -> Script {
    let load = Step::run(&format!(
        "/payload/bin/baton crash load /payload/kernels/{label}/vmlinuz \
         --initrd /payload/kernels/{label}/initrd.img --cmdline"
    ));
    let mut steps = attached(1, &on_nvme("ext4", 64), DISK);
    steps.push(load.and(machine::cmdline(2)));
    steps.push(Step::Plant { disk: DISK.into() });
    steps.push(Step::Sysrq('c'));
    Script {
        stages: vec![steps, vec![Step::CopyVmcore { target: 0 }]],
    }
}

fn copied(run: &Run, label: &str) -> Result<()> {
    judge::done(run, 2)?;
    let mut events = run.transcript.stage(1);
    let planted = events.find_map(|event| match event {
        Event::Planted { kinds } => Some(kinds),
        _ => None,
    });
    let planted = planted.context("nothing was planted")?;
    let missing = Kind::ALL.into_iter().filter(|kind| !planted.contains(kind));
    for kind in missing {
        ensure!(
            has_none(label, kind),
            "there is no memory of the kind {kind:?}"
        );
    }
    Ok(())
}

fn has_none(label: &str, kind: Kind) -> bool {
    WITHOUT.contains(&(label, kind))
}

/// Counts the secrets in the machine's memory, and in the dump of each level and format.
fn examine(lab: &Lab, directory: &Path, label: &str, formats: &[Written]) -> Result<()> {
    let core = vm::target_image(directory, 0);
    let memory = counts(&found(&core)?);
    for kind in Kind::ALL {
        let there = memory.get(&kind).copied().unwrap_or(0);
        let least = match kind {
            _ if has_none(label, kind) => 0,
            // What is given back may be taken by others.
            Kind::Freed => kind.count() / 2,
            _ => kind.count(),
        };
        ensure!(
            there >= least,
            "{there} secrets of the kind {kind:?} are in memory"
        );
    }
    let mut results = Results {
        release: lab.packages.kernel(label)?.release.clone(),
        memory,
        ..Results::default()
    };
    let dumps = Dumps {
        lab,
        core,
        directory,
    };
    let mut broken = Vec::new();
    for level in LEVELS {
        let ours = dumps.by_baton(level, formats)?;
        for row in &TABLE {
            let kept = row.check(level, results.memory[&row.kind], ours[&row.kind]);
            broken.extend(kept.err().map(|error| error.to_string()));
        }
        results.baton.insert(level, ours);
    }
    ensure!(
        broken.is_empty(),
        "promises are broken:\n{}",
        broken.join("\n")
    );
    if formats == FORMATS && std::env::var_os("BATON_BLESS").is_some() {
        dumps.by_makedumpfile(&mut results)?;
        results::keep(label, &results)?;
        document::check()?;
    }
    Ok(fs::remove_file(dumps.core)?)
}

/// Makes dumps of a core.
struct Dumps<'a> {
    lab: &'a Lab,
    core: PathBuf,
    directory: &'a Path,
}

impl Dumps<'_> {
    fn baton(&self) -> Command {
        let mut command = Command::new(self.lab.work.join("payload/bin/baton"));
        command.args(["dump", "convert", "--force"]);
        command
    }

    /// What is in each of Baton's dumps of a level: the same, whatever the format.
    fn by_baton(&self, level: u8, formats: &[Written]) -> Result<Counts> {
        let mut first: Option<Counts> = None;
        for (format, compression) in formats {
            let dump = self.directory.join("dump");
            said(
                self.baton()
                    .args(["--level", &level.to_string()])
                    .args(["--format", format, "--compress", compression])
                    .args([&self.core, &dump]),
            )?;
            let counts = self.in_dump(&dump, *format == "elf")?;
            let first = first.get_or_insert_with(|| counts.clone());
            ensure!(
                *first == counts,
                "level {level}: {format} has other secrets: {counts:?} instead of {first:?}"
            );
        }
        first.context("no format")
    }

    /// What can be read of a dump, and what is in its file.
    fn in_dump(&self, dump: &Path, is_elf: bool) -> Result<Counts> {
        let mut secrets = found(dump)?;
        if !is_elf {
            let decoded = self.directory.join("decoded");
            said(
                self.baton()
                    .args(["--format", "elf"])
                    .args([dump, &decoded]),
            )?;
            look(&decoded, &mut secrets)?;
            fs::remove_file(decoded)?;
        }
        fs::remove_file(dump)?;
        Ok(counts(&secrets))
    }

    /// makedumpfile's, as far as it takes such a core.
    fn by_makedumpfile(&self, results: &mut Results) -> Result<()> {
        let makedumpfile = || self.lab.extras().map(|it| it.peers.makedumpfile());
        let version = exec::output(makedumpfile()?.arg("-v"))?;
        results.makedumpfile = version.lines().next().unwrap_or_default().to_owned();
        for level in LEVELS {
            let dump = self.directory.join("theirs");
            let mut command = makedumpfile()?;
            command.args(["-c", "-f", "-d", &level.to_string()]);
            if said(command.args([&self.core, &dump])).is_ok() {
                results.theirs.insert(level, self.in_dump(&dump, false)?);
            }
        }
        Ok(())
    }
}

fn found(file: &Path) -> Result<Found> {
    let mut found = Found::default();
    look(file, &mut found)?;
    Ok(found)
}

/// Looks for secrets in a file, piece by piece.
fn look(file: &Path, found: &mut Found) -> Result<()> {
    const PIECE: usize = 4 << 20;
    let mut file = File::open(file)?;
    let mut bytes = Vec::new();
    loop {
        // Of the piece before stays what a secret may begin in.
        bytes.drain(..bytes.len().saturating_sub(SECRET));
        let there = bytes.len();
        let mut piece = file.by_ref().take(PIECE as u64);
        piece.read_to_end(&mut bytes)?;
        if bytes.len() == there {
            return Ok(());
        }
        found.look(&bytes);
    }
}
