//! PE images of any purpose.

use super::sha256;
use crate::arch::names;
use crate::digest;
use crate::output::page::Page;
use baton_formats::pe::{Pe, Section};
use baton_sys::hex;
use serde::Serialize;

/// What is in a PE image.
#[derive(Debug, Serialize)]
pub struct PeInfo {
    /// What it runs on.
    pub machine: String,
    /// How many bytes signatures are about: all before them.
    pub signed_length: usize,
    /// The SHA-256 that Authenticode signs, in hexadecimal.
    pub authenticode_sha256: String,
    /// What it says it is to boot loaders (`.sdmagic`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub loader: Option<String>,
    /// Its sections, in the order of their table.
    pub sections: Vec<SectionInfo>,
}

/// A section.
#[derive(Debug, Serialize)]
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
    /// Of its data, without padding, in hexadecimal.
    pub sha256: String,
}

impl PeInfo {
    /// Reads it.
    #[must_use]
    pub fn of(pe: &Pe<'_>) -> PeInfo {
        PeInfo {
            machine: names::word_of_pe(pe.machine()),
            signed_length: pe.signed_len(),
            authenticode_sha256: hex::encode(digest::sha256(pe.digest_parts())),
            loader: pe
                .section(".sdmagic")
                .map(|section| loader(&text(section.data()))),
            sections: pe
                .sections()
                .map(|section| SectionInfo::of(&section))
                .collect(),
        }
    }

    /// Prints its fields.
    pub fn show(&self, page: &mut Page) {
        page.field("authenticode", &self.authenticode_sha256);
        page.field("machine", &self.machine);
        page.optional("loader", self.loader.as_ref());
    }

    /// Prints its sections.
    pub fn show_sections(&self, page: &mut Page) {
        page.heading("sections");
        let row = |section: &SectionInfo| {
            vec![
                section.name.clone(),
                format!("{:#x}", section.offset),
                section.size.to_string(),
                section.sha256.clone(),
            ]
        };
        let rows: Vec<_> = self.sections.iter().map(row).collect();
        page.table(&["name", "offset", "size", "sha256"], &rows);
    }
}

impl SectionInfo {
    fn of(section: &Section<'_>) -> SectionInfo {
        SectionInfo {
            name: text(&section.name),
            offset: section.raw_offset,
            size: section.data().len(),
            virtual_address: section.virtual_address,
            virtual_size: section.virtual_size,
            sha256: sha256(section.data()),
        }
    }
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
