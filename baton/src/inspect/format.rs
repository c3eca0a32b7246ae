//! What a file is.

use serde::{Serialize, Serializer};

/// What a file is, where it is several things the most telling one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// A gate.
    Gate,
    /// A unified kernel image.
    Uki,
    /// An addon of one.
    Addon,
    /// A Linux kernel in a bzImage, which may be a PE image, too.
    BzImage,
    /// Any other PE image.
    Pe,
    /// An ELF kernel.
    Elf,
    /// A multiboot2 kernel that isn't ELF.
    Multiboot2,
    /// A handover.
    Handover,
    /// A manifest.
    Manifest,
    /// A detached signature.
    Signature,
    /// One certificate or several.
    Certificate,
    /// Anything else, as an initrd.
    Data,
}

impl Format {
    /// Its name for programs.
    #[must_use]
    pub fn word(self) -> &'static str {
        self.names().0
    }

    /// Its name for people.
    #[must_use]
    pub fn described(self) -> &'static str {
        self.names().1
    }

    /// Whether it is worth saying that nobody signed it.
    #[must_use]
    pub fn can_be_signed(self) -> bool {
        !matches!(
            self,
            Format::Handover | Format::Signature | Format::Certificate
        )
    }

    fn names(self) -> (&'static str, &'static str) {
        match self {
            Format::Gate => ("gate", "Baton's gate"),
            Format::Uki => ("uki", "unified kernel image (UKI)"),
            Format::Addon => ("addon", "addon of a unified kernel image"),
            Format::BzImage => ("bzimage", "Linux kernel (bzImage)"),
            Format::Pe => ("pe", "PE image"),
            Format::Elf => ("elf", "ELF file"),
            Format::Multiboot2 => ("multiboot2", "multiboot2 kernel"),
            Format::Handover => ("handover", "handover to the gate"),
            Format::Manifest => ("manifest", "manifest"),
            Format::Signature => ("signature", "detached signature (CMS)"),
            Format::Certificate => ("certificate", "X.509 certificate"),
            Format::Data => ("data", "data of no format that Baton knows"),
        }
    }
}

impl Serialize for Format {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.word())
    }
}
