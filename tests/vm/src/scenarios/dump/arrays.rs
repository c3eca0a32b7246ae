//! Dumps to RAID arrays (md), made by mdadm itself: captured without it, also where a disk is gone by then.

use anyhow::{Context, Result, ensure};
use baton_guest::script::{Script, Step};
use baton_lab::fetch::packages::MAIN;
use baton_lab::machine::{Machine, Mishap, Target};
use baton_lab::vm::Run;
use baton_lab::vm::judge;
use fs_err as fs;

use super::crashing::{PLACE, configured, ended, mounted, on_nvme, unlocked};
use super::examine::{opened_by_all, read_elsewhere, the_dump};
use super::power::{FOUND, Storage};
use super::volumes::{LOAD, STATUS, mount, with_lvm};
use crate::scenario::Scenario;

/// The array, as a file system's device.
const ARRAY: &str = "/dev/md0";

pub fn all() -> Vec<Scenario> {
    let mut all: Vec<Scenario> = LEVELS.iter().map(of_level).collect();
    all.extend([whole(), leg_gone(), under_lvm()]);
    all
}

/// An array of another level than 1, and a kernel that has it.
struct Level {
    /// As mdadm names it.
    name: &'static str,
    /// As `crash status` does, and the kernel its module.
    module: &'static str,
    kernel: &'static str,
}

const LEVELS: [Level; 3] = [
    Level {
        name: "0",
        module: "raid0",
        kernel: MAIN,
    },
    Level {
        name: "10",
        module: "raid10",
        kernel: MAIN,
    },
    // Linux 6.8 to 6.13 have no linear arrays.
    Level {
        name: "linear",
        module: "linear",
        kernel: "6.1",
    },
];

/// The members: a partition, and a disk without any.
fn disks() -> Vec<Target> {
    vec![on_nvme("raw", 192), on_nvme("blank", 192)]
}

/// What makes the members and mdadm usable.
fn with_mdadm(level: &str) -> Vec<Step> {
    let modules = [level, "ext4"].into_iter();
    let mut steps: Vec<Step> = modules.map(|name| Step::LoadModule(name.into())).collect();
    for (target, partition) in [(0, true), (1, false)] {
        steps.push(Step::Link {
            target,
            partition,
            path: format!("/dev/member{target}"),
        });
    }
    steps
}

fn mdadm(words: &str) -> Step {
    Step::run(&format!("/payload/bin/mdadm {words}"))
}

/// A mirror with superblocks of this version is made of both disks.
fn with_array(metadata: &str) -> Vec<Step> {
    let mut steps = with_mdadm("raid1");
    steps.push(mdadm(&format!(
        "--create {ARRAY} --run --assume-clean --metadata={metadata} --level=1 --raid-devices=2 /dev/member0 /dev/member1"
    )));
    steps
}

/// A file system is made on a device, and mounted where dumps go.
pub fn with_file_system(device: &str) -> Vec<Step> {
    vec![
        Step::run(&format!("/payload/bin/mke2fs -q -t ext4 {device}")),
        Step::run(&format!("/payload/bin/busybox mkdir -p -m 700 {PLACE}")),
        Step::run(&format!(
            "/payload/bin/busybox mount -t ext4 {device} {PLACE}"
        )),
    ]
}

/// Loaded, and crashed right after a write, so that the members may differ. The capture kernel says all that it does.
fn crashed(mut steps: Vec<Step>, label: &str, load: &str) -> Script {
    let configured = match configured(150, label, &[mounted(PLACE)]) {
        Step::Write { path, text } => Step::Write {
            path,
            text: text.replacen("[kernel]\n", "[kernel]\nparameters = [\"loglevel=7\"]\n", 1),
        },
        other => other,
    };
    steps.push(configured);
    steps.push(Step::run(load));
    steps.push(Step::run(STATUS));
    steps.push(Step::run("/payload/bin/busybox sync"));
    steps.push(Step::run(&format!(
        "/payload/bin/busybox dd if=/dev/zero of={PLACE}/last bs=64k count=1 conv=fsync"
    )));
    steps.push(Step::Sysrq('c'));
    Script {
        stages: vec![steps],
    }
}

fn says_what_it_is(run: &Run, level: &str) -> Result<()> {
    let status = judge::said(run, 1, "status")?;
    ensure!(
        status.contains(&format!("md0 is {level} on ")),
        "status doesn't say what the array is: {status}"
    );
    Ok(())
}

/// Mounted elsewhere, once it is assembled by these words of mdadm's.
fn assembled(level: &str, words: &str) -> Vec<(Vec<Step>, String)> {
    let mut steps = with_mdadm(level);
    steps.push(mdadm(words));
    steps.push(Step::run("/payload/bin/busybox mkdir -p /array"));
    steps.push(Step::run(&format!(
        "/payload/bin/busybox mount -t ext4 {ARRAY} /array"
    )));
    vec![(steps, "/array".to_owned())]
}

/// Every member has something that no other has, but for those of level 10.
fn of_level(level: &'static Level) -> Scenario {
    let mut steps = with_mdadm(level.module);
    steps.push(mdadm(&format!(
        "--create {ARRAY} --run --metadata=1.2 --level={} --raid-devices=2 /dev/member0 /dev/member1",
        level.name
    )));
    steps.extend(with_file_system(ARRAY));
    let script = crashed(steps, level.kernel, LOAD);
    Scenario::new(
        format!("dump-array-level-{}", level.name),
        script,
        |run: &Run| {
            ended(run)?;
            judge::console_says(run, "md0 is set up")?;
            judge::console_says(run, "the dump is complete")?;
            says_what_it_is(run, level.module)
        },
    )
    .on(unlocked(level.kernel, disks(), None))
    .within(240)
    .examined(|lab, directory| {
        let words = format!("--assemble {ARRAY} /dev/member0 /dev/member1");
        let places = assembled(level.module, &words);
        let files = read_elsewhere(lab, directory, level.kernel, &disks(), places)?;
        let files = files.first().context("nothing was read")?;
        opened_by_all(lab, &the_dump(files)?, level.kernel)
    })
    .only_in_full()
}

/// A mirror.
pub fn storage() -> Storage {
    let mut made = with_array("1.2");
    made.extend(with_file_system(ARRAY));
    let mut found = with_mdadm("raid1");
    found.push(mdadm(&format!(
        "--assemble {ARRAY} /dev/member0 /dev/member1"
    )));
    found.push(Step::run(&format!("/payload/bin/busybox mkdir -p {FOUND}")));
    found.push(Step::run(&format!(
        "/payload/bin/busybox mount -t ext4 {ARRAY} {FOUND}"
    )));
    Storage {
        name: "array",
        label: MAIN,
        disks: disks(),
        made,
        found,
    }
}

/// Under Secure Boot, through the gate; the superblocks are at the members' ends, where each of them alone looks like the
/// file system.
fn whole() -> Scenario {
    let machine = Machine {
        cmdline: "crashkernel=256M".into(),
        targets: disks(),
        ..Machine::new(MAIN)
    };
    let mut steps = with_array("1.0");
    steps.extend(with_file_system(ARRAY));
    let load = format!("{LOAD} --via gate --gate /payload/gate/mok.efi");
    let script = crashed(steps, MAIN, &load);
    Scenario::new("dump-array-whole", script, |run: &Run| {
        ended(run)?;
        judge::console_says(run, "md0 is set up")?;
        judge::console_says(run, NOT_CLEAN)?;
        ensure!(
            judge::console_says(run, RESYNC).is_err(),
            "the capture has the array resynchronised"
        );
        says_what_it_is(run, "raid1")
    })
    .on(machine)
    .within(240)
    .examined(|lab, directory| {
        // Both members are in it: mdadm ends with another code where one is missing.
        let mut places = assembled(
            "raid1",
            &format!("--assemble {ARRAY} /dev/member0 /dev/member1"),
        );
        for (steps, _) in &mut places {
            steps.push(mdadm(&format!("--detail --test {ARRAY}")));
        }
        let files = read_elsewhere(lab, directory, MAIN, &disks(), places)?;
        let files = files.first().context("nothing was read")?;
        opened_by_all(lab, &the_dump(files)?, MAIN)
    })
    .only_in_full()
}

/// One of the members gives no answer any more when the kernel panics.
fn leg_gone() -> Scenario {
    let mut steps = with_array("1.2 --bitmap=internal");
    steps.extend(with_file_system(ARRAY));
    let script = crashed(steps, MAIN, LOAD);
    let mishap = Mishap {
        when: "Kernel panic",
        command: "drive_del baton-target-1",
    };
    Scenario::new("dump-array-leg-gone", script, |run: &Run| {
        ended(run)?;
        judge::console_says(run, WITHOUT)?;
        judge::console_says(run, "md0 is set up")?;
        says_what_it_is(run, "raid1")
    })
    .on(unlocked(MAIN, disks(), Some(mishap)))
    .within(240)
    .examined(|lab, directory| {
        let places = assembled("raid1", &format!("--assemble --run {ARRAY} /dev/member0"));
        let files = read_elsewhere(lab, directory, MAIN, &disks(), places)?;
        let files = files.first().context("nothing was read")?;
        let dump = the_dump(files)?;
        opened_by_all(lab, &dump, MAIN)?;
        let summary = dump.with_file_name("summary.json");
        let summary = fs::read_to_string(summary)?;
        ensure!(
            summary.contains(WITHOUT),
            "the summary doesn't say what was missing: {summary}"
        );
        Ok(())
    })
    .only_in_full()
}

/// What the capture kernel says of an array that was being written to (raid1_run of drivers/md/raid1.c), and would say if
/// it resynchronised one (md_do_sync of drivers/md/md.c).
const NOT_CLEAN: &str = "not clean -- starting background reconstruction";
const RESYNC: &str = "md: resync of RAID array";

const WITHOUT: &str = "the array md0 goes without WWN=";

/// A volume of LVM on the array.
fn under_lvm() -> Scenario {
    let mut steps = with_array("1.2");
    steps.extend(with_lvm());
    for words in [
        format!("lvm pvcreate {ARRAY}"),
        format!("lvm vgcreate vg0 {ARRAY}"),
        "lvm lvcreate -y -l 100%FREE -n crash vg0".to_owned(),
    ] {
        steps.push(Step::run(&format!("/payload/bin/{words}")));
    }
    steps.extend(with_file_system("/dev/vg0/crash"));
    let script = crashed(steps, MAIN, LOAD);
    Scenario::new("dump-array-lvm", script, |run: &Run| {
        ended(run)?;
        judge::console_says(run, "md0 is set up")?;
        judge::console_says(run, "vg0-crash is set up")?;
        judge::console_says(run, "the dump is complete")?;
        says_what_it_is(run, "raid1")
    })
    .on(unlocked(MAIN, disks(), None))
    .within(240)
    .examined(|lab, directory| {
        let mut steps = with_mdadm("raid1");
        steps.push(mdadm(&format!(
            "--assemble {ARRAY} /dev/member0 /dev/member1"
        )));
        steps.extend(with_lvm());
        steps.push(Step::run("/payload/bin/lvm vgchange -ay vg0"));
        steps.extend(mount("/array"));
        let places = vec![(steps, "/array".to_owned())];
        let files = read_elsewhere(lab, directory, MAIN, &disks(), places)?;
        let files = files.first().context("nothing was read")?;
        opened_by_all(lab, &the_dump(files)?, MAIN)
    })
    .only_in_full()
}
