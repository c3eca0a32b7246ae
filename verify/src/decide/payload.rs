//! What a kernel image is, by its format.

use baton_formats::arch::arm64::image::Image;
use baton_formats::arch::arm64::zboot::Zboot;
use baton_formats::bzimage::BzImage;
use baton_formats::elf::{Class, Elf};
use baton_formats::gate_image::{Format, Formats, Isa};
use baton_formats::multiboot2::Multiboot2;
use baton_formats::pe::Pe;
use baton_formats::uki::{Addon, Uki, UkiError};
use baton_formats::verdict::SignatureKind;

use crate::decide::arch::{arm64, x86};
use crate::reason::Reason;

/// A kernel that can be booted, by how it is.
#[derive(Debug, Clone)]
pub enum Payload<'a> {
    /// Linux's Image of arm64.
    Arm64(Image<'a>),
    /// Linux's bzImage, entered by the 64-bit boot protocol.
    BzImage(BzImage<'a>),
    /// Linux's vmlinux, entered by the 64-bit boot protocol.
    Vmlinux(Elf<'a>),
    /// Another kernel, entered by Xen's PVH boot protocol.
    Pvh {
        /// The kernel.
        program: Elf<'a>,
        /// The physical address of its 32-bit entry point.
        entry: u64,
    },
    /// Another kernel, entered by the multiboot2 protocol.
    Multiboot2 {
        /// Its header.
        header: Multiboot2<'a>,
        /// The file, which goes where the header says, or is ELF.
        file: &'a [u8],
        /// The file as ELF, if the header says nothing of where it goes.
        program: Option<Elf<'a>>,
    },
}

impl<'a> Payload<'a> {
    /// Recognises `bytes`, which must be all that is vouched for, by a signature of this kind.
    ///
    /// One format follows from how the file begins, and no other is tried then. Linux is entered as
    /// Linux only: no other protocol tells it that Secure Boot is on.
    ///
    /// A signature doesn't say what the bytes are for. It makes a kernel only of what is one by
    /// its first bytes, a PE image or ELF, and is Linux. All else is recognised by markers that any file
    /// may contain: it is a kernel only where a manifest calls it one.
    ///
    /// # Errors
    /// What is wrong with a file of that format, `UnknownFormat`, `NotBuiltIn`, or `OnlyByManifest`.
    pub fn recognise(
        bytes: &'a [u8],
        signature_kind: SignatureKind,
        formats: Formats,
    ) -> Result<Self, Reason> {
        let payload = Self::of(bytes, formats)?;
        let shows = match payload {
            Self::BzImage(_) | Self::Arm64(_) => Pe::recognises(bytes),
            Self::Vmlinux(_) => true,
            Self::Pvh { .. } | Self::Multiboot2 { .. } => false,
        };
        if shows || signature_kind == SignatureKind::Manifest {
            Ok(payload)
        } else {
            Err(Reason::OnlyByManifest)
        }
    }

    fn of(bytes: &'a [u8], formats: Formats) -> Result<Self, Reason> {
        match formats.isa() {
            Isa::X86_64 => Self::of_x86(bytes, formats),
            Isa::Arm64 => Self::of_arm64(bytes),
        }
    }

    fn of_arm64(bytes: &'a [u8]) -> Result<Self, Reason> {
        if Image::recognises(bytes) {
            return Image::parse(bytes)
                .map(Self::Arm64)
                .map_err(Reason::BadArm64Image);
        }
        Err(if Zboot::recognises(bytes) {
            Reason::Compressed
        } else if BzImage::recognises(bytes) {
            Reason::OtherArchitecture(Isa::X86_64)
        } else {
            Reason::UnknownFormat
        })
    }

    fn of_x86(bytes: &'a [u8], formats: Formats) -> Result<Self, Reason> {
        if Elf::recognises(bytes) {
            return Self::elf(bytes, formats);
        }
        match BzImage::parse(bytes) {
            Ok(image) => Ok(Self::BzImage(image)),
            Err(_) if Image::recognises(bytes) => Err(Reason::OtherArchitecture(Isa::Arm64)),
            Err(error) if Pe::recognises(bytes) || BzImage::recognises(bytes) => {
                Err(Reason::BadKernel(error))
            }
            Err(_) => Self::multiboot2(bytes, None, formats),
        }
    }

    fn elf(bytes: &'a [u8], formats: Formats) -> Result<Self, Reason> {
        if !formats.has(Format::Elf) {
            return Err(Reason::NotBuiltIn(Format::Elf));
        }
        let program = Elf::parse(bytes).map_err(Reason::BadElf)?;
        match (program.is_linux(), program.class(), program.pvh_entry()) {
            (true, Class::Elf64, _) => Ok(Self::Vmlinux(program)),
            (true, Class::Elf32, _) => Err(Reason::UnknownFormat),
            (false, _, _) if Multiboot2::recognises(bytes) => {
                Self::multiboot2(bytes, Some(program), formats)
            }
            (false, _, Some(entry)) => {
                if formats.has(Format::Pvh) {
                    Ok(Self::Pvh { program, entry })
                } else {
                    Err(Reason::NotBuiltIn(Format::Pvh))
                }
            }
            (false, _, None) => Err(Reason::UnknownFormat),
        }
    }

    fn multiboot2(
        file: &'a [u8],
        program: Option<Elf<'a>>,
        formats: Formats,
    ) -> Result<Self, Reason> {
        if !Multiboot2::recognises(file) {
            return Err(Reason::UnknownFormat);
        }
        if !formats.has(Format::Multiboot2) {
            return Err(Reason::NotBuiltIn(Format::Multiboot2));
        }
        let header = Multiboot2::parse(file).map_err(Reason::BadMultiboot2)?;
        let program = program.filter(|_| header.load().is_none());
        if program.is_none() && header.load().is_none() {
            Err(Reason::UnknownFormat)
        } else {
            Ok(Self::Multiboot2 {
                header,
                file,
                program,
            })
        }
    }

    /// Whether it is Linux. Another kernel runs its modules as a part of itself, or as what it
    /// gives the machine to, as Xen does dom0's kernel.
    #[must_use]
    pub fn is_linux(&self) -> bool {
        matches!(self, Self::BzImage(_) | Self::Vmlinux(_) | Self::Arm64(_))
    }

    /// The longest command line that it takes, in bytes without the NUL.
    #[must_use]
    pub fn cmdline_size(&self) -> u32 {
        match self {
            Self::BzImage(image) => image.cmdline_size(),
            Self::Vmlinux(_) => x86::COMMAND_LINE,
            Self::Arm64(_) => arm64::COMMAND_LINE,
            Self::Pvh { .. } | Self::Multiboot2 { .. } => u32::MAX,
        }
    }

    /// The release that it names, for people.
    #[must_use]
    pub fn release(&self) -> Option<&'a str> {
        match self {
            // "6.12.1-amd64 (builder) #1 SMP …"
            Self::BzImage(image) => image.kernel_version()?.split(' ').next(),
            _ => None,
        }
    }

    /// What people call its format.
    #[must_use]
    pub fn format(&self) -> &'static str {
        match self {
            Self::BzImage(_) => "bzImage",
            Self::Arm64(_) => "Image",
            Self::Vmlinux(_) => "ELF vmlinux",
            Self::Pvh { .. } => "ELF with a PVH entry",
            Self::Multiboot2 { .. } => "multiboot2",
        }
    }
}

/// Checks that files that begin as these bytes do are read at all.
///
/// # Errors
/// `NotBuiltIn`.
pub(crate) fn check_format(bytes: &[u8], formats: Formats) -> Result<(), Reason> {
    if Elf::recognises(bytes) && !formats.has(Format::Elf) {
        Err(Reason::NotBuiltIn(Format::Elf))
    } else {
        Ok(())
    }
}

/// The image as a UKI; `None` if it is none. One that adds to UKIs is signed for that, and is no
/// kernel, whatever else is in it.
///
/// # Errors
/// `BadImage` or `BadUki`, if it begins as a PE image does.
pub fn as_uki(bytes: &[u8]) -> Result<Option<Uki<'_>>, Reason> {
    if !Pe::recognises(bytes) {
        return Ok(None);
    }
    let pe = Pe::parse(bytes).map_err(Reason::BadImage)?;
    match Uki::recognises(&pe) {
        true => Uki::parse(&pe).map(Some).map_err(Reason::BadUki),
        false if Addon::recognises(&pe) => Err(Reason::BadUki(UkiError::NotOne)),
        false => Ok(None),
    }
}
