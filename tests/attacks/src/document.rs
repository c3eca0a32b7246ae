//! docs/attacks.md, written from what the run of the table gave.

use std::fmt::Write;
use std::fs;
use std::path::Path;

use crate::row::{Group, Row};

const PATH: &str = "docs/attacks.md";

const INTRODUCTION: &str = "\
# Attacks, and what refuses them

Every attack here is tried at each test run (`cargo test -p baton-attacks`): on a machine that boots
without it, so that nothing else is what refuses it, and by everyone who sees it. *Verdict* is
`baton_verify::decide`, which preflight and gate share; then the gate's whole way from boot_params to the
plan of the next kernel's boot must refuse it, and so must `baton load`, in the same words. *Gate* is for
what only the gate sees: the machine's own tables, and memory after loading. *Preflight* is for what `baton
load` predicts of the running kernel, which judges the gate. *Survived* means that the machine boots what
was verified all the same, and that the test looks at where the plan writes.

This file is written from that run; `BATON_BLESS=1 cargo test -p baton-attacks` writes it. Long digests are
cut here. [threat-model.md](threat-model.md) says who attacks, and what isn't defended.
";

/// The whole file.
#[must_use]
pub fn text(rows: &[Row]) -> String {
    let mut text = INTRODUCTION.to_owned();
    let _ = write!(text, "\n{} attacks:\n\n", rows.len());
    for group in Group::ALL {
        let count = rows.iter().filter(|row| row.group == group).count();
        let _ = writeln!(text, "- {}: {count}", group.title());
    }
    for group in Group::ALL {
        section(&mut text, group, rows);
    }
    text
}

fn section(text: &mut String, group: Group, rows: &[Row]) {
    let mut rows = rows.iter().filter(|row| row.group == group).peekable();
    if rows.peek().is_none() {
        return;
    }
    // Writing to a String can't fail.
    let _ = write!(text, "\n## {}\n\n{}\n\n", group.title(), group.attacker());
    text.push_str("| attack | by | code | in words |\n|---|---|---|---|\n");
    for row in rows {
        let code = row
            .code
            .map_or("survived".to_owned(), |code| format!("`{code}`"));
        let words = shortened(&row.words).replace('|', "\\|");
        let _ = writeln!(
            text,
            "| {} | {} | {code} | {words} |",
            row.name, row.stopped_by
        );
    }
}

/// With digests and key identifiers cut to their first digits.
fn shortened(words: &str) -> String {
    const SHOWN: usize = 8;
    let mut text = String::new();
    let mut digits = String::new();
    let flush = |text: &mut String, digits: &mut String| {
        if digits.len() >= 40 {
            text.push_str(&digits[..SHOWN]);
            text.push('…');
        } else {
            text.push_str(digits)
        }
        digits.clear();
    };
    for letter in words.chars() {
        if letter.is_ascii_hexdigit() {
            digits.push(letter);
        } else {
            flush(&mut text, &mut digits);
            text.push(letter);
        }
    }
    flush(&mut text, &mut digits);
    text
}

/// Compares the file with the run, or writes it where `BATON_BLESS` is set.
///
/// # Errors
/// What to do about it.
pub fn check(root: &Path, rows: &[Row]) -> Result<(), String> {
    let path = root.join(PATH);
    let text = text(rows);
    if std::env::var_os("BATON_BLESS").is_some() {
        return fs::write(&path, text).map_err(|error| format!("{PATH}: {error}"));
    }
    match fs::read_to_string(&path) {
        Ok(there) if there == text => Ok(()),
        Ok(_) => Err(format!(
            "{PATH} isn't what the run gave: BATON_BLESS=1 cargo test -p baton-attacks writes it"
        )),
        Err(error) => Err(format!("{PATH}: {error}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digests_are_cut_and_addresses_are_not() {
        let digest = "0123456789abcdef".repeat(4);
        assert_eq!(
            shortened(&format!("(digest {digest} at 0x100000)")),
            "(digest 01234567… at 0x100000)"
        );
    }
}
