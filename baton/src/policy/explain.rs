//! What a policy says, topic by topic, and what it does with a command line.

use super::compact;
use super::model::{Key, Policy, Rule, Rules, Values};
use super::words::Word;
use baton_formats::cmdline::parameters;
use baton_formats::policy::{self, Action, ParameterRule, RefusalAction};
use baton_verify::command_line::{DecidedBy, Judged, judge_parameters};

/// What a policy says of one thing, an item to a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Topic {
    /// What it is about.
    pub name: &'static str,
    /// The items; none if nothing is said.
    pub items: Vec<String>,
    /// What an item more means.
    pub sense: Sense,
}

/// What a further item of a topic does to a policy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sense {
    /// More is accepted.
    Permits,
    /// Less is accepted.
    Restricts,
    /// Neither, or it depends.
    Neutral,
}

/// What the policy says for one load type, but for its rules about parameters and its keys.
#[must_use]
pub fn topics(policy: &Policy, rules: &Rules) -> Vec<Topic> {
    let topic = |name, sense, items| Topic { name, items, sense };
    let owned = |items: Vec<&str>| items.into_iter().map(str::to_owned).collect::<Vec<_>>();
    let of_uki = |first: &str, others: Vec<&'static str>| {
        let mut items = vec![first.to_owned()];
        items.extend(owned(others));
        items
    };
    let sbat = policy.sbat.iter().map(|(name, least)| {
        let (name, least) = (&name.0, least.get());
        format!("\"{name}\" of generation {least} or newer, where an image names it")
    });
    vec![
        topic("Secure Boot", Sense::Restricts, secure_boot(policy)),
        topic("refusal", Sense::Neutral, vec![refusal(policy)]),
        topic("SBAT", Sense::Restricts, sbat.collect()),
        topic("kernel", Sense::Permits, owned(rules.kernel.described())),
        topic("other kernel", Sense::Permits, other_kernel(rules)),
        topic(
            "initrd",
            Sense::Permits,
            of_uki("part of a UKI", rules.initrd.described()),
        ),
        topic("required", Sense::Restricts, needed_initrd(rules)),
        topic(
            "command line",
            Sense::Permits,
            of_uki("that of a UKI", rules.command_line.described()),
        ),
        topic("added to it", Sense::Restricts, rules.force.clone()),
        topic("also allowed", Sense::Permits, also_allowed(rules)),
    ]
}

fn secure_boot(policy: &Policy) -> Vec<String> {
    let must = policy.require_secure_boot;
    must.then(|| "must be on".to_owned()).into_iter().collect()
}

fn refusal(policy: &Policy) -> String {
    let what = Word::<RefusalAction>(policy.refusal.action).described();
    match policy.refusal.delay_seconds {
        0 => format!("{what} at once"),
        seconds => format!("{what} after {seconds} seconds"),
    }
}

fn other_kernel(rules: &Rules) -> Vec<String> {
    let by_manifest = rules.kernel.has(policy::KernelSignature::Manifest as u8);
    let text = "a signed manifest that lists it and all its modules";
    by_manifest.then(|| text.to_owned()).into_iter().collect()
}

fn needed_initrd(rules: &Rules) -> Vec<String> {
    let none_is_fine = rules.initrd.has(policy::InputSignature::Unsigned as u8);
    let text = "one initrd, unless a UKI or a manifest says what goes with the kernel";
    let needed = (!none_is_fine).then(|| text.to_owned());
    needed.into_iter().collect()
}

fn also_allowed(rules: &Rules) -> Vec<String> {
    let others = [
        (rules.unlisted, "parameters that no rule is about"),
        (rules.init_arguments, "arguments of init, after --"),
    ];
    let allowed = others
        .into_iter()
        .filter(|(action, _)| *action == Action::Allow);
    allowed.map(|(_, what)| what.to_owned()).collect()
}

/// What a rule does, as a sentence without its full stop.
#[must_use]
pub fn rule(rule: &Rule) -> String {
    let action = match rule.action {
        Action::Deny => "denies",
        Action::Allow => "allows",
    };
    let name = match (rule.name.as_str(), rule.name.strip_suffix('*')) {
        ("*", _) => "every parameter".to_owned(),
        (_, Some(start)) => format!("every parameter whose name begins with \"{start}\""),
        (name, None) => format!("\"{name}\""),
    };
    match values(&rule.value) {
        any if rule.value == Values::Any => format!("{action} {name}, with {any}"),
        none if rule.value == Values::None => format!("{action} {name} {none}"),
        some => format!("{action} {name} with {some}"),
    }
}

/// The values that a rule is about.
#[must_use]
pub fn values(values: &Values) -> String {
    let quoted = |texts: &[String]| -> Vec<String> {
        let shown = texts
            .iter()
            .map(|text| format!("\"{}\"", text.escape_debug()));
        shown.collect()
    };
    match values {
        Values::Any => "any value or none".into(),
        Values::None => "without a value".into(),
        Values::OneOf(texts) => format!("the value {}", or(&quoted(texts))),
        Values::Number(least, most) => format!("a number from {least} to {most}"),
        Values::With(item) => format!("a list that has \"{}\" in it", item.escape_debug()),
        Values::AllOf(items) => format!("a list of nothing but {}", and(&quoted(items))),
        Values::WithPrefix(start) => format!(
            "a list that has an item beginning with \"{}\"",
            start.escape_debug()
        ),
    }
}

/// What a key may vouch for, and under which condition.
#[must_use]
pub fn key(key: &Key) -> (String, String) {
    let condition = key.sbat.as_ref().map(|scope| {
        let (component, generation) = (&scope.component.0, scope.generation.get());
        format!("that name the SBAT component \"{component}\" of generation {generation} or newer")
    });
    (and(&key.may.described()), condition.unwrap_or_default())
}

fn or<T: AsRef<str>>(parts: &[T]) -> String {
    joined(parts, "or")
}

fn and<T: AsRef<str>>(parts: &[T]) -> String {
    joined(parts, "and")
}

fn joined<T: AsRef<str>>(parts: &[T], word: &str) -> String {
    let parts: Vec<&str> = parts.iter().map(AsRef::as_ref).collect();
    match &parts[..] {
        [] => String::new(),
        [one] => (*one).to_owned(),
        [first @ .., last] => format!("{} {word} {last}", first.join(", ")),
    }
}

/// What happens to a parameter, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    /// The parameter as it stands in the line.
    pub parameter: String,
    /// What happens to it.
    pub action: Action,
    /// The rule or what else decides.
    pub why: String,
}

/// What the gate would do with each parameter of `line`. What only early code or programs read as a
/// parameter is there if it is denied.
#[must_use]
pub fn decisions(line: &[u8], rules: &policy::Rules<'_>) -> Vec<Decision> {
    let by_kernel = parameters(line).count();
    let mut all: Vec<Decision> = Vec::new();
    for (index, judged) in judge_parameters(line, rules).enumerate() {
        let mut decision = decision(&judged, rules);
        if index >= by_kernel {
            let told = all
                .iter()
                .any(|it| it.action == Action::Deny && it.why == decision.why);
            if told {
                continue;
            }
            decision.why += ", as early code and programs read the line, ignoring quotes and --";
        }
        all.push(decision);
    }
    all
}

fn decision(judged: &Judged<'_, '_>, rules: &policy::Rules<'_>) -> Decision {
    let why = match judged.by {
        DecidedBy::Rule(it) => by_rule(&it, rules),
        DecidedBy::Unlisted => "no rule covers it".into(),
        DecidedBy::ForInit => "it goes to init".into(),
        DecidedBy::Forced if judged.action == Action::Allow => "the policy forces it".into(),
        DecidedBy::Forced => "the policy forces another value".into(),
    };
    let parameter = String::from_utf8_lossy(judged.parameter.raw);
    Decision {
        parameter: parameter.into_owned(),
        action: judged.action,
        why,
    }
}

fn by_rule(it: &ParameterRule<'_>, rules: &policy::Rules<'_>) -> String {
    let number = rules.parameters().position(|other| other == *it);
    let sentence = compact::read_rule(it).map_or_else(|why| why, |it| rule(&it));
    match number {
        Some(number) => format!("rule {} {sentence}", number + 1),
        None => sentence,
    }
}
