//! What Linux on x86 is given, however it is entered: boot_params, and what hangs off them
//! (Documentation/arch/x86/boot.rst).

extern crate alloc;

use alloc::borrow::Cow;
use alloc::vec::Vec;
use core::ops;

use baton_formats::boot_params::{BootParams, BootParamsMut, LEN, LOADER_KEXEC};
use baton_formats::setup_data::{HEADER_LEN, SETUP_DTB, SetupDataHeader};
use baton_formats::verdict::SETUP_BATON_VERDICT;
use baton_verify::Reason;

use super::Given;
use crate::convert::room::ANYWHERE;
use crate::convert::{Room, initrds, verdict};
use crate::memory::PAGE;

/// Completes `page`, boot_params with the kernel's setup header, and gives the address where they go.
///
/// All that isn't set here passes through untouched: EFI information, RSDP, screen, EDD, memory map,
/// `secure_boot`. boot_params and the command line stay where the old kernel put them if that is
/// within `window`.
pub(super) fn boot_params<'m>(
    mut page: [u8; LEN],
    given: &Given<'_, 'm>,
    window: ops::Range<u64>,
    room: &mut Room<'m>,
) -> Result<u64, Reason> {
    let old = BootParams(given.arguments.own.boot_params);
    let mut new = BootParamsMut(&mut page);
    // As after a plain kexec, which the next kernel knows how to treat.
    new.set_type_of_loader(LOADER_KEXEC);
    // What kind of platform this is (Documentation/arch/x86/boot.rst), as the old kernel knows it.
    new.set_hardware_subarch(old.hardware_subarch());
    new.set_setup_data(setup_data(given, old.setup_data(), room)?);
    new.set_cmdline(command_line(given, old.cmdline(), &window, room)?);
    let (start, size) = initrds::place(given, window.clone(), room)?;
    new.set_ramdisk(start, size);
    hand_on_tables(given, &mut new, room)?;
    let address = given.arguments.own.address;
    if within(address, LEN, &window) {
        room.write(address, page.to_vec(), LEN as u64);
        return Ok(address);
    }
    room.put(page.to_vec(), window)
}

/// Puts the array of configuration tables, where the gate changed it, into memory that the map reserves from here
/// on, and has the old kernel's word of it lead there. The firmware's own array stays as it is, in the firmware's
/// memory. In memory that the map calls usable the copy wouldn't last: Linux doesn't keep the array, and the
/// gate after this one would look for shim's table in whatever lies there by then.
fn hand_on_tables<'m>(
    given: &Given<'_, 'm>,
    new: &mut BootParamsMut<'_>,
    room: &mut Room<'m>,
) -> Result<(), Reason> {
    let (Some(tables), Some(efi)) = (given.tables, given.arguments.efi) else {
        return Ok(());
    };
    let size = (tables.len() as u64).next_multiple_of(PAGE);
    let address = room.take(size, PAGE, ANYWHERE)?;
    new.reserve(address, size)
        .map_err(|_| Reason::BadMemoryMap("it has no entry left for the EFI tables"))?;
    room.write(address, tables.to_vec(), size);
    room.write(efi.told_at, address.to_le_bytes().to_vec(), 8);
    Ok(())
}

/// The list of setup_data with what the gate adds before the old one; gives its first node.
fn setup_data(given: &Given<'_, '_>, old: u64, room: &mut Room<'_>) -> Result<u64, Reason> {
    let tree = given.decision.device_tree;
    let next = match tree {
        Some(tree) => add_node(SETUP_DTB, tree, old, room)?,
        None => old,
    };
    let verdict = verdict::record(given.decision, given.identity);
    add_node(SETUP_BATON_VERDICT, &verdict, next, room)
}

fn add_node(kind: u32, data: &[u8], next: u64, room: &mut Room<'_>) -> Result<u64, Reason> {
    let len = u32::try_from(data.len()).unwrap_or(u32::MAX);
    let header = SetupDataHeader { next, kind, len };
    let mut node = Vec::with_capacity(HEADER_LEN + data.len());
    node.extend_from_slice(&header.to_bytes());
    node.extend_from_slice(data);
    room.put(node, ANYWHERE)
}

fn command_line(
    given: &Given<'_, '_>,
    old: u64,
    window: &ops::Range<u64>,
    room: &mut Room<'_>,
) -> Result<u64, Reason> {
    let line = &given.decision.command_line;
    let unchanged = matches!(line, Cow::Borrowed(_));
    if unchanged && within(old, line.len() + 1, window) {
        return Ok(old);
    }
    room.put(terminated(line), window.clone())
}

/// The line with its NUL.
pub(super) fn terminated(line: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(line.len() + 1);
    bytes.extend_from_slice(line);
    bytes.push(0);
    bytes
}

/// Whether so many bytes at an address end within the window. (Where memory begins doesn't matter
/// for what lies there already.)
fn within(address: u64, size: usize, window: &ops::Range<u64>) -> bool {
    let end = address.checked_add(size as u64);
    end.is_some_and(|end| end <= window.end)
}
