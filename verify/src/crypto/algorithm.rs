//! AlgorithmIdentifiers (RFC 5280, 4.1.1.2), and which of them are accepted.

use crate::crypto::hash::HashAlgorithm;
use crate::der::oid;
use crate::der::{Element, Elements, Malformed, Tag};

/// An algorithm and its parameters, not judged yet.
#[derive(Debug, Clone, Copy)]
pub(crate) struct AlgorithmIdentifier<'a> {
    pub(crate) raw: &'a [u8],
    oid: &'a [u8],
    parameters: Option<Element<'a>>,
}

/// The kind of key a signature algorithm works with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum KeyKind {
    Rsa,
    Ec,
}

/// A signature algorithm: the kind of key, and the hash if the identifier fixes one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct SignatureAlgorithm {
    pub(crate) kind: KeyKind,
    pub(crate) hash: Option<HashAlgorithm>,
}

impl<'a> AlgorithmIdentifier<'a> {
    pub(crate) fn read(from: &mut Elements<'a>) -> Result<Self, Malformed> {
        let whole = from.expect(Tag::SEQUENCE)?;
        let mut fields = whole.elements("AlgorithmIdentifier");
        let oid = fields.oid()?;
        let parameters = if fields.is_empty() {
            None
        } else {
            Some(fields.any()?)
        };
        fields.finish()?;
        Ok(Self {
            raw: whole.raw,
            oid,
            parameters,
        })
    }

    pub(crate) fn oid(&self) -> &'a [u8] {
        self.oid
    }

    /// The parameters, if they are an OBJECT IDENTIFIER (a named curve).
    pub(crate) fn oid_parameter(&self) -> Option<&'a [u8]> {
        self.parameters
            .filter(|element| element.tag == Tag::OBJECT_IDENTIFIER)
            .map(|element| element.value)
    }

    /// Parameters NULL, as RFC 4055 demands for RSA.
    pub(crate) fn has_null(&self) -> bool {
        self.parameters
            .is_some_and(|element| element.tag == Tag::NULL && element.value.is_empty())
    }

    /// Parameters NULL or none: RFC 5754 asks readers to take both.
    fn is_plain(&self) -> bool {
        self.parameters.is_none() || self.has_null()
    }

    /// The hash algorithm, or `None` if it isn't one that is accepted.
    pub(crate) fn as_hash(&self) -> Option<HashAlgorithm> {
        let accepted = [
            (oid::SHA256, HashAlgorithm::Sha256),
            (oid::SHA384, HashAlgorithm::Sha384),
            (oid::SHA512, HashAlgorithm::Sha512),
        ];
        accepted
            .into_iter()
            .find(|(oid, _)| self.is_plain() && self.oid == *oid)
            .map(|(_, hash)| hash)
    }

    /// The signature algorithm, or `None` if it isn't one that is accepted.
    pub(crate) fn as_signature(&self) -> Option<SignatureAlgorithm> {
        use HashAlgorithm::{Sha256, Sha384, Sha512};
        use KeyKind::{Ec, Rsa};
        let accepted = [
            (oid::RSA, Rsa, None),
            (oid::RSA_SHA256, Rsa, Some(Sha256)),
            (oid::RSA_SHA384, Rsa, Some(Sha384)),
            (oid::RSA_SHA512, Rsa, Some(Sha512)),
            (oid::ECDSA_SHA256, Ec, Some(Sha256)),
            (oid::ECDSA_SHA384, Ec, Some(Sha384)),
            (oid::ECDSA_SHA512, Ec, Some(Sha512)),
        ];
        accepted
            .into_iter()
            .find(|(oid, _, _)| self.is_plain() && self.oid == *oid)
            .map(|(_, kind, hash)| SignatureAlgorithm { kind, hash })
    }
}
