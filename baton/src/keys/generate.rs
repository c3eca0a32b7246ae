//! A key, and the certificate that it signs for itself.
//!
//! The certificate is what shim and the kernel want of a machine owner key that signs images: version 3 with a subject
//! key identifier, by which the kernel finds it (x509_key_preparse in crypto/asymmetric_keys/x509_public_key.c);
//! `digitalSignature` and not a CA's, so that it vouches for what it signs and for nobody else; `codeSigning`, which
//! osslsigncode insists on and nobody minds. It doesn't name the signing of kernel modules: shim refuses whatever such a
//! key signed (verify_eku in its verify.c).

use super::args::Algorithm;
use crate::calendar;
use crate::digest::sha256;
use crate::encode::der::{algorithm, algorithm_with_null, element, oid, sequence, tag};
use crate::failure::keys::KeysError;
use crate::input::der::Elements;
use crate::sign::key::SigningKey;
use baton_verify::HashAlgorithm;
use baton_verify::der::oid as oids;
use getrandom::SysRng;
use getrandom::rand_core::TryRng;
use p256::elliptic_curve::Generate;
use rsa::pkcs8::{EncodePrivateKey, SecretDocument};
use zeroize::Zeroizing;

/// A key in PKCS#8, and its certificate, both in DER.
pub struct Made {
    /// The private key.
    pub key: SecretDocument,
    /// Its certificate.
    pub certificate: Vec<u8>,
}

/// What the certificate says.
#[derive(Debug, Clone)]
pub struct Subject {
    /// Its name.
    pub common_name: String,
    /// From when on it is valid, in seconds since 1970.
    pub not_before: u64,
    /// Until when.
    pub not_after: u64,
}

/// The extended key usage codeSigning, 1.3.6.1.5.5.7.3.3 (RFC 5280, 4.2.1.12).
const CODE_SIGNING: &[u8] = b"\x2b\x06\x01\x05\x05\x07\x03\x03";

/// UTF8String and the two kinds of time (X.680).
const UTF8_STRING: u8 = 0x0c;
const UTC_TIME: u8 = 0x17;
const GENERALIZED_TIME: u8 = 0x18;

/// Makes a key and its certificate.
///
/// # Errors
/// When the system gives no random numbers.
pub fn generate(kind: Algorithm, subject: &Subject) -> Result<Made, KeysError> {
    let key = private_key(kind)?;
    let signer = SigningKey::parse(key.as_bytes()).map_err(KeysError::Made)?;
    let certificate = certificate(kind, &signer, subject)?;
    Ok(Made { key, certificate })
}

fn private_key(kind: Algorithm) -> Result<SecretDocument, KeysError> {
    let rng = &mut SysRng;
    let document = match kind {
        Algorithm::P256 => {
            let key = p256::SecretKey::try_generate_from_rng(rng);
            key.map_err(KeysError::Random)?.to_pkcs8_der()
        }
        Algorithm::P384 => {
            let key = p384::SecretKey::try_generate_from_rng(rng);
            key.map_err(KeysError::Random)?.to_pkcs8_der()
        }
        Algorithm::Rsa2048 => rsa_key(2048)?.to_pkcs8_der(),
        Algorithm::Rsa3072 => rsa_key(3072)?.to_pkcs8_der(),
        Algorithm::Rsa4096 => rsa_key(4096)?.to_pkcs8_der(),
    };
    document.map_err(KeysError::Encoding)
}

fn rsa_key(bits: usize) -> Result<rsa::PrivateKey, KeysError> {
    rsa::PrivateKey::new(&mut SysRng, bits).map_err(KeysError::Rsa)
}

fn certificate(
    kind: Algorithm,
    signer: &SigningKey,
    subject: &Subject,
) -> Result<Vec<u8>, KeysError> {
    let hash = match kind {
        Algorithm::P384 => HashAlgorithm::Sha384,
        _ => HashAlgorithm::Sha256,
    };
    let signed_with = match kind {
        Algorithm::P256 => algorithm(oids::ECDSA_SHA256),
        Algorithm::P384 => algorithm(oids::ECDSA_SHA384),
        _ => algorithm_with_null(oids::RSA_SHA256),
    };
    let key_info = signer.public_key_info();
    let name = name(&subject.common_name);
    let tbs = sequence(&[
        &element(tag::constructed(0), &[&[tag::INTEGER, 1, 2]]),
        &element(tag::INTEGER, &[&serial()?]),
        &signed_with,
        &name,
        &sequence(&[&time(subject.not_before), &time(subject.not_after)]),
        &name,
        &key_info,
        &element(tag::constructed(3), &[&extensions(&key_info)]),
    ]);
    let signature = signer
        .sign(&hash.hash([&tbs[..]]))
        .map_err(KeysError::Made)?;
    Ok(sequence(&[
        &tbs,
        &signed_with,
        &element(tag::BIT_STRING, &[&[0], &signature]),
    ]))
}

/// Random and positive (RFC 5280, 4.1.2.2): the kernel and shim tell certificates of one name apart by it.
fn serial() -> Result<[u8; 16], KeysError> {
    let mut serial = [0; 16];
    SysRng
        .try_fill_bytes(&mut serial)
        .map_err(KeysError::Random)?;
    serial[0] = serial[0] & 0x3f | 0x40;
    Ok(serial)
}

fn name(common_name: &str) -> Vec<u8> {
    let text = element(UTF8_STRING, &[common_name.as_bytes()]);
    let attribute = sequence(&[&oid(oids::COMMON_NAME), &text]);
    sequence(&[&element(tag::SET, &[&attribute])])
}

/// UTCTime up to 2049, GeneralizedTime from then on (RFC 5280, 4.1.2.5).
fn time(seconds: u64) -> Vec<u8> {
    let text: String = calendar::rfc3339(seconds)
        .chars()
        .filter(|c| !"-:T".contains(*c))
        .collect();
    match text.split_at(2) {
        ("20", rest) if rest < "50" => element(UTC_TIME, &[rest.as_bytes()]),
        _ => element(GENERALIZED_TIME, &[text.as_bytes()]),
    }
}

fn extensions(key_info: &[u8]) -> Vec<u8> {
    let id = key_id(key_info);
    // digitalSignature, the first of 9 bits, of which DER leaves the others out.
    let digital_signature = element(tag::BIT_STRING, &[&[7, 0x80]]);
    sequence(&[
        &extension(
            oids::SUBJECT_KEY_ID,
            false,
            &element(tag::OCTET_STRING, &[&id]),
        ),
        &extension(
            oids::AUTHORITY_KEY_ID,
            false,
            &sequence(&[&element(tag::context(0), &[&id])]),
        ),
        &extension(oids::BASIC_CONSTRAINTS, true, &sequence(&[])),
        &extension(oids::KEY_USAGE, true, &digital_signature),
        &extension(
            oids::EXTENDED_KEY_USAGE,
            false,
            &sequence(&[&oid(CODE_SIGNING)]),
        ),
    ])
}

fn extension(id: &[u8], critical: bool, value: &[u8]) -> Vec<u8> {
    /// BOOLEAN TRUE
    const TRUE: &[u8] = &[1, 1, 0xff];
    let critical = if critical { TRUE } else { &[] };
    sequence(&[&oid(id), critical, &element(tag::OCTET_STRING, &[value])])
}

/// The first 160 bits of the SHA-256 of the public key's bits (RFC 7093, 2, method 1).
fn key_id(key_info: &[u8]) -> [u8; 20] {
    let fields = Elements(key_info).next();
    let bits = fields.and_then(|it| it.inside().nth(1));
    let bits = bits
        .and_then(|bits| bits.value.get(1..))
        .unwrap_or_default();
    let mut id = [0; 20];
    id.copy_from_slice(&sha256([bits])[..20]);
    id
}

/// A private key in PEM (RFC 7468, 10).
///
/// # Errors
/// When it is too long for that.
pub fn key_pem(key: &SecretDocument) -> Result<Zeroizing<String>, KeysError> {
    let pem = key.to_pem("PRIVATE KEY", rsa::pkcs8::LineEnding::LF);
    pem.map_err(|error| KeysError::Encoding(error.into()))
}

/// A certificate in PEM (RFC 7468, 5).
///
/// # Errors
/// When it is too long for that.
pub fn certificate_pem(certificate: &[u8]) -> Result<String, KeysError> {
    let pem = pem_rfc7468::encode_string("CERTIFICATE", pem_rfc7468::LineEnding::LF, certificate);
    pem.map_err(KeysError::Pem)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::certificate::details::Details;
    use crate::certificate::usefulness::Usefulness;
    use baton_verify::Certificate;

    fn subject(not_after: u64) -> Subject {
        Subject {
            common_name: "Kernels of Zoë".into(),
            not_before: 1_795_887_213,
            not_after,
        }
    }

    #[test]
    fn the_certificate_says_what_shim_and_the_kernel_want() {
        for (kind, key, signed_with) in [
            (Algorithm::Rsa2048, "RSA 2048", "SHA-256 and RSA"),
            (Algorithm::P256, "ECDSA P-256", "SHA-256 and ECDSA"),
            (Algorithm::P384, "ECDSA P-384", "SHA-384 and ECDSA"),
        ] {
            let made = generate(kind, &subject(4_107_542_400)).unwrap();
            let certificate = Certificate::parse(&made.certificate).unwrap();
            let details = Details::of(&certificate);
            assert_eq!(details.subject, "Kernels of Zoë");
            assert_eq!(details.subject_dn, details.issuer_dn);
            assert_eq!(
                (&details.key.to_string()[..], &details.signed_with[..]),
                (key, signed_with)
            );
            assert_eq!(details.not_before.as_deref(), Some("2026-11-28T17:33:33Z"));
            assert_eq!(details.not_after.as_deref(), Some("2100-03-01T00:00:00Z"));
            assert_eq!(details.key_usage, ["digitalSignature"]);
            assert_eq!(details.extended_key_usage, ["codeSigning"]);
            assert_eq!(details.key_id.len(), 40);
            assert!(!details.ca && details.weakness().is_none());
            let useful = Usefulness::of(&certificate);
            assert!(useful.kernel.accepts() && useful.gate.accepts());
            assert_eq!(useful.shim.accepts(), kind == Algorithm::Rsa2048);
            let trust = baton_verify::Trust::new().add_keys(&made.certificate);
            assert_eq!(trust.unwrap().anchors().count(), 1);
        }
    }

    #[test]
    fn no_two_keys_and_no_two_serial_numbers_are_alike() {
        let made = [(); 2].map(|()| generate(Algorithm::P256, &subject(2_000_000_000)).unwrap());
        let [one, other] = made
            .each_ref()
            .map(|it| Certificate::parse(&it.certificate).unwrap());
        assert_ne!(one.serial(), other.serial());
        assert_ne!(one.key_info(), other.key_info());
        assert_ne!(one.key_id(), other.key_id());
    }

    #[test]
    fn times_have_the_form_that_their_year_prescribes() {
        assert_eq!(time(0), element(0x18, &[b"19700101000000Z"]));
        assert_eq!(time(1_795_887_213), element(0x17, &[b"261128173333Z"]));
        // The last second of 2049, and the next one.
        assert_eq!(time(2_524_607_999), element(0x17, &[b"491231235959Z"]));
        assert_eq!(time(2_524_608_000), element(0x18, &[b"20500101000000Z"]));
    }
}
