//! Every format with one bit changed, and with another image's signature: refused by preflight, and by the
//! gate in the same words.

use anyhow::{Result, ensure};
use baton_guest::event::Event;
use baton_guest::script::{Script, Step};
use baton_lab::fetch::packages::MAIN;
use baton_lab::machine::{self, Boot, Machine};
use baton_lab::payload::steps;
use baton_lab::vm::{Run, judge};

use super::format::{self, FORMATS};
use super::refusal::{failing, same_words, unforeseen};
use crate::scenario::Scenario;

/// In every reason there may be.
const REASON: &str = "altered after signing";

/// Something altered, and how it is loaded.
struct Altered {
    name: String,
    load: Step,
    boot: Boot,
}

/// Of these every day one is shown to the gate; all are shown to preflight.
const DAILY: [&str; 5] = [
    "uki-bit",
    "elf-appended-bit",
    "elf-note-transplant",
    "manifest-transplant",
    "xen-bit",
];

pub fn all(labels: &[&str]) -> Vec<Scenario> {
    let mut found = vec![all_before_loading()];
    for (number, case) in cases().into_iter().enumerate() {
        let machine = Machine {
            boot: case.boot,
            ..Machine::new(labels[number % labels.len()])
        };
        let daily = DAILY.contains(&case.name.as_str());
        let scenario = by_the_gate(case).on(machine);
        found.push(if daily {
            scenario
        } else {
            scenario.only_in_full()
        });
    }
    found
}

fn cases() -> Vec<Altered> {
    let ways = ["bit", "transplant"];
    let of_formats = FORMATS.iter().flat_map(|format| {
        ways.map(|way| Altered {
            name: format!("{}-{way}", format.name),
            load: format.load("load", &directory(way), MAIN),
            boot: format.boot,
        })
    });
    let addons = ways.map(|way| Altered {
        name: format!("addon-{way}"),
        load: load(
            "/payload/uki/*.efi --addon @/uki/cmdline.addon.efi",
            way,
            None,
        ),
        boot: Boot::Shim,
    });
    let of_manifests = [
        ("manifest-text-bit", "changed.manifest --initrd /payload/initrds/extra.img"),
        ("manifest-initrd-bit", "*.manifest --initrd @/initrds/extra.img"),
    ]
    .map(|(name, rest)| Altered {
        name: name.into(),
        load: load(
            &format!(
                "/payload/manifest/* --initrd /payload/kernels/*/initrd.img --manifest @/manifest/{rest}"
            ),
            "bit",
            Some(machine::cmdline(2)),
        ),
        boot: Boot::Shim,
    });
    of_formats.chain(addons).chain(of_manifests).collect()
}

fn directory(way: &str) -> String {
    format!("/payload/bad/{way}")
}

fn load(pattern: &str, way: &str, cmdline: Option<String>) -> Step {
    format::load(
        "load",
        "mok",
        &format::filled(pattern, &directory(way), MAIN),
        cmdline,
    )
}

/// The gate refuses what preflight was told to let pass.
fn by_the_gate(case: Altered) -> Scenario {
    let first = vec![
        failing(case.load.clone()),
        unforeseen(case.load),
        steps::exec(),
    ];
    let script = Script {
        stages: vec![first, vec![]],
    };
    Scenario::new(format!("altered-{}", case.name), script, |run| {
        judge::reset_after(run, 1)?;
        same_words(run, "load", REASON)
    })
}

/// All of them in one machine. The good ones are accepted there, so that it isn't for something else that
/// the others aren't.
fn all_before_loading() -> Scenario {
    let cases: Vec<Altered> = cases()
        .into_iter()
        .filter(|c| c.boot == Boot::Shim)
        .collect();
    let count = cases.len();
    let good = FORMATS.iter().filter(|format| format.boot == Boot::Shim);
    let mut steps: Vec<Step> = good
        .map(|format| format.load("load", "/payload", MAIN).and("--dry-run"))
        .collect();
    steps.extend(cases.into_iter().map(|case| failing(case.load)));
    steps.push(Step::Observe);
    let script = Script {
        stages: vec![steps],
    };
    Scenario::new("altered-all-before-loading", script, move |run| {
        judge::done(run, 1)?;
        ensure!(!judge::observed(run, 1)?.kexec_loaded, "a kernel is loaded");
        each_for_its_alteration(run, count)
    })
    .within(300)
}

fn each_for_its_alteration(run: &Run, count: usize) -> Result<()> {
    let mut seen = 0;
    for event in run.transcript.stage(1) {
        let Event::Ran { argv, output, .. } = event else {
            continue;
        };
        if argv.iter().any(|word| word == "--dry-run") {
            continue;
        }
        ensure!(
            output.contains(" refused: ") && output.contains(REASON),
            "{} was refused for something else: {output}",
            argv.join(" ")
        );
        seen += 1;
    }
    ensure!(seen == count, "{seen} were tried, not {count}");
    Ok(())
}
