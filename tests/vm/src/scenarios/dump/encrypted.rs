//! Dumps to encrypted volumes, made by cryptsetup itself: captured without it, with a key that the kernel kept.
//!
//! The volume key is put into root's keyring as docs/crash.md says for a volume that is open already.

use anyhow::{Context, Result, ensure};
use baton_guest::script::{Expect, Script, Step};
use baton_lab::fetch::built;
use baton_lab::machine::{Machine, Target};
use baton_lab::vm::{Run, judge};

use super::bystanders::{same_disks, summed};
use super::crashing::{PLACE, attached, configured, ended, mounted, on_nvme};
use super::examine::{opened_by_all, read_elsewhere, the_dump};
use super::power::{FOUND, Storage};
use super::volumes::{LOAD, STATUS, with_lvm};
use crate::scenario::Scenario;

const ID: &str = "5f1d9a3c-0c1e-4f5c-9d55-00000000000a";

/// Not a secret, and not a good key.
const VOLUME_KEY: &str = "0123456789abcdef0123456789ABCDEF0123456789abcdef0123456789ABCDEF";
const PASSPHRASE: &str = "correct horse";

pub fn all() -> Vec<Scenario> {
    vec![
        captured("luks", vec![], "/dev/member0"),
        captured("luks-on-lvm", on_lvm(), "/dev/vg0/crypt"),
        lvm_above(),
        changed(),
    ]
}

/// A machine under Secure Boot, with a kernel that keeps keys.
fn machine(targets: Vec<Target>) -> Machine {
    Machine {
        cmdline: "crashkernel=256M".into(),
        targets,
        ..Machine::new(built::CRYPT)
    }
}

fn disks() -> Vec<Target> {
    vec![on_nvme("blank", 256)]
}

fn run(words: &str) -> Step {
    Step::run(&format!("/payload/bin/{words}"))
}

/// What makes encrypted volumes usable.
fn with_cryptsetup() -> Vec<Step> {
    let modules = ["dm_crypt", "algif_skcipher"].into_iter();
    let mut steps = vec![Step::Observe];
    steps.extend(modules.map(|name| Step::LoadModule(name.into())));
    steps.extend(with_lvm());
    steps.push(Step::Link {
        target: 0,
        partition: false,
        path: "/dev/member0".into(),
    });
    steps.push(run("busybox mount -t configfs configfs /sys/kernel/config"));
    for (path, text) in [("/volume-key", VOLUME_KEY), ("/passphrase", PASSPHRASE)] {
        steps.push(Step::Write {
            path: path.into(),
            text: text.into(),
        });
    }
    steps
}

/// A logical volume for the encrypted one.
fn on_lvm() -> Vec<Step> {
    [
        "lvm pvcreate /dev/member0",
        "lvm vgcreate vg0 /dev/member0",
        "lvm lvcreate -y -l 100%FREE -n crypt vg0",
    ]
    .map(run)
    .into()
}

/// An encrypted volume is made on the device, and opened as `secret`; its key is linked.
fn encrypted(device: &str) -> Vec<Step> {
    let format = format!(
        "cryptsetup luksFormat -q --type luks2 --cipher aes-xts-plain64 --key-size 512 --pbkdf pbkdf2 \
         --pbkdf-force-iterations 1000 --uuid {ID} --master-key-file /volume-key --key-file /passphrase {device}"
    );
    vec![run(&format), opened(device)]
}

fn opened(device: &str) -> Step {
    run(&format!(
        "cryptsetup open --key-file /passphrase {device} secret"
    ))
}

fn linked(device: &str) -> Step {
    Step::run(&format!(
        "/payload/newer/ld-linux-x86-64.so.2 --library-path /payload/newer /payload/newer/cryptsetup \
         open --test-passphrase --link-vk-to-keyring @u::%logon:cryptsetup:{ID} --key-file /passphrase {device}"
    ))
}

fn mount(device: &str, place: &str) -> [Step; 2] {
    [
        run(&format!("busybox mkdir -p -m 700 {place}")),
        run(&format!("busybox mount -t ext4 {device} {place}")),
    ]
}

/// Loaded by these words, and crashed.
fn crashed(mut steps: Vec<Step>, device: &str, load: &str) -> Script {
    steps.push(configured(150, built::CRYPT, &[mounted(PLACE)]));
    // Without the key a load is refused, and nothing is loaded.
    steps.push(Step::run_expecting(load, Expect::Failure));
    steps.push(linked(device));
    steps.push(Step::run(load));
    steps.push(Step::run(STATUS));
    steps.push(run("busybox sync"));
    steps.push(Step::Sysrq('c'));
    Script {
        stages: vec![steps],
    }
}

fn is_captured(run: &Run) -> Result<()> {
    ended(run)?;
    judge::console_says(
        run,
        &format!("no key of the type logon has {ID} in its name"),
    )?;
    judge::console_says(run, "secret is set up")?;
    judge::console_says(run, "baton-capture: the dump is complete")?;
    let status = judge::said(run, 1, "status")?;
    let words = format!("with the key cryptsetup:{ID}");
    ensure!(
        status.contains("secret is crypt on ") && status.contains(&words),
        "status doesn't say what the volume is: {status}"
    );
    Ok(())
}

/// The dump is on the encrypted volume: on a disk, or on a volume of LVM's. Under Secure Boot, through the gate.
fn captured(name: &str, below: Vec<Step>, device: &'static str) -> Scenario {
    let on_lvm = !below.is_empty();
    let mut steps = with_cryptsetup();
    steps.extend(below);
    steps.extend(encrypted(device));
    steps.push(run("mke2fs -q -t ext4 /dev/mapper/secret"));
    steps.extend(mount("/dev/mapper/secret", PLACE));
    let load = format!("{LOAD} --via gate --gate /payload/gate/mok.efi");
    Scenario::new(
        format!("dump-{name}"),
        crashed(steps, device, &load),
        |run| {
            judge::locked_down(run, 1)?;
            is_captured(run)
        },
    )
    .on(machine(disks()))
    .within(240)
    .with_built_kernels()
    .examined(move |lab, directory| {
        let mut steps = with_cryptsetup();
        if on_lvm {
            steps.push(run("lvm vgchange -ay vg0"));
        }
        steps.push(opened(device));
        steps.extend(mount("/dev/mapper/secret", "/secret"));
        let places = vec![(steps, "/secret".to_owned())];
        let files = read_elsewhere(lab, directory, built::CRYPT, &disks(), places)?;
        let files = files.first().context("nothing was read")?;
        opened_by_all(lab, &the_dump(files)?, built::CRYPT)
    })
    .only_in_full()
}

/// An encrypted disk.
pub fn storage() -> Storage {
    let device = "/dev/member0";
    let mut made = with_cryptsetup();
    made.extend(encrypted(device));
    made.push(run("mke2fs -q -t ext4 /dev/mapper/secret"));
    made.extend(mount("/dev/mapper/secret", PLACE));
    made.push(linked(device));
    let mut found = with_cryptsetup();
    found.push(opened(device));
    found.extend(mount("/dev/mapper/secret", FOUND));
    Storage {
        name: "luks",
        label: built::CRYPT,
        disks: disks(),
        made,
        found,
    }
}

/// A volume of LVM's on the encrypted one; by direct kexec.
fn lvm_above() -> Scenario {
    let mut steps = with_cryptsetup();
    steps.extend(encrypted("/dev/member0"));
    for words in [
        "lvm pvcreate /dev/mapper/secret",
        "lvm vgcreate vg0 /dev/mapper/secret",
        "lvm lvcreate -y -l 100%FREE -n crash vg0",
        "mke2fs -q -t ext4 /dev/vg0/crash",
    ] {
        steps.push(run(words));
    }
    steps.extend(mount("/dev/vg0/crash", PLACE));
    let script = crashed(steps, "/dev/member0", &format!("{LOAD} --via kernel"));
    Scenario::new("dump-lvm-on-luks", script, |run| {
        is_captured(run)?;
        judge::console_says(run, "vg0-crash is set up")
    })
    .on(machine(disks()))
    .within(240)
    .with_built_kernels()
    .examined(|lab, directory| {
        let mut steps = with_cryptsetup();
        steps.push(opened("/dev/member0"));
        steps.push(run("lvm vgchange -ay vg0"));
        steps.extend(mount("/dev/vg0/crash", "/secret"));
        let places = vec![(steps, "/secret".to_owned())];
        let files = read_elsewhere(lab, directory, built::CRYPT, &disks(), places)?;
        let files = files.first().context("nothing was read")?;
        opened_by_all(lab, &the_dump(files)?, built::CRYPT)
    })
    .only_in_full()
}

/// The disk is encrypted anew after the load: nothing is written to it.
fn changed() -> Scenario {
    let boot = on_nvme("ext4", 64);
    let mut steps = with_cryptsetup();
    steps.extend(attached(1, &boot, "/boot"));
    steps.extend(encrypted("/dev/member0"));
    steps.push(linked("/dev/member0"));
    steps.push(run("mke2fs -q -t ext4 /dev/mapper/secret"));
    steps.extend(mount("/dev/mapper/secret", PLACE));
    steps.push(configured(100, built::CRYPT, &[mounted(PLACE)]));
    steps.push(Step::run(&format!("{LOAD} --via kernel")));
    steps.push(run(&format!("busybox umount {PLACE}")));
    steps.push(run("cryptsetup close secret"));
    steps.push(run(
        "cryptsetup luksFormat -q --type luks2 --pbkdf pbkdf2 --pbkdf-force-iterations 1000 --key-file /passphrase /dev/member0",
    ));
    steps.extend(summed(&["/dev/member0"]));
    steps.push(Step::Sysrq('c'));
    let script = Script {
        stages: vec![steps],
    };
    let why = format!("doesn't hold the LUKS volume {ID} any more");
    Scenario::new("dump-luks-changed", script, move |run| {
        ended(run)?;
        judge::console_says(run, &why)
    })
    .on(machine([disks(), vec![boot]].concat()))
    .within(240)
    .with_built_kernels()
    .examined(|_, directory| same_disks(directory, 0..1))
    .only_in_full()
}
