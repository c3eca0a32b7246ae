//! kexec-tools and Baton by its name, beside each other: the same command lines on the same machines. docs/kexec-compat.md
//! is written from the table.

mod case;
mod document;
mod scripts;
mod starts;
mod table;
mod why;

use baton_guest::event::{Event, Tried};
use baton_guest::script::{Script, Step};
use baton_lab::fetch::packages::MAIN;
use baton_lab::machine::{Boot, Machine};
use baton_lab::vm::{Run, judge};

use crate::scenario::Scenario;
use case::{Case, Program};

pub fn all() -> Vec<Scenario> {
    let free = Machine {
        boot: Boot::Bios,
        ..Machine::new(MAIN)
    };
    let mut all = starts::all();
    all.extend(scripts::all());
    all.extend([
        scenario(
            "locked-down",
            "mok",
            table::LOCKED_DOWN,
            super::crash::machine(MAIN),
        ),
        scenario(
            "free",
            "anywhere",
            table::FREE,
            Machine {
                cmdline: super::crash::machine(MAIN).cmdline,
                ..free.clone()
            },
        ),
        scenario("unreserved", "anywhere", table::UNRESERVED, free),
    ]);
    // They take a quarter of an hour; a short run has the one that starts what kexec_load loaded.
    all.into_iter()
        .map(|it| match it.name.as_str() {
            "kexec-load-by-c" => it,
            _ => it.only_in_full(),
        })
        .collect()
}

fn scenario(name: &str, gate: &str, cases: &'static [Case], machine: Machine) -> Scenario {
    let mut steps = vec![Step::Observe, case::preparation()];
    for case in cases {
        for program in Program::BOTH {
            steps.extend(case.steps(program, gate));
        }
    }
    let script = Script {
        stages: vec![steps],
    };
    Scenario::new(format!("kexec-compat-{name}"), script, move |run| {
        judge::done(run, 1)?;
        case::judge(cases, &tried(run))?;
        document::check()
    })
    .on(machine)
    .within(1800)
}

fn tried(run: &Run) -> Vec<&Tried> {
    let events = run.transcript.stage(1);
    let tried = events.filter_map(|event| match event {
        Event::Tried(tried) => Some(&**tried),
        _ => None,
    });
    tried.collect()
}
