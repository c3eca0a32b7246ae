//! What a file is, by name: the one place where user space recognises files.
//!
//! A kernel is one by its form: whether that form is right, and whether it may be booted, is decided by
//! `baton_verify` alone. What is named here besides is what people give in a kernel's place, so that they
//! are told what it is and what to do, instead of what it lacks. Nothing that the gate could boot is called
//! something else: a bzImage, a UKI, an ELF or multiboot2 kernel is one before all others (but for what begins
//! as an initrd does, which no kernel does).

mod elf;
mod other;
mod pe;

#[cfg(test)]
mod tests;

use crate::failure::input::InputError;
use baton_formats::bzimage::BzImage;
use baton_formats::elf::Elf;
use baton_formats::handover;
use baton_formats::module_signature;
use baton_formats::multiboot2::Multiboot2;
use baton_formats::pe::Pe;
use serde::{Serialize, Serializer};
use std::borrow::Cow;
use std::path::Path;

/// The begin of any version's manifest.
const MANIFEST: &[u8] = b"baton-manifest";

/// What a file is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileKind {
    /// By its form, for programs.
    pub format: Format,
    /// What people call it, with an article where it has one.
    pub name: Cow<'static, str>,
    /// What it is good for here.
    pub role: Role,
}

/// What a file is good for here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// It has the form of a kernel, which may still be malformed.
    Kernel,
    /// It holds a kernel, and what goes with it.
    Handover,
    /// It goes with a UKI.
    Addon,
    /// It goes with a kernel.
    Initrd,
    /// It says what goes together.
    Manifest,
    /// It is something else that is known, and this is what to do.
    Other(&'static str),
    /// Nothing is known of it.
    Data,
}

/// The form of a file, where it has several the most telling one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[cfg_attr(test, schemars(rename_all = "lowercase"))]
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
    /// An ELF file.
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
        match self {
            Format::Gate => "gate",
            Format::Uki => "uki",
            Format::Addon => "addon",
            Format::BzImage => "bzimage",
            Format::Pe => "pe",
            Format::Elf => "elf",
            Format::Multiboot2 => "multiboot2",
            Format::Handover => "handover",
            Format::Manifest => "manifest",
            Format::Signature => "signature",
            Format::Certificate => "certificate",
            Format::Data => "data",
        }
    }

    /// Whether it is worth saying that nobody signed it.
    #[must_use]
    pub fn can_be_signed(self) -> bool {
        !matches!(
            self,
            Format::Handover | Format::Signature | Format::Certificate
        )
    }
}

impl Serialize for Format {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.word())
    }
}

impl FileKind {
    fn new(format: Format, name: impl Into<Cow<'static, str>>, role: Role) -> FileKind {
        FileKind {
            format,
            name: name.into(),
            role,
        }
    }

    fn kernel(format: Format, name: impl Into<Cow<'static, str>>) -> FileKind {
        FileKind::new(format, name, Role::Kernel)
    }

    fn other(format: Format, name: impl Into<Cow<'static, str>>, advice: &'static str) -> FileKind {
        FileKind::new(format, name, Role::Other(advice))
    }

    /// Recognises a file, all of whose bytes these are.
    #[must_use]
    pub fn of(file: &[u8]) -> FileKind {
        if file.is_empty() {
            return FileKind::other(
                Format::Data,
                "an empty file",
                "get it again from its origin",
            );
        }
        if file.starts_with(&handover::MAGIC) {
            return FileKind::new(Format::Handover, "a handover to the gate", Role::Handover);
        }
        if file.starts_with(MANIFEST) {
            return FileKind::new(Format::Manifest, "a manifest", Role::Manifest);
        }
        // A malformed one is told where signatures are judged.
        let image = module_signature::split(file).ok().flatten();
        let image = image.map_or(file, |appended| appended.data);
        if Elf::recognises(image) {
            elf::kind(image)
        } else if Pe::recognises(image) {
            pe::kind(image)
        } else if BzImage::recognises(image) {
            bzimage(image)
        } else if let Some(initrd) = other::initrd(image) {
            initrd
        } else if Multiboot2::recognises(image) {
            FileKind::kernel(Format::Multiboot2, "a multiboot2 kernel")
        } else {
            other::kind(image)
        }
    }

    /// Whether it has the form of something that can be started: a kernel, alone or in a handover.
    #[must_use]
    pub fn can_be_started(&self) -> bool {
        matches!(self.role, Role::Kernel | Role::Handover)
    }

    /// Why it can't be started, if it is known to be something else; `what` is refused, as "kernel".
    #[must_use]
    pub fn refused_as(&self, what: &'static str, path: &Path) -> Option<InputError> {
        Some(InputError::NotAKernel {
            what,
            path: path.to_owned(),
            name: self.name.to_string(),
            advice: self.advice()?,
        })
    }

    /// What to do with it, if it is known and isn't a kernel.
    #[must_use]
    pub fn advice(&self) -> Option<&'static str> {
        match self.role {
            Role::Kernel | Role::Handover | Role::Data => None,
            Role::Addon => Some("name the UKI that it goes with, and this with --addon"),
            Role::Initrd => Some(
                "name the kernel, and this with --initrd; if it is a compressed kernel, decompress it",
            ),
            Role::Manifest => Some("name the kernel that it lists, and this with --manifest"),
            Role::Other(advice) => Some(advice),
        }
    }
}

/// Not only Linux is one.
fn bzimage(image: &[u8]) -> FileKind {
    let version = BzImage::parse(image).ok();
    let version = version.and_then(|image| image.kernel_version());
    match version {
        Some(version) if version.starts_with("Memtest86+") => {
            FileKind::kernel(Format::BzImage, "Memtest86+ (bzImage)")
        }
        _ => FileKind::kernel(Format::BzImage, "a Linux kernel (bzImage)"),
    }
}

/// Whether `bytes` have `wanted` at an offset.
fn has(bytes: &[u8], offset: usize, wanted: &[u8]) -> bool {
    bytes
        .get(offset..)
        .is_some_and(|rest| rest.starts_with(wanted))
}

/// Whether `wanted` is anywhere in `bytes`.
fn contains(bytes: &[u8], wanted: &[u8]) -> bool {
    let Some((first, rest)) = wanted.split_first() else {
        return true;
    };
    let mut from = bytes;
    while let Some(at) = from.iter().position(|byte| byte == first) {
        from = from.get(at + 1..).unwrap_or_default();
        if from.starts_with(rest) {
            return true;
        }
    }
    false
}
