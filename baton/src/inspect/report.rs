//! Everything that can be said of a file.

use super::certificate::CertificateInfo;
use super::elf::ElfInfo;
use super::gate::GateImageInfo;
use super::handover::HandoverInfo;
use super::manifest::ManifestInfo;
use super::multiboot2::Multiboot2Info;
use super::pe::PeInfo;
use super::sbat::{self, SbatEntry};
use super::signature::SignatureInfo;
use super::uki::{ArgumentsInfo, UkiInfo};
use crate::arch::BzImageInfo;
use crate::kind::{Format, Role};
use crate::output::page::Page;
use serde::Serialize;

/// What there is to say of a file. Digests are in hexadecimal.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Report {
    /// What it is.
    pub format: Format,
    /// What it is, in words for people and more exactly.
    pub kind: String,
    /// What it is good for here.
    #[serde(skip)]
    pub role: Role,
    /// Its length in bytes.
    pub size: u64,
    /// The SHA-256 of the whole file, if digests are asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sha256: Option<String>,
    /// What is malformed.
    pub problems: Vec<String>,
    /// What it holds.
    #[serde(flatten)]
    pub parts: Parts,
    /// Who signed it, as they say.
    pub signatures: Vec<SignatureInfo>,
}

/// What a file holds, by format: several may apply.
#[derive(Debug, Default, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[allow(missing_docs)] // the types say it
pub struct Parts {
    /// As a PE image.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pe: Option<PeInfo>,
    /// As a Linux kernel in a bzImage.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bzimage: Option<BzImageInfo>,
    /// As a UKI.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub uki: Option<UkiInfo>,
    /// As an addon of a UKI.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub addon: Option<ArgumentsInfo>,
    /// As a gate.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gate: Option<GateImageInfo>,
    /// As an ELF file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub elf: Option<ElfInfo>,
    /// As a multiboot2 kernel.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub multiboot2: Option<Multiboot2Info>,
    /// As a handover.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub handover: Option<HandoverInfo>,
    /// As a manifest.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub manifest: Option<ManifestInfo>,
    /// The certificates in it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub certificates: Option<Vec<CertificateInfo>>,
    /// Its SBAT metadata.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sbat: Option<Vec<SbatEntry>>,
}

impl Report {
    /// Whether there is more to say than that something is wrong.
    #[must_use]
    pub fn says_something(&self) -> bool {
        let parts = &self.parts;
        let pe = parts.pe.is_some() || parts.bzimage.is_some();
        let kernel = parts.elf.is_some() || parts.multiboot2.is_some();
        let other = parts.handover.is_some() || parts.manifest.is_some();
        pe || kernel
            || other
            || parts.certificates.is_some()
            || self.signatures.iter().any(|s| s.problem.is_none())
    }

    /// The kernel's release and build, if it is one that says so.
    #[must_use]
    pub fn kernel_version(&self) -> Option<&str> {
        let parts = &self.parts;
        let bzimage = parts
            .bzimage
            .as_ref()
            .and_then(|b| b.kernel_version.as_deref());
        let elf = || parts.elf.as_ref()?.linux_version.as_deref();
        let uki = || {
            parts
                .uki
                .as_ref()?
                .profiles
                .first()?
                .kernel
                .kernel_version
                .as_deref()
        };
        bzimage.or_else(elf).or_else(uki)
    }

    /// Prints it for people.
    pub fn show(&self, page: &mut Page, name: &str) {
        page.heading(format!("{name}: {}", self.kind));
        self.show_summary(page);
        let parts = &self.parts;
        shown(parts.manifest.as_ref(), page, ManifestInfo::show);
        shown(parts.uki.as_ref(), page, UkiInfo::show);
        if let Some(addon) = &parts.addon {
            page.heading("adds");
            addon.show(page);
        }
        shown(parts.gate.as_ref(), page, GateImageInfo::show);
        shown(parts.bzimage.as_ref(), page, BzImageInfo::show);
        shown(parts.elf.as_ref(), page, ElfInfo::show);
        shown(parts.multiboot2.as_ref(), page, Multiboot2Info::show);
        shown(parts.pe.as_ref(), page, PeInfo::show_sections);
        if let Some(sbat) = &parts.sbat {
            sbat::show(sbat, page);
        }
        for certificate in parts.certificates.iter().flatten() {
            page.heading("certificate");
            certificate.show(page, "subject");
        }
        for (number, signature) in (1..).zip(&self.signatures) {
            signature.show(page, number);
        }
    }

    fn show_summary(&self, page: &mut Page) {
        page.optional("version", self.kernel_version());
        page.field("size", format!("{} bytes", self.size));
        page.optional("sha256", self.sha256.as_ref());
        shown(self.parts.pe.as_ref(), page, PeInfo::show);
        for problem in &self.problems {
            page.field("problem", problem);
        }
        if self.format.can_be_signed() {
            page.field("signed by", self.signers());
        }
        shown(self.parts.handover.as_ref(), page, HandoverInfo::show);
    }

    fn signers(&self) -> String {
        let signers = self.signatures.iter().map(|signature| {
            let signer = signature.signer.as_deref();
            format!("{} ({})", signer.unwrap_or("?"), signature.signature_kind)
        });
        let signers: Vec<_> = signers.collect();
        if signers.is_empty() {
            "nobody".into()
        } else {
            signers.join(", ")
        }
    }
}

fn shown<T>(part: Option<&T>, page: &mut Page, show: impl Fn(&T, &mut Page)) {
    if let Some(part) = part {
        show(part, page);
    }
}
