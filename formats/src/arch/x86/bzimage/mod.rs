//! Linux's x86 boot image: a setup part with the setup header, then the protected-mode part.
//!
//! Sources: Documentation/arch/x86/boot.rst ("The Real-Mode Kernel Header"), whose field names are
//! used here, and `bzImage64_probe` in arch/x86/kernel/kexec-bzimage64.c, whose checks are made
//! here too, but for two that depend on the machine: `XLF_CAN_BE_LOADED_ABOVE_4G` and `XLF_5LEVEL`
//! are exposed through [`BzImage::xloadflags`].

mod error;

#[cfg(test)]
mod tests;

pub use error::BzImageError;

use crate::reader::{array_at, u16_at, u32_at, u64_at};

/// `loadflags`: the protected-mode part goes to 1 MiB or above.
pub const LOADED_HIGH: u8 = 1 << 0;
/// `xloadflags`: there is a 64-bit entry point at 0x200 of the protected-mode part.
pub const XLF_KERNEL_64: u16 = 1 << 0;
/// `xloadflags`: kernel, boot_params, command line and initrd may lie above 4 GiB.
pub const XLF_CAN_BE_LOADED_ABOVE_4G: u16 = 1 << 1;
/// `xloadflags`: the kernel can be started by kexec on a machine whose EFI runtime services the old
/// kernel has mapped already.
pub const XLF_EFI_KEXEC: u16 = 1 << 4;
/// `xloadflags`: the kernel can be entered with 5-level paging on.
pub const XLF_5LEVEL: u16 = 1 << 5;
/// `xloadflags`: the kernel will use 5-level paging where it finds it.
pub const XLF_5LEVEL_ENABLED: u16 = 1 << 6;
/// The offset of the 64-bit entry point in the protected-mode part.
pub const ENTRY_64: u64 = 0x200;
/// Where the setup header begins, in the file and in boot_params.
pub const SETUP_HEADER_OFFSET: usize = 0x1f1;
/// Where the setup header must have ended: what follows it in boot_params (`edd_mbr_sig_buffer`)
/// isn't the image's to set.
pub const SETUP_HEADER_LIMIT: usize = 0x290;
/// The oldest boot protocol accepted, 2.12: the first with `xloadflags`.
pub const MIN_VERSION: u16 = 0x020c;

const SECTOR: usize = 512;
const BOOT_FLAG: u16 = 0xaa55;
/// Where the fields of protocol 2.12 end (after `handover_offset`).
const HEADER_END_2_12: usize = 0x268;
/// `setup_sects` of images that say 0, for backwards compatibility.
const DEFAULT_SETUP_SECTS: u8 = 4;
/// `kernel_version` counts from here.
const VERSION_STRING_BASE: usize = 0x200;
/// The longest version string looked for, in bytes.
const MAX_VERSION_STRING: usize = 512;

/// A bzImage that a 64-bit boot loader can boot.
#[derive(Clone, Copy, Debug)]
pub struct BzImage<'a> {
    file: &'a [u8],
    header: &'a [u8],
    protected_mode: &'a [u8],
    fields: Fields,
}

/// The fields of the setup header, at the offsets of boot.rst.
#[derive(Clone, Copy, Debug)]
struct Fields {
    setup_sects: u8,
    syssize: u32,
    version: u16,
    kernel_version: u16,
    loadflags: u8,
    kernel_alignment: u32,
    relocatable: u8,
    min_alignment: u8,
    xloadflags: u16,
    cmdline_size: u32,
    payload_offset: u32,
    payload_length: u32,
    pref_address: u64,
    init_size: u32,
}

impl Fields {
    fn read(file: &[u8]) -> Option<Self> {
        let [setup_sects] = array_at(file, 0x1f1)?;
        let [loadflags] = array_at(file, 0x211)?;
        let [relocatable, min_alignment] = array_at(file, 0x234)?;
        Some(Fields {
            setup_sects,
            syssize: u32_at(file, 0x1f4)?,
            version: u16_at(file, 0x206)?,
            kernel_version: u16_at(file, 0x20e)?,
            loadflags,
            kernel_alignment: u32_at(file, 0x230)?,
            relocatable,
            min_alignment,
            xloadflags: u16_at(file, 0x236)?,
            cmdline_size: u32_at(file, 0x238)?,
            payload_offset: u32_at(file, 0x248)?,
            payload_length: u32_at(file, 0x24c)?,
            pref_address: u64_at(file, 0x258)?,
            init_size: u32_at(file, 0x260)?,
        })
    }

    fn check(&self) -> Result<(), BzImageError> {
        if self.version < MIN_VERSION {
            return Err(BzImageError::Version(self.version));
        }
        if self.loadflags & LOADED_HIGH == 0 {
            return Err(BzImageError::NotLoadedHigh);
        }
        if self.xloadflags & XLF_KERNEL_64 == 0 {
            return Err(BzImageError::No64BitEntry);
        }
        if !self.kernel_alignment.is_power_of_two() {
            return Err(BzImageError::Alignment(self.kernel_alignment));
        }
        if self
            .pref_address
            .checked_add(self.init_size.into())
            .is_none()
        {
            return Err(BzImageError::PrefAddress(self.pref_address));
        }
        Ok(())
    }
}

impl<'a> BzImage<'a> {
    /// Whether a file has a setup header. Says nothing about what is in it.
    pub fn recognises(file: &[u8]) -> bool {
        array_at(file, 0x202) == Some(*b"HdrS")
    }

    /// Reads and checks the setup header of `file`: the whole image, or all of it before its
    /// signature.
    pub fn parse(file: &'a [u8]) -> Result<Self, BzImageError> {
        let truncated = BzImageError::TooShort(file.len());
        if u16_at(file, 0x1fe).ok_or(truncated)? != BOOT_FLAG {
            return Err(BzImageError::NoBootFlag);
        }
        array_at::<4>(file, 0x202).ok_or(truncated)?;
        if !Self::recognises(file) {
            return Err(BzImageError::NoHdrS);
        }
        let fields = Fields::read(file).ok_or(truncated)?;
        fields.check()?;
        let image = BzImage {
            file,
            header: setup_header(file)?,
            protected_mode: protected_mode(file, fields.setup_sects).ok_or(truncated)?,
            fields,
        };
        image.check_sizes()?;
        Ok(image)
    }

    /// `init_size` and `syssize` against the protected-mode part that is there.
    fn check_sizes(&self) -> Result<(), BzImageError> {
        let length = self.protected_mode.len();
        let stated = u64::from(self.syssize()).saturating_mul(16);
        // It is rounded up to whole paragraphs, and the file need not be (memtest86+'s isn't).
        let there = length.checked_next_multiple_of(16);
        if usize::try_from(stated).is_ok_and(|stated| Some(stated) > there) {
            return Err(BzImageError::Truncated {
                stated,
                actual: length,
            });
        }
        if usize::try_from(self.init_size()).is_ok_and(|size| size < length) {
            return Err(BzImageError::InitSize {
                init_size: self.init_size(),
                needed: length,
            });
        }
        Ok(())
    }

    /// How many 512-byte sectors the setup part has after the first one.
    pub fn setup_sects(&self) -> u8 {
        match self.fields.setup_sects {
            0 => DEFAULT_SETUP_SECTS,
            n => n,
        }
    }

    /// The boot protocol's version: 0x020f is 2.15.
    pub fn version(&self) -> u16 {
        self.fields.version
    }

    /// The protected-mode part's size in 16-byte paragraphs, as stated.
    pub fn syssize(&self) -> u32 {
        self.fields.syssize
    }

    /// How many bytes the kernel needs from where it is loaded, until it knows its memory.
    pub fn init_size(&self) -> u32 {
        self.fields.init_size
    }

    /// Where the kernel would like to be loaded.
    pub fn pref_address(&self) -> u64 {
        self.fields.pref_address
    }

    /// The alignment that the kernel would like, in bytes: a power of two.
    pub fn kernel_alignment(&self) -> u32 {
        self.fields.kernel_alignment
    }

    /// The least alignment that the kernel takes, as a power of two: 12 for 4096 bytes. Unchecked.
    pub fn min_alignment(&self) -> u8 {
        self.fields.min_alignment
    }

    /// Whether the kernel can be loaded elsewhere than at `pref_address`.
    pub fn relocatable(&self) -> bool {
        self.fields.relocatable != 0
    }

    /// Flags of protocol 2.12 (`XLF_*`).
    pub fn xloadflags(&self) -> u16 {
        self.fields.xloadflags
    }

    /// Flags ([`LOADED_HIGH`] and others).
    pub fn loadflags(&self) -> u8 {
        self.fields.loadflags
    }

    /// The longest command line that the kernel takes, in bytes without the final NUL.
    pub fn cmdline_size(&self) -> u32 {
        self.fields.cmdline_size
    }

    /// Where the compressed kernel lies in the protected-mode part, in bytes. Unchecked.
    pub fn payload_offset(&self) -> u32 {
        self.fields.payload_offset
    }

    /// The length of the compressed kernel in bytes. Unchecked.
    pub fn payload_length(&self) -> u32 {
        self.fields.payload_length
    }

    /// The setup header: what is copied to 0x1f1 of the kernel's boot_params. It ends there at or
    /// before [`SETUP_HEADER_LIMIT`].
    pub fn setup_header(&self) -> &'a [u8] {
        self.header
    }

    /// What is loaded: everything after the setup part.
    pub fn protected_mode(&self) -> &'a [u8] {
        self.protected_mode
    }

    /// The kernel's release and build, as `file` shows them; `None` where the image has none.
    pub fn kernel_version(&self) -> Option<&'a str> {
        let pointer = usize::from(self.fields.kernel_version);
        if pointer == 0 {
            return None;
        }
        let text = self.file.get(pointer.checked_add(VERSION_STRING_BASE)?..)?;
        let text = text.get(..MAX_VERSION_STRING).unwrap_or(text);
        let end = text.iter().position(|&byte| byte == 0)?;
        core::str::from_utf8(text.get(..end)?).ok()
    }
}

/// The setup header ends at 0x202 + the byte at 0x201, the target of the jump over it.
fn setup_header(file: &[u8]) -> Result<&[u8], BzImageError> {
    let truncated = BzImageError::TooShort(file.len());
    let [jump] = array_at(file, 0x201).ok_or(truncated)?;
    let end = usize::from(jump).saturating_add(0x202);
    if !(HEADER_END_2_12..=SETUP_HEADER_LIMIT).contains(&end) {
        return Err(BzImageError::HeaderEnd(end));
    }
    file.get(SETUP_HEADER_OFFSET..end).ok_or(truncated)
}

fn protected_mode(file: &[u8], setup_sects: u8) -> Option<&[u8]> {
    let sectors = match setup_sects {
        0 => DEFAULT_SETUP_SECTS,
        n => n,
    };
    let begin = usize::from(sectors).checked_add(1)?.checked_mul(SECTOR)?;
    // Up to the 64-bit entry point and beyond, or there is nothing to run.
    file.get(begin..)
        .filter(|code| u64::try_from(code.len()).is_ok_and(|len| len > ENTRY_64))
}
