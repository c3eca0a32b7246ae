//! Hand-overs through the gate that must succeed.

use std::collections::BTreeMap;

use anyhow::{Context, Result, ensure};
use baton_guest::event::Event;
use baton_guest::script::{Expect, Script, Step};
use baton_lab::fetch::packages::MAIN;
use baton_lab::machine::{self, Boot, Machine};
use baton_lab::payload::steps;
use baton_lab::vm::{Run, judge};

use crate::scenario::Scenario;

/// Hand-overs in a row.
const ROW: usize = 20;

pub fn all(labels: &[&str]) -> Vec<Scenario> {
    let mut found = Vec::new();
    for from in labels {
        for to in labels {
            let scenario = between(from, to);
            // Each kernel as the first and as the next is enough for every day.
            let extra = from != to && *from != MAIN && *to != MAIN;
            found.push(if extra {
                scenario.only_in_full()
            } else {
                scenario
            });
        }
    }
    found.extend([
        ecdsa("p256"),
        ecdsa("p384"),
        entry(),
        bios(),
        five_level(),
        memory(512),
        memory(6144),
        vast(),
        in_order(),
        two_processors(),
        row(),
    ]);
    for label in labels {
        for boot in [Boot::Shim, Boot::DbKey] {
            // Every day one that has shim's table, and one that has the first kernel's initrd.
            let daily = matches!((*label, boot), (MAIN, Boot::Shim) | ("6.1", Boot::DbKey));
            let scenario = efi_tables(label, boot);
            found.push(if daily {
                scenario
            } else {
                scenario.only_in_full()
            });
        }
    }
    found
}

fn script(load: Step) -> Script {
    Script {
        stages: vec![
            vec![Step::Observe, load, steps::exec()],
            vec![Step::Observe],
        ],
    }
}

/// What holds after every kexec.
fn arrived(run: &Run, label: &str) -> Result<()> {
    judge::done(run, 2)?;
    judge::runs(run, 2, label, &machine::cmdline(2))?;
    judge::kept(run, 1, 2)?;
    judge::markers(run, 2, &["marker-extra", "marker-main"])?;
    judge::console_says(run, "verified")
}

fn locked_down(run: &Run) -> Result<()> {
    judge::locked_down(run, 1)?;
    judge::locked_down(run, 2)
}

fn between(from: &str, to: &str) -> Scenario {
    let label = to.to_owned();
    Scenario::new(
        format!("gate-{from}-to-{to}"),
        script(steps::load_good(to, 2)),
        move |run| {
            arrived(run, &label)?;
            locked_down(run)
        },
    )
    .on(Machine::new(from))
}

/// What the demo shows: the first of the list above, on two processors.
pub fn demo() -> Scenario {
    let mut scenario = between(MAIN, MAIN);
    scenario.machine.cpus = 2;
    scenario
}

/// A kernel signed with an elliptic curve's key, which the gate itself brings.
fn ecdsa(curve: &'static str) -> Scenario {
    let load = steps::load(
        "mok",
        &format!("/payload/kernels/{MAIN}/{curve}.efi"),
        MAIN,
        2,
    );
    Scenario::new(format!("gate-ecdsa-{curve}"), script(load), move |run| {
        arrived(run, MAIN)?;
        locked_down(run)?;
        judge::console_says(run, &format!("verified by \"Baton test {curve}\""))
    })
}

/// What a boot loader's entry says, without a word of what goes with the kernel; the boot counts as one that came up.
fn entry() -> Scenario {
    let baton = |words: &str| Step::run(&format!("/payload/bin/baton {words}"));
    let script = Script {
        stages: vec![
            vec![
                Step::Observe,
                baton("boot-count good"),
                baton("entries"),
                baton("load --via gate --gate /payload/gate/mok.efi"),
                steps::exec(),
            ],
            vec![Step::Observe, baton("status")],
        ],
    };
    Scenario::new("gate-entry", script, |run| {
        arrived(run, MAIN)?;
        locked_down(run)?;
        judge::console_says(run, &format!("entry: {MAIN}.conf"))?;
        judge::console_says(run, "last kexec")
    })
}

/// Without EFI there is no Secure Boot and no MOK table: the gate has its own keys, and a policy that asks
/// for no Secure Boot.
fn bios() -> Scenario {
    let load = steps::load(
        "anywhere",
        &format!("/payload/kernels/{MAIN}/vmlinuz"),
        MAIN,
        2,
    );
    Scenario::new("gate-bios", script(load), |run| {
        arrived(run, MAIN)?;
        ensure!(!judge::observed(run, 2)?.efi, "a BIOS machine has EFI");
        Ok(())
    })
    .on(Machine {
        boot: Boot::Bios,
        ..Machine::new(MAIN)
    })
}

fn five_level() -> Scenario {
    Scenario::new(
        "gate-5-level-paging",
        script(steps::load_good(MAIN, 2)),
        |run| {
            arrived(run, MAIN)?;
            locked_down(run)?;
            ensure!(
                judge::observed(run, 1)?.five_level,
                "the machine has no 5-level paging"
            );
            Ok(())
        },
    )
    .on(Machine {
        five_level: true,
        ..Machine::new(MAIN)
    })
}

fn memory(memory_mib: u64) -> Scenario {
    Scenario::new(
        format!("gate-{memory_mib}-MiB"),
        script(steps::load_good(MAIN, 2)),
        move |run| {
            arrived(run, MAIN)?;
            locked_down(run)?;
            same_memory(run, 2)
        },
    )
    .on(Machine {
        memory_mib,
        ..Machine::new(MAIN)
    })
}

/// Without `--now` Baton leaves it to the init system to end things first, and to none it doesn't know.
fn in_order() -> Scenario {
    let systemd_runs = Step::Write {
        path: "/run/systemd/system/running".into(),
        text: String::new(),
    };
    let steps = vec![
        Step::run_expecting("/payload/bin/baton exec", Expect::Code(8)),
        steps::load_good(MAIN, 2),
        Step::run_expecting("/payload/bin/baton exec", Expect::Code(9)),
        systemd_runs,
        Step::run_expecting("/payload/bin/baton exec", Expect::Gone),
    ];
    let stages = vec![steps, vec![Step::Observe]];
    Scenario::new("gate-exec-in-order", Script { stages }, |run| {
        judge::done(run, 2)?;
        let said = |event: &Event| match event {
            Event::Ran { argv, output, .. } if argv.last().is_some_and(|last| last == "exec") => {
                Some(output.clone())
            }
            _ => None,
        };
        let refused: Vec<String> = run.transcript.stage(1).filter_map(said).collect();
        ensure!(
            refused.len() == 2,
            "baton exec ended {} times",
            refused.len()
        );
        ensure!(refused[0].contains("nothing is loaded"), "{}", refused[0]);
        ensure!(refused[1].contains("use --now"), "{}", refused[1]);
        Ok(())
    })
}

/// More RAM than one table of the third level maps. Its kernels use a little of it, since the machine
/// that runs the test hasn't more; the gate sees it all.
fn vast() -> Scenario {
    let used = "mem=1G";
    let load = Step::run(&format!(
        "/payload/bin/baton load /payload/kernels/{MAIN}/vmlinuz --via gate --gate /payload/gate/anywhere.efi \
         --initrd /payload/kernels/{MAIN}/initrd.img --cmdline"
    ))
    .and(format!("{} {used}", machine::cmdline(2)));
    Scenario::new("gate-600-GiB", script(load), move |run| {
        judge::done(run, 2)?;
        judge::console_says(run, "verified by")?;
        let cmdline = format!("{} {used}", machine::cmdline(2));
        judge::runs(run, 2, MAIN, &cmdline)
    })
    .on(Machine {
        boot: Boot::Bios,
        vast: true,
        cmdline: used.into(),
        ..Machine::new(MAIN)
    })
}

fn two_processors() -> Scenario {
    Scenario::new(
        "gate-2-processors",
        script(steps::load_good(MAIN, 2)),
        |run| {
            arrived(run, MAIN)?;
            locked_down(run)
        },
    )
    .on(Machine {
        cpus: 2,
        ..Machine::new(MAIN)
    })
}

/// Where the kernel lands in memory is random, and by that MemTotal differs by some pages from boot to
/// boot (4 KiB seen with 1 GiB, 12 with 6 GiB), after stock kexec as well. Anything that the gate kept
/// back would be more: it takes 2.8 MiB itself, and the handover 13.
const SCATTER_KIB: u64 = 32;

/// Nothing gets lost from stage to stage.
fn same_memory(run: &Run, last: usize) -> Result<()> {
    let first = judge::observed(run, 1)?.mem_total_kib;
    for stage in 2..=last {
        let now = judge::observed(run, stage)?.mem_total_kib;
        ensure!(
            now.abs_diff(first) <= SCATTER_KIB,
            "MemTotal went from {first} KiB in stage 1 to {now} in stage {stage}"
        );
    }
    Ok(())
}

fn row() -> Scenario {
    let mut stages: Vec<Vec<Step>> = (1..=ROW)
        .map(|n| vec![Step::Observe, steps::load_good(MAIN, n + 1), steps::exec()])
        .collect();
    stages.push(vec![Step::Observe]);
    Scenario::new("gate-20-in-a-row", Script { stages }, |run| {
        let last = ROW + 1;
        judge::done(run, last)?;
        judge::locked_down(run, last)?;
        judge::kept(run, 1, last)?;
        same_memory(run, last)
    })
    .within(600)
}

/// What the first kernel's EFI stub told it of its own initrd, and what a running kernel keeps free of everything
/// but the next one: where that is put over the table, it can't be handed on.
const NOT_HANDED_ON: [&str; 2] = ["INITRD", "MEMATTR"];

/// Every kernel finds the firmware's tables as the first one did, and has nothing to complain of.
fn efi_tables(label: &str, boot: Boot) -> Scenario {
    const HOPS: usize = 3;
    let (gate, name, wanted) = match boot {
        Boot::DbKey => ("db", "-db-key", "INITRD"),
        _ => ("mok", "", "MOKvar"),
    };
    // The running kernel puts it over the memory attributes of this firmware.
    let load = |stage| {
        Step::run(&format!(
            "/payload/bin/baton load /payload/kernels/{label}/vmlinuz --via gate \
             --gate /payload/gate/{gate}.efi --initrd /payload/kernels/{label}/initrd.img \
             --initrd /payload/initrds/large.img --cmdline"
        ))
        .and(machine::cmdline(stage))
    };
    let mut stages: Vec<Vec<Step>> = (1..=HOPS)
        .map(|n| vec![Step::Observe, load(n + 1), steps::exec()])
        .collect();
    stages.push(vec![Step::Observe]);
    let name = format!("gate-efi-tables{name}-{label}");
    Scenario::new(name, Script { stages }, move |run| {
        judge::done(run, HOPS + 1)?;
        let first = EfiLog::of(run, 1)?;
        ensure!(
            first.tables.contains_key(wanted) && first.tables.contains_key("MEMATTR"),
            "the first kernel lists {:?}",
            first.tables
        );
        for stage in 2..=HOPS + 1 {
            EfiLog::of(run, stage)?
                .follows(&first)
                .with_context(|| format!("stage {stage}"))?;
        }
        Ok(())
    })
    .on(Machine {
        boot,
        ..Machine::new(label)
    })
    .within(240)
}

/// What a kernel says of EFI: the tables that it lists by name and address (efi_config_parse_tables in
/// drivers/firmware/efi/efi.c), and everything else.
struct EfiLog<'r> {
    tables: BTreeMap<String, &'r str>,
    messages: Vec<&'r str>,
}

impl<'r> EfiLog<'r> {
    fn of(run: &'r Run, stage: usize) -> Result<Self> {
        let said = &judge::observed(run, stage)?.efi_messages;
        let (lists, messages): (Vec<&str>, Vec<&str>) = said
            .iter()
            .map(String::as_str)
            .partition(|line| line.starts_with("efi: ") && line.contains(" ACPI 2.0="));
        let list = lists.first().context("no tables are listed")?;
        let mut tables = BTreeMap::new();
        let mut name = Vec::new();
        for word in list.split_whitespace().skip(1) {
            match word.split_once('=') {
                None => name.push(word),
                Some((last, address)) => {
                    name.push(last);
                    tables.insert(name.join(" "), address);
                    name.clear();
                }
            }
        }
        Ok(EfiLog { tables, messages })
    }

    fn follows(&self, first: &Self) -> Result<()> {
        ensure!(
            !self.tables.contains_key("INITRD"),
            "the first kernel's initrd is still listed: {:?}",
            self.tables
        );
        for (name, address) in &first.tables {
            let kept = self.tables.get(name) == Some(address);
            ensure!(
                kept || NOT_HANDED_ON.contains(&name.as_str()),
                "of {name}={address} is left {:?}",
                self.tables.get(name)
            );
        }
        for name in self.tables.keys() {
            ensure!(first.tables.contains_key(name), "{name} is new");
        }
        for message in &self.messages {
            ensure!(
                first.messages.contains(message),
                "the first kernel didn't say \"{message}\""
            );
        }
        Ok(())
    }
}
