//! A policy as tables: what counts for normal loads beside what counts for crash loads, the rules about parameters,
//! and the keys that may not vouch for everything.

use super::explain::{self, Topic};
use super::model::{Policy, Rule, Rules};
use super::names::Names;
use crate::output::page::Page;
use baton_formats::policy::Action;

/// The tables.
#[must_use]
pub fn tables(policy: &Policy, names: &Names) -> String {
    let mut page = Page::default();
    let is_alike = policy.normal == policy.crash;
    let normal = explain::topics(policy, &policy.normal);
    let crash = explain::topics(policy, &policy.crash);
    page.table(
        if is_alike {
            &["", "normal and crash loads"]
        } else {
            &["", "normal loads", "crash loads"]
        },
        &beside(&normal, (!is_alike).then_some(&crash)),
    );
    if policy.normal.parameters == policy.crash.parameters {
        rules(&mut page, "parameters", &policy.normal);
    } else {
        rules(&mut page, "parameters, normal loads", &policy.normal);
        rules(&mut page, "parameters, crash loads", &policy.crash);
    }
    keys(&mut page, policy, names);
    page.text().to_owned()
}

/// Rows of topics, whose items lie below each other.
fn beside(normal: &[Topic], crash: Option<&[Topic]>) -> Vec<Vec<String>> {
    let mut rows = Vec::new();
    for (index, topic) in normal.iter().enumerate() {
        let other = crash.and_then(|crash| crash.get(index));
        let columns: Vec<&[String]> = std::iter::once(topic)
            .chain(other)
            .map(|topic| &topic.items[..])
            .collect();
        let height = columns.iter().map(|items| items.len()).max().unwrap_or(0);
        if height == 0 {
            continue;
        }
        for line in 0..height {
            let label = if line == 0 { topic.name } else { "" };
            let cell = |items: &&[String]| match items.get(line) {
                Some(item) => item.clone(),
                None if line == 0 => "nothing".to_owned(),
                None => String::new(),
            };
            let mut row = vec![label.to_owned()];
            row.extend(columns.iter().map(cell));
            rows.push(row);
        }
    }
    rows
}

fn rules(page: &mut Page, title: &str, of: &Rules) {
    if of.parameters.is_empty() {
        return;
    }
    page.heading(format!("{title} (the first rule that matches counts)"));
    let rows: Vec<Vec<String>> = (1..).zip(&of.parameters).map(rule).collect();
    page.table(&["rule", "", "parameter", "value"], &rows);
}

fn rule((number, rule): (usize, &Rule)) -> Vec<String> {
    let action = match rule.action {
        Action::Deny => "deny",
        Action::Allow => "allow",
    };
    vec![
        number.to_string(),
        action.to_owned(),
        rule.name.clone(),
        explain::values(&rule.value),
    ]
}

fn keys(page: &mut Page, policy: &Policy, names: &Names) {
    if policy.keys.is_empty() {
        return;
    }
    page.heading("keys that may vouch for some things alone");
    let rows: Vec<Vec<String>> = policy
        .keys
        .iter()
        .map(|key| {
            let (what, condition) = explain::key(key);
            vec![names.of(&key.sha256), what, condition]
        })
        .collect();
    page.table(&["key", "may vouch for", ""], &rows);
}
