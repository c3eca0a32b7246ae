//! Debian's scripts for shutting down into another kernel, as they are, with Baton as `/sbin/kexec`.

use anyhow::Result;
use baton_guest::script::{Expect, Script, Step};
use baton_lab::fetch::packages::MAIN;
use baton_lab::machine::{self, Boot, Machine};
use baton_lab::vm::{Run, judge};

use super::case::Program;
use crate::scenario::Scenario;

pub fn all() -> Vec<Scenario> {
    vec![at_shutdown(), by_kexec_load()]
}

/// `kexec-load stop` loads what `/etc/default/kexec` says, `kexec stop` starts it.
fn at_shutdown() -> Scenario {
    let settings = format!(
        "LOAD_KEXEC=true\nKERNEL_IMAGE=/payload/kernels/{MAIN}/vmlinuz\n\
         INITRD=/payload/kernels/{MAIN}/initrd.img\nAPPEND=\"{}\"\n",
        machine::cmdline(2)
    );
    let busybox = |words: &str| Step::run(&format!("/payload/bin/busybox {words}"));
    let script = |name: &str, expect| {
        Step::run_expecting(&format!("/bin/sh /payload/scripts/{name} stop"), expect)
    };
    let first = vec![
        busybox("mkdir -p /sbin /etc/default"),
        busybox("--install -s /bin"),
        busybox(&format!("ln -s {} /sbin/kexec", Program::Ours.path())),
        Step::Write {
            path: "/etc/default/kexec".into(),
            text: settings,
        },
        script("kexec-load", Expect::Success),
        Step::Observe,
        script("kexec", Expect::Gone),
    ];
    let stages = vec![first, vec![Step::Observe]];
    Scenario::new("kexec-scripts", Script { stages }, |run| {
        judge::done(run, 2)?;
        judge::locked_down(run, 2)?;
        judge::runs(run, 2, MAIN, &machine::cmdline(2))
    })
}

/// `-c`: nothing verifies the gate there, and the gate the kernel.
fn by_kexec_load() -> Scenario {
    let path = Program::Ours.path();
    let load = Step::run(&format!(
        "/payload/bin/busybox env BATON_GATE=/payload/gate/anywhere.efi {path} -c -l \
         /payload/kernels/{MAIN}/vmlinuz --initrd=/payload/kernels/{MAIN}/initrd.img"
    ))
    .and(format!("--command-line={}", machine::cmdline(2)));
    let start = Step::run_expecting(&format!("{path} -e"), Expect::Gone);
    let stages = vec![vec![Step::Observe, load, start], vec![Step::Observe]];
    let judged = |run: &Run| -> Result<()> {
        judge::done(run, 2)?;
        judge::console_says(run, "verified by")?;
        judge::same_processors_and_tables(run, 1, 2)?;
        judge::runs(run, 2, MAIN, &machine::cmdline(2))
    };
    Scenario::new("kexec-load-by-c", Script { stages }, judged).on(Machine {
        boot: Boot::Bios,
        ..Machine::new(MAIN)
    })
}
