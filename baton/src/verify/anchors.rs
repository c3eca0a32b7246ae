//! Whom to trust, and what to call that.

use super::judge::{Refused, Why};
use crate::certs;
use crate::cli::VerifyArgs;
use crate::exit::Exit;
use crate::failure::{Failure, Result};
use crate::gate::own::OwnLists;
use crate::machine::Keys;
use crate::p7s;
use crate::read;
use crate::refusal;
use baton_sys::Root;
use baton_verify::{AnchorSource, Reason, Refusal, Signer, Trust};
use std::fmt::Display;

/// The bytes that trust is made of.
pub struct Anchors {
    gate: OwnLists,
    machine: Keys,
    /// The certificates are those of `--cert` alone.
    given_by_option: bool,
}

impl Anchors {
    /// Certificates on the command line stand alone; otherwise the machine's list counts, and the
    /// certificates of a gate with it.
    pub fn read(args: &VerifyArgs) -> Result<Anchors> {
        let mut gate = OwnLists::default();
        for path in &args.cert {
            for certificate in certs::read(path)? {
                gate.keys.extend(certificate.der);
            }
        }
        if let Some(path) = &args.gate {
            let own = OwnLists::of(&read::given(path)?, path)?;
            gate.keys.extend(own.keys);
            gate.revocations = own.revocations;
        }
        let machine = if args.cert.is_empty() || args.gate.is_some() {
            Keys::read(&Root::system())?
        } else {
            Keys::default()
        };
        Ok(Anchors {
            gate,
            machine,
            given_by_option: !args.cert.is_empty() && args.gate.is_none(),
        })
    }

    /// The signer in words; `.keys` is where a gate has its certificates, and here they may be others.
    pub fn describe(&self, signer: &Signer) -> String {
        let text = signer.to_string();
        if self.given_by_option && signer.anchor_source == AnchorSource::GateKeys {
            let (before, _) = text.rsplit_once(".keys").unwrap_or((&text, ""));
            return format!("{before}--cert");
        }
        text
    }

    /// A refusal in words, as the signer in [`Anchors::describe`].
    pub fn refuse(&self, refused: Refused<'_>) -> Failure {
        let path = refused.path.display();
        match refused.why {
            Why::Reason(reason) => self.refused(&path, reason),
            Why::Beside(reason) => self.refused(&p7s::beside(refused.path).display(), reason),
            Why::Handover(Refusal { component, reason }) => {
                let failure = Failure::from(Refusal::new(component, self.named_in(reason)));
                Failure {
                    message: format!("{path}: {failure}"),
                    ..failure
                }
            }
            Why::NoFormat => Failure::new(
                Exit::Malformed,
                "bad-image",
                format!(
                    "{path} refused: of no format that can be booted, and nothing vouches for it (sign it, or list it in a manifest)"
                ),
            ),
        }
    }

    fn refused(&self, path: &impl Display, reason: Reason) -> Failure {
        let reason = self.named_in(reason);
        let message = format!("{path} refused: {reason}");
        Failure::new(refusal::exit(&reason), reason.code(), message)
    }

    fn named_in(&self, mut reason: Reason) -> Reason {
        if let Reason::UnknownSigner { tried, .. } | Reason::SignerNotFound { tried, .. } =
            &mut reason
            && self.given_by_option
        {
            *tried = tried.replacen(".keys:", "--cert:", 1);
        }
        reason
    }

    /// Trust in all of them.
    pub fn trust(&self) -> Result<Trust<'_>> {
        Ok(self.machine.gate_trust(self.gate.lists())?)
    }
}
