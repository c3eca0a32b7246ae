//! Two policies, compared by what they say.

use super::explain::{self, Sense};
use super::model::{Policy, Rules};
use super::names::Names;
use crate::output::page::Page;
use serde::Serialize;

/// How the second differs from the first.
#[derive(Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Difference {
    /// They accept and refuse the same, whatever they are called.
    pub same: bool,
    /// Topic by topic.
    pub changes: Vec<Change>,
}

/// What of one topic differs.
#[derive(Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Change {
    /// Which loads it is about.
    pub loads: Loads,
    /// The topic.
    pub about: &'static str,
    /// What the first says and the second doesn't, in order.
    pub removed: Vec<Item>,
    /// What the second says and the first doesn't, in order.
    pub added: Vec<Item>,
}

/// The load types that a change is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum Loads {
    /// Both alike.
    All,
    /// Those that aren't for a crash.
    Normal,
    /// Those for a crash.
    Crash,
}

impl Loads {
    fn words(self) -> &'static str {
        match self {
            Loads::All => "normal and crash loads",
            Loads::Normal => "normal loads",
            Loads::Crash => "crash loads",
        }
    }
}

/// An item that only one of them has.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Item {
    /// What it says.
    pub text: String,
    /// What the change does; `None` where that depends on the rest.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub effect: Option<Effect>,
}

/// What a change does to what is accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum Effect {
    /// More is accepted.
    Looser,
    /// Less is.
    Stricter,
}

/// Compares them; keys are called by these names.
#[must_use]
pub fn difference(old: &Policy, new: &Policy, names: &Names) -> Difference {
    let is_alike = |policy: &Policy| policy.normal == policy.crash;
    let mut changes = if is_alike(old) && is_alike(new) {
        of_loads(Loads::All, (old, &old.normal), (new, &new.normal))
    } else {
        let mut changes = of_loads(Loads::Normal, (old, &old.normal), (new, &new.normal));
        changes.extend(of_loads(Loads::Crash, (old, &old.crash), (new, &new.crash)));
        changes
    };
    changes.extend(change(
        Loads::All,
        "keys with limits",
        Sense::Restricts,
        &keys(old, names),
        &keys(new, names),
    ));
    Difference {
        same: changes.is_empty(),
        changes,
    }
}

fn of_loads(loads: Loads, old: (&Policy, &Rules), new: (&Policy, &Rules)) -> Vec<Change> {
    let topics = explain::topics(old.0, old.1);
    let others = explain::topics(new.0, new.1);
    let mut changes: Vec<Change> = topics
        .iter()
        .zip(&others)
        .filter_map(|(old, new)| change(loads, old.name, old.sense, &old.items, &new.items))
        .collect();
    let rules =
        |rules: &Rules| -> Vec<String> { rules.parameters.iter().map(explain::rule).collect() };
    changes.extend(change(
        loads,
        "parameters",
        Sense::Neutral,
        &rules(old.1),
        &rules(new.1),
    ));
    changes
}

fn keys(policy: &Policy, names: &Names) -> Vec<String> {
    let keys = policy.keys.iter().map(|key| {
        let (what, condition) = explain::key(key);
        format!("{}: {what} {condition}", names.of(&key.sha256))
            .trim_end()
            .to_owned()
    });
    let mut keys: Vec<String> = keys.collect();
    // Their order means nothing.
    keys.sort();
    keys
}

fn change(
    loads: Loads,
    about: &'static str,
    sense: Sense,
    old: &[String],
    new: &[String],
) -> Option<Change> {
    let kept = common(old, new);
    let (more, less) = match sense {
        Sense::Permits => (Some(Effect::Looser), Some(Effect::Stricter)),
        Sense::Restricts => (Some(Effect::Stricter), Some(Effect::Looser)),
        Sense::Neutral => (None, None),
    };
    let without = |items: &[String], kept: &[usize], effect| -> Vec<Item> {
        let others = items.iter().enumerate().filter(|(i, _)| !kept.contains(i));
        let item = |text: &String| Item {
            text: text.clone(),
            effect,
        };
        others.map(|(_, text)| item(text)).collect()
    };
    let (kept_old, kept_new): (Vec<usize>, Vec<usize>) = kept.into_iter().unzip();
    let removed = without(old, &kept_old, less);
    let added = without(new, &kept_new, more);
    let differs = !(removed.is_empty() && added.is_empty());
    differs.then_some(Change {
        loads,
        about,
        removed,
        added,
    })
}

/// Places of the longest common subsequence: rules that changed places differ, since the first that matches counts.
fn common(old: &[String], new: &[String]) -> Vec<(usize, usize)> {
    // lengths[i][j]: of old[i..] and new[j..].
    let mut lengths = vec![vec![0_usize; new.len() + 1]; old.len() + 1];
    for i in (0..old.len()).rev() {
        for j in (0..new.len()).rev() {
            lengths[i][j] = if old[i] == new[j] {
                lengths[i + 1][j + 1] + 1
            } else {
                lengths[i + 1][j].max(lengths[i][j + 1])
            };
        }
    }
    let (mut i, mut j, mut places) = (0, 0, Vec::new());
    while i < old.len() && j < new.len() {
        if old[i] == new[j] {
            places.push((i, j));
            (i, j) = (i + 1, j + 1);
        } else if lengths[i + 1][j] >= lengths[i][j + 1] {
            i += 1;
        } else {
            j += 1;
        }
    }
    places
}

impl Difference {
    /// The lines for people.
    #[must_use]
    pub fn text(&self) -> String {
        let mut page = Page::default();
        for change in &self.changes {
            page.heading(format!("{}, {}", change.about, change.loads.words()));
            for (sign, items) in [("-", &change.removed), ("+", &change.added)] {
                for item in items {
                    let effect = match item.effect {
                        Some(Effect::Looser) => " (looser)",
                        Some(Effect::Stricter) => " (stricter)",
                        None => "",
                    };
                    page.item(sign, format!("{}{effect}", item.text));
                }
            }
        }
        page.text().to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn places(old: &[&str], new: &[&str]) -> Vec<(usize, usize)> {
        let owned = |items: &[&str]| items.iter().map(|it| (*it).to_owned()).collect::<Vec<_>>();
        common(&owned(old), &owned(new))
    }

    #[test]
    fn what_stands_in_both_in_the_same_order_is_common() {
        assert_eq!(places(&["a", "b", "c"], &["a", "c"]), [(0, 0), (2, 1)]);
        assert_eq!(places(&["a", "b"], &["b", "a"]), [(1, 0)]);
        assert_eq!(places(&[], &["a"]), []);
    }

    #[test]
    fn a_further_restriction_is_stricter_and_a_further_permission_looser() {
        let one = ["x".to_owned()];
        for (sense, effect) in [
            (Sense::Permits, Some(Effect::Looser)),
            (Sense::Restricts, Some(Effect::Stricter)),
            (Sense::Neutral, None),
        ] {
            let found = change(Loads::All, "it", sense, &[], &one).unwrap();
            assert_eq!((found.added[0].effect, found.removed.len()), (effect, 0));
        }
        assert_eq!(change(Loads::All, "it", Sense::Permits, &one, &one), None);
    }
}
