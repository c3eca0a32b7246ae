//! `baton sign`: Authenticode signatures that the kernel, shim, sbverify and Baton itself accept.

pub mod attach;
pub mod cms;
pub mod key;

use crate::certs;
use crate::cli::SignArgs;
use crate::failure::{Failure, Result};
use crate::output;
use attach::Existing;
use baton_formats::gate_image::GateInfo;
use baton_verify::Certificate;
use key::SigningKey;
use std::path::Path;

/// Carries out the command.
///
/// # Errors
/// When a file can't be read, the key isn't the certificate's, or the image isn't one that can be signed.
pub fn run(args: &SignArgs) -> Result<()> {
    let certificates = signer_and_chain(&args.cert, &args.chain)?;
    let key = SigningKey::read(&args.key)?;
    let image = std::fs::read(&args.input).map_err(|e| Failure::io(&args.input, &e))?;
    let existing = match (args.append, args.replace) {
        (true, _) => Existing::Append,
        (_, true) => Existing::Replace,
        _ => Existing::Refuse,
    };
    let signed =
        sign(&image, &key, &certificates, existing).map_err(|why| named(&args.input, why))?;
    let output = args.output.as_ref().unwrap_or(&args.input);
    output::replace(output, &signed, Some(&args.input))
}

fn named(path: &Path, failure: Failure) -> Failure {
    Failure {
        message: format!("{}: {}", path.display(), failure.message),
        ..failure
    }
}

/// The signer's certificate first, then those of `--chain`.
fn signer_and_chain(cert: &Path, chain: &[std::path::PathBuf]) -> Result<Vec<Vec<u8>>> {
    let mut all: Vec<Vec<u8>> = certs::read(cert)?.into_iter().map(|c| c.der).collect();
    for path in chain {
        all.extend(certs::read(path)?.into_iter().map(|c| c.der));
    }
    Ok(all)
}

/// The image with a signature by `key`, whose certificate is the first of `certificates`.
///
/// # Errors
/// When the key isn't the certificate's, or the image can't be signed.
pub fn sign(
    image: &[u8],
    key: &SigningKey,
    certificates: &[Vec<u8>],
    existing: Existing,
) -> Result<Vec<u8>> {
    let signer = certificates
        .first()
        .ok_or_else(|| Failure::failed("no certificate was given"))?;
    let signer = Certificate::parse(signer)
        .map_err(|e| Failure::failed(format!("not a certificate: {e}")))?;
    if key.public_key_info() != signer.key_info() {
        return Err(Failure::failed(
            "the private key isn't the certificate's; give the certificate made for this key",
        ));
    }
    let prepared = attach::prepare(image, existing)?;
    let signature = cms::signed_data(&prepared.digest, key, &signer, certificates)?;
    let signed = attach::attach(prepared, &signature)?;
    check_gate_limit(&signed)?;
    Ok(signed)
}

/// A gate's file, signatures included, must end before the memory the gate works in.
fn check_gate_limit(signed: &[u8]) -> Result<()> {
    match GateInfo::from_image(signed) {
        Ok(info) if signed.len() as u64 > u64::from(info.limit) => Err(Failure::failed(format!(
            "the signed gate would be {} bytes, and it may have {}; use fewer certificates or signatures",
            signed.len(),
            info.limit
        ))),
        // Not a gate, or one with room.
        _ => Ok(()),
    }
}
