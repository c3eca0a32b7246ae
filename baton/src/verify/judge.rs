//! Judging a file as what it is: a kernel or a handover as the gate does, what goes with them by the parts
//! of that same verdict.

use super::anchors::Anchors;
use super::args::VerifyArgs;
use super::signature;
use crate::digest::sha256;
use crate::failure::input::InputError;
use crate::failure::{Failure, Refused, Result};
use crate::handover::build::{self, Ingredients};
use crate::handover::files::{Image, Initrd};
use crate::handover::inputs::Inputs;
use crate::input::p7s;
use crate::kind::Role;
use crate::verdict::gate;
use baton_formats::policy::Rules;
use baton_verify::{
    Component, JudgedPart, Reason, Refusal, SignatureKind, Signer, Trust, VerifiedManifest,
    check_revoked, command_line, judge_initrds, verify_addon, verify_kernel_on,
};

/// Why and how an image is accepted.
#[derive(Debug, Clone)]
pub(super) struct Verdict {
    /// How.
    pub signature_kind: SignatureKind,
    /// By whom.
    pub signer: Signer,
    /// The SHA-256 of what was signed.
    pub digest: [u8; 32],
    /// What it is accepted as.
    pub as_what: String,
    /// All that was judged with it; none if it was judged alone.
    pub parts: Vec<JudgedPart>,
}

/// What is asked, and what the answer depends on.
pub(super) struct Question<'q> {
    pub args: &'q VerifyArgs,
    pub inputs: &'q Inputs,
    pub anchors: &'q Anchors,
    pub trust: &'q Trust<'q>,
}

impl Question<'_> {
    /// The verdict.
    pub fn answer(&self) -> Result<Verdict> {
        if self.args.signature_only {
            return self.by_signature("signature alone".into());
        }
        if self.inputs.kind.can_be_started() {
            return self.as_boot();
        }
        match self.inputs.kind.role {
            // What goes with a kernel was given: so this is to be one.
            _ if self.has_companions() => match self.not_a_kernel() {
                Some(failure) => Err(failure),
                None => self.as_boot(),
            },
            Role::Manifest => self.as_manifest(),
            Role::Addon => self.as_addon(),
            _ if self.inputs.manifest.is_some() => self.as_listed_initrd(),
            Role::Initrd => self.as_initrd(),
            Role::Data if self.inputs.signature.is_none() => {
                let path = self.image().path.clone();
                Err(InputError::NoFormat { path }.into())
            }
            // No gate has a use for it, and none was asked.
            Role::Data if self.args.gate.is_none() => {
                self.by_signature(self.inputs.kind.name.to_string())
            }
            _ => match self.not_a_kernel() {
                Some(failure) => Err(failure),
                None => self.as_boot(),
            },
        }
    }

    fn image(&self) -> &Image {
        &self.inputs.kernel
    }

    fn has_companions(&self) -> bool {
        let with = &self.args.with;
        let files = !with.initrd.is_empty() || !with.addon.is_empty();
        self.args.crash || files || with.profile.is_some() || with.cmdline.is_some()
    }

    fn by_signature(&self, as_what: String) -> Result<Verdict> {
        let image = self.image();
        let signature = self.inputs.signature.as_deref();
        let signed = signature::judge(&image.bytes, signature, self.trust);
        let signed = signed.map_err(|reason| self.refused(image.path.display(), reason))?;
        Ok(Verdict { as_what, ..signed })
    }

    /// That the file is known to be something else, and whether it is well signed for all that.
    fn not_a_kernel(&self) -> Option<Failure> {
        let image = self.image();
        let failure = Failure::from(self.inputs.kind.refused_as("image", &image.path)?);
        let signature = self.inputs.signature.as_deref();
        Some(
            match signature::judge(&image.bytes, signature, self.trust) {
                Ok(signed) => failure.remarked(format!(
                    "its signature is good: signed by {}",
                    self.anchors.describe(&signed.signer)
                )),
                Err(_) => failure,
            },
        )
    }

    /// As the gate judges a boot.
    fn as_boot(&self) -> Result<Verdict> {
        let inputs = self.inputs;
        let verdict = gate::judge_alone(inputs, self.trust, &self.anchors.machine)?;
        let judged = verdict.map_err(|refusal| self.boot_refused(refusal))?;
        let unsigned = |part: &&JudgedPart| part.vouched.signature_kind == SignatureKind::Unsigned;
        let unsigned = judged.parts.iter().filter(unsigned).count();
        Ok(Verdict {
            signature_kind: judged.signature_kind,
            signer: judged.signer,
            digest: judged.digest,
            as_what: if inputs.is_handover() {
                format!(
                    "handover of {} parts, {unsigned} of them unsigned; its kernel ({}):",
                    judged.parts.len(),
                    judged.format
                )
            } else {
                format!("kernel ({})", judged.format)
            },
            parts: judged.parts,
        })
    }

    fn boot_refused(&self, Refusal { component, reason }: Refusal) -> Failure {
        let inputs = self.inputs;
        if inputs.is_handover() {
            let reason = self.anchors.named_in(reason);
            let failure = Failure::from(Refusal::new(component, reason));
            return failure.about(self.image().path.display());
        }
        let path = match component {
            Component::Kernel if self.is_about_the_signature_beside() => {
                Some(p7s::beside(&self.image().path))
            }
            Component::Kernel => Some(self.image().path.clone()),
            Component::Initrd(index) => inputs.initrds.get(index).map(|it| it.path.clone()),
            Component::Addon(index) => inputs.addons.get(index).map(|it| it.path.clone()),
            Component::Manifest => inputs.manifest.as_ref().map(|(it, _)| it.path.clone()),
            _ => None,
        };
        match path {
            Some(path) => self.refused(path.display(), reason).into(),
            None => self.refused(component, reason).into(),
        }
    }

    /// Whether the kernel would be accepted without the detached signature, which isn't needed then.
    fn is_about_the_signature_beside(&self) -> bool {
        let manifest = self.manifest().and_then(std::result::Result::ok);
        let (bytes, trust) = (&self.image().bytes, self.trust);
        self.inputs.signature.is_some()
            && verify_kernel_on(self.inputs.crash, bytes, None, manifest.as_ref(), trust).is_ok()
    }

    /// The manifest that goes with the image, verified.
    fn manifest(&self) -> Option<std::result::Result<VerifiedManifest<'_>, Reason>> {
        let (text, signature) = self.inputs.manifest.as_ref()?;
        Some(verified(&text.bytes, signature.as_deref(), self.trust))
    }

    fn as_manifest(&self) -> Result<Verdict> {
        let image = self.image();
        let manifest = verified(&image.bytes, self.inputs.signature.as_deref(), self.trust);
        let manifest = manifest.map_err(|reason| self.refused(image.path.display(), reason))?;
        let rules = self.rules();
        let counts = rules.kernel.accept_kernel(SignatureKind::Manifest, false)
            || rules.initrd.accept(SignatureKind::Manifest)
            || rules.command_line.accept(SignatureKind::Manifest);
        self.accepted(counts, SignatureKind::Manifest)?;
        Ok(Verdict {
            signature_kind: SignatureKind::Detached,
            signer: manifest.signer().clone(),
            digest: sha256([&image.bytes[..]]),
            as_what: "manifest".into(),
            parts: Vec::new(),
        })
    }

    fn as_addon(&self) -> Result<Verdict> {
        let image = self.image();
        let verified = verify_addon(&image.bytes, self.trust);
        let refused = |reason| self.refused(image.path.display(), reason);
        let (addon, arguments) = verified.map_err(refused)?;
        let rules = self.rules();
        self.accepted(
            rules.kernel.accept_kernel(addon.signature_kind(), true),
            addon.signature_kind(),
        )?;
        if let Some(line) = arguments.cmdline {
            let line: String = line.chars().collect();
            command_line::accept(line.as_bytes(), addon.signature_kind(), rules)
                .map_err(refused)?;
        }
        Ok(Verdict {
            signature_kind: addon.signature_kind(),
            signer: addon.signer().clone(),
            digest: addon.digest(),
            as_what: "addon of a UKI".into(),
            parts: Vec::new(),
        })
    }

    /// By the place in the manifest that lists it, which may be any.
    fn as_listed_initrd(&self) -> Result<Verdict> {
        let image = self.image();
        let (length, digest) = (image.bytes.len(), sha256([&image.bytes[..]]));
        let Some((manifest, path)) = self.manifest().zip(self.args.with.manifest.as_ref()) else {
            return self.as_initrd();
        };
        let manifest = manifest.map_err(|reason| self.refused(path.display(), reason))?;
        let count = manifest.manifest().initrds().count();
        let revoked = check_revoked(&image.bytes, self.trust);
        revoked.map_err(|reason| self.refused(image.path.display(), reason))?;
        let is_listed = |place: &usize| manifest.check_initrd(*place, length, &digest).is_ok();
        let place = (0..count).find(is_listed);
        if place.is_some() {
            self.accepted(
                self.rules().initrd.accept(SignatureKind::Manifest),
                SignatureKind::Manifest,
            )?;
        }
        match place {
            Some(place) => Ok(Verdict {
                signature_kind: SignatureKind::Manifest,
                signer: manifest.signer().clone(),
                digest,
                as_what: format!("initrd {} of {count} in the manifest", place + 1),
                parts: Vec::new(),
            }),
            None => match self.not_a_kernel() {
                Some(failure) if self.inputs.kind.role != Role::Initrd => Err(failure),
                _ => {
                    let reason = not_listed(&manifest, length, &digest);
                    Err(self.refused(image.path.display(), reason).into())
                }
            },
        }
    }

    /// By its detached signature, as the gate judges an initrd, whatever the kernel is.
    fn as_initrd(&self) -> Result<Verdict> {
        let image = self.image();
        let initrd = Initrd {
            signature: self.inputs.signature.clone(),
            ..Initrd::made("initrd", &image.bytes)?
        };
        let ingredients = Ingredients {
            kernel: b"none",
            signature: None,
            initrds: &[initrd],
            addons: Vec::new(),
            manifest: None,
            profile: 0,
            crash: self.inputs.crash,
        };
        let draft = build::draft_to_judge(&ingredients)?;
        let refused = |reason| self.refused(image.path.display(), reason);
        let parts = judge_initrds(&draft, self.trust).map_err(|refusal| refused(refusal.reason))?;
        let part = parts.into_iter().next();
        let part = part.ok_or_else(|| refused(Reason::Unsigned))?;
        // The policy takes it unsigned; whoever asks wants to know whether it is signed.
        let signer = part.vouched.signer;
        let signer = signer.ok_or_else(|| self.unsigned_initrd())?;
        Ok(Verdict {
            signature_kind: part.vouched.signature_kind,
            signer,
            digest: part.digest,
            as_what: "initrd".into(),
            parts: Vec::new(),
        })
    }

    /// What the policy accepts: a gate's, or the stock one.
    fn rules(&self) -> &Rules<'_> {
        self.trust.policy().rules(self.inputs.crash)
    }

    /// Refuses what is vouched for in a way that the policy doesn't accept.
    fn accepted(&self, is_accepted: bool, signature_kind: SignatureKind) -> Result<()> {
        if is_accepted {
            Ok(())
        } else {
            let path = self.image().path.display();
            Err(self
                .refused(path, Reason::NotAccepted(signature_kind))
                .into())
        }
    }

    fn unsigned_initrd(&self) -> InputError {
        InputError::UnsignedInitrd {
            path: self.image().path.clone(),
            name: self.inputs.kind.name.to_string(),
        }
    }

    fn refused(&self, what: impl std::fmt::Display, reason: Reason) -> Refused {
        self.anchors.refused(&what, reason)
    }
}

fn verified<'a>(
    text: &'a [u8],
    signature: Option<&[u8]>,
    trust: &Trust<'_>,
) -> std::result::Result<VerifiedManifest<'a>, Reason> {
    let signature = signature.ok_or(Reason::UnsignedManifest)?;
    VerifiedManifest::verify(text, signature, trust)
}

/// Why a manifest doesn't vouch for this.
fn not_listed(manifest: &VerifiedManifest<'_>, length: usize, digest: &[u8; 32]) -> Reason {
    let place = manifest.manifest().initrds().count();
    let reason = manifest.check_initrd(place, length, digest).err();
    reason.unwrap_or(Reason::Unsigned)
}
