//! The gate's own signed data: the certificates and the policy that were built into it.

use baton_formats::gate_image::{FILE_OFFSET, GateInfo, Part};
use baton_formats::policy::Policy;
use baton_verify::Reason;

use crate::plan::Range;

/// What of the image the gate needs to know about itself.
pub struct Image<'m> {
    /// Its memory, .bss included.
    pub extent: Range,
    /// The `.keys` section: certificates, one after another.
    pub keys: &'m [u8],
    /// What to do on a refusal.
    pub policy: Policy,
}

impl<'m> Image<'m> {
    /// Reads the info block at the start of `loaded`: the image as it lies in memory, from file
    /// offset 0x1000 up to the limit that its own .bss begins at.
    ///
    /// # Errors
    /// `BadGate`, if the block that `baton gate build` writes is damaged. It is covered by the
    /// gate's signature, so that this can only be a mistake in building it.
    pub fn read(loaded: &'m [u8], extent: Range) -> Result<Self, Reason> {
        let info =
            GateInfo::parse(loaded).map_err(|_| Reason::BadGate("its info block is malformed"))?;
        let policy = bytes_of(loaded, info.policy)?;
        let policy = match policy {
            [] => Policy::default(),
            bytes => {
                Policy::parse(bytes).map_err(|_| Reason::BadGate("its policy is malformed"))?
            }
        };
        Ok(Self {
            extent,
            keys: bytes_of(loaded, info.keys)?,
            policy,
        })
    }
}

/// A part of the image; file offset 0x1000 is the first byte that was loaded.
fn bytes_of(loaded: &[u8], part: Part) -> Result<&[u8], Reason> {
    if part.is_absent() {
        return Ok(&[]);
    }
    let start = (part.offset as usize).checked_sub(FILE_OFFSET);
    let bytes = start.and_then(|start| loaded.get(start..)?.get(..part.length as usize));
    bytes.ok_or(Reason::BadGate("a signed section lies outside the image"))
}
