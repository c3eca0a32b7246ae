//! A policy in sentences, and what it does with a command line.

use super::compact;
use super::model::{Policy, Rule, Rules, Values};
use super::words::Word;
use baton_formats::cmdline::parameters;
use baton_formats::policy::{self, Action, ParameterRule, RefusalAction};
use baton_sys::hex;
use baton_verify::command_line::{DecidedBy, Judged, judge_parameters};

/// What it does for this load type, a sentence to a line.
#[must_use]
pub fn sentences(policy: &Policy, crash: bool) -> Vec<String> {
    let rules = policy.rules(crash);
    let mut all = vec![secure_boot(policy).to_owned(), refusal(policy)];
    all.extend(policy.sbat.iter().map(|(name, least)| {
        let (name, least) = (&name.0, least.get());
        format!("An image that names the SBAT component \"{name}\" must be of generation {least} or newer.")
    }));
    all.push(kernel(rules));
    all.push(other_kernel(rules));
    all.push(initrd(rules));
    all.push(command_line(rules));
    all.extend(forced(rules));
    let numbered = (1..).zip(&rules.parameters);
    all.extend(numbered.map(|(number, it)| format!("Rule {number}: {}.", rule(it))));
    all.push(unlisted(rules));
    all.push(init_arguments(rules));
    all.extend(policy.keys.iter().map(key));
    all
}

fn secure_boot(policy: &Policy) -> &'static str {
    if policy.require_secure_boot {
        "Nothing is booted unless the running kernel says that Secure Boot is on."
    } else {
        "It doesn't matter whether Secure Boot is on."
    }
}

fn refusal(policy: &Policy) -> String {
    let what = Word::<RefusalAction>(policy.refusal.action).described();
    match policy.refusal.delay_seconds {
        0 => format!("A refusal {what} at once."),
        seconds => format!("A refusal {what} after {seconds} seconds."),
    }
}

fn kernel(rules: &Rules) -> String {
    let kinds = or(&rules.kernel.described());
    format!("A kernel must be vouched for by {kinds}.")
}

fn other_kernel(rules: &Rules) -> String {
    if rules.kernel.has(policy::KernelSignature::Manifest as u8) {
        "A kernel that isn't Linux must be listed in a signed manifest, and so must all its modules."
    } else {
        "A kernel that isn't Linux is refused."
    }
    .into()
}

fn initrd(rules: &Rules) -> String {
    let sources = match &rules.initrd.described()[..] {
        [] => "An initrd must be part of a UKI".into(),
        ways => {
            let ways = [&["part of a UKI"], ways].concat();
            format!("An initrd may be {}", or(&ways))
        }
    };
    if rules.initrd.has(policy::InputSignature::Unsigned as u8) {
        format!("{sources}.")
    } else {
        format!(
            "{sources}. One must be there, unless a UKI or a manifest says what goes with the kernel."
        )
    }
}

fn command_line(rules: &Rules) -> String {
    match &rules.command_line.described()[..] {
        [] => "The command line must be that of a UKI.".into(),
        ways => {
            let ways = [&["that of a UKI"], ways].concat();
            format!("The command line may be {}.", or(&ways))
        }
    }
}

fn forced(rules: &Rules) -> Option<String> {
    let all: Vec<_> = rules.force.iter().map(|it| format!("\"{it}\"")).collect();
    let all = and(&all);
    (!rules.force.is_empty())
        .then(|| format!("Added to the command line, which must not contradict it: {all}."))
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
    format!("{action} {name}{}", values(&rule.value))
}

fn values(values: &Values) -> String {
    let quoted = |texts: &[String]| -> Vec<String> {
        let shown = texts
            .iter()
            .map(|text| format!("\"{}\"", text.escape_debug()));
        shown.collect()
    };
    match values {
        Values::Any => ", with any value or none".into(),
        Values::None => " without a value".into(),
        Values::OneOf(texts) => format!(" with the value {}", or(&quoted(texts))),
        Values::Number(least, most) => format!(" with a number from {least} to {most}"),
        Values::With(item) => format!(" with a list that has \"{}\" in it", item.escape_debug()),
        Values::AllOf(items) => format!(" with a list of nothing but {}", and(&quoted(items))),
        Values::WithPrefix(start) => format!(
            " with a list that has an item beginning with \"{}\"",
            start.escape_debug()
        ),
    }
}

fn unlisted(rules: &Rules) -> String {
    let action = Word::<Action>(rules.unlisted).described();
    format!("The first rule that matches counts; parameters that no rule covers are {action}.")
}

fn init_arguments(rules: &Rules) -> String {
    let action = Word::<Action>(rules.init_arguments).described();
    format!("What follows a lone -- goes to init, and is {action}.")
}

fn key(key: &super::model::Key) -> String {
    let what = and(&key.may.described());
    let sbat = key.sbat.as_ref().map(|scope| {
        let (component, generation) = (&scope.component.0, scope.generation.get());
        format!(", and only if they name the SBAT component \"{component}\" of generation {generation} or newer")
    });
    format!(
        "The key with SHA-256 {} may vouch for nothing but {what}{}.",
        hex::encode(key.sha256),
        sbat.unwrap_or_default()
    )
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
