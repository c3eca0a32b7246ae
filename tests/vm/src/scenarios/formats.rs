//! Every format on every first kernel, by choice and after a crash.

use baton_guest::script::{Script, Step};
use baton_lab::fetch::packages::MAIN;
use baton_lab::machine::{self, Machine};
use baton_lab::payload::steps;
use baton_lab::payload::uki;
use baton_lab::vm::judge;

use super::crash;
use super::format::{self, FORMATS, Format, Next};
use super::refusal::{failing, same_words, unforeseen};
use crate::scenario::Scenario;

pub fn all(labels: &[&str]) -> Vec<Scenario> {
    let mut found = Vec::new();
    for (number, format) in FORMATS.iter().enumerate() {
        for (place, label) in labels.iter().enumerate() {
            // Every day each format by choice on one kernel and after a crash on another, so that every
            // kernel has its turn.
            let daily = |shift| (number + shift) % labels.len() == place;
            found.push(only_in_full_unless(daily(0), by_choice(format, label)));
            found.push(only_in_full_unless(daily(1), after_a_crash(format, label)));
        }
    }
    found.push(profile_and_addon());
    found.push(first_guest());
    found
}

fn only_in_full_unless(daily: bool, scenario: Scenario) -> Scenario {
    if daily {
        scenario
    } else {
        scenario.only_in_full()
    }
}

fn by_choice(format: &'static Format, label: &str) -> Scenario {
    let label = label.to_owned();
    let machine = Machine {
        boot: format.boot,
        ..Machine::new(&label)
    };
    let mut first = vec![Step::Observe];
    first.extend(format.refused_by_the_kernel(&label, false));
    first.extend([format.load("load", "/payload", &label), steps::exec()]);
    let stages = vec![first, vec![Step::Observe, status()]];
    let name = format!("format-{}-{label}", format.name);
    let scenario = Scenario::new(name, Script { stages }, move |run| {
        judge::locked_down(run, 1)?;
        format.arrived(run, &label)?;
        match format.next {
            Next::Other { .. } => Ok(()),
            _ => {
                judge::runs(run, 2, &label, &machine::cmdline(2))?;
                judge::kept(run, 1, 2)
            }
        }
    });
    until_it_speaks(format, scenario.on(machine))
}

/// What isn't Linux never ends, and takes its time to begin where processors are emulated.
fn until_it_speaks(format: &Format, scenario: Scenario) -> Scenario {
    match format.next {
        Next::Other { says, .. } => scenario.until_said(says[0]).within(300),
        _ => scenario,
    }
}

fn after_a_crash(format: &'static Format, label: &str) -> Scenario {
    let scenario = match format.next {
        Next::Other {
            relocatable: false, ..
        } => no_place_after_a_crash(format, label),
        Next::Other { .. } => until_it_speaks(format, other_after_a_crash(format, label)),
        _ => linux_after_a_crash(format, label),
    };
    let machine = Machine {
        boot: format.boot,
        ..crash::machine(label)
    };
    scenario.on(machine)
}

fn name_after_a_crash(format: &Format, label: &str) -> String {
    format!("format-{}-crash-{label}", format.name)
}

fn linux_after_a_crash(format: &'static Format, label: &str) -> Scenario {
    let label = label.to_owned();
    let mut script = crash::script(format.load("crash load", "/payload", &label));
    script.stages[0].splice(0..0, format.refused_by_the_kernel(&label, true));
    script.stages[1].push(status());
    Scenario::new(name_after_a_crash(format, &label), script, move |run| {
        format.arrived(run, &label)?;
        crash::judge(run)
    })
    .within(300)
}

fn other_after_a_crash(format: &'static Format, label: &str) -> Scenario {
    let label = label.to_owned();
    let mut first = format.refused_by_the_kernel(&label, true);
    first.extend([
        format.load("crash load", "/payload", &label),
        Step::Sysrq('c'),
    ]);
    let script = Script {
        stages: vec![first, vec![]],
    };
    Scenario::new(name_after_a_crash(format, &label), script, move |run| {
        format.arrived(run, &label)
    })
}

/// What runs at one address only can't do so after a crash: that memory belongs in the dump.
fn no_place_after_a_crash(format: &'static Format, label: &str) -> Scenario {
    let load = format.load("crash load", "/payload", label);
    let mut first = format.refused_by_the_kernel(label, true);
    first.extend([failing(load.clone()), unforeseen(load), Step::Sysrq('c')]);
    let script = Script {
        stages: vec![first, vec![]],
    };
    Scenario::new(name_after_a_crash(format, label), script, |run| {
        judge::reset_after(run, 1)?;
        same_words(run, "crash", "it runs at 0x100000 only")
    })
}

/// A UKI's other profile, and an addon besides: both are signed, and make the command line.
fn profile_and_addon() -> Scenario {
    let arguments = format!(
        "/payload/uki/profiles.efi --profile {} --addon /payload/uki/cmdline.addon.efi",
        uki::PROFILE
    );
    let load = format::load("load", "mok", &arguments, None);
    let script = Script {
        stages: vec![
            vec![Step::Observe, load, steps::exec()],
            vec![Step::Observe, status()],
        ],
    };
    Scenario::new("format-uki-profile-and-addon", script, |run| {
        judge::done(run, 2)?;
        judge::locked_down(run, 2)?;
        let cmdline = machine::cmdline(2);
        let wanted = format!("{cmdline} {} {}", uki::PROFILE_CMDLINE, uki::ADDON_CMDLINE);
        judge::runs(run, 2, MAIN, &wanted)?;
        judge::chain_says(run, 2, "addon")
    })
}

/// What Xen is told. There is no BIOS that real mode could call.
const XEN_CMDLINE: &str = "console=com1 com1=115200,8n1 no-real-mode";

/// Xen's first guest finds the machine's processors and ACPI tables, and comes to its init.
fn first_guest() -> Scenario {
    let arguments = "/payload/manifest/xen --manifest /payload/manifest/xen-guest.manifest \
                     --initrd /payload/xen-guest/vmlinuz --initrd /payload/xen-guest/initrd.img";
    // Xen's guest is told what follows the dashes. It speaks on its last console, and Xen has the serial port.
    let line = format!("{XEN_CMDLINE} -- {} console=hvc0", machine::cmdline(2));
    let load = format::load("load", "mok", arguments, Some(line));
    let script = Script {
        stages: vec![
            vec![Step::Observe, load, steps::exec()],
            vec![Step::Observe],
        ],
    };
    let machine = Machine {
        cpus: 2,
        ..Machine::new(MAIN)
    };
    Scenario::new("format-xen-first-guest", script, |run| {
        judge::console_says(run, "verified by \"Baton test MOK")?;
        judge::console_says(run, "(XEN) Xen version")?;
        judge::done(run, 2)?;
        judge::kernel(run, 2, MAIN)?;
        judge::same_processors_and_tables(run, 1, 2)
    })
    .on(machine)
    .within(400)
}

/// Shows the verdict that travelled on.
fn status() -> Step {
    Step::run("/payload/bin/baton status")
}
