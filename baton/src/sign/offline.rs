//! Signing where the key isn't: what is to be signed is written to a file, and the signature, once it is made, attached.
//!
//! What is written is the signed attributes in DER, which hold the file's digest, as systemd-sbsign's
//! `--prepare-offline-signing` writes them; for an appended signature and for IMA, which have none, it is the file
//! itself. The signature is the bare one over that, as `openssl dgst -sha256 -sign` makes it.

use super::args::{Existing, KindOption, SignArgs};
use super::signer::{Elsewhere, Signer};
use super::{appended, authenticode, detached};
use crate::failure::sign::SignError;
use crate::failure::{Cause, Failure, Result, refusal};
use crate::input::read;
use crate::output::file::{self, Access, Destination};
use baton_verify::HashAlgorithm;
use rsa::pkcs8::der::asn1::AnyRef;
use rsa::pkcs8::der::{Tag, Tagged};
use std::path::Path;

/// Writes what is to be signed.
///
/// # Errors
/// When the file can't be signed so.
pub fn prepare(args: &SignArgs, out: &Path, file: Vec<u8>, kind: KindOption) -> Result<()> {
    let (hash, existing) = (HashAlgorithm::from(args.hash), Existing::from(args));
    let data = match kind {
        KindOption::Authenticode => authenticode::to_be_signed(file, hash, existing)?,
        KindOption::Detached => detached::to_be_signed(&file, hash),
        KindOption::Appended => appended::to_be_signed(&file, existing)?.to_vec(),
        KindOption::Ima => file,
        KindOption::Note => return Err(SignError::NoteOffline.into()),
    };
    file::is_no_input(out, &args.inputs)?;
    // It may be the whole file, which not everybody may read.
    let access = match args.inputs.first() {
        Some(input) if !read::is_stdin(input) => Access::Like(input),
        _ => Access::Public,
    };
    let destination = Destination::new(out, access, file::Existing::with(args.force))?;
    destination.write(&data)?;
    destination.report(format_args!(
        "{destination}: sign this with {hash}, and give the signature to --attach"
    ));
    Ok(())
}

/// Whose signature was made elsewhere.
///
/// # Errors
/// When a file can't be read, or holds no attributes.
pub fn signer(args: &SignArgs, signature: &Path) -> Result<Signer> {
    let attributes = args.signed_data.as_deref().map(attributes).transpose()?;
    let made = Elsewhere {
        signature: read::given(signature)?,
        attributes,
    };
    Signer::elsewhere(&args.who, args.hash.into(), made)
}

/// The elements of a SET in a file.
fn attributes(path: &Path) -> Result<Vec<u8>> {
    let file = read::given(path)?;
    match AnyRef::try_from(&file[..]) {
        Ok(set) if set.tag() == Tag::Set => Ok(set.value().to_vec()),
        _ => Err(SignError::NoAttributes {
            path: path.to_owned(),
        }
        .into()),
    }
}

/// What is wrong with a signature that isn't good: it is none of what was to be signed.
pub fn explained(failure: Failure, signature: &Path) -> Failure {
    match *failure.cause {
        Cause::Sign(SignError::NotAccepted(reason)) => SignError::NotOverThis {
            path: signature.to_owned(),
            exit: refusal::exit(&reason),
            reason,
        }
        .into(),
        Cause::About { subject, cause } => {
            let cause = Failure {
                cause,
                is_reported: failure.is_reported,
            };
            explained(cause, signature).about(subject)
        }
        _ => failure,
    }
}
