//! A policy as its parts: what its TOML says and what its compact form holds.

use super::document::{Component, Generation, RuleTable, Scope};
use super::words::{CommandLineSignature, Set};
use baton_formats::policy::{Action, InputSignature, KernelSignature, OnRefusal, Purpose};
use serde::Serialize;
use std::collections::BTreeMap;

/// A policy, with nothing left to be looked up elsewhere.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    /// What people call it; may be empty.
    pub name: String,
    /// What a refusal does.
    pub refusal: OnRefusal,
    /// Nothing is booted unless the running kernel says that Secure Boot is on.
    pub require_secure_boot: bool,
    /// The least SBAT generation of components.
    pub sbat: BTreeMap<Component, Generation>,
    /// What counts for a normal load.
    pub normal: Rules,
    /// What counts for a crash load.
    pub crash: Rules,
    /// The keys that may not vouch for everything.
    pub keys: Vec<Key>,
}

/// What is accepted for one load type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rules {
    /// The signature kinds that count for a kernel.
    pub kernel: Set<KernelSignature>,
    /// Where an initrd may come from, besides a UKI.
    pub initrd: Set<InputSignature>,
    /// Where a command line may come from, besides a UKI.
    pub command_line: Set<CommandLineSignature>,
    /// What happens to parameters that no rule is about.
    pub unlisted: Action,
    /// What happens to what follows a lone `--`.
    pub init_arguments: Action,
    /// The parameters that are added.
    pub force: Vec<String>,
    /// The first that fits counts.
    pub parameters: Vec<Rule>,
}

/// A rule about parameters.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(into = "RuleTable")]
pub struct Rule {
    /// What it does.
    pub action: Action,
    /// The parameters' name; `*` at its end stands for anything.
    pub name: String,
    /// The values it is about.
    pub value: Values,
}

/// The values that a rule is about, as [`baton_formats::policy::Value`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Values {
    /// Any, and none.
    Any,
    /// None.
    None,
    /// One of these.
    OneOf(Vec<String>),
    /// A number from one to another.
    Number(u64, u64),
    /// A list with this item in it.
    With(String),
    /// A list of nothing else.
    AllOf(Vec<String>),
    /// A list with an item in it that begins so.
    WithPrefix(String),
}

/// A key that may not vouch for everything.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Key {
    /// SHA-256 of it as a SubjectPublicKeyInfo.
    pub sha256: [u8; 32],
    /// What it may vouch for.
    pub may: Set<Purpose>,
    /// The SBAT component that a kernel must have, and its least generation.
    pub sbat: Option<Scope>,
}

impl Policy {
    /// What counts for this load type.
    #[must_use]
    pub fn rules(&self, crash: bool) -> &Rules {
        if crash { &self.crash } else { &self.normal }
    }
}
