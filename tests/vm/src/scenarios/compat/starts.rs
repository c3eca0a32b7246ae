//! What is loaded is started, in each of the ways that there are: by both programs, one machine each.

use anyhow::{Result, ensure};
use baton_guest::script::{Expect, Script, Step};
use baton_lab::fetch::packages::MAIN;
use baton_lab::machine;
use baton_lab::vm::{Run, judge};

use super::case::Program;
use crate::scenario::Scenario;

pub fn all() -> Vec<Scenario> {
    vec![in_every_way(Program::Stock), in_every_way(Program::Ours)]
}

/// Load and exec; both at once; load and shutdown; load and panic.
fn in_every_way(program: Program) -> Scenario {
    let vmlinuz = format!("/payload/kernels/{MAIN}/vmlinuz");
    // Only the gate boots an ELF kernel.
    let other = match program {
        Program::Stock => vmlinuz.clone(),
        Program::Ours => format!("/payload/elf/{MAIN}.appended"),
    };
    let path = program.path();
    let load = |options: &str, kernel: &str, stage: usize, expect: Expect| {
        Step::run_expecting(
            &format!(
                "/payload/bin/busybox env BATON_GATE=/payload/gate/mok.efi {path} -s {options} {kernel} \
                 --initrd=/payload/kernels/{MAIN}/initrd.img"
            ),
            expect,
        )
        .and(format!("--command-line={} crashkernel=256M", machine::cmdline(stage)))
    };
    let start = Step::run_expecting(&format!("{path} -e"), Expect::Gone);
    let make = |words: &str| Step::run(&format!("/payload/bin/busybox {words}"));
    let stages = vec![
        vec![load("-l", &vmlinuz, 2, Expect::Success), start],
        vec![Step::Observe, load("-f -x", &other, 3, Expect::Gone)],
        vec![
            Step::Observe,
            make("mkdir -p /sbin"),
            make("ln -s /init /sbin/shutdown"),
            load("-x", &vmlinuz, 4, Expect::Gone),
        ],
        vec![
            Step::Observe,
            load("-p", &vmlinuz, 5, Expect::Success),
            Step::Sysrq('c'),
        ],
        vec![Step::Observe],
    ];
    let name = match program {
        Program::Stock => "kexec-starts-stock",
        Program::Ours => "kexec-starts",
    };
    Scenario::new(name, Script { stages }, arrived)
        .on(super::super::crash::machine(MAIN))
        .within(300)
}

fn arrived(run: &Run) -> Result<()> {
    judge::done(run, 5)?;
    for stage in 2..=5 {
        judge::kernel(run, stage, MAIN)?;
        judge::locked_down(run, stage)?;
    }
    ensure!(judge::observed(run, 5)?.vmcore, "there is no /proc/vmcore");
    Ok(())
}
