//! Runs a virtual machine to its end and keeps what it said.

mod boot_disk;
pub mod firmware;
pub mod judge;
pub mod mokmanager;
mod qemu;
pub mod terminal;

use fs_err::{self as fs, File};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Stdio};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use baton_guest::script::Script;

use crate::machine::Machine;
use crate::machine::console::Transcript;
use crate::machine::screen::Monitor;
use crate::setup::Lab;

pub use qemu::{packets, target_image};

/// The gate's last words after a refusal.
const RESETTING: &str = "baton-gate: resetting in";

/// How the machine came to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// The machine switched itself off or reset itself: both end the virtual machine, and the
    /// transcript tells which it was.
    Itself,
    /// The console had said what was waited for, and soon after we ended the machine, or it did so itself.
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
    directory: &Path,
    until: Until,
    watch: &mut dyn FnMut(Duration, &str),
) -> Result<Run> {
    fs::create_dir_all(directory)?;
    let mut command = qemu::command(lab, machine, script, directory)?;
    let needs_monitor = machine.display || machine.mishap.is_some();
    let monitor = needs_monitor.then(Monitor::new).transpose()?;
    let mut picture = None;
    let mut told = false;
    if let Some(monitor) = &monitor {
        command.args(["-monitor", &monitor.argument()]);
    }
    if machine.display {
        command.args(["-device", "VGA"]);
    }
    let mut log = File::create(directory.join("console.log"))?;
    let begun = Instant::now();
    let mut child = Guard(
        command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(File::create(directory.join("qemu.log"))?.into_file())
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
                    let file = directory.join("screen.ppm");
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
            // Once that was said which was waited for, it doesn't matter who was quicker.
            Err(RecvTimeoutError::Disconnected) if at_limit == End::Said => break End::Said,
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
