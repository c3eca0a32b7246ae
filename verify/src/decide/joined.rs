//! What Linux takes from the initrds besides the files that it unpacks.
//!
//! It looks for that in the initrds as they are joined, each at a multiple of [`ALIGNMENT`] at least,
//! so that one may hold a part of something and the next one the rest.

use baton_formats::cpio::Search;
use baton_formats::policy::Rules;

use crate::decide::vouched::Vouched;
use crate::policy::command_line;
use crate::reason::Reason;
use crate::reason::refusal::{Component, Refusal};

/// The parameter that makes Linux read a bootconfig, and what that ends with
/// (Documentation/admin-guide/bootconfig.rst).
const BOOTCONFIG: &[u8] = b"bootconfig";
const BOOTCONFIG_MAGIC: &[u8] = b"#BOOTCONFIG\n";
/// Where ACPI tables are in an initrd (`acpi_table_upgrade` in drivers/acpi/tables.c).
const ACPI_TABLES: &[u8] = b"kernel/firmware/acpi/";
/// Where initrds begin when they are joined, at least
/// (Documentation/driver-api/early-userspace/buffer-format.rst).
const ALIGNMENT: usize = 4;

/// One of the initrds that Linux takes as one.
pub(crate) struct Piece<'a> {
    /// What it belongs to: the UKI, an addon, or itself.
    pub(crate) of: Component,
    /// Its bytes.
    pub(crate) bytes: &'a [u8],
    /// How it is vouched for.
    pub(crate) vouched: Vouched,
}

impl Piece<'_> {
    /// Whether it is a part of a signed image whose signer may vouch for code: its place among such parts
    /// isn't chosen by user space.
    fn is_fixed(&self, rules: &Rules<'_>) -> bool {
        !matches!(self.of, Component::Initrd(_)) && self.vouched.counts_for_code(rules)
    }
}

/// Checks initrds in the order in which they are joined.
///
/// The microcode that Linux takes from there, too, is none of this: the processor verifies it.
#[inline(never)] // Smaller code: the caller's frame stays short.
pub(crate) fn check(pieces: &[Piece<'_>], rules: &Rules<'_>) -> Result<(), Refusal> {
    check_acpi_tables(pieces, rules)?;
    if command_line::denies(BOOTCONFIG, rules) {
        check_bootconfig(pieces, rules)
    } else {
        Ok(())
    }
}

/// Refuses ACPI tables that nobody vouches for. They are code for the kernel's interpreter, and since
/// 6.12 Linux installs them although it is to be locked down: it asks before its security modules run
/// (`setup_arch`, then `early_security_init` in init/main.c).
///
/// This is stricter than Linux's reader: a table counts wherever it is, whatever stands before it, and
/// after an initrd that nobody vouches for it counts in signed ones, too. A file in a signed initrd may
/// be an archive itself, and the size of an entry before it says where the reader goes on.
fn check_acpi_tables(pieces: &[Piece<'_>], rules: &Rules<'_>) -> Result<(), Refusal> {
    let mut search = Search::new(ACPI_TABLES);
    let mut loose = None;
    let mut unvouched = false;
    for piece in pieces {
        if !piece.is_fixed(rules) {
            loose = Some(piece.of);
        }
        unvouched |= !piece.vouched.counts_for_code(rules);
        // What lies across a joint was signed by nobody as it is.
        let across = search.reaches_into(piece.bytes);
        let found = across || (unvouched && search.is_in(piece.bytes));
        if let Some(component) = loose.filter(|_| found) {
            return Err(Refusal::new(component, Reason::AcpiTables));
        }
        search.reaches_into(padding_after(piece.bytes));
    }
    Ok(())
}

/// Refuses a bootconfig that nobody vouches for: kernels that were built to read it without being told
/// (`CONFIG_BOOT_CONFIG_FORCE`) would take parameters from it that no rule has seen.
fn check_bootconfig(pieces: &[Piece<'_>], rules: &Rules<'_>) -> Result<(), Refusal> {
    let ends_so = |piece: &Piece<'_>| end_with_bootconfig(core::slice::from_ref(piece));
    let unvouched = |piece: &&Piece<'_>| !piece.vouched.counts_for_code(rules);
    if let Some(piece) = pieces.iter().filter(unvouched).find(|it| ends_so(it)) {
        return Err(Refusal::new(piece.of, Reason::HiddenBootconfig));
    }
    // By joints that nobody signed.
    let in_the_last = pieces.last().is_some_and(ends_so);
    let loose = pieces.iter().rev().find(|piece| !piece.is_fixed(rules));
    match loose.filter(|_| !in_the_last && end_with_bootconfig(pieces)) {
        Some(piece) => Err(Refusal::new(piece.of, Reason::HiddenBootconfig)),
        None => Ok(()),
    }
}

/// Linux compares the magic with what ends at each of the last four positions, because boot loaders may
/// have aligned the end, and never asks what follows it there (`get_boot_config_from_initrd` in
/// init/main.c). Any number of zeros at the end is passed over first, however the end is aligned.
fn end_with_bootconfig(pieces: &[Piece<'_>]) -> bool {
    let joined = pieces
        .iter()
        .flat_map(|piece| piece.bytes.iter().chain(padding_after(piece.bytes)));
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
