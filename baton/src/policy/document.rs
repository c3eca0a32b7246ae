//! The TOML of a policy, table by table: its keys and what each may hold. docs/policy.md describes them.

use super::model::{Rule, Values};
use super::preset;
use super::words::{CommandLineSignature, Set, Word, Words};
use baton_formats::cmdline::parameters;
use baton_formats::policy::{
    Action, InputSignature, KernelSignature, MAX_NAME, MAX_REFUSAL_DELAY, Purpose, RefusalAction,
};
use baton_formats::sbat::SbatLevel;
use baton_sys::hex;
use baton_toml::{Number, must_be, valid};
use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::collections::BTreeMap;

/// All of it. What isn't said is as in the preset.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Document {
    #[serde(deserialize_with = "preset")]
    pub preset: Option<String>,
    #[serde(deserialize_with = "name")]
    pub name: Option<String>,
    pub require_secure_boot: Option<bool>,
    pub refusal: Option<Refusal>,
    pub sbat: Option<Sbat>,
    pub kernel: Option<Accept<KernelSignature>>,
    pub initrd: Option<Accept<InputSignature>>,
    pub cmdline: Option<CommandLine>,
    pub crash: Option<LoadType>,
    pub key: Option<Vec<Key>>,
}

/// What a refusal does.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, expecting = "a table: [refusal]")]
pub(super) struct Refusal {
    pub action: Option<Word<RefusalAction>>,
    pub delay: Option<Number<0, MAX_REFUSAL_DELAY>>,
}

/// The least SBAT generation of components.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, expecting = "a table: [sbat]")]
pub(super) struct Sbat {
    pub minimum: Option<BTreeMap<Component, Generation>>,
}

pub type Generation = Number<1, { u32::MAX }>;

/// What is accepted for one load type.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, expecting = "a table: [crash]")]
pub(super) struct LoadType {
    pub kernel: Option<Accept<KernelSignature>>,
    pub initrd: Option<Accept<InputSignature>>,
    pub cmdline: Option<CommandLine>,
}

/// What counts as a signature of something.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(
    deny_unknown_fields,
    bound = "T: Words<Value = u8>",
    expecting = "a table"
)]
pub(super) struct Accept<T> {
    pub accept: Option<Set<T>>,
}

/// What is accepted of a command line.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", expecting = "a table")]
pub(super) struct CommandLine {
    pub accept: Option<Set<CommandLineSignature>>,
    pub unlisted: Option<Word<Action>>,
    pub init_arguments: Option<Word<Action>>,
    pub force: Option<Vec<Forced>>,
    /// Whether a crash load's rules have those of a normal load after them.
    pub normal_rules: Option<bool>,
    pub rules: Option<Vec<Rule>>,
}

/// A key that may not vouch for everything.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(
    deny_unknown_fields,
    rename_all = "kebab-case",
    expecting = "a table: [[key]]"
)]
pub(super) struct Key {
    pub certificate: Option<String>,
    pub key_sha256: Option<KeyDigest>,
    pub may: Set<Purpose>,
    pub sbat: Option<Scope>,
}

/// The SBAT component that a kernel must have, and its least generation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, expecting = "a table")]
pub struct Scope {
    pub component: Component,
    pub generation: Generation,
}

fn preset<'d, D: Deserializer<'d>>(deserializer: D) -> Result<Option<String>, D::Error> {
    let is_known = |name: &str| name == preset::NONE || preset::NAMES.contains(&name);
    let known = preset::NAMES.join("\", \"");
    let what = format!("\"{known}\" or \"{}\"", preset::NONE);
    valid(deserializer, is_known, &what).map(Some)
}

fn name<'d, D: Deserializer<'d>>(deserializer: D) -> Result<Option<String>, D::Error> {
    let fits = |name: &str| name.len() <= MAX_NAME && !name.contains(char::is_control);
    let what = format!("at most {MAX_NAME} bytes without control characters");
    valid(deserializer, fits, &what).map(Some)
}

/// A component of SBAT.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String")]
pub struct Component(pub String);

impl TryFrom<String> for Component {
    type Error = &'static str;

    /// Whether a level can have that name, as whoever reads it decides.
    fn try_from(name: String) -> Result<Self, Self::Error> {
        let row = format!("sbat,1\n{name},1\n");
        let read = SbatLevel::parse(row.as_bytes()).ok();
        let one = read.and_then(|level| level.minimum(&name));
        if one.is_some() && name.len() <= usize::from(u8::MAX) {
            Ok(Component(name))
        } else {
            Err(
                "this isn't a component of SBAT; its name is printable ASCII without spaces and commas",
            )
        }
    }
}

/// SHA-256 of a key, in hexadecimal digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct KeyDigest(pub [u8; 32]);

impl Serialize for KeyDigest {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        hex::encode(self.0).serialize(serializer)
    }
}

impl<'d> Deserialize<'d> for KeyDigest {
    fn deserialize<D: Deserializer<'d>>(deserializer: D) -> Result<Self, D::Error> {
        let digest = hex::decode_digest(&String::deserialize(deserializer)?).map(KeyDigest);
        let what = "the 64 hexadecimal digits of SHA-256 of the key's SubjectPublicKeyInfo";
        digest.ok_or_else(|| must_be(what))
    }
}

/// One parameter of a command line, which leaves no quote open.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Forced(pub String);

impl<'d> Deserialize<'d> for Forced {
    fn deserialize<D: Deserializer<'d>>(deserializer: D) -> Result<Self, D::Error> {
        let is_ascii = |text: &str| text.bytes().all(|byte| (b' '..=b'~').contains(&byte));
        let text = valid(deserializer, is_ascii, "printable ASCII")?;
        let mut all = parameters(text.as_bytes());
        let one = match (all.next(), all.next()) {
            (Some(one), None) if one.raw == text.as_bytes() => one,
            _ => {
                let what = "one parameter, as in \"panic=10\"; list each by itself";
                return Err(must_be(what));
            }
        };
        if one.ends_kernel_parameters() {
            let why = "this ends the kernel's parameters; forced parameters are the kernel's";
            return Err(D::Error::custom(why));
        }
        if text.matches('"').count() % 2 != 0 {
            let why = "this leaves a quote open, which would take in what follows";
            return Err(D::Error::custom(why));
        }
        Ok(Forced(text))
    }
}

/// A rule about parameters, as TOML has it.
#[derive(Default, Serialize, Deserialize)]
#[serde(
    default,
    deny_unknown_fields,
    rename_all = "kebab-case",
    expecting = "a rule, as { deny = \"init\" } or { allow = \"quiet\", value = false }"
)]
pub(super) struct RuleTable {
    #[serde(deserialize_with = "parameter")]
    deny: Option<String>,
    #[serde(deserialize_with = "parameter")]
    allow: Option<String>,
    #[serde(deserialize_with = "no_value")]
    value: Option<bool>,
    #[serde(deserialize_with = "values")]
    one_of: Option<Vec<String>>,
    #[serde(deserialize_with = "range")]
    number: Option<(u64, u64)>,
    #[serde(deserialize_with = "item")]
    with: Option<String>,
    #[serde(deserialize_with = "items")]
    all_of: Option<Vec<String>>,
    #[serde(deserialize_with = "start")]
    with_prefix: Option<String>,
}

impl<'d> Deserialize<'d> for Rule {
    fn deserialize<D: Deserializer<'d>>(deserializer: D) -> Result<Self, D::Error> {
        let table = RuleTable::deserialize(deserializer)?;
        let (action, name) = match (table.deny, table.allow) {
            (Some(name), None) => (Action::Deny, name),
            (None, Some(name)) => (Action::Allow, name),
            _ => return Err(must_be("a rule with either \"allow\" or \"deny\"")),
        };
        let values = [
            table.value.map(|_| Values::None),
            table.one_of.map(Values::OneOf),
            table
                .number
                .map(|(least, most)| Values::Number(least, most)),
            table.with.map(Values::With),
            table.all_of.map(Values::AllOf),
            table.with_prefix.map(Values::WithPrefix),
        ];
        let mut values = values.into_iter().flatten();
        match (values.next(), values.next()) {
            (value, None) => Ok(Rule {
                action,
                name,
                value: value.unwrap_or(Values::Any),
            }),
            _ => Err(must_be(
                "a rule with at most one of value, one-of, number, with, all-of, with-prefix",
            )),
        }
    }
}

impl From<Rule> for RuleTable {
    fn from(rule: Rule) -> RuleTable {
        let mut table = RuleTable::default();
        match rule.action {
            Action::Deny => table.deny = Some(rule.name),
            Action::Allow => table.allow = Some(rule.name),
        }
        match rule.value {
            Values::Any => {}
            Values::None => table.value = Some(false),
            Values::OneOf(texts) => table.one_of = Some(texts),
            Values::Number(least, most) => table.number = Some((least, most)),
            Values::With(item) => table.with = Some(item),
            Values::AllOf(items) => table.all_of = Some(items),
            Values::WithPrefix(start) => table.with_prefix = Some(start),
        }
        table
    }
}

fn parameter<'d, D: Deserializer<'d>>(deserializer: D) -> Result<Option<String>, D::Error> {
    let plain = |c: char| !c.is_whitespace() && !c.is_control() && !"=\"*\u{a0}".contains(c);
    let is_name = |name: &str| {
        let fits = (1..=usize::from(u8::MAX)).contains(&name.len());
        fits && name.strip_suffix('*').unwrap_or(name).chars().all(plain)
    };
    let what = "a parameter's name of 1 to 255 bytes, without = and value; * may end it";
    valid(deserializer, is_name, what).map(Some)
}

fn no_value<'d, D: Deserializer<'d>>(deserializer: D) -> Result<Option<bool>, D::Error> {
    match bool::deserialize(deserializer) {
        Ok(false) => Ok(Some(false)),
        _ => Err(must_be(
            "false (without a value); leave it out for any value",
        )),
    }
}

fn values<'d, D: Deserializer<'d>>(deserializer: D) -> Result<Option<Vec<String>>, D::Error> {
    let texts = Vec::<String>::deserialize(deserializer)?;
    if !texts.is_empty() && !texts.iter().any(|text| text.contains('\0')) {
        Ok(Some(texts))
    } else {
        Err(must_be("a list of one value or more, without NUL"))
    }
}

fn range<'d, D: Deserializer<'d>>(deserializer: D) -> Result<Option<(u64, u64)>, D::Error> {
    match Vec::deserialize(deserializer)?[..] {
        [least, most] if least <= most => Ok(Some((least, most))),
        _ => Err(must_be("two numbers, the least and the most, as in [0, 7]")),
    }
}

fn item<'d, D: Deserializer<'d>>(deserializer: D) -> Result<Option<String>, D::Error> {
    let text = valid(deserializer, |text| !text.is_empty(), "an item of a list")?;
    check_items([text.as_str()]).map(|()| Some(text))
}

fn start<'d, D: Deserializer<'d>>(deserializer: D) -> Result<Option<String>, D::Error> {
    let what = "the beginning of a list's item";
    let text = valid(deserializer, |text| !text.is_empty(), what)?;
    check_items([text.as_str()]).map(|()| Some(text))
}

fn items<'d, D: Deserializer<'d>>(deserializer: D) -> Result<Option<Vec<String>>, D::Error> {
    let texts = values(deserializer)?;
    check_items(texts.iter().flatten().map(String::as_str)).map(|()| texts)
}

/// Refuses what can't be an item of a value that is a list.
fn check_items<'t, E: Error>(texts: impl IntoIterator<Item = &'t str>) -> Result<(), E> {
    let mut texts = texts.into_iter();
    match texts.find(|text| text.contains([',', '\0'])) {
        None => Ok(()),
        Some(text) => Err(E::custom(format!(
            "\"{}\" is no item of a list: commas separate them",
            text.escape_debug()
        ))),
    }
}
