//! docs/secrets.md, written from what was found in the dumps of each kernel.

use std::fmt::Write;

use anyhow::{Context, Result, ensure};
use fs_err as fs;

use super::results::{self, Results};
use super::table::{LEVELS, Promise, Row, TABLE};

const PATH: &str = "docs/secrets.md";

const INTRODUCTION: &str = "\
# What a filtered dump gives away

A program plants recognisable secrets in every kind of memory that there is, the machine panics, its memory is dumped at
each level in every format (kdump-compressed with zstd and zlib, flattened, ELF), and the secrets in what can be read of
each dump, and in its file, are counted. A level that is to leave a kind of memory out and has one secret of it fails that
test, as does a dump without a secret that it should have (`cargo xtask vm --filter dump-secrets`).

This file is written from what was found: `BATON_BLESS=1 cargo xtask vm --filter dump-secrets-`.

## What the levels promise

A level is a sum: 1 zeros, 2 page cache without private data, 4 all page cache, 8 memory of programs, 16 free memory.

| memory | left out by |
|---|---|
";

fn promise(row: &Row) -> String {
    match row.promise {
        Promise::Kept => "no level: it is the kernel's".to_owned(),
        Promise::LeftOutBy(bits) => {
            let bits = [2, 4, 8, 16].into_iter().filter(|bit| bits & bit != 0);
            let bits: Vec<String> = bits.map(|bit: u8| bit.to_string()).collect();
            bits.join(" or ")
        }
    }
}

fn section(text: &mut String, results: &Results) -> Result<()> {
    let beside = if results.theirs.is_empty() {
        format!("{} can't read this kernel's memory.", results.makedumpfile)
    } else {
        format!("In brackets: {}, where it differs.", results.makedumpfile)
    };
    let levels = LEVELS.map(|level| level.to_string()).join(" | ");
    write!(
        text,
        "\n## {}\n\n{beside}\n\n| memory | secrets | {levels} |\n|---|---|{}\n",
        results.release,
        "---|".repeat(LEVELS.len())
    )?;
    for row in &TABLE {
        let there = results.memory.get(&row.kind).copied().unwrap_or(0);
        if there == 0 {
            writeln!(
                text,
                "| {} | this kernel has none |{}",
                row.what,
                " |".repeat(LEVELS.len())
            )?;
            continue;
        }
        write!(text, "| {} | {there} |", row.what)?;
        for level in LEVELS {
            let ours = results.baton.get(&level).context("a level is missing")?;
            let ours = ours.get(&row.kind).copied().unwrap_or(0);
            let theirs = results.theirs.get(&level);
            let theirs = theirs.map(|it| it.get(&row.kind).copied().unwrap_or(0));
            match theirs.filter(|theirs| *theirs != ours) {
                Some(theirs) => write!(text, " {ours} ({theirs}) |")?,
                None => write!(text, " {ours} |")?,
            }
        }
        text.push('\n');
    }
    Ok(())
}

fn text() -> Result<String> {
    let mut text = INTRODUCTION.to_owned();
    for row in &TABLE {
        writeln!(text, "| {} | {} |", row.what, promise(row))?;
    }
    for results in results::all()?.values() {
        section(&mut text, results)?;
    }
    Ok(text)
}

/// Compares the file with what was found, or writes it where `BATON_BLESS` is set.
///
/// # Errors
/// What to do about it.
pub fn check() -> Result<()> {
    let path = baton_xtask::root()?.join(PATH);
    let text = text()?;
    if std::env::var_os("BATON_BLESS").is_some() {
        return Ok(fs::write(&path, text)?);
    }
    let there = fs::read_to_string(&path).unwrap_or_default();
    ensure!(
        there == text,
        "{PATH} isn't what was found: BATON_BLESS=1 cargo test -p baton-vm writes it"
    );
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_document_is_what_was_found() {
        check().unwrap();
    }

    #[test]
    fn what_was_found_is_what_is_promised() {
        let all = results::all().unwrap();
        assert!(all.len() >= 3);
        for results in all.values() {
            for row in &TABLE {
                let there = results.memory[&row.kind];
                for level in LEVELS {
                    let found = results.baton[&level][&row.kind];
                    row.check(level, there, found).unwrap();
                }
            }
        }
    }
}
