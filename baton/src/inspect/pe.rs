//! PE images of any purpose.

use super::hashing::Hashing;
use crate::arch::names;
use crate::output::page::Page;
use baton_formats::pe::{Pe, Section};
use baton_sys::hex;
use serde::Serialize;

/// What is in a PE image.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct PeInfo {
    /// What it runs on.
    pub machine: String,
    /// How many bytes signatures are about: all before them.
    pub signed_length: usize,
    /// The SHA-256 that Authenticode signs, in hexadecimal.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub authenticode_sha256: Option<String>,
    /// What it says it is to boot loaders (`.sdmagic`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub loader: Option<String>,
    /// Its sections, in the order of their table.
    pub sections: Vec<SectionInfo>,
}

/// A section.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct SectionInfo {
    /// Its name.
    pub name: String,
    /// Where its data begins in the file.
    pub offset: u32,
    /// The length of its data in bytes, without padding.
    pub size: usize,
    /// Where it lies in memory, from the image's base.
    pub virtual_address: u32,
    /// How many bytes it takes in memory.
    pub virtual_size: u32,
    /// Of its data, without padding, in hexadecimal; if digests are asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sha256: Option<String>,
}

impl PeInfo {
    /// Reads it; `digest` is what Authenticode signs, if that was hashed.
    #[must_use]
    pub fn of(pe: &Pe<'_>, digest: Option<[u8; 32]>, hashing: Hashing) -> PeInfo {
        PeInfo {
            machine: machine(pe.machine()),
            signed_length: pe.signed_len(),
            authenticode_sha256: digest.map(hex::encode),
            loader: pe
                .section(".sdmagic")
                .map(|section| loader(&text(section.data()))),
            sections: pe
                .sections()
                .map(|section| SectionInfo::of(&section, hashing))
                .collect(),
        }
    }

    /// Prints its fields.
    pub fn show(&self, page: &mut Page) {
        page.optional("authenticode", self.authenticode_sha256.as_ref());
        page.field("machine", &self.machine);
        page.optional("loader", self.loader.as_ref());
    }

    /// Prints its sections.
    pub fn show_sections(&self, page: &mut Page) {
        page.heading("sections");
        let row = |section: &SectionInfo| {
            let mut row = vec![
                section.name.clone(),
                format!("{:#x}", section.offset),
                section.size.to_string(),
            ];
            row.extend(section.sha256.clone());
            row
        };
        let rows: Vec<_> = self.sections.iter().map(row).collect();
        page.table(&["name", "offset", "size", "sha256"], &rows);
    }
}

impl SectionInfo {
    fn of(section: &Section<'_>, hashing: Hashing) -> SectionInfo {
        SectionInfo {
            name: text(&section.name),
            offset: section.raw_offset,
            size: section.data().len(),
            virtual_address: section.virtual_address,
            virtual_size: section.virtual_size,
            sha256: hashing.digest(section.data()),
        }
    }
}

fn machine(number: u16) -> String {
    names::of_pe(number).map_or_else(|| format!("{number:#06x}"), str::to_owned)
}

/// What systemd's loader and stub say between "#### LoaderInfo: " and " ####" (src/boot/efi in
/// systemd).
fn loader(magic: &str) -> String {
    let inner = magic.trim_matches(['#', ' ']);
    inner
        .strip_prefix("LoaderInfo: ")
        .unwrap_or(inner)
        .to_owned()
}

fn text(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    text.trim_end_matches(['\0', '\n', ' ']).to_owned()
}
