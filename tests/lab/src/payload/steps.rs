//! Steps by which guests load what is on the disk.

use baton_guest::script::{Expect, Step};

use crate::machine;

/// `baton load` through the gate, with both initrds.
pub fn load(gate: &str, kernel: &str, label: &str, stage: usize) -> Step {
    Step::run(&format!(
        "/payload/bin/baton load {kernel} --via gate --gate /payload/gate/{gate}.efi \
         --initrd /payload/kernels/{label}/initrd.img --initrd /payload/initrds/extra.img --cmdline"
    ))
    .and(machine::cmdline(stage))
}

/// Debian's kernel, through the gate that the MOK vouches for.
pub fn load_good(label: &str, stage: usize) -> Step {
    load(
        "mok",
        &format!("/payload/kernels/{label}/vmlinuz"),
        label,
        stage,
    )
}

/// `baton exec --now`.
pub fn exec() -> Step {
    Step::run_expecting("/payload/bin/baton exec --now", Expect::Gone)
}

/// Stock kexec's `kexec -s -l`, of Debian's kernel.
pub fn stock_load(label: &str, stage: usize) -> Step {
    stock_kexec(&["-s", "-l"], label, stage)
}

/// Stock kexec, of Debian's kernel.
pub fn stock_kexec(options: &[&str], label: &str, stage: usize) -> Step {
    Step::run(&format!(
        "/payload/bin/kexec {} /payload/kernels/{label}/vmlinuz --initrd=/payload/kernels/{label}/initrd.img",
        options.join(" ")
    ))
    .and(format!("--command-line={}", machine::cmdline(stage)))
}
