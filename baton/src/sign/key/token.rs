//! Keys that stay where they are: in a token, reached through a PKCS#11 module.

use super::module::{Module, Token};
use super::passphrase::{self, Passphrase};
use super::public;
use super::uri::{Pin, Uri};
use crate::encode::der::{algorithm_with_null, element, sequence, tag};
use crate::failure::Result;
use crate::failure::token::TokenError;
use crate::sign::cms::hash_oid;
use crate::sign::signer::{Family, Message};
use baton_verify::{Digest, HashAlgorithm};
use cryptoki::error::{Error, RvError};
use cryptoki::mechanism::Mechanism;
use cryptoki::object::{Attribute, AttributeType, KeyType, ObjectClass, ObjectHandle};
use cryptoki::session::{Session, UserType};
use cryptoki::types::RawAuthPin;

/// A private key in a token.
pub struct TokenKey {
    object: ObjectHandle,
    pin: Option<RawAuthPin>,
    token: Opened,
}

impl std::fmt::Debug for TokenKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("TokenKey")
    }
}

/// A token with a session; that ends before the module does, in this order.
struct Opened {
    session: Session,
    token: Token,
    _module: Module,
}

/// The key that a URI names, and the certificate that the token has of it.
///
/// # Errors
/// When there is no such token or key, or more than one, or the PIN is wrong.
pub fn open(uri: &Uri, passphrase: &Passphrase) -> Result<(TokenKey, Option<Vec<u8>>)> {
    let token = opened(uri, ObjectClass::PRIVATE_KEY)?;
    let pin = login(&token, uri, passphrase)?;
    let found = find(&token.session, ObjectClass::PRIVATE_KEY, uri)?;
    let [object] = found[..] else {
        return Err(not_one(&token, "private keys", found.len()).into());
    };
    let certificate = match id(&token.session, object)? {
        Some(id) => certificates(&token.session, vec![Attribute::Id(id)])?
            .into_iter()
            .next(),
        None => None,
    };
    let key = TokenKey { object, pin, token };
    Ok((key, certificate))
}

/// The certificate that a token has of the key that a URI names, for which nobody has to log in.
///
/// # Errors
/// When there is none, or more than one.
pub fn certificate(uri: &Uri) -> Result<Vec<u8>> {
    let token = opened(uri, ObjectClass::CERTIFICATE)?;
    let found = certificates(&token.session, wanted(uri))?;
    match <[_; 1]>::try_from(found) {
        Ok([certificate]) => Ok(certificate),
        Err(found) => Err(not_one(&token, "certificates", found.len()).into()),
    }
}

fn not_one(token: &Opened, what: &'static str, count: usize) -> TokenError {
    TokenError::Objects {
        what,
        token: token.token.info.label().to_owned(),
        count,
    }
}

/// A key and its certificate have the same.
fn id(session: &Session, object: ObjectHandle) -> std::result::Result<Option<Vec<u8>>, TokenError> {
    let found = session.get_attributes(object, &[AttributeType::Id])?;
    Ok(found.into_iter().find_map(|attribute| match attribute {
        Attribute::Id(id) if !id.is_empty() => Some(id),
        _ => None,
    }))
}

fn certificates(
    session: &Session,
    wanted: Vec<Attribute>,
) -> std::result::Result<Vec<Vec<u8>>, TokenError> {
    let template = of_class(ObjectClass::CERTIFICATE, wanted);
    let mut certificates = Vec::new();
    for object in session.find_objects(&template)? {
        let values = session.get_attributes(object, &[AttributeType::Value])?;
        certificates.extend(values.into_iter().filter_map(|value| match value {
            Attribute::Value(der) => Some(der),
            _ => None,
        }));
    }
    Ok(certificates)
}

/// A session with the one token that a URI names, in which an object of this class is looked for.
fn opened(uri: &Uri, class: ObjectClass) -> std::result::Result<Opened, TokenError> {
    let module = Module::load(uri)?;
    let tokens = module.tokens()?;
    let there = labels(&tokens.there);
    let mut fitting: Vec<Token> = tokens.there;
    fitting.retain(|token| token.fits(uri));
    if fitting.len() > 1 {
        // Where nobody has to log in, all can be seen: p11-kit's tokens of authorities' certificates are everywhere.
        fitting.retain(|token| token.info.login_required() || has(&module, token, class, uri));
    }
    match <[Token; 1]>::try_from(fitting) {
        Ok([token]) => Ok(Opened {
            session: module.open(&token)?,
            token,
            _module: module,
        }),
        Err(none) if none.is_empty() => Err(TokenError::NoToken {
            module: module.path().to_owned(),
            labels: there,
            broken: tokens.broken,
        }),
        Err(several) => Err(TokenError::Tokens {
            labels: labels(&several),
        }),
    }
}

/// What tokens are called, in quotes.
fn labels(tokens: &[Token]) -> Vec<String> {
    let labels = tokens.iter().map(|it| format!("\"{}\"", it.info.label()));
    let mut labels: Vec<String> = labels.collect();
    labels.sort();
    labels
}

fn has(module: &Module, token: &Token, class: ObjectClass, uri: &Uri) -> bool {
    let session = module.open(token);
    let found = session.and_then(|session| find(&session, class, uri));
    found.is_ok_and(|found| !found.is_empty())
}

/// Logs in, where that is needed. The PIN, if there is one.
fn login(token: &Opened, uri: &Uri, passphrase: &Passphrase) -> Result<Option<RawAuthPin>> {
    let info = &token.token.info;
    if !info.login_required() {
        return Ok(None);
    }
    let label = info.label();
    if info.user_pin_locked() {
        let token = label.to_owned();
        return Err(TokenError::Locked { token }.into());
    }
    let pin = match &uri.pin {
        Some(Pin::Value(pin)) => Some(pin.clone()),
        Some(Pin::File(path)) => Some(passphrase::from_file(path)?),
        None if info.protected_authentication_path() => None,
        None => Some(passphrase.get(format_args!("PIN of token \"{label}\""))?),
    };
    let pin = pin.map(|pin| RawAuthPin::new(Box::new(pin.to_vec())));
    match log_in(&token.session, UserType::User, pin.as_ref()) {
        Ok(()) | Err(Error::Pkcs11(RvError::UserAlreadyLoggedIn, _)) => Ok(pin),
        Err(other) => Err(TokenError::login(other, label).into()),
    }
}

/// With a PIN, or at the token's own keypad.
fn log_in(
    session: &Session,
    user: UserType,
    pin: Option<&RawAuthPin>,
) -> cryptoki::error::Result<()> {
    match pin {
        Some(pin) => session.login_with_raw(user, pin),
        None => session.login(user, None),
    }
}

fn wanted(uri: &Uri) -> Vec<Attribute> {
    let label = uri.object.clone().map(Attribute::Label);
    let id = uri.id.clone().map(Attribute::Id);
    label.into_iter().chain(id).collect()
}

fn of_class(class: ObjectClass, mut wanted: Vec<Attribute>) -> Vec<Attribute> {
    wanted.push(Attribute::Class(class));
    wanted
}

fn find(
    session: &Session,
    class: ObjectClass,
    uri: &Uri,
) -> std::result::Result<Vec<ObjectHandle>, TokenError> {
    Ok(session.find_objects(&of_class(class, wanted(uri)))?)
}

impl TokenKey {
    /// Signs, for a certificate of this key.
    ///
    /// # Errors
    /// When the token doesn't, or has another key.
    pub fn sign(
        &self,
        family: Family,
        key_info: &[u8],
        message: &Message<'_>,
    ) -> std::result::Result<Vec<u8>, TokenError> {
        let session = &self.token.session;
        let asked = [AttributeType::KeyType, AttributeType::AlwaysAuthenticate];
        let said = session.get_attributes(self.object, &asked)?;
        let is_other =
            |it: &Attribute| matches!(it, Attribute::KeyType(kind) if *kind != key_type(family));
        if said.iter().any(is_other) {
            return Err(TokenError::OtherKey);
        }
        let signature = if said.contains(&Attribute::AlwaysAuthenticate(true)) {
            self.sign_with_login(family, message)?
        } else {
            self.sign_digest(family, &message.digest)?
        };
        let signature = match family {
            Family::Rsa => signature,
            Family::Ecdsa => ecdsa_der(&signature),
        };
        if public::made(key_info, &message.digest, &signature) {
            Ok(signature)
        } else {
            Err(TokenError::OtherKey)
        }
    }

    fn sign_digest(&self, family: Family, digest: &Digest) -> cryptoki::error::Result<Vec<u8>> {
        let sign = |mechanism, data: &[u8]| self.token.session.sign(&mechanism, self.object, data);
        match family {
            Family::Rsa => sign(Mechanism::RsaPkcs, &digest_info(digest)),
            Family::Ecdsa => sign(Mechanism::Ecdsa, digest.as_bytes()),
        }
    }

    /// By a key that wants the PIN each time (CKA_ALWAYS_AUTHENTICATE), between the beginning of a signature and its
    /// end. What is signed in parts is hashed by the module.
    fn sign_with_login(
        &self,
        family: Family,
        message: &Message<'_>,
    ) -> cryptoki::error::Result<Vec<u8>> {
        let session = &self.token.session;
        session.sign_init(&hashing(family, message.digest.algorithm()), self.object)?;
        log_in(session, UserType::ContextSpecific, self.pin.as_ref())?;
        session.sign_update(message.bytes)?;
        session.sign_final()
    }
}

fn key_type(family: Family) -> KeyType {
    match family {
        Family::Rsa => KeyType::RSA,
        Family::Ecdsa => KeyType::EC,
    }
}

fn hashing(family: Family, hash: HashAlgorithm) -> Mechanism<'static> {
    match (family, hash) {
        (Family::Rsa, HashAlgorithm::Sha256) => Mechanism::Sha256RsaPkcs,
        (Family::Rsa, HashAlgorithm::Sha384) => Mechanism::Sha384RsaPkcs,
        (Family::Rsa, HashAlgorithm::Sha512) => Mechanism::Sha512RsaPkcs,
        (Family::Ecdsa, HashAlgorithm::Sha256) => Mechanism::EcdsaSha256,
        (Family::Ecdsa, HashAlgorithm::Sha384) => Mechanism::EcdsaSha384,
        (Family::Ecdsa, HashAlgorithm::Sha512) => Mechanism::EcdsaSha512,
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
