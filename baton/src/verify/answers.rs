//! What each of those who judge would answer, as programs and people are told it.

use super::against::LACKS_SHIMS_OWN;
use super::judge::Verdict;
use crate::failure::{Failure, Result};
use crate::verdict::file_load::{self, Signature};
use crate::verdict::shim;
use baton_verify::{Certificate, Reason};
use serde::Serialize;

/// What the three answer.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct Answers {
    /// The running kernel, to a direct kexec.
    pub kernel: KernelAnswer,
    /// shim, or the firmware, at the next boot.
    pub shim: ShimAnswer,
    /// The gate.
    pub gate: GateAnswer,
}

/// The running kernel, to a direct kexec.
#[derive(Debug, Default, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct KernelAnswer {
    /// `loads`, `refuses` or `unknown`.
    pub answer: &'static str,
    /// What kexec_file_load returns; `None` where it loads the image.
    pub errno: Option<&'static str>,
    /// The same as a number.
    pub errno_number: Option<i32>,
    /// What is wrong with the signature, where the kernel doesn't say so: it doesn't insist, or lockdown hides it.
    pub signature_errno: Option<&'static str>,
    /// Who signed, and by which key of which keyring that counts.
    pub by: Option<String>,
    /// The keyring that has that key.
    pub keyring: Option<String>,
    /// Why it refuses, in words for people.
    pub why: Option<String>,
    /// What mends it.
    pub mend: Option<String>,
    /// Why Baton doesn't load it this way all the same.
    pub baton_refuses: Option<String>,
}

/// shim, or where there is none the firmware, at the next boot.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct ShimAnswer {
    /// `starts`, `refuses` or `unknown`.
    pub answer: &'static str,
    /// `shim` or `firmware`.
    pub judge: &'static str,
    /// Who signed, as far as the certificate that counts.
    pub by: Option<String>,
    /// The list that has that certificate.
    pub list: Option<&'static str>,
    /// A word for why it refuses.
    pub reason: Option<&'static str>,
    /// The same for people.
    pub why: Option<String>,
    /// What mends it.
    pub mend: Option<&'static str>,
    /// Secure Boot is off, and nobody is asked.
    pub not_asked: bool,
    /// It has no SBAT metadata, which shim wants of what it starts itself.
    pub not_directly: bool,
}

/// The gate.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct GateAnswer {
    /// `boots`, `refuses` or `unknown`.
    pub answer: &'static str,
    /// A word for why it refuses (docs/json.md).
    pub reason: Option<&'static str>,
    /// The same for people.
    pub why: Option<String>,
}

impl From<file_load::Answer> for KernelAnswer {
    fn from(answer: file_load::Answer) -> KernelAnswer {
        let loads = KernelAnswer {
            answer: "loads",
            ..KernelAnswer::default()
        };
        match answer {
            file_load::Answer::Loads(Signature::Good(vouched)) => KernelAnswer {
                by: Some(by(&vouched)),
                keyring: Some(vouched.key.keyring),
                ..loads
            },
            file_load::Answer::Loads(Signature::Tolerated(refusal)) => KernelAnswer {
                signature_errno: Some(refusal.error.name()),
                why: Some(refusal.why().to_owned()),
                mend: Some(refusal.error.fix().to_owned()),
                ..loads
            },
            file_load::Answer::Loads(Signature::Unknown(why)) => KernelAnswer {
                why: Some(why.to_owned()),
                ..loads
            },
            file_load::Answer::Refuses { refusal, hidden } => KernelAnswer {
                answer: "refuses",
                errno: Some(refusal.error.name()),
                errno_number: Some(refusal.errno()),
                signature_errno: hidden.map(|it| it.error.name()),
                why: Some(match hidden {
                    Some(hidden) => format!("{}, and {}", refusal.why(), hidden.why()),
                    None => refusal.why().to_owned(),
                }),
                mend: Some(hidden.unwrap_or(refusal).error.fix().to_owned()),
                ..KernelAnswer::default()
            },
            file_load::Answer::Unknown(why) => KernelAnswer {
                answer: "unknown",
                why: Some(why.to_owned()),
                ..KernelAnswer::default()
            },
        }
    }
}

/// Who vouches, in words.
fn by(vouched: &file_load::Vouched) -> String {
    let key = &vouched.key;
    let anchor = format!("\"{}\" (key id {})", key.name, key.id);
    let signer = vouched.signer.as_deref().map(Certificate::parse);
    match signer {
        Some(Ok(signer)) if signer.key_id().to_string() != key.id => {
            format!("\"{}\", vouched for by {anchor}", signer.subject_name())
        }
        _ => anchor,
    }
}

impl From<shim::Answer> for ShimAnswer {
    fn from(answer: shim::Answer) -> ShimAnswer {
        let empty = ShimAnswer {
            answer: "starts",
            judge: "shim",
            by: None,
            list: None,
            reason: None,
            why: None,
            mend: None,
            not_asked: false,
            not_directly: false,
        };
        match answer {
            shim::Answer::Starts { by, list } => ShimAnswer {
                by: Some(by),
                list: Some(list),
                ..empty
            },
            shim::Answer::Refuses { code, why, mend } => ShimAnswer {
                answer: "refuses",
                reason: Some(code),
                why: Some(why),
                mend: Some(mend),
                ..empty
            },
        }
    }
}

impl From<&Result<Verdict>> for GateAnswer {
    fn from(verdict: &Result<Verdict>) -> GateAnswer {
        let refused = verdict.as_ref().err();
        GateAnswer {
            answer: if refused.is_none() {
                "boots"
            } else {
                "refuses"
            },
            reason: refused.map(Failure::word),
            why: refused.map(|failure| match failure.reason() {
                // What is refused has been said.
                Some(reason) => reason.to_string(),
                None => failure.to_string(),
            }),
        }
    }
}

impl KernelAnswer {
    pub fn print(&self) {
        let why = self.why.as_deref().unwrap_or_default();
        let mend = self.mend.as_deref().unwrap_or_default();
        match (self.answer, &self.by, self.errno, self.signature_errno) {
            ("loads", Some(by), ..) => {
                let keyring = self.keyring.as_deref().unwrap_or_default();
                say!("  the kernel: loads it: {by} in {keyring}");
            }
            ("loads", None, _, Some(errno)) => say!(
                "  the kernel: loads it unverified, since it doesn't insist; it would be {errno}: {why}: {mend}"
            ),
            ("loads", ..) => say!("  the kernel: loads it, since it doesn't insist on signatures"),
            ("refuses", _, Some(errno), Some(hidden)) => {
                say!("  the kernel: refuses it with {errno}, which hides {hidden}: {why}: {mend}");
            }
            ("refuses", _, Some(errno), None) => {
                say!("  the kernel: refuses it with {errno}: {why}: {mend}");
            }
            _ => say!("  the kernel: that can't be told: {why}"),
        }
        if let Some(reason) = &self.baton_refuses {
            say!("              but `baton load --via kernel` refuses it: {reason}");
        }
    }
}

impl ShimAnswer {
    /// The same where shim may have a certificate that isn't known: whom it doesn't know of those that are, it may know.
    pub fn without_shims_own(self) -> ShimAnswer {
        if self.reason != Some("unknown-signer") {
            return self;
        }
        ShimAnswer {
            answer: "unknown",
            judge: "shim",
            reason: None,
            why: Some(format!(
                "{LACKS_SHIMS_OWN}, and no other one vouches for its signer"
            )),
            mend: None,
            ..self
        }
    }

    pub fn print(&self) {
        let judge = match self.judge {
            "shim" => "  shim:       ",
            _ => "  firmware:   ",
        };
        let off = if self.not_asked {
            " (Secure Boot is off: nobody asks it)"
        } else {
            ""
        };
        match (&self.by, self.list) {
            (Some(by), Some(list)) => say!("{judge}starts it: {by} in {list}{off}"),
            _ if self.answer == "unknown" => say!(
                "{judge}that isn't known: {}{off}",
                self.why.as_deref().unwrap_or_default()
            ),
            _ => say!(
                "{judge}refuses it: {}: {}{off}",
                self.why.as_deref().unwrap_or_default(),
                self.mend.unwrap_or_default()
            ),
        }
        if self.not_directly && self.by.is_some() {
            say!("              but not in GRUB's place: it has no SBAT metadata");
        }
    }
}

impl GateAnswer {
    /// As [`ShimAnswer::without_shims_own`]: shim passes on to the gate what it knows.
    pub fn without_shims_own(self, verdict: &Result<Verdict>) -> GateAnswer {
        let refused = verdict.as_ref().err().and_then(Failure::reason);
        match refused {
            Some(Reason::UnknownSigner { .. } | Reason::SignerNotFound { .. }) => GateAnswer {
                answer: "unknown",
                reason: None,
                why: Some(format!(
                    "{LACKS_SHIMS_OWN}, and no other one vouches for its signer"
                )),
            },
            _ => self,
        }
    }

    pub fn print(&self) {
        match &self.why {
            None => say!("  the gate:   boots it"),
            Some(why) if self.answer == "unknown" => {
                say!("  the gate:   that isn't known: {why}");
            }
            Some(why) => say!("  the gate:   refuses it: {why}"),
        }
    }
}
