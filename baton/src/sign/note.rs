//! Signatures in a note of an ELF file, as `baton_formats::elf` describes it: detached CMS over the
//! file with the note's descriptor zero.

use super::args::Existing;
use super::cms::{self, Attributes, Content};
use super::note_room::Room;
use super::signer::{Signer, accepted};
use crate::encode::field::put;
use crate::failure::Result;
use crate::failure::sign::SignError;
use baton_formats::elf::Elf;
use baton_verify::der::oid;
use baton_verify::verify_detached;

/// How often room is made anew. One time in three at least, a signature fits the room that the one
/// before took.
const ATTEMPTS: usize = 64;

/// The file with a signature in its note.
///
/// An ECDSA signature's length isn't known before it is made, and it depends on the room that was
/// made for it; so this is repeated, each time a few bytes further along, until both fit.
///
/// # Errors
/// When it isn't an ELF file that can hold a note, or has one and that isn't wanted.
pub fn sign(file: &[u8], signer: &Signer, existing: Existing) -> Result<Vec<u8>> {
    let room = Room::in_file(file, existing)?;
    let mut length = signature(&[], signer)?.len();
    for attempt in 0..ATTEMPTS {
        let mut signed = room.make(length, attempt)?;
        let signature = signature(&covered(&signed)?, signer)?;
        if signature.len() == length {
            let at = descriptor(&signed)?;
            put(&mut signed, at, &signature)?;
            check(&signed, signer)?;
            return Ok(signed);
        }
        length = signature.len();
    }
    Err(SignError::NoteRoom.into())
}

fn signature(parts: &[&[u8]], signer: &Signer) -> Result<Vec<u8>> {
    let content = Content {
        kind: oid::DATA,
        inside: None,
        digest: signer.hash.hash(parts.iter().copied()),
        attributes: Attributes::Own,
    };
    cms::signed_data(&content, signer, &signer.certificates)
}

fn parse(file: &[u8]) -> Result<Elf<'_>> {
    Ok(Elf::parse(file).map_err(SignError::Elf)?)
}

/// What the signature is over.
fn covered(file: &[u8]) -> Result<Vec<&[u8]>> {
    let parts = parse(file)?.signed_parts().ok_or(SignError::NoNote)?;
    Ok(parts.collect())
}

fn descriptor(file: &[u8]) -> Result<usize> {
    let range = parse(file)?.signature_note().ok_or(SignError::NoNote)?;
    Ok(range.start)
}

fn check(file: &[u8], signer: &Signer) -> Result<()> {
    let elf = parse(file)?;
    let signature = elf.signature().ok_or(SignError::NoNote)?;
    accepted(verify_detached(covered(file)?, signature, &signer.trust()?)).map(|_| ())
}
