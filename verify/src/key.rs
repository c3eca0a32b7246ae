//! Public keys, and checking a signature with one.

use core::fmt;

use p256::ecdsa::signature::hazmat::PrehashVerifier;
use rsa::BoxedUint;

use crate::algorithm::{AlgorithmIdentifier, KeyKind};
use crate::asn1::{Element, Elements, Malformed, Tag};
use crate::hash::{Digest, HashAlgorithm};
use crate::oid;

/// The sizes of RSA moduli that are accepted, in bits.
const RSA_BITS: core::ops::RangeInclusive<usize> = 2048..=4096;

/// The public exponents that are accepted: small ones are what makes sloppy padding checks
/// exploitable (ours isn't sloppy, but no signer has a reason to use them), large ones take long.
const RSA_EXPONENTS: core::ops::RangeInclusive<u64> = 65537..=rsa::PublicKey::MAX_PUB_EXPONENT;

/// A public key of a kind and size that is accepted.
#[derive(Debug, Clone, Copy)]
pub(crate) enum PublicKey<'a> {
    /// Big-endian modulus without leading zeros, and exponent.
    Rsa { modulus: &'a [u8], exponent: u64 },
    /// An uncompressed point on P-256.
    P256(&'a [u8]),
    /// An uncompressed point on P-384.
    P384(&'a [u8]),
}

/// Why a key can't be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UnusableKey {
    /// Neither RSA nor ECDSA on P-256 or P-384.
    Kind,
    /// An RSA modulus outside 2048..=4096 bits; its size.
    RsaSize(usize),
    /// An RSA public exponent that is even, below 65537, or beyond 33 bits.
    RsaExponent,
    /// Not the encoding its algorithm prescribes.
    Encoding,
}

impl fmt::Display for UnusableKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Kind => f.write_str("its key is neither RSA nor ECDSA on P-256 or P-384"),
            Self::RsaSize(bits) => {
                write!(f, "its RSA key has {bits} bits, outside 2048 to 4096")
            }
            Self::RsaExponent => {
                f.write_str("its RSA exponent isn't an odd number from 65537 up to 33 bits")
            }
            Self::Encoding => f.write_str("its key isn't encoded as its algorithm prescribes"),
        }
    }
}

impl From<Malformed> for UnusableKey {
    fn from(_: Malformed) -> Self {
        Self::Encoding
    }
}

impl<'a> PublicKey<'a> {
    /// Reads a SubjectPublicKeyInfo (RFC 5280, 4.1).
    pub(crate) fn parse(info: &Element<'a>) -> Result<Self, UnusableKey> {
        let mut fields = info.elements("SubjectPublicKeyInfo");
        let algorithm = AlgorithmIdentifier::read(&mut fields)?;
        let key = fields.octets_of_bits()?;
        fields.finish()?;
        if algorithm.oid() == oid::RSA.as_bytes() {
            if !algorithm.has_null() {
                return Err(UnusableKey::Encoding);
            }
            Self::rsa(key)
        } else if algorithm.oid() == oid::EC_PUBLIC_KEY.as_bytes() {
            Self::ec(algorithm.oid_parameter(), key)
        } else {
            Err(UnusableKey::Kind)
        }
    }

    /// RSAPublicKey (RFC 8017, A.1.1).
    fn rsa(key: &'a [u8]) -> Result<Self, UnusableKey> {
        let mut outer = Elements::new(key, "RSAPublicKey");
        let mut fields = outer.sequence("RSAPublicKey")?;
        outer.finish()?;
        let modulus = fields.unsigned()?;
        let exponent = fields.unsigned()?;
        fields.finish()?;
        let bits = bit_length(modulus);
        if !RSA_BITS.contains(&bits) {
            return Err(UnusableKey::RsaSize(bits));
        }
        if modulus.last().is_none_or(|last| last & 1 == 0) {
            return Err(UnusableKey::Encoding);
        }
        let exponent = small_number(exponent).ok_or(UnusableKey::RsaExponent)?;
        if !RSA_EXPONENTS.contains(&exponent) || exponent & 1 == 0 {
            return Err(UnusableKey::RsaExponent);
        }
        Ok(Self::Rsa { modulus, exponent })
    }

    /// ECPoint (RFC 5480, 2.2), uncompressed as everybody writes it.
    fn ec(curve: Option<&[u8]>, point: &'a [u8]) -> Result<Self, UnusableKey> {
        let curve = curve.ok_or(UnusableKey::Kind)?;
        let (key, len) = if curve == oid::P256.as_bytes() {
            (Self::P256(point), 65)
        } else if curve == oid::P384.as_bytes() {
            (Self::P384(point), 97)
        } else {
            return Err(UnusableKey::Kind);
        };
        if point.len() == len && point.first() == Some(&4) {
            Ok(key)
        } else {
            Err(UnusableKey::Encoding)
        }
    }

    pub(crate) fn kind(&self) -> KeyKind {
        match self {
            Self::Rsa { .. } => KeyKind::Rsa,
            Self::P256(_) | Self::P384(_) => KeyKind::Ec,
        }
    }

    /// Whether `signature` is this key's signature of a message with this digest.
    ///
    /// RSA is PKCS#1 v1.5 (RFC 8017, 8.2.2): the signature must be exactly as long as the
    /// modulus and smaller, and every byte of the padding is compared. ECDSA signatures are
    /// strict DER, with both numbers in range.
    pub(crate) fn verifies(&self, digest: &Digest, signature: &[u8]) -> bool {
        match self {
            Self::Rsa { modulus, exponent } => {
                verify_rsa(modulus, *exponent, digest, signature).is_some()
            }
            Self::P256(point) => verify_p256(point, digest, signature).is_some(),
            Self::P384(point) => verify_p384(point, digest, signature).is_some(),
        }
    }
}

fn verify_rsa(modulus: &[u8], exponent: u64, digest: &Digest, signature: &[u8]) -> Option<()> {
    let key = rsa::PublicKey::new_with_size_limits(
        BoxedUint::from_be_slice_vartime(modulus),
        BoxedUint::from(exponent),
        RSA_BITS,
    )
    .ok()?;
    let bytes = digest.as_bytes();
    match digest.algorithm() {
        HashAlgorithm::Sha256 => key.pkcs1v15_verify_prehash::<sha2::Sha256>(bytes, signature),
        HashAlgorithm::Sha384 => key.pkcs1v15_verify_prehash::<sha2::Sha384>(bytes, signature),
        HashAlgorithm::Sha512 => key.pkcs1v15_verify_prehash::<sha2::Sha512>(bytes, signature),
    }
    .ok()
}

fn verify_p256(point: &[u8], digest: &Digest, signature: &[u8]) -> Option<()> {
    let signature = p256::ecdsa::Signature::from_der(strict(signature)?).ok()?;
    let key = p256::ecdsa::VerifyingKey::from_sec1_bytes(point).ok()?;
    key.verify_prehash(digest.as_bytes(), &signature).ok()
}

fn verify_p384(point: &[u8], digest: &Digest, signature: &[u8]) -> Option<()> {
    let signature = p384::ecdsa::Signature::from_der(strict(signature)?).ok()?;
    let key = p384::ecdsa::VerifyingKey::from_sec1_bytes(point).ok()?;
    key.verify_prehash(digest.as_bytes(), &signature).ok()
}

/// The same bytes, if they are an Ecdsa-Sig-Value (RFC 3279, 2.2.3) and nothing else.
fn strict(signature: &[u8]) -> Option<&[u8]> {
    let whole = Element::whole(signature, "Ecdsa-Sig-Value").ok()?;
    let mut fields = whole.elements("Ecdsa-Sig-Value");
    fields.unsigned().ok()?;
    fields.unsigned().ok()?;
    fields.finish().ok()?;
    (whole.tag == Tag::Sequence).then_some(signature)
}

/// The number of bits in a big-endian number without leading zero bytes.
fn bit_length(number: &[u8]) -> usize {
    let top = number.first().map_or(0, |byte| byte.leading_zeros());
    let top = usize::try_from(top).unwrap_or(0);
    number.len().saturating_mul(8).saturating_sub(top)
}

fn small_number(bytes: &[u8]) -> Option<u64> {
    let mut padded = [0; 8];
    let start = padded.len().checked_sub(bytes.len())?;
    padded.get_mut(start..)?.copy_from_slice(bytes);
    Some(u64::from_be_bytes(padded))
}
