//! The gate's own signed data: the certificates, the revocations and the policy that were built into it.

use baton_formats::gate_image::{Formats, GateInfo, LEN, SectionRange};
use baton_formats::policy::{Policy, STOCK};
use baton_verify::Reason;

use crate::plan::Range;

/// What of the image the gate needs to know about itself.
pub struct Image<'m> {
    /// Its memory, .bss included.
    pub extent: Range,
    /// The `.keys` section: certificates, one after another.
    pub keys: &'m [u8],
    /// The `.dbx` section: EFI signature lists of what is revoked.
    pub revocations: &'m [u8],
    /// What is accepted, and what a refusal does.
    pub policy: Policy<'m>,
    /// The formats of kernels that it was built with.
    pub formats: Formats,
    /// A digest that tells this gate apart from others.
    pub identity: [u8; 32],
}

impl<'m> Image<'m> {
    /// Reads the info block and finds in `added`, the bytes from the end of the stub on, what it
    /// names.
    ///
    /// # Errors
    /// `BadGate`, if the block that `baton gate build` writes is damaged. It is covered by the
    /// gate's signature, so that this can only be a mistake in building it.
    pub fn read(info: &[u8; LEN], added: &'m [u8], extent: Range) -> Result<Self, Reason> {
        let info =
            GateInfo::parse(info).map_err(|_| Reason::BadGate("its info block is malformed"))?;
        let part = |part: SectionRange| bytes_of(added, info.stub_len, part);
        let policy = match part(info.policy)? {
            [] => STOCK,
            bytes => bytes,
        };
        let policy =
            Policy::parse(policy).map_err(|_| Reason::BadGate("its policy is malformed"))?;
        Ok(Self {
            extent,
            keys: part(info.keys)?,
            revocations: part(info.dbx)?,
            policy,
            formats: info.formats,
            identity: info.identity,
        })
    }
}

/// A part of the image, among the bytes that begin at file offset `stub_len`.
fn bytes_of(added: &[u8], stub_len: u32, part: SectionRange) -> Result<&[u8], Reason> {
    if part.is_absent() {
        return Ok(&[]);
    }
    let start = part.offset.checked_sub(stub_len);
    let bytes = start.and_then(|start| added.get(start as usize..)?.get(..part.length as usize));
    bytes.ok_or(Reason::BadGate("a signed section lies outside the image"))
}
