//! What an image may be revoked by: any of the SHA-256 digests that people know it by, whatever
//! vouches for it now.
//!
//! | digest | of | who takes it |
//! |---|---|---|
//! | of the whole file | any | whoever has the file: `sha256sum` |
//! | Authenticode | a PE image | what publishes a dbx; pesign, sbsigntool |
//! | Authenticode without the padding to 8 bytes | one whose length was odd | firmware, of unsigned files |
//! | of all before an appended signature | a file with one | whoever has the file before it was signed |
//! | with the signature as zeros | ELF with a signature note | the same |
//!
//! A digest of the whole file names these very bytes: whoever puts another signature into a PE image
//! makes another file of it. The other digests leave out what can be changed so.

use baton_formats::elf::Elf;
use baton_formats::gate_image::Format;
use baton_formats::module_signature;
use baton_formats::pe::Pe;

use crate::crypto::hash::{Digest, HashAlgorithm, sha256};
use crate::policy::trust::Trust;
use crate::reason::Reason;

/// How many appended signatures are looked behind: nobody signs a file so often.
const MAX_APPENDED: usize = 4;

/// Refuses the image that `file` is if `trust` revokes one of its digests. (The verdict on a kernel or
/// an addon includes this; it is for what else judges images, as the kernel's own way does.)
///
/// # Errors
/// `RevokedImage`.
pub fn check_revoked(file: &[u8], trust: &Trust<'_>) -> Result<(), Reason> {
    if !trust.lists_digests() {
        return Ok(());
    }
    let mut file = file;
    for _ in 0..=MAX_APPENDED {
        check_bytes(file, trust)?;
        check_inside(file, trust)?;
        match module_signature::split(file) {
            Ok(Some(appended)) => file = appended.data,
            _ => break,
        }
    }
    Ok(())
}

/// As [`check_revoked`], of a PE image whose Authenticode digest is known.
pub(crate) fn check_image(
    file: &[u8],
    pe: &Pe<'_>,
    authenticode: &Digest,
    trust: &Trust<'_>,
) -> Result<(), Reason> {
    trust.check_digest(authenticode.as_bytes())?;
    if !trust.lists_digests() {
        return Ok(());
    }
    check_bytes(file, trust)?;
    check_unpadded(pe, trust)?;
    // An unsigned image may end so, and be trusted by its digest.
    match module_signature::split(file) {
        Ok(Some(appended)) => check_revoked(appended.data, trust),
        _ => Ok(()),
    }
}

/// The same of bytes that are no image: an initrd, a device tree.
pub(crate) fn check_bytes(bytes: &[u8], trust: &Trust<'_>) -> Result<(), Reason> {
    if trust.lists_digests() {
        trust.check_digest(&trust.hashing(|| sha256([bytes])))
    } else {
        Ok(())
    }
}

/// By the digests that leave something out which the format lets change.
fn check_inside(file: &[u8], trust: &Trust<'_>) -> Result<(), Reason> {
    if let Ok(pe) = Pe::parse(file) {
        let authenticode = trust.hashing(|| HashAlgorithm::Sha256.hash(pe.digest_parts()));
        trust.check_digest(authenticode.as_bytes())?;
        return check_unpadded(&pe, trust);
    }
    // Where ELF isn't read it isn't booted either.
    let elf = if trust.formats().has(Format::Elf) {
        Elf::parse(file).ok()
    } else {
        None
    };
    match elf.and_then(|elf| elf.signed_parts()) {
        Some(parts) => trust.check_digest(&trust.hashing(|| sha256(parts))),
        None => Ok(()),
    }
}

fn check_unpadded(pe: &Pe<'_>, trust: &Trust<'_>) -> Result<(), Reason> {
    for parts in pe.unpadded_digest_parts() {
        trust.check_digest(&trust.hashing(|| sha256(parts)))?;
    }
    Ok(())
}
