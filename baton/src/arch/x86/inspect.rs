//! Linux's boot images, shown.

use crate::input::compression;
use crate::output::page::Page;
use baton_formats::bzimage::BzImage;
use serde::Serialize;

/// The flags of `xloadflags`, from bit 0 on (Documentation/arch/x86/boot.rst).
const XLOADFLAGS: [&str; 8] = [
    "KERNEL_64",
    "CAN_BE_LOADED_ABOVE_4G",
    "EFI_HANDOVER_32",
    "EFI_HANDOVER_64",
    "EFI_KEXEC",
    "5LEVEL",
    "5LEVEL_ENABLED",
    "MEM_ENCRYPTION",
];

/// The setup header. Field names are those of boot.rst.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct BzImageInfo {
    /// The kernel's release and build.
    pub kernel_version: Option<String>,
    /// The boot protocol's version, as people write it.
    pub protocol: String,
    /// 512-byte sectors of the setup part after the first.
    pub setup_sects: u8,
    /// The protected-mode part, in 16-byte paragraphs.
    pub syssize: u32,
    /// Bytes needed from where the kernel is loaded.
    pub init_size: u32,
    /// Where it would like to be loaded.
    pub pref_address: u64,
    /// Whether it may lie elsewhere.
    pub relocatable: bool,
    /// The alignment it would like.
    pub kernel_alignment: u32,
    /// The least alignment it takes, as a power of two.
    pub min_alignment: u8,
    /// The flags in `loadflags`, as they are.
    pub loadflags: u8,
    /// The flags in `xloadflags`, by name.
    pub xloadflags: Vec<&'static str>,
    /// The longest command line, in bytes.
    pub cmdline_size: u32,
    /// Where the compressed kernel lies in the protected-mode part.
    pub payload_offset: u32,
    /// Its length in bytes.
    pub payload_length: u32,
    /// What it is compressed by.
    pub payload_compression: Option<&'static str>,
}

impl BzImageInfo {
    /// Reads it.
    #[must_use]
    pub fn of(image: &BzImage<'_>) -> BzImageInfo {
        let flags = image.xloadflags();
        let named = XLOADFLAGS.iter().enumerate();
        BzImageInfo {
            kernel_version: image.kernel_version().map(str::to_owned),
            protocol: format!("{}.{:02}", image.version() >> 8, image.version() & 0xff),
            setup_sects: image.setup_sects(),
            syssize: image.syssize(),
            init_size: image.init_size(),
            pref_address: image.pref_address(),
            relocatable: image.relocatable(),
            kernel_alignment: image.kernel_alignment(),
            min_alignment: image.min_alignment(),
            loadflags: image.loadflags(),
            xloadflags: named
                .filter(|(bit, _)| flags & (1 << bit) != 0)
                .map(|(_, name)| *name)
                .collect(),
            cmdline_size: image.cmdline_size(),
            payload_offset: image.payload_offset(),
            payload_length: image.payload_length(),
            payload_compression: usize::try_from(image.payload_offset())
                .ok()
                .and_then(|offset| image.protected_mode().get(offset..))
                .and_then(compression::of),
        }
    }

    /// Prints it under its heading.
    pub fn show(&self, page: &mut Page) {
        page.heading("setup header");
        page.field("protocol", &self.protocol);
        page.field("cmdline", format!("at most {} bytes", self.cmdline_size));
        let elsewhere = if self.relocatable {
            format!(
                ", or elsewhere at a multiple of {:#x}",
                self.kernel_alignment
            )
        } else {
            ", and nowhere else".into()
        };
        page.field("loaded at", format!("{:#x}{elsewhere}", self.pref_address));
        page.field("needs", format!("{} bytes from there", self.init_size));
        page.field("flags", self.xloadflags.join(" "));
        if self.payload_length == 0 {
            return;
        }
        let compression = self
            .payload_compression
            .unwrap_or("not compressed, or unknown");
        page.field(
            "payload",
            format!("{} bytes, {compression}", self.payload_length),
        );
    }
}
