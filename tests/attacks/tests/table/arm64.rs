//! The same attacks on a machine of arm64: whoever is refused by x86's gate is refused there, for the same reason.
//!
//! A row is about x86 alone, and isn't tried, where it is about what only x86's kernels, memory or running kernel have,
//! or about the gate's own file; and where without the attack, too, arm64's gate boots nothing, as of ELF.

use std::panic::{AssertUnwindSafe, catch_unwind};

use baton_formats::efi::MOK_TABLE_GUID;
use baton_formats::gate_image::{Formats, Isa};
use baton_gate::arch::aarch64::{Arguments, Cpu};
use baton_gate::firmware::Firmware;
use baton_gate::image::Image;
use baton_gate::run::{Stopwatch, prepare};
use baton_samples::arm64::{self, Told, add_efi};
use baton_samples::machine::{Memory, mok_entry};
use baton_samples::small_image::on;
use baton_verify::{Component, Refusal};

use super::case::{Case, Outcome};
use super::judges::verdict_for;
use super::scene::{Scene, dump_header};

/// The fewest attacks that are to be tried here.
pub const LEAST: usize = 250;

/// Rows that are about what a bzImage says of itself (how long a line it takes, that it can't be told of EFI), or that
/// bring a kernel of arm64.
const ABOUT_BZIMAGES: [&str; 8] = [
    "a line that fits, but not with what is forced",
    "a line longer than the kernel takes, whose end would be cut off",
    "a signed kernel that isn't told of EFI, and so doesn't tell the one after it of Secure Boot",
    "the same in a UKI",
    "the same with a signature at its end",
    "the same with a signature beside it",
    "a kernel of arm64, for a gate of x86",
    "a kernel of arm64 in place of a UKI's own, for the same",
];

/// What is said of a kernel whose format only x86's gates boot, in place of what those say of who may vouch for it.
const OF_ITS_FORMAT: [&str; 3] = ["unknown-format", "not-built-in", "other-architecture"];

/// What a gate says to which the command line tells nothing of a crash, where that of x86 takes it at its word.
const OF_THE_LINE: (&str, &str) = ("not-for-crash", "parameter-denied");

/// Where shim's table is, in the firmware's memory.
const MOK_TABLE: u64 = 0x6130_0000;

/// What was reserved for a crash, and where in it the dump's headers are.
const RESERVED: (u64, u64) = (0x4800_0000, 0x1800_0000);
const DUMP: u64 = 0x4800_0000;

/// What came of a row here: `None` where it is about x86 alone; otherwise what is wrong, if anything is.
pub fn run(case: &Case) -> Option<Result<(), String>> {
    on(Isa::Arm64, || {
        let Outcome::Refused(component, code) = case.outcome else {
            return None;
        };
        if ABOUT_BZIMAGES.contains(&case.name) {
            return None;
        }
        let honest = made(case.honest)?;
        if is_about_x86(&honest) || judged(&honest).is_err() {
            return None;
        }
        let scene = made(|| {
            let mut scene = (case.honest)();
            (case.attack)(&mut scene);
            scene
        })?;
        (!is_about_x86(&scene)).then(|| refused(&scene, component, code))
    })
}

/// The scene, unless whoever makes it looks for something that only a bzImage has.
fn made(make: impl FnOnce() -> Scene) -> Option<Scene> {
    catch_unwind(AssertUnwindSafe(make)).ok()
}

fn is_about_x86(scene: &Scene) -> bool {
    let of_its_gate = scene.gate.formats != Formats::of(Isa::X86_64) || !scene.on_gate.is_empty();
    of_its_gate || !scene.on_memory.is_empty() || scene.reach != u64::MAX
}

fn refused(scene: &Scene, component: Component, code: &str) -> Result<(), String> {
    let by_verdict = verdict_for(scene, Isa::Arm64).err();
    let by_verdict = by_verdict.ok_or("the verdict accepts it")?;
    let by_gate = by_gate(scene).err().ok_or("the gate accepts it")?;
    if by_gate.to_string() != by_verdict.to_string() {
        return Err(format!(
            "the gate says {by_gate}, and the verdict {by_verdict}"
        ));
    }
    let found = by_gate.reason.code();
    let is_same = (by_gate.component, found) == (component, code);
    let of_its_format = component == Component::Kernel && OF_ITS_FORMAT.contains(&found);
    if is_same || of_its_format || OF_THE_LINE == (code, found) {
        Ok(())
    } else {
        Err(format!(
            "{code} was expected, of the {component}: {by_gate}"
        ))
    }
}

fn judged(scene: &Scene) -> Result<(), Refusal> {
    verdict_for(scene, Isa::Arm64)?;
    by_gate(scene)
}

fn by_gate(scene: &Scene) -> Result<(), Refusal> {
    // The file itself is that of x86's gate: of it what was built into it counts.
    let (info, added) = on(Isa::X86_64, || scene.gate_parts());
    let info = arm64::for_arm64(info);
    let in_gate = |reason| Refusal::new(Component::Gate, reason);
    let image = Image::read(&info, &added, arm64::gate_extent()).map_err(in_gate)?;
    let memory = memory(scene);
    let mut arguments = Arguments::read(&memory, arm64::TREE)
        .map_err(|reason| Refusal::new(Component::BootParams, reason))?;
    arguments.cpu = Cpu::default();
    let watch = Stopwatch {
        now: || 7,
        observer: |_| {},
    };
    let firmware = Firmware::read(&memory, &arguments, image.extent)?;
    prepare(&memory, &image, &arguments, &firmware, &watch).map(|_| ())
}

fn memory(scene: &Scene) -> Memory {
    let mut told = Told::new(scene.handover(), "");
    told.cmdline = scene.line.clone();
    let secure_boot = if scene.runtime_services {
        u32::from(scene.secure_boot)
    } else {
        0
    };
    told.chosen = vec![("linux,uefi-secure-boot", secure_boot.to_be_bytes().to_vec())];
    if scene.crash {
        let range =
            |(address, size): (u64, u64)| [address.to_be_bytes(), size.to_be_bytes()].concat();
        told.chosen
            .push(("linux,elfcorehdr", range((DUMP, 0x1000))));
        told.chosen
            .push(("linux,usable-memory-range", range(RESERVED)));
        told.reservations.push((DUMP, 0x1000));
    }
    let shim = scene.shim.as_ref().filter(|_| scene.runtime_services);
    let Some(shim) = shim else {
        let mut memory = told.machine();
        memory.put(DUMP, dump_header());
        return memory;
    };
    let mut memory = told.with_efi().machine();
    memory.put(DUMP, dump_header());
    let mut table = mok_entry("MokListRT", &shim.list);
    for (name, list) in [("MokListXRT", &shim.revoked), ("dbx", &shim.dbx)] {
        if !list.is_empty() {
            table.extend(mok_entry(name, list));
        }
    }
    if let Some(level) = &shim.sbat_level {
        table.extend(mok_entry("SbatLevelRT", level));
    }
    table.extend([0; 264]);
    add_efi(&mut memory, &[(MOK_TABLE_GUID, MOK_TABLE)]);
    memory.put(MOK_TABLE, table);
    memory
}
