//! Makes detached signatures, right or wrong in one place.

use super::der::{explicit, int, join, null, octets, oid, seq, set, tlv};
use super::forge::{
    Cert, DATA, ECDSA_SHA256, SHA256, content_type, message_digest, name, sha256, sign,
};

/// A detached signature in its parts, each DER. Change one, then `build` it.
#[derive(Clone)]
pub struct ForgeDetached {
    pub version: Vec<u8>,
    pub digest_algorithms: Vec<u8>,
    pub content_info: Vec<u8>,
    /// With their tag.
    pub certificates: Vec<u8>,
    pub crls: Vec<u8>,
    pub signer_version: Vec<u8>,
    pub signer_id: Vec<u8>,
    pub digest_algorithm: Vec<u8>,
    /// None: the content is signed directly.
    pub attributes: Option<Vec<Vec<u8>>>,
    pub signature_algorithm: Vec<u8>,
    pub signature: Vec<u8>,
    pub unauthenticated: Vec<u8>,
    /// After the SignerInfo; instead of it if `no_signer`.
    pub more_signers: Vec<u8>,
    pub no_signer: bool,
    pub trailing: Vec<u8>,
}

impl ForgeDetached {
    /// As the kernel's scripts/sign-file: no attributes, no certificates.
    pub fn module(content: &[u8], signer: &Cert) -> Self {
        Self {
            version: int(1),
            digest_algorithms: set(&[seq(&[oid(SHA256), null()])]),
            content_info: seq(&[oid(DATA)]),
            certificates: vec![],
            crls: vec![],
            signer_version: int(1),
            signer_id: seq(&[name(&format!("key {}", signer.issuer)), int(signer.serial)]),
            digest_algorithm: seq(&[oid(SHA256), null()]),
            attributes: None,
            signature_algorithm: seq(&[oid(ECDSA_SHA256)]),
            signature: sign(signer.key, content),
            unauthenticated: vec![],
            more_signers: vec![],
            no_signer: false,
            trailing: vec![],
        }
    }

    /// As `openssl cms -sign`: with attributes and the signer's certificate.
    pub fn new(content: &[u8], signer: &Cert) -> Self {
        let attributes = [content_type(DATA), message_digest(&sha256(content))];
        Self::module(content, signer)
            .carrying(&[signer])
            .with_attributes(&attributes, signer.key)
    }

    /// The same with these certificates, and no others.
    pub fn carrying(mut self, certificates: &[&Cert]) -> Self {
        let all: Vec<_> = certificates.iter().map(|cert| cert.der()).collect();
        self.certificates = explicit(0, &join(&all));
        self
    }

    /// The same with these attributes, signed anew by the key of that number.
    pub fn with_attributes(mut self, attributes: &[Vec<u8>], key: u8) -> Self {
        self.attributes = Some(attributes.to_vec());
        self.signature = sign(key, &tlv(0x31, &join(attributes)));
        self
    }

    /// The same with its signer named by this key identifier.
    pub fn by_key_id(mut self, id: &[u8]) -> Self {
        self.version = int(3);
        self.signer_version = int(3);
        self.signer_id = tlv(0x80, id);
        self
    }

    pub fn signer_info(&self) -> Vec<u8> {
        let attributes = self.attributes.as_ref();
        seq(&[
            &self.signer_version[..],
            &self.signer_id,
            &self.digest_algorithm,
            &attributes.map_or(vec![], |attributes| explicit(0, &join(attributes))),
            &self.signature_algorithm,
            &octets(&self.signature),
            &self.unauthenticated,
        ])
    }

    pub fn build(&self) -> Vec<u8> {
        let signer = if self.no_signer {
            vec![]
        } else {
            self.signer_info()
        };
        let signed_data = seq(&[
            &self.version,
            &self.digest_algorithms,
            &self.content_info,
            &self.certificates,
            &self.crls,
            &set(&[&signer, &self.more_signers]),
        ]);
        let info = seq(&[oid("1.2.840.113549.1.7.2"), explicit(0, &signed_data)]);
        join(&[&info, &self.trailing])
    }
}
