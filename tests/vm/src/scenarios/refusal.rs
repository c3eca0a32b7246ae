//! What must be refused: by `baton load` before anything is loaded, and by the gate when it was
//! loaded all the same, in the same words.

use anyhow::{Context, Result, ensure};
use baton_guest::script::{Expect, Script, Step};
use baton_lab::fetch::packages::MAIN;
use baton_lab::machine::screen;
use baton_lab::machine::{self, Machine};
use baton_lab::payload::steps;
use baton_lab::vm::{Run, judge};

use crate::scenario::Scenario;

/// EKEYREJECTED, ENOKEY (include/uapi/asm-generic/errno.h).
const KEY_ERRORS: [&str; 2] = ["ENOKEY", "EKEYREJECTED"];

pub fn all() -> Vec<Scenario> {
    vec![
        kernel("unsigned", "kernel refused: no signature"),
        kernel("untrusted", "which no trusted key vouches for"),
        kernel("flipped", "altered after signing"),
        forged("truncated", "handover refused: "),
        forged("unknown-kind", "handover refused: "),
        forged("initrd-changed", "initrd 0 refused: "),
        forged("for-a-crash", "it was made for a crash"),
        without_runtime_services(),
        on_screen(),
        untrusted_gate(),
        forging_base_is_good(),
    ]
}

/// A kernel that must not run. Preflight refuses it; loaded without preflight, the gate does.
fn kernel(name: &'static str, reason: &'static str) -> Scenario {
    let image = format!("/payload/bad/{name}.efi");
    let load = steps::load("mok", &image, MAIN, 2);
    let script = Script {
        stages: vec![
            vec![
                failing(load.clone()),
                load.and("--no-preflight"),
                steps::exec(),
            ],
            vec![],
        ],
    };
    Scenario::new(format!("refused-kernel-{name}"), script, move |run| {
        judge::reset_after(run, 1)?;
        same_words(run, &image, reason)
    })
}

/// Preflight and gate gave this reason, in the same words; `argument` tells the preflight's program.
pub fn same_words(run: &Run, argument: &str, reason: &str) -> Result<()> {
    let preflight = judge::said(run, 1, argument)?;
    ensure!(
        preflight.contains(reason),
        "preflight didn't say \"{reason}\" but: {preflight}"
    );
    let on_console = refusal_on_console(run)?;
    ensure!(
        on_console.contains(reason),
        "the gate didn't say \"{reason}\" but: {on_console}"
    );
    ensure!(
        preflight.contains(on_console),
        "preflight and gate differ: \"{}\" and \"{on_console}\"",
        preflight.trim()
    );
    Ok(())
}

/// A kernel without EFI's runtime services would pass neither shim's lists nor the state of Secure Boot
/// on. It has no key of the machine's owner either, and so takes no gate that is signed with one.
fn without_runtime_services() -> Scenario {
    let machine = Machine {
        cmdline: "efi=noruntime".into(),
        ..Machine::new(MAIN)
    };
    gate_not_taken(
        "refused-without-efi-runtime",
        steps::load_good(MAIN, 2),
        "Baton test MOK",
    )
    .on(machine)
}

/// A machine with a display shows there what it says on the serial port.
fn on_screen() -> Scenario {
    let script = Script {
        stages: vec![vec![load_blob("unsigned"), Step::Kexec], vec![]],
    };
    let machine = Machine {
        display: true,
        ..Machine::new(MAIN)
    };
    Scenario::new("refused-on-screen", script, |run| {
        judge::reset_after(run, 1)?;
        let picture = run.picture.as_ref().context("no picture was taken")?;
        let screen = screen::read(picture)?;
        let from_the_gate =
            |said: &&baton_lab::machine::console::Said| said.text.starts_with("baton-gate: ");
        let serial: Vec<&str> = run
            .transcript
            .lines
            .iter()
            .filter(from_the_gate)
            .map(|said| said.text.as_str())
            .collect();
        ensure!(serial.len() == 3, "the gate said {serial:?}");
        ensure!(
            screen == serial,
            "the screen shows {screen:?}, the serial port {serial:?}"
        );
        Ok(())
    })
    .on(machine)
}

/// What a refusal begins with.
const PARTS: [&str; 8] = [
    "initrd ",
    "addon ",
    "signature in record ",
    "command line",
    "kernel",
    "manifest",
    "memory",
    "handover",
];

/// The gate's own line, from the refused part's name on.
fn refusal_on_console(run: &Run) -> Result<&str> {
    let lines = run.transcript.lines.iter().map(|said| said.text.as_str());
    let line = lines
        .filter(|line| !line.contains(baton_guest::event::PREFIX))
        .find(|line| line.contains(" refused: "))
        .context("the gate said nothing of a refusal")?;
    let before = line.split(" refused: ").next().unwrap_or_default();
    let from = PARTS
        .iter()
        .filter_map(|name| before.rfind(name))
        .max()
        .unwrap_or(0);
    Ok(&line[from..])
}

pub fn failing(step: Step) -> Step {
    match step {
        Step::Run { argv, .. } => Step::Run {
            argv,
            expect: Expect::Failure,
        },
        other => other,
    }
}

/// The same without a verdict beforehand, which the way to the next kernel would follow from.
pub fn unforeseen(load: Step) -> Step {
    load.and("--no-preflight").and("--via").and("gate")
}

/// A handover that no tool writes. Preflight refuses it as if it had been saved; given to the kernel
/// directly, the gate does.
fn forged(name: &'static str, reason: &'static str) -> Scenario {
    let path = format!("/payload/bad/{name}.handover");
    let preflight = Step::run_expecting(
        &format!(
            "/payload/bin/baton load {path} --via gate --gate /payload/gate/mok.efi --cmdline"
        ),
        Expect::Failure,
    )
    .and(machine::cmdline(2));
    let script = Script {
        stages: vec![vec![preflight, load_blob(name), Step::Kexec], vec![]],
    };
    Scenario::new(format!("refused-handover-{name}"), script, move |run| {
        judge::reset_after(run, 1)?;
        same_words(run, &path, reason)?;
        if name == "unknown-kind" {
            judge::console_says(
                run,
                &format!("kind {}", baton_lab::payload::forge::UNKNOWN_KIND),
            )?;
        }
        Ok(())
    })
}

/// The blob that the others were made of boots, so that they aren't refused for its sake.
fn forging_base_is_good() -> Scenario {
    let script = Script {
        stages: vec![vec![load_blob("good"), Step::Kexec], vec![Step::Observe]],
    };
    Scenario::new("forging-base-is-good", script, |run| {
        judge::done(run, 2)?;
        judge::runs(run, 2, MAIN, &machine::cmdline(2))
    })
}

/// The gate with a prepared handover.
pub fn load_blob(name: &str) -> Step {
    Step::FileLoad {
        kernel: "/payload/gate/mok.efi".into(),
        initrd: format!("/payload/bad/{name}.handover"),
        cmdline: machine::cmdline(2),
        crash: false,
        errno: None,
    }
}

/// A gate that nobody trusts.
fn untrusted_gate() -> Scenario {
    let load = steps::load(
        "untrusted",
        &format!("/payload/kernels/{MAIN}/vmlinuz"),
        MAIN,
        2,
    );
    gate_not_taken(
        "refused-gate-untrusted",
        load,
        "Baton test key that nobody trusts",
    )
}

/// Here the kernel refuses the gate: preflight foresees it, and where it may not, Baton says what the
/// kernel's error number means.
fn gate_not_taken(name: &str, load: Step, signer: &'static str) -> Scenario {
    let script = Script {
        stages: vec![vec![
            failing(load.clone()),
            failing(load.and("--no-preflight")),
            Step::Observe,
        ]],
    };
    Scenario::new(name, script, move |run| {
        judge::done(run, 1)?;
        ensure!(!judge::observed(run, 1)?.kexec_loaded, "it was loaded");
        let preflight = judge::said(run, 1, "load")?;
        ensure!(
            preflight.contains(&format!("gate refused: signed by \"{signer}\"")),
            "preflight doesn't say that the gate's signer isn't trusted: {preflight}"
        );
        let late = judge::said(run, 1, "--no-preflight")?;
        ensure!(
            KEY_ERRORS.iter().any(|name| late.contains(name)),
            "the error number isn't explained: {late}"
        );
        Ok(())
    })
}
