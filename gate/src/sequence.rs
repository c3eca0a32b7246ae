//! The sequence: console, arguments, verdict, copy, jump.

use baton_formats::gate_image::LEN;
use baton_formats::policy::OnRefusal;
use baton_verify::{Component, Refusal};

use crate::arch::{Arch, Hardware};
use crate::firmware::Firmware;
use crate::image::Image;
use crate::run::{Prepared, prepare};

/// What of the gate's own image it reads.
pub struct Own<'m> {
    /// The info block.
    pub info: &'m [u8; LEN],
    /// What was added to the stub, from the stub's end on.
    pub added: &'m [u8],
}

/// What goes wrong before there is a policy is treated as the default policy would.
type Failure = (Refusal, OnRefusal);

/// Does all that the gate does, with what the old kernel passed on at `address`.
pub fn run<'m, H: Hardware>(hardware: &'m H, address: u64, own: &Own<'m>) -> H::End {
    hand_over(hardware, address, own).unwrap_or_else(|(refusal, after)| {
        hardware.say(format_args!("REFUSED: {refusal}"));
        hardware.stop(after)
    })
}

fn hand_over<'m, H: Hardware>(
    hardware: &'m H,
    address: u64,
    own: &Own<'m>,
) -> Result<H::End, Failure> {
    let early = |component| move |reason| (Refusal::new(component, reason), OnRefusal::default());
    // From here on something can be said. What is wrong with the line is said below.
    if let Ok(line) = H::Arch::early_command_line(hardware, address) {
        hardware.open_consoles(line);
    }
    let mut arguments =
        H::Arch::arguments(hardware, address).map_err(early(Component::BootParams))?;
    arguments.cpu = hardware.cpu();
    let extent = hardware.gate_extent();
    let firmware = Firmware::read(hardware, &arguments, extent);
    // Not before it is known what the screen may not lie over.
    if let Ok(firmware) = &firmware
        && let Some((screen, range)) = H::Arch::screen(&arguments, firmware, extent)
    {
        hardware.open_screen(&screen, range);
    }
    // After what must be read, so that it can't use up the page tables before.
    arguments.reach_ram(|from, to| hardware.reach(from, to));

    let image = Image::read(own.info, own.added, extent).map_err(early(Component::Gate))?;
    hardware.say(format_args!(
        "version {}, {} KiB handed over",
        env!("CARGO_PKG_VERSION"),
        arguments.handover.len() / 1024
    ));
    let refused = |refusal| (refusal, image.policy.refusal);
    let prepared = firmware
        .and_then(|firmware| prepare(hardware, &image, &arguments, &firmware, &H::STOPWATCH))
        .map_err(refused)?;
    report(&prepared, hardware);
    hardware
        .start(&prepared.plan)
        .map_err(|reason| refused(Refusal::new(Component::Memory, reason)))
}

#[inline(never)] // Smaller code: the caller's frame stays short.
fn report<H: Hardware>(prepared: &Prepared<'_, H::Arch>, hardware: &H) {
    let kernel = &prepared.plan.kernel;
    let (format, release) = prepared.kernel;
    hardware.say(format_args!(
        "kernel {} ({format}) verified by {}",
        release.unwrap_or("of unknown version"),
        kernel.signer()
    ));
    let initrds = &prepared.initrds;
    hardware.say(format_args!(
        "initrds: {}, {} KiB, intact, {} of them signed",
        initrds.count,
        initrds.bytes / 1024,
        initrds.signed
    ));
    match prepared.policy {
        "" => hardware.say(format_args!("the policy allows it")),
        name => hardware.say(format_args!("the policy \"{name}\" allows it")),
    }
    let (from, to) = prepared.verified;
    hardware.say(format_args!(
        "verified in {}, of it {} for digests",
        hardware.between(from, to),
        hardware.hashing(),
    ));
}
