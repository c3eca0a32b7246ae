//! What `baton policy check` warns of.

use super::source::PolicySource;
use super::{aliases, cover};

/// What its writer may not have meant.
pub(super) fn warnings(source: &PolicySource) -> Vec<String> {
    let policy = &source.policy;
    let own = [
        ("cmdline", &policy.normal, source.own_rules),
        ("crash.cmdline", &policy.crash, source.own_crash_rules),
    ];
    let mut all = Vec::new();
    for (table, rules, count) in &own {
        all.extend(aliases::circumvented(table, rules, *count));
        let rules = rules.parameters.get(..*count).unwrap_or_default();
        for (later, earlier) in cover::never_fit(rules) {
            all.push(format!(
                "{table}.rules[{later}] can never match: {table}.rules[{earlier}] comes before it \
                 and matches everything that it does"
            ));
        }
    }
    // The rules for crash loads have those for normal ones in them.
    let mut told = own
        .iter()
        .map(|(table, rules, _)| aliases::told_otherwise(table, rules));
    all.extend(told.find(|it| !it.is_empty()).unwrap_or_default());
    all.extend(cover::weaker_than_stock(policy));
    all.extend(cover::unguarded_initrd(policy));
    all
}
