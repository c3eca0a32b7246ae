//! The gate: what was built into it.

use super::certificate::CertificateInfo;
use super::policy::PolicyInfo;
use crate::input::revocations::Count;
use crate::output::page::Page;
use baton_formats::gate_image::{Format, GateInfo};
use baton_formats::policy::Policy;
use baton_formats::reader::is_zero;
use baton_sys::hex;
use baton_verify::Trust;
use serde::Serialize;

/// A gate image.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct GateImageInfo {
    /// What tells it apart from other gates, in hexadecimal; `None` in a stub.
    pub identity: Option<String>,
    /// The length of its stub, in bytes.
    pub stub_length: u32,
    /// The most bytes that the signed file may have.
    pub limit: u32,
    /// The kernel formats that it was built without.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub built_without: Vec<String>,
    /// Whom it trusts, besides the machine's MOK list.
    pub certificates: Vec<CertificateInfo>,
    /// What it revokes, besides what the machine does.
    pub revokes: Option<Count>,
    /// What it accepts, and what it does when it refuses.
    pub policy: Option<PolicyInfo>,
}

impl GateImageInfo {
    /// Reads it; what can't be read becomes a problem.
    pub fn of(info: &GateInfo, file: &[u8], problems: &mut Vec<String>) -> GateImageInfo {
        GateImageInfo {
            identity: (!is_zero(&info.identity)).then(|| hex::encode(info.identity)),
            stub_length: info.stub_len,
            limit: info.limit,
            built_without: Format::ALL
                .into_iter()
                .filter(|format| format.isa().is_none_or(|isa| isa == info.formats.isa()))
                .filter(|format| !info.formats.has(*format))
                .map(|format| format.to_string())
                .collect(),
            certificates: noted(certificates(info, file), problems).unwrap_or_default(),
            revokes: noted(revokes(info, file), problems),
            policy: noted(policy(info, file), problems),
        }
    }

    /// Prints it under its heading.
    pub fn show(&self, page: &mut Page) {
        page.heading("gate");
        page.optional("identity", self.identity.as_ref());
        page.field("stub", format!("{} bytes", self.stub_length));
        page.field("limit", format!("{} bytes, signed", self.limit));
        if !self.built_without.is_empty() {
            page.field("without", self.built_without.join(", "));
        }
        if let Some(policy) = &self.policy {
            policy.show(page);
        }
        for (index, certificate) in self.certificates.iter().enumerate() {
            certificate.show(page, if index == 0 { "trusts" } else { "" });
        }
        if self.certificates.is_empty() {
            page.field("trusts", "the machine's MOK list alone");
        }
        page.optional("revokes", self.revokes.as_ref());
    }
}

fn noted<T>(read: Result<T, String>, problems: &mut Vec<String>) -> Option<T> {
    read.map_err(|problem| problems.push(problem)).ok()
}

fn certificates(info: &GateInfo, file: &[u8]) -> Result<Vec<CertificateInfo>, String> {
    let keys = info.keys(file).map_err(|e| e.to_string())?;
    let trust = Trust::new().add_keys(keys).map_err(|e| e.to_string())?;
    let anchors = trust.anchors();
    Ok(anchors
        .map(|anchor| CertificateInfo::of(&anchor.certificate))
        .collect())
}

fn revokes(info: &GateInfo, file: &[u8]) -> Result<Count, String> {
    let lists = info.dbx(file).map_err(|e| e.to_string())?;
    Count::of(lists).map_err(|e| format!(".dbx: {e}"))
}

fn policy(info: &GateInfo, file: &[u8]) -> Result<PolicyInfo, String> {
    let policy = match info.policy(file).map_err(|e| e.to_string())? {
        [] => Policy::stock(),
        bytes => Policy::parse(bytes).map_err(|e| e.to_string())?,
    };
    Ok(PolicyInfo::of(&policy))
}
