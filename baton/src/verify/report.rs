//! What is told of a verdict.

use super::anchors::Anchors;
use super::explain::{Explanation, explain};
use super::judge::{Question, Verdict};
use super::signature;
use crate::failure::exit::Exit;
use crate::failure::{Failure, Result};
use crate::kind::Format;
use crate::output::failure::ErrorFields;
use crate::verdict::parts::PartLine;
use crate::verdict::trust::TrustSummary;
use baton_sys::hex;
use baton_verify::{Reason, SignatureKind, Signer};
use serde::Serialize;

/// The object that `--json` prints.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct Report<'a> {
    /// The file.
    image: String,
    /// What it is.
    format: Format,
    /// The same in words for people.
    kind: &'a str,
    /// The question is answered with yes.
    accepted: bool,
    /// It is something that can be started this way.
    startable: bool,
    /// `good`, `refused` or `none`, whatever the image is.
    signature: &'static str,
    /// How a good signature is attached to the image.
    signature_kind: Option<&'static str>,
    /// What a good signature covers, or else what the image would be signed by.
    digest: String,
    /// How many signatures it has.
    signatures: usize,
    /// Who signed it, if the signature is good.
    signed_by: Option<SignedBy>,
    /// What would be booted, part by part, if all of it is accepted.
    parts: Vec<PartLine>,
    /// Whom the gate trusts on this machine, and what it refuses.
    judged_by: TrustSummary,
    #[serde(flatten)]
    explanation: Explanation,
    /// Why the answer is no.
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<ErrorFields>,
}

#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct SignedBy {
    /// The signer's name.
    subject: String,
    /// The identifier of the signer's key.
    key_id: String,
    /// The name of the trusted certificate that the chain ends at.
    anchor_subject: String,
    /// The identifier of its key.
    anchor_key_id: String,
    /// The list that it is in.
    anchor_source: &'static str,
}

impl<'a> Report<'a> {
    pub(super) fn new(question: &'a Question<'_>, verdict: &'a Result<Verdict>) -> Report<'a> {
        let file = &question.inputs.kernel.bytes;
        let detached = question.inputs.signature.as_deref();
        let accepted = verdict.as_ref().ok();
        // Of what is refused for another reason the signature may be good.
        let signed = match accepted {
            Some(verdict) => Ok(verdict.clone()),
            None => signature::judge(file, detached, question.trust),
        };
        let signature = match &signed {
            Ok(_) => "good",
            Err(Reason::Unsigned) => "none",
            Err(_) => "refused",
        };
        let signed = signed.ok();
        let startable = |failure: &Failure| failure.exit() != Exit::Malformed;
        Report {
            image: question.args.image.display().to_string(),
            format: question.inputs.kind.format,
            kind: &question.inputs.kind.name,
            accepted: accepted.is_some(),
            startable: question.inputs.kind.can_be_started()
                && verdict.as_ref().err().is_none_or(startable),
            signature,
            signature_kind: signed.as_ref().map(|verdict| verdict.signature_kind.code()),
            digest: hex::encode(
                signed
                    .as_ref()
                    .map_or_else(|| signature::digest(file), |verdict| verdict.digest),
            ),
            signatures: signature::count(file, detached),
            signed_by: signed.map(|verdict| SignedBy::from(&verdict.signer)),
            parts: accepted.map_or_else(Vec::new, |verdict| {
                verdict.parts.iter().map(PartLine::from).collect()
            }),
            judged_by: TrustSummary::of(question.trust),
            explanation: explain(question, verdict),
            error: verdict.as_ref().err().map(ErrorFields::from),
        }
    }

    /// What people are told of what is accepted.
    pub(super) fn print(&self, verdict: &Verdict, anchors: &Anchors) {
        say!("{}: accepted", self.image);
        say!("  as:        {}", verdict.as_what);
        if !self.startable {
            say!("  is:        {}; not to be started by itself", self.kind);
        }
        say!("  by:        {}", verdict.signature_kind);
        say!("  signed by: {}", anchors.describe(&verdict.signer));
        say!(
            "  digest:    {} ({})",
            self.digest,
            digest_name(verdict.signature_kind)
        );
        // The kernel has been told, and an empty command line isn't worth it.
        for part in verdict.parts.iter().skip(1).filter(|part| part.size > 0) {
            let part = PartLine::from(part);
            say!("  with:      {}, {}", part.kind(), part.vouched());
        }
        say!("  judged by: {}", self.judged_by);
        self.explanation.print();
    }

    /// What people are told of what is refused, besides the reason.
    pub fn print_refused(&self) {
        if !self.explanation.is_empty() {
            say!("{}: refused", self.image);
            say!("  is:        {}", self.kind);
            self.explanation.print();
        }
    }
}

fn digest_name(kind: SignatureKind) -> &'static str {
    match kind {
        SignatureKind::Authenticode | SignatureKind::ListedDigest => "Authenticode, SHA-256",
        SignatureKind::Appended => "SHA-256 of all before the signature",
        SignatureKind::Note => "SHA-256, the signature as zeros",
        SignatureKind::Detached | SignatureKind::Manifest | SignatureKind::Unsigned => "SHA-256",
    }
}

impl From<&Signer> for SignedBy {
    fn from(signer: &Signer) -> SignedBy {
        SignedBy {
            subject: signer.subject.clone(),
            key_id: signer.key_id.to_string(),
            anchor_subject: signer.anchor_subject.clone(),
            anchor_key_id: signer.anchor_key_id.to_string(),
            anchor_source: signer.anchor_source.code(),
        }
    }
}
