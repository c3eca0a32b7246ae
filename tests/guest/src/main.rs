//! The program that runs as init in the test machines: it sets the machine up, carries out the
//! script's steps for this stage, says what it sees, and switches the machine off.

mod canary;
mod console;
mod observe;
mod plant;
mod setup;
mod steps;
mod vmcore;

use anyhow::{Context, Result};
use baton_guest::event::Event;
use baton_guest::script::{STAGE, Script};

fn main() {
    if let Some(is_shutdown) = asked_as_init_system() {
        std::process::exit(answer_as_init_system(is_shutdown));
    }
    // /proc is needed to know the stage; what fails before that is reported as stage 0.
    let early = setup::mount_kernel_file_systems();
    let console = console::Console::open(stage());
    console.say(Event::Up);
    match early.and_then(|()| run(&console)) {
        Ok(()) => console.say(Event::Done),
        Err(error) => console.say(Event::Failed {
            reason: format!("{error:#}"),
        }),
    }
    setup::power_off();
}

/// Whether this was called by a name of systemd's, since the machines here are too small to have one, and if so,
/// whether to shut the machine down.
fn asked_as_init_system() -> Option<bool> {
    let mut arguments = std::env::args();
    let program = arguments.next().unwrap_or_default();
    let arguments: Vec<String> = arguments.collect();
    match program.rsplit('/').next() {
        Some("systemctl") => Some(arguments == ["kexec"]),
        Some("shutdown") => Some(arguments == ["-r", "now"]),
        _ => None,
    }
}

/// The exit code where it returns. Whatever else systemd is asked, no unit is active here (systemctl(1), "Exit status").
fn answer_as_init_system(is_shutdown: bool) -> i32 {
    const NOT_ACTIVE: i32 = 3;
    if !is_shutdown {
        return NOT_ACTIVE;
    }
    let error = baton_sys::power::reboot_into_loaded();
    eprintln!("shutdown: {error}");
    1
}

fn run(console: &console::Console) -> Result<()> {
    setup::load_early_modules()?;
    setup::load_efivarfs()?;
    let script = setup::read_script()?;
    setup::mount_payload()?;
    setup::stand_in_for_systemctl()?;
    run_stage(console, &script)
}

fn run_stage(console: &console::Console, script: &Script) -> Result<()> {
    let index = console
        .stage()
        .checked_sub(1)
        .context("no stage on the command line")?;
    let stage = script
        .stages
        .get(index)
        .context("the script has no such stage")?;
    let mut held = steps::Held::default();
    for step in stage {
        steps::carry_out(console, step, &mut held).with_context(|| format!("{step:?}"))?;
    }
    Ok(())
}

fn stage() -> usize {
    let cmdline = observe::text("/proc/cmdline");
    cmdline
        .split_whitespace()
        .find_map(|word| word.strip_prefix(STAGE)?.parse().ok())
        .unwrap_or(0)
}
