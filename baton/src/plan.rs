//! Which way a load takes, or why none: plain values in, a plan or a refusal out. No input or output.

use crate::cli::Via;
use crate::exit::Exit;
use crate::failure::{Failure, Result};
use crate::kernel_verdict::KernelVerdict;
use crate::machine::Machine;
use baton_formats::bzimage::{BzImage, XLF_5LEVEL, XLF_CAN_BE_LOADED_ABOVE_4G};
use baton_sys::limits::LARGEST_FILE;
use baton_verify::{Component, Reason, Refusal};

/// What the kernel keeps free on the command line for `elfcorehdr=` (MAX_ELFCOREHDR_STR_LEN of
/// arch/x86/kernel/kexec-bzimage64.c), for every load.
const ELFCOREHDR_LEN: u64 = 30;

/// What of an image's header matters to the kernel's loader.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Header {
    /// The longest command line, in bytes.
    pub cmdline_size: u32,
    /// Memory it needs to start, in bytes.
    pub init_size: u32,
    /// `xloadflags`.
    pub xloadflags: u16,
}

impl From<&BzImage<'_>> for Header {
    fn from(image: &BzImage<'_>) -> Header {
        Header {
            cmdline_size: image.cmdline_size(),
            init_size: image.init_size(),
            xloadflags: image.xloadflags(),
        }
    }
}

/// What is asked for.
#[derive(Debug, Clone, Copy)]
pub struct Request {
    /// For a crash.
    pub crash: bool,
    /// The command line's length in bytes, without a NUL.
    pub cmdline_len: usize,
}

/// An image that the kernel would load: the kernel itself, or the gate.
#[derive(Debug, Clone)]
pub struct Loadable {
    /// Its header, or why it isn't a bzImage.
    pub header: std::result::Result<Header, Refusal>,
    /// What the kernel will say to its signature.
    pub verdict: KernelVerdict,
    /// What lies beside it in memory: initrds or the handover, in bytes.
    pub payload_len: u64,
    /// What else must fit into a crash region, in bytes.
    pub further_len: u64,
}

/// A way that would work.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Way {
    /// Who vouches for the kernel; `None` if nobody does, on a machine that doesn't insist.
    pub vouched: Option<String>,
    /// Why nobody does: in the words of the verdict.
    pub unverified: Option<Failure>,
    /// What a person should know.
    pub notes: Vec<String>,
}

/// What will be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LoadPlan {
    /// Through the gate, or the kernel's own way.
    pub gate: bool,
    /// How.
    pub way: Way,
}

/// What stands against any load, whatever the image.
///
/// # Errors
/// The first reason there is.
pub fn check_machine(machine: &Machine, request: Request) -> Result<()> {
    let not_permitted =
        |reason: &str, message: &str| Err(Failure::new(Exit::NotPermitted, reason, message));
    if !machine.may_boot {
        return not_permitted(
            "no-capability",
            "not permitted to load kernels: this process lacks CAP_SYS_BOOT; run as root",
        );
    }
    if machine.state.is_none() && !machine.kexec_untold {
        return Err(Failure::new(
            Exit::Unsupported,
            "no-kexec",
            "this kernel has no kexec (or /sys isn't mounted); use a kernel with CONFIG_KEXEC_FILE, or ask for another machine (--dry-run --root DIR, `baton verify --gate`)",
        ));
    }
    if machine.limits.disabled {
        return not_permitted(
            "load-disabled",
            "loading is off until the next reboot: kernel.kexec_load_disabled is 1; find what sets it in /etc/sysctl.d",
        );
    }
    if machine.limits.left(request.crash) == Some(0) {
        return not_permitted(
            "load-limit",
            "no loads are left: kernel.kexec_load_limit_reboot or kexec_load_limit_panic is 0 until the next reboot",
        );
    }
    if request.crash && machine.state.is_some_and(|state| state.crash_size == 0) {
        return Err(Failure::new(
            Exit::NoRoom,
            "no-crash-region",
            "no memory is reserved for a crash kernel; boot with crashkernel=256M (or more) on the command line",
        ));
    }
    Ok(())
}

/// The kernel's own way with this image.
///
/// # Errors
/// Why the kernel would refuse it, or could not start it.
pub fn kernel_way(
    machine: &Machine,
    request: Request,
    image: &Loadable,
    component: Component,
) -> Result<Way> {
    let header = image.header.clone().map_err(Failure::from)?;
    check_header(machine, request, &header, component)?;
    check_room(machine, request, &header, image)?;
    judge(machine, image, component)
}

/// That the running kernel doesn't take what the gate may.
#[must_use]
pub fn only_for_the_gate(code: &str, what: &str) -> Failure {
    Failure::new(
        Exit::Malformed,
        code,
        format!("kernel refused: {what}; only the gate can boot it (use --via gate)"),
    )
}

fn check_header(
    machine: &Machine,
    request: Request,
    header: &Header,
    component: Component,
) -> Result<()> {
    let refused = |reason| Err(Failure::from(Refusal::new(component, reason)));
    if header.xloadflags & XLF_CAN_BE_LOADED_ABOVE_4G == 0 {
        return match component {
            // Which puts them below, as memtest86+ wants them.
            Component::Kernel => Err(only_for_the_gate(
                Reason::NotAbove4G.code(),
                "it can't take arguments above 4 GiB, where the running kernel puts them",
            )),
            _ => refused(Reason::NotAbove4G),
        };
    }
    if machine.five_level && header.xloadflags & XLF_5LEVEL == 0 {
        return refused(Reason::NoFiveLevel);
    }
    let needed = request.cmdline_len as u64 + 1 + ELFCOREHDR_LEN;
    if needed > u64::from(header.cmdline_size) {
        return Err(Failure::new(
            Exit::Malformed,
            "command-line-too-long",
            format!(
                "command line refused: {} bytes; the {component} takes {} less {} that the kernel keeps for itself (shorten it)",
                request.cmdline_len,
                header.cmdline_size,
                ELFCOREHDR_LEN + 1
            ),
        ));
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
        return Err(too_large("what would be handed over", payload.len, limit));
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
    match machine.obtainable {
        Some(there) if len.saturating_mul(copies) > there => no_room(
            len.saturating_mul(copies),
            there,
            "all that is free (for a while a load holds what it hands over more than once)",
            "free some memory, or use a smaller initrd",
        ),
        _ => Ok(()),
    }
}

/// That a file is larger than the kernel reads.
#[must_use]
pub fn too_large(what: &str, len: u64, limit: u64) -> Failure {
    let limit = match limit < LARGEST_FILE {
        true => "2 GiB (4 GiB since Linux 6.0)",
        false => "4 GiB (2 GiB on older ones)",
    };
    Failure::new(
        Exit::NoRoom,
        "file-too-large",
        format!(
            "no room: the kernel reads at most {limit}, and {what} has {} MiB; use a smaller one",
            len.div_ceil(1 << 20)
        ),
    )
}

/// What else lies in the memory for a crash kernel, and is lost to alignment: purgatory, boot_params and
/// the ELF headers of the dump below 2 MiB, and up to 2 MiB before the next kernel.
const CRASH_RESERVE: u64 = 4 << 20;

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

fn no_room(needed: u64, there: u64, what: &str, fix: &str) -> Result<()> {
    let mib = |n: u64| n.div_ceil(1 << 20);
    Err(Failure::new(
        Exit::NoRoom,
        "no-room",
        format!(
            "no room: {} MiB are needed, and {} MiB are {what}; {fix}",
            mib(needed),
            there >> 20
        ),
    ))
}

fn judge(machine: &Machine, image: &Loadable, component: Component) -> Result<Way> {
    match &image.verdict {
        KernelVerdict::Vouches { by } => Ok(Way {
            vouched: Some(by.clone()),
            unverified: None,
            notes: Vec::new(),
        }),
        KernelVerdict::Unknown => Ok(Way {
            vouched: None,
            unverified: None,
            notes: vec![format!(
                "the kernel's keyrings can't be read, so whether it trusts the {component}'s signer shows when it is loaded"
            )],
        }),
        KernelVerdict::Refuses(reason) => {
            let failure = about_keys(machine, Refusal::new(component, reason.clone()));
            match machine.enforced_by {
                // What is revoked isn't loaded, whether anybody insists or not.
                None if !is_revoked(&failure) => Ok(Way {
                    vouched: None,
                    notes: vec![format!(
                        "this kernel doesn't enforce signatures: it would load the {component} unverified ({failure})"
                    )],
                    unverified: Some(failure),
                }),
                _ => Err(failure),
            }
        }
    }
}

/// A refusal, and where it is for want of a key that couldn't be enrolled, why.
fn about_keys(machine: &Machine, refusal: Refusal) -> Failure {
    let unknown = matches!(
        refusal.reason,
        Reason::UnknownSigner { .. } | Reason::SignerNotFound { .. }
    );
    let failure = Failure::from(refusal);
    match machine.why_no_mok().filter(|_| unknown) {
        Some(why) => Failure {
            message: format!("{failure}. {why}"),
            ..failure
        },
        None => failure,
    }
}

fn is_revoked(failure: &Failure) -> bool {
    failure.reason.starts_with("revoked-")
}

/// The way through the gate: the kernel must take the gate, and the gate the handover.
///
/// # Errors
/// Why the kernel would refuse the gate, or the gate the handover.
pub fn gate_way(
    machine: &Machine,
    request: Request,
    gate: &Loadable,
    handover: std::result::Result<String, Refusal>,
) -> Result<Way> {
    let gate = kernel_way(machine, request, gate, Component::Gate)?;
    let by = handover.map_err(|refusal| about_keys(machine, refusal))?;
    Ok(Way {
        vouched: Some(by),
        unverified: None,
        notes: gate.notes,
    })
}

/// Chooses between the two ways. The gate's is looked at only where it matters.
///
/// An image that the kernel would load unverified, because it doesn't insist, goes that way last and only
/// if it carries no claim that was found to be false. One of which it can't be told whether the kernel takes
/// it goes through the gate if that takes it. What the gate finds revoked, altered or against its policy goes no
/// other way.
///
/// # Errors
/// The reason of the way that was asked for, or those of both.
pub fn choose(
    via: Via,
    kernel: impl FnOnce() -> Result<Way>,
    gate: impl FnOnce() -> Result<Way>,
) -> Result<LoadPlan> {
    let by_kernel = |way| LoadPlan { gate: false, way };
    let by_gate = |way| LoadPlan { gate: true, way };
    match via {
        Via::Kernel => kernel().map(by_kernel),
        Via::Gate => gate().map(by_gate),
        Via::Auto => {
            let kernel = match kernel() {
                Ok(way) if way.vouched.is_some() => return Ok(by_kernel(way)),
                // What the kernel revokes isn't started by another way, which may know less of it.
                Err(failure) if is_revoked(&failure) => return Err(failure),
                other => other,
            };
            match (kernel, gate()) {
                (Ok(_) | Err(_), Ok(way)) => Ok(by_gate(way)),
                (Ok(_), Err(gate)) if is_final(&gate) => Err(gate),
                (Ok(way), Err(gate)) => unverified(way, gate).map(by_kernel),
                (Err(kernel), Err(gate)) => Err(neither(&kernel, gate)),
            }
        }
    }
}

/// Whether a gate's refusal stands for every way: a verdict on what was given, and not that nobody it knows vouches
/// for it, nor that a gate boots nothing on this machine at all.
fn is_final(refused: &Failure) -> bool {
    let not_here = Reason::SecureBootNotOn.code();
    let leaves_it_open = ["unsigned", "unknown-signer", not_here];
    refused.exit == Exit::Untrusted && !leaves_it_open.contains(&refused.reason.as_str())
}

fn unverified(way: Way, gate: Failure) -> Result<Way> {
    match &way.unverified {
        Some(failure) if !matches!(failure.reason.as_str(), "unsigned" | "unknown-signer") => {
            Err(neither(failure, gate))
        }
        _ => Ok(way),
    }
}

fn neither(kernel: &Failure, gate: Failure) -> Failure {
    let message = format!("by the kernel: {kernel}; through the gate: {gate}");
    // Without a gate there was one way only, and its reason counts.
    if gate.reason == "no-gate" {
        Failure::new(kernel.exit, kernel.reason.clone(), message)
    } else {
        Failure { message, ..gate }
    }
}

#[cfg(test)]
#[path = "plan_tests.rs"]
mod tests;
