//! Whether a file needs a signature, for `--if-needed`.

use super::args::KindOption;
use super::ima;
use super::signer::Signer;
use crate::failure::Result;
use baton_formats::elf::Elf;
use baton_formats::module_signature;
use baton_verify::{Reason, verify_detached, verify_image};

/// Whether the signature that a file has in this way, or beside it, is good and by the signer's own certificate. One by
/// a certificate that the signer's issued is another's.
///
/// # Errors
/// None: the certificate has been read before.
pub fn is_signed(
    file: &[u8],
    beside: Option<&[u8]>,
    kind: KindOption,
    signer: &Signer,
) -> Result<bool> {
    if kind == KindOption::Ima {
        return Ok(beside.is_some_and(|value| ima::is_signed(file, value, signer)));
    }
    let trust = signer.trust()?;
    let verdict = match kind {
        KindOption::Authenticode => {
            let verified = verify_image(file, &trust);
            verified.map(|verified| verified.signer().clone())
        }
        KindOption::Appended => match module_signature::split(file) {
            Ok(Some(appended)) => verify_detached([appended.data], appended.signature, &trust),
            _ => Err(Reason::Unsigned),
        },
        KindOption::Note => match Elf::parse(file) {
            Ok(elf) => match (elf.signature(), elf.signed_parts()) {
                (Some(signature), Some(parts)) => verify_detached(parts, signature, &trust),
                _ => Err(Reason::Unsigned),
            },
            Err(_) => Err(Reason::Unsigned),
        },
        KindOption::Detached | KindOption::Ima => match beside {
            Some(signature) => verify_detached([file], signature, &trust),
            None => Err(Reason::Unsigned),
        },
    };
    Ok(verdict.is_ok_and(|by| by.key_id == by.anchor_key_id))
}
