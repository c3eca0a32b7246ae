//! The presets: policies that come with the program, as TOML.

use super::compact;
use super::model::{Policy, Rules};
use super::source;
use super::words::Set;
use baton_formats::policy::{self, Action, OnRefusal};
use std::collections::BTreeMap;
use std::path::Path;

/// The presets' names, the default first.
pub const NAMES: [&str; 3] = ["stock", "signed-initrd", "sealed"];
/// The word for no preset: all that counts is said.
pub const NONE: &str = "none";

/// The TOML of a preset.
#[must_use]
pub fn text(name: &str) -> Option<&'static str> {
    match name {
        "stock" => Some(include_str!("presets/stock.toml")),
        "signed-initrd" => Some(include_str!("presets/signed-initrd.toml")),
        "sealed" => Some(include_str!("presets/sealed.toml")),
        _ => None,
    }
}

/// A preset.
#[must_use]
pub fn named(name: &str) -> Option<Policy> {
    // A test reads each of them.
    source::read(text(name)?, Path::new(""))
        .ok()
        .map(|it| it.policy)
}

/// The preset that counts where none is named.
#[must_use]
pub fn stock() -> Policy {
    named("stock").unwrap_or_else(nothing)
}

/// What is before anything is said: a policy that accepts no kernel.
#[must_use]
pub fn nothing() -> Policy {
    let rules = Rules {
        kernel: Set::of(0),
        initrd: Set::of(0),
        command_line: Set::of(0),
        unlisted: Action::Allow,
        init_arguments: Action::Allow,
        force: Vec::new(),
        parameters: Vec::new(),
    };
    Policy {
        name: String::new(),
        refusal: OnRefusal::default(),
        require_secure_boot: true,
        sbat: BTreeMap::new(),
        normal: rules.clone(),
        crash: rules,
        keys: Vec::new(),
    }
}

/// The name of the preset that a compact policy is, byte for byte.
#[must_use]
pub fn name_of(policy: &policy::Policy<'_>) -> Option<&'static str> {
    NAMES.into_iter().find(|name| {
        let preset = named(name).and_then(|preset| compact::write(&preset).ok());
        preset.as_deref() == Some(policy.as_bytes())
    })
}
