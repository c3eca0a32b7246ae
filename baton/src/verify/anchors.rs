//! Whom to trust, and what to call that.

use super::against::Against;
use super::args::VerifyArgs;
use crate::failure::{Refused, Result};
use crate::input::certs;
use crate::input::read;
use crate::machine::saved_state;
use crate::machine::{Keys, Machine};
use crate::verdict::chain::Place;
use crate::verdict::own::OwnLists;
use baton_sys::keyring::Keyrings;
use baton_verify::{AnchorSource, Reason, Signer, Trust};
use std::fmt::Display;

/// The bytes that trust is made of.
pub struct Anchors {
    gate: OwnLists,
    keys: Keys,
    /// What else of the machine counts; nothing, where its keys don't.
    pub machine: Machine,
    /// The certificates are those of `--cert` alone.
    given_by_option: bool,
    /// The machine's lists are those of a variable store, without what shim adds when it runs, and nothing was named
    /// that stands for it.
    pub lacks_shims_own: bool,
    /// The certificates that `--against` named beside a variable store, one after another.
    with_store: Vec<u8>,
}

/// What becomes of a distribution's images.
const SHIMS_OWN: &str = "That isn't sure: shim's own certificate isn't in a variable store; judge on the machine, against its state (`baton status --save`), or name that certificate, too (--against)";

/// What trusted certificates are called that an option gave.
const BY_OPTION: &str = "--cert";

impl Anchors {
    /// Certificates on the command line stand alone; otherwise the machine's list counts, and all that a
    /// gate was built with.
    pub fn read(args: &VerifyArgs) -> Result<Anchors> {
        let mut gate = OwnLists::default();
        let against = Against::read(&args.against)?;
        for path in &args.cert {
            for certificate in certs::read(path)? {
                gate.keys.extend(certificate);
            }
        }
        gate.keys.extend(against.certificates.concat());
        if let Some(path) = &args.gate {
            let mut own = OwnLists::of(&read::given(path)?, path)?;
            own.keys.extend(gate.keys);
            gate = own;
        }
        let has_certificates = !args.cert.is_empty() || !against.certificates.is_empty();
        let given_by_option = has_certificates && args.gate.is_none() && against.machine.is_none();
        let described = args.root.is_some() || args.saved_state.is_some() || against.is_whole;
        let of_store = against.machine.is_some() && !against.is_whole;
        let with_store = if of_store {
            against.certificates.concat()
        } else {
            Vec::new()
        };
        let root = match against.machine {
            Some(machine) => machine,
            None => saved_state::root(args.root.as_deref(), args.saved_state.as_deref())?,
        };
        let keys = if given_by_option {
            Keys::default()
        } else {
            Keys::read(&root)?
        };
        let mut machine = if given_by_option && !described {
            Machine::default()
        } else {
            Machine::read(&root)?
        };
        // It is files that are judged here; whether this machine could boot them, `load` says. Who names
        // another one wants to know what a gate would say there.
        if !described {
            machine.stated = baton_verify::Machine::SECURE;
        }
        Ok(Anchors {
            gate,
            keys,
            machine,
            given_by_option,
            lacks_shims_own: of_store && with_store.is_empty(),
            with_store,
        })
    }

    /// The signer in words; `.keys` is where a gate has its certificates, and here they may be others.
    pub fn describe(&self, signer: &Signer) -> String {
        let text = signer.to_string();
        if self.given_by_option && signer.anchor_source == AnchorSource::GateKeys {
            let (before, _) = text.rsplit_once(".keys").unwrap_or((&text, ""));
            return format!("{before}{BY_OPTION}");
        }
        text
    }

    /// A refusal in words, as the signer in [`Anchors::describe`].
    pub fn refused(&self, what: &impl Display, reason: Reason) -> Refused {
        let reason = self.named_in(reason);
        let unknown = matches!(
            reason,
            Reason::UnknownSigner { .. } | Reason::SignerNotFound { .. }
        );
        let advice = if self.lacks_shims_own {
            Some(SHIMS_OWN)
        } else {
            self.machine.why_no_mok()
        };
        Refused {
            what: what.to_string(),
            reason,
            advice: advice.filter(|_| unknown),
        }
    }

    /// The reason, with the trusted keys called what they are here.
    pub fn named_in(&self, mut reason: Reason) -> Reason {
        if let Reason::UnknownSigner { tried, .. } | Reason::SignerNotFound { tried, .. } =
            &mut reason
            && self.given_by_option
        {
            // The first one follows "keys tried: ", each other one "; ".
            *tried = tried
                .replacen(" .keys: ", " --cert: ", 1)
                .replace("; .keys: ", "; --cert: ");
        }
        reason
    }

    /// The machine's own lists and keyrings; `None` where nobody asked about a machine.
    pub fn keys(&self) -> Option<&Keys> {
        (!self.given_by_option).then_some(&self.keys)
    }

    /// What stands for shim's own certificates: those that were given with a variable store.
    pub fn shims_own(&self) -> Option<(&'static str, &[u8])> {
        (!self.with_store.is_empty()).then_some(("--against", &self.with_store[..]))
    }

    /// Where trusted certificates are, by name.
    pub fn places(&self) -> Vec<Place<'_>> {
        let own = if self.given_by_option {
            BY_OPTION
        } else {
            ".keys"
        };
        let mok = self.keys.mok.list.as_deref().unwrap_or_default();
        vec![
            Place::of_ders(own, &self.gate.keys),
            Place::of_lists("db", &self.keys.db),
            Place::of_lists("MokListRT", mok),
        ]
    }

    /// What the kernel shows of its keyrings.
    pub fn keyrings(&self) -> &Keyrings {
        &self.keys.keyrings
    }

    /// Trust in all of them.
    pub fn trust(&self) -> Result<Trust<'_>> {
        Ok(self.keys.gate_trust(self.gate.lists())?)
    }
}
