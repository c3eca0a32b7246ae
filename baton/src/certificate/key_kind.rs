//! Kind and size of a certificate's key.

use baton_verify::Certificate;
use baton_verify::certificate::UnusableKey;
use rsa::pkcs8::DecodePublicKey;
use rsa::traits::PublicKeyParts;
use serde::{Serialize, Serializer};
use std::fmt;

/// What kind of key a certificate is for, whether or not anybody accepts it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyKind {
    /// RSA, of so many bits; none where its size can't be told.
    Rsa(Option<u32>),
    /// RSA that is for PSS alone (RFC 4055, 1.2).
    RsaPss,
    /// ECDSA on P-256.
    P256,
    /// ECDSA on P-384.
    P384,
    /// None of these.
    Other,
}

impl KeyKind {
    /// That of this certificate's key.
    #[must_use]
    pub fn of(certificate: &Certificate<'_>) -> KeyKind {
        let unusable = certificate.unusable_key();
        let info = certificate.key_info();
        if unusable == Some(UnusableKey::RsaPss) {
            KeyKind::RsaPss
        } else if let Ok(key) = rsa::PublicKey::from_public_key_der(info) {
            KeyKind::Rsa(Some(key.n().bit_width_vartime()))
        } else if p256::PublicKey::from_public_key_der(info).is_ok() {
            KeyKind::P256
        } else if p384::PublicKey::from_public_key_der(info).is_ok() {
            KeyKind::P384
        } else {
            match unusable {
                Some(UnusableKey::RsaSize(bits)) => KeyKind::Rsa(u32::try_from(bits).ok()),
                Some(UnusableKey::RsaExponent) => KeyKind::Rsa(None),
                _ => KeyKind::Other,
            }
        }
    }
}

impl fmt::Display for KeyKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            KeyKind::Rsa(Some(bits)) => write!(f, "RSA {bits}"),
            KeyKind::Rsa(None) => f.write_str("RSA"),
            KeyKind::RsaPss => f.write_str("RSA-PSS"),
            KeyKind::P256 => f.write_str("ECDSA P-256"),
            KeyKind::P384 => f.write_str("ECDSA P-384"),
            KeyKind::Other => f.write_str("another kind of key"),
        }
    }
}

/// As it is shown.
impl Serialize for KeyKind {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}
