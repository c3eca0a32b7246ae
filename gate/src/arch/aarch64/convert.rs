//! How a kernel is entered on arm64: Linux's Image, with a device tree (Documentation/arch/arm64/booting.rst).

extern crate alloc;

use alloc::vec::Vec;
use core::ops;

use baton_formats::arch::arm64::image::{ALIGNMENT, Image};
use baton_formats::gate_image::Isa;
use baton_verify::{Payload, Reason};

use super::Aarch64;
use super::tree::{self, Changes};
use crate::convert::room::{ANYWHERE, LOWEST};
use crate::convert::{Convert, Room, initrds, verdict};
use crate::memory::PAGE;
use crate::plan::Range;

/// What the next kernel finds the record of what was verified by, in `/chosen`: its bytes. Locked down, user space could
/// read no memory that it only pointed to.
///
/// A kernel that is started by kexec without the gate gets a copy of the tree, and this with it. What it doesn't get is
/// the tree's reservation of itself, which the kernel takes out (of_kexec_alloc_and_setup_fdt in drivers/of/kexec.c): the
/// record is about the kernel that runs only if the tree reserves as many bytes as it has.
pub const VERDICT: &str = "baton,verdict";

/// How a kernel is entered: with the MMU off, as the old one entered the gate. All addresses are physical.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The entry point.
    pub address: u64,
    /// What x0 holds: the address of the device tree.
    pub device_tree: u64,
}

type Given<'g, 'm> = crate::convert::Given<'g, 'm, Aarch64>;

/// A kernel and its initrd lie within 32 GiB, which begin at a multiple of 1 GiB.
const WINDOW: u64 = 32 << 30;
const WINDOW_ALIGNMENT: u64 = 1 << 30;

/// What a device tree begins at a multiple of; it is mapped with whatever else lies in the same 2 MiB.
const TREE_ALIGNMENT: u64 = 2 << 20;

pub(super) struct Kernel<'d, 'm>(pub &'d Image<'m>);

/// What converts such a kernel.
pub(super) fn kernel<'p, 'm>(payload: &'p Payload<'m>) -> Result<Kernel<'p, 'm>, Reason> {
    match payload {
        Payload::Arm64(image) => Ok(Kernel(image)),
        // `decide` has refused these; the compiler can't know.
        _ => Err(Reason::OtherArchitecture(Isa::X86_64)),
    }
}

impl<'m> Convert<'m, Aarch64> for Kernel<'_, 'm> {
    fn convert(&self, given: &Given<'_, 'm>, room: &mut Room<'m>) -> Result<Entry, Reason> {
        let address = place(self.0, room)?;
        room.write(address, self.0.bytes(), self.0.image_size());
        let initrd = initrds::place(given, window(address), room)?;
        let device_tree = device_tree(given, initrd, room)?;
        Ok(Entry {
            address,
            device_tree,
        })
    }
}

/// Takes the lowest memory that is free: what lies below a kernel that may not lie anywhere is lost to it.
fn place(image: &Image<'_>, room: &mut Room<'_>) -> Result<u64, Reason> {
    let before = image.text_offset();
    let size = image.image_size().checked_add(before);
    let size = size.ok_or(Reason::NoRoom {
        needed: u64::MAX,
        largest_free: 0,
    })?;
    let base = room.take(size, ALIGNMENT, ANYWHERE)?;
    Ok(base.saturating_add(before))
}

/// Where the initrd of a kernel at this address may lie.
fn window(kernel: u64) -> ops::Range<u64> {
    let start = kernel & !(WINDOW_ALIGNMENT - 1);
    start.max(LOWEST)..start.saturating_add(WINDOW)
}

/// Puts the device tree that the next kernel gets into memory, and gives its address.
fn device_tree(
    given: &Given<'_, '_>,
    (start, size): (u64, u64),
    room: &mut Room<'_>,
) -> Result<u64, Reason> {
    let mut line = Vec::from(&given.decision.command_line[..]);
    line.push(0);
    let record = verdict::record(given.decision, given.identity);
    let (begin, end) = (
        start.to_be_bytes(),
        start.saturating_add(size).to_be_bytes(),
    );
    let initrd = |bytes| (size > 0).then_some(bytes);
    let old = (
        given.arguments.handover_address,
        given.arguments.handover.len() as u64,
    );
    let tables = hand_on_tables(given, room)?;
    let mut reserved = Vec::new();
    reserved.extend((size > 0).then_some((start, size)));
    reserved.extend(tables);
    let chosen = [
        ("bootargs", Some(&line[..])),
        ("linux,initrd-start", initrd(&begin[..])),
        ("linux,initrd-end", initrd(&end[..])),
        (VERDICT, Some(&record)),
    ];
    let at = |own: (u64, u64)| {
        let reserved = [&reserved[..], &[own]].concat();
        let changes = Changes {
            chosen: &chosen,
            reserved: &reserved,
            released: &[old],
        };
        tree::changed(&given.arguments.own.tree, &changes)
    };
    // Where it lies doesn't change how long it is.
    let length = at((0, 1))?.len() as u64;
    let address = room.take(length, TREE_ALIGNMENT, ANYWHERE)?;
    room.write(address, at((address, length))?, length);
    Ok(address)
}

/// Puts the array of configuration tables, where the gate changed it, into memory that nobody uses from here on, and has
/// the firmware's system table lead there. Gives what is to be reserved.
fn hand_on_tables(
    given: &Given<'_, '_>,
    room: &mut Room<'_>,
) -> Result<Option<(u64, u64)>, Reason> {
    let (Some(tables), Some(efi)) = (given.tables, given.arguments.efi) else {
        return Ok(None);
    };
    let size = (tables.len() as u64).next_multiple_of(PAGE);
    let address = take_untranslated(size, &given.arguments.own.firmware_at, room)?;
    room.write(address, tables.to_vec(), size);
    room.write(efi.told_at, address.to_le_bytes().to_vec(), 8);
    Ok(Some((address, size)))
}

/// Takes memory at an address that isn't also a virtual one of the firmware's: the next kernel would translate it
/// (efi_to_phys in drivers/firmware/efi/efi-init.c), and Linux's stub gives these from 512 MiB on, where RAM may be.
fn take_untranslated(size: u64, firmware_at: &[Range], room: &mut Room<'_>) -> Result<u64, Reason> {
    let mut from = LOWEST;
    loop {
        let address = room.take(size, PAGE, from..u64::MAX)?;
        let Some(taken) = Range::new(address, size) else {
            return Ok(address);
        };
        match firmware_at.iter().find(|it| it.overlaps(taken)) {
            Some(other) => from = other.end,
            None => return Ok(address),
        }
    }
}
