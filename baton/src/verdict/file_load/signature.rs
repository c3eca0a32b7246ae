//! kexec_kernel_verify_pe_sig: the signature of a bzImage, by the kernel's keyrings.

use super::Request;
use super::keyring::{Found, Key, Rings, Wanted};
use super::pefile::PeFile;
use crate::pkcs7::crypto::{Hash, Knows, Signature, Stop};
use crate::pkcs7::message::{Message, SignerInfo};
use crate::pkcs7::x509::X509;
use crate::pkcs7::{refused, refused_because};
use baton_formats::siglist::{SignatureLists, SignatureType};
use baton_sys::hex;
use baton_sys::kexec_error::errno::{EBADMSG, EKEYREJECTED, ENOKEY, ENOPKG};
use baton_sys::keyring::KeyInfo;
use baton_verify::HashAlgorithm;

/// Who vouches for an image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Vouched {
    /// The certificate of who signed it, if it is there, in DER.
    pub signer: Option<Vec<u8>>,
    /// The key that ends the chain.
    pub key: KeyInfo,
}

/// The verdict on the first signature.
///
/// # Errors
/// The kernel's, or that it can't be told.
pub fn verify(request: &Request<'_>) -> Result<Vouched, Stop> {
    let knows = |name: &str| request.machine.algorithms.has(name);
    let file = PeFile::parse(request.image)?;
    let message = Message::parse(file.pkcs7, &knows)?;
    let judge = Judge {
        message: &message,
        request,
        knows: &knows,
    };
    let signers = judge.verify_message()?;
    let rings = Rings::of(request.keys, &knows);
    // is_key_on_revocation_list in certs/blacklist.c
    if judge.trusted(&signers, &rings.revoked).is_ok() {
        let why = "a certificate in the kernel's .blacklist vouches for its signer";
        return Err(refused_because(EKEYREJECTED, why).into());
    }
    let by_secondary = judge.trusted(&signers, &rings.secondary);
    let vouched = match by_secondary {
        Err(Stop::Refused(error)) if error.errno() == ENOKEY => {
            judge.trusted(&signers, &rings.platform)
        }
        other => other,
    };
    let vouched = match vouched {
        Err(Stop::Refused(error)) if error.errno() == ENOKEY && rings.is_incomplete => {
            Err(Stop::Unknown(
                "a key of the kernel's own may vouch for it, and its keyrings can't be read; run as root on that machine",
            ))
        }
        other => other,
    }?;
    judge.check_digest(&file)?;
    Ok(vouched)
}

struct Judge<'j, 'a> {
    message: &'j Message<'a>,
    request: &'j Request<'j>,
    knows: Knows<'j>,
}

/// A signer whose own signature was looked at.
struct Checked<'a> {
    info: SignerInfo<'a>,
    signature: Signature<'a>,
    /// The certificates from the signer's up, as far as they are in the message, by their places.
    chain: Vec<usize>,
    /// An algorithm is missing.
    unsupported: bool,
}

impl<'a> Judge<'_, 'a> {
    /// pkcs7_verify: whether the message is right in itself.
    fn verify_message(&self) -> Result<Vec<Checked<'a>>, Stop> {
        if !self.message.is_authenticode() {
            let why = "the signature isn't of a PE image";
            return Err(refused_because(EKEYREJECTED, why).into());
        }
        let mut result = Err(refused(ENOPKG).into());
        let mut all = Vec::new();
        for info in &self.message.signers {
            match self.verify_one(info) {
                Ok(Some(checked)) => {
                    all.push(checked);
                    result = Ok(());
                }
                Ok(None) => {
                    result = result.map_err(|stop: Stop| match stop {
                        Stop::Refused(error) if error.errno() == ENOPKG => {
                            let why =
                                "the kernel's .blacklist has a certificate of the signature's";
                            refused_because(EKEYREJECTED, why).into()
                        }
                        other => other,
                    });
                }
                Err(Stop::Refused(error)) if error.errno() == ENOPKG => all.push(Checked {
                    info: info.clone(),
                    signature: Signature {
                        kind: info.kind,
                        hash: info.hash,
                        digest: Vec::new(),
                        bytes: info.signature,
                    },
                    chain: Vec::new(),
                    unsupported: true,
                }),
                Err(stop) => return Err(stop),
            }
        }
        result.map(|()| all)
    }

    /// pkcs7_verify_one; `None` of one with a revoked certificate in its chain.
    fn verify_one(&self, info: &SignerInfo<'a>) -> Result<Option<Checked<'a>>, Stop> {
        let signature = self.message.signed(info, self.knows)?;
        let mut checked = Checked {
            info: info.clone(),
            signature,
            chain: Vec::new(),
            unsupported: false,
        };
        let Some(place) = self.message.certificate_of(info) else {
            return Ok(Some(checked));
        };
        let certificate = &self.message.certificates[place];
        // The clock isn't asked, but what the signer says of the time.
        let time = info.attributes.and_then(|attributes| attributes.time);
        if time.is_some_and(|time| !certificate.valid.contains(&time)) {
            let why = "it says that it was signed when its signer's certificate wasn't valid";
            return Err(refused_because(EKEYREJECTED, why).into());
        }
        let by_key = certificate.key.check(&checked.signature, self.knows);
        by_key.map_err(|stop| stop.or_because("its signer's key didn't make the signature"))?;
        match self.chain(place)? {
            Some(chain) => checked.chain = chain,
            None => return Ok(None),
        }
        Ok(Some(checked))
    }

    /// pkcs7_verify_sig_chain: how far up the message leads; `None` to one that is revoked.
    fn chain(&self, signer: usize) -> Result<Option<Vec<usize>>, Stop> {
        let certificates = &self.message.certificates;
        let mut chain = vec![signer];
        let mut place = signer;
        loop {
            let certificate = &certificates[place];
            if self.is_blacklisted(certificate) {
                return Ok(None);
            }
            if certificate.self_signed {
                return Ok(Some(chain));
            }
            let Some(next) = issuer(certificate, certificates) else {
                return Ok(Some(chain));
            };
            let above = &certificates[next];
            if certificate.authority.id.is_some()
                && certificate.authority.key_id.is_some()
                && certificate.authority.key_id != above.subject_key_id
            {
                return Err(refused(EKEYREJECTED).into());
            }
            if chain.contains(&next) {
                return Ok(Some(chain));
            }
            let by_key = above.key.check(&certificate.signature, self.knows);
            let why = "a certificate in the signature isn't signed by the one that it names";
            by_key.map_err(|stop| stop.or_because(why))?;
            chain.push(next);
            place = next;
        }
    }

    /// is_hash_blacklisted, by the digest that the certificate's own signature is made of.
    fn is_blacklisted(&self, certificate: &X509<'_>) -> bool {
        let keys = self.request.keys;
        let digest = &certificate.signature.digest;
        if keys.keyrings.complete {
            let entry = format!("tbs:{}", hex::encode(digest));
            return keys.keyrings.blacklist.contains(&entry);
        }
        let revoked = keys.mok.revoked.as_deref().unwrap_or_default();
        [&keys.dbx[..], revoked].iter().any(|list| {
            let lists = SignatureLists::new(list).filter_map(std::result::Result::ok);
            let of_certificates =
                |kind| !matches!(kind, SignatureType::X509 | SignatureType::Sha256);
            lists
                .filter(|list| of_certificates(list.kind()))
                .any(|list| list.signatures().any(|entry| entry.hash() == Some(digest)))
        })
    }

    /// pkcs7_validate_trust.
    fn trusted(&self, signers: &[Checked<'a>], ring: &[Key<'_>]) -> Result<Vouched, Stop> {
        let mut result = Err(refused(ENOKEY).into());
        for signer in signers {
            match self.trusted_one(signer, ring) {
                Err(Stop::Refused(error)) if error.errno() == ENOKEY => {}
                Err(Stop::Refused(error)) if error.errno() == ENOPKG => {
                    if result.is_err() {
                        result = Err(error.into());
                    }
                }
                Ok(vouched) => result = Ok(vouched),
                Err(stop) => return Err(stop),
            }
        }
        result
    }

    /// pkcs7_validate_trust_one.
    fn trusted_one(&self, signer: &Checked<'a>, ring: &[Key<'_>]) -> Result<Vouched, Stop> {
        if signer.unsupported {
            return Err(refused(ENOPKG).into());
        }
        let certificates = &self.message.certificates;
        let mut signature = &signer.signature;
        for place in &signer.chain {
            let certificate = &certificates[*place];
            let wanted = Wanted {
                id: Some(certificate.id()),
                key_id: certificate.subject_key_id,
            };
            if let Found::Key(key) = wanted.find(ring) {
                return self.matched(signer, key, signature, Some(certificate));
            }
            if certificate.self_signed {
                return Err(refused(ENOKEY).into());
            }
            signature = &certificate.signature;
        }
        if let Some(last) = signer.chain.last() {
            let authority = certificates[*last].authority;
            let wanted = Wanted {
                id: authority.id,
                key_id: authority.key_id,
            };
            match wanted.find(ring) {
                Found::Key(key) => return self.matched(signer, key, signature, None),
                Found::Another => return Err(refused(EKEYREJECTED).into()),
                Found::Nothing => {}
            }
        }
        let direct = Wanted {
            id: signer.info.id,
            key_id: None,
        };
        match direct.find(ring) {
            Found::Key(key) => self.matched(signer, key, &signer.signature, None),
            Found::Another => Err(refused(EKEYREJECTED).into()),
            Found::Nothing => Err(refused(ENOKEY).into()),
        }
    }

    /// The keyring's key must have made the signature, too. If its certificate isn't known, that of the message, which
    /// has its identifier, stands for it.
    fn matched(
        &self,
        signer: &Checked<'a>,
        key: &Key<'_>,
        signature: &Signature<'_>,
        embedded: Option<&X509<'_>>,
    ) -> Result<Vouched, Stop> {
        let known = key.certificate.as_ref().or(embedded);
        if let Some(certificate) = known {
            match certificate.key.check(signature, self.knows) {
                Err(Stop::Refused(_)) => {
                    let why = "a key of the kernel's that is named so didn't make the signature";
                    return Err(refused_because(EKEYREJECTED, why).into());
                }
                other => other?,
            }
        }
        let certificate = signer
            .chain
            .first()
            .map(|place| &self.message.certificates[*place]);
        Ok(Vouched {
            signer: certificate.map(|certificate| certificate.raw.to_vec()),
            key: key.info.clone(),
        })
    }

    /// mscode_parse, then pefile_digest_pe.
    fn check_digest(&self, file: &PeFile<'_>) -> Result<(), Stop> {
        let (hash, stated) = self.message.image_digest()?;
        if !(self.knows)(hash.name()) {
            return Err(refused(ENOPKG).into());
        }
        if stated.len() != hash.digest_len() {
            return Err(refused(EBADMSG).into());
        }
        let known = match hash {
            Hash::Accepted(HashAlgorithm::Sha256) => (self.request.sha256)(),
            _ => None,
        };
        let digest = match known {
            Some(digest) => digest.to_vec(),
            None => hash.hash(file.digest_parts()?),
        };
        if digest == stated {
            Ok(())
        } else {
            Err(refused_because(EKEYREJECTED, "it was altered after signing").into())
        }
    }
}

/// The place of the certificate that this one names as its issuer's.
fn issuer(certificate: &X509<'_>, certificates: &[X509<'_>]) -> Option<usize> {
    certificates
        .iter()
        .position(|other| certificate.names(other))
}
