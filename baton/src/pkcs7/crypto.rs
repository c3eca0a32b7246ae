//! Hashes, keys and signatures, with the errors of public_key_verify_signature
//! (crypto/asymmetric_keys/public_key.c).

use super::ber::{BIT_STRING, Elements, INTEGER, OID, SEQUENCE, malformed};
use super::{Refusal, refused};
use crate::digest::sha1;
use baton_sys::kexec_error::errno::{EBADMSG, EINVAL, EKEYREJECTED, ENOENT, ENOPKG};
use baton_verify::HashAlgorithm;
use baton_verify::der::oid;
use p256::ecdsa::signature::hazmat::PrehashVerifier;
use rsa::BoxedUint;
use rsa::traits::PublicKeyParts;

/// Identifiers that `baton_verify` accepts nothing of: SHA-1, and ECDSA with it.
const SHA1: &[u8] = &[0x2b, 0x0e, 0x03, 0x02, 0x1a];
const ECDSA_WITH_SHA1: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 1];
/// All but the last number of some: of RSA with a hash, 5 is SHA-1, 11 to 13 are SHA-256 to SHA-512;
const RSA_WITH: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1];
/// of ECDSA with a hash, 1 is SHA-224, 2 to 4 are SHA-256 to SHA-512;
const ECDSA_WITH: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3];
/// of hashes, 4 is SHA-224, 7 to 10 are SHA-3.
const SHA2_AND_3: &[u8] = &[0x60, 0x86, 0x48, 1, 0x65, 3, 4, 2];

/// What an algorithm's name is for the kernel, and whether the running one has it.
pub type Knows<'k> = &'k dyn Fn(&str) -> bool;

/// Why there is no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stop {
    /// It is refused.
    Refused(Refusal),
    /// It can't be told from here.
    Unknown(&'static str),
}

impl Stop {
    /// The same with a reason, unless it has one.
    #[must_use]
    pub fn or_because(self, why: &'static str) -> Stop {
        match self {
            Stop::Refused(refusal) => Stop::Refused(refusal.or_because(why)),
            unknown @ Stop::Unknown(_) => unknown,
        }
    }
}

impl From<Refusal> for Stop {
    fn from(error: Refusal) -> Stop {
        Stop::Refused(error)
    }
}

/// A hash algorithm.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hash {
    /// SHA-1.
    Sha1,
    /// One that Baton accepts, too.
    Accepted(HashAlgorithm),
}

impl Hash {
    /// By its own identifier.
    #[must_use]
    pub fn of(id: &[u8]) -> Option<Hash> {
        match id {
            SHA1 => Some(Hash::Sha1),
            oid::SHA256 => Some(Hash::Accepted(HashAlgorithm::Sha256)),
            oid::SHA384 => Some(Hash::Accepted(HashAlgorithm::Sha384)),
            oid::SHA512 => Some(Hash::Accepted(HashAlgorithm::Sha512)),
            _ => None,
        }
    }

    /// As [`Self::of`].
    ///
    /// # Errors
    /// ENOPKG of what isn't known; that it can't be told of SHA-224 and SHA-3, which some kernels know.
    pub fn known(id: &[u8]) -> Result<Hash, Stop> {
        Hash::of(id).ok_or_else(|| match prefixed(id, SHA2_AND_3) {
            Some(4 | 7..=10) => Stop::Unknown("its hash is one that Baton doesn't compute"),
            _ => refused(ENOPKG).into(),
        })
    }

    /// What the kernel calls it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Hash::Sha1 => "sha1",
            Hash::Accepted(HashAlgorithm::Sha256) => "sha256",
            Hash::Accepted(HashAlgorithm::Sha384) => "sha384",
            Hash::Accepted(HashAlgorithm::Sha512) => "sha512",
        }
    }

    /// What people call it.
    #[must_use]
    pub fn title(self) -> String {
        match self {
            Hash::Sha1 => "SHA-1".to_owned(),
            Hash::Accepted(algorithm) => algorithm.to_string(),
        }
    }

    /// The length of its digests in bytes.
    #[must_use]
    pub fn digest_len(self) -> usize {
        match self {
            Hash::Sha1 => 20,
            Hash::Accepted(algorithm) => algorithm.digest_len(),
        }
    }

    /// The digest of `parts`, one after the other.
    pub fn hash<'a>(self, parts: impl IntoIterator<Item = &'a [u8]>) -> Vec<u8> {
        match self {
            Hash::Sha1 => sha1(parts).to_vec(),
            Hash::Accepted(algorithm) => algorithm.hash(parts).as_bytes().to_vec(),
        }
    }

    /// What stands before the digest in a signature by RSA (RFC 8017, 9.2, note 1).
    fn digest_info(self) -> Vec<u8> {
        let (id, len) = match self {
            Hash::Sha1 => (SHA1, 20),
            Hash::Accepted(HashAlgorithm::Sha256) => (oid::SHA256, 32),
            Hash::Accepted(HashAlgorithm::Sha384) => (oid::SHA384, 48),
            Hash::Accepted(HashAlgorithm::Sha512) => (oid::SHA512, 64),
        };
        let id_len = u8::try_from(id.len()).unwrap_or(0);
        let mut info = vec![0x30, 8 + id_len + len, 0x30, 4 + id_len, 6, id_len];
        info.extend(id);
        info.extend([5, 0, 4, len]);
        info
    }
}

/// The kind of a key, or of what it takes to verify a signature.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyKind {
    /// RSA, with PKCS#1 v1.5's padding.
    Rsa,
    /// ECDSA.
    Ec,
}

impl KeyKind {
    /// Of a SignerInfo (pkcs7_sig_note_pkey_algo): bare RSA, or ECDSA with any hash.
    #[must_use]
    pub fn of_signer(id: &[u8]) -> Option<KeyKind> {
        match id {
            oid::RSA => Some(KeyKind::Rsa),
            ECDSA_WITH_SHA1 => Some(KeyKind::Ec),
            _ if prefixed(id, ECDSA_WITH).is_some_and(|n| (1..=4).contains(&n)) => {
                Some(KeyKind::Ec)
            }
            _ => None,
        }
    }
}

/// The kind and the hash of a certificate's signature (x509_note_sig_algo).
#[must_use]
pub fn certificate_algorithm(id: &[u8]) -> Option<(KeyKind, Hash)> {
    use HashAlgorithm::{Sha256, Sha384, Sha512};
    let hash = |n| match n {
        0 => Some(Hash::Accepted(Sha256)),
        1 => Some(Hash::Accepted(Sha384)),
        2 => Some(Hash::Accepted(Sha512)),
        _ => None,
    };
    if id == ECDSA_WITH_SHA1 {
        Some((KeyKind::Ec, Hash::Sha1))
    } else if let Some(n) = prefixed(id, RSA_WITH) {
        let hash = match n {
            5 => Some(Hash::Sha1),
            n => hash(n.checked_sub(11)?),
        };
        Some((KeyKind::Rsa, hash?))
    } else {
        let n = prefixed(id, ECDSA_WITH)?;
        Some((KeyKind::Ec, hash(n.checked_sub(2)?)?))
    }
}

/// The last number, after this prefix.
fn prefixed(id: &[u8], prefix: &[u8]) -> Option<u8> {
    match id.strip_prefix(prefix) {
        Some([number]) => Some(*number),
        _ => None,
    }
}

/// A public key.
#[derive(Debug, Clone, Copy)]
pub enum PublicKey<'a> {
    /// RSAPublicKey (RFC 8017, A.1.1).
    Rsa(&'a [u8]),
    /// An ECPoint on this curve, named by its identifier.
    Ec(&'a [u8], &'a [u8]),
}

impl<'a> PublicKey<'a> {
    /// Reads a SubjectPublicKeyInfo (x509_extract_key_data).
    ///
    /// # Errors
    /// EBADMSG, and ENOPKG of a key of another kind.
    pub fn parse(info: Elements<'a>) -> Result<Self, Refusal> {
        let mut info = info;
        let mut algorithm = info.inside(SEQUENCE)?;
        let id = algorithm.expect(OID)?.value;
        let bits = info.expect(BIT_STRING)?.value;
        let (_, key) = bits.split_first().ok_or_else(malformed)?;
        match id {
            oid::RSA => Ok(PublicKey::Rsa(key)),
            oid::EC_PUBLIC_KEY => Ok(PublicKey::Ec(algorithm.expect(OID)?.value, key)),
            _ => Err(refused(ENOPKG)),
        }
    }

    /// Its kind.
    #[must_use]
    pub fn kind(&self) -> KeyKind {
        match self {
            PublicKey::Rsa(_) => KeyKind::Rsa,
            PublicKey::Ec(..) => KeyKind::Ec,
        }
    }

    /// Whether this is the key's signature of what has this digest.
    ///
    /// # Errors
    /// The kernel's if it isn't; or that it can't be told.
    pub fn check(&self, signature: &Signature<'_>, knows: Knows<'_>) -> Result<(), Stop> {
        if self.kind() != signature.kind {
            return Err(refused(EKEYREJECTED).into());
        }
        match *self {
            PublicKey::Rsa(key) => check_rsa(key, signature).map_err(Stop::from),
            PublicKey::Ec(curve, point) => check_ec(curve, point, signature, knows),
        }
    }
}

/// A signature, and the digest of what it is said to be of.
#[derive(Debug, Clone)]
pub struct Signature<'a> {
    /// The kind of the key.
    pub kind: KeyKind,
    /// What was hashed with.
    pub hash: Hash,
    /// The digest of what is signed.
    pub digest: Vec<u8>,
    /// The signature itself.
    pub bytes: &'a [u8],
}

/// rsa_set_pub_key in crypto/rsa.c, and pkcs1pad_verify in crypto/rsa-pkcs1pad.c, since 6.13
/// rsassa_pkcs1_verify in crypto/rsassa-pkcs1.c: what isn't a signature at all is EINVAL, what has another
/// form EBADMSG, another digest EKEYREJECTED.
fn check_rsa(key: &[u8], signature: &Signature<'_>) -> Result<(), Refusal> {
    let invalid = || refused(EINVAL);
    let mut fields = Elements(key).inside(SEQUENCE)?;
    let modulus = without_zeros(fields.expect(INTEGER)?.value);
    let exponent = without_zeros(fields.expect(INTEGER)?.value);
    // rsa_check_key_length
    if ![512, 1024, 1536, 2048, 3072, 4096].contains(&(modulus.len() * 8)) {
        return Err(invalid());
    }
    if signature.bytes.len() != modulus.len() {
        return Err(invalid());
    }
    let number = |bytes| BoxedUint::from_be_slice_vartime(bytes);
    let (modulus_number, exponent) = (number(modulus), number(exponent));
    let key = rsa::PublicKey::new_with_size_limits(modulus_number, exponent, 512..=4096);
    let key = key.map_err(|_| invalid())?;
    let number = BoxedUint::from_be_slice(signature.bytes, key.n_bits_precision());
    let number = number.map_err(|_| invalid())?;
    if number >= **key.n() {
        return Err(invalid());
    }
    let opened = rsa::hazmat::rsa_encrypt(&key, &number).map_err(|_| invalid())?;
    let opened = opened.to_be_bytes();
    let opened = opened
        .get(opened.len().saturating_sub(modulus.len())..)
        .unwrap_or_default();
    let [0, opened @ ..] = opened else {
        return Err(invalid());
    };
    let digest = digest_inside(opened, signature.hash).ok_or_else(|| refused(EBADMSG))?;
    if digest == signature.digest {
        Ok(())
    } else {
        Err(refused(EKEYREJECTED))
    }
}

/// `01 ff … ff 00 DigestInfo digest`.
fn digest_inside(opened: &[u8], hash: Hash) -> Option<&[u8]> {
    let padding = opened.strip_prefix(&[1])?;
    let len = padding.iter().take_while(|byte| **byte == 0xff).count();
    let rest = padding.get(len..)?.strip_prefix(&[0])?;
    (len >= 8).then_some(())?;
    rest.strip_prefix(&hash.digest_info()[..])
}

fn without_zeros(number: &[u8]) -> &[u8] {
    let zeros = number.iter().take_while(|byte| **byte == 0).count();
    number.get(zeros..).unwrap_or_default()
}

/// crypto/ecdsa.c: of a kernel without it, crypto_alloc_akcipher fails with ENOENT.
fn check_ec(
    curve: &[u8],
    point: &[u8],
    signature: &Signature<'_>,
    knows: Knows<'_>,
) -> Result<(), Stop> {
    let verified = match curve {
        oid::P256 if knows("ecdsa-nist-p256") => {
            let key = p256::ecdsa::VerifyingKey::from_sec1_bytes(point);
            let made = p256::ecdsa::DerSignature::from_bytes(signature.bytes);
            matches!((key, made), (Ok(key), Ok(made)) if key.verify_prehash(&signature.digest, &made).is_ok())
        }
        oid::P384 if knows("ecdsa-nist-p384") => {
            let key = p384::ecdsa::VerifyingKey::from_sec1_bytes(point);
            let made = p384::ecdsa::DerSignature::from_bytes(signature.bytes);
            matches!((key, made), (Ok(key), Ok(made)) if key.verify_prehash(&signature.digest, &made).is_ok())
        }
        oid::P256 | oid::P384 => return Err(refused(ENOENT).into()),
        _ => {
            return Err(Stop::Unknown(
                "its key is on a curve that Baton doesn't know",
            ));
        }
    };
    if verified {
        Ok(())
    } else {
        Err(refused(EKEYREJECTED).into())
    }
}
