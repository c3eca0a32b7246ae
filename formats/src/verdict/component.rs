//! What a verdict is about, one by one.

use core::fmt;

use super::{Writer, cut, used};
use crate::reader::Reader;

/// The length of a component, in bytes.
pub const COMPONENT_LEN: usize = 208;
/// The longest identifier of a key, in bytes.
pub const MAX_KEY_ID: usize = 32;
/// The longest name of a signer, in bytes.
pub const MAX_SUBJECT: usize = 128;

/// What a component is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ComponentKind {
    /// 1: the kernel image, or the UKI that it is in.
    Kernel,
    /// 2: an initrd.
    Initrd,
    /// 3: the command line, as the kernel got it, without its NUL.
    CommandLine,
    /// 4: microcode.
    Microcode,
    /// 5: a device tree.
    DeviceTree,
    /// 6: the manifest that lists others.
    Manifest,
    /// 7: an addon of a UKI.
    Addon,
}

impl ComponentKind {
    /// The number that stands for it.
    pub fn number(self) -> u32 {
        match self {
            ComponentKind::Kernel => 1,
            ComponentKind::Initrd => 2,
            ComponentKind::CommandLine => 3,
            ComponentKind::Microcode => 4,
            ComponentKind::DeviceTree => 5,
            ComponentKind::Manifest => 6,
            ComponentKind::Addon => 7,
        }
    }

    /// The kind that a number stands for.
    pub fn from_number(number: u32) -> Option<Self> {
        Some(match number {
            1 => ComponentKind::Kernel,
            2 => ComponentKind::Initrd,
            3 => ComponentKind::CommandLine,
            4 => ComponentKind::Microcode,
            5 => ComponentKind::DeviceTree,
            6 => ComponentKind::Manifest,
            7 => ComponentKind::Addon,
            _ => return None,
        })
    }
}

/// How a component was vouched for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SignatureKind {
    /// 0: by nobody: user space chose it.
    Unsigned,
    /// 1: by an Authenticode signature in the PE image, or in the UKI it is a part of.
    Authenticode,
    /// 2: by a signature appended as to a module.
    Appended,
    /// 3: by a signature in an ELF note. Nothing covers the signature itself, so such a file may be
    /// taken for ELF only: another format's header could hide there.
    Note,
    /// 4: by a detached signature.
    Detached,
    /// 5: by a signed manifest that lists it.
    Manifest,
    /// 6: by its digest in the firmware's or the owner's list; no key vouched.
    ListedDigest,
}

impl SignatureKind {
    /// The number that stands for it.
    pub fn number(self) -> u16 {
        match self {
            SignatureKind::Unsigned => 0,
            SignatureKind::Authenticode => 1,
            SignatureKind::Appended => 2,
            SignatureKind::Note => 3,
            SignatureKind::Detached => 4,
            SignatureKind::Manifest => 5,
            SignatureKind::ListedDigest => 6,
        }
    }

    /// The kind that a number stands for.
    pub fn from_number(number: u16) -> Option<Self> {
        Some(match number {
            0 => SignatureKind::Unsigned,
            1 => SignatureKind::Authenticode,
            2 => SignatureKind::Appended,
            3 => SignatureKind::Note,
            4 => SignatureKind::Detached,
            5 => SignatureKind::Manifest,
            6 => SignatureKind::ListedDigest,
            _ => return None,
        })
    }

    /// Its name for programs.
    pub fn code(self) -> &'static str {
        match self {
            SignatureKind::Unsigned => "unsigned",
            SignatureKind::Authenticode => "authenticode",
            SignatureKind::Appended => "appended",
            SignatureKind::Note => "note",
            SignatureKind::Detached => "detached",
            SignatureKind::Manifest => "manifest",
            SignatureKind::ListedDigest => "listed-digest",
        }
    }

    /// Whether a key vouched, so that there is a signer.
    pub fn has_signer(self) -> bool {
        !matches!(self, SignatureKind::Unsigned | SignatureKind::ListedDigest)
    }
}

impl fmt::Display for SignatureKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            SignatureKind::Unsigned => "nobody",
            SignatureKind::Authenticode => "Authenticode signature",
            SignatureKind::Appended => "appended signature",
            SignatureKind::Note => "signature in an ELF note",
            SignatureKind::Detached => "detached signature",
            SignatureKind::Manifest => "signed manifest",
            SignatureKind::ListedDigest => "listed digest",
        })
    }
}

/// A component, and who vouched for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Component<'a> {
    /// What it is.
    pub kind: ComponentKind,
    /// How it was vouched for.
    pub signature_kind: SignatureKind,
    /// Its size in bytes.
    pub size: u64,
    /// Its SHA-256, or, of a signed PE image, its Authenticode digest; of a part of a UKI or of an
    /// addon the digest of all of that, which was signed.
    pub digest: [u8; 32],
    /// The identifier of the signer's key; empty where no key vouched. The writer cuts off what is
    /// beyond [`MAX_KEY_ID`] bytes.
    pub key_id: &'a [u8],
    /// The signer's name; empty where no key vouched. The writer cuts off what is beyond
    /// [`MAX_SUBJECT`] bytes. May have any character in it.
    pub subject: &'a str,
}

impl<'a> Component<'a> {
    pub(super) fn read(bytes: &'a [u8]) -> Option<Self> {
        let mut reader = Reader::new(bytes);
        let kind = ComponentKind::from_number(reader.u32().ok()?)?;
        let signature_kind = SignatureKind::from_number(reader.u16().ok()?)?;
        let key_id_len = usize::from(reader.u8().ok()?);
        let subject_len = usize::from(reader.u8().ok()?);
        if !signature_kind.has_signer() && (key_id_len, subject_len) != (0, 0) {
            return None;
        }
        let size = reader.u64().ok()?;
        let digest = reader.array().ok()?;
        let key_id = used(reader.take(MAX_KEY_ID).ok()?, key_id_len)?;
        let subject = used(reader.take(MAX_SUBJECT).ok()?, subject_len)?;
        reader.finish().ok()?;
        Some(Component {
            kind,
            signature_kind,
            size,
            digest,
            key_id,
            subject: core::str::from_utf8(subject).ok()?,
        })
    }

    /// Writes it to a slot of zeros.
    pub(super) fn write(&self, slot: &mut [u8]) {
        let (key_id, subject) = if self.signature_kind.has_signer() {
            (self.key_id, cut(self.subject, MAX_SUBJECT))
        } else {
            (&[][..], "")
        };
        let key_id = key_id.get(..MAX_KEY_ID).unwrap_or(key_id);
        let mut writer = Writer(slot);
        writer.put(&self.kind.number().to_le_bytes());
        writer.put(&self.signature_kind.number().to_le_bytes());
        writer.put_length(key_id.len());
        writer.put_length(subject.len());
        writer.put(&self.size.to_le_bytes());
        writer.put(&self.digest);
        writer.put_field(key_id, MAX_KEY_ID);
        writer.put(subject.as_bytes());
    }
}
