//! A policy as its parts: what its TOML says and what its compact form holds.

use baton_formats::policy::{Action, InputSignature, KernelSignature, OnRefusal, Purpose};
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
    pub sbat: BTreeMap<String, u32>,
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
    /// Bits of [`KernelSignature`].
    pub kernel: u8,
    /// Bits of [`InputSignature`].
    pub initrd: u8,
    /// Bits of [`InputSignature`].
    pub command_line: u8,
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
#[derive(Debug, Clone, PartialEq, Eq)]
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
    /// Bits of [`Purpose`].
    pub may: u8,
    /// The SBAT component that a kernel must have, and its least generation.
    pub sbat: Option<(String, u32)>,
}

/// A bit, its word in TOML, and what it is called in a sentence.
pub type Word = (u8, &'static str, &'static str);

/// The ways to vouch for a kernel.
pub const KERNEL_WAYS: [Word; 7] = [
    (
        KernelSignature::Authenticode as u8,
        "authenticode",
        "an Authenticode signature on any PE image",
    ),
    (
        KernelSignature::Uki as u8,
        "uki",
        "an Authenticode signature on a UKI",
    ),
    (
        KernelSignature::ListedDigest as u8,
        "listed-digest",
        "its digest in the machine's MOK list",
    ),
    (
        KernelSignature::Appended as u8,
        "appended",
        "an appended signature",
    ),
    (
        KernelSignature::Note as u8,
        "note",
        "a signature in an ELF note",
    ),
    (
        KernelSignature::Detached as u8,
        "detached",
        "a detached signature",
    ),
    (
        KernelSignature::Manifest as u8,
        "manifest",
        "a signed manifest",
    ),
];

/// Where an initrd may come from, besides a UKI.
pub const INITRD_WAYS: [Word; 3] = [
    (InputSignature::Unsigned as u8, "unsigned", "unsigned"),
    (
        InputSignature::Detached as u8,
        "detached",
        "with a detached signature",
    ),
    (
        InputSignature::Manifest as u8,
        "manifest",
        "listed in a signed manifest",
    ),
];

/// Where a command line may come from, besides a UKI.
pub const COMMAND_LINE_WAYS: [Word; 2] = [
    (
        InputSignature::Unsigned as u8,
        "unsigned",
        "chosen by user space",
    ),
    (
        InputSignature::Manifest as u8,
        "manifest",
        "what a signed manifest says it must be",
    ),
];

/// What a key may vouch for.
pub const PURPOSES: [Word; 4] = [
    (Purpose::Kernel as u8, "kernel", "kernels"),
    (Purpose::Initrd as u8, "initrd", "initrds"),
    (
        Purpose::Manifest as u8,
        "manifest",
        "manifests with all that they list",
    ),
    (Purpose::Addon as u8, "addon", "addons of UKIs"),
];

/// The words in TOML of what is set in `bits`.
#[must_use]
pub fn words(bits: u8, known: &[Word]) -> Vec<&'static str> {
    let set = known.iter().filter(|(bit, _, _)| bits & bit != 0);
    set.map(|(_, word, _)| *word).collect()
}

/// What is set in `bits`, as parts of a sentence.
#[must_use]
pub fn described(bits: u8, known: &[Word]) -> Vec<&'static str> {
    let set = known.iter().filter(|(bit, _, _)| bits & bit != 0);
    set.map(|(_, _, described)| *described).collect()
}

/// The word for an action.
#[must_use]
pub fn action_word(action: Action) -> &'static str {
    match action {
        Action::Deny => "deny",
        Action::Allow => "allow",
    }
}

impl Policy {
    /// What counts for this load type.
    #[must_use]
    pub fn rules(&self, crash: bool) -> &Rules {
        if crash { &self.crash } else { &self.normal }
    }
}
