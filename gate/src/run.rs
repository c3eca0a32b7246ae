//! What the gate does, from boot_params to a plan: pure, so that it is tested on the host.

use baton_verify::{Component, Decision, Reason, Refusal, Trust, Vouched, check_entry, decide};

use crate::arguments::Arguments;
use crate::convert::{BootPlan, bzimage64};
use crate::firmware::MokTable;
use crate::image::Image;
use crate::memory::PhysicalMemory;
use crate::plan::Free;

/// A decision and how to carry it out.
pub struct Prepared<'m> {
    /// What is left to do.
    pub plan: BootPlan<'m>,
    /// The initrds.
    pub initrds: Initrds,
    /// Time stamps: before verification, after it.
    pub verified: (u64, u64),
}

/// What is said of the initrds.
pub struct Initrds {
    /// How many there are.
    pub count: usize,
    /// How many of them somebody vouches for.
    pub signed: usize,
    /// Their bytes in all, with the padding between them.
    pub bytes: u64,
}

/// Verifies the handover that `arguments` carry and plans the next kernel's boot.
///
/// # Errors
/// The refusal, in the words that `baton load` uses too.
pub fn prepare<'m, M: PhysicalMemory>(
    memory: &'m M,
    image: &Image<'m>,
    arguments: &Arguments<'m>,
    now: fn() -> u64,
) -> Result<Prepared<'m>, Refusal> {
    let mok = match arguments.efi {
        Some(efi) => MokTable::find(memory, efi).map_err(in_tables)?,
        None => MokTable::default(),
    };
    let trust = trust(image, &mok)?;
    let started = now();
    let decision = decide(arguments.handover, arguments.cmdline, &trust)?;
    check_entry(&decision.bzimage, arguments.five_level)
        .map_err(|reason| Refusal::new(Component::Kernel, reason))?;
    let verified = (started, now());
    let free = free_memory(image, arguments, &mok).map_err(in_memory)?;
    let vouched = &decision.initrds_vouched;
    let initrds = Initrds {
        count: vouched.len(),
        signed: vouched
            .iter()
            .filter(|one| **one != Vouched::Unsigned)
            .count(),
        bytes: decision.initrds.map_or(0, |bytes| bytes.len() as u64),
    };
    let plan = boot_plan(decision, arguments, &free).map_err(in_memory)?;
    Ok(Prepared {
        plan,
        initrds,
        verified,
    })
}

fn boot_plan<'m>(
    decision: Decision<'m>,
    arguments: &Arguments<'m>,
    free: &Free,
) -> Result<BootPlan<'m>, Reason> {
    bzimage64::plan(decision, arguments, free)
}

fn trust<'m>(image: &Image<'m>, mok: &MokTable<'m>) -> Result<Trust<'m>, Refusal> {
    Ok(Trust::new()
        .add_keys(image.keys)?
        .add_mok_list(mok.list)?
        .add_mok_revocations(mok.revocations)?)
}

/// All RAM but what the gate runs in, and what must survive for the next kernel to read.
fn free_memory(
    image: &Image<'_>,
    arguments: &Arguments<'_>,
    mok: &MokTable<'_>,
) -> Result<Free, Reason> {
    let mut free = Free::from_map(&arguments.map)?;
    if let Some(scratch) = &arguments.scratch {
        free.keep_only(scratch);
    }
    let taken = arguments
        .keep
        .iter()
        .copied()
        .chain([image.extent])
        .chain(mok.extents.iter().copied());
    taken.for_each(|range| free.remove(range));
    Ok(free)
}

fn in_tables(reason: Reason) -> Refusal {
    Refusal {
        component: Component::FirmwareTables,
        reason,
    }
}

fn in_memory(reason: Reason) -> Refusal {
    Refusal {
        component: Component::Memory,
        reason,
    }
}
