//! The verdict: what the gate tells the next kernel of what it verified, and who it is itself.
//!
//! The gate adds it to the next kernel's list of setup_data (see [`crate::setup_data`]) as a node
//! of type [`SETUP_BATON_VERDICT`]. Linux reserves the node's memory, ignores types that it doesn't
//! know, and shows the node's data to root at `/sys/kernel/boot_params/setup_data/N/data`. Whoever
//! reads it there must trust the running kernel and whoever started it: it is a record, and no
//! proof.
//!
//! Sources: arch/x86/kernel/setup.c (`parse_setup_data`), arch/x86/kernel/e820.c
//! (`e820__reserve_setup_data`) and arch/x86/kernel/ksysfs.c in Linux.
//!
//! # The data
//!
//! | offset | size | field | must be |
//! |---|---|---|---|
//! | 0x00 | 8 | magic | `BATONVDT` |
//! | 0x08 | 4 | version | 2 |
//! | 0x0c | 4 | total length in bytes | 168 + 208 × count |
//! | 0x10 | 4 | component count | 1 to 48 |
//! | 0x14 | 4 | flags | bit 0: a crash; other bits 0 |
//! | 0x18 | 32 | identity of the gate: a digest that tells gates apart | |
//! | 0x38 | 1 | length of the gate's version | 0 to 39 |
//! | 0x39 | 39 | the gate's version, UTF-8 | zeros after it |
//! | 0x60 | 32 | SHA-256 of the policy it went by, in the compact form of [`crate::policy`] | |
//! | 0x80 | 1 | length of the policy's name | 0 to 39 |
//! | 0x81 | 39 | the policy's name, UTF-8 | zeros after it |
//! | 0xa8 | 208 × count | the components | |
//!
//! # A component
//!
//! | offset | size | field | must be |
//! |---|---|---|---|
//! | 0x00 | 4 | kind, see [`ComponentKind`] | known |
//! | 0x04 | 2 | how it was vouched for, see [`SignatureKind`] | known |
//! | 0x06 | 1 | length of the key's identifier | 0 to 32; 0 where no key vouched |
//! | 0x07 | 1 | length of the signer's name | 0 to 128; 0 where no key vouched |
//! | 0x08 | 8 | size in bytes | |
//! | 0x10 | 32 | SHA-256; of a signed PE image its Authenticode digest; of a part of one the whole's | |
//! | 0x30 | 32 | identifier of the signer's key | zeros after it |
//! | 0x50 | 128 | the signer's name, UTF-8 | zeros after it |
//!
//! Nothing follows: the node's length is the verdict's.

mod component;
mod error;

#[cfg(test)]
mod tests;

pub use component::{
    COMPONENT_LEN, Component, ComponentKind, MAX_KEY_ID, MAX_SUBJECT, SignatureKind,
};
pub use error::VerdictError;

use crate::reader::{OutOfBounds, Reader};

/// The type of the setup_data node: `BATN`, far away from the numbers that Linux enumerates
/// (1 to 10 in 7.2) and without the bit of [`crate::setup_data::SETUP_INDIRECT`].
pub const SETUP_BATON_VERDICT: u32 = u32::from_le_bytes(*b"BATN");
/// The first bytes of a verdict.
pub const MAGIC: [u8; 8] = *b"BATONVDT";
/// The version of the layout described here.
pub const VERSION: u32 = 2;
/// The length of what comes before the components, in bytes.
pub const HEADER_LEN: usize = 0xa8;
/// The most components a verdict may have.
pub const MAX_COMPONENTS: usize = 48;
/// The longest version of a gate, and name of a policy, in bytes.
pub const MAX_GATE_VERSION: usize = 39;
/// The flag of a crash.
pub const FLAG_CRASH: u32 = 1;

/// Who gives the verdict, and for which load type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Gate<'a> {
    /// A digest that tells the gate apart from others.
    pub identity: [u8; 32],
    /// Its version. The writer cuts off what is beyond [`MAX_GATE_VERSION`] bytes.
    pub version: &'a str,
    /// SHA-256 of the policy it went by.
    pub policy: [u8; 32],
    /// What that calls itself; may be empty. Cut off as the version is.
    pub policy_name: &'a str,
    /// Whether it was started by a crash.
    pub crash: bool,
}

/// A verdict that has been checked as the module says.
#[derive(Clone, Copy, Debug)]
pub struct Verdict<'a> {
    gate: Gate<'a>,
    components: &'a [u8],
}

impl<'a> Verdict<'a> {
    /// Checks a verdict, which must be exactly `data`: a node's, without its header.
    pub fn parse(data: &'a [u8]) -> Result<Self, VerdictError> {
        let short = |_: OutOfBounds| VerdictError::Length(data.len());
        let mut reader = Reader::new(data);
        if reader.array().map_err(short)? != MAGIC {
            return Err(VerdictError::Magic);
        }
        let version = reader.u32().map_err(short)?;
        if version != VERSION {
            return Err(VerdictError::Version(version));
        }
        let total = reader.u32().map_err(short)?;
        let count = reader.u32().map_err(short)?;
        let len = total_len(count).ok_or(VerdictError::ComponentCount(count))?;
        if len != data.len() || usize::try_from(total) != Ok(len) {
            return Err(VerdictError::Length(data.len()));
        }
        let flags = reader.u32().map_err(short)?;
        if flags & !FLAG_CRASH != 0 {
            return Err(VerdictError::Flags(flags));
        }
        let gate = Gate {
            identity: reader.array().map_err(short)?,
            version: text(&mut reader).ok_or(VerdictError::GateVersion)?,
            policy: reader.array().map_err(short)?,
            policy_name: text(&mut reader).ok_or(VerdictError::PolicyName)?,
            crash: flags & FLAG_CRASH != 0,
        };
        let components = reader.rest();
        for (index, bytes) in components.chunks_exact(COMPONENT_LEN).enumerate() {
            Component::read(bytes).ok_or(VerdictError::Component(index))?;
        }
        Ok(Verdict { gate, components })
    }

    /// Who gave it.
    pub fn gate(&self) -> Gate<'a> {
        self.gate
    }

    /// What it is about, at least one, in the order in which it was written.
    pub fn components(&self) -> impl Iterator<Item = Component<'a>> + use<'a> {
        // `parse` has read each of them.
        self.components
            .chunks_exact(COMPONENT_LEN)
            .filter_map(Component::read)
    }
}

/// How many bytes a verdict on so many components has; `None` if it can't have so many.
pub fn written_len(components: usize) -> Option<usize> {
    total_len(u32::try_from(components).ok()?)
}

/// Writes a verdict to the start of `buffer` and returns its bytes; `None` if there are too few or
/// too many components, or more than the buffer holds.
pub fn write<'b>(
    buffer: &'b mut [u8],
    gate: &Gate<'_>,
    components: &[Component<'_>],
) -> Option<&'b [u8]> {
    let len = written_len(components.len())?;
    let (target, _) = buffer.split_at_mut_checked(len)?;
    target.fill(0);
    let (header, table) = target.split_at_mut_checked(HEADER_LEN)?;
    let mut writer = Writer(header);
    writer.put(&MAGIC);
    for field in [
        VERSION,
        u32::try_from(len).ok()?,
        u32::try_from(components.len()).ok()?,
        if gate.crash { FLAG_CRASH } else { 0 },
    ] {
        writer.put(&field.to_le_bytes());
    }
    writer.put(&gate.identity);
    writer.put_text(gate.version);
    writer.put(&gate.policy);
    writer.put_text(gate.policy_name);
    for (slot, component) in table.chunks_exact_mut(COMPONENT_LEN).zip(components) {
        component.write(slot);
    }
    Some(target)
}

fn total_len(count: u32) -> Option<usize> {
    match usize::try_from(count).ok()? {
        count @ 1..=MAX_COMPONENTS => count.checked_mul(COMPONENT_LEN)?.checked_add(HEADER_LEN),
        _ => None,
    }
}

/// A text in a field of [`MAX_GATE_VERSION`] bytes, after its length.
fn text<'a>(reader: &mut Reader<'a>) -> Option<&'a str> {
    let len = usize::from(reader.u8().ok()?);
    let field = reader.take(MAX_GATE_VERSION).ok()?;
    core::str::from_utf8(used(field, len)?).ok()
}

/// The first `len` bytes of a field, if the others are zero.
fn used(field: &[u8], len: usize) -> Option<&[u8]> {
    let (used, rest) = field.split_at_checked(len)?;
    crate::reader::is_zero(rest).then_some(used)
}

/// At most `limit` bytes of a text, whole characters only.
fn cut(text: &str, limit: usize) -> &str {
    text.get(..text.floor_char_boundary(limit)).unwrap_or(text)
}

/// Writes to zeros from front to back.
struct Writer<'b>(&'b mut [u8]);

impl Writer<'_> {
    fn put(&mut self, bytes: &[u8]) {
        self.put_field(bytes, bytes.len());
    }

    /// Writes a field of so many bytes that begins with `bytes`.
    fn put_field(&mut self, bytes: &[u8], len: usize) {
        if let Some((field, rest)) = core::mem::take(&mut self.0).split_at_mut_checked(len) {
            for (to, from) in field.iter_mut().zip(bytes) {
                *to = *from;
            }
            self.0 = rest;
        }
    }

    /// Writes a text as `text` reads it.
    fn put_text(&mut self, text: &str) {
        let text = cut(text, MAX_GATE_VERSION);
        self.put_length(text.len());
        self.put_field(text.as_bytes(), MAX_GATE_VERSION);
    }

    /// Writes a length that was cut to fit a byte.
    fn put_length(&mut self, len: usize) {
        self.put(&[u8::try_from(len).unwrap_or_default()]);
    }
}
