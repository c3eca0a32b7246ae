//! Whom a machine trusts, where each certificate stands, and what it counts for.

use crate::certificate::details::Details;
use crate::certificate::known::{self, Known};
use crate::certificate::usefulness::Usefulness;
use crate::failure::Result;
use crate::input::revocations::Count;
use crate::machine::Keys;
use crate::verdict::kernel;
use crate::verdict::own::OwnLists;
use baton_formats::siglist::{SignatureLists, SignatureType};
use baton_sys::keyring::KeyInfo;
use baton_sys::{Root, mok};
use baton_verify::{AnchorSource, Certificate, Trust};
use serde::{Serialize, Serializer};
use std::fmt;

/// Where a certificate stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// The firmware's `db`.
    Db,
    /// MokListRT, shim's list.
    MokList,
    /// `MokNew`: to be confirmed at the next boot.
    Requested,
    /// One of the kernel's keyrings.
    Keyring(String),
    /// The gate's `.keys`.
    Gate,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Place::Db => f.write_str("db"),
            Place::MokList => f.write_str("MokListRT"),
            Place::Requested => f.write_str("MokNew (requested)"),
            Place::Keyring(name) => f.write_str(name),
            Place::Gate => f.write_str(".keys of the gate"),
        }
    }
}

impl Serialize for Place {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        serializer.serialize_str(match self {
            Place::Db => "db",
            Place::MokList => "MokListRT",
            Place::Requested => "MokNew",
            Place::Keyring(name) => name,
            Place::Gate => "gate",
        })
    }
}

/// Who accepts what a key signed, of those who verify.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct CountsFor {
    /// The running kernel, of what is started by direct kexec; `None` where its keyrings can't be read.
    pub kernel: Option<bool>,
    /// The gate that was looked into, or any other that has no keys of its own.
    pub gate: bool,
    /// shim and the firmware, of what is started at boot.
    pub shim: bool,
}

impl fmt::Display for CountsFor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let all = [
            (self.kernel == Some(true), "kernel"),
            (self.gate, "gate"),
            (self.shim, "shim"),
            (self.kernel.is_none(), "kernel not known"),
        ];
        let words: Vec<&str> = all
            .iter()
            .filter(|(is, _)| *is)
            .map(|(_, word)| *word)
            .collect();
        f.write_str(if words.is_empty() { "nothing" } else { "" })?;
        f.write_str(&words.join(", "))
    }
}

/// A certificate that stands somewhere.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Listed {
    /// What its subject is known by.
    pub name: String,
    /// The identifier of its key, in hexadecimal.
    pub id: String,
    /// Where it stands.
    #[cfg_attr(test, schemars(with = "Vec<String>"))]
    pub places: Vec<Place>,
    /// What it counts for.
    pub counts_for: CountsFor,
    /// The list that revokes it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub revoked_by: Option<&'static str>,
    /// What it says; `None` of a key in a keyring whose certificate is in no list, since the kernel shows none.
    pub certificate: Option<Details>,
    /// The certificate itself.
    #[serde(skip)]
    pub der: Option<Vec<u8>>,
    /// If it is on most machines: whose, and what it means.
    #[serde(skip)]
    pub known: Option<&'static Known>,
}

/// A list of what is refused.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct RefusedBy {
    /// What the list is called.
    pub list: &'static str,
    /// What is in it; `None` of a list that is malformed.
    pub entries: Option<Count>,
    /// The names of the certificates in it.
    pub certificates: Vec<String>,
}

/// All that a machine trusts and refuses.
#[derive(Debug, Clone, Default)]
pub struct Inventory {
    /// Who is trusted.
    pub trusted: Vec<Listed>,
    /// What is refused, list by list.
    pub refused: Vec<RefusedBy>,
    /// Whether all keyrings could be read.
    pub keyrings_readable: bool,
    /// shim started the machine, and left its list.
    pub shim: bool,
    /// The kernel was told to trust MOKs for its own keyring (`MokListTrustedRT`).
    pub mok_trusted: bool,
    /// What shim left is passed on to the next kernel, and so to the gate.
    pub passed_on: bool,
    /// Lists of trusted certificates that are malformed.
    pub malformed: Vec<&'static str>,
}

impl Inventory {
    /// Reads what a machine trusts, with this gate.
    ///
    /// # Errors
    /// When something that is there can't be read.
    pub fn read(root: &Root, gate: Option<&OwnLists>) -> Result<Inventory> {
        let keys = Keys::read(root)?;
        let requested = mok::requested(root)?.unwrap_or_default();
        Ok(Inventory::of(&keys, &requested, gate))
    }

    /// Puts together what stands in these lists.
    #[must_use]
    pub fn of(keys: &Keys, requested: &[u8], gate: Option<&OwnLists>) -> Inventory {
        let mok = &keys.mok;
        let mut inventory = Inventory {
            keyrings_readable: keys.keyrings.complete,
            shim: mok.list.is_some(),
            mok_trusted: mok.trusted,
            passed_on: mok.passed_on,
            ..Inventory::default()
        };
        let mok_list = mok.list.as_deref().unwrap_or_default();
        for (place, list, name) in [
            (Place::MokList, mok_list, "MokListRT"),
            (Place::Requested, requested, "MokNew"),
            (Place::Db, &keys.db[..], "db"),
        ] {
            match certificates(list) {
                Some(found) => found.iter().for_each(|der| inventory.add(der, &place)),
                None => inventory.malformed.push(name),
            }
        }
        if let Some(gate) = gate {
            inventory.add_gate(gate);
        }
        for key in &keys.keyrings.trusted {
            inventory.add_key(key);
        }
        inventory.judge(keys);
        inventory.add_refused(keys, gate);
        inventory
    }

    fn add(&mut self, der: &[u8], place: &Place) {
        let known = self
            .trusted
            .iter_mut()
            .find(|it| it.der.as_deref() == Some(der));
        if let Some(listed) = known {
            listed.places.push(place.clone());
            return;
        }
        let Ok(certificate) = Certificate::parse(der) else {
            return;
        };
        self.trusted.push(Listed {
            name: certificate.subject_name(),
            id: certificate.key_id().to_string(),
            places: vec![place.clone()],
            counts_for: CountsFor::default(),
            revoked_by: None,
            certificate: Some(Details::of(&certificate)),
            known: known::by_digest(&crate::digest::sha256([der])),
            der: Some(der.to_vec()),
        });
    }

    /// Its certificates have been read before, so that they make trust.
    fn add_gate(&mut self, gate: &OwnLists) {
        let Ok(trust) = Trust::of(&gate.lists()) else {
            self.malformed.push(".keys of the gate");
            return;
        };
        let own = trust
            .anchors()
            .filter(|it| it.source == AnchorSource::GateKeys);
        for anchor in own {
            self.add(anchor.certificate.as_bytes(), &Place::Gate);
        }
    }

    fn add_key(&mut self, key: &KeyInfo) {
        let place = Place::Keyring(key.keyring.clone());
        let mut is_known = false;
        for listed in &mut self.trusted {
            let is_it = match &listed.der {
                Some(der) => Certificate::parse(der).is_ok_and(|it| kernel::is_of(key, &it)),
                None => listed.id == key.id,
            };
            if is_it {
                listed.places.push(place.clone());
                is_known = true;
            }
        }
        if !is_known {
            self.trusted.push(Listed {
                name: key.name.clone(),
                id: key.id.clone(),
                places: vec![place],
                counts_for: CountsFor::default(),
                revoked_by: None,
                certificate: None,
                der: None,
                known: None,
            });
        }
    }

    /// What each counts for.
    fn judge(&mut self, keys: &Keys) {
        let refusing = keys.refuse_revoked(Trust::new()).unwrap_or_default();
        for listed in &mut self.trusted {
            let parsed = listed
                .der
                .as_deref()
                .and_then(|it| Certificate::parse(it).ok());
            let has = |place: &Place| listed.places.contains(place);
            let in_keyring = listed
                .places
                .iter()
                .any(|it| matches!(it, Place::Keyring(_)));
            let Some(certificate) = parsed else {
                listed.counts_for.kernel = Some(true);
                continue;
            };
            listed.revoked_by = refusing.revokes(&certificate).or_else(|| {
                kernel::is_blacklisted(&certificate, &keys.keyrings).then_some(".blacklist")
            });
            let useful = Usefulness::of(&certificate);
            let valid = listed.revoked_by.is_none();
            listed.counts_for = CountsFor {
                kernel: match (in_keyring, keys.keyrings.complete) {
                    (false, false) if valid && useful.kernel.accepts() => None,
                    _ => Some(in_keyring && valid && useful.kernel.accepts()),
                },
                gate: (has(&Place::Gate) || (has(&Place::MokList) && keys.mok.passed_on))
                    && valid
                    && useful.gate.accepts(),
                shim: (has(&Place::Db) || has(&Place::MokList)) && valid && useful.shim.accepts(),
            };
        }
    }

    fn add_refused(&mut self, keys: &Keys, gate: Option<&OwnLists>) {
        let of = |list: &Option<Vec<u8>>| list.clone().unwrap_or_default();
        let gate_lists = gate
            .map(|gate| gate.revocations.clone())
            .unwrap_or_default();
        // The variable, or shim's copy of it.
        let dbx = if keys.dbx.is_empty() {
            of(&keys.mok.dbx)
        } else {
            keys.dbx.clone()
        };
        for (list, bytes) in [
            ("dbx", dbx),
            ("MokListXRT", of(&keys.mok.revoked)),
            (".dbx of the gate", gate_lists),
        ] {
            if bytes.is_empty() {
                continue;
            }
            let ders = certificates(&bytes).unwrap_or_default();
            let names = ders
                .iter()
                .filter_map(|der| Some(Certificate::parse(der).ok()?.subject_name()));
            self.refused.push(RefusedBy {
                list,
                entries: Count::of(&bytes).ok(),
                certificates: names.collect(),
            });
        }
        let blacklist = &keys.keyrings.blacklist;
        if !blacklist.is_empty() {
            let begins = |with: &str| blacklist.iter().filter(|it| it.starts_with(with)).count();
            self.refused.push(RefusedBy {
                list: ".blacklist",
                entries: Some(Count {
                    certificate_digests: begins("tbs:"),
                    image_digests: begins("bin:"),
                    ..Count::default()
                }),
                certificates: Vec::new(),
            });
        }
    }

    /// Those that stand at a place.
    pub fn at(&self, place: &Place) -> impl Iterator<Item = &Listed> {
        let place = place.clone();
        self.trusted
            .iter()
            .filter(move |it| it.places.contains(&place))
    }

    /// The entry of this very certificate.
    #[must_use]
    pub fn find(&self, der: &[u8]) -> Option<&Listed> {
        self.trusted
            .iter()
            .find(|it| it.der.as_deref() == Some(der))
    }
}

impl Listed {
    /// Where it stands, in words.
    #[must_use]
    pub fn places(&self) -> String {
        let places: Vec<String> = self.places.iter().map(Place::to_string).collect();
        places.join(", ")
    }

    /// Whether this is the beginning of an identifier of it: of its key, or a digest of it.
    #[must_use]
    pub fn is_called(&self, beginning: &str) -> bool {
        let beginning = beginning.to_ascii_lowercase().replace(':', "");
        let digests = self
            .certificate
            .iter()
            .flat_map(|it| [&it.sha256, &it.sha1]);
        let mut ids = std::iter::once(&self.id).chain(digests);
        !beginning.is_empty() && ids.any(|id| id.starts_with(&beginning))
    }
}

/// The certificates in EFI signature lists; `None` if these are malformed.
#[must_use]
pub fn certificates(lists: &[u8]) -> Option<Vec<Vec<u8>>> {
    let mut found = Vec::new();
    for list in SignatureLists::new(lists) {
        let entries = list.ok()?;
        let entries = entries
            .signatures()
            .filter(|it| it.kind == SignatureType::X509);
        found.extend(entries.map(|it| it.data.to_vec()));
    }
    Some(found)
}

/// A digest or identifier as it is shown in a table: its first 8 digits.
#[must_use]
pub fn short(id: &str) -> String {
    id.chars().take(8).collect()
}
