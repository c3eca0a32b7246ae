//! What a certificate says.

use super::sha256;
use crate::certificate::key_kind::KeyKind;
use crate::input::certs;
use crate::output::page::Page;
use baton_sys::hex;
use baton_verify::Certificate;
use serde::Serialize;

/// A certificate, as far as it is shown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct CertificateInfo {
    /// What its subject is known by.
    pub subject: String,
    /// What its issuer is known by.
    pub issuer: String,
    /// Its serial number, in hexadecimal.
    pub serial: String,
    /// Its key's identifier, in hexadecimal.
    pub key_id: String,
    /// Kind and size of its key.
    #[cfg_attr(test, schemars(with = "String"))]
    pub key: KeyKind,
    /// Why the key vouches for nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key_problem: Option<String>,
    /// It says that it is a CA's.
    pub ca: bool,
    /// Of the whole certificate, in hexadecimal.
    pub sha256: String,
}

impl CertificateInfo {
    /// Reads it.
    #[must_use]
    pub fn of(certificate: &Certificate<'_>) -> CertificateInfo {
        CertificateInfo {
            subject: certificate.subject_name(),
            issuer: certificate.issuer_name(),
            serial: hex::encode(certificate.serial()),
            key_id: certificate.key_id().to_string(),
            key: KeyKind::of(certificate),
            key_problem: certs::unusable(certificate),
            ca: certificate.is_ca(),
            sha256: sha256(certificate.as_bytes()),
        }
    }

    /// Two lines, the first of them labelled.
    pub fn show(&self, page: &mut Page, label: &str) {
        let ca = if self.ca { ", CA" } else { "" };
        page.field(
            label,
            format!(
                "\"{}\" by \"{}\", {}{ca}",
                self.subject, self.issuer, self.key
            ),
        );
        page.field(
            "",
            format!("key id {}, serial {}", self.key_id, self.serial),
        );
        page.optional("", self.key_problem.as_ref());
    }
}
