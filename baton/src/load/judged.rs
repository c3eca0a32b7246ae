//! The gate's verdict on a handover, by the gate's own function.

use crate::machine::Machine;
use baton_formats::elf::Elf;
use baton_verify::{Component, Decision, Part, Payload, Refusal, Trust, check_entry, decide};

/// What of a decision is kept when the handover isn't looked at any more.
pub(super) struct Judged {
    /// Who vouches for the kernel, in words.
    pub by: String,
    /// The kernel's format.
    pub format: &'static str,
    /// What was judged, part by part.
    pub parts: Vec<Part>,
    /// Memory that the gate needs besides, in bytes.
    pub further_len: u64,
}

impl Judged {
    /// The gate's verdict, by its own function.
    pub fn of(
        handover: &[u8],
        line: &[u8],
        trust: &Trust<'_>,
        machine: &Machine,
    ) -> std::result::Result<Judged, Refusal> {
        let decision = decide(handover, line, trust)?;
        check_entry(&decision.payload, machine.five_level)
            .map_err(|reason| Refusal::new(Component::Kernel, reason))?;
        Ok(Judged {
            by: decision.kernel.signer().to_string(),
            format: decision.payload.format(),
            further_len: memory_needed(&decision),
            parts: decision.parts,
        })
    }
}

/// Memory that the gate writes to: for the kernel, and for initrds that don't lie in one piece.
fn memory_needed(decision: &Decision<'_>) -> u64 {
    let size = |range: std::ops::Range<u64>| range.end.saturating_sub(range.start);
    let kernel = match &decision.payload {
        Payload::BzImage(image) => image.init_size().into(),
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
