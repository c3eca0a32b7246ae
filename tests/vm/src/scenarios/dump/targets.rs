//! Targets that a capture could write nothing to: they are refused before the crash, status says so, and what
//! status says is what is found after it. And where no target is left, the kernel log is shown all the same.

use anyhow::{Result, ensure};
use baton_guest::script::{Expect, Script, Step};
use baton_lab::fetch::packages::MAIN;
use baton_lab::machine::Mishap;
use baton_lab::vm::{Run, judge};

use super::crashing::{self, PLACE, attached, ended, mounted, on_nvme, unlocked};
use super::examine::{fetched, the_dump};
use super::faults::readable;
use crate::scenario::Scenario;

const LOAD: &str = "/payload/bin/baton crash load --capture /payload/bin/baton-capture";
const STATUS: &str = "/payload/bin/baton crash status --capture /payload/bin/baton-capture";

/// Each alone is refused; the words that say why.
const REFUSED: [(&str, &str); 5] = [
    (
        "kind = \"mounted\"\ndirectory = \"/var/crash/file\"",
        "is a plain file",
    ),
    (
        "kind = \"filesystem\"\ndevice = \"LABEL=BTRFS\"\ndirectory = \"/link\"",
        "is a symbolic link",
    ),
    (
        "kind = \"filesystem\"\ndevice = \"LABEL=BTRFS\"\ndirectory = \"/dmups/today\"",
        "/dmups isn't there",
    ),
    (
        "kind = \"filesystem\"\ndevice = \"LABEL=BTRFS\"\noptions = \"subvol=nosuch\"\ndirectory = \"/\"",
        "refuses to be mounted",
    ),
    (
        "kind = \"filesystem\"\ndevice = \"LABEL=BTRFS\"\noptions = \"nosuchoption\"\ndirectory = \"/\"",
        "refuses to be mounted",
    ),
];

pub fn all() -> Vec<Scenario> {
    vec![predicted(), none_left()]
}

fn configured(targets: &[&str]) -> Step {
    crashing::configured(100, MAIN, targets)
}

/// Bad targets are refused, and left out where there is a good one, which has the dump.
fn predicted() -> Scenario {
    let targets = vec![on_nvme("btrfs", 256)];
    let good = mounted(PLACE);
    let mut steps = attached(0, &targets[0], PLACE);
    steps.push(Step::Write {
        path: format!("{PLACE}/file"),
        text: "x\n".into(),
    });
    steps.push(Step::run("/payload/bin/busybox ln -s file /var/crash/link"));
    for (target, _) in REFUSED {
        steps.push(configured(&[target]));
        steps.push(Step::run_expecting(
            &format!("{LOAD} --dry-run"),
            Expect::Code(1),
        ));
    }
    steps.push(configured(&[REFUSED[0].0, &good]));
    steps.push(Step::run(LOAD));
    steps.push(Step::run_expecting(STATUS, Expect::Code(10)));
    steps.push(configured(&[&good]));
    steps.push(Step::run(LOAD));
    steps.push(Step::run(STATUS));
    steps.push(Step::Sysrq('c'));
    let script = Script {
        stages: vec![steps],
    };
    Scenario::new("dump-target-predicted", script, |run: &Run| {
        ended(run)?;
        REFUSED
            .iter()
            .try_for_each(|(_, words)| judge::console_says(run, words))
    })
    .on(unlocked(MAIN, targets.clone(), None))
    .within(200)
    .examined(move |lab, directory| {
        let files = fetched(lab, directory, MAIN, &targets)?;
        let [files] = files.as_slice() else {
            anyhow::bail!("there is not one disk");
        };
        readable(lab, &the_dump(files)?, &["dump", "check"])
    })
    .only_in_full()
}

/// The only disk goes when the kernel panics.
fn none_left() -> Scenario {
    let targets = vec![on_nvme("ext4", 256)];
    let good = mounted(PLACE);
    let mut steps = attached(0, &targets[0], PLACE);
    steps.extend([configured(&[&good]), Step::run(LOAD), Step::Sysrq('c')]);
    let script = Script {
        stages: vec![steps],
    };
    let mishap = Mishap {
        when: "Kernel panic",
        command: "drive_del baton-target-0",
    };
    Scenario::new("dump-target-none-left", script, |run: &Run| {
        ended(run)?;
        log_is_shown(run)
    })
    .on(unlocked(MAIN, targets, Some(mishap)))
    .within(200)
    .only_in_full()
}

/// What the first kernel said last is said once more by the capture.
fn log_is_shown(run: &Run) -> Result<()> {
    judge::console_says(run, "no target took the kernel log, which ends as follows:")?;
    let lines = run.transcript.lines.iter();
    let panics = lines
        .filter(|line| line.text.contains("Kernel panic"))
        .count();
    ensure!(
        panics >= 2,
        "the panic isn't in what the capture shows ({panics})"
    );
    Ok(())
}
