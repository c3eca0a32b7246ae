//! Manifests.

use crate::output::page::Page;
use baton_formats::manifest::{CommandLine, Entry, Manifest};
use baton_sys::hex;
use serde::Serialize;

/// What a manifest lists.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct ManifestInfo {
    /// What people call it.
    pub name: Option<String>,
    /// The kernel.
    pub kernel: Option<EntryInfo>,
    /// The initrds, in the order of unpacking.
    pub initrds: Vec<EntryInfo>,
    /// The command line must be exactly this.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cmdline: Option<String>,
    /// The command line must begin with this.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cmdline_prefix: Option<String>,
}

/// A file.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct EntryInfo {
    /// Its digest, in hexadecimal.
    pub sha256: String,
    /// Its length in bytes.
    pub size: u64,
}

impl From<Entry> for EntryInfo {
    fn from(entry: Entry) -> EntryInfo {
        EntryInfo {
            sha256: hex::encode(entry.digest),
            size: entry.length,
        }
    }
}

impl ManifestInfo {
    /// Reads it.
    #[must_use]
    pub fn of(manifest: &Manifest<'_>) -> ManifestInfo {
        let (exact, prefix) = match manifest.command_line() {
            Some(CommandLine::Exact(text)) => (Some(text), None),
            Some(CommandLine::Prefix(text)) => (None, Some(text)),
            None => (None, None),
        };
        ManifestInfo {
            name: manifest.name().map(str::to_owned),
            kernel: manifest.kernel().map(EntryInfo::from),
            initrds: manifest.initrds().map(EntryInfo::from).collect(),
            cmdline: exact.map(str::to_owned),
            cmdline_prefix: prefix.map(str::to_owned),
        }
    }

    /// Prints it under its heading.
    pub fn show(&self, page: &mut Page) {
        page.heading("lists");
        page.optional("name", self.name.as_ref());
        let kernel = self.kernel.iter().map(|entry| ("kernel", entry));
        let initrds = self.initrds.iter().map(|entry| ("initrd", entry));
        for (label, entry) in kernel.chain(initrds) {
            page.field(label, format!("{} {} bytes", entry.sha256, entry.size));
        }
        page.optional("cmdline", self.cmdline.as_ref());
        page.optional("cmdline begins", self.cmdline_prefix.as_ref());
    }
}
