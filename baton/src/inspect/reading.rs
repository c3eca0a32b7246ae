//! Recognising what a file is, by all the formats there are: one may be several things at once.

use super::certificate::CertificateInfo;
use super::elf::ElfInfo;
use super::gate::GateImageInfo;
use super::handover::HandoverInfo;
use super::hashing::Hashing;
use super::manifest::ManifestInfo;
use super::multiboot2::Multiboot2Info;
use super::pe::PeInfo;
use super::report::{Parts, Report};
use super::sbat;
use super::signature::{self, SignatureInfo};
use super::uki::{ArgumentsInfo, UkiInfo};
use crate::arch::BzImageInfo;
use crate::digest;
use crate::input::certs;
use crate::input::p7s;
use crate::kind::{FileKind, Format};
use baton_formats::bzimage::BzImage;
use baton_formats::elf::Elf;
use baton_formats::gate_image::{GateInfo, GateInfoError};
use baton_formats::handover::Handover;
use baton_formats::manifest::Manifest;
use baton_formats::module_signature;
use baton_formats::multiboot2::Multiboot2;
use baton_formats::pe::Pe;
use baton_formats::uki::{Addon, Uki, UkiError};
use baton_verify::{Certificate, SignatureKind};

/// What has been found so far.
struct Reading {
    hashing: Hashing,
    parts: Parts,
    signatures: Vec<SignatureInfo>,
    problems: Vec<String>,
}

impl Report {
    /// Reads a file.
    #[must_use]
    pub fn of(file: &[u8], hashing: Hashing) -> Report {
        let mut reading = Reading {
            hashing,
            parts: Parts::default(),
            signatures: Vec::new(),
            problems: Vec::new(),
        };
        let kind = FileKind::of(file);
        reading.read(file, kind.format);
        Report {
            format: kind.format,
            kind: kind.name.into_owned(),
            role: kind.role,
            size: file.len() as u64,
            sha256: hashing.digest(file),
            problems: reading.problems,
            parts: reading.parts,
            signatures: reading.signatures,
        }
    }
}

impl Reading {
    fn read(&mut self, file: &[u8], format: Format) {
        match format {
            Format::Handover => self.handover(file),
            Format::Manifest => self.manifest(file),
            Format::Certificate | Format::Signature => self.certificate_or_signature(file),
            _ => {
                let image = self.without_appended(file);
                self.multiboot2(image);
                self.elf(image);
                self.bzimage(image);
                self.pe(image);
            }
        }
    }

    /// What a part says, or that it is malformed.
    fn noted<T, E: ToString>(&mut self, read: Result<T, E>) -> Option<T> {
        read.map_err(|e| self.problems.push(e.to_string())).ok()
    }

    fn handover(&mut self, file: &[u8]) {
        let handover = self.noted(Handover::parse(file));
        self.parts.handover = handover.map(|handover| HandoverInfo::of(&handover));
    }

    fn manifest(&mut self, file: &[u8]) {
        let manifest = self.noted(Manifest::parse(file));
        self.parts.manifest = manifest.map(|manifest| ManifestInfo::of(&manifest));
    }

    fn without_appended<'a>(&mut self, file: &'a [u8]) -> &'a [u8] {
        let Some(Some(appended)) = self.noted(module_signature::split(file)) else {
            return file;
        };
        self.signatures.push(signature::of_detached(
            SignatureKind::Appended,
            appended.signature,
            self.hashing.compared(&[appended.data]),
        ));
        appended.data
    }

    fn multiboot2(&mut self, file: &[u8]) {
        if Multiboot2::recognises(file) {
            let kernel = self.noted(Multiboot2::parse(file));
            self.parts.multiboot2 = kernel.map(|kernel| Multiboot2Info::of(&kernel));
        }
    }

    fn elf(&mut self, file: &[u8]) {
        if !Elf::recognises(file) {
            return;
        }
        let Some(elf) = self.noted(Elf::parse(file)) else {
            return;
        };
        if let (Some(der), Some(parts)) = (elf.signature(), elf.signed_parts()) {
            let parts: Vec<_> = parts.collect();
            let signature =
                signature::of_detached(SignatureKind::Note, der, self.hashing.compared(&parts));
            self.signatures.push(signature);
        }
        self.parts.elf = Some(ElfInfo::of(&elf, file, self.hashing));
    }

    fn bzimage(&mut self, file: &[u8]) {
        if BzImage::recognises(file) {
            let image = self.noted(BzImage::parse(file));
            self.parts.bzimage = image.map(|image| BzImageInfo::of(&image));
        }
    }

    fn pe(&mut self, file: &[u8]) {
        if !Pe::recognises(file) {
            return;
        }
        let Some(pe) = self.noted(Pe::parse(file)) else {
            return;
        };
        let signed = self.hashing.compared(pe.digest_parts());
        let digest = signed.map(digest::sha256);
        self.signatures.extend(signature::of_pe(&pe, digest));
        self.parts.pe = Some(PeInfo::of(&pe, digest, self.hashing));
        let sbat = pe.section(".sbat");
        self.parts.sbat = sbat.and_then(|section| {
            let noted = |problem| self.problems.push(format!("section .sbat: {problem}"));
            sbat::entries(section.data()).map_err(noted).ok()
        });
        self.uki_or_addon(&pe);
        self.gate(file);
    }

    fn uki_or_addon(&mut self, pe: &Pe<'_>) {
        if Uki::recognises(pe) {
            let uki = self.noted(Uki::parse(pe));
            self.parts.uki = uki.map(|uki| UkiInfo::of(&uki, self.hashing));
            return;
        }
        match Addon::parse(pe) {
            Err(UkiError::NotAnAddon) => {}
            addon => {
                let addon = self.noted(addon);
                self.parts.addon = addon.map(|addon| ArgumentsInfo::of_addon(&addon));
            }
        }
    }

    fn gate(&mut self, file: &[u8]) {
        match GateInfo::from_image(file) {
            Err(GateInfoError::Magic | GateInfoError::TooShort) => {}
            info => {
                let info = self.noted(info);
                let problems = &mut self.problems;
                self.parts.gate = info.map(|info| GateImageInfo::of(&info, file, problems));
            }
        }
    }

    fn certificate_or_signature(&mut self, file: &[u8]) {
        if let Some(der) = p7s::cms(file) {
            let signature = signature::of_detached(SignatureKind::Detached, &der, None);
            self.problems.extend(signature.problem.clone());
            self.signatures.push(signature);
        } else if let Ok(found) = certs::parse(file) {
            let certificates = found.iter().filter_map(|der| Certificate::parse(der).ok());
            let shown = certificates.map(|c| CertificateInfo::of(&c)).collect();
            self.parts.certificates = Some(shown);
        }
    }
}
