//! What the running kernel shows of how it was started: its boot_params (arch/x86/kernel/ksysfs.c).

use baton_formats::boot_params::{BootParams, LEN, LOADER_KEXEC};
use baton_formats::verdict::SETUP_BATON_VERDICT;
use baton_sys::arch::x86::{boot_params, setup_data};
use baton_sys::{ReadError, Root};
use baton_verify::Machine;

/// Where it shows that.
pub const DIRECTORY: &str = "sys/kernel/boot_params";

/// What it was told of Secure Boot and EFI; `None` if it doesn't show that.
///
/// # Errors
/// When it is there and can't be read.
pub fn told(root: &Root) -> Result<Option<Machine>, ReadError> {
    let page = boot_params::read(root)?;
    let page = page.as_deref().and_then(<[u8]>::first_chunk);
    Ok(page.map(|page| Machine::told_by(&BootParams(page))))
}

/// Whether a kernel started it, and no boot loader; what the running kernel doesn't show is none.
///
/// # Errors
/// When it is there and can't be read.
pub fn is_by_kexec(root: &Root) -> Result<bool, ReadError> {
    let page = boot_params::read(root)?;
    let page = page.as_deref().and_then(<[u8]>::first_chunk);
    Ok(page.is_some_and(|page| BootParams(page).type_of_loader() == LOADER_KEXEC))
}

/// The record of the gate that started it; `None` where no gate did.
///
/// # Errors
/// When it is there and can't be read: only root may read it.
pub fn gate_record(root: &Root) -> Result<Option<Vec<u8>>, ReadError> {
    setup_data::find(root, SETUP_BATON_VERDICT)
}

/// The page itself; `None` if it doesn't show that.
///
/// # Errors
/// When it is there and can't be read.
pub fn page(root: &Root) -> Result<Option<[u8; LEN]>, ReadError> {
    let page = boot_params::read(root)?;
    Ok(page.as_deref().and_then(<[u8]>::first_chunk).copied())
}
