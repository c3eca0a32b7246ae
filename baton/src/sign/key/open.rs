//! The key that a person names, and the certificates that come along with it.

use super::passphrase::Passphrase;
use super::token::{self, TokenKey};
use super::uri::{self, Uri};
use super::{SigningKey, encrypted, pkcs12};
use crate::failure::Result;
use crate::failure::sign::SignError;
use crate::failure::token::TokenError;
use crate::input::keystore::Keystore;
use crate::input::pem::{self, Block};
use crate::input::read;
use std::path::Path;
use zeroize::Zeroizing;

/// A key, wherever it is.
#[derive(Debug)]
pub enum AnyKey {
    /// In memory.
    Here(SigningKey),
    /// In a token.
    Token(Box<TokenKey>),
}

/// A key, and the certificates that were found with it: its own first.
#[derive(Debug)]
pub struct Opened {
    /// The key.
    pub key: AnyKey,
    /// Its certificate, and what else there was.
    pub certificates: Vec<Vec<u8>>,
}

/// Opens a key: a file, or what a `pkcs11:` URI names.
///
/// # Errors
/// When it isn't there, or the passphrase is wrong.
pub fn open(key: &Path, passphrase: &Passphrase) -> Result<Opened> {
    match token_uri(key)? {
        Some(uri) => {
            let (key, certificate) = token::open(&uri, passphrase)?;
            Ok(Opened {
                key: AnyKey::Token(Box::new(key)),
                certificates: certificate.into_iter().collect(),
            })
        }
        None => from_file(key, passphrase),
    }
}

fn from_file(path: &Path, passphrase: &Passphrase) -> Result<Opened> {
    let bytes = Zeroizing::new(read::given(path)?);
    let asked = || passphrase.get(format_args!("passphrase of {}", path.display()));
    let failed = |why| SignError::Key {
        path: path.to_owned(),
        why,
    };
    let blocks = if pem::is_pem(&bytes) {
        pem::blocks(&bytes).map_err(|e| failed(e.into()))?
    } else {
        Vec::new()
    };
    let encrypted = blocks.iter().find(|it| it.label == "ENCRYPTED PRIVATE KEY");
    let (key, certificates) = match (Keystore::of(&bytes), encrypted) {
        (Some(Keystore::Pkcs12), _) => pkcs12::open(&bytes, &asked()?).map_err(failed)?,
        (Some(Keystore::EncryptedKey), _) => {
            let key = encrypted::private_key(&bytes, &asked()?).map_err(failed)?;
            (SigningKey::parse(&key).map_err(failed)?, Vec::new())
        }
        (_, Some(block)) => {
            let key = encrypted::private_key(&block.bytes, &asked()?).map_err(failed)?;
            (SigningKey::parse(&key).map_err(failed)?, beside(&blocks))
        }
        _ => (SigningKey::parse(&bytes).map_err(failed)?, beside(&blocks)),
    };
    Ok(Opened {
        key: AnyKey::Here(key),
        certificates,
    })
}

/// The certificates in the same file, as the kernel's build keeps its own (certs/signing_key.pem).
fn beside(blocks: &[Block]) -> Vec<Vec<u8>> {
    let certificates = blocks.iter().filter(|it| it.label == "CERTIFICATE");
    certificates.map(|it| it.bytes.to_vec()).collect()
}

/// The certificates that come along with a key, for which that isn't used: only PKCS#12, where they are encrypted with it,
/// needs the passphrase.
///
/// # Errors
/// When there are none.
pub fn certificates(key: &Path, passphrase: &Passphrase) -> Result<Vec<Vec<u8>>> {
    if let Some(uri) = token_uri(key)? {
        return Ok(vec![token::certificate(&uri)?]);
    }
    let bytes = Zeroizing::new(read::given(key)?);
    if pem::is_pem(&bytes) {
        let blocks = pem::blocks(&bytes);
        return Ok(beside(&blocks.map_err(|why| SignError::Key {
            path: key.to_owned(),
            why: why.into(),
        })?));
    }
    Ok(from_file(key, passphrase)?.certificates)
}

fn token_uri(key: &Path) -> Result<Option<Uri>> {
    let text = key.to_str().filter(|it| it.starts_with(uri::SCHEME));
    let uri = text.map(|text| Uri::parse(text).map_err(|why| TokenError::Uri { why }));
    Ok(uri.transpose()?)
}
