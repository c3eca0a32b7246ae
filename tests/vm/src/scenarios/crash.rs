//! After a panic: the capture kernel, and what `/proc/vmcore` holds.

use anyhow::{Context, Result, ensure};
use baton_guest::event::{Canary, Event, Vmcore};
use baton_guest::script::{Script, Step};
use baton_lab::machine::{self, Machine};
use baton_lab::vm::{Run, judge};

use crate::scenario::Scenario;

/// Free memory that the canary leaves, for what the kernel does meanwhile.
const LEAVE_MIB: u64 = 64;

pub fn all(labels: &[&str]) -> Vec<Scenario> {
    labels.iter().map(|label| through_the_gate(label)).collect()
}

/// A machine with memory reserved for a crash kernel.
pub fn machine(label: &str) -> Machine {
    Machine {
        cmdline: "crashkernel=256M".into(),
        ..Machine::new(label)
    }
}

/// Fills memory, crashes, and looks at it from the capture kernel.
pub fn script(load: Step) -> Script {
    Script {
        stages: vec![
            vec![
                load,
                Step::Observe,
                // Small pages being joined to huge ones are copied, and stale copies stay behind.
                Step::Write {
                    path: "/sys/kernel/mm/transparent_hugepage/enabled".into(),
                    text: "never".into(),
                },
                Step::FillCanary {
                    leave_mib: LEAVE_MIB,
                },
                Step::Sysrq('c'),
            ],
            vec![Step::Observe, Step::ScanVmcore],
        ],
    }
}

fn through_the_gate(label: &str) -> Scenario {
    let load = Step::run(&format!(
        "/payload/bin/baton crash load /payload/kernels/{label}/vmlinuz --via gate --gate /payload/gate/mok.efi \
         --initrd /payload/kernels/{label}/initrd.img --cmdline"
    ))
    .and(machine::cmdline(2));
    Scenario::new(format!("gate-crash-{label}"), script(load), |run| {
        judge::done(run, 2)?;
        judge::locked_down(run, 2)?;
        judge::console_says(run, "verified")?;
        judge(run)
    })
    .on(machine(label))
    .within(240)
}

/// The dump is a whole one, and nothing was written over memory outside of the crash region.
pub fn judge(run: &Run) -> Result<()> {
    ensure!(
        judge::observed(run, 1)?.crash_loaded,
        "the kernel doesn't say that a crash kernel is loaded"
    );
    ensure!(judge::observed(run, 2)?.vmcore, "there is no /proc/vmcore");
    let filled = filled(run)?;
    let dump = scanned(run)?;
    let wiped = u64::from(efi_initrd_wiped(run, dump)?);
    ensure!(
        dump.size == dump.end_of_segments,
        "/proc/vmcore has {} bytes, its segments end at {}",
        dump.size,
        dump.end_of_segments
    );
    let visible = judge::observed(run, 1)?.mem_total_kib * 1024;
    ensure!(
        dump.memory >= visible,
        "the dump has {} bytes of memory, the kernel had {visible}",
        dump.memory
    );
    ensure!(
        dump.damaged == wiped,
        "{} canary pages were written over in part, the first so: {:?}",
        dump.damaged,
        dump.damage
    );
    // The kernel may have moved pages together since, which leaves stale copies behind. They could
    // hide damage only to the pages they are copies of, so there must be few.
    ensure!(
        dump.repeated <= filled.pages / 20,
        "{} canary pages are there twice",
        dump.repeated
    );
    ensure!(
        dump.intact + wiped == filled.pages,
        "of {} canary pages {} are left",
        filled.pages,
        dump.intact
    );
    ensure!(
        filled.pages * 4096 > visible / 2,
        "the canary filled only {} pages",
        filled.pages
    );
    Ok(())
}

/// Whether the one thing that was written over is `struct linux_efi_initrd`: 16 zeros where the first
/// kernel's EFI stub had told of its initrd. Linux 7.2 wipes that as it reads the EFI tables
/// (efi_config_parse_tables in drivers/firmware/efi/efi.c), and so does a capture kernel once more,
/// which finds the same address there after that memory has long had another use.
fn efi_initrd_wiped(run: &Run, dump: &Vmcore) -> Result<bool> {
    let initrd = judge::observed(run, 1)?.efi_initrd;
    Ok(dump.damaged == 1
        && dump.damage.as_ref().is_some_and(|damage| {
            Some(damage.address) == initrd && damage.length == 16 && damage.zeros
        }))
}

fn filled(run: &Run) -> Result<Canary> {
    run.transcript
        .stage(1)
        .find_map(|event| {
            if let Event::Filled(canary) = event {
                Some(*canary)
            } else {
                None
            }
        })
        .context("nothing was filled")
}

fn scanned(run: &Run) -> Result<&Vmcore> {
    run.transcript
        .stage(2)
        .find_map(|event| {
            if let Event::Scanned(dump) = event {
                Some(dump)
            } else {
                None
            }
        })
        .context("/proc/vmcore wasn't read")
}
