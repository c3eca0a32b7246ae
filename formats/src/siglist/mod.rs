//! EFI signature lists: how db, dbx and the MOK lists hold certificates and hashes.
//!
//! Lists lie one directly after another:
//!
//! | offset | size | field |
//! |---|---|---|
//! | 0 | 16 | type of the signatures, a GUID |
//! | 16 | 4 | size of the list in bytes, this header included |
//! | 20 | 4 | size of the type's own header |
//! | 24 | 4 | size of a signature in bytes, its owner included |
//! | 28 | | the type's own header: of the types known here, nothing |
//! | | n × size | signatures: owner GUID (16), then data |
//!
//! Source: UEFI Specification 2.10, 32.4.1 "Signature Database".

use crate::efi::Guid;
use crate::reader::{OutOfBounds, Reader};
use core::fmt;

/// EFI_CERT_X509_GUID, a5c059a1-94e4-4aa7-87b5-ab155c2bf072.
pub const X509_GUID: Guid = [
    0xa1, 0x59, 0xc0, 0xa5, 0xe4, 0x94, 0xa7, 0x4a, 0x87, 0xb5, 0xab, 0x15, 0x5c, 0x2b, 0xf0, 0x72,
];
/// EFI_CERT_SHA256_GUID, c1c41626-504c-4092-aca9-41f936934328.
pub const SHA256_GUID: Guid = [
    0x26, 0x16, 0xc4, 0xc1, 0x4c, 0x50, 0x92, 0x40, 0xac, 0xa9, 0x41, 0xf9, 0x36, 0x93, 0x43, 0x28,
];
/// EFI_CERT_X509_SHA256_GUID, 3bd2a492-96c0-4079-b420-fcf98ef103ed.
pub const X509_SHA256_GUID: Guid = [
    0x92, 0xa4, 0xd2, 0x3b, 0xc0, 0x96, 0x79, 0x40, 0xb4, 0x20, 0xfc, 0xf9, 0x8e, 0xf1, 0x03, 0xed,
];
/// EFI_CERT_X509_SHA384_GUID, 7076876e-80c2-4ee6-aad2-28b349a6865b.
pub const X509_SHA384_GUID: Guid = [
    0x6e, 0x87, 0x76, 0x70, 0xc2, 0x80, 0xe6, 0x4e, 0xaa, 0xd2, 0x28, 0xb3, 0x49, 0xa6, 0x86, 0x5b,
];
/// EFI_CERT_X509_SHA512_GUID, 446dbf63-2502-4cda-bcfa-2465d2b0fe9d.
pub const X509_SHA512_GUID: Guid = [
    0x63, 0xbf, 0x6d, 0x44, 0x02, 0x25, 0xda, 0x4c, 0xbc, 0xfa, 0x24, 0x65, 0xd2, 0xb0, 0xfe, 0x9d,
];

const LIST_HEADER_LEN: u32 = 28;
const OWNER_LEN: u32 = 16;
/// The length of `EFI_TIME`, which follows the hash of a certificate.
const TIME_LEN: usize = 16;

const KNOWN_TYPES: [(Guid, SignatureType); 5] = [
    (X509_GUID, SignatureType::X509),
    (SHA256_GUID, SignatureType::Sha256),
    (X509_SHA256_GUID, SignatureType::X509Sha256),
    (X509_SHA384_GUID, SignatureType::X509Sha384),
    (X509_SHA512_GUID, SignatureType::X509Sha512),
];

/// What the signatures of a list are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SignatureType {
    /// A DER certificate.
    X509,
    /// The SHA-256 digest of an image.
    Sha256,
    /// The SHA-256 digest of a certificate's to-be-signed part, then a time of revocation.
    X509Sha256,
    /// As [`Self::X509Sha256`], with SHA-384.
    X509Sha384,
    /// As [`Self::X509Sha256`], with SHA-512.
    X509Sha512,
    /// Anything else, by its GUID.
    Other(Guid),
}

impl SignatureType {
    fn from_guid(guid: Guid) -> Self {
        let known = KNOWN_TYPES.iter().find(|(known, _)| *known == guid);
        known.map_or(SignatureType::Other(guid), |(_, kind)| *kind)
    }

    /// The length of the digest that a signature's data begins with, if it is one of a digest.
    fn hash_len(self) -> Option<usize> {
        match self {
            SignatureType::Sha256 | SignatureType::X509Sha256 => Some(32),
            SignatureType::X509Sha384 => Some(48),
            SignatureType::X509Sha512 => Some(64),
            SignatureType::X509 | SignatureType::Other(_) => None,
        }
    }

    /// The length that a signature's data must have, if the type sets one.
    fn data_len(self) -> Option<usize> {
        let time = match self {
            SignatureType::Sha256 => 0,
            _ => TIME_LEN,
        };
        self.hash_len()?.checked_add(time)
    }
}

/// A signature: a certificate or a digest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Signature<'a> {
    /// What it is.
    pub kind: SignatureType,
    /// Who added it: a GUID that proves nothing.
    pub owner: Guid,
    /// The certificate or digest; for the digests of certificates, a time of 16 bytes follows.
    pub data: &'a [u8],
}

impl<'a> Signature<'a> {
    /// The digest, if it is one: of an image, or of a certificate's to-be-signed part.
    pub fn hash(&self) -> Option<&'a [u8]> {
        self.data.get(..self.kind.hash_len()?)
    }
}

/// A list of signatures of one type and size.
#[derive(Clone, Copy, Debug)]
pub struct SignatureList<'a> {
    kind: SignatureType,
    header: &'a [u8],
    signature_size: usize,
    signatures: &'a [u8],
}

/// What is wrong with a signature list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SigListError {
    /// It ends too early.
    Truncated,
    /// The size of the list, in bytes, doesn't hold its headers.
    ListSize(u32),
    /// A signature of this size, in bytes, can't be one of the list's type.
    SignatureSize(u32),
    /// The list's size leaves a part of a signature at its end.
    PartOfSignature,
    /// A header of the type's own, of so many bytes, for a type that has none.
    HeaderSize(u32),
}

impl From<OutOfBounds> for SigListError {
    fn from(_: OutOfBounds) -> Self {
        SigListError::Truncated
    }
}

impl<'a> SignatureList<'a> {
    fn read(reader: &mut Reader<'a>) -> Result<Self, SigListError> {
        let kind = SignatureType::from_guid(reader.array()?);
        let list_size = reader.u32()?;
        let header_size = reader.u32()?;
        let signature_size = reader.u32()?;
        let body_len = list_size
            .checked_sub(LIST_HEADER_LEN)
            .ok_or(SigListError::ListSize(list_size))?;
        let mut body = reader.sub(to_usize(body_len)?)?;
        if header_size != 0 && !matches!(kind, SignatureType::Other(_)) {
            return Err(SigListError::HeaderSize(header_size));
        }
        let header = body
            .take(to_usize(header_size)?)
            .map_err(|_| SigListError::ListSize(list_size))?;
        let signatures = body.rest();
        let signature_size = check_signature_size(kind, signature_size)?;
        if !signatures.len().is_multiple_of(signature_size) {
            return Err(SigListError::PartOfSignature);
        }
        Ok(SignatureList {
            kind,
            header,
            signature_size,
            signatures,
        })
    }

    /// What its signatures are.
    pub fn kind(&self) -> SignatureType {
        self.kind
    }

    /// The type's own header; empty but for types unknown here.
    pub fn header(&self) -> &'a [u8] {
        self.header
    }

    /// Its signatures, in order.
    pub fn signatures(&self) -> Signatures<'a> {
        Signatures {
            kind: self.kind,
            size: self.signature_size,
            rest: self.signatures,
        }
    }
}

/// The signatures of a list, in order.
#[derive(Clone, Debug)]
pub struct Signatures<'a> {
    kind: SignatureType,
    size: usize,
    rest: &'a [u8],
}

impl<'a> Iterator for Signatures<'a> {
    type Item = Signature<'a>;

    fn next(&mut self) -> Option<Self::Item> {
        let (signature, rest) = self.rest.split_at_checked(self.size)?;
        let (owner, data) = signature.split_first_chunk()?;
        self.rest = rest;
        Some(Signature {
            kind: self.kind,
            owner: *owner,
            data,
        })
    }
}

/// The size of a signature, which holds at least an owner and a byte of data.
fn check_signature_size(kind: SignatureType, size: u32) -> Result<usize, SigListError> {
    let error = SigListError::SignatureSize(size);
    let data_len = match size.checked_sub(OWNER_LEN) {
        None | Some(0) => return Err(error),
        Some(len) => to_usize(len)?,
    };
    if kind.data_len().is_some_and(|expected| expected != data_len) {
        return Err(error);
    }
    to_usize(size)
}

fn to_usize(n: u32) -> Result<usize, SigListError> {
    usize::try_from(n).map_err(|_| SigListError::Truncated)
}

/// The lists in a variable's contents, in order. Ends after the first malformed one.
#[derive(Clone, Debug)]
pub struct SignatureLists<'a> {
    rest: Reader<'a>,
}

impl<'a> SignatureLists<'a> {
    /// The lists in `bytes`, which must be nothing but lists. Empty bytes are no lists.
    pub fn new(bytes: &'a [u8]) -> Self {
        SignatureLists {
            rest: Reader::new(bytes),
        }
    }
}

impl<'a> Iterator for SignatureLists<'a> {
    type Item = Result<SignatureList<'a>, SigListError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        let list = SignatureList::read(&mut self.rest);
        if list.is_err() {
            self.rest.rest();
        }
        Some(list)
    }
}

impl fmt::Display for SigListError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            SigListError::Truncated => f.write_str("a signature list ends too early"),
            SigListError::ListSize(n) => {
                write!(f, "a signature list of {n} bytes doesn't hold its headers")
            }
            SigListError::SignatureSize(n) => {
                write!(
                    f,
                    "a signature of {n} bytes can't be one of its list's type"
                )
            }
            SigListError::PartOfSignature => {
                f.write_str("a signature list ends inside a signature")
            }
            SigListError::HeaderSize(n) => {
                write!(
                    f,
                    "a signature list has a type header of {n} bytes; none expected"
                )
            }
        }
    }
}

impl core::error::Error for SigListError {}

#[cfg(test)]
mod tests;
