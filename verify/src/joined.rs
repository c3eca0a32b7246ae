//! What Linux takes from the initrds besides the files that it unpacks.
//!
//! It looks for that in the initrds as they are joined, each at a multiple of [`ALIGNMENT`] at least,
//! so that one may hold a part of something and the next one the rest.

use alloc::vec::Vec;

use baton_formats::cpio::Search;
use baton_formats::handover::Handover;
use baton_formats::policy::Rules;
use baton_formats::verdict::Way;

use crate::command_line;
use crate::reason::Reason;
use crate::refusal::{Component, Refusal};
use crate::vouched::Part;

/// The parameter that makes Linux read a bootconfig, and what that ends with
/// (Documentation/admin-guide/bootconfig.rst).
const BOOTCONFIG: &[u8] = b"bootconfig";
const BOOTCONFIG_MAGIC: &[u8] = b"#BOOTCONFIG\n";
/// Where ACPI tables are in an initrd (`acpi_table_upgrade` in drivers/acpi/tables.c).
const ACPI_TABLES: &[u8] = b"kernel/firmware/acpi/";
/// Where initrds begin when they are joined, at least
/// (Documentation/driver-api/early-userspace/buffer-format.rst).
const ALIGNMENT: usize = 4;

/// Checks the initrds of a handover, each vouched for as `parts` say, behind those that are signed with
/// the kernel.
///
/// The microcode that Linux takes from there, too, is none of this: the processor verifies it.
pub(crate) fn check(
    signed: &[&[u8]],
    handover: &Handover<'_>,
    parts: &[Part],
    rules: &Rules<'_>,
) -> Result<(), Refusal> {
    check_acpi_tables(signed, handover, parts)?;
    match command_line::denies(BOOTCONFIG, rules) {
        true => check_bootconfig(signed, handover, parts),
        false => Ok(()),
    }
}

/// Refuses ACPI tables that nobody vouches for. They are code for the kernel's interpreter, and since
/// 6.12 Linux installs them although it is to be locked down: it asks before its security modules run
/// (`setup_arch`, then `early_security_init` in init/main.c).
///
/// This is stricter than Linux's reader: a table counts wherever it is, whatever stands before it.
fn check_acpi_tables(
    signed: &[&[u8]],
    handover: &Handover<'_>,
    parts: &[Part],
) -> Result<(), Refusal> {
    let mut search = Search::new(ACPI_TABLES);
    for initrd in signed {
        search.reaches_into(initrd);
        search.reaches_into(padding_after(initrd));
    }
    for (index, (record, part)) in handover.initrds().zip(parts).enumerate() {
        let unsigned = part.vouched.way == Way::Unsigned;
        // What lies across a joint was signed by nobody as it is.
        if search.reaches_into(record.bytes) || (unsigned && search.is_in(record.bytes)) {
            return Err(Refusal::new(Component::Initrd(index), Reason::AcpiTables));
        }
        search.reaches_into(padding_after(record.bytes));
    }
    Ok(())
}

/// Refuses a bootconfig that nobody vouches for: kernels that were built to read it without being told
/// (`CONFIG_BOOT_CONFIG_FORCE`) would take parameters from it that no rule has seen.
fn check_bootconfig(
    signed: &[&[u8]],
    handover: &Handover<'_>,
    parts: &[Part],
) -> Result<(), Refusal> {
    let hidden = |index| Refusal::new(Component::Initrd(index), Reason::HiddenBootconfig);
    let mut joined = Vec::from(signed);
    for (index, (record, part)) in handover.initrds().zip(parts).enumerate() {
        if part.vouched.way == Way::Unsigned && end_with_bootconfig(&[record.bytes]) {
            return Err(hidden(index));
        }
        joined.push(record.bytes);
    }
    let in_the_last = joined
        .last()
        .is_none_or(|last| end_with_bootconfig(&[last]));
    match parts.len().checked_sub(1) {
        Some(last) if !in_the_last && end_with_bootconfig(&joined) => Err(hidden(last)),
        _ => Ok(()),
    }
}

/// Linux compares the magic with what ends at each of the last four positions, because boot loaders may
/// have aligned the end, and never asks what follows it there (`get_boot_config_from_initrd` in
/// init/main.c). Any number of zeros at the end is passed over first, however the end is aligned.
fn end_with_bootconfig(initrds: &[&[u8]]) -> bool {
    let joined = initrds
        .iter()
        .flat_map(|initrd| initrd.iter().chain(padding_after(initrd)));
    let mut before = joined.rev().skip_while(|byte| **byte == 0);
    (0..ALIGNMENT).any(|_| {
        let end = before.clone().take(BOOTCONFIG_MAGIC.len());
        let is_magic = end.eq(BOOTCONFIG_MAGIC.iter().rev());
        before.next();
        is_magic
    })
}

/// The zeros between an initrd and the next one.
fn padding_after(initrd: &[u8]) -> &'static [u8] {
    let len = initrd.len().next_multiple_of(ALIGNMENT);
    let len = len.saturating_sub(initrd.len());
    [0; ALIGNMENT].get(..len).unwrap_or_default()
}
