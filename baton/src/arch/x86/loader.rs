//! What the kernel's loader asks of a boot image (arch/x86/kernel/kexec-bzimage64.c), and what that says of itself
//! (Documentation/arch/x86/boot.rst).

use crate::failure::load::LoadError;
use crate::failure::{Failure, Result};
use baton_formats::bzimage::{BzImage, XLF_5LEVEL, XLF_CAN_BE_LOADED_ABOVE_4G};
use baton_verify::{Component, Reason, Refusal};

/// What else lies in the memory for a crash kernel, and is lost to alignment: purgatory, boot_params and
/// the ELF headers of the dump below 2 MiB, and up to 2 MiB before the next kernel.
pub const CRASH_RESERVE: u64 = 4 << 20;

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

impl Header {
    /// Reads it.
    ///
    /// # Errors
    /// `BadKernel`.
    pub fn parse(image: &[u8]) -> std::result::Result<Header, Reason> {
        let image = BzImage::parse(image).map_err(Reason::BadKernel)?;
        Ok(Header {
            cmdline_size: image.cmdline_size(),
            init_size: image.init_size(),
            xloadflags: image.xloadflags(),
        })
    }

    /// Whether an image with this header can be entered as the running kernel enters it, which keeps the number of
    /// page-table levels.
    ///
    /// # Errors
    /// Why not.
    pub fn check_entry(&self, five_level: bool, component: Component) -> Result<()> {
        let refused = |reason| Err(Failure::from(Refusal::new(component, reason)));
        if self.xloadflags & XLF_CAN_BE_LOADED_ABOVE_4G == 0 {
            return match component {
                Component::Kernel => Err(LoadError::ArgumentsBelow4G.into()),
                _ => refused(Reason::NotAbove4G),
            };
        }
        if five_level && self.xloadflags & XLF_5LEVEL == 0 {
            return refused(Reason::NoFiveLevel);
        }
        Ok(())
    }
}

/// What a Linux says of itself in its boot image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Linux {
    /// What `uname -r` says under it.
    pub release: String,
    /// Memory it needs to start, in bytes.
    pub init_size: u64,
}

impl Linux {
    /// Reads it. The version begins with the release (arch/x86/boot/version.c).
    ///
    /// # Errors
    /// Why it is none, in words.
    pub fn read(image: &[u8]) -> std::result::Result<Linux, String> {
        let image = BzImage::parse(image).map_err(|e| e.to_string())?;
        let version = image
            .kernel_version()
            .and_then(|text| text.split(' ').next());
        let release = version.filter(|release| !release.is_empty() && !release.contains('/'));
        let release = release.ok_or_else(|| "it says no version".to_owned())?;
        Ok(Linux {
            release: release.to_owned(),
            init_size: image.init_size().into(),
        })
    }
}
