//! What the gate does, from what the old kernel passed on to a plan: pure, so that it is tested on the host.

extern crate alloc;

use alloc::vec::Vec;

use baton_formats::verdict::{ComponentKind, SignatureKind};
use baton_verify::{Component, Decision, Lists, Phase, Reason, Refusal, Trust, decide};

use crate::arch::Arch;
use crate::arguments::Arguments;
use crate::convert::{BootPlan, plan};
use crate::firmware::{Firmware, MokTable};
use crate::image::Image;
use crate::memory::PhysicalMemory;
use crate::plan::{Free, Range, Use};

/// A decision and how to carry it out.
pub struct Prepared<'m, A: Arch> {
    /// What is left to do.
    pub plan: BootPlan<'m, A>,
    /// What people call the kernel's format, and the release that it names.
    pub kernel: (&'static str, Option<&'m str>),
    /// The initrds.
    pub initrds: Initrds,
    /// What the policy calls itself.
    pub policy: &'m str,
    /// Time stamps: before verification, after it.
    pub verified: (u64, u64),
}

/// How the time is taken that verification needs.
pub struct Stopwatch {
    /// Gives a time stamp.
    pub now: fn() -> u64,
    /// Is told when something long is hashed.
    pub observer: fn(Phase),
}

/// What is said of the initrds.
pub struct Initrds {
    /// How many there are.
    pub count: usize,
    /// How many of them somebody vouches for.
    pub signed: usize,
    /// Their bytes in all.
    pub bytes: u64,
}

/// Verifies the handover that `arguments` carry by what `firmware` left, and plans the next kernel's boot.
///
/// # Errors
/// The refusal, in the words that `baton load` uses too.
#[inline(never)] // Smaller code: the caller's frame stays short.
pub fn prepare<'m, M: PhysicalMemory, A: Arch>(
    memory: &'m M,
    image: &Image<'m>,
    arguments: &Arguments<'m, A>,
    firmware: &Firmware<'m>,
    clock: &Stopwatch,
) -> Result<Prepared<'m, A>, Refusal> {
    check_loaded(image, arguments).map_err(in_memory)?;
    let trust = trust(image, &firmware.mok)?.observed_by(clock.observer);
    let started = (clock.now)();
    let machine = A::machine(arguments);
    let decision = decide(arguments.handover, arguments.cmdline, machine, &trust)?;
    let reserved = if decision.crash {
        Some(for_the_crash(image, arguments, memory)?)
    } else {
        None
    };
    A::check_entry(&decision.payload, arguments)
        .map_err(|reason| Refusal::new(Component::Kernel, reason))?;
    let verified = (started, (clock.now)());
    let taken = taken(image, arguments, firmware);
    let mut free = free_memory(arguments, &taken).map_err(in_memory)?;
    if let Some(reserved) = reserved {
        free.keep_only(&reserved);
    }
    let initrds = initrds(&decision);
    let kernel = (decision.payload.format(), decision.payload.release());
    let tables = firmware.tables.as_deref();
    let plan = plan(decision, arguments, tables, image.identity, &taken, free).map_err(in_plan)?;
    Ok(Prepared {
        plan,
        kernel,
        initrds,
        policy: image.policy.name,
        verified,
    })
}

/// The old kernel loads into what it takes for RAM, which its own command line may have changed (`memmap=`); the map
/// that it passes on is the firmware's. Over a table of the firmware's nothing may have been put. What no entry
/// lists may be RAM that was added to the running machine.
fn check_loaded<A: Arch>(image: &Image<'_>, arguments: &Arguments<'_, A>) -> Result<(), Reason> {
    let mut loaded = [image.extent]
        .into_iter()
        .chain(arguments.loaded.iter().copied());
    let others = arguments.map.iter().filter(|it| it.kind == Use::Reserved);
    if loaded.any(|part| others.clone().any(|entry| entry.claims(part))) {
        Err(Reason::BadMemoryMap(
            "something was loaded into memory that is no RAM (start the running kernel without memmap=)",
        ))
    } else {
        Ok(())
    }
}

fn initrds(decision: &Decision<'_>) -> Initrds {
    let mut initrds = Initrds {
        count: 0,
        signed: 0,
        bytes: 0,
    };
    for part in &decision.parts {
        if part.kind == ComponentKind::Initrd {
            initrds.count += 1;
            initrds.signed += usize::from(part.vouched.signature_kind != SignatureKind::Unsigned);
            initrds.bytes += part.size;
        }
    }
    initrds
}

fn trust<'m>(image: &Image<'m>, mok: &MokTable<'m>) -> Result<Trust<'m>, Refusal> {
    Ok(Trust::of(&Lists {
        keys: image.keys,
        gate_revocations: image.revocations,
        policy: image.policy,
        mok_list: mok.list,
        mok_revocations: mok.revocations,
        dbx: mok.dbx,
        sbat_level: mok.sbat_level,
        formats: image.formats,
    })?)
}

/// The RAM that was reserved for the crash that `arguments` tell of.
fn for_the_crash<M: PhysicalMemory, A: Arch>(
    image: &Image<'_>,
    arguments: &Arguments<'_, A>,
    memory: &M,
) -> Result<Vec<Range>, Refusal> {
    let length = arguments.handover.len() as u64;
    let handover = Range {
        start: arguments.handover_address,
        end: arguments.handover_address.saturating_add(length),
    };
    let loaded = [image.extent, handover];
    A::crash_memory(memory, arguments, &loaded)
}

/// What the gate runs in, what must survive for the next kernel to read, and what is out of reach.
fn taken<A: Arch>(
    image: &Image<'_>,
    arguments: &Arguments<'_, A>,
    firmware: &Firmware<'_>,
) -> Vec<Range> {
    let mut taken = Vec::from([image.extent]);
    taken.extend(&arguments.keep);
    taken.extend(&firmware.extents);
    taken.extend(&arguments.out_of_reach);
    taken
}

/// All RAM but what is taken.
fn free_memory<A: Arch>(arguments: &Arguments<'_, A>, taken: &[Range]) -> Result<Free, Reason> {
    let mut free = Free::from_map(&arguments.map)?;
    if let Some(scratch) = &arguments.scratch {
        free.keep_only(scratch);
    }
    for range in taken {
        free.remove(*range);
    }
    Ok(free)
}

/// What the planner refuses is about the kernel, unless it is about the machine's memory.
fn in_plan(reason: Reason) -> Refusal {
    match reason {
        Reason::NoRoom { .. } | Reason::BadMemoryMap(_) => in_memory(reason),
        other => Refusal::new(Component::Kernel, other),
    }
}

fn in_memory(reason: Reason) -> Refusal {
    Refusal {
        component: Component::Memory,
        reason,
    }
}
