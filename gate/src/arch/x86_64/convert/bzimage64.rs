//! Linux's bzImage, entered by the 64-bit boot protocol (Documentation/arch/x86/boot.rst).

use baton_formats::boot_params::BootParamsMut;
use baton_formats::bzimage::{BzImage, ENTRY_64, XLF_CAN_BE_LOADED_ABOVE_4G, XLF_EFI_KEXEC};
use baton_verify::Reason;

use super::{Entry, Given, linux};
use crate::arch::x86_64::X86_64;
use crate::convert::room::{ANYWHERE, BELOW_4G, LOWEST};
use crate::convert::{Convert, Room};

pub(super) struct Packed<'d, 'm>(pub &'d BzImage<'m>);

impl<'m> Convert<'m, X86_64> for Packed<'_, 'm> {
    fn convert(&self, given: &Given<'_, 'm>, room: &mut Room<'m>) -> Result<Entry, Reason> {
        let image = self.0;
        let code = image.protected_mode();
        let target = place(image, room)?;
        room.write(target, code, code.len() as u64);
        let mut page = *given.template;
        let mut new = BootParamsMut(&mut page);
        new.install_setup_header(image.setup_header())
            .map_err(|_| Reason::BadBootParams("the kernel's setup header doesn't fit"))?;
        // The old kernel gave EFI's tables virtual addresses, which no other kernel can follow.
        if image.xloadflags() & XLF_EFI_KEXEC == 0 {
            new.clear_efi_info();
        }
        let window = match image.xloadflags() & XLF_CAN_BE_LOADED_ABOVE_4G {
            0 => BELOW_4G,
            _ => ANYWHERE,
        };
        Ok(Entry::Long {
            address: target + ENTRY_64,
            boot_params: linux::boot_params(page, given, window, room)?,
        })
    }
}

/// Takes the lowest memory that is free and suits the kernel; for one that can't move, its own.
fn place(image: &BzImage<'_>, room: &mut Room<'_>) -> Result<u64, Reason> {
    let size = u64::from(image.init_size()).max(image.protected_mode().len() as u64);
    let preferred = image.pref_address();
    if image.relocatable() {
        let align = u64::from(image.kernel_alignment());
        return room.take(size, align, preferred.max(LOWEST)..u64::MAX);
    }
    room.take_at(preferred, size).map(|()| preferred)
}
