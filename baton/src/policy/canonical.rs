//! A policy as TOML in one form only: everything is said, nothing is left to a preset.

use super::model::{
    COMMAND_LINE_WAYS, INITRD_WAYS, KERNEL_WAYS, Key, PURPOSES, Policy, Rule, Rules, Values,
    action_word, words,
};
use super::preset::NONE;
use baton_formats::policy::RefusalAction;
use baton_sys::hex;
use serde_json::{Map, Number, Value as Json};
use std::fmt::Write;
use toml::de::DeValue;

/// The word for what a refusal does.
#[must_use]
pub fn refusal_word(action: RefusalAction) -> &'static str {
    match action {
        RefusalAction::Reset => "reset",
        RefusalAction::Halt => "halt",
    }
}

/// The TOML; read back it gives the same policy.
#[must_use]
pub fn write(policy: &Policy) -> String {
    let mut out = format!(
        "preset = {}\nname = {}\n",
        quoted(NONE),
        quoted(&policy.name)
    );
    entry(&mut out, "require-secure-boot", policy.require_secure_boot);
    section(&mut out, "refusal");
    entry(
        &mut out,
        "action",
        quoted(refusal_word(policy.refusal.action)),
    );
    entry(&mut out, "delay", policy.refusal.delay_seconds);
    if !policy.sbat.is_empty() {
        let components = policy.sbat.iter();
        let components = components.map(|(name, least)| format!("{} = {least}", quoted(name)));
        section(&mut out, "sbat");
        entry(&mut out, "minimum", table(components));
    }
    write_normal(&mut out, &policy.normal);
    write_crash(&mut out, &policy.normal, &policy.crash);
    for key in &policy.keys {
        write_key(&mut out, key);
    }
    out
}

fn write_normal(out: &mut String, rules: &Rules) {
    section(out, "kernel");
    entry(out, "accept", list(words(rules.kernel, &KERNEL_WAYS)));
    section(out, "initrd");
    entry(out, "accept", list(words(rules.initrd, &INITRD_WAYS)));
    section(out, "cmdline");
    entry(
        out,
        "accept",
        list(words(rules.command_line, &COMMAND_LINE_WAYS)),
    );
    entry(out, "unlisted", quoted(action_word(rules.unlisted)));
    entry(
        out,
        "init-arguments",
        quoted(action_word(rules.init_arguments)),
    );
    entry(out, "force", list(&rules.force));
    entry(out, "rules", rule_lines(&rules.parameters));
}

/// What is otherwise than for a normal load.
fn write_crash(out: &mut String, normal: &Rules, crash: &Rules) {
    if crash.kernel != normal.kernel {
        section(out, "crash.kernel");
        entry(out, "accept", list(words(crash.kernel, &KERNEL_WAYS)));
    }
    if crash.initrd != normal.initrd {
        section(out, "crash.initrd");
        entry(out, "accept", list(words(crash.initrd, &INITRD_WAYS)));
    }
    let mut line = String::new();
    if crash.command_line != normal.command_line {
        entry(
            &mut line,
            "accept",
            list(words(crash.command_line, &COMMAND_LINE_WAYS)),
        );
    }
    if crash.unlisted != normal.unlisted {
        entry(&mut line, "unlisted", quoted(action_word(crash.unlisted)));
    }
    if crash.init_arguments != normal.init_arguments {
        let word = action_word(crash.init_arguments);
        entry(&mut line, "init-arguments", quoted(word));
    }
    if crash.force != normal.force {
        entry(&mut line, "force", list(&crash.force));
    }
    match crash.parameters.strip_suffix(&normal.parameters[..]) {
        Some([]) => {}
        Some(own) => entry(&mut line, "rules", rule_lines(own)),
        None => {
            entry(&mut line, "normal-rules", false);
            entry(&mut line, "rules", rule_lines(&crash.parameters));
        }
    }
    if !line.is_empty() {
        section(out, "crash.cmdline");
        out.push_str(&line);
    }
}

fn write_key(out: &mut String, key: &Key) {
    out.push_str("\n[[key]]\n");
    entry(out, "key-sha256", quoted(&hex::encode(key.sha256)));
    entry(out, "may", list(words(key.may, &PURPOSES)));
    if let Some((component, generation)) = &key.sbat {
        let component = format!("component = {}", quoted(component));
        entry(
            out,
            "sbat",
            table([component, format!("generation = {generation}")]),
        );
    }
}

fn section(out: &mut String, name: &str) {
    let _ = writeln!(out, "\n[{name}]");
}

fn entry(out: &mut String, key: &str, value: impl std::fmt::Display) {
    let _ = writeln!(out, "{key} = {value}");
}

fn quoted(text: &str) -> String {
    toml::Value::from(text).to_string()
}

fn list<T: AsRef<str>>(texts: impl IntoIterator<Item = T>) -> String {
    let texts = texts.into_iter().map(|text| quoted(text.as_ref()));
    format!("[{}]", texts.collect::<Vec<_>>().join(", "))
}

fn table(entries: impl IntoIterator<Item = String>) -> String {
    let entries: Vec<_> = entries.into_iter().collect();
    format!("{{ {} }}", entries.join(", "))
}

fn rule_lines(rules: &[Rule]) -> String {
    if rules.is_empty() {
        return "[]".into();
    }
    let lines = rules.iter().map(|it| format!("  {},\n", rule(it)));
    format!("[\n{}]", lines.collect::<String>())
}

/// A rule as it stands in TOML.
#[must_use]
pub fn rule(rule: &Rule) -> String {
    let name = format!("{} = {}", action_word(rule.action), quoted(&rule.name));
    let value = match &rule.value {
        Values::Any => None,
        Values::None => Some("value = false".to_owned()),
        Values::OneOf(texts) => Some(format!("one-of = {}", list(texts))),
        Values::Number(least, most) => Some(format!("number = [{least}, {most}]")),
        Values::With(item) => Some(format!("with = {}", quoted(item))),
        Values::AllOf(items) => Some(format!("all-of = {}", list(items))),
        Values::WithPrefix(start) => Some(format!("with-prefix = {}", quoted(start))),
    };
    table([Some(name), value].into_iter().flatten())
}

/// The same as JSON: the same keys, the same values.
#[must_use]
pub fn json(policy: &Policy) -> Json {
    let text = write(policy);
    let parsed = baton_toml::parse(&text);
    let entries = parsed.map(|root| DeValue::Table(root.into_inner()));
    entries.map_or(Json::Null, |value| to_json(&value))
}

fn to_json(value: &DeValue<'_>) -> Json {
    match value {
        DeValue::String(text) => Json::from(text.as_ref()),
        DeValue::Boolean(yes) => Json::from(*yes),
        DeValue::Integer(digits) => digits
            .as_str()
            .parse::<u64>()
            .map_or(Json::Null, |number| Json::Number(Number::from(number))),
        DeValue::Array(items) => items.iter().map(|item| to_json(item.get_ref())).collect(),
        DeValue::Table(entries) => {
            let entries = entries.iter();
            let entries =
                entries.map(|(key, value)| (key.get_ref().to_string(), to_json(value.get_ref())));
            Json::Object(entries.collect::<Map<_, _>>())
        }
        // This form has neither dates nor fractions.
        DeValue::Float(_) | DeValue::Datetime(_) => Json::Null,
    }
}
