//! Runs a virtual machine to its end and keeps what it said.

use fs_err::{self as fs, File};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use baton_guest::script::{DISK_SIZE, PAYLOAD_SERIAL, SCRIPT_SERIAL, Script, target_serial};

use crate::console::Transcript;
use crate::lab::Lab;
use crate::machine::{Boot, Bus, Machine};
use crate::payload::VARS_REVOKING;
use crate::screen::Monitor;
use crate::{disk, image};

/// The gate's last words after a refusal.
const RESETTING: &str = "baton-gate: resetting in";

/// How the machine came to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// The machine switched itself off or reset itself: both end the virtual machine, and the
    /// transcript tells which it was.
    Itself,
    /// We ended it, when the console had said what was waited for.
    Said,
    /// The time limit ended it.
    TimeLimit,
}

/// What ends a machine that doesn't end by itself.
#[derive(Debug, Clone, Copy)]
pub struct Until {
    /// How long it may take.
    pub limit: Duration,
    /// What the console must say, where what runs in the end never switches the machine off.
    pub said: Option<&'static str>,
    /// How long the machine is left alone after that.
    pub then: Duration,
}

impl Until {
    /// Nothing but time.
    pub fn within(seconds: u64) -> Until {
        Until {
            limit: Duration::from_secs(seconds),
            said: None,
            then: Duration::ZERO,
        }
    }
}

/// A machine's run.
pub struct Run {
    /// What was said.
    pub transcript: Transcript,
    /// How it ended.
    pub end: End,
    /// The picture that was taken of the display.
    pub picture: Option<PathBuf>,
}

/// Runs `machine` with `script`. `watch` is called with each console line as it comes.
pub fn run(
    lab: &Lab,
    machine: &Machine,
    script: &Script,
    folder: &Path,
    until: Until,
    watch: &mut dyn FnMut(Duration, &str),
) -> Result<Run> {
    fs::create_dir_all(folder)?;
    let mut command = command(lab, machine, script, folder)?;
    let name = folder.file_name().unwrap_or_default().to_string_lossy();
    let needs_monitor = machine.display || machine.mishap.is_some();
    let monitor = needs_monitor.then(|| Monitor::of(&name));
    let mut picture = None;
    let mut told = false;
    if let Some(monitor) = &monitor {
        command.args(["-monitor", &monitor.argument()]);
    }
    if machine.display {
        command.args(["-device", "VGA"]);
    }
    let mut log = File::create(folder.join("console.log"))?;
    let begun = Instant::now();
    let mut child = Guard(
        command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(File::create(folder.join("qemu.log"))?.into_file())
            .spawn()
            .context("qemu-system-x86_64")?,
    );
    let bytes = reader(child.0.stdout.take().context("no pipe")?);
    let mut transcript = Transcript::default();
    let (mut limit, mut at_limit) = (until.limit, End::TimeLimit);
    let end = loop {
        match bytes.recv_timeout(limit.saturating_sub(begun.elapsed())) {
            Ok(chunk) => {
                log.write_all(&chunk)?;
                transcript.take(begun.elapsed(), &chunk, watch);
                if let (Some(monitor), Some(mishap)) = (&monitor, machine.mishap)
                    && !told
                    && transcript.says(mishap.when)
                {
                    monitor.tell(mishap.command)?;
                    told = true;
                }
                if let Some(monitor) = monitor
                    .as_ref()
                    .filter(|_| machine.display && picture.is_none())
                    && transcript.says(RESETTING)
                {
                    std::thread::sleep(PAINTED);
                    let file = folder.join("screen.ppm");
                    monitor.take_picture(&file)?;
                    picture = Some(file);
                }
                if at_limit == End::TimeLimit
                    && until.said.is_some_and(|text| transcript.says(text))
                {
                    (limit, at_limit) = (begun.elapsed() + until.then, End::Said);
                }
            }
            Err(RecvTimeoutError::Timeout) => break at_limit,
            Err(RecvTimeoutError::Disconnected) => break End::Itself,
        }
    };
    transcript.finish(begun.elapsed(), watch);
    Ok(Run {
        transcript,
        end,
        picture,
    })
}

/// How long after the serial port the screen has a line on a busy host. The reset comes a second later.
const PAINTED: Duration = Duration::from_millis(300);

/// Ends the virtual machine whatever happens to us.
pub struct Guard(pub Child);

impl Drop for Guard {
    fn drop(&mut self) {
        // It has usually ended by itself.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// What a machine writes to its serial port, as it comes; it ends when the machine does.
pub fn reader(mut from: ChildStdout) -> Receiver<Vec<u8>> {
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        let mut buffer = [0; 4096];
        while let Ok(count @ 1..) = from.read(&mut buffer) {
            if sender.send(buffer[..count].to_vec()).is_err() {
                break;
            }
        }
    });
    receiver
}

fn command(lab: &Lab, machine: &Machine, script: &Script, folder: &Path) -> Result<Command> {
    let mut command = Command::new("qemu-system-x86_64");
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
    firmware(&mut command, lab, machine, folder)?;
    if let Some(esp) = image::make(lab, machine, folder)? {
        drive(&mut command, "baton-esp", &esp);
    }
    drive(&mut command, PAYLOAD_SERIAL, &lab.payload);
    let script_disk = folder.join("script.img");
    disk::raw(&script_disk, &serde_json::to_vec(script)?, DISK_SIZE)?;
    drive(&mut command, SCRIPT_SERIAL, &script_disk);
    for (number, target) in machine.targets.iter().enumerate() {
        let image = target_image(folder, number);
        if !image.exists() {
            disk::target(&image, target)?;
        }
        target_drive(&mut command, &target_serial(number), &image, target.bus);
    }
    Ok(command)
}

fn memory(machine: &Machine) -> String {
    if machine.vast {
        "600G".into()
    } else {
        machine.memory_mib.to_string()
    }
}

fn firmware(command: &mut Command, lab: &Lab, machine: &Machine, folder: &Path) -> Result<()> {
    let revoking = lab.payload.with_file_name(VARS_REVOKING);
    let vars = match machine.boot {
        Boot::Shim if machine.revoking => &revoking,
        Boot::Shim => &lab.keys.vars_shim,
        Boot::DbKey => &lab.keys.vars_db,
        Boot::Bios => return direct(command, lab, machine),
    };
    // The firmware writes to its store, so that each machine has its own.
    let own: PathBuf = folder.join("vars.fd");
    fs::copy(vars, &own)?;
    let flash = |file: &Path, options: &str| {
        format!("if=pflash,format=raw,file={}{options}", file.display())
    };
    command
        .args([
            "-machine",
            "q35,smm=on",
            "-global",
            "driver=cfi.pflash01,property=secure,value=on",
        ])
        .args([
            "-drive",
            &flash(
                &lab.packages.ovmf("OVMF_CODE_4M.secboot.fd"),
                ",readonly=on",
            ),
        ])
        .args(["-drive", &flash(&own, "")]);
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
pub fn target_image(folder: &Path, number: usize) -> PathBuf {
    folder.join(format!("target-{number}.img"))
}

/// What is written is in the file at once, as far as the guest has flushed it: a machine that is killed
/// has lost its power.
fn target_drive(command: &mut Command, serial: &str, file: &Path, bus: Bus) {
    let device = match bus {
        Bus::Nvme => format!("nvme,drive={serial},serial={serial}"),
        Bus::VirtioBlk => format!("virtio-blk-pci,drive={serial},serial={serial}"),
    };
    let drive = format!("if=none,id={serial},format=raw,file={}", file.display());
    command.args(["-drive", &drive, "-device", &device]);
}

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
