//! Public keys, and checking a signature with one.

use core::fmt;

use crate::crypto::algorithm::{AlgorithmIdentifier, KeyKind};
use crate::crypto::ecdsa;
use crate::crypto::hash::Digest;
use crate::crypto::rsa;
use crate::der::oid;
use crate::der::{Element, Elements, Malformed};

/// The sizes of RSA moduli that are accepted, in bits.
const RSA_BITS: core::ops::RangeInclusive<usize> = 2048..=4096;

/// The public exponents that are accepted: small ones are what makes sloppy padding checks
/// exploitable (ours isn't sloppy, but no signer has a reason to use them), large ones take long.
const RSA_EXPONENTS: core::ops::RangeInclusive<u64> = 65537..=(1 << 33) - 1;

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
    /// RSA for PSS signatures alone (RFC 4055, 1.2), which neither shim nor the kernel takes of images.
    RsaPss,
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
            Self::RsaPss => f.write_str("RSA-PSS keys aren't accepted"),
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
        if algorithm.oid() == oid::RSA {
            if !algorithm.has_null() {
                return Err(UnusableKey::Encoding);
            }
            Self::rsa(key)
        } else if algorithm.oid() == oid::EC_PUBLIC_KEY {
            Self::ec(algorithm.oid_parameter(), key)
        } else if algorithm.oid() == oid::RSA_PSS {
            Err(UnusableKey::RsaPss)
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
        let (key, len) = if curve == oid::P256 {
            (Self::P256(point), 65)
        } else if curve == oid::P384 {
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
    pub(crate) fn verifies(&self, digest: &Digest, signature: &[u8]) -> bool {
        match self {
            Self::Rsa { modulus, exponent } => rsa::verifies(modulus, *exponent, digest, signature),
            Self::P256(point) => {
                ecdsa::verifies::<p256::NistP256>(point, digest.as_bytes(), signature)
            }
            Self::P384(point) => {
                ecdsa::verifies::<p384::NistP384>(point, digest.as_bytes(), signature)
            }
        }
    }
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

#[cfg(test)]
mod tests {
    //! Project Wycheproof's signatures: right ones, and ones that a sloppy check would accept.

    use super::*;
    use crate::crypto::hash::HashAlgorithm;
    use alloc::vec::Vec;
    use wycheproof::{TestResult, ecdsa, rsa_pkcs1_verify};

    const SHA256: HashAlgorithm = HashAlgorithm::Sha256;
    const SHA384: HashAlgorithm = HashAlgorithm::Sha384;
    const SHA512: HashAlgorithm = HashAlgorithm::Sha512;

    /// Whether the verdict is the one that the vector asks for. What may be accepted (RSA without
    /// the NULL of RFC 8017) is refused here.
    fn agrees(accepted: bool, expected: TestResult) -> bool {
        accepted == (expected == TestResult::Valid)
    }

    #[test]
    fn judges_ecdsa_signatures_as_wycheproof_does() {
        use ecdsa::TestName::{
            EcdsaSecp256r1Sha256, EcdsaSecp256r1Sha512, EcdsaSecp384r1Sha256, EcdsaSecp384r1Sha384,
            EcdsaSecp384r1Sha512,
        };
        let mut compared = 0;
        for (name, hash) in [
            (EcdsaSecp256r1Sha256, SHA256),
            (EcdsaSecp256r1Sha512, SHA512),
            (EcdsaSecp384r1Sha256, SHA256),
            (EcdsaSecp384r1Sha384, SHA384),
            (EcdsaSecp384r1Sha512, SHA512),
        ] {
            for group in ecdsa::TestSet::load(name).unwrap().test_groups {
                let info = Element::whole(&group.der, "SubjectPublicKeyInfo").unwrap();
                let key = PublicKey::parse(&info).unwrap();
                for test in group.tests {
                    let accepted = key.verifies(&hash.hash([&test.msg[..]]), &test.sig);
                    assert!(agrees(accepted, test.result), "{name:?} {test:?}");
                    compared += 1;
                }
            }
        }
        assert_eq!(compared, 2491);
    }

    #[test]
    fn judges_rsa_signatures_as_wycheproof_does() {
        use rsa_pkcs1_verify::TestName::{
            Rsa2048Sha256, Rsa2048Sha384, Rsa2048Sha512, Rsa3072Sha256, Rsa3072Sha384,
            Rsa3072Sha512, Rsa4096Sha256, Rsa4096Sha384, Rsa4096Sha512,
        };
        let (mut compared, mut unusable) = (0, 0);
        for (name, hash) in [
            (Rsa2048Sha256, SHA256),
            (Rsa2048Sha384, SHA384),
            (Rsa2048Sha512, SHA512),
            (Rsa3072Sha256, SHA256),
            (Rsa3072Sha384, SHA384),
            (Rsa3072Sha512, SHA512),
            (Rsa4096Sha256, SHA256),
            (Rsa4096Sha384, SHA384),
            (Rsa4096Sha512, SHA512),
        ] {
            for group in rsa_pkcs1_verify::TestSet::load(name).unwrap().test_groups {
                let Ok(key) = PublicKey::rsa(&group.asn_key) else {
                    // Exponents that are refused before any signature is looked at.
                    unusable += group.tests.len();
                    continue;
                };
                for test in group.tests {
                    let accepted = key.verifies(&hash.hash([&test.msg[..]]), &test.sig);
                    assert!(agrees(accepted, test.result), "{name:?} {test:?}");
                    compared += 1;
                }
            }
        }
        assert_eq!((compared, unusable), (2325, 5));
    }

    /// A key, and a right signature with SHA-256 by it.
    fn rsa() -> (Vec<u8>, Vec<u8>, Vec<u8>) {
        let set = rsa_pkcs1_verify::TestSet::load(rsa_pkcs1_verify::TestName::Rsa2048Sha256);
        let group = set.unwrap().test_groups.remove(0);
        let right = |test: &&rsa_pkcs1_verify::Test| test.result == TestResult::Valid;
        let test = group.tests.iter().find(right).unwrap();
        (group.asn_key.to_vec(), test.msg.to_vec(), test.sig.to_vec())
    }

    #[test]
    fn refuses_an_rsa_signature_of_another_length_or_number_or_hash() {
        let (key, message, right) = rsa();
        let key = PublicKey::rsa(&key).unwrap();
        let verifies = |hash: HashAlgorithm, signature: &[u8]| {
            key.verifies(&hash.hash([&message[..]]), signature)
        };
        assert!(verifies(SHA256, &right));
        assert!(!verifies(SHA384, &right) && !verifies(SHA512, &right));
        assert!(!verifies(SHA256, &[&[0], &right[..]].concat()));
        assert!(!verifies(SHA256, &[&right[..], &[0]].concat()));
        assert!(!verifies(SHA256, &right[1..]) && !verifies(SHA256, &[]));
        let PublicKey::Rsa { modulus, .. } = key else {
            panic!("an RSA key");
        };
        // 0 and 1 are their own powers; the modulus is as good as 0.
        for number in [&[0; 256][..], &[&[0; 255][..], &[1]].concat(), modulus] {
            assert!(!verifies(SHA256, number));
        }
    }

    #[test]
    fn refuses_an_rsa_key_with_an_even_modulus_or_exponent() {
        let (key, ..) = rsa();
        let PublicKey::Rsa { modulus, exponent } = PublicKey::rsa(&key).unwrap() else {
            panic!("an RSA key");
        };
        assert_eq!(exponent, 65537);
        let last_of_modulus = key.len() - 6;
        assert_eq!(key[last_of_modulus], *modulus.last().unwrap());
        for (position, expected) in [
            (last_of_modulus, UnusableKey::Encoding),
            (key.len() - 1, UnusableKey::RsaExponent),
        ] {
            let mut even = key.clone();
            even[position] ^= 1;
            assert_eq!(PublicKey::rsa(&even).unwrap_err(), expected);
        }
    }

    #[test]
    fn refuses_points_that_are_not_uncompressed_points_of_the_curve() {
        let set = ecdsa::TestSet::load(ecdsa::TestName::EcdsaSecp256r1Sha256).unwrap();
        let group = &set.test_groups[0];
        let test = &group
            .tests
            .iter()
            .find(|test| test.result == TestResult::Valid);
        let test = test.unwrap();
        let digest = SHA256.hash([&test.msg[..]]);
        let right = group.key.key.as_slice();
        let verifies = |point: &[u8]| PublicKey::P256(point).verifies(&digest, &test.sig);
        assert!(verifies(right));
        for form in (0..=255).filter(|form| *form != 4) {
            assert!(!verifies(&[&[form], &right[1..]].concat()));
        }
        for bit in 0..8 {
            let mut off_the_curve = right.to_vec();
            off_the_curve[64] ^= 1 << bit;
            assert!(!verifies(&off_the_curve));
        }
        assert!(
            !verifies(&right[..33]) && !verifies(&[4; 65]) && !verifies(&[4]) && !verifies(&[])
        );
    }
}
