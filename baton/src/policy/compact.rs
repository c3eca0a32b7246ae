//! The compact form, written and read back ([`baton_formats::policy`] describes it byte by byte).

use super::document::{Component, Generation, Scope};
use super::model::{Key, Policy, Rule, Rules, Values};
use super::words::Set;
use baton_formats::cmdline::parameters;
use baton_formats::policy::{
    self as compact, Action, MAGIC, MAX_FORCED, MAX_LEN, MAX_RULES, MAX_SCOPES, RefusalAction,
    Value, texts,
};
use baton_formats::sbat::SbatLevel;
use std::collections::BTreeMap;

const FLAG_UNLISTED_DENIED: u8 = compact::FLAG_UNLISTED_DENIED;
const FLAG_NOTHING_FOR_INIT: u8 = compact::FLAG_NOTHING_FOR_INIT;
const FOREIGN: &str = "the policy was made by another program, and TOML can't express it";
/// The first row of a level: SBAT's own generation.
const LEVEL_HEAD: &str = "sbat,1,1\n";

/// Its compact form, which has been read back.
///
/// # Errors
/// Says what it has too much of.
pub fn write(policy: &Policy) -> Result<Vec<u8>, String> {
    let level = level(&policy.sbat);
    let mut body = policy.name.clone().into_bytes();
    body.extend(level.as_bytes());
    write_rules(&policy.normal, "a normal load", &mut body)?;
    write_rules(&policy.crash, "a crash load", &mut body)?;
    let scopes = counted(policy.keys.len(), MAX_SCOPES, "keys")?;
    for key in &policy.keys {
        write_key(key, &mut body)?;
    }
    let mut bytes = header(policy);
    let total = compact::HEADER_LEN + body.len();
    let total = u32::try_from(total).ok().filter(|_| total <= MAX_LEN);
    let total =
        total.ok_or_else(|| format!("it is over {MAX_LEN} bytes in compact form; shorten it"))?;
    bytes.extend(total.to_le_bytes());
    bytes.extend(length_u16(level.len(), "sbat.minimum")?.to_le_bytes());
    bytes.extend(scopes.to_le_bytes());
    let flags = if policy.require_secure_boot {
        compact::FLAG_REQUIRE_SECURE_BOOT
    } else {
        0
    };
    bytes.extend([flags, 0, 0, 0]);
    bytes.extend(body);
    compact::Policy::parse(&bytes).map_err(|e| e.to_string())?;
    Ok(bytes)
}

/// What comes before the length of all.
fn header(policy: &Policy) -> Vec<u8> {
    let mut bytes = MAGIC.to_vec();
    bytes.extend(compact::VERSION.to_le_bytes());
    bytes.push(u8::from(policy.refusal.action == RefusalAction::Halt));
    bytes.push(u8::try_from(policy.name.len()).unwrap_or(u8::MAX));
    bytes.extend(policy.refusal.delay_seconds.to_le_bytes());
    bytes
}

/// The text of a level that asks for these generations; none for none.
fn level(minimum: &BTreeMap<Component, Generation>) -> String {
    if minimum.is_empty() {
        return String::new();
    }
    let rows = minimum
        .iter()
        .map(|(name, least)| format!("{},{}\n", name.0, least.get()));
    LEVEL_HEAD.to_owned() + &rows.collect::<String>()
}

fn write_rules(rules: &Rules, load_type: &str, out: &mut Vec<u8>) -> Result<(), String> {
    let flag = |action, flag| if action == Action::Deny { flag } else { 0 };
    let flags = flag(rules.unlisted, FLAG_UNLISTED_DENIED)
        | flag(rules.init_arguments, FLAG_NOTHING_FOR_INIT);
    let forced = rules.force.join(" ");
    let what = format!("parameter rules for {load_type}");
    out.extend([
        rules.kernel.bits(),
        rules.initrd.bits(),
        rules.command_line.bits(),
        flags,
    ]);
    out.extend(counted(rules.parameters.len(), MAX_RULES, &what)?.to_le_bytes());
    let what = format!("bytes of forced parameters for {load_type}");
    out.extend(counted(forced.len(), MAX_FORCED, &what)?.to_le_bytes());
    out.extend(forced.bytes());
    for rule in &rules.parameters {
        write_rule(rule, out)?;
    }
    Ok(())
}

fn write_rule(rule: &Rule, out: &mut Vec<u8>) -> Result<(), String> {
    let (kind, value) = value_bytes(&rule.value);
    let name = length_u8(rule.name.len(), &rule.name)?;
    out.extend([u8::from(rule.action == Action::Allow), kind, name, 0]);
    out.extend(length_u16(value.len(), &rule.name)?.to_le_bytes());
    out.extend(rule.name.bytes());
    out.extend(value);
    Ok(())
}

/// The number of its kind, and its bytes.
fn value_bytes(value: &Values) -> (u8, Vec<u8>) {
    let list = |texts: &[String]| {
        let ended = texts.iter().flat_map(|text| text.bytes().chain([0]));
        ended.collect()
    };
    match value {
        Values::Any => (0, Vec::new()),
        Values::None => (1, Vec::new()),
        Values::OneOf(texts) => (2, list(texts)),
        Values::Number(least, most) => (3, [least.to_le_bytes(), most.to_le_bytes()].concat()),
        Values::With(item) => (4, item.clone().into_bytes()),
        Values::AllOf(items) => (5, list(items)),
        Values::WithPrefix(start) => (6, start.clone().into_bytes()),
    }
}

fn write_key(key: &Key, out: &mut Vec<u8>) -> Result<(), String> {
    let (component, generation) = match &key.sbat {
        Some(scope) => (scope.component.0.as_str(), scope.generation.get()),
        None => ("", 0),
    };
    out.extend(key.sha256);
    out.extend([key.may.bits(), length_u8(component.len(), component)?]);
    out.extend(generation.to_le_bytes());
    out.extend(component.bytes());
    Ok(())
}

fn counted(count: usize, most: u16, what: &str) -> Result<u16, String> {
    let counted = u16::try_from(count).ok().filter(|count| *count <= most);
    counted.ok_or_else(|| format!("it has {count} {what}; at most {most} are possible"))
}

fn length_u8(length: usize, what: &str) -> Result<u8, String> {
    u8::try_from(length).map_err(|_| format!("the name \"{what}\" is over 255 bytes; shorten it"))
}

fn length_u16(length: usize, what: &str) -> Result<u16, String> {
    u16::try_from(length).map_err(|_| format!("the value of {what} is over 65535 bytes"))
}

/// The parts of a compact policy.
///
/// # Errors
/// When it holds something that this program wouldn't have written.
pub fn read(policy: &compact::Policy<'_>) -> Result<Policy, String> {
    let parts = Policy {
        name: policy.name.to_owned(),
        refusal: policy.refusal,
        require_secure_boot: policy.require_secure_boot,
        sbat: read_level(policy.sbat_level)?,
        normal: read_rules(&policy.normal)?,
        crash: read_rules(&policy.crash)?,
        keys: policy
            .scopes()
            .map(|scope| read_key(&scope))
            .collect::<Result<_, _>>()?,
    };
    // Whoever reads the parts must see all of it.
    if write(&parts)? == policy.as_bytes() {
        Ok(parts)
    } else {
        Err(FOREIGN.into())
    }
}

fn read_level(level: &[u8]) -> Result<BTreeMap<Component, Generation>, String> {
    if level.is_empty() {
        return Ok(BTreeMap::new());
    }
    let level = SbatLevel::parse(level).map_err(|e| format!("its SBAT level: {e}"))?;
    let components = level.components().skip(1);
    components
        .map(|it| component(it.name, it.generation))
        .collect()
}

fn read_rules(rules: &compact::Rules<'_>) -> Result<Rules, String> {
    let denied = |yes| if yes { Action::Deny } else { Action::Allow };
    let forced = parameters(rules.forced).map(|it| text(it.raw));
    let each = rules.parameters().map(|rule| read_rule(&rule));
    Ok(Rules {
        kernel: Set::of(rules.kernel.0),
        initrd: Set::of(rules.initrd.0),
        command_line: Set::of(rules.command_line.0),
        unlisted: denied(rules.unlisted_denied),
        init_arguments: denied(rules.nothing_for_init),
        force: forced.collect::<Result<_, _>>()?,
        parameters: each.collect::<Result<_, _>>()?,
    })
}

/// The parts of a rule.
///
/// # Errors
/// When it isn't text.
pub fn read_rule(rule: &compact::ParameterRule<'_>) -> Result<Rule, String> {
    let list = |bytes| texts(bytes).map(text).collect::<Result<Vec<_>, _>>();
    Ok(Rule {
        action: rule.action,
        name: text(rule.name)?,
        value: match rule.value {
            Value::Any => Values::Any,
            Value::None => Values::None,
            Value::OneOf(bytes) => Values::OneOf(list(bytes)?),
            Value::Number(least, most) => Values::Number(least, most),
            Value::With(item) => Values::With(text(item)?),
            Value::AllOf(bytes) => Values::AllOf(list(bytes)?),
            Value::WithPrefix(start) => Values::WithPrefix(text(start)?),
        },
    })
}

fn read_key(scope: &compact::Scope<'_>) -> Result<Key, String> {
    let sbat = scope.sbat.map(|(name, least)| component(name, least));
    let sbat = sbat.transpose()?.map(|(component, generation)| Scope {
        component,
        generation,
    });
    Ok(Key {
        sha256: scope.key,
        may: Set::of(scope.purposes),
        sbat,
    })
}

fn component(name: &str, least: u32) -> Result<(Component, Generation), String> {
    let component = Component::try_from(name.to_owned()).ok();
    let component = component.and_then(|name| Some((name, Generation::new(least)?)));
    component.ok_or_else(|| FOREIGN.to_owned())
}

fn text(bytes: &[u8]) -> Result<String, String> {
    let text = std::str::from_utf8(bytes).map(str::to_owned);
    text.map_err(|_| format!("\"{}\" in the policy isn't text", bytes.escape_ascii()))
}
