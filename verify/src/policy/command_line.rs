//! Judging the command line by the policy's rules, and what the policy adds to it.
//!
//! A line is read in both of the ways that [`baton_formats::cmdline`] tells of: as the kernel
//! proper does, where every parameter must be allowed; and as the code does that runs before, which
//! knows of no quotes and no `--`, where none may be denied. So a parameter that is denied may
//! stand nowhere in the line, whoever of both would see it there.
//!
//! Programs read /proc/cmdline in ways of their own: systemd takes single quotes, too, and drops quotes
//! wherever they stand in a word (`proc_cmdline_extract_first` in src/basic/proc-cmdline.c), a shell
//! backslashes, too. So none may be denied that a word would be without all of these.

use alloc::borrow::Cow;
use alloc::vec::Vec;

use baton_formats::cmdline::{Parameter, Parameters, Words, parameters, same_name, words};
use baton_formats::policy::{Action, ParameterRule, Rules};
use baton_formats::verdict::SignatureKind;

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
pub fn judge_parameters<'l, 'p>(line: &'l [u8], rules: &'l Rules<'p>) -> Judgements<'l, 'p> {
    Judgements {
        rules,
        by_kernel: parameters(line),
        for_init: false,
        early: words(line),
        early_unlisted: words(before_init(line)),
    }
}

/// Iterates over what is [`Judged`].
#[derive(Debug, Clone)]
pub struct Judgements<'l, 'p> {
    rules: &'l Rules<'p>,
    by_kernel: Parameters<'l>,
    for_init: bool,
    early: Words<'l>,
    early_unlisted: Words<'l>,
}

impl<'l, 'p> Iterator for Judgements<'l, 'p> {
    type Item = Judged<'l, 'p>;

    fn next(&mut self) -> Option<Judged<'l, 'p>> {
        if let Some(parameter) = self.by_kernel.next() {
            let judged = if self.for_init {
                for_init_alone(parameter, self.rules)
            } else {
                judge(parameter, self.rules)
            };
            self.for_init |= parameter.ends_kernel_parameters();
            return Some(judged);
        }
        match denied_word(&mut self.early, self.rules, false) {
            None => denied_word(&mut self.early_unlisted, self.rules, true),
            listed => listed,
        }
    }
}

/// The next word that early code sees and is denied, because of a rule or for want of one.
fn denied_word<'l, 'p>(
    words: &mut Words<'l>,
    rules: &Rules<'p>,
    unlisted: bool,
) -> Option<Judged<'l, 'p>> {
    for word in words {
        let judged = judge_word(word, rules);
        let is_unlisted = matches!(judged.by, DecidedBy::Unlisted);
        if judged.action == Action::Deny && is_unlisted == unlisted {
            return Some(judged);
        }
    }
    None
}

/// Judges a word as it stands and, where that isn't denied or what is forced anyway, without its quotes.
fn judge_word<'l, 'p>(word: Parameter<'l>, rules: &Rules<'p>) -> Judged<'l, 'p> {
    let judged = judge(word, rules);
    let is_quote = |byte: &u8| matches!(byte, b'"' | b'\'' | b'\\');
    let is_settled = judged.action == Action::Deny && judged.by != DecidedBy::Unlisted;
    if is_settled || judged.by == DecidedBy::Forced || !word.raw.iter().any(is_quote) {
        return judged;
    }
    let bare: Vec<u8> = word
        .raw
        .iter()
        .copied()
        .filter(|it| !is_quote(it))
        .collect();
    let bare = words(&bare).map(|word| decided(&word, rules)).next();
    match bare {
        Some((Action::Deny, by)) if by != DecidedBy::Unlisted => Judged {
            action: Action::Deny,
            by,
            ..judged
        },
        _ => judged,
    }
}

/// The line up to a lone `--`.
fn before_init(line: &[u8]) -> &[u8] {
    let dashes = parameters(line).find(Parameter::ends_kernel_parameters);
    let before = dashes.and_then(|dashes| line.get(..dashes.offset));
    before.unwrap_or(line)
}

/// Whether what follows `line` would be none of the kernel's own parameters, but init's, behind a lone
/// `--`, or part of a value, behind a quote that isn't closed: to the kernel, which knows double quotes
/// alone (`next_arg` in lib/cmdline.c), or to systemd, which knows single ones and backslashes, too
/// (`extract_first_word` in src/basic/extract-word.c), whether or not it takes these for more than bytes.
pub(crate) fn leaves_open(line: &[u8]) -> bool {
    ends_in_quotes(line, b"\"", false)
        || ends_in_quotes(line, b"\"'", false)
        || ends_in_quotes(line, b"\"'", true)
        || parameters(line).any(|parameter| parameter.ends_kernel_parameters())
}

fn ends_in_quotes(line: &[u8], quotes: &[u8], escapes: bool) -> bool {
    let mut open = None;
    let mut escaped = false;
    for &byte in line {
        match open {
            _ if escaped => escaped = false,
            _ if escapes && byte == b'\\' => escaped = true,
            Some(quote) if quote == byte => open = None,
            None if quotes.contains(&byte) => open = Some(byte),
            _ => {}
        }
    }
    open.is_some() || escaped
}

fn for_init_alone<'l, 'p>(parameter: Parameter<'l>, rules: &Rules<'p>) -> Judged<'l, 'p> {
    let action = if rules.nothing_for_init {
        Action::Deny
    } else {
        Action::Allow
    };
    Judged {
        parameter,
        action,
        by: DecidedBy::ForInit,
    }
}

fn judge<'l, 'p>(parameter: Parameter<'l>, rules: &Rules<'p>) -> Judged<'l, 'p> {
    let (action, by) = decided(&parameter, rules);
    Judged {
        parameter,
        action,
        by,
    }
}

fn decided<'p>(parameter: &Parameter<'_>, rules: &Rules<'p>) -> (Action, DecidedBy<'p>) {
    match is_as_forced(parameter, rules) {
        // Once more what is forced anyway is no harm, and what a line has that is used again.
        Some(true) => return (Action::Allow, DecidedBy::Forced),
        Some(false) => return (Action::Deny, DecidedBy::Forced),
        None => {}
    }
    for rule in rules.parameters() {
        if rule.is_about(parameter) {
            return (rule.action, DecidedBy::Rule(rule));
        }
    }
    if rules.unlisted_denied && !parameter.ends_kernel_parameters() {
        (Action::Deny, DecidedBy::Unlisted)
    } else {
        (Action::Allow, DecidedBy::Unlisted)
    }
}

/// Whether the policy forces a parameter to what it is here; `None` if it doesn't force it.
fn is_as_forced(parameter: &Parameter<'_>, rules: &Rules<'_>) -> Option<bool> {
    let mut found = None;
    for forced in parameters(rules.forced) {
        if same_name(forced.name, parameter.name) {
            found = Some(found == Some(true) || forced.value == parameter.value);
        }
    }
    found
}

/// Accepts a command line that is no UKI's, and that is vouched for so, with all of its parameters.
///
/// # Errors
/// `NotAccepted`, or the parameter that is denied.
pub fn accept(line: &[u8], signature_kind: SignatureKind, rules: &Rules<'_>) -> Result<(), Reason> {
    if rules.command_line.accept(signature_kind) {
        check(line, rules)
    } else {
        Err(Reason::NotAccepted(signature_kind))
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
