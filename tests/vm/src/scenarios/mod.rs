//! What is shown in virtual machines. One short function per scenario, expanded over kernels.

mod altered;
mod attacks;
mod compat;
mod crash;
mod dump;
mod foretold;
mod format;
mod formats;
mod handover;
mod held;
mod installed;
mod keys;
mod policy;
mod refusal;
mod stock;

use baton_lab::setup::Lab;

use crate::scenario::Scenario;

pub use handover::demo;

/// All of them.
pub fn all(lab: &Lab) -> Vec<Scenario> {
    let labels: Vec<&str> = lab
        .packages
        .kernels
        .iter()
        .map(|k| k.label.as_str())
        .collect();
    let mut found = stock::all(&labels);
    found.extend(handover::all(&labels));
    found.extend(crash::all(&labels));
    found.extend(dump::all(&labels));
    found.extend(formats::all(&labels));
    found.extend(refusal::all());
    found.extend(foretold::all(&labels));
    found.extend(policy::all(&labels));
    found.extend(altered::all(&labels));
    found.extend(attacks::all(&labels));
    found.extend(compat::all());
    found.extend(installed::all());
    found.push(held::signed_however_the_key_is_held());
    found.push(keys::made_by_baton());
    found
}
