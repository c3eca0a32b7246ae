//! A machine's command line for QEMU, and the files that it names.

use fs_err as fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Result;
use baton_guest::script::{DISK_SIZE, PAYLOAD_SERIAL, SCRIPT_SERIAL, Script, target_serial};

use super::{boot_disk, firmware};
use crate::exec;
use crate::image::disk;
use crate::machine::{Boot, Bus, Machine, Owner};
use crate::payload::{VARS_JUDGED, VARS_REVOKING, own_key};
use crate::setup::Lab;

/// What starts a machine: its firmware, disks and ports.
pub fn command(lab: &Lab, machine: &Machine, script: &Script, directory: &Path) -> Result<Command> {
    let mut command = exec::qemu();
    let (accelerator, cpu) = if lab.kvm {
        ("kvm", "host")
    } else {
        ("tcg,thread=multi", "max")
    };
    let paging = if machine.five_level {
        "la57=on"
    } else {
        "la57=off"
    };
    command
        .args(["-accel", accelerator, "-cpu", &format!("{cpu},{paging}")])
        .args(["-m", &memory(machine), "-smp", &machine.cpus.to_string()])
        .args([
            "-nodefaults",
            "-display",
            "none",
            "-serial",
            "stdio",
            "-rtc",
            "base=utc",
            "-no-reboot",
        ])
        .args([
            "-object",
            "rng-random,id=rng,filename=/dev/urandom",
            "-device",
            "virtio-rng-pci,rng=rng",
        ]);
    if machine.vast {
        // What isn't touched isn't there: the host needn't have it.
        let memory = "memory-backend-ram,id=vast,reserve=off,size=600G";
        command.args(["-object", memory, "-machine", "memory-backend=vast"]);
    }
    if machine.watchdog {
        command.args(["-device", "i6300esb", "-action", "watchdog=reset"]);
    }
    if machine.network {
        network(&mut command, directory);
    }
    starts_with(&mut command, lab, machine, directory)?;
    if let Some(esp) = boot_disk::make(lab, machine, directory)? {
        drive(&mut command, "baton-esp", &esp);
    }
    drive(&mut command, PAYLOAD_SERIAL, &lab.payload);
    let script_disk = directory.join("script.img");
    disk::raw(&script_disk, &serde_json::to_vec(script)?, DISK_SIZE)?;
    drive(&mut command, SCRIPT_SERIAL, &script_disk);
    for (number, target) in machine.targets.iter().enumerate() {
        let image = target_image(directory, number);
        if !image.exists() {
            disk::target(&image, target)?;
        }
        target_drive(&mut command, &target_serial(number), &image, target.bus);
    }
    Ok(command)
}

/// A network card, and all that goes through it in a file.
fn network(command: &mut Command, directory: &Path) {
    let dump = format!(
        "filter-dump,id=packets,netdev=net,file={}",
        packets(directory).display()
    );
    command.args(["-netdev", "user,id=net,restrict=on", "-object", &dump]);
    command.args(["-device", "virtio-net-pci,netdev=net"]);
}

/// The packets of a machine's network, as pcap-savefile(5) lays them out.
pub fn packets(directory: &Path) -> PathBuf {
    directory.join("network.pcap")
}

fn memory(machine: &Machine) -> String {
    if machine.vast {
        "600G".into()
    } else {
        machine.memory_mib.to_string()
    }
}

fn starts_with(
    command: &mut Command,
    lab: &Lab,
    machine: &Machine,
    directory: &Path,
) -> Result<()> {
    let own = |name| lab.payload.with_file_name(name);
    let (revoking, judged) = (own(VARS_REVOKING), own(VARS_JUDGED));
    let own_key = own(own_key::VARS);
    let vars = match machine.boot {
        Boot::Shim => match machine.owner {
            Owner::Usual => &lab.keys.vars_shim,
            Owner::Revoking => &revoking,
            Owner::OwnKey => &own_key,
            Owner::OfJudged => &judged,
        },
        Boot::DbKey => &lab.keys.vars_db,
        Boot::Bios => return direct(command, lab, machine),
    };
    // The firmware writes to its store, so that each machine has its own.
    let own: PathBuf = directory.join("vars.fd");
    fs::copy(vars, &own)?;
    firmware::secure(command, &lab.packages, &own);
    Ok(())
}

fn direct(command: &mut Command, lab: &Lab, machine: &Machine) -> Result<()> {
    let kernel = lab.packages.kernel(&machine.kernel)?;
    command.args(["-machine", "q35", "-append", &machine.first_cmdline()]);
    command
        .arg("-kernel")
        .arg(&kernel.image)
        .arg("-initrd")
        .arg(lab.initrd(kernel));
    Ok(())
}

/// The file behind a machine's disk for crash dumps.
pub fn target_image(directory: &Path, number: usize) -> PathBuf {
    directory.join(format!("target-{number}.img"))
}

/// What is written is in the file at once, as far as the guest has flushed it: a machine that is killed
/// has lost its power.
fn target_drive(command: &mut Command, serial: &str, file: &Path, bus: Bus) {
    let device = match bus {
        Bus::Nvme => format!("nvme,drive={serial},serial={serial}"),
        Bus::VirtioBlk => format!("virtio-blk-pci,drive={serial},serial={serial}"),
        // The machine has such a controller.
        Bus::Ahci => format!("ide-hd,bus=ide.0,drive={serial},serial={serial}"),
        Bus::VirtioScsi => {
            command.args(["-device", &format!("virtio-scsi-pci,id=bus-{serial}")]);
            format!("scsi-hd,bus=bus-{serial}.0,drive={serial},serial={serial}")
        }
        Bus::TwoPaths => {
            command.args(["-device", &format!("virtio-scsi-pci,id=bus-{serial}")]);
            let disk = format!("bus=bus-{serial}.0,serial={serial},wwn={WWN},share-rw=on");
            let second = format!("{serial}-again");
            let file = file.display();
            let drive = format!("if=none,id={second},format=raw,file.locking=off,file={file}");
            command.args(["-drive", &drive]);
            command.args(["-device", &format!("scsi-hd,{disk},drive={second},lun=1")]);
            format!("scsi-hd,{disk},drive={serial},lun=0")
        }
    };
    let locking = if bus == Bus::TwoPaths {
        "file.locking=off,"
    } else {
        ""
    };
    let file = file.display();
    let drive = format!("if=none,id={serial},format=raw,{locking}file={file}");
    command.args(["-drive", &drive, "-device", &device]);
}

/// By which the guest knows that two paths lead to one disk.
const WWN: &str = "0x5000c50015ea71ad";

/// Guests may write to their disks; nothing of it is kept, so that machines can share one.
fn drive(command: &mut Command, serial: &str, file: &Path) {
    command
        .args([
            "-drive",
            &format!(
                "if=none,id={serial},format=raw,snapshot=on,file={}",
                file.display()
            ),
        ])
        .args(["-device", &format!("nvme,drive={serial},serial={serial}")]);
}
