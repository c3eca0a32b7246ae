//! An image inside another one, in a line.

use super::hashing::Hashing;
use super::report::Report;
use serde::Serialize;
use std::fmt;

/// What an image inside another one is.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Brief {
    /// The word for its format, as in a whole report.
    pub format: &'static str,
    /// Its length in bytes.
    pub size: u64,
    /// Its SHA-256, in hexadecimal, if digests are asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sha256: Option<String>,
    /// The kernel's release and build.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kernel_version: Option<String>,
    /// Whose signatures it claims to have; an unreadable one is none.
    pub signers: Vec<String>,
    /// What is wrong with it.
    pub problems: Vec<String>,
    #[serde(skip)]
    kind: String,
}

impl Brief {
    /// Looks at it. No signature is compared with anything.
    #[must_use]
    pub fn of(bytes: &[u8], hashing: Hashing) -> Brief {
        let report = Report::of(bytes, Hashing::Nothing);
        let signatures = report.signatures.iter();
        Brief {
            format: report.format.word(),
            size: report.size,
            kernel_version: report.kernel_version().map(str::to_owned),
            signers: signatures.filter_map(|s| s.signer.clone()).collect(),
            kind: report.kind,
            sha256: hashing.digest(bytes),
            problems: report.problems,
        }
    }
}

impl fmt::Display for Brief {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.kind)?;
        let mut words = self.kernel_version.iter().flat_map(|v| v.split(' '));
        if let Some(release) = words.next() {
            write!(f, ", {release}")?;
        }
        for signer in &self.signers {
            write!(f, ", signed by \"{signer}\"")?;
        }
        for problem in &self.problems {
            write!(f, "; {problem}")?;
        }
        Ok(())
    }
}
