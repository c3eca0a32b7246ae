//! A policy as people write it: TOML. docs/policy.md describes the keys.

use super::model::{
    COMMAND_LINE_WAYS, INITRD_WAYS, KERNEL_WAYS, Key, PURPOSES, Policy, Rule, Rules, Values, Word,
};
use super::preset;
use crate::digest::sha256;
use crate::input::certs;
use baton_formats::cmdline::{Parameter, parameters};
use baton_formats::policy::{
    self, Action, MAX_NAME, MAX_REFUSAL_DELAY, OnRefusal, Purpose, RefusalAction,
};
use baton_formats::sbat::SbatLevel;
use baton_sys::hex;
use baton_toml::{Item, Result, Table, TomlError};
use baton_verify::Certificate;
use std::collections::BTreeMap;
use std::path::Path;

/// What is known of a command line; the first for crash loads alone.
const COMMAND_LINE_KEYS: [&str; 6] = [
    "normal-rules",
    "accept",
    "unlisted",
    "init-arguments",
    "force",
    "rules",
];
const ACTIONS: [(&str, Action); 2] = [("allow", Action::Allow), ("deny", Action::Deny)];

/// A policy and what of it is from elsewhere.
#[derive(Debug, Clone)]
pub struct PolicySource {
    /// All of it.
    pub policy: Policy,
    /// How many of the first parameter rules for a normal load are the text's own.
    pub own_rules: usize,
    /// As many for a crash load.
    pub own_crash_rules: usize,
}

/// Reads a policy; certificates are looked for in `directory`.
///
/// # Errors
/// Says where something is wrong, and what.
pub fn read(text: &str, directory: &Path) -> Result<PolicySource> {
    let parsed = baton_toml::parse(text)?;
    let root = Table::root(text, &parsed);
    root.check_keys(&[
        "preset",
        "name",
        "require-secure-boot",
        "refusal",
        "sbat",
        "kernel",
        "initrd",
        "cmdline",
        "crash",
        "key",
    ])?;
    let base = base(&root)?;
    let inherited = base.normal.parameters.len();
    let crash_table = root.table("crash")?;
    let normal = load_type(&root, &COMMAND_LINE_KEYS[1..], &base.normal)?;
    let crash = match &crash_table {
        Some(table) => crash_rules(table, &normal)?,
        None => normal.clone(),
    };
    let own_rules = normal.parameters.len() - inherited;
    let own_crash_rules = if inherits(crash_table.as_ref())? {
        crash.parameters.len() - normal.parameters.len()
    } else {
        crash.parameters.len()
    };
    let policy = Policy {
        name: name(&root, &base.name)?,
        refusal: refusal(&root, base.refusal)?,
        require_secure_boot: match root.get("require-secure-boot") {
            Some(item) => item.boolean()?,
            None => base.require_secure_boot,
        },
        sbat: match root.table("sbat")? {
            Some(table) => minimum(&table)?,
            None => base.sbat,
        },
        normal,
        crash,
        keys: keys(&root, directory)?,
    };
    Ok(PolicySource {
        policy,
        own_rules,
        own_crash_rules,
    })
}

/// What counts where the text says nothing.
fn base(root: &Table<'_>) -> Result<Policy> {
    let Some(item) = root.get("preset") else {
        return Ok(preset::stock());
    };
    match item.text()? {
        preset::NONE => Ok(preset::nothing()),
        name => preset::named(name).ok_or_else(|| {
            let known = preset::NAMES.join("\", \"");
            item.must_be(&format!("\"{known}\" or \"{}\"", preset::NONE))
        }),
    }
}

fn name(root: &Table<'_>, inherited: &str) -> Result<String> {
    let Some(item) = root.get("name") else {
        let as_it_is = root.says_only("preset");
        return Ok(if as_it_is { inherited } else { "" }.to_owned());
    };
    let name = item.text()?;
    if name.len() <= MAX_NAME && !name.contains(char::is_control) {
        Ok(name.to_owned())
    } else {
        Err(item.must_be(&format!(
            "at most {MAX_NAME} bytes without control characters"
        )))
    }
}

fn refusal(root: &Table<'_>, mut refusal: OnRefusal) -> Result<OnRefusal> {
    let Some(table) = root.table("refusal")? else {
        return Ok(refusal);
    };
    table.check_keys(&["action", "delay"])?;
    if let Some(item) = table.get("action") {
        refusal.action = item.word(&[
            ("reset", RefusalAction::Reset),
            ("halt", RefusalAction::Halt),
        ])?;
    }
    if let Some(item) = table.get("delay") {
        let seconds = item.number(0, u64::from(MAX_REFUSAL_DELAY))?;
        refusal.delay_seconds = u32::try_from(seconds).unwrap_or(MAX_REFUSAL_DELAY);
    }
    Ok(refusal)
}

fn minimum(sbat: &Table<'_>) -> Result<BTreeMap<String, u32>> {
    sbat.check_keys(&["minimum"])?;
    let Some(table) = sbat.table("minimum")? else {
        return Ok(BTreeMap::new());
    };
    let components = table.items().map(|(component, item)| {
        check_component(&component, &item)?;
        if component == "sbat" {
            return Err(item.problem("is SBAT's own generation; leave it out"));
        }
        Ok((component, generation(&item)?))
    });
    components.collect()
}

fn generation(item: &Item<'_>) -> Result<u32> {
    let generation = item.number(1, u64::from(u32::MAX))?;
    Ok(u32::try_from(generation).unwrap_or(u32::MAX))
}

/// Whether a level can have that name, as whoever reads it decides.
fn check_component(component: &str, item: &Item<'_>) -> Result<()> {
    let row = format!("sbat,1\n{component},1\n");
    let read = SbatLevel::parse(row.as_bytes()).ok();
    let one = read.and_then(|level| level.minimum(component));
    if one.is_some() && component.len() <= usize::from(u8::MAX) {
        Ok(())
    } else {
        Err(item.problem(
        "isn't about a component of SBAT; its name is printable ASCII without spaces and commas",
    ))
    }
}

/// The rules of a table with `kernel`, `initrd` and `cmdline`; of the latter these keys are known.
fn load_type(table: &Table<'_>, known: &[&str], base: &Rules) -> Result<Rules> {
    let mut rules = base.clone();
    accepted(table, "kernel", &KERNEL_WAYS, &mut rules.kernel)?;
    if rules.kernel == 0 {
        return Err(table
            .problem("kernel.accept must be said without a preset; no kernel would be accepted"));
    }
    accepted(table, "initrd", &INITRD_WAYS, &mut rules.initrd)?;
    if let Some(cmdline) = table.table("cmdline")? {
        command_line(&cmdline, known, &mut rules)?;
    }
    Ok(rules)
}

fn crash_rules(table: &Table<'_>, normal: &Rules) -> Result<Rules> {
    table.check_keys(&["kernel", "initrd", "cmdline"])?;
    let mut base = normal.clone();
    if !inherits(Some(table))? {
        base.parameters.clear();
    }
    load_type(table, &COMMAND_LINE_KEYS, &base)
}

/// Whether the parameter rules for a normal load count for a crash load, too.
fn inherits(crash: Option<&Table<'_>>) -> Result<bool> {
    let cmdline = crash.map(|it| it.table("cmdline")).transpose()?.flatten();
    let item = cmdline.and_then(|it| it.get("normal-rules"));
    Ok(item.map(|it| it.boolean()).transpose()?.unwrap_or(true))
}

fn accepted(table: &Table<'_>, key: &str, known: &[Word], bits: &mut u8) -> Result<()> {
    let Some(part) = table.table(key)? else {
        return Ok(());
    };
    part.check_keys(&["accept"])?;
    if let Some(item) = part.get("accept") {
        *bits = set(&item, known)?;
        if *bits == 0 && key == "kernel" {
            return Err(item.problem("is empty, no kernel would be accepted; name a way at least"));
        }
    }
    Ok(())
}

/// A list of words as bits.
fn set(list: &Item<'_>, known: &[Word]) -> Result<u8> {
    let words: Vec<(&str, u8)> = known.iter().map(|(bit, word, _)| (*word, *bit)).collect();
    let mut bits = list.list()?.into_iter().map(|item| item.word(&words));
    bits.try_fold(0, |all, bit| Ok(all | bit?))
}

fn command_line(table: &Table<'_>, known: &[&str], rules: &mut Rules) -> Result<()> {
    table.check_keys(known)?;
    if let Some(item) = table.get("accept") {
        rules.command_line = set(&item, &COMMAND_LINE_WAYS)?;
    }
    if let Some(item) = table.get("unlisted") {
        rules.unlisted = item.word(&ACTIONS)?;
    }
    if let Some(item) = table.get("init-arguments") {
        rules.init_arguments = item.word(&ACTIONS)?;
    }
    if let Some(item) = table.get("rules") {
        let own: Vec<Rule> = item.list()?.iter().map(rule).collect::<Result<_>>()?;
        rules.parameters.splice(0..0, own);
    }
    if let Some(item) = table.get("force") {
        let forced = item.list()?;
        rules.force = forced.iter().map(forced_parameter).collect::<Result<_>>()?;
    }
    Ok(())
}

/// One parameter of a command line, which leaves no quote open.
fn forced_parameter(item: &Item<'_>) -> Result<String> {
    let text = item.text()?;
    if !text.bytes().all(|byte| (b' '..=b'~').contains(&byte)) {
        return Err(item.must_be("printable ASCII"));
    }
    let mut all = parameters(text.as_bytes());
    let one = match (all.next(), all.next()) {
        (Some(one), None) if one.raw == text.as_bytes() => one,
        _ => return Err(item.must_be("one parameter, as in \"panic=10\"; list each by itself")),
    };
    if one.ends_kernel_parameters() {
        return Err(
            item.problem("ends the kernel's parameters; forced parameters are the kernel's")
        );
    }
    if text.matches('"').count() % 2 != 0 {
        return Err(item.problem("leaves a quote open, which would take in what follows"));
    }
    Ok(text.to_owned())
}

fn rule(item: &Item<'_>) -> Result<Rule> {
    let table = item.table().map_err(|_| {
        item.must_be("a rule, as { deny = \"init\" } or { allow = \"quiet\", value = false }")
    })?;
    const VALUES: [&str; 6] = ["value", "one-of", "number", "with", "all-of", "with-prefix"];
    table.check_keys(&[&["deny", "allow"], &VALUES[..]].concat())?;
    let (action, name) = match (table.get("deny"), table.get("allow")) {
        (Some(name), None) => (Action::Deny, name),
        (None, Some(name)) => (Action::Allow, name),
        _ => return Err(item.must_be("a rule with either \"allow\" or \"deny\"")),
    };
    if VALUES.iter().filter(|key| table.get(key).is_some()).count() > 1 {
        let one = format!("a rule with at most one of {}", VALUES.join(", "));
        return Err(item.must_be(&one));
    }
    Ok(Rule {
        action,
        name: parameter_name(&name)?,
        value: values(&table)?,
    })
}

fn parameter_name(item: &Item<'_>) -> Result<String> {
    let name = item.text()?;
    let fits = (1..=usize::from(u8::MAX)).contains(&name.len());
    let start = name.strip_suffix('*').unwrap_or(name);
    let plain = |c: char| !c.is_whitespace() && !c.is_control() && !"=\"*\u{a0}".contains(c);
    if fits && start.chars().all(plain) {
        Ok(name.to_owned())
    } else {
        Err(item.must_be("a parameter's name of 1 to 255 bytes, without = and value; * may end it"))
    }
}

fn values(table: &Table<'_>) -> Result<Values> {
    if let Some(item) = table.get("value") {
        return match item.boolean() {
            Ok(false) => Ok(Values::None),
            _ => Err(item.must_be("false (without a value); leave it out for any value")),
        };
    }
    if let Some(item) = table.get("one-of") {
        return Ok(Values::OneOf(value_texts(&item)?));
    }
    if let Some(item) = table.get("number") {
        return range(&item);
    }
    if let Some(item) = table.get("with") {
        return match item.text()? {
            "" => Err(item.must_be("an item of a list")),
            text => Ok(Values::With(list_item(&item, text)?)),
        };
    }
    if let Some(item) = table.get("all-of") {
        let items = value_texts(&item)?;
        let items = items.iter().map(|text| list_item(&item, text));
        return Ok(Values::AllOf(items.collect::<Result<_>>()?));
    }
    if let Some(item) = table.get("with-prefix") {
        return match item.text()? {
            "" => Err(item.must_be("the beginning of a list's item")),
            text => Ok(Values::WithPrefix(list_item(&item, text)?)),
        };
    }
    Ok(Values::Any)
}

fn value_texts(item: &Item<'_>) -> Result<Vec<String>> {
    let texts = item.texts()?;
    if !texts.is_empty() && !texts.iter().any(|text| text.contains('\0')) {
        Ok(texts)
    } else {
        Err(item.must_be("a list of one value or more, without NUL"))
    }
}

/// An item of a value that is a list.
fn list_item(item: &Item<'_>, text: &str) -> Result<String> {
    if !text.contains([',', '\0']) {
        Ok(text.to_owned())
    } else {
        Err(item.problem(format!(
            "has \"{}\", which no item of a list can be: commas separate them",
            text.escape_debug()
        )))
    }
}

fn range(item: &Item<'_>) -> Result<Values> {
    let wrong = || item.must_be("two numbers, the least and the most, as in [0, 7]");
    let [least, most] = &item.list().map_err(|_| wrong())?[..] else {
        return Err(wrong());
    };
    let (least, most) = (least.number(0, u64::MAX)?, most.number(0, u64::MAX)?);
    if least <= most {
        Ok(Values::Number(least, most))
    } else {
        Err(wrong())
    }
}

fn keys(root: &Table<'_>, directory: &Path) -> Result<Vec<Key>> {
    let Some(item) = root.get("key") else {
        return Ok(Vec::new());
    };
    let tables = item
        .list()
        .map_err(|_| item.must_be("a list of tables: [[key]]"))?;
    let mut keys: Vec<Key> = Vec::new();
    for item in tables {
        let key = key(&item.table()?, directory)?;
        if keys.iter().any(|it| it.sha256 == key.sha256) {
            return Err(item.problem("is about a key that was named before; join the two"));
        }
        keys.push(key);
    }
    Ok(keys)
}

fn key(table: &Table<'_>, directory: &Path) -> Result<Key> {
    table.check_keys(&["certificate", "key-sha256", "may", "sbat"])?;
    let sha256 = match (table.get("certificate"), table.get("key-sha256")) {
        (Some(item), None) => certificate(&item, directory)?,
        (None, Some(item)) => digest(&item)?,
        _ => {
            return Err(table.problem("a key needs either \"certificate\" or \"key-sha256\""));
        }
    };
    let item = table.require("may")?;
    let may = set(&item, &PURPOSES)?;
    if may == 0 {
        return Err(item.problem("is empty; name what the key may vouch for, or revoke it"));
    }
    let sbat = table.table("sbat")?.map(|it| scope_sbat(&it)).transpose()?;
    if sbat.is_some() && may != Purpose::Kernel as u8 {
        return Err(item.problem("must be [\"kernel\"] alone where the key has an sbat"));
    }
    Ok(Key { sha256, may, sbat })
}

fn scope_sbat(table: &Table<'_>) -> Result<(String, u32)> {
    table.check_keys(&["component", "generation"])?;
    let component = table.require("component")?;
    let name = component.text()?;
    check_component(name, &component)?;
    Ok((name.to_owned(), generation(&table.require("generation")?)?))
}

fn certificate(item: &Item<'_>, directory: &Path) -> Result<[u8; 32]> {
    let path = directory.join(item.text()?);
    let wrong = |why: String| item.problem(format!("can't be used: {why}"));
    let all = certs::read(&path).map_err(|failure| wrong(failure.to_string()))?;
    let [one] = &all[..] else {
        let count = all.len();
        let path = path.display();
        return Err(wrong(format!(
            "{path} holds {count} certificates; give a file with one"
        )));
    };
    let parsed = Certificate::parse(one).map_err(|e| wrong(e.to_string()))?;
    Ok(sha256([parsed.key_info()]))
}

fn digest(item: &Item<'_>) -> Result<[u8; 32]> {
    let text = item.text()?;
    let wrong =
        || item.must_be("the 64 hexadecimal digits of SHA-256 of the key's SubjectPublicKeyInfo");
    hex::decode_digest(text).ok_or_else(wrong)
}

/// Refuses forced parameters that a rule of the same policy denies: one of both is a mistake.
///
/// # Errors
/// Names the parameter and the rule.
pub fn check_forced(policy: &policy::Policy<'_>) -> Result<()> {
    for (crash, prefix) in [(false, ""), (true, "crash.")] {
        let rules = policy.rules(crash);
        let decides = |it: &Parameter<'_>| rules.parameters().find(|rule| rule.is_about(it));
        let is_denied =
            |it: &Parameter<'_>| decides(it).is_some_and(|rule| rule.action == Action::Deny);
        if let Some(denied) = parameters(rules.forced).find(is_denied) {
            return Err(TomlError::new(format!(
                "{prefix}cmdline.force has \"{}\", which a rule of the same policy denies; \
                 allow it by a rule before that, or don't force it",
                denied.raw.escape_ascii()
            )));
        }
    }
    Ok(())
}
