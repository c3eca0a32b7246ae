//! The kernel formats that a gate can be built with.

use core::fmt;

/// A format of kernels. Its number is that of its bit in the info block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// A bzImage by itself. (One is in every UKI of Linux.)
    BzImage = 0,
    /// A UKI, and its addons.
    Uki = 1,
    /// Linux's vmlinux.
    Elf = 2,
    /// Another kernel in ELF, with an entry point for PVH.
    Pvh = 3,
    /// A kernel with a multiboot2 header.
    Multiboot2 = 4,
}

impl Format {
    /// All of them.
    pub const ALL: [Self; 5] = [
        Self::BzImage,
        Self::Uki,
        Self::Elf,
        Self::Pvh,
        Self::Multiboot2,
    ];

    /// Whether this program is built with it.
    #[inline(always)]
    pub const fn is_built_in(self) -> bool {
        match self {
            Self::BzImage => cfg!(feature = "bzimage"),
            Self::Uki => cfg!(feature = "uki"),
            Self::Elf => cfg!(feature = "elf"),
            Self::Pvh => cfg!(feature = "pvh"),
            Self::Multiboot2 => cfg!(feature = "multiboot2"),
        }
    }

    const fn bit(self) -> u32 {
        1 << self as u32
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::BzImage => "bzImages outside UKIs",
            Self::Uki => "UKIs",
            Self::Elf => "ELF",
            Self::Pvh => "PVH",
            Self::Multiboot2 => "multiboot2",
        })
    }
}

/// A set of formats: what is built in, less what is left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Formats {
    left_out: u32,
}

impl Formats {
    /// All that this program is built with.
    pub const BUILT_IN: Self = {
        let mut left_out = 0;
        let mut index = 0;
        while let Some((format, _)) = Format::ALL.split_at(index).1.split_first() {
            if !format.is_built_in() {
                left_out |= format.bit();
            }
            index += 1;
        }
        Self { left_out }
    };

    /// Those but the ones that the bits stand for; `None` for a bit without a format.
    pub fn without_bits(left_out: u32) -> Option<Self> {
        let known = Format::ALL.iter().fold(0, |known, it| known | it.bit());
        (left_out & !known == 0).then_some(Self { left_out })
    }

    /// The bits of what is left out.
    pub const fn left_out(self) -> u32 {
        self.left_out
    }

    /// Whether a format is one of them. Of what isn't built in the compiler knows that it isn't.
    #[inline(always)]
    pub const fn has(self, format: Format) -> bool {
        format.is_built_in() && self.left_out & format.bit() == 0
    }
}

impl Default for Formats {
    fn default() -> Self {
        Self::BUILT_IN
    }
}
