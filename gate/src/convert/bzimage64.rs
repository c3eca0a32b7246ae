//! Linux on x86-64, entered by its 64-bit boot protocol (Documentation/arch/x86/boot.rst).

use baton_formats::boot_params::{BootParams, BootParamsMut, LOADER_KEXEC};
use baton_formats::bzimage::{BzImage, ENTRY_64};
use baton_verify::{Decision, Reason};

use super::{BootPlan, Copy};
use crate::arguments::Arguments;
use crate::plan::{Free, Range};

/// Below 16 MiB lies what old devices' DMA can reach; no kernel prefers it.
const LOWEST: u64 = 0x100_0000;

/// Plans the boot of the kernel that was decided on, in `free` memory.
///
/// # Errors
/// `NoRoom` if the kernel doesn't fit anywhere.
pub fn plan<'m>(
    decision: Decision<'m>,
    arguments: &Arguments<'m>,
    free: &Free,
) -> Result<BootPlan<'m>, Reason> {
    let image = decision.bzimage;
    let size = u64::from(image.init_size()).max(image.protected_mode().len() as u64);
    let target = place(&image, size, free)?;
    let mut boot_params = *arguments.boot_params;
    fill(&mut boot_params, &decision, arguments)?;
    Ok(BootPlan {
        kernel: decision.kernel,
        // "6.12.1-amd64 (builder) #1 SMP …": its release is enough for people.
        version: image
            .kernel_version()
            .and_then(|text| text.split(' ').next()),
        copy: Copy {
            from: image.protected_mode(),
            to: target.start,
        },
        boot_params,
        boot_params_address: arguments.address,
        entry: target.start + ENTRY_64,
    })
}

/// The lowest address that is free and suits the kernel; for one that can't move, its own.
fn place(image: &BzImage<'_>, size: u64, free: &Free) -> Result<Range, Reason> {
    let preferred = image.pref_address();
    if image.relocatable() {
        let align = u64::from(image.kernel_alignment());
        return free.find(size, align, preferred.max(LOWEST));
    }
    free.find(size, 1, preferred)
        .ok()
        .filter(|found| found.start == preferred)
        .ok_or(Reason::AddressTaken(preferred))
}

/// The old kernel's boot_params with the new kernel's setup_header, and the arguments put back.
///
/// All else passes through untouched: EFI information, RSDP, screen, EDD, memory map, `secure_boot`.
fn fill(
    page: &mut [u8; 4096],
    decision: &Decision<'_>,
    arguments: &Arguments<'_>,
) -> Result<(), Reason> {
    let old = BootParams(arguments.boot_params);
    let mut new = BootParamsMut(page);
    new.install_setup_header(decision.bzimage.setup_header())
        .map_err(|_| Reason::BadBootParams("the kernel's setup header doesn't fit"))?;
    // As after a plain kexec, which the next kernel knows how to treat.
    new.set_type_of_loader(LOADER_KEXEC);
    new.set_cmdline(old.cmdline());
    // What kind of platform this is (Documentation/arch/x86/boot.rst), as the old kernel knows it.
    new.set_hardware_subarch(old.hardware_subarch());
    new.set_setup_data(old.setup_data());
    let (start, size) = match &decision.initrd_range {
        Some(range) => (
            arguments.handover_address + range.start as u64,
            (range.end - range.start) as u64,
        ),
        None => (0, 0),
    };
    new.set_ramdisk(start, size);
    Ok(())
}
