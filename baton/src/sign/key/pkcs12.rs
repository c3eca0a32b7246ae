//! PKCS#12 (RFC 7292): a key with its certificates in one file, encrypted with a passphrase. The file's own checksum isn't
//! looked at: whether the key is the certificate's is, and a wrong passphrase shows when it decrypts nothing.

use super::SigningKey;
use super::encrypted::{self, OCTET_STRING, OID, SEQUENCE};
use crate::failure::key::KeyError;
use crate::input::der::{Element, Elements};
use baton_verify::Certificate;
use zeroize::Zeroizing;

/// Contents of ContentInfo: data and encryptedData (RFC 5652).
const DATA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x07, 0x01];
const ENCRYPTED_DATA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x07, 0x06];
/// keyBag, pkcs8ShroudedKeyBag and certBag (RFC 7292, 4.2).
const KEY_BAG: &[u8] = &[
    0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x0c, 0x0a, 0x01, 0x01,
];
const SHROUDED_KEY_BAG: &[u8] = &[
    0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x0c, 0x0a, 0x01, 0x02,
];
const CERT_BAG: &[u8] = &[
    0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x0c, 0x0a, 0x01, 0x03,
];
/// `[0]`, constructed and primitive.
const EXPLICIT_0: u8 = 0xa0;
const IMPLICIT_0: u8 = 0x80;
const INTEGER: u8 = 0x02;

type Result<T> = std::result::Result<T, KeyError>;

/// What such a file holds, decrypted.
#[derive(Default)]
struct Contents {
    /// Keys in PKCS#8.
    keys: Vec<Zeroizing<Vec<u8>>>,
    certificates: Vec<Vec<u8>>,
}

/// The one key in it, and the certificates: the key's own first.
///
/// # Errors
/// When the passphrase is wrong, the file is encrypted in a way of old, or holds no key, or several.
pub fn open(file: &[u8], passphrase: &[u8]) -> Result<(SigningKey, Vec<Vec<u8>>)> {
    let mut contents = Contents::default();
    contents.read(file, passphrase)?;
    let Contents {
        keys,
        mut certificates,
    } = contents;
    let key = match &keys[..] {
        [key] => SigningKey::parse(key)?,
        keys => return Err(KeyError::KeysInPkcs12 { count: keys.len() }),
    };
    let info = key.public_key_info();
    let is_own = |der: &Vec<u8>| Certificate::parse(der).is_ok_and(|it| it.key_info() == info);
    certificates.sort_by_key(|der| !is_own(der));
    if !certificates.first().is_some_and(is_own) {
        // Whoever needs one is told that it isn't given.
        certificates.clear();
    }
    Ok((key, certificates))
}

/// The next element of this tag, or that the file isn't one.
fn next<'a>(elements: &mut Elements<'a>, tag: u8) -> Result<Element<'a>> {
    elements.with_tag(tag).ok_or(KeyError::BrokenPkcs12)
}

impl Contents {
    /// PFX.
    fn read(&mut self, file: &[u8], passphrase: &[u8]) -> Result<()> {
        let mut pfx = next(&mut Elements(file), SEQUENCE)?.inside();
        next(&mut pfx, INTEGER)?;
        let mut info = next(&mut pfx, SEQUENCE)?.inside();
        if next(&mut info, OID)?.value != DATA {
            return Err(KeyError::BrokenPkcs12);
        }
        let safe = next(&mut next(&mut info, EXPLICIT_0)?.inside(), OCTET_STRING)?;
        for info in next(&mut Elements(safe.value), SEQUENCE)?.inside() {
            self.read_info(&info, passphrase)?;
        }
        Ok(())
    }

    /// ContentInfo.
    fn read_info(&mut self, info: &Element<'_>, passphrase: &[u8]) -> Result<()> {
        let mut info = info.inside();
        let kind = next(&mut info, OID)?.value;
        let mut content = next(&mut info, EXPLICIT_0)?.inside();
        match kind {
            DATA => self.read_bags(next(&mut content, OCTET_STRING)?.value, passphrase),
            ENCRYPTED_DATA => {
                let mut data = next(&mut content, SEQUENCE)?.inside();
                next(&mut data, INTEGER)?;
                let mut info = next(&mut data, SEQUENCE)?.inside();
                next(&mut info, OID)?;
                let scheme = next(&mut info, SEQUENCE)?;
                let bytes = next(&mut info, IMPLICIT_0)?.value;
                let bags = encrypted::decrypted(&scheme, bytes, passphrase)?;
                self.read_bags(&bags, passphrase)
            }
            _ => Err(KeyError::BrokenPkcs12),
        }
    }

    /// SafeContents.
    fn read_bags(&mut self, bags: &[u8], passphrase: &[u8]) -> Result<()> {
        for bag in next(&mut Elements(bags), SEQUENCE)?.inside() {
            let mut bag = bag.inside();
            let kind = next(&mut bag, OID)?.value;
            let mut value = next(&mut bag, EXPLICIT_0)?.inside();
            match kind {
                KEY_BAG => {
                    let key = next(&mut value, SEQUENCE)?.raw.to_vec();
                    self.keys.push(Zeroizing::new(key));
                }
                SHROUDED_KEY_BAG => {
                    let key = next(&mut value, SEQUENCE)?;
                    self.keys.push(encrypted::private_key(key.raw, passphrase)?);
                }
                CERT_BAG => {
                    let mut bag = next(&mut value, SEQUENCE)?.inside();
                    next(&mut bag, OID)?;
                    let inner = next(&mut bag, EXPLICIT_0)?.inside();
                    let der = next(&mut { inner }, OCTET_STRING)?.value.to_vec();
                    self.certificates.push(der);
                }
                // CRLs and secrets.
                _ => {}
            }
        }
        Ok(())
    }
}
