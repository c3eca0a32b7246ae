//! What shim answers to an EFI program at the next boot: verify_buffer in shim's shim.c, which GRUB asks for kernels, and
//! which starts what it starts itself.
//!
//! In its order: refused is what dbx, MokListX or an SBAT level revokes; started is an image whose digest is in db or in the
//! MOK list, or one with a signature, of any number, by a certificate there (shim's own is in MokListRT) that isn't for
//! modules alone. Where there is no shim, the firmware judges by db and dbx.

use super::chain::{Chain, Link, Place};
use crate::machine::Keys;
use baton_formats::pe::Pe;
use baton_formats::siglist::{SignatureLists, SignatureType};
use baton_verify::{Certificate, Trust, check_sbat, sbat};

/// The answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// It starts the image.
    Starts {
        /// Because of what.
        by: String,
        /// In which list that is.
        list: &'static str,
    },
    /// It refuses it.
    Refuses {
        /// For programs.
        code: &'static str,
        /// Why.
        why: String,
        /// What to do.
        mend: &'static str,
    },
}

/// What is judged.
pub struct Request<'r> {
    pub image: &'r [u8],
    pub keys: &'r Keys,
    /// shim's own certificates, where they aren't in its list, with what names them.
    pub own: Option<(&'static str, &'r [u8])>,
    /// Its signatures.
    pub chains: &'r [Chain],
    /// Its Authenticode digest by SHA-256, if it is a PE image.
    pub sha256: Option<[u8; 32]>,
}

/// Whether there is a shim, as far as is known.
#[must_use]
pub fn is_there(keys: &Keys) -> bool {
    keys.mok.list.is_some()
}

/// Whether shim itself starts it: it wants SBAT metadata of that (verify_sbat_section in its sbat.c); GRUB's
/// kernels need none.
#[must_use]
pub fn has_sbat(image: &[u8]) -> bool {
    matches!(sbat(image), Ok(Some(_)))
}

/// Forecasts the answer.
#[must_use]
pub fn answer(request: &Request<'_>) -> Answer {
    let (Ok(pe), Some(digest)) = (Pe::parse(request.image), request.sha256) else {
        return refuses(
            "not-a-pe-image",
            "it isn't a PE image",
            "give it a kernel with an EFI stub, or a UKI",
        );
    };
    let lists = Lists::of(request);
    if let Some(list) = lists.revoking_digest(&digest) {
        return refuses_because(
            "revoked-image",
            format!("its digest is in {list}"),
            "get a newer one",
        );
    }
    if let Err(reason) = sbat_verdict(request) {
        return refuses_because("revoked-by-sbat", reason, "get a newer one");
    }
    if let Some(list) = lists.trusting_digest(&digest) {
        return Answer::Starts {
            by: "its digest".to_owned(),
            list,
        };
    }
    if pe.certificates().next().is_none() {
        return refuses("unsigned", "it has no signature", "sign it (`baton sign`)");
    }
    lists.by_signatures(request.chains)
}

fn refuses(code: &'static str, why: &str, mend: &'static str) -> Answer {
    refuses_because(code, why.to_owned(), mend)
}

fn refuses_because(code: &'static str, why: String, mend: &'static str) -> Answer {
    Answer::Refuses { code, why, mend }
}

fn sbat_verdict(request: &Request<'_>) -> Result<(), String> {
    let Some(level) = &request.keys.mok.sbat_level else {
        return Ok(());
    };
    let trust = Trust::new().add_sbat_level(level, baton_verify::SbatSource::Machine);
    let trust = trust.map_err(|error| error.to_string())?;
    check_sbat(request.image, &trust).map_err(|reason| reason.to_string())
}

/// The lists, by what people call them.
struct Lists<'a> {
    trusted: [(&'static str, &'a [u8]); 2],
    own: Option<(&'static str, &'a [u8])>,
    revoked: [(&'static str, &'a [u8]); 2],
}

impl<'a> Lists<'a> {
    fn of(request: &Request<'a>) -> Lists<'a> {
        let keys = request.keys;
        let mok = &keys.mok;
        let dbx = if keys.dbx.is_empty() {
            mok.dbx.as_deref().unwrap_or_default()
        } else {
            &keys.dbx
        };
        Lists {
            own: request.own,
            trusted: [
                ("db", &keys.db),
                ("MokListRT", mok.list.as_deref().unwrap_or_default()),
            ],
            revoked: [
                ("dbx", dbx),
                ("MokListXRT", mok.revoked.as_deref().unwrap_or_default()),
            ],
        }
    }

    fn revoking_digest(&self, digest: &[u8; 32]) -> Option<&'static str> {
        listing(&self.revoked, digest)
    }

    fn trusting_digest(&self, digest: &[u8; 32]) -> Option<&'static str> {
        listing(&self.trusted, digest)
    }

    fn by_signatures(&self, chains: &[Chain]) -> Answer {
        let mut first = None;
        for chain in chains {
            match self.by_signature(chain) {
                Answer::Refuses { code, why, mend } => {
                    first.get_or_insert(Answer::Refuses { code, why, mend });
                }
                starts @ Answer::Starts { .. } => return starts,
            }
        }
        first
            .unwrap_or_else(|| refuses("unsigned", "it has no signature", "sign it (`baton sign`)"))
    }

    fn by_signature(&self, chain: &Chain) -> Answer {
        if let Some(problem) = &chain.problem {
            let mend = "get it again from its origin, or sign it again";
            return refuses("bad-signature", problem, mend);
        }
        let revoked = self
            .revoked
            .map(|(name, lists)| Place::of_lists(name, lists));
        for link in &chain.links {
            if let Some(place) = revoked.iter().find(|place| lists(place, link)) {
                return refuses_because(
                    "revoked-certificate",
                    format!("the certificate \"{}\" is in {}", link.subject, place.name),
                    "get one that is signed with another key",
                );
            }
        }
        let lists_of = |(name, lists)| Place::of_lists(name, lists);
        let own = self.own.map(|(name, ders)| Place::of_ders(name, ders));
        let trusted = self.trusted.map(lists_of).into_iter().chain(own);
        let trusted: Vec<Place<'_>> = trusted.collect();
        let mut for_modules = false;
        for link in &chain.links {
            let Some(place) = trusted.iter().find(|place| lists(place, link)) else {
                continue;
            };
            // verify_eku in shim.c
            if Certificate::parse(&link.der).is_ok_and(|it| it.is_for_modules()) {
                for_modules = true;
                continue;
            }
            return Answer::Starts {
                by: format!("\"{}\" (key id {})", link.subject, link.key_id),
                list: place.name,
            };
        }
        if for_modules {
            return refuses(
                "for-modules",
                "the certificate is for kernel modules alone",
                "sign it with another key",
            );
        }
        refuses(
            "unknown-signer",
            "no certificate in db or MokListRT vouches for its signer",
            "enrol the signer's certificate (`mokutil --import`)",
        )
    }
}

fn lists(place: &Place<'_>, link: &Link) -> bool {
    place.certificates.iter().any(|it| it.raw == link.der)
}

/// The list with this SHA-256 digest of an image.
fn listing(lists: &[(&'static str, &[u8]); 2], digest: &[u8; 32]) -> Option<&'static str> {
    let holds = |bytes: &[u8]| {
        let lists = SignatureLists::new(bytes).filter_map(Result::ok);
        lists
            .filter(|list| list.kind() == SignatureType::Sha256)
            .any(|list| list.signatures().any(|entry| entry.data == digest))
    };
    let found = lists.iter().find(|(_, bytes)| holds(bytes));
    found.map(|(name, _)| *name)
}
