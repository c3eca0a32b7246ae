//! Handovers that were saved: what the gate would be given.

use super::brief::Brief;
use super::hashing::Hashing;
use super::sha256;
use crate::digest;
use crate::output::page::Page;
use baton_formats::elf::Elf;
use baton_formats::handover::{Handover, Record, RecordKind};
use baton_formats::module_signature;
use baton_sys::hex;
use baton_verify::SignatureKind;
use serde::Serialize;

/// A handover.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct HandoverInfo {
    /// It is meant for a crash.
    pub crash: bool,
    /// The profile to boot of the UKI that the kernel is.
    pub profile: u32,
    /// In the order of their table.
    pub records: Vec<RecordInfo>,
}

/// A record.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct RecordInfo {
    /// Its number in the table, from 0.
    pub number: usize,
    /// `kernel`, `initrd`, `manifest`, `signature` or the like.
    pub kind: String,
    /// Where its bytes begin.
    pub offset: u64,
    /// Their length.
    pub size: usize,
    /// Their SHA-256, in hexadecimal.
    pub sha256: String,
    /// The digest that it is to be judged by, in hexadecimal.
    pub digest: String,
    /// What that digest is of: `bytes`, or the word of the [`SignatureKind`] that signs it; `None`: of nothing
    /// here, so that the record is refused.
    pub digest_of: Option<&'static str>,
    /// Of a signature: the number of the record that it is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subject: Option<usize>,
    /// What it is.
    pub image: Brief,
}

impl HandoverInfo {
    /// Reads it.
    #[must_use]
    pub fn of(handover: &Handover<'_>) -> HandoverInfo {
        HandoverInfo {
            crash: handover.is_crash(),
            profile: handover.profile(),
            records: handover.records().map(|r| RecordInfo::of(&r)).collect(),
        }
    }

    /// Prints each record.
    pub fn show(&self, page: &mut Page) {
        page.field(
            "meant for",
            if self.crash { "a crash" } else { "baton exec" },
        );
        if self.profile != 0 {
            page.field("profile", self.profile);
        }
        for record in &self.records {
            record.show(page);
        }
    }
}

impl RecordInfo {
    fn of(record: &Record<'_>) -> RecordInfo {
        RecordInfo {
            number: record.index,
            kind: format!("{:?}", record.kind).to_lowercase(),
            offset: record.offset,
            size: record.bytes.len(),
            sha256: sha256(record.bytes),
            digest: hex::encode(record.digest),
            digest_of: digest_of(record),
            subject: record.subject(),
            image: Brief::of(record.bytes, Hashing::Nothing),
        }
    }

    fn show(&self, page: &mut Page) {
        let about = self.subject.map(|n| format!(" of record {n}"));
        let about = about.unwrap_or_default();
        page.heading(format!("record {}: {}{about}", self.number, self.kind));
        page.field("holds", &self.image);
        page.field("at", format!("{:#x}, {} bytes", self.offset, self.size));
        page.field("sha256", &self.sha256);
        if self.digest != self.sha256 {
            page.field("digest", &self.digest);
            page.field("", self.digest_of.unwrap_or("is of nothing here: refused"));
        }
    }
}

/// Each way of vouching has its own digest (`baton_formats::handover`).
fn digest_of(record: &Record<'_>) -> Option<&'static str> {
    let bytes = record.bytes;
    if is(record, &[bytes]) {
        return Some("bytes");
    }
    if record.kind == RecordKind::Initrd {
        return None;
    }
    if digest::image_digest(bytes) == Some(record.digest) {
        return Some(SignatureKind::Authenticode.code());
    }
    if let Ok(Some(appended)) = module_signature::split(bytes)
        && is(record, &[appended.data])
    {
        return Some(SignatureKind::Appended.code());
    }
    let elf = Elf::parse(bytes).ok()?;
    let parts: Vec<_> = elf.signed_parts()?.collect();
    is(record, &parts).then_some(SignatureKind::Note.code())
}

fn is(record: &Record<'_>, parts: &[&[u8]]) -> bool {
    digest::sha256(parts.iter().copied()) == record.digest
}
