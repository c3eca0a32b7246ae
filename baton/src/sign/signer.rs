//! Who signs, and with which hash.

use super::args::KeyArgs;
use super::cms::Attributes;
use super::key::open::{self, AnyKey, Opened};
use super::key::passphrase::Passphrase;
use crate::calendar;
use crate::certificate::details::Details;
use crate::encode::der::{element, sequence, tag};
use crate::failure::Result;
use crate::failure::input::InputError;
use crate::failure::sign::SignError;
use crate::input::certs;
use baton_verify::{Certificate, Digest, HashAlgorithm, Reason, Trust};
use rsa::pkcs8::ObjectIdentifier;
use rsa::pkcs8::spki::SubjectPublicKeyInfoRef;
use std::path::{Path, PathBuf};

/// Who signs: a certificate, what signs in its name, and the hash to sign with.
#[derive(Debug)]
pub struct Signer {
    hand: Hand,
    /// The certificate's public key.
    key_info: Vec<u8>,
    /// The algorithms that the certificate's key is for.
    pub family: Family,
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

/// What a key signs.
#[derive(Debug)]
pub struct Message<'m> {
    /// All of it, for tokens that hash it themselves.
    pub bytes: &'m [u8],
    /// Its digest, by the signer's hash.
    pub digest: Digest,
}

/// Where signatures come from.
#[derive(Debug)]
enum Hand {
    /// A key that is at hand.
    Key(AnyKey),
    /// One signature, made elsewhere.
    Elsewhere(Elsewhere),
}

/// A signature that was made elsewhere.
#[derive(Debug)]
pub struct Elsewhere {
    /// The bare signature: as long as an RSA key, or ECDSA's two numbers in DER.
    pub signature: Vec<u8>,
    /// What it is over, if that isn't what would be signed here: the elements of a SET of attributes.
    pub attributes: Option<Vec<u8>>,
}

/// What kind of key signs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Family {
    /// RSA, with PKCS#1 v1.5 padding.
    Rsa,
    /// ECDSA, on whatever curve.
    Ecdsa,
}

impl Signer {
    /// Reads key and certificates.
    ///
    /// # Errors
    /// When a file can't be read, or the key isn't the certificate's.
    pub fn read(who: &KeyArgs, hash: HashAlgorithm) -> Result<Signer> {
        let given = given_certificates(who)?;
        let path = who.key.as_ref().ok_or(SignError::NoCertificate)?;
        let Opened { key, certificates } = open::open(path, &who.passphrase())?;
        let certificates = with_chain(given.unwrap_or(certificates), who)?;
        Signer::new(key, certificates, hash).map_err(|failure| match &who.cert {
            Some(cert) => {
                let (key, cert) = (called(path), cert.display());
                failure.about(format_args!("{} and {cert}", key.display()))
            }
            None => failure,
        })
    }

    /// One whose signature was made elsewhere. Whether it is the certificate's shows when it is used.
    ///
    /// # Errors
    /// When a certificate can't be read.
    pub fn elsewhere(who: &KeyArgs, hash: HashAlgorithm, made: Elsewhere) -> Result<Signer> {
        let given = given_certificates(who)?.ok_or(SignError::NoCertificate)?;
        Signer::of(Hand::Elsewhere(made), with_chain(given, who)?, hash)
    }

    /// One that signs nothing, and only tells what the certificate's key signed.
    ///
    /// # Errors
    /// When a certificate can't be read.
    pub fn without_key(who: &KeyArgs, hash: HashAlgorithm) -> Result<Signer> {
        let nothing = Elsewhere {
            signature: Vec::new(),
            attributes: None,
        };
        let certificates = match (given_certificates(who)?, &who.key) {
            (Some(given), _) => given,
            (None, Some(key)) => open::certificates(key, &who.passphrase())?,
            (None, None) => return Err(SignError::NoCertificate.into()),
        };
        Signer::of(Hand::Elsewhere(nothing), certificates, hash)
    }

    /// The key's certificate is the first of `certificates`.
    ///
    /// # Errors
    /// When it isn't. Of a key in a token that shows when it signs.
    pub fn new(key: AnyKey, certificates: Vec<Vec<u8>>, hash: HashAlgorithm) -> Result<Signer> {
        let info = match &key {
            AnyKey::Here(key) => Some(key.public_key_info()),
            AnyKey::Token(_) => None,
        };
        let signer = Signer::of(Hand::Key(key), certificates, hash)?;
        match info {
            Some(info) if info != signer.key_info => Err(SignError::OtherKey.into()),
            _ => Ok(signer),
        }
    }

    /// Says if the certificate has expired, which keeps nobody here from accepting what it signs.
    pub fn note_expiry(&self) {
        let first = self.certificates.first().map(|it| Certificate::parse(it));
        let Some(Ok(certificate)) = first else {
            return;
        };
        let details = Details::of(&certificate);
        if let Some(expiry) = details
            .expiry
            .filter(|_| details.is_expired(calendar::now()))
        {
            tell!(
                "note: the certificate of \"{}\" expired on {}: firmware, shim, the kernel and the gate don't look at that, but others may",
                self.name,
                calendar::day(expiry)
            );
        }
    }

    fn of(hand: Hand, certificates: Vec<Vec<u8>>, hash: HashAlgorithm) -> Result<Signer> {
        let first = certificates.first().ok_or(SignError::NoCertificate)?;
        let certificate = Certificate::parse(first).map_err(SignError::Certificate)?;
        let serial = element(tag::INTEGER, &[certificate.serial()]);
        Ok(Signer {
            hand,
            family: Family::of(&certificate)?,
            key_info: certificate.key_info().to_vec(),
            issuer_and_serial: sequence(&[certificate.issuer(), &serial]),
            name: certificate.subject_name(),
            self_issued: certificate.issuer() == certificate.subject(),
            hash,
            certificates,
        })
    }

    /// Signs a message.
    ///
    /// # Errors
    /// When the key can't.
    pub fn sign(&self, message: &Message<'_>) -> Result<Vec<u8>> {
        match &self.hand {
            Hand::Key(AnyKey::Here(key)) => {
                Ok(key.sign(&message.digest).map_err(SignError::Signing)?)
            }
            Hand::Key(AnyKey::Token(key)) => Ok(key.sign(self.family, &self.key_info, message)?),
            Hand::Elsewhere(made) => Ok(made.signature.clone()),
        }
    }

    /// The attributes that it signs, where there are any.
    #[must_use]
    pub fn attributes(&self) -> Attributes<'_> {
        match &self.hand {
            Hand::Elsewhere(Elsewhere {
                attributes: Some(given),
                ..
            }) => Attributes::Given(given),
            _ => Attributes::Own,
        }
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

/// The certificates of `--cert`, if that is given.
fn given_certificates(who: &KeyArgs) -> Result<Option<Vec<Vec<u8>>>> {
    let Some(cert) = &who.cert else {
        return Ok(None);
    };
    let certificates = certs::read(cert)?;
    check_usable(&certificates, cert)?;
    Ok(Some(certificates))
}

/// What a key is called in an error: of a token's, what finds it, and not how it is opened, since a PIN may stand there
/// (RFC 7512, 2.4).
fn called(key: &Path) -> PathBuf {
    match key.to_str().filter(|it| it.starts_with("pkcs11:")) {
        Some(uri) => uri.split('?').next().unwrap_or_default().into(),
        None => key.to_owned(),
    }
}

/// With those of `--chain`, which go between the signer's and a trusted one.
fn with_chain(mut certificates: Vec<Vec<u8>>, who: &KeyArgs) -> Result<Vec<Vec<u8>>> {
    if let (None, Some(key)) = (&who.cert, &who.key) {
        check_usable(&certificates, &called(key))?;
    }
    for path in &who.chain {
        certificates.extend(certs::read(path)?);
    }
    Ok(certificates)
}

/// Refuses a certificate whose key nobody accepts.
fn check_usable(certificates: &[Vec<u8>], path: &Path) -> Result<()> {
    let first = certificates.first();
    let parsed = first.and_then(|first| Certificate::parse(first).ok());
    if let Some(why) = parsed.and_then(|certificate| certs::unusable(&certificate)) {
        let path = path.to_owned();
        let why = format!("{why}; sign with another key");
        return Err(InputError::UnusableKey { path, why }.into());
    }
    Ok(())
}

impl KeyArgs {
    /// Where the key's passphrase comes from.
    #[must_use]
    pub fn passphrase(&self) -> Passphrase {
        Passphrase {
            file: self.passphrase_file.clone(),
        }
    }
}

impl Family {
    fn of(certificate: &Certificate<'_>) -> Result<Family> {
        let info = SubjectPublicKeyInfoRef::try_from(certificate.key_info());
        match info.map(|info| info.algorithm.oid) {
            Ok(RSA) => Ok(Family::Rsa),
            Ok(EC) => Ok(Family::Ecdsa),
            _ => Err(SignError::KeyOfCertificate.into()),
        }
    }
}

/// rsaEncryption (RFC 8017, A.1), and id-ecPublicKey (RFC 5480, 2.1.1).
const RSA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.1");
const EC: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.2.1");

/// A signature that the gate wouldn't accept, though it trusted the signer, isn't written.
pub(super) fn accepted<T>(verdict: std::result::Result<T, Reason>) -> Result<T> {
    Ok(verdict.map_err(SignError::NotAccepted)?)
}
