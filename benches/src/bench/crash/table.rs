//! The table.

use fs_err as fs;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result};

use super::guest::{Clock, MEMORY_MIB};
use super::system::System;
use super::{CRASHES, Captured, PLENTY_MIB, STEP_MIB};
use crate::bench::{median, spread};

/// One of a clock's times.
type OfClock = fn(&Clock) -> Duration;

/// What Baton should take of kdump-tools' time and memory.
const GOAL: &str = "≤ 0.5";

/// Where `init_size` is in a bzImage (Documentation/arch/x86/boot.rst): the memory that the kernel needs
/// before it knows of any, whoever loads it.
const INIT_SIZE: usize = 0x260;

/// Prints what was measured of kdump-tools, of Baton, and of Baton with the small kernel, in this order.
pub fn print(
    system: &System,
    small: &Path,
    kvm: bool,
    crashes: &[Vec<Captured>; 3],
    least: [u64; 3],
) -> Result<()> {
    let [release, version] = &system.versions;
    let how = if kvm { "KVM" } else { "QEMU's own emulation" };
    println!(
        "\nDebian 12 with Linux {release}, crashed by sysrq-c in a virtual machine ({how}; one processor, \
         {MEMORY_MIB} MiB, emulated NVMe disk, dumps onto its ext4 root file system):\n"
    );
    println!(
        "| | kdump-tools {version} | Baton | ratio | Baton, small kernel | ratio | goal |\n\
         |---|---|---|---|---|---|---|"
    );
    row(
        "smallest `crashkernel=`",
        least.map(|mib| format!("{mib} MiB")),
        least.map(|mib| mib as f64),
        GOAL,
    );
    let clocks: [(&str, &str, OfClock); 2] = [
        ("from the panic to the reset, dump on disk", GOAL, |c| {
            c.time
        }),
        ("the virtual machine's processor time in that", "", |c| {
            c.processor
        }),
    ];
    for (what, goal, clock) in clocks {
        let times = crashes.each_ref().map(|of| times(of, clock));
        row(
            what,
            times.each_ref().map(|t| spread(t)),
            times.each_ref().map(|t| median(t).as_secs_f64()),
            goal,
        );
    }
    let sizes = crashes.each_ref().map(|of| largest(of));
    let in_kib = sizes.map(|size| format!("{} KiB", size >> 10));
    row(
        "size of the dump",
        in_kib,
        sizes.map(|size| size as f64),
        "",
    );
    let [theirs, ours] = [system.kernel.as_path(), small].map(init_mib);
    println!(
        "\nOf the memory, {:.1} MiB are what the kernel's image says that it needs to start, whoever loads it, and \
         {:.1} MiB with the small kernel. Reservations were tried in steps of {STEP_MIB} MiB, each once; a crash \
         counts as captured if makedumpfile reads all of the dump. Times are medians of {CRASHES}, in turn, with \
         crashkernel={PLENTY_MIB}M.",
        theirs?, ours?
    );
    Ok(())
}

/// The texts, and the ratios of our figures to theirs.
fn row(what: &str, [theirs, ours, small]: [String; 3], figures: [f64; 3], goal: &str) {
    let [t, o, s] = figures;
    let (first, second) = (o / t, s / t);
    println!("| {what} | {theirs} | {ours} | {first:.2} | {small} | {second:.2} | {goal} |");
}

fn times(crashes: &[Captured], clock: fn(&Clock) -> Duration) -> Vec<Duration> {
    crashes.iter().map(|c| clock(&c.took)).collect()
}

fn largest(crashes: &[Captured]) -> u64 {
    crashes.iter().map(|c| c.size).max().unwrap_or_default()
}

fn init_mib(kernel: &Path) -> Result<f64> {
    let image = fs::read(kernel)?;
    let field = image.get(INIT_SIZE..INIT_SIZE + 4);
    let field = field.context("the kernel's image is cut short")?;
    let bytes = u32::from_le_bytes(field.try_into()?);
    Ok(f64::from(bytes) / f64::from(1 << 20))
}
