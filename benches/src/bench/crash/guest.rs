//! One start of the machine that crashes.

use fs_err::File;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::RecvTimeoutError;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use baton_lab::machine::CMDLINE;
use baton_lab::machine::console::Transcript;
use baton_lab::vm::{self, End};

use crate::bench::process;

/// RAM of the machine.
pub const MEMORY_MIB: u64 = 1024;

/// Long enough for a busy host that emulates; a capture kernel without memory may hang for ever.
const LIMIT: Duration = Duration::from_secs(1800);

/// The panic's first line.
pub const PANIC: &str = "Kernel panic - not syncing: sysrq triggered crash";

/// What the machine does when it is up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Errand {
    /// It makes what kdump-tools needs, and switches itself off.
    Prepare,
    /// It crashes, captured by kdump-tools.
    KdumpTools,
    /// It crashes, captured by Baton with the running kernel.
    Baton,
    /// It crashes, captured by Baton with the small kernel.
    BatonSmall,
}

impl Errand {
    /// What the kernel's command line says of it.
    fn words(self) -> &'static str {
        match self {
            Errand::Prepare => "errand=prepare",
            Errand::KdumpTools => "errand=crash",
            Errand::Baton => "errand=baton systemd.mask=kdump-tools.service",
            Errand::BatonSmall => "errand=small systemd.mask=kdump-tools.service",
        }
    }
}

/// The machine.
pub struct Guest<'a> {
    /// Its kernel.
    pub kernel: &'a Path,
    /// Its one disk, with its root file system.
    pub disk: &'a Path,
    /// What it does.
    pub errand: Errand,
    /// What is reserved for the capture.
    pub reserved_mib: u64,
    /// How it runs.
    pub kvm: bool,
}

/// What happened.
pub struct Run {
    /// What was said.
    pub transcript: Transcript,
    /// How it ended.
    pub end: End,
    /// When it panicked.
    pub panicked: Option<Clock>,
    /// When it ended.
    pub ended: Clock,
}

impl Run {
    /// From the panic's first line until the machine reset itself; none if it did not.
    pub fn since_panic(&self) -> Option<Clock> {
        let panicked = self.panicked?;
        (self.end == End::Itself).then(|| Clock {
            time: self.ended.time.saturating_sub(panicked.time),
            processor: self.ended.processor.saturating_sub(panicked.processor),
        })
    }
}

/// Two clocks, since the machine was switched on.
#[derive(Debug, Clone, Copy)]
pub struct Clock {
    /// Time as it passes.
    pub time: Duration,
    /// Processor time of the virtual machine: of use where others keep the host busy.
    pub processor: Duration,
}

impl Clock {
    fn read(begun: Instant, child: &Child) -> Result<Clock> {
        Ok(Clock {
            time: begun.elapsed(),
            processor: process::processor_time(child)?,
        })
    }
}

impl Guest<'_> {
    /// Runs it until it resets itself or switches itself off. The console's log goes into `directory`.
    pub fn run(&self, directory: &Path) -> Result<Run> {
        let begun = Instant::now();
        let mut child = vm::Guard(
            self.command()
                .stdin(Stdio::null())
                .stdout(Stdio::piped())
                .stderr(File::create(directory.join("qemu.log"))?.into_file())
                .spawn()
                .context("qemu-system-x86_64")?,
        );
        let bytes = vm::reader(child.0.stdout.take().context("no pipe")?);
        let mut transcript = Transcript::default();
        let mut panicked = None;
        let end = loop {
            match bytes.recv_timeout(LIMIT.saturating_sub(begun.elapsed())) {
                Ok(chunk) => {
                    transcript.take(begun.elapsed(), &chunk, &mut |_, _| {});
                    if panicked.is_none() && transcript.says(PANIC) {
                        panicked = Some(Clock::read(begun, &child.0)?);
                    }
                }
                Err(RecvTimeoutError::Timeout) => break End::TimeLimit,
                Err(RecvTimeoutError::Disconnected) => break End::Itself,
            }
        };
        // It isn't waited for yet, so that its figures are still there.
        let ended = Clock::read(begun, &child.0)?;
        transcript.finish(ended.time, &mut |_, _| {});
        std::fs::write(directory.join("console.txt"), transcript.to_text())?;
        Ok(Run {
            transcript,
            end,
            panicked,
            ended,
        })
    }

    fn command(&self) -> Command {
        let mut command = Command::new("qemu-system-x86_64");
        let (accelerator, cpu) = if self.kvm {
            ("kvm", "host")
        } else {
            ("tcg,thread=multi", "max")
        };
        let cmdline = format!(
            "root=/dev/nvme0n1 rw {CMDLINE} crashkernel={}M {}",
            self.reserved_mib,
            self.errand.words()
        );
        let drive = format!("if=none,id=disk,format=raw,file={}", self.disk.display());
        command
            .args(["-accel", accelerator, "-cpu", cpu, "-machine", "q35"])
            .args(["-m", &MEMORY_MIB.to_string(), "-smp", "1"])
            .args(["-nodefaults", "-display", "none", "-serial", "stdio"])
            .args(["-no-reboot", "-drive", &drive])
            .args(["-device", "nvme,drive=disk,serial=disk"])
            .args(["-object", "rng-random,id=rng,filename=/dev/urandom"])
            .args(["-device", "virtio-rng-pci,rng=rng"])
            .args(["-append", &cmdline, "-kernel"])
            .arg(self.kernel);
        command
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_processor_time_of_a_program_that_has_ended_is_there_until_it_is_waited_for() {
        let mut child = Command::new("sh")
            .args(["-c", "i=0; while [ $i -lt 200000 ]; do i=$((i+1)); done"])
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let out = child.stdout.take().unwrap();
        assert!(vm::reader(out).recv().is_err());
        let clock = Clock::read(Instant::now(), &child).unwrap();
        child.wait().unwrap();
        assert!(clock.processor > Duration::ZERO);
    }
}
