//! The demo: one kexec through the gate, told as it happens, and a table of what happened.

use std::io::{IsTerminal, Write};
use std::time::{Duration, Instant};

use anyhow::Result;
use baton_guest::event::{Event, Line, Observation, PREFIX};
use baton_lab::setup::Lab;
use baton_lab::vm::{self, Run, judge};

use crate::scenarios;

/// What the gate's lines begin with.
const GATE: &str = "baton-gate: ";

/// Shows a kexec through the gate.
pub fn run() -> Result<()> {
    let begun = Instant::now();
    println!(
        "Baton: a machine under UEFI Secure Boot is handed over to the next kernel, through the gate.\n"
    );
    println!("Setting up: firmware, boot loaders, a kernel, our own programs.");
    let lab = Lab::for_demo()?;
    lab.needs_gate()?;
    println!(
        "Ready after {}. Switching the machine on.\n",
        seconds(begun.elapsed())
    );
    let scenario = scenarios::demo();
    let directory = lab.work.join("runs/demo");
    let mut teller = Teller::default();
    let run = vm::run(
        &lab,
        &scenario.machine,
        &scenario.script,
        &directory,
        scenario.until,
        &mut |at, line| {
            teller.hear(at, line);
        },
    )?;
    std::fs::write(directory.join("console.txt"), run.transcript.to_text())?;
    println!();
    (scenario.judge)(&run)?;
    table(&run)?;
    println!(
        "\nEverything above was judged, not only shown. The console's log: {}",
        directory.join("console.txt").display()
    );
    Ok(())
}

/// Turns console lines into sentences.
#[derive(Default)]
struct Teller {
    grub: bool,
}

impl Teller {
    fn hear(&mut self, at: Duration, line: &str) {
        if let Some(json) = line
            .find(PREFIX)
            .and_then(|from| line.get(from + PREFIX.len()..))
        {
            if let Some(said) = serde_json::from_str(json)
                .ok()
                .and_then(|line| guest(&line))
            {
                tell(at, &said);
            }
        } else if let Some(said) = line
            .find(GATE)
            .and_then(|from| line.get(from + GATE.len()..))
        {
            tell(at, &format!("  gate: {said}"));
        } else if line.contains("starting Boot0") {
            tell(
                at,
                "the firmware verified shim with Microsoft's key, and starts it",
            );
        } else if line.contains("Welcome to GRUB") && !self.grub {
            self.grub = true;
            tell(
                at,
                "shim verified GRUB with Debian's key; GRUB loads the first kernel",
            );
        }
    }
}

fn guest(line: &Line) -> Option<String> {
    let stage = line.stage;
    match &line.event {
        Event::Up => Some(format!("kernel {stage} is up")),
        Event::Observed(seen) => Some(format!(
            "  Linux {}, lockdown: {}, Secure Boot: {}",
            seen.release,
            lockdown(seen),
            if seen.secure_boot == Some(true) {
                "on"
            } else {
                "off"
            }
        )),
        Event::Ran { argv, ms, .. } => Some(format!(
            "  $ {} {} …  ({ms} ms)",
            argv.first()
                .map_or("", |program| program.rsplit('/').next().unwrap_or_default()),
            argv.get(1..3).unwrap_or_default().join(" ")
        )),
        Event::Leaving => Some("  $ baton exec --now".into()),
        Event::Done => Some("done; the machine switches itself off".into()),
        Event::Failed { reason } => Some(format!("FAILED: {reason}")),
        Event::Tried(_)
        | Event::FileLoaded { .. }
        | Event::TriedLoad { .. }
        | Event::Filled(_)
        | Event::Scanned(_)
        | Event::Awaiting { .. }
        | Event::Copied { .. }
        | Event::Planted { .. } => None,
    }
}

fn tell(at: Duration, sentence: &str) {
    let mut out = std::io::stdout();
    // Nobody may be reading any more; the run goes on all the same.
    let _ = if out.is_terminal() {
        writeln!(out, "\x1b[2m{:>7}\x1b[0m  {sentence}", seconds(at))
    } else {
        writeln!(out, "{:>7}  {sentence}", seconds(at))
    };
    let _ = out.flush();
}

fn table(run: &Run) -> Result<()> {
    let (first, second) = (judge::observed(run, 1)?, judge::observed(run, 2)?);
    row("", "first kernel", "after the kexec");
    row("release", &first.release, &second.release);
    row("lockdown", lockdown(first), lockdown(second));
    row("Secure Boot", on(first.secure_boot), on(second.secure_boot));
    row(
        "trusted keys",
        &first.keys.len().to_string(),
        &second.keys.len().to_string(),
    );
    row(
        "EFI variables",
        &first.efi_variables.to_string(),
        &second.efi_variables.to_string(),
    );
    row(
        "ACPI tables",
        &first.acpi_tables.len().to_string(),
        &second.acpi_tables.len().to_string(),
    );
    row("memory", &mib(first), &mib(second));
    row(
        "initrds",
        &first.markers.len().to_string(),
        &second.markers.len().to_string(),
    );
    println!();
    row("booted by", "firmware, shim, GRUB", "the gate");
    row(
        "verified by",
        "shim (Debian's certificate)",
        "the gate (see its lines above)",
    );
    row(
        "time to init",
        &seconds(up(run, 1)),
        &format!("{} from exec", seconds(judge::gap(run, 1)?)),
    );
    Ok(())
}

fn row(name: &str, first: &str, second: &str) {
    println!("  {name:<14} {first:<32} {second}");
}

fn up(run: &Run, stage: usize) -> Duration {
    let found = run.transcript.events.iter().find(|h| h.line.stage == stage);
    found.map_or(Duration::ZERO, |h| h.at)
}

fn lockdown(seen: &Observation) -> &str {
    seen.lockdown.as_deref().unwrap_or("not shown")
}

fn on(value: Option<bool>) -> &'static str {
    match value {
        Some(true) => "on",
        Some(false) => "off",
        None => "no EFI variable",
    }
}

fn mib(seen: &Observation) -> String {
    format!("{} MiB", seen.mem_total_kib / 1024)
}

fn seconds(time: Duration) -> String {
    format!("{:.1} s", time.as_secs_f64())
}
