//! The gate's verdict on what would be handed over, by the gate's own function.

use crate::failure::Result;
use crate::handover::build;
use crate::handover::inputs::Inputs;
use crate::machine::Machine;
use baton_formats::cmdline::MAX_CRASH_PREFIX;
use baton_formats::elf::Elf;
use baton_formats::handover::RecordKind;
use baton_formats::verdict::ComponentKind;
use baton_sys::memfd::Sealed;
use baton_verify::{
    Component, Decision, JudgedPart, Payload, Reason, Refusal, SignatureKind, Signer, Trust,
    check_entry, decide, decide_draft,
};
use std::ops::Range;

/// The verdict on what would be handed over: the handover with what was judged of it, or why the gate refuses it.
pub(crate) type Verdict = std::result::Result<(Sealed, Judged), Refusal>;

/// The handover of these inputs, and the gate's verdict on it.
///
/// # Errors
/// When it can't be made.
pub(crate) fn judge(inputs: &Inputs, trust: &Trust<'_>, machine: &Machine) -> Result<Verdict> {
    let line = line_for_gate(inputs);
    if inputs.is_handover() {
        let handover = build::adopt(&inputs.kernel.bytes)?;
        let map = handover.map().map_err(build::memory)?;
        let decision = decide(&map, &line, machine.stated, trust);
        let judged = decision.and_then(|decision| Judged::of(decision, machine));
        drop(map);
        return Ok(judged.map(|judged| (handover, judged)));
    }
    let draft = build::draft(&inputs.ingredients())?;
    let map = draft.map()?;
    let decision = decide_draft(&map, &line, machine.stated, trust);
    let judged = decision.and_then(|decision| Judged::of(decision, machine));
    drop(map);
    match judged {
        Ok(judged) => Ok(Ok((draft.seal(&judged.digests(inputs))?, judged))),
        Err(refusal) => Ok(Err(refusal)),
    }
}

/// The gate's verdict on a handover of these inputs, which isn't made.
///
/// # Errors
/// When it couldn't be made.
pub(crate) fn judge_alone(
    inputs: &Inputs,
    trust: &Trust<'_>,
    machine: &Machine,
) -> Result<std::result::Result<Judged, Refusal>> {
    let line = line_for_gate(inputs);
    let made;
    let decision = if inputs.is_handover() {
        decide(&inputs.kernel.bytes, &line, machine.stated, trust)
    } else {
        made = build::draft_to_judge(&inputs.ingredients())?;
        decide_draft(&made, &line, machine.stated, trust)
    };
    Ok(decision.and_then(|decision| Judged::of(decision, machine)))
}

/// The command line as the gate will see it, or a longer one.
fn line_for_gate(inputs: &Inputs) -> Vec<u8> {
    let before = if inputs.crash { MAX_CRASH_PREFIX } else { b"" };
    [before, &inputs.cmdline].concat()
}

/// What of a decision is kept when the handover isn't looked at any more.
pub(crate) struct Judged {
    /// How the kernel is vouched for.
    pub signature_kind: SignatureKind,
    /// Who vouches for the kernel.
    pub signer: Signer,
    /// The SHA-256 of what vouches for the kernel.
    pub digest: [u8; 32],
    /// The kernel's format.
    pub format: &'static str,
    /// What was judged, part by part.
    pub parts: Vec<JudgedPart>,
    /// Memory that the gate needs besides, in bytes.
    pub further_len: u64,
}

impl Judged {
    fn of(decision: Decision<'_>, machine: &Machine) -> std::result::Result<Judged, Refusal> {
        check_entry(&decision.payload, machine.five_level)
            .map_err(|reason| Refusal::new(Component::Kernel, reason))?;
        check_place(&decision, &machine.crash_regions)?;
        Ok(Judged {
            signature_kind: decision.kernel.signature_kind(),
            signer: decision.kernel.signer().clone(),
            digest: decision.kernel.digest(),
            format: decision.payload.format(),
            further_len: memory_needed(&decision),
            parts: decision.parts,
        })
    }

    /// The kinds and digests of the handover's records but for signatures: the kernel is the first part, and the others
    /// come last, before the command line ([`Decision::parts`]).
    fn digests(&self, inputs: &Inputs) -> Vec<(RecordKind, [u8; 32])> {
        let others =
            inputs.initrds.len() + inputs.addons.len() + usize::from(inputs.manifest.is_some());
        let before = self.parts.len().saturating_sub(others + 1);
        let kernel = self.parts.iter().take(1);
        let parts = kernel.chain(self.parts.iter().skip(before).take(others));
        parts
            .filter_map(|part| Some((record_kind(part.kind)?, part.digest)))
            .collect()
    }
}

/// What holds such a part, if that is a record.
fn record_kind(part: ComponentKind) -> Option<RecordKind> {
    match part {
        ComponentKind::Kernel => Some(RecordKind::Kernel),
        ComponentKind::Initrd => Some(RecordKind::Initrd),
        ComponentKind::Addon => Some(RecordKind::Addon),
        ComponentKind::Manifest => Some(RecordKind::Manifest),
        ComponentKind::CommandLine | ComponentKind::Microcode | ComponentKind::DeviceTree => None,
    }
}

/// What runs at one address only has its place outside of what is reserved for a crash, where the gate
/// must not write then. Which regions there are is known to root alone.
fn check_place(
    decision: &Decision<'_>,
    crash_regions: &[Range<u64>],
) -> std::result::Result<(), Refusal> {
    let Some(place) = only_place(&decision.payload).filter(|_| decision.crash) else {
        return Ok(());
    };
    let covers = |region: &Range<u64>| region.start <= place.start && place.end <= region.end;
    if crash_regions.is_empty() || crash_regions.iter().any(covers) {
        Ok(())
    } else {
        Err(Refusal::new(
            Component::Kernel,
            Reason::AddressTaken(place.start),
        ))
    }
}

/// The memory that a kernel takes, if it runs nowhere else.
fn only_place(payload: &Payload<'_>) -> Option<Range<u64>> {
    match payload {
        Payload::BzImage(image) if !image.relocatable() => {
            let start = image.pref_address();
            Some(start..start.saturating_add(image.init_size().into()))
        }
        Payload::Pvh { program, .. } => Some(program.physical_range()),
        Payload::Multiboot2 {
            header, program, ..
        } if header.relocatable().is_none() => {
            let load = header.load().map(|load| load.memory);
            load.or_else(|| program.as_ref().map(Elf::physical_range))
        }
        _ => None,
    }
}

/// Memory that the gate writes to: for the kernel, and for initrds that don't lie in one piece.
fn memory_needed(decision: &Decision<'_>) -> u64 {
    let size = |range: Range<u64>| range.end.saturating_sub(range.start);
    let kernel = match &decision.payload {
        Payload::BzImage(image) => image.init_size().into(),
        Payload::Arm64(image) => image.image_size(),
        Payload::Vmlinux(program) | Payload::Pvh { program, .. } => size(program.physical_range()),
        Payload::Multiboot2 {
            header, program, ..
        } => {
            let load = header.load().map(|load| load.memory);
            let stated = load.or_else(|| program.as_ref().map(Elf::physical_range));
            stated.map_or(0, size)
        }
    };
    let joined = match decision.initrd_range {
        Some(_) => 0,
        None => decision
            .initrds
            .iter()
            .map(|bytes| bytes.len() as u64)
            .sum(),
    };
    kernel.saturating_add(joined)
}
