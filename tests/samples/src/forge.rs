//! Makes certificates and signatures, right or wrong in one place, with P-256 keys. The keys
//! are numbers, so that everything comes out the same each time.

use baton_formats::pe::Pe;
use baton_verify::HashAlgorithm;
use p256::ecdsa::signature::hazmat::PrehashSigner;
use p256::ecdsa::{Signature, SigningKey};

use super::der::{bits, explicit, int, join, null, octets, oid, seq, set, tlv};
use super::{attach_table, small_image::small_image, win_certificate};

pub const SHA256: &str = "2.16.840.1.101.3.4.2.1";
pub const SHA384: &str = "2.16.840.1.101.3.4.2.2";
pub const SHA1: &str = "1.3.14.3.2.26";
pub const ECDSA_SHA256: &str = "1.2.840.10045.4.3.2";
pub const ECDSA_SHA384: &str = "1.2.840.10045.4.3.3";
pub const SPC_INDIRECT_DATA: &str = "1.3.6.1.4.1.311.2.1.4";
/// Extended key usages: the signing of kernel modules, of code, and, as Microsoft has it, of drivers.
pub const MODULE_SIGNING: &str = "1.3.6.1.4.1.2312.16.1.2";
pub const CODE_SIGNING: &str = "1.3.6.1.5.5.7.3.3";
pub const DRIVER_SIGNING: &str = "1.3.6.1.4.1.311.10.3.6";
pub const DATA: &str = "1.2.840.113549.1.7.1";
const CONTENT_TYPE: &str = "1.2.840.113549.1.9.3";
const MESSAGE_DIGEST: &str = "1.2.840.113549.1.9.4";

pub fn sha256(bytes: &[u8]) -> Vec<u8> {
    HashAlgorithm::Sha256.hash([bytes]).as_bytes().to_vec()
}

fn key(number: u8) -> SigningKey {
    SigningKey::from_slice(&[number; 32]).expect("a small number is a key")
}

pub fn sign(number: u8, message: &[u8]) -> Vec<u8> {
    let signature: Signature = key(number).sign_prehash(&sha256(message)).expect("key");
    signature.to_der().as_bytes().to_vec()
}

/// A Name with one common name.
pub fn name(common_name: &str) -> Vec<u8> {
    seq(&[set(&[seq(&[
        oid("2.5.4.3"),
        tlv(0x0c, common_name.as_bytes()),
    ])])])
}

/// A certificate to be; keys are by number, and names are the numbers' too unless changed.
#[derive(Clone)]
pub struct Cert {
    pub key: u8,
    pub issuer: u8,
    pub issuer_key: u8,
    pub serial: u8,
    pub version: Option<u8>,
    pub extensions: Vec<Vec<u8>>,
    /// Instead of its key's own SubjectPublicKeyInfo.
    pub key_info: Option<Vec<u8>>,
}

pub fn extension(id: &str, critical: bool, value: &[u8]) -> Vec<u8> {
    let critical = if critical { tlv(0x01, &[0xff]) } else { vec![] };
    seq(&[oid(id), critical, octets(value)])
}

pub fn basic_constraints(ca: bool, path_len: Option<u8>) -> Vec<u8> {
    let ca = if ca { tlv(0x01, &[0xff]) } else { vec![] };
    let path_len = path_len.map(int).unwrap_or_default();
    extension("2.5.29.19", true, &seq(&[ca, path_len]))
}

pub fn key_usage(bits: u8) -> Vec<u8> {
    extension("2.5.29.15", true, &tlv(0x03, &[0, bits]))
}

/// ExtendedKeyUsage: the signing of modules, and these purposes.
pub fn for_modules(others: &[&str]) -> Vec<u8> {
    let others = others.iter().map(|id| oid(id));
    let purposes: Vec<_> = others.chain([oid(MODULE_SIGNING)]).collect();
    extension("2.5.29.37", false, &seq(&purposes))
}

pub fn subject_key_id(id: u8) -> Vec<u8> {
    extension("2.5.29.14", false, &octets(&[id; 20]))
}

pub fn authority_key_id(id: u8) -> Vec<u8> {
    extension("2.5.29.35", false, &seq(&[tlv(0x80, &[id; 20])]))
}

impl Cert {
    /// A CA's certificate for `key`, issued by `issuer`.
    pub fn ca(key: u8, issuer: u8) -> Self {
        Self {
            extensions: vec![basic_constraints(true, None)],
            ..Self::leaf(key, issuer)
        }
    }

    /// A certificate for `key` without extensions, issued by `issuer`.
    pub fn leaf(key: u8, issuer: u8) -> Self {
        Self {
            key,
            issuer,
            issuer_key: issuer,
            serial: key,
            version: Some(2),
            extensions: vec![],
            key_info: None,
        }
    }

    pub fn with(mut self, extension: Vec<u8>) -> Self {
        self.extensions.push(extension);
        self
    }

    pub fn tbs(&self) -> Vec<u8> {
        let extensions = if self.extensions.is_empty() {
            vec![]
        } else {
            explicit(3, &seq(&self.extensions))
        };
        seq(&[
            self.version
                .map(|version| explicit(0, &int(version)))
                .unwrap_or_default(),
            int(self.serial),
            seq(&[oid(ECDSA_SHA256)]),
            name(&format!("key {}", self.issuer)),
            seq(&[tlv(0x17, b"240101000000Z"), tlv(0x17, b"440101000000Z")]),
            name(&format!("key {}", self.key)),
            self.key_info.clone().unwrap_or_else(|| self.own_key_info()),
            extensions,
        ])
    }

    fn own_key_info(&self) -> Vec<u8> {
        let point = key(self.key).verifying_key().to_sec1_point(false);
        seq(&[
            seq(&[oid("1.2.840.10045.2.1"), oid("1.2.840.10045.3.1.7")]),
            bits(point.as_bytes()),
        ])
    }

    pub fn der(&self) -> Vec<u8> {
        let tbs = self.tbs();
        let signature = bits(&sign(self.issuer_key, &tbs));
        seq(&[tbs, seq(&[oid(ECDSA_SHA256)]), signature])
    }
}

/// A list of revoked certificates by key 1, which revokes none.
pub fn crl() -> Vec<u8> {
    let algorithm = seq(&[oid(ECDSA_SHA256)]);
    let time = tlv(0x17, b"240101000000Z");
    let tbs = seq(&[int(1), algorithm.clone(), name("key 1"), time]);
    let signature = bits(&sign(1, &tbs));
    seq(&[tbs, algorithm, signature])
}

pub fn attribute(id: &str, values: &[Vec<u8>]) -> Vec<u8> {
    seq(&[oid(id), set(values)])
}

pub fn content_type(named: &str) -> Vec<u8> {
    attribute(CONTENT_TYPE, &[oid(named)])
}

pub fn message_digest(digest: &[u8]) -> Vec<u8> {
    attribute(MESSAGE_DIGEST, &[octets(digest)])
}

/// A signature in its parts, each DER. Change one, then `build` it.
#[derive(Clone)]
pub struct Forge {
    pub image: Vec<u8>,
    pub outer_type: Vec<u8>,
    pub version: Vec<u8>,
    pub digest_algorithms: Vec<u8>,
    pub content_type: Vec<u8>,
    /// SpcIndirectDataContent.
    pub content: Vec<u8>,
    pub certificates: Vec<Vec<u8>>,
    /// After the certificates.
    pub crls: Vec<u8>,
    pub signer_version: Vec<u8>,
    pub issuer: Vec<u8>,
    pub serial: Vec<u8>,
    pub digest_algorithm: Vec<u8>,
    /// Without messageDigest where that is to be derived from the content.
    pub attributes: Vec<Vec<u8>>,
    pub derive_message_digest: bool,
    pub signature_algorithm: Vec<u8>,
    pub signing_key: u8,
    /// Instead of the right one.
    pub signature: Option<Vec<u8>>,
    pub unauthenticated: Vec<u8>,
    /// Further SignerInfos.
    pub more_signers: Vec<u8>,
    /// After the last byte.
    pub trailing: Vec<u8>,
}

impl Forge {
    /// A right signature of the small image by `signer`, who is issued by `issuer`.
    pub fn new(signer: &Cert) -> Self {
        let image = small_image();
        let pe = Pe::parse(&image).expect("small image");
        let digest = HashAlgorithm::Sha256.hash(pe.digest_parts());
        Self {
            content: indirect_data(SHA256, digest.as_bytes()),
            image,
            outer_type: oid("1.2.840.113549.1.7.2"),
            version: int(1),
            digest_algorithms: set(&[seq(&[oid(SHA256), null()])]),
            content_type: oid(SPC_INDIRECT_DATA),
            certificates: vec![signer.der()],
            crls: vec![],
            signer_version: int(1),
            issuer: name(&format!("key {}", signer.issuer)),
            serial: int(signer.serial),
            digest_algorithm: seq(&[oid(SHA256), null()]),
            attributes: vec![content_type(SPC_INDIRECT_DATA)],
            derive_message_digest: true,
            signature_algorithm: seq(&[oid(ECDSA_SHA256)]),
            signing_key: signer.key,
            signature: None,
            unauthenticated: vec![],
            more_signers: vec![],
            trailing: vec![],
        }
    }

    /// The same with further certificates.
    pub fn carrying(mut self, certificates: &[&Cert]) -> Self {
        self.certificates
            .extend(certificates.iter().map(|certificate| certificate.der()));
        self
    }

    pub fn pkcs7(&self) -> Vec<u8> {
        let signed_data = seq(&[
            &self.version,
            &self.digest_algorithms,
            &seq(&[&self.content_type, &explicit(0, &self.content)]),
            &explicit(0, &join(&self.certificates)),
            &self.crls,
            &set(&[&self.signer_info(), &self.more_signers]),
        ]);
        let info = seq(&[&self.outer_type, &explicit(0, &signed_data)]);
        join(&[&info, &self.trailing])
    }

    pub fn signer_info(&self) -> Vec<u8> {
        let mut attributes = self.attributes.clone();
        if self.derive_message_digest {
            // The contents of the SEQUENCE, whose header takes two bytes here.
            attributes.push(message_digest(&sha256(&self.content[2..])));
        }
        let attributes = join(&attributes);
        let signature = self
            .signature
            .clone()
            .unwrap_or_else(|| sign(self.signing_key, &tlv(0x31, &attributes)));
        seq(&[
            &self.signer_version,
            &seq(&[&self.issuer, &self.serial]),
            &self.digest_algorithm,
            &explicit(0, &attributes),
            &self.signature_algorithm,
            &octets(&signature),
            &self.unauthenticated,
        ])
    }

    /// Signs this image in the small one's place.
    pub fn of(image: Vec<u8>, signer: &Cert) -> Self {
        let pe = Pe::parse(&image).expect("an image");
        let digest = HashAlgorithm::Sha256.hash(pe.digest_parts());
        let content = indirect_data(SHA256, digest.as_bytes());
        let mut forge = Self::new(signer);
        (forge.content, forge.image) = (content, image);
        forge
    }

    /// The signed image.
    pub fn build(&self) -> Vec<u8> {
        attach_table(&self.image, &win_certificate(&self.pkcs7()))
    }
}

pub fn indirect_data(hash: &str, digest: &[u8]) -> Vec<u8> {
    seq(&[
        seq(&[
            oid("1.3.6.1.4.1.311.2.1.15"),
            seq(&[tlv(0x03, &[0]), explicit(0, &explicit(2, &tlv(0x80, &[])))]),
        ]),
        seq(&[seq(&[oid(hash), null()]), octets(digest)]),
    ])
}
