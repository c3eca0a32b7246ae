//! Carries out one step of a script.

use std::ffi::CString;
use std::fs::{self, File};
use std::os::fd::AsFd;
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use baton_guest::event::{Event, Tried};
use baton_guest::script::{Expect, Step, target_serial};
use baton_sys::Root;
use baton_sys::kexec_state::KexecState;

use crate::canary::Filled;
use crate::console::Console;
use crate::plant::Garden;
use crate::{observe, setup, vmcore};

/// The end of a program's output that is passed on, in bytes.
const OUTPUT: usize = 16 << 10;

/// What stays in memory until the stage ends.
#[derive(Default)]
pub struct Held {
    filled: Vec<Filled>,
    gardens: Vec<Garden>,
}

/// Carries it out. `held` keeps what must stay in memory until the stage ends.
pub fn carry_out(console: &Console, step: &Step, held: &mut Held) -> Result<()> {
    match step {
        Step::Observe => console.say(Event::Observed(Box::new(observe::observe()?))),
        Step::Run { argv, expect } => run(console, argv, *expect)?,
        Step::Unload => {
            for crash in [false, true] {
                baton_sys::kexec::unload(crash)?;
            }
        }
        Step::Try { argv, environment } => {
            console.say(Event::Tried(Box::new(attempt(argv, environment)?)));
        }
        Step::Write { path, text } => {
            if let Some(directory) = Path::new(path).parent() {
                fs::create_dir_all(directory)?;
            }
            fs::write(path, text)?;
        }
        Step::FileLoad {
            kernel,
            initrd,
            cmdline,
            crash,
            errno,
        } => {
            let got = file_load(kernel, initrd, cmdline, *crash)?;
            console.say(Event::FileLoaded { errno: got });
            ensure!(
                got == errno.unwrap_or(0),
                "kexec_file_load gave error {got}"
            );
        }
        Step::TryLoad { image, cmdline } => {
            let errno = try_load(image, cmdline)?;
            let image = image.clone();
            console.say(Event::TriedLoad { image, errno });
        }
        Step::FillCanary { leave_mib } => {
            let filled = Filled::all_but(leave_mib << 20, observe::free_memory());
            console.say(Event::Filled(filled.canary()));
            held.filled.push(filled);
        }
        Step::Plant { disk } => {
            let garden = Garden::plant(disk)?;
            let kinds = garden.planted().to_vec();
            console.say(Event::Planted { kinds });
            held.gardens.push(garden);
        }
        Step::ScanVmcore => console.say(Event::Scanned(vmcore::scan("/proc/vmcore")?)),
        Step::LoadModule(name) => setup::load_module(name)?,
        Step::Link {
            target,
            partition,
            path,
        } => setup::link_target(*target, *partition, path)?,
        Step::Mount {
            target,
            filesystem,
            place,
        } => setup::mount_target(*target, filesystem, place)?,
        Step::Archive { directory, target } => {
            archive(directory, &setup::disk(&target_serial(*target))?)?
        }
        Step::CopyVmcore { target } => {
            let mut vmcore = File::open("/proc/vmcore").context("/proc/vmcore")?;
            let disk = setup::disk(&target_serial(*target))?;
            let mut disk = File::options().write(true).open(disk)?;
            let size = std::io::copy(&mut vmcore, &mut disk)?;
            disk.sync_all()?;
            console.say(Event::Copied { size });
        }
        Step::Await(what) => {
            console.say(Event::Awaiting { what: what.clone() });
            sleep(Duration::from_secs(3600));
            bail!("nothing came of {what}");
        }
        Step::Exhaust => {
            console.say(Event::Leaving);
            let mut held: Vec<Vec<u8>> = Vec::new();
            loop {
                held.push(vec![1; 16 << 20]);
            }
        }
        Step::Die => {
            console.say(Event::Leaving);
            std::process::exit(1);
        }
        Step::Kexec => {
            console.say(Event::Leaving);
            return Err(baton_sys::power::reboot_into_loaded().into());
        }
        Step::Sysrq(letter) => {
            console.say(Event::Leaving);
            fs::write("/proc/sysrq-trigger", letter.to_string())?;
            bail!("the machine went on after sysrq {letter}");
        }
    }
    Ok(())
}

/// A program, as all of them are run.
fn command(argv: &[String]) -> Result<Command> {
    let (program, arguments) = argv.split_first().context("no program")?;
    let mut command = Command::new(program);
    command
        .args(arguments)
        .env("PATH", "/payload/bin:/bin")
        .stdin(Stdio::null());
    Ok(command)
}

fn attempt(argv: &[String], environment: &[String]) -> Result<Tried> {
    let mut command = command(argv)?;
    command.envs(environment.iter().filter_map(|it| it.split_once('=')));
    let out = command.output().with_context(|| argv.join(" "))?;
    let said = |bytes: &[u8]| tail(&String::from_utf8_lossy(bytes)).to_owned();
    let state = KexecState::read(&Root::system())?.unwrap_or_default();
    Ok(Tried {
        argv: argv.to_vec(),
        code: out.status.code(),
        out: said(&out.stdout),
        err: said(&out.stderr),
        loaded: state.loaded,
        crash_loaded: state.crash_loaded,
    })
}

fn run(console: &Console, argv: &[String], expect: Expect) -> Result<()> {
    let mut command = command(argv)?;
    if expect == Expect::Gone {
        console.say(Event::Leaving);
    }
    let begun = Instant::now();
    let out = command.output().with_context(|| argv.join(" "))?;
    let ms = u64::try_from(begun.elapsed().as_millis())?;
    let code = out.status.code();
    let mut output = String::from_utf8_lossy(&out.stdout).into_owned();
    output.push_str(&String::from_utf8_lossy(&out.stderr));
    let output = tail(&output).to_owned();
    console.say(Event::Ran {
        argv: argv.to_vec(),
        code,
        output: output.clone(),
        ms,
    });
    ensure!(
        expect.accepts(code),
        "ended with {code:?}: {}",
        output.trim()
    );
    Ok(())
}

fn archive(directory: &str, disk: &Path) -> Result<()> {
    let status = Command::new("/payload/bin/busybox")
        .args(["tar", "-c", "-C", directory, "-f"])
        .arg(disk)
        .arg(".")
        .status()
        .context("busybox")?;
    ensure!(status.success(), "tar ended with {status}");
    rustix::fs::sync();
    Ok(())
}

fn tail(text: &str) -> &str {
    let mut from = text.len().saturating_sub(OUTPUT);
    while !text.is_char_boundary(from) {
        from += 1;
    }
    &text[from..]
}

/// The error number; 0 for success.
fn file_load(kernel: &str, initrd: &str, cmdline: &str, crash: bool) -> Result<i32> {
    let kernel = File::open(kernel).with_context(|| kernel.to_owned())?;
    let initrd = File::open(initrd).with_context(|| initrd.to_owned())?;
    let cmdline = CString::new(cmdline)?;
    let loaded = baton_sys::kexec::load(kernel.as_fd(), Some(initrd.as_fd()), &cmdline, crash);
    Ok(loaded.err().map_or(0, |error| error.errno()))
}

/// The same of an image alone, which is unloaded again.
fn try_load(image: &str, cmdline: &str) -> Result<i32> {
    let image = File::open(image).with_context(|| image.to_owned())?;
    let cmdline = CString::new(cmdline)?;
    match baton_sys::kexec::load(image.as_fd(), None, &cmdline, false) {
        Ok(()) => {
            baton_sys::kexec::unload(false)?;
            Ok(0)
        }
        Err(error) => Ok(error.errno()),
    }
}
