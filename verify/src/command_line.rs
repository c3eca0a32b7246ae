//! Judging the command line by the policy's rules, and what the policy adds to it.
//!
//! A line is read in both of the ways that [`baton_formats::cmdline`] tells of: as the kernel
//! proper does, where every parameter must be allowed; and as the code does that runs before, which
//! knows of no quotes and no `--`, where none may be denied. So a parameter that is denied may
//! stand nowhere in the line, whoever of both would see it there.

use alloc::borrow::Cow;
use alloc::vec::Vec;

use baton_formats::cmdline::{Parameter, parameters, same_name, words};
use baton_formats::policy::{Action, ParameterRule, Rules};

use crate::display::printable;
use crate::reason::Reason;

/// What decides about a parameter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DecidedBy<'p> {
    /// The first rule that is about it.
    Rule(ParameterRule<'p>),
    /// No rule is about it.
    Unlisted,
    /// It follows `--`: it is init's.
    ForInit,
    /// The policy sets it itself: to this, or to something else.
    Forced,
}

/// A parameter, whether it is allowed, and why.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Judged<'l, 'p> {
    /// The parameter.
    pub parameter: Parameter<'l>,
    /// What happens to it.
    pub action: Action,
    /// What decides that.
    pub by: DecidedBy<'p>,
}

/// Judges every parameter of `line`, first as the kernel reads them, then as early code does: of
/// the latter only those that are denied.
///
/// Where what no rule is about is denied, early code must not see such either, so that it isn't
/// smuggled in within an allowed parameter's quotes. What follows `--` is left to the rule about
/// that: programs' arguments aren't listed as parameters are.
pub fn judge_parameters<'l, 'p>(
    line: &'l [u8],
    rules: &'l Rules<'p>,
) -> impl Iterator<Item = Judged<'l, 'p>> {
    let mut for_init = false;
    let by_kernel = parameters(line).map(move |parameter| {
        let judged = match for_init {
            true => for_init_alone(parameter, rules),
            false => judge(parameter, rules),
        };
        for_init |= parameter.ends_kernel_parameters();
        judged
    });
    let early = denied_words(line, rules).filter(|it| !matches!(it.by, DecidedBy::Unlisted));
    let unlisted =
        denied_words(before_init(line), rules).filter(|it| matches!(it.by, DecidedBy::Unlisted));
    by_kernel.chain(early).chain(unlisted)
}

/// What early code sees, and is denied.
fn denied_words<'l, 'p>(
    line: &'l [u8],
    rules: &'l Rules<'p>,
) -> impl Iterator<Item = Judged<'l, 'p>> {
    words(line)
        .map(|word| judge(word, rules))
        .filter(|judged| judged.action == Action::Deny)
}

/// The line up to a lone `--`.
fn before_init(line: &[u8]) -> &[u8] {
    let dashes = parameters(line).find(Parameter::ends_kernel_parameters);
    let before = dashes.and_then(|dashes| line.get(..dashes.offset));
    before.unwrap_or(line)
}

fn for_init_alone<'l, 'p>(parameter: Parameter<'l>, rules: &Rules<'p>) -> Judged<'l, 'p> {
    let action = match rules.nothing_for_init {
        true => Action::Deny,
        false => Action::Allow,
    };
    Judged {
        parameter,
        action,
        by: DecidedBy::ForInit,
    }
}

fn judge<'l, 'p>(parameter: Parameter<'l>, rules: &Rules<'p>) -> Judged<'l, 'p> {
    let mut forced = parameters(rules.forced)
        .filter(|forced| same_name(forced.name, parameter.name))
        .peekable();
    let (action, by) = if forced.peek().is_some() {
        // Once more what is forced anyway is no harm, and what a line has that is used again.
        match forced.any(|forced| forced.value == parameter.value) {
            true => (Action::Allow, DecidedBy::Forced),
            false => (Action::Deny, DecidedBy::Forced),
        }
    } else {
        match rules.parameters().find(|rule| rule.is_about(&parameter)) {
            Some(rule) => (rule.action, DecidedBy::Rule(rule)),
            None if rules.unlisted_denied && !parameter.ends_kernel_parameters() => {
                (Action::Deny, DecidedBy::Unlisted)
            }
            None => (Action::Allow, DecidedBy::Unlisted),
        }
    };
    Judged {
        parameter,
        action,
        by,
    }
}

/// Checks every parameter of what user space, or who signed for it, made the line of.
pub(crate) fn check(line: &[u8], rules: &Rules<'_>) -> Result<(), Reason> {
    let denied = judge_parameters(line, rules).find(|judged| judged.action == Action::Deny);
    let Some(judged) = denied else {
        return Ok(());
    };
    let parameter = printable(judged.parameter.raw.iter().copied());
    Err(match judged.by {
        DecidedBy::Rule(_) => Reason::ParameterDenied(parameter),
        DecidedBy::Unlisted => Reason::ParameterUnlisted(parameter),
        DecidedBy::ForInit => Reason::ParameterForInit(parameter),
        DecidedBy::Forced => Reason::ParameterForced(parameter),
    })
}

/// Whether a parameter of this name without a value would be denied.
pub(crate) fn denies(name: &[u8], rules: &Rules<'_>) -> bool {
    judge_parameters(name, rules).any(|judged| judged.action == Action::Deny)
}

/// `line`, whose part from `chosen` on user space chose, with what the policy forces. That stands
/// before what was chosen: there neither a `--` nor a quote that isn't closed can swallow it, and
/// what contradicts it is refused.
pub(crate) fn with_forced<'l>(line: &'l [u8], chosen: &[u8], rules: &Rules<'_>) -> Cow<'l, [u8]> {
    if rules.forced.is_empty() {
        return Cow::Borrowed(line);
    }
    let before = line.strip_suffix(chosen).unwrap_or_default();
    let mut all = Vec::from(before);
    if !before.is_empty() && !before.ends_with(b" ") {
        all.push(b' ');
    }
    all.extend_from_slice(rules.forced);
    if !chosen.is_empty() {
        all.push(b' ');
        all.extend_from_slice(chosen);
    }
    Cow::Owned(all)
}
