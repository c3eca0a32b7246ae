//! The certificates that lead from a signature to whoever trusts one of them, for people to see.
//!
//! They decide nothing: the gate's verdict is `baton_verify`'s, the kernel's is forecast by [`super::file_load`].

use crate::pkcs7::crypto::{Hash, Knows, Stop};
use crate::pkcs7::message::{Message, SignerInfo};
use crate::pkcs7::x509::X509;
use baton_formats::siglist::{SignatureLists, SignatureType};
use baton_sys::hex;
use baton_sys::keyring::{KeyInfo, Keyrings};
use baton_verify::Certificate;
use serde::Serialize;

/// The longest chain that is followed.
const LONGEST: usize = 8;

/// A list of certificates that somebody trusts, or refuses.
#[derive(Debug, Clone)]
pub struct Place<'a> {
    /// What people call it.
    pub name: &'static str,
    /// What it holds.
    pub certificates: Vec<X509<'a>>,
}

/// A certificate on the way.
#[derive(Debug, Clone, Serialize, PartialEq, Eq)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Link {
    /// Its subject.
    pub subject: String,
    /// Its key.
    pub key_id: String,
    /// The lists and keyrings that it is in.
    pub trusted_by: Vec<String>,
    /// All of it; empty of a key of which only the identifier is known.
    #[serde(skip)]
    pub der: Vec<u8>,
}

/// A signature, and the chain from its signer's certificate on.
#[derive(Debug, Clone, Serialize, PartialEq, Eq)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Chain {
    /// What was hashed, and signed, with.
    pub hash: Option<String>,
    /// From the signer on; empty if the signature doesn't carry its certificate.
    pub links: Vec<Link>,
    /// What is wrong with the signature.
    pub problem: Option<String>,
}

impl<'a> Place<'a> {
    /// Of EFI signature lists; what can't be read is left out.
    #[must_use]
    pub fn of_lists(name: &'static str, lists: &'a [u8]) -> Place<'a> {
        let lists = SignatureLists::new(lists).filter_map(Result::ok);
        let ders = lists
            .filter(|list| list.kind() == SignatureType::X509)
            .flat_map(|list| {
                list.signatures()
                    .map(|entry| entry.data)
                    .collect::<Vec<_>>()
            });
        Place::of(name, ders)
    }

    /// Of certificates, one after another, as in a gate's `.keys`.
    #[must_use]
    pub fn of_ders(name: &'static str, ders: &'a [u8]) -> Place<'a> {
        Place {
            name,
            certificates: X509::each(ders, &all).collect(),
        }
    }

    fn of(name: &'static str, ders: impl Iterator<Item = &'a [u8]>) -> Place<'a> {
        Place {
            name,
            certificates: ders.filter_map(|der| X509::whole(der, &all).ok()).collect(),
        }
    }

    fn has(&self, certificate: &X509<'_>) -> bool {
        self.certificates.iter().any(|it| it.raw == certificate.raw)
    }
}

impl Chain {
    /// Of what can't be read.
    #[must_use]
    pub fn broken(problem: String) -> Chain {
        Chain {
            hash: None,
            links: Vec::new(),
            problem: Some(problem),
        }
    }
}

/// Here every algorithm is known that Baton knows.
fn all(_: &str) -> bool {
    true
}

/// Where the chain of every signature is looked for.
pub struct Chains<'c> {
    /// Who has certificates.
    pub places: &'c [Place<'c>],
    /// What the kernel shows.
    pub keyrings: &'c Keyrings,
}

impl Chains<'_> {
    /// The chain of a PKCS#7 message. What it must say of the image is checked where there is an image.
    #[must_use]
    pub fn of(&self, pkcs7: &[u8], image: Option<&dyn Fn(Hash) -> Option<Vec<u8>>>) -> Chain {
        let knows: Knows<'_> = &all;
        let message = match Message::parse(pkcs7, knows) {
            Ok(message) => message,
            Err(stop) => return Chain::broken(said(stop)),
        };
        let Some(signer) = message.signers.first() else {
            return Chain::broken("it has no signer".to_owned());
        };
        let checked = image.map_or(Ok(()), |image| check(&message, signer, image));
        let mut problem = checked.err();
        if message.signers.len() > 1 {
            problem.get_or_insert_with(|| format!("it has {} signers", message.signers.len()));
        }
        let first = message.certificate_of(signer);
        let first = first.and_then(|place| message.certificates.get(place));
        Chain {
            hash: Some(signer.hash.title()),
            links: first.map_or_else(Vec::new, |it| self.climb(it, &message.certificates)),
            problem: problem.or_else(|| {
                let carried = first.is_some();
                (!carried).then(|| "it doesn't carry its signer's certificate".to_owned())
            }),
        }
    }

    fn climb(&self, signer: &X509<'_>, carried: &[X509<'_>]) -> Vec<Link> {
        let mut links = vec![self.link(signer)];
        let mut below = signer;
        while links.len() < LONGEST && !below.self_signed {
            let known = self.places.iter().flat_map(|place| &place.certificates);
            let mut issuers = carried.iter().chain(known);
            let issued = |issuer: &&X509<'_>| {
                issuer.subject == below.issuer
                    && issuer.raw != below.raw
                    && issuer.key.check(&below.signature, &all).is_ok()
            };
            match issuers.find(issued) {
                Some(issuer) => {
                    links.push(self.link(issuer));
                    below = issuer;
                }
                None => {
                    links.extend(self.key_above(below));
                    break;
                }
            }
        }
        links
    }

    fn link(&self, certificate: &X509<'_>) -> Link {
        let places = self.places.iter().filter(|place| place.has(certificate));
        let mut trusted_by: Vec<String> = places.map(|place| place.name.to_owned()).collect();
        let id = hex::encode(certificate.subject_key_id.unwrap_or(certificate.serial));
        let keys = self
            .keyrings
            .trusted
            .iter()
            .filter(|key| same(&key.id, &id));
        trusted_by.extend(keys.map(|key| key.keyring.clone()));
        trusted_by.dedup();
        let strict = Certificate::parse(certificate.raw);
        let (subject, key_id) = strict.map_or_else(
            |_| ("a certificate that isn't strict DER".to_owned(), id.clone()),
            |it| (it.subject_name(), it.key_id().to_string()),
        );
        Link {
            subject,
            key_id,
            trusted_by,
            der: certificate.raw.to_vec(),
        }
    }

    /// The kernel's key that a certificate names as its issuer's.
    fn key_above(&self, certificate: &X509<'_>) -> Option<Link> {
        let id = hex::encode(certificate.authority.key_id?);
        let mut keys = self.keyrings.trusted.iter();
        let key: &KeyInfo = keys.find(|key| same(&key.id, &id))?;
        Some(Link {
            subject: key.name.clone(),
            key_id: key.id.clone(),
            trusted_by: vec![key.keyring.clone()],
            der: Vec::new(),
        })
    }
}

fn same(shown: &str, id: &str) -> bool {
    shown.trim_start_matches("00") == id.trim_start_matches("00")
}

fn said(stop: Stop) -> String {
    match stop {
        Stop::Refused(error) => error.why().to_owned(),
        Stop::Unknown(why) => why.to_owned(),
    }
}

/// Whether a signature is of this image, and right.
fn check(
    message: &Message<'_>,
    signer: &SignerInfo<'_>,
    image: &dyn Fn(Hash) -> Option<Vec<u8>>,
) -> Result<(), String> {
    let (hash, stated) = message.image_digest().map_err(said)?;
    if image(hash).is_some_and(|digest| digest != stated) {
        return Err("the image was altered after signing".to_owned());
    }
    let signed = message.signed(signer, &all);
    let signed = signed.map_err(|_| "what it says of the image was altered".to_owned())?;
    let certificate = message.certificate_of(signer);
    match certificate.and_then(|place| message.certificates.get(place)) {
        Some(certificate) => certificate
            .key
            .check(&signed, &all)
            .map_err(|_| "its signer's key didn't make it".to_owned()),
        None => Ok(()),
    }
}
