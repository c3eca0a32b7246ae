//! Which route a load takes, or why none: plain values in, a plan or a refusal out. No input or output.

use super::args::Via;
use crate::arch::loader::{CRASH_RESERVE, Header};
use crate::failure::exit::Exit;
use crate::failure::input::InputError;
use crate::failure::load::LoadError;
use crate::failure::{Cause, Failure, Refused, Result};
use crate::machine::Machine;
use crate::verdict::kernel::KernelVerdict;
use baton_formats::cmdline::RESERVED_FOR_PREFIX;
use baton_verify::{Component, Reason, Refusal};

/// What is asked for.
#[derive(Debug, Clone, Copy)]
pub struct Request {
    /// For a crash.
    pub crash: bool,
    /// The command line's length in bytes, without a NUL.
    pub cmdline_len: usize,
    /// Bytes of memory that can still be had, now that what is to be loaded has been read; `None` where that
    /// isn't known.
    pub free: Option<u64>,
}

/// An image that the kernel would load: the kernel itself, or the gate.
#[derive(Debug, Clone)]
pub struct Loadable {
    /// Its header, or why it has none that the kernel's loader knows.
    pub header: std::result::Result<Header, Refusal>,
    /// What the kernel will say to its signature.
    pub verdict: KernelVerdict,
    /// What lies beside it in memory: initrds or the handover, in bytes.
    pub payload_len: u64,
    /// What else must fit into a crash region, in bytes.
    pub further_len: u64,
}

/// A load route that would work.
#[derive(Debug)]
pub struct Route {
    /// Who vouches for the kernel; `None` if nobody does, on a machine that doesn't insist.
    pub vouched: Option<String>,
    /// Why nobody does: in the words of the verdict.
    pub unverified: Option<Refused>,
    /// What a person should know.
    pub notes: Vec<String>,
}

/// What will be done.
#[derive(Debug)]
pub struct LoadPlan<G> {
    /// The gate that it goes through; `None`: direct kexec.
    pub gate: Option<G>,
    /// How.
    pub route: Route,
}

/// What stands against any load, whatever the image.
///
/// # Errors
/// The first reason there is.
pub fn check_machine(machine: &Machine, request: Request) -> std::result::Result<(), LoadError> {
    let no_region = machine.state.is_some_and(|state| state.crash_size == 0);
    let obstacles = [
        (!machine.may_boot, LoadError::NoCapability),
        (
            machine.state.is_none() && !machine.kexec_unknown,
            LoadError::NoKexec,
        ),
        (machine.limits.disabled, LoadError::Disabled),
        (
            machine.limits.left(request.crash) == Some(0),
            LoadError::Limit {
                crash: request.crash,
            },
        ),
        (request.crash && no_region, LoadError::NoCrashRegion),
    ];
    match obstacles.into_iter().find(|(is_there, _)| *is_there) {
        Some((_, obstacle)) => Err(obstacle),
        None => Ok(()),
    }
}

/// What stands against kexec_load.
///
/// # Errors
/// The first reason there is.
pub fn check_kexec_load(machine: &Machine, request: Request) -> std::result::Result<(), LoadError> {
    let obstacles = [
        (
            machine.enforced_by.is_some(),
            "it verifies nothing, and this kernel insists on signatures; leave -c out",
        ),
        (
            machine.efi,
            "what the next kernel must know of EFI, Baton leaves to kexec_file_load; leave -c out",
        ),
        (
            request.crash,
            "what a crash kernel needs, Baton leaves to kexec_file_load; leave -c out",
        ),
    ];
    match obstacles.into_iter().find(|(is_there, _)| *is_there) {
        Some((_, why)) => Err(LoadError::NoKexecLoad(why)),
        None => Ok(()),
    }
}

/// This image by direct kexec.
///
/// # Errors
/// Why the kernel would refuse it, or could not start it.
pub fn direct_route(
    machine: &Machine,
    request: Request,
    image: &Loadable,
    component: Component,
) -> Result<Route> {
    let header = image.header.clone()?;
    check_header(machine, request, &header, component)?;
    check_room(machine, request, &header, image)?;
    judge(machine, image, component)
}

fn check_header(
    machine: &Machine,
    request: Request,
    header: &Header,
    component: Component,
) -> Result<()> {
    header.check_entry(machine.five_level, component)?;
    let needed = request.cmdline_len as u64 + 1 + RESERVED_FOR_PREFIX;
    if needed > u64::from(header.cmdline_size) {
        return Err(LoadError::CommandLineTooLong {
            length: request.cmdline_len,
            taker: component,
            limit: header.cmdline_size,
            reserved: RESERVED_FOR_PREFIX + 1,
        }
        .into());
    }
    Ok(())
}

/// What is handed to the kernel as an initrd, before it is put together.
#[derive(Debug, Clone, Copy)]
pub struct Payload {
    /// Its length in bytes.
    pub len: u64,
    /// Whether Baton makes it, in memory.
    pub is_made: bool,
}

/// Whether a payload can be loaded as far as its size goes, by what would be there beside it. Asked before it
/// is put together: what doesn't fit would only drive others out of memory.
///
/// # Errors
/// Why there is no room.
pub fn check_payload(
    machine: &Machine,
    request: Request,
    header: &std::result::Result<Header, Refusal>,
    payload: Payload,
) -> Result<()> {
    if let Some(limit) = machine.largest_file.filter(|limit| payload.len > *limit) {
        return Err(InputError::TooLarge {
            what: "what would be handed over".to_owned(),
            len: payload.len,
            limit,
        }
        .into());
    }
    // What isn't a kernel is refused as that.
    let Ok(header) = header else {
        return Ok(());
    };
    let len = payload.len;
    check_segments(
        machine,
        request,
        u64::from(header.init_size).saturating_add(len),
        0,
    )?;
    // The kernel reads it into a buffer of its own, and copies that to where it will lie; that of a crash
    // kernel is reserved already (kimage_file_prepare_segments and kimage_load_segment in kernel/).
    let copies = 1 + u64::from(payload.is_made) + u64::from(!request.crash);
    match request.free {
        Some(there) if len.saturating_mul(copies) > there => no_room(
            len.saturating_mul(copies),
            there,
            "all that is free (for a while a load holds what it hands over more than once)",
            "free some memory, or use a smaller initrd",
        ),
        _ => Ok(()),
    }
}

fn check_room(
    machine: &Machine,
    request: Request,
    header: &Header,
    image: &Loadable,
) -> Result<()> {
    let needed = u64::from(header.init_size).saturating_add(image.payload_len);
    check_segments(machine, request, needed, image.further_len)
}

/// sanity_check_segment_list of kernel/kexec_core.c, as far as the sizes are known here.
fn check_segments(machine: &Machine, request: Request, needed: u64, further: u64) -> Result<()> {
    if request.crash {
        let Some(state) = machine.state else {
            return Ok(());
        };
        let crash_size = state.crash_size;
        let needed = needed.saturating_add(further).saturating_add(CRASH_RESERVE);
        if needed > crash_size {
            return no_room(
                needed,
                crash_size,
                "the memory reserved for a crash kernel",
                "boot with a larger crashkernel=",
            );
        }
    } else if let Some(half) = machine.memory.map(|m| m / 2)
        && needed > half
    {
        return no_room(
            needed,
            half,
            "half of the machine's memory, more than which the kernel doesn't load",
            "use a smaller initrd",
        );
    }
    Ok(())
}

fn no_room(needed: u64, there: u64, what: &'static str, fix: &'static str) -> Result<()> {
    Err(LoadError::NoRoom {
        needed,
        there,
        what,
        fix,
    }
    .into())
}

fn judge(machine: &Machine, image: &Loadable, component: Component) -> Result<Route> {
    match &image.verdict {
        KernelVerdict::Vouches { by } => Ok(Route {
            vouched: Some(by.clone()),
            unverified: None,
            notes: Vec::new(),
        }),
        KernelVerdict::Unknown => Ok(Route {
            vouched: None,
            unverified: None,
            notes: vec![format!(
                "the kernel's keyrings can't be read, so whether it trusts the {component}'s signer won't be known until it is loaded"
            )],
        }),
        KernelVerdict::Refuses(reason) => {
            let refused = about_keys(machine, Refusal::new(component, reason.clone()));
            match machine.enforced_by {
                // What is revoked isn't loaded, whether anybody insists or not.
                None if !is_revoked(&refused.reason) => Ok(Route {
                    vouched: None,
                    notes: vec![format!(
                        "this kernel doesn't enforce signatures: it would load the {component} unverified ({refused})"
                    )],
                    unverified: Some(refused),
                }),
                _ => Err(refused.into()),
            }
        }
    }
}

/// A refusal, and where it is for want of a key that couldn't be enrolled, why.
fn about_keys(machine: &Machine, refusal: Refusal) -> Refused {
    let is_unknown = matches!(
        refusal.reason,
        Reason::UnknownSigner { .. } | Reason::SignerNotFound { .. }
    );
    Refused {
        advice: machine.why_no_mok().filter(|_| is_unknown),
        ..refusal.into()
    }
}

fn is_revoked(reason: &Reason) -> bool {
    matches!(
        reason,
        Reason::RevokedCertificate { .. }
            | Reason::RevokedImage { .. }
            | Reason::RevokedInside { .. }
            | Reason::RevokedBySbat { .. }
    )
}

/// Whether nobody who is known vouches for the image: somebody else may know who does.
fn nobody_vouches(reason: &Reason) -> bool {
    matches!(
        reason,
        Reason::Unsigned
            | Reason::UnsignedManifest
            | Reason::UnknownSigner { .. }
            | Reason::SignerNotFound { .. }
    )
}

/// The route through the gate: the kernel must take the gate, and the gate the handover.
///
/// # Errors
/// Why the kernel would refuse the gate, or the gate the handover.
pub fn gate_route<J>(
    machine: &Machine,
    request: Request,
    gate: &Loadable,
    judged: std::result::Result<(String, J), Refusal>,
) -> Result<(Route, J)> {
    let gate = direct_route(machine, request, gate, Component::Gate)?;
    let (by, judged) = judged.map_err(|refusal| about_keys(machine, refusal))?;
    let route = Route {
        vouched: Some(by),
        unverified: None,
        notes: gate.notes,
    };
    Ok((route, judged))
}

/// Chooses between the two routes. The gate's is looked at only where it matters.
///
/// An image that the kernel would load unverified, because it doesn't insist, goes there last and only
/// if it carries no claim that was found to be false. One of which it can't be told whether the kernel takes
/// it goes through the gate if that takes it. What the gate finds revoked, altered or against its policy goes no
/// other route.
///
/// # Errors
/// The reason of the route that was asked for, or those of both.
pub fn choose<G>(
    via: Via,
    kernel: impl FnOnce() -> Result<Route>,
    gate: impl FnOnce() -> Result<(Route, G)>,
) -> Result<LoadPlan<G>> {
    let direct = |route| LoadPlan { gate: None, route };
    let by_gate = |(route, gate)| LoadPlan {
        gate: Some(gate),
        route,
    };
    match via {
        Via::Kernel => kernel().map(direct),
        Via::Gate => gate().map(by_gate),
        Via::Auto => {
            let kernel = match kernel() {
                Ok(route) if route.vouched.is_some() => return Ok(direct(route)),
                // What the kernel revokes isn't started by another route, which may know less of it.
                Err(failure) if failure.reason().is_some_and(is_revoked) => return Err(failure),
                other => other,
            };
            match (kernel, gate()) {
                (Ok(_) | Err(_), Ok(route)) => Ok(by_gate(route)),
                (Ok(_), Err(gate)) if is_final(&gate) => Err(gate),
                (Ok(route), Err(gate)) => unverified(route, gate).map(direct),
                (Err(kernel), Err(gate)) => Err(neither(kernel, gate)),
            }
        }
    }
}

/// Whether a gate's refusal stands for every route: a verdict on what was given, and not that nobody it knows vouches
/// for it, nor that a gate boots nothing on this machine at all.
fn is_final(refused: &Failure) -> bool {
    let leaves_it_open =
        |reason: &Reason| nobody_vouches(reason) || *reason == Reason::SecureBootNotOn;
    refused.exit() == Exit::Untrusted && !refused.reason().is_some_and(leaves_it_open)
}

fn unverified(route: Route, gate: Failure) -> Result<Route> {
    match route.unverified {
        Some(refused) if !nobody_vouches(&refused.reason) => Err(neither(refused.into(), gate)),
        _ => Ok(route),
    }
}

fn neither(kernel: Failure, gate: Failure) -> Failure {
    Failure::from(Cause::NoRoute {
        kernel: kernel.cause,
        gate: gate.cause,
    })
}

#[cfg(test)]
#[path = "plan_tests.rs"]
mod tests;
