//! What a gate was built with, read out of its file as the gate itself reads it.

use crate::failure::Result;
use crate::failure::gate::GateError;
use crate::kind::FileKind;
use baton_formats::gate_image::{Formats, GateInfo, GateInfoError};
use baton_formats::policy::{Policy, STOCK};
use baton_verify::Lists;
use std::path::Path;

/// The gate's own lists.
#[derive(Debug, Clone, Default)]
pub struct OwnLists {
    /// DER certificates, one after another.
    pub keys: Vec<u8>,
    /// EFI signature lists of what it refuses.
    pub revocations: Vec<u8>,
    /// Its policy, as [`Policy::parse`] reads it.
    policy: Vec<u8>,
    /// The formats of kernels that it can boot.
    formats: Formats,
}

impl OwnLists {
    /// Reads them; `path` is for the error.
    ///
    /// # Errors
    /// When the file isn't a gate.
    pub fn of(gate: &[u8], path: &Path) -> Result<OwnLists> {
        let not_a_gate = |e| GateError::NotAGate {
            path: path.to_owned(),
            why: not_a_gate(gate, &e),
        };
        let info = GateInfo::from_image(gate).map_err(not_a_gate)?;
        // A gate without one goes by the stock policy, too.
        let policy = match info.policy(gate).map_err(not_a_gate)? {
            [] => STOCK,
            bytes => bytes,
        };
        Policy::parse(policy).map_err(|e| GateError::BadPolicy {
            path: path.to_owned(),
            why: e.to_string(),
        })?;
        Ok(OwnLists {
            keys: info.keys(gate).map_err(not_a_gate)?.to_vec(),
            revocations: info.dbx(gate).map_err(not_a_gate)?.to_vec(),
            policy: policy.to_vec(),
            formats: info.formats,
        })
    }

    /// For trust to be made of them.
    #[must_use]
    pub fn lists(&self) -> Lists<'_> {
        Lists {
            keys: &self.keys,
            gate_revocations: &self.revocations,
            // `of` has read it before; of no gate at all the stock policy is assumed.
            policy: Policy::parse(&self.policy).unwrap_or_default(),
            formats: self.formats,
            ..Lists::default()
        }
    }
}

/// Why a file isn't a gate, by what it is instead.
#[must_use]
pub fn not_a_gate(file: &[u8], error: &GateInfoError) -> String {
    let kind = FileKind::of(file);
    match error {
        GateInfoError::Magic | GateInfoError::TooShort => format!(
            "it is {}, and not a gate; build one with `baton gate build`",
            kind.name
        ),
        _ => error.to_string(),
    }
}
