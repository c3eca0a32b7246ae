//! Files that hold keys or certificates in formats of their own: recognised, and where they aren't read, named with how to
//! convert them.

/// What such a file is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Keystore {
    /// PKCS#12 (RFC 7292): `.p12`, `.pfx`.
    Pkcs12,
    /// Certificates in PKCS#7: `.p7b`, `.p7c`, or a signature.
    Pkcs7,
    /// A store of Java's.
    Java,
    /// A private key in DER, encrypted (EncryptedPrivateKeyInfo of RFC 5958).
    EncryptedKey,
}

/// What comes soon in each: after the outermost SEQUENCE's header, whatever its length.
const PKCS12_VERSION: &[u8] = &[0x02, 0x01, 0x03, 0x30];
/// OBJECT IDENTIFIER 1.2.840.113549.1.7.2, SignedData.
const SIGNED_DATA: &[u8] = &[
    0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x07, 0x02,
];
/// SEQUENCE and OBJECT IDENTIFIER of PKCS#5's schemes, 1.2.840.113549.1.5, and of PKCS#12's, .1.12.1.
const PBES: [&[u8]; 2] = [
    &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x05],
    &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x0c, 0x01],
];
/// Of JKS and JCEKS (sun.security.provider.JavaKeyStore).
const JAVA_MAGIC: [&[u8]; 2] = [&[0xfe, 0xed, 0xfe, 0xed], &[0xce, 0xce, 0xce, 0xce]];

impl Keystore {
    /// Recognises one.
    #[must_use]
    pub fn of(file: &[u8]) -> Option<Keystore> {
        if JAVA_MAGIC.iter().any(|magic| file.starts_with(magic)) {
            return Some(Keystore::Java);
        }
        let inner = inside_sequence(file)?;
        if inner.starts_with(PKCS12_VERSION) {
            Some(Keystore::Pkcs12)
        } else if inner.starts_with(SIGNED_DATA) {
            Some(Keystore::Pkcs7)
        } else {
            // AlgorithmIdentifier comes first.
            let scheme = inside_sequence(inner)?.get(2..)?;
            let known = PBES.iter().any(|oid| scheme.starts_with(oid));
            known.then_some(Keystore::EncryptedKey)
        }
    }

    /// Why no key is read from it, if none is, and how to get one out.
    #[must_use]
    pub fn without_key(self) -> Option<&'static str> {
        match self {
            Keystore::Pkcs12 | Keystore::EncryptedKey => None,
            Keystore::Pkcs7 => {
                Some("PKCS#7, which holds certificates and no key; give the private key itself")
            }
            Keystore::Java => Some(
                "a Java key store; convert it with `keytool -importkeystore -srckeystore KEY -destkeystore key.p12 \
                 -deststoretype PKCS12`",
            ),
        }
    }

    /// Why no certificate is read from it, and how to get one out.
    #[must_use]
    pub fn for_certificate(self) -> &'static str {
        match self {
            Keystore::Pkcs12 => {
                "a PKCS#12 file (give it with --key, or take the certificates out with `openssl pkcs12 -in FILE -nokeys -out cert.pem`)"
            }
            Keystore::Pkcs7 => {
                "PKCS#7 (take the certificates out with `openssl pkcs7 -inform DER -in FILE -print_certs -out cert.pem`)"
            }
            Keystore::Java => {
                "a Java key store (take the certificate out with `keytool -exportcert -rfc -keystore FILE -file cert.pem`)"
            }
            Keystore::EncryptedKey => "an encrypted private key, and no certificate",
        }
    }
}

/// The contents of the SEQUENCE at the start, or what there is of them.
pub(crate) fn inside_sequence(bytes: &[u8]) -> Option<&[u8]> {
    match bytes {
        [0x30, 0..=0x7f, rest @ ..] => Some(rest),
        // The indefinite form, which PKCS#12 may have, has no octets of length.
        [0x30, length @ 0x80..=0x84, rest @ ..] => rest.get(usize::from(length & 0x7f)..),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_begins_as_one_does_is_known_and_nothing_else() {
        let begins: [(&[u8], Keystore); 5] = [
            (&[0x30, 0x82, 9, 9, 2, 1, 3, 0x30, 0x82], Keystore::Pkcs12),
            (&[0x30, 0x80, 2, 1, 3, 0x30, 0x80], Keystore::Pkcs12),
            (
                &[&[0x30, 0x82, 9, 9], SIGNED_DATA].concat(),
                Keystore::Pkcs7,
            ),
            (
                &[&[0x30, 0x82, 9, 9, 0x30, 0x40, 6, 9], PBES[0], &[0x0d]].concat(),
                Keystore::EncryptedKey,
            ),
            (&[0xfe, 0xed, 0xfe, 0xed, 0, 0, 0, 2], Keystore::Java),
        ];
        for (bytes, expected) in begins {
            assert_eq!(Keystore::of(bytes), Some(expected));
            for len in 0..4 {
                assert!(Keystore::of(&bytes[..len]).is_none_or(|it| it == expected));
            }
        }
        for other in [
            &[][..],
            &[0x30],
            &[0x30, 0x82, 1],
            &[0x30, 3, 2, 1, 0],
            b"text",
        ] {
            assert_eq!(Keystore::of(other), None);
        }
    }
}
