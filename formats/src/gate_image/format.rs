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
    /// Linux's Image of arm64. A gate that has it is one for arm64, and boots none of x86's formats.
    Arm64 = 5,
}

/// An architecture that gates are made for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Isa {
    /// x86-64.
    X86_64,
    /// arm64.
    Arm64,
}

impl Isa {
    /// That of this program.
    pub const NATIVE: Self = if cfg!(target_arch = "aarch64") {
        Self::Arm64
    } else {
        Self::X86_64
    };
}

impl fmt::Display for Isa {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::X86_64 => "x86-64",
            Self::Arm64 => "arm64",
        })
    }
}

impl Format {
    /// All of them.
    pub const ALL: [Self; 6] = [
        Self::BzImage,
        Self::Uki,
        Self::Elf,
        Self::Pvh,
        Self::Multiboot2,
        Self::Arm64,
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
            Self::Arm64 => cfg!(feature = "arm64"),
        }
    }

    /// Whose gates can have it; any, if `None`.
    pub const fn isa(self) -> Option<Isa> {
        match self {
            Self::Uki => None,
            Self::BzImage | Self::Elf | Self::Pvh | Self::Multiboot2 => Some(Isa::X86_64),
            Self::Arm64 => Some(Isa::Arm64),
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
            Self::Arm64 => "arm64's Image",
        })
    }
}

/// A set of formats: what is built in, less what is left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Formats {
    left_out: u32,
}

/// The bits of the info block that say of a format that it is there; of all others they say that it is left out, so that
/// the block of a gate with all of x86's is 0.
const SAID_IF_THERE: u32 = Format::Arm64.bit();

impl Formats {
    /// All that this program is built with and a gate of this architecture can have.
    pub const fn of(isa: Isa) -> Self {
        let mut left_out = 0;
        let mut index = 0;
        while let Some((format, _)) = Format::ALL.split_at(index).1.split_first() {
            let is_others = match (format.isa(), isa) {
                (Some(Isa::X86_64), Isa::Arm64) | (Some(Isa::Arm64), Isa::X86_64) => true,
                (Some(Isa::X86_64), Isa::X86_64) | (Some(Isa::Arm64), Isa::Arm64) => false,
                (None, _) => false,
            };
            if !format.is_built_in() || is_others {
                left_out |= format.bit();
            }
            index = index.wrapping_add(1);
        }
        Self { left_out }
    }

    /// As the info block has them; `None` for a bit without a format, and for formats of several architectures.
    pub fn from_bits(bits: u32) -> Option<Self> {
        let known = Format::ALL.iter().fold(0, |known, it| known | it.bit());
        let found = Self {
            left_out: bits ^ SAID_IF_THERE,
        };
        let mut there = Format::ALL
            .iter()
            .filter(|it| found.left_out & it.bit() == 0);
        let fits = there.all(|it| it.isa().is_none_or(|isa| isa == found.stated_isa()));
        (bits & !known == 0 && fits).then_some(found)
    }

    /// As the info block has them.
    pub const fn bits(self) -> u32 {
        self.left_out ^ SAID_IF_THERE
    }

    fn stated_isa(self) -> Isa {
        if self.left_out & Format::Arm64.bit() == 0 {
            Isa::Arm64
        } else {
            Isa::X86_64
        }
    }

    /// Whose kernels a gate with these boots. Where only one architecture's are built in, the compiler knows which.
    #[inline(always)]
    pub const fn isa(self) -> Isa {
        if self.has(Format::Arm64) {
            Isa::Arm64
        } else {
            Isa::X86_64
        }
    }

    /// Whether a format is one of them. Of what isn't built in the compiler knows that it isn't.
    #[inline(always)]
    pub const fn has(self, format: Format) -> bool {
        format.is_built_in() && self.left_out & format.bit() == 0
    }
}

impl Default for Formats {
    /// All that gates for this program's own architecture can have.
    fn default() -> Self {
        Self::of(Isa::NATIVE)
    }
}
