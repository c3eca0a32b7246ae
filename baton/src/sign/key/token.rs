//! Keys that stay where they are: in a token, reached through a PKCS#11 module.

use super::passphrase::{self, Passphrase};
use super::public;
use super::uri::{Pin, Uri};
use crate::encode::der::{algorithm_with_null, element, sequence, tag};
use crate::failure::Result;
use crate::failure::token::TokenError;
use crate::sign::cms::hash_oid;
use crate::sign::signer::Family;
use baton_sys::file::names_in;
use baton_sys::pkcs11::{Attribute, Class, Mechanism, Module, Object, Session, Token};
use baton_verify::Digest;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use zeroize::Zeroizing;

/// p11-kit's module, through which all that are configured are reached.
const P11_KIT: &str = "p11-kit-proxy.so";
/// Where libraries are; Debian has them in a directory of the architecture's name below the first.
const LIBRARIES: [&str; 3] = ["/usr/lib", "/usr/lib64", "/usr/local/lib"];
const MULTIARCH: &str = "-linux-gnu";

/// A private key in a token.
pub struct TokenKey {
    session: Session,
    object: Object,
    pin: Option<Zeroizing<Vec<u8>>>,
}

impl std::fmt::Debug for TokenKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("TokenKey")
    }
}

/// The key that a URI names, and the certificate that the token has of it.
///
/// # Errors
/// When there is no such token or key, or more than one, or the PIN is wrong.
pub fn open(uri: &Uri, passphrase: &Passphrase) -> Result<(TokenKey, Option<Vec<u8>>)> {
    let (session, token) = session(uri)?;
    let pin = login(&session, &token, uri, passphrase)?;
    let object = one(&session, Class::PrivateKey, uri, &token)?;
    let id = session
        .attribute(object, Attribute::Id)
        .map_err(TokenError::from)?;
    let id = id.filter(|id| !id.is_empty());
    let certificate = match &id {
        Some(id) => certificates(&session, &[(Attribute::Id, id)])?
            .into_iter()
            .next(),
        None => None,
    };
    let key = TokenKey {
        session,
        object,
        pin,
    };
    Ok((key, certificate))
}

/// The certificate that a token has of the key that a URI names, for which nobody has to log in.
///
/// # Errors
/// When there is none, or more than one.
pub fn certificate(uri: &Uri) -> Result<Vec<u8>> {
    let (session, token) = session(uri)?;
    let found = certificates(&session, &wanted(uri))?;
    match <[_; 1]>::try_from(found) {
        Ok([certificate]) => Ok(certificate),
        Err(found) => Err(TokenError::Objects {
            what: "certificates",
            token: token.label,
            count: found.len(),
        }
        .into()),
    }
}

fn certificates(session: &Session, wanted: &[(Attribute, &[u8])]) -> Result<Vec<Vec<u8>>> {
    let found = session
        .find(Class::Certificate, wanted)
        .map_err(TokenError::from)?;
    let mut certificates = Vec::new();
    for object in found {
        let value = session.attribute(object, Attribute::Value);
        certificates.extend(value.map_err(TokenError::from)?);
    }
    Ok(certificates)
}

/// A session with the one token that a URI names.
fn session(uri: &Uri) -> Result<(Session, Token)> {
    let path = module_path(uri)?;
    let module = Rc::new(Module::load(&path).map_err(TokenError::from)?);
    let tokens = module.tokens().map_err(TokenError::from)?;
    let mut labels: Vec<String> = tokens
        .iter()
        .map(|it| format!("\"{}\"", it.label))
        .collect();
    labels.sort();
    let mut fitting = tokens.into_iter().filter(|token| fits(token, uri));
    match (fitting.next(), fitting.next()) {
        (Some(token), None) => {
            let session = module.open(token.slot).map_err(TokenError::from)?;
            Ok((session, token))
        }
        (None, _) => Err(TokenError::NoToken {
            module: path,
            labels,
        }
        .into()),
        (Some(_), Some(_)) => Err(TokenError::Tokens { labels }.into()),
    }
}

fn fits(token: &Token, uri: &Uri) -> bool {
    let same = |wanted: &Option<String>, is: &str| wanted.as_deref().is_none_or(|it| it == is);
    same(&uri.token, &token.label)
        && same(&uri.manufacturer, &token.manufacturer)
        && same(&uri.model, &token.model)
        && same(&uri.serial, &token.serial)
        && uri.slot.is_none_or(|slot| slot == token.slot)
}

fn module_path(uri: &Uri) -> std::result::Result<PathBuf, TokenError> {
    match &uri.module {
        None => installed(&[P11_KIT.to_owned()]).ok_or(TokenError::NoModuleNamed),
        Some(path) if path.is_absolute() => Ok(path.clone()),
        Some(name) => {
            let name = name.display().to_string();
            let files = [format!("{name}.so"), format!("lib{name}.so")];
            installed(&files).ok_or(TokenError::NoModuleOfName { name })
        }
    }
}

/// A library of one of these names, where modules are and where other libraries are.
fn installed(names: &[String]) -> Option<PathBuf> {
    let multiarch = names_in(Path::new(LIBRARIES[0])).into_iter();
    let multiarch = multiarch.filter(|name| name.ends_with(MULTIARCH));
    let multiarch = multiarch.map(|name| Path::new(LIBRARIES[0]).join(name));
    let directories = multiarch.chain(LIBRARIES.map(PathBuf::from));
    let mut paths = directories.flat_map(|directory| {
        let places = [directory.join("pkcs11"), directory];
        places
            .into_iter()
            .flat_map(|place| names.iter().map(move |name| place.join(name)))
    });
    paths.find(|path| path.exists())
}

/// Logs in, where that is needed. The PIN, if there is one.
fn login(
    session: &Session,
    token: &Token,
    uri: &Uri,
    passphrase: &Passphrase,
) -> Result<Option<Zeroizing<Vec<u8>>>> {
    if !token.needs_login {
        return Ok(None);
    }
    let pin = match &uri.pin {
        Some(Pin::Value(pin)) => Some(pin.clone()),
        Some(Pin::File(path)) => Some(passphrase::from_file(path)?),
        None if token.has_keypad => None,
        None => Some(passphrase.get(format_args!("PIN of token \"{}\"", token.label))?),
    };
    let result = session.login(pin.as_ref().map(|pin| &pin[..]));
    result.map_err(|error| match error {
        _ if error.is_wrong_pin() => TokenError::WrongPin {
            token: token.label.clone(),
        },
        _ if error.is_locked() => TokenError::Locked {
            token: token.label.clone(),
        },
        other => other.into(),
    })?;
    Ok(pin)
}

fn wanted(uri: &Uri) -> Vec<(Attribute, &[u8])> {
    let label = uri.object.as_deref().map(|it| (Attribute::Label, it));
    let id = uri.id.as_deref().map(|it| (Attribute::Id, it));
    label.into_iter().chain(id).collect()
}

fn one(session: &Session, class: Class, uri: &Uri, token: &Token) -> Result<Object> {
    let found = session
        .find(class, &wanted(uri))
        .map_err(TokenError::from)?;
    match found[..] {
        [object] => Ok(object),
        _ => Err(TokenError::Objects {
            what: "private keys",
            token: token.label.clone(),
            count: found.len(),
        }
        .into()),
    }
}

impl TokenKey {
    /// Signs what has this digest, for a certificate of this key.
    ///
    /// # Errors
    /// When the token doesn't, or has another key.
    pub fn sign(
        &self,
        family: Family,
        key_info: &[u8],
        digest: &Digest,
    ) -> std::result::Result<Vec<u8>, TokenError> {
        let pin = self.pin.as_ref().map(|pin| &pin[..]);
        let bytes = digest.as_bytes();
        let sign = |mechanism, data: &[u8]| self.session.sign(self.object, mechanism, data, pin);
        let kind = self.session.attribute(self.object, Attribute::KeyType)?;
        if kind.is_some_and(|kind| kind.first() != Some(&key_type(family))) {
            return Err(TokenError::OtherKey);
        }
        let signature = match family {
            Family::Rsa => sign(Mechanism::RsaPkcs, &digest_info(digest))?,
            Family::Ecdsa => ecdsa_der(&sign(Mechanism::Ecdsa, bytes)?),
        };
        if public::made(key_info, digest, &signature) {
            Ok(signature)
        } else {
            Err(TokenError::OtherKey)
        }
    }
}

/// CKK_RSA and CKK_EC, as a CK_ULONG's lowest byte.
fn key_type(family: Family) -> u8 {
    match family {
        Family::Rsa => 0,
        Family::Ecdsa => 3,
    }
}

/// DigestInfo (RFC 8017, 9.2).
fn digest_info(digest: &Digest) -> Vec<u8> {
    sequence(&[
        &algorithm_with_null(hash_oid(digest.algorithm())),
        &element(tag::OCTET_STRING, &[digest.as_bytes()]),
    ])
}

/// A token's two numbers as Ecdsa-Sig-Value (RFC 3279, 2.2.3).
fn ecdsa_der(numbers: &[u8]) -> Vec<u8> {
    let (r, s) = numbers.split_at(numbers.len() / 2);
    sequence(&[&integer(r), &integer(s)])
}

/// A number that isn't negative, in the shortest form.
fn integer(bytes: &[u8]) -> Vec<u8> {
    let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
    let shortest = &bytes[zeros.min(bytes.len().saturating_sub(1))..];
    let sign: &[u8] = match shortest.first() {
        Some(0x80..) => &[0],
        _ => &[],
    };
    element(tag::INTEGER, &[sign, shortest])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_take_the_shortest_form() {
        assert_eq!(integer(&[0, 0, 5]), [2, 1, 5]);
        assert_eq!(integer(&[0, 0x80]), [2, 2, 0, 0x80]);
        assert_eq!(integer(&[0, 0]), [2, 1, 0]);
        assert_eq!(
            ecdsa_der(&[0, 1, 0x90, 2]),
            [0x30, 8, 2, 1, 1, 2, 3, 0, 0x90, 2][..]
        );
    }
}
