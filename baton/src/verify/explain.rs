//! Beside the verdict: every signature with its chain, and what each of those who judge would answer.

use super::judge::{Question, Verdict};
use crate::failure::Result;
use crate::kind::Role;
use crate::pkcs7::crypto::Hash;
use crate::verdict::chain::{Chain, Chains, Place};
use crate::verdict::file_load::{self, Signature};
use crate::verdict::kernel::{self, KernelVerdict};
use crate::verdict::shim;
use baton_formats::elf::Elf;
use baton_formats::module_signature;
use baton_formats::pe::Pe;
use baton_verify::{Certificate, HashAlgorithm, SignatureKind};
use serde::Serialize;
use std::cell::OnceCell;

/// What is explained.
#[derive(Debug, Serialize)]
pub(super) struct Explanation {
    /// `None` where nobody else is asked.
    pub answers: Option<Answers>,
    pub signature_details: Vec<Detail>,
}

/// A signature.
#[derive(Debug, Serialize)]
pub(super) struct Detail {
    /// As [`baton_verify::SignatureKind`] is coded.
    pub signature_kind: &'static str,
    /// Who of kernel, shim and gate looks at it.
    pub looked_at_by: &'static [&'static str],
    #[serde(flatten)]
    pub chain: Chain,
}

/// What the three answer.
#[derive(Debug, Serialize)]
pub(super) struct Answers {
    pub kernel: KernelAnswer,
    pub shim: ShimAnswer,
    pub gate: GateAnswer,
}

/// The running kernel, to a direct kexec.
#[derive(Debug, Default, Serialize)]
pub(super) struct KernelAnswer {
    /// `loads`, `refuses` or `unknown`.
    pub answer: &'static str,
    /// What kexec_file_load returns; `None` where it loads the image.
    pub errno: Option<&'static str>,
    pub errno_number: Option<i32>,
    /// What is wrong with the signature, where the kernel doesn't say so: it doesn't insist, or lockdown hides it.
    pub signature_errno: Option<&'static str>,
    /// Who signed, and by which key of which keyring that counts.
    pub by: Option<String>,
    pub keyring: Option<String>,
    pub why: Option<String>,
    pub mend: Option<String>,
    /// Why Baton doesn't load it this way all the same.
    pub baton_refuses: Option<String>,
}

/// shim, or where there is none the firmware, at the next boot.
#[derive(Debug, Serialize)]
pub(super) struct ShimAnswer {
    /// `starts` or `refuses`.
    pub answer: &'static str,
    /// `shim` or `firmware`.
    pub judge: &'static str,
    pub by: Option<String>,
    pub list: Option<&'static str>,
    pub reason: Option<&'static str>,
    pub why: Option<String>,
    pub mend: Option<&'static str>,
    /// Secure Boot is off, and nobody is asked.
    pub not_asked: bool,
    /// It has no SBAT metadata, which shim wants of what it starts itself.
    pub not_directly: bool,
}

/// The gate.
#[derive(Debug, Serialize)]
pub(super) struct GateAnswer {
    /// `boots` or `refuses`.
    pub answer: &'static str,
    pub reason: Option<&'static str>,
    pub why: Option<String>,
}

/// The digests of the image, each computed once.
struct Digests<'d> {
    pe: Option<Pe<'d>>,
    sha256: OnceCell<Option<[u8; 32]>>,
}

impl Digests<'_> {
    fn sha256(&self) -> Option<[u8; 32]> {
        *self.sha256.get_or_init(|| {
            let pe = self.pe?;
            Some(crate::digest::sha256(pe.digest_parts()))
        })
    }

    fn by(&self, hash: Hash) -> Option<Vec<u8>> {
        match hash {
            Hash::Accepted(HashAlgorithm::Sha256) => self.sha256().map(|digest| digest.to_vec()),
            other => self.pe.map(|pe| other.hash(pe.digest_parts())),
        }
    }
}

/// Explains the verdict.
pub(super) fn explain(question: &Question<'_>, verdict: &Result<Verdict>) -> Explanation {
    let file = &question.inputs.kernel.bytes;
    let digests = Digests {
        pe: Pe::parse(file).ok(),
        sha256: OnceCell::new(),
    };
    // The verdict's is the same one.
    let known = verdict.as_ref().ok();
    let is_of_image = |it: &&Verdict| {
        matches!(
            it.signature_kind,
            SignatureKind::Authenticode | SignatureKind::ListedDigest
        )
    };
    if let (Some(verdict), Some(_)) = (known.filter(is_of_image), &digests.pe) {
        let _ = digests.sha256.set(Some(verdict.digest));
    }
    let places = question.anchors.places();
    let details = details(question, &digests, &places);
    Explanation {
        answers: answers(question, verdict, &digests, &details),
        signature_details: details,
    }
}

fn details(question: &Question<'_>, digests: &Digests<'_>, places: &[Place<'_>]) -> Vec<Detail> {
    let chains = Chains {
        places,
        keyrings: question.anchors.keyrings(),
    };
    let file = &question.inputs.kernel.bytes;
    let image = |hash| digests.by(hash);
    let mut found = Vec::new();
    for entry in digests.pe.iter().flat_map(Pe::certificates) {
        let looked_at_by: &[&str] = if found.is_empty() {
            &["kernel", "shim", "gate"]
        } else {
            &["shim", "gate"]
        };
        found.push(Detail {
            signature_kind: "authenticode",
            looked_at_by,
            chain: match entry {
                Ok(entry) => chains.of(entry.data, Some(&image)),
                Err(error) => Chain {
                    hash: None,
                    links: Vec::new(),
                    problem: Some(error.to_string()),
                },
            },
        });
    }
    let beside = question.inputs.signature.as_deref();
    let appended = module_signature::split(file).ok().flatten();
    let elf = Elf::parse(file).ok();
    for (signature_kind, signature) in [
        ("appended", appended.map(|it| it.signature)),
        ("note", elf.as_ref().and_then(Elf::signature)),
        ("detached", beside),
    ] {
        found.extend(signature.map(|signature| Detail {
            signature_kind,
            looked_at_by: &["gate"],
            chain: chains.of(signature, None),
        }));
    }
    found
}

fn answers(
    question: &Question<'_>,
    verdict: &Result<Verdict>,
    digests: &Digests<'_>,
    details: &[Detail],
) -> Option<Answers> {
    let goes_with_a_kernel = matches!(
        question.inputs.kind.role,
        Role::Initrd | Role::Addon | Role::Manifest
    );
    if question.args.signature_only || goes_with_a_kernel {
        return None;
    }
    let keys = question.anchors.keys()?;
    let image = &question.inputs.kernel.bytes;
    let machine = &question.anchors.machine;
    let request = file_load::Request {
        image,
        cmdline_len: question.inputs.cmdline.len(),
        keys,
        machine,
        sha256: &|| digests.sha256(),
    };
    let mut kernel = KernelAnswer::from(file_load::answer(&request));
    // Baton judges more than the kernel does.
    if kernel.answer == "loads"
        && let KernelVerdict::Refuses(reason) = kernel::judge(image, keys)
        && kernel.signature_errno.is_none()
    {
        kernel.baton_refuses = Some(reason.to_string());
    }
    let chains: Vec<Chain> = details
        .iter()
        .filter(|detail| detail.signature_kind == "authenticode")
        .map(|detail| detail.chain.clone())
        .collect();
    let shim = shim::answer(&shim::Request {
        image,
        keys,
        chains: &chains,
        sha256: digests.sha256(),
    });
    let mut shim = ShimAnswer::from(shim);
    if !shim::is_there(keys) {
        shim.judge = "firmware";
    }
    shim.not_asked = machine.secure_boot == Some(false);
    shim.not_directly = shim.judge == "shim" && !shim::has_sbat(image);
    Some(Answers {
        kernel,
        shim,
        gate: GateAnswer::from(verdict),
    })
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
            reason: refused.map(crate::failure::Failure::word),
            why: refused.map(|failure| match failure.reason() {
                // What is refused has been said.
                Some(reason) => reason.to_string(),
                None => failure.to_string(),
            }),
        }
    }
}

impl Explanation {
    /// Whether there is nothing to say.
    pub fn is_empty(&self) -> bool {
        self.answers.is_none() && self.signature_details.is_empty()
    }

    /// What people are told.
    pub fn print(&self) {
        if !self.signature_details.is_empty() {
            say!("  signatures:");
        }
        for (number, detail) in self.signature_details.iter().enumerate() {
            detail.print(number + 1);
        }
        if let Some(answers) = &self.answers {
            answers.kernel.print();
            answers.shim.print();
            answers.gate.print();
        }
    }
}

impl Detail {
    fn print(&self, number: usize) {
        let hash = self.chain.hash.as_deref().map(|hash| format!(", {hash}"));
        let who = match self.looked_at_by {
            ["gate"] => "the gate alone looks at it",
            ["shim", "gate"] => "shim and the gate look at it, the kernel doesn't",
            _ => "the kernel, shim and the gate look at it",
        };
        say!(
            "    {number}. {}{} ({who})",
            self.signature_kind,
            hash.unwrap_or_default()
        );
        if let Some(problem) = &self.chain.problem {
            say!("       {problem}");
        }
        for (depth, link) in self.chain.links.iter().enumerate() {
            let arrow = if depth == 0 { "by" } else { "<-" };
            let trusted = if link.trusted_by.is_empty() {
                String::new()
            } else {
                format!(", in {}", link.trusted_by.join(", "))
            };
            let pad = "   ".repeat(depth);
            say!(
                "       {pad}{arrow} \"{}\" (key id {}){trusted}",
                link.subject,
                link.key_id
            );
        }
    }
}

impl KernelAnswer {
    fn print(&self) {
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
    fn print(&self) {
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
    fn print(&self) {
        match &self.why {
            None => say!("  the gate:   boots it"),
            Some(why) => say!("  the gate:   refuses it: {why}"),
        }
    }
}
