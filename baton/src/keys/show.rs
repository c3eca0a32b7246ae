//! `baton keys show`.

use super::args::ShowArgs;
use super::given;
use super::inventory::{CountsFor, Inventory, Place};
use crate::certificate::details::Details;
use crate::certificate::known::{self, Known};
use crate::certificate::usefulness::{Answer, Usefulness};
use crate::digest::sha256;
use crate::failure::Result;
use crate::machine::Keys;
use crate::output::json;
use crate::output::page::Page;
use baton_verify::{Certificate, Trust};
use serde::Serialize;
use std::fmt::Write;

/// A certificate, as it is shown.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct Shown {
    #[serde(flatten)]
    details: Details,
    /// Why its key is weak.
    weakness: Option<String>,
    /// What it may vouch for, by what it says.
    may_vouch_for: Usefulness,
    /// What it is called, if it is on most machines.
    known_as: Option<&'static str>,
    /// And what it is there for.
    meaning: Option<&'static str>,
    /// Where it stands on this machine; nowhere if it isn't enrolled.
    #[cfg_attr(test, schemars(with = "Vec<String>"))]
    places: Vec<Place>,
    /// Who accepts what it signed.
    counts_for: CountsFor,
    /// The list that revokes it.
    revoked_by: Option<&'static str>,
}

#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct Report {
    /// The certificates that were asked for.
    certificates: Vec<Shown>,
}

/// Shows the certificates of a file, or one that is listed.
///
/// # Errors
/// When there is no such certificate.
pub fn run(args: &ShowArgs) -> Result<()> {
    let (root, gate) = given::machine(&args.machine)?;
    let inventory = Inventory::read(&root, gate.as_ref().map(|(_, lists)| lists))?;
    let ders = match args.given.to_str().filter(|_| !args.given.exists()) {
        Some(id) if id.bytes().all(|it| it.is_ascii_hexdigit() || it == b':') => {
            let listed = given::by_id(id, &inventory)?;
            listed.der.iter().cloned().collect()
        }
        _ => given::certificates(&args.given)?,
    };
    let keys = Keys::read(&root)?;
    let refusing = keys.refuse_revoked(Trust::new())?;
    let certificates = ders.iter().filter_map(|der| Certificate::parse(der).ok());
    let report = Report {
        certificates: certificates
            .map(|certificate| Shown::of(&certificate, &inventory, &refusing))
            .collect(),
    };
    if args.json {
        json::print(&report);
        return Ok(());
    }
    let mut page = Page::default();
    for shown in &report.certificates {
        shown.print(&mut page);
    }
    crate::output::text::print(page.text());
    Ok(())
}

impl Shown {
    fn of(certificate: &Certificate<'_>, inventory: &Inventory, refusing: &Trust<'_>) -> Shown {
        let details = Details::of(certificate);
        let listed = inventory.find(certificate.as_bytes());
        let known: Option<&Known> = known::by_digest(&sha256([certificate.as_bytes()]));
        Shown {
            weakness: details.weakness(),
            details,
            may_vouch_for: Usefulness::of(certificate),
            known_as: known.map(|it| it.name),
            meaning: known.map(|it| it.meaning),
            places: listed.map(|it| it.places.clone()).unwrap_or_default(),
            counts_for: listed.map(|it| it.counts_for).unwrap_or(CountsFor {
                kernel: Some(false),
                ..CountsFor::default()
            }),
            revoked_by: listed
                .and_then(|it| it.revoked_by)
                .or_else(|| refusing.revokes(certificate)),
        }
    }

    fn print(&self, page: &mut Page) {
        let it = &self.details;
        page.heading(format!("\"{}\"", it.subject));
        page.field("subject", &it.subject_dn);
        page.field("issuer", &it.issuer_dn);
        page.field("serial", &it.serial);
        let time = |time: &Option<String>| time.clone().unwrap_or("?".to_owned());
        page.field(
            "valid",
            format!(
                "{} to {} (kernel, shim and gate judge no dates)",
                time(&it.not_before),
                time(&it.not_after)
            ),
        );
        page.field(
            "key",
            format!("{}{}", it.key, if it.ca { ", CA" } else { "" }),
        );
        page.optional("", it.key_problem.as_ref());
        page.optional("weak", self.weakness.as_ref());
        page.field("signed with", &it.signed_with);
        let usages = it.key_usage.iter().map(|it| (*it).to_owned());
        let usages: Vec<String> = usages
            .chain(it.extended_key_usage.iter().cloned())
            .collect();
        page.field(
            "usages",
            if usages.is_empty() {
                "any".to_owned()
            } else {
                usages.join(", ")
            },
        );
        page.field("key id", &it.key_id);
        page.field("SHA-1", &it.sha1);
        page.field("SHA-256", &it.sha256);
        page.field("key-sha256", format!("{} (in policies)", it.key_sha256));
        page.field("may vouch for", vouches(&self.may_vouch_for));
        page.optional("known as", self.known_as);
        page.optional("", self.meaning);
        page.field("on this machine", self.here());
    }

    fn here(&self) -> String {
        let mut words = String::new();
        if let Some(list) = self.revoked_by {
            let _ = write!(words, "revoked by {list}; ");
        }
        let places: Vec<String> = self.places.iter().map(Place::to_string).collect();
        if places.is_empty() {
            words.push_str("not enrolled");
        } else {
            let _ = write!(
                words,
                "in {}; counts for: {}",
                places.join(", "),
                self.counts_for
            );
        }
        words
    }
}

fn vouches(useful: &Usefulness) -> String {
    let all = [
        ("direct kexec", &useful.kernel),
        ("the gate", &useful.gate),
        ("shim", &useful.shim),
    ];
    let accepting: Vec<&str> = all
        .iter()
        .filter(|(_, answer)| answer.accepts())
        .map(|(who, _)| *who)
        .collect();
    let mut words = match &accepting[..] {
        [] => "nothing".to_owned(),
        accepting => accepting.join(", "),
    };
    let mut told: Vec<&str> = Vec::new();
    for (who, answer) in all {
        if let Answer::Refuses(why) = answer {
            if accepting.is_empty() {
                if !told.contains(&&why[..]) {
                    let _ = write!(words, "; {why}");
                }
            } else {
                let _ = write!(words, "; not for {who}: {why}");
            }
            told.push(why);
        }
    }
    words
}
