//! Beside the verdict: every signature with its chain, and what each of those who judge would answer.

use super::answers::{Answers, GateAnswer, KernelAnswer, ShimAnswer};
use super::judge::{Question, Verdict};
use crate::failure::Result;
use crate::kind::Role;
use crate::pkcs7::crypto::Hash;
use crate::verdict::chain::{Chain, Chains, Place};
use crate::verdict::file_load;
use crate::verdict::kernel::{self, KernelVerdict};
use crate::verdict::shim;
use baton_formats::elf::Elf;
use baton_formats::module_signature;
use baton_formats::pe::{Pe, WIN_CERT_TYPE_PKCS};
use baton_verify::{HashAlgorithm, SignatureKind};
use serde::Serialize;
use std::cell::OnceCell;

/// What is explained.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct Explanation {
    /// `None` where nobody else is asked.
    pub answers: Option<Answers>,
    /// Each signature of the image, with its certificates.
    pub signature_details: Vec<Detail>,
}

/// A signature.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct Detail {
    /// How it is attached to the image: the word of its `SignatureKind`.
    pub signature_kind: &'static str,
    /// Who of kernel, shim and gate looks at it.
    pub looked_at_by: &'static [&'static str],
    #[serde(flatten)]
    pub chain: Chain,
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
                Ok(entry) if entry.kind == WIN_CERT_TYPE_PKCS => {
                    chains.of(entry.data, Some(&image))
                }
                Ok(_) => Chain::broken("it isn't PKCS#7".to_owned()),
                Err(error) => Chain::broken(error.to_string()),
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
    let own = question.anchors.shims_own();
    let shim = shim::answer(&shim::Request {
        image,
        keys,
        own,
        chains: &chains,
        sha256: digests.sha256(),
    });
    let mut shim = ShimAnswer::from(shim);
    // Who names shim's own certificate says that there is one.
    if !shim::is_there(keys) && own.is_none() {
        shim.judge = "firmware";
    }
    let mut gate = GateAnswer::from(verdict);
    if question.anchors.lacks_shims_own {
        shim = shim.without_shims_own();
        gate = gate.without_shims_own(verdict);
    }
    shim.not_asked = machine.secure_boot == Some(false);
    shim.not_directly = shim.judge == "shim" && !shim::has_sbat(image);
    Some(Answers { kernel, shim, gate })
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
