//! Who signs, and with which hash.

use super::args::KeyArgs;
use super::key::SigningKey;
use crate::encode::der::{element, sequence, tag};
use crate::failure::Result;
use crate::failure::input::InputError;
use crate::failure::sign::SignError;
use crate::input::certs;
use baton_verify::{Certificate, HashAlgorithm, Reason, Trust};

/// A private key with its certificate, and the hash to sign with.
#[derive(Debug)]
pub struct Signer {
    /// The key.
    pub key: SigningKey,
    /// The hash, of the content and of what is signed.
    pub hash: HashAlgorithm,
    /// The signer's certificate, and after it those of `--chain`.
    pub certificates: Vec<Vec<u8>>,
    /// What a signature names the signer's certificate by (RFC 5652, 10.2.4).
    pub issuer_and_serial: Vec<u8>,
    /// What people know the signer by.
    pub name: String,
    self_issued: bool,
}

impl Signer {
    /// Reads key and certificates.
    ///
    /// # Errors
    /// When a file can't be read, or the key isn't the certificate's.
    pub fn read(who: &KeyArgs, hash: HashAlgorithm) -> Result<Signer> {
        let (Some(key_path), Some(cert)) = (&who.key, &who.cert) else {
            return Err(SignError::NoCertificate.into());
        };
        let mut certificates = certs::read(cert)?;
        let first = certificates.first();
        let parsed = first.and_then(|first| Certificate::parse(first).ok());
        if let Some(why) = parsed.and_then(|certificate| certs::unusable(&certificate)) {
            let path = cert.clone();
            let why = format!("{why}; sign with another key");
            return Err(InputError::UnusableKey { path, why }.into());
        }
        for path in &who.chain {
            certificates.extend(certs::read(path)?);
        }
        let key = SigningKey::read(key_path)?;
        Signer::new(key, certificates, hash).map_err(|failure| {
            let (key, cert) = (key_path.display(), cert.display());
            failure.about(format_args!("{key} and {cert}"))
        })
    }

    /// The key's certificate is the first of `certificates`.
    ///
    /// # Errors
    /// When it isn't.
    pub fn new(key: SigningKey, certificates: Vec<Vec<u8>>, hash: HashAlgorithm) -> Result<Signer> {
        let first = certificates.first().ok_or(SignError::NoCertificate)?;
        let certificate = Certificate::parse(first).map_err(SignError::Certificate)?;
        if key.public_key_info() != certificate.key_info() {
            return Err(SignError::OtherKey.into());
        }
        let serial = element(tag::INTEGER, &[certificate.serial()]);
        Ok(Signer {
            issuer_and_serial: sequence(&[certificate.issuer(), &serial]),
            name: certificate.subject_name(),
            self_issued: certificate.issuer() == certificate.subject(),
            key,
            hash,
            certificates,
        })
    }

    /// The certificates that a verifier may lack: none where the signer's own, by itself, leads
    /// nowhere else. Such a one must be trusted itself, so that whoever trusts it has it.
    #[must_use]
    pub fn needed_certificates(&self) -> &[Vec<u8>] {
        if self.self_issued && self.certificates.len() == 1 {
            &[]
        } else {
            &self.certificates
        }
    }

    /// Trust in nobody but this signer, to check what was made.
    ///
    /// # Errors
    /// None: the certificate has been read before.
    pub fn trust(&self) -> Result<Trust<'_>> {
        let certificate = self.certificates.first().map_or(&[][..], Vec::as_slice);
        Ok(Trust::new().add_keys(certificate)?)
    }
}

/// A signature that the gate wouldn't accept, though it trusted the signer, isn't written.
pub(super) fn accepted<T>(verdict: std::result::Result<T, Reason>) -> Result<T> {
    Ok(verdict.map_err(SignError::NotAccepted)?)
}
