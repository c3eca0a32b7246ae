//! The key that a person names, and the certificates that come along with it.

use super::SigningKey;
use super::passphrase::Passphrase;
use super::token::{self, TokenKey};
use super::uri::{self, Uri};
use crate::failure::Result;
use crate::failure::token::TokenError;
use std::path::Path;

/// A key, wherever it is.
#[derive(Debug)]
pub enum AnyKey {
    /// In memory.
    Here(SigningKey),
    /// In a token.
    Token(TokenKey),
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
                key: AnyKey::Token(key),
                certificates: certificate.into_iter().collect(),
            })
        }
        None => Ok(Opened {
            key: AnyKey::Here(SigningKey::read(key)?),
            certificates: Vec::new(),
        }),
    }
}

/// The certificates that come along with a key, which needn't be touched for them where it is in a token.
///
/// # Errors
/// When there are none.
pub fn certificates(key: &Path, passphrase: &Passphrase) -> Result<Vec<Vec<u8>>> {
    match token_uri(key)? {
        Some(uri) => Ok(vec![token::certificate(&uri)?]),
        None => Ok(open(key, passphrase)?.certificates),
    }
}

fn token_uri(key: &Path) -> Result<Option<Uri>> {
    let text = key.to_str().filter(|it| it.starts_with(uri::SCHEME));
    let uri = text.map(|text| Uri::parse(text).map_err(|why| TokenError::Uri { why }));
    Ok(uri.transpose()?)
}
