//! The kernel's keyrings, with what is known of the certificates in them; and how it looks for one.

use crate::machine::Keys;
use crate::pkcs7::crypto::Knows;
use crate::pkcs7::x509::X509;
use baton_formats::siglist::{SignatureLists, SignatureType};
use baton_sys::hex;
use baton_sys::keyring::KeyInfo;

/// The keyring that is asked where the others have no key (kexec_kernel_verify_pe_sig).
const PLATFORM: &str = ".platform";

/// A key in a keyring.
#[derive(Debug, Clone)]
pub struct Key<'a> {
    /// What the kernel shows of it.
    pub info: KeyInfo,
    /// Its certificate, which the kernel doesn't show, if the firmware or shim has it.
    pub certificate: Option<X509<'a>>,
}

/// The keyrings that matter.
#[derive(Debug, Default)]
pub struct Rings<'a> {
    /// `.secondary_trusted_keys`, with what it links.
    pub secondary: Vec<Key<'a>>,
    /// `.platform`.
    pub platform: Vec<Key<'a>>,
    /// What is in `.blacklist`.
    pub revoked: Vec<Key<'a>>,
    /// There may be further keys.
    pub is_incomplete: bool,
}

/// What a key is looked for by.
#[derive(Debug, Clone, Copy, Default)]
pub struct Wanted<'w> {
    /// Issuer and serial number of its certificate.
    pub id: Option<(&'w [u8], &'w [u8])>,
    /// Its subject key identifier.
    pub key_id: Option<&'w [u8]>,
}

/// What comes of that.
pub enum Found<'f, 'a> {
    Key(&'f Key<'a>),
    /// There is one by the first, and it has another key identifier (EKEYREJECTED).
    Another,
    Nothing,
}

impl<'a> Rings<'a> {
    /// The machine's. Where its keyrings aren't shown, what the kernel would have put there from the firmware's
    /// lists and from shim's (security/integrity/platform_certs/load_uefi.c).
    #[must_use]
    pub fn of(keys: &'a Keys, knows: Knows<'_>) -> Rings<'a> {
        let mok = keys.mok.list.as_deref().unwrap_or_default();
        let trusted = [certificates(&keys.db, knows), certificates(mok, knows)];
        let revoked = keys.mok.revoked.as_deref().unwrap_or_default();
        let revoked: Vec<X509<'_>> = [&keys.dbx[..], revoked]
            .iter()
            .flat_map(|list| certificates(list, knows))
            .collect();
        let keyrings = &keys.keyrings;
        if keyrings.trusted.is_empty() && !keyrings.complete {
            let [db, mok] = trusted;
            let of_mok = if keys.mok.trusted {
                ".machine"
            } else {
                PLATFORM
            };
            let all = assumed(db, PLATFORM).chain(assumed(mok, of_mok));
            let (platform, secondary) = all.partition(|key| key.info.keyring == PLATFORM);
            return Rings {
                secondary,
                platform,
                revoked: assumed(revoked, ".blacklist").collect(),
                is_incomplete: true,
            };
        }
        let known = trusted.concat();
        let all = keyrings
            .trusted
            .iter()
            .flat_map(|info| keys_of(info, &known));
        let (platform, secondary) = all.partition(|key| key.info.keyring == PLATFORM);
        let listed = keyrings.revoked.iter();
        Rings {
            secondary,
            platform,
            revoked: listed.flat_map(|info| keys_of(info, &revoked)).collect(),
            is_incomplete: !keyrings.complete,
        }
    }
}

/// The certificates of EFI signature lists that the kernel can read.
fn certificates<'a>(lists: &'a [u8], knows: Knows<'_>) -> Vec<X509<'a>> {
    let lists = SignatureLists::new(lists).filter_map(std::result::Result::ok);
    lists
        .filter(|list| list.kind() == SignatureType::X509)
        .flat_map(|list| {
            let entries = list.signatures();
            entries
                .filter_map(|entry| X509::whole(entry.data, knows).ok())
                .collect::<Vec<_>>()
        })
        .collect()
}

/// What a key is listed as: by its subject key identifier, or its serial number without one (x509_key_preparse).
fn shown_id(certificate: &X509<'_>) -> String {
    hex::encode(certificate.subject_key_id.unwrap_or(certificate.serial))
}

fn assumed<'a>(
    certificates: Vec<X509<'a>>,
    keyring: &'static str,
) -> impl Iterator<Item = Key<'a>> {
    certificates.into_iter().map(move |certificate| {
        let name = baton_verify::Certificate::parse(certificate.raw);
        Key {
            info: KeyInfo {
                keyring: keyring.to_owned(),
                name: name.map_or_else(|_| String::new(), |it| it.subject_name()),
                id: shown_id(&certificate),
            },
            certificate: Some(certificate),
        }
    })
}

/// A key of a keyring, once for each certificate that it may be.
fn keys_of<'a>(info: &KeyInfo, known: &[X509<'a>]) -> Vec<Key<'a>> {
    let key = |certificate| Key {
        info: info.clone(),
        certificate,
    };
    let fitting = known
        .iter()
        .filter(|certificate| info.has_id(&shown_id(certificate)));
    let found: Vec<Key<'_>> = fitting.map(|it| key(Some(it.clone()))).collect();
    if found.is_empty() {
        vec![key(None)]
    } else {
        found
    }
}

impl Wanted<'_> {
    /// find_asymmetric_key (crypto/asymmetric_keys/asymmetric_type.c).
    pub fn find<'f, 'a>(&self, ring: &'f [Key<'a>]) -> Found<'f, 'a> {
        let Some(key) = ring.iter().find(|key| self.is_named(key)) else {
            return Found::Nothing;
        };
        let other = key.certificate.as_ref().is_some_and(|certificate| {
            self.id.is_some() && self.key_id.is_some() && certificate.subject_key_id != self.key_id
        });
        if other {
            Found::Another
        } else {
            Found::Key(key)
        }
    }

    fn is_named(&self, key: &Key<'_>) -> bool {
        match (&key.certificate, self.id, self.key_id) {
            (Some(certificate), Some(id), _) => certificate.id() == id,
            (Some(certificate), None, Some(id)) => certificate.subject_key_id == Some(id),
            // Of a key whose certificate isn't known, what is shown of it must do.
            (None, _, Some(id)) => key.info.has_id(&hex::encode(id)),
            (None, Some((_, serial)), None) => key.info.has_id(&hex::encode(serial)),
            (_, None, None) => false,
        }
    }
}
