//! The record of what was verified, which travels on with the next kernel.

extern crate alloc;

use alloc::vec;
use alloc::vec::Vec;

use baton_formats::verdict::{self, Component, Gate};
use baton_verify::{Decision, JudgedPart};

/// The record's bytes.
pub(crate) fn record(decision: &Decision<'_>, identity: [u8; 32]) -> Vec<u8> {
    let mut components = Vec::new();
    // No more than a record holds, or `decide` had refused them.
    for part in &decision.parts {
        components.push(component(part));
    }
    let gate = Gate {
        identity,
        version: env!("CARGO_PKG_VERSION"),
        policy: decision.policy.digest,
        policy_name: &decision.policy.name,
        crash: decision.crash,
    };
    let mut bytes = vec![0; verdict::written_len(components.len()).unwrap_or(0)];
    verdict::write(&mut bytes, &gate, &components);
    bytes
}

fn component(part: &JudgedPart) -> Component<'_> {
    let signer = part.vouched.signer.as_ref();
    Component {
        kind: part.kind,
        signature_kind: part.vouched.signature_kind,
        size: part.size,
        digest: part.digest,
        key_id: signer.map_or(&[], |signer| signer.key_id.as_bytes()),
        subject: signer.map_or("", |signer| signer.subject.as_str()),
    }
}
