//! docs/authenticode-differences.md, written from the table of malformed images.

use fs_err as fs;
use std::fmt::Write;
use std::path::Path;

use anyhow::{Context, Result, bail};

use super::cases::{self, Case, Making, Outcome};

const PATH: &str = "docs/authenticode-differences.md";

const INTRODUCTION: &str = "\
# Where signing tools differ about a PE image

An Authenticode signature signs a digest of a PE image, and tools differ in what they accept as a PE image and
in which of its bytes they hash. `cargo xtask differential` gives every PE file of the packages that Baton is
tested with, and the malformed images below, to Baton, to sbsign and sbverify (sbsigntool 0.9.4) and to
osslsigncode (2.9), and fails if any of them behaves differently from what is stated here. This file is
generated from its table (`tests/differential/src/cases.rs`; `BATON_BLESS=1` writes it).

For all 64-bit files of the packages the three compute the same digest, and each accepts what the others
sign. Where the digests of malformed images differ, Baton is the one that refuses: a byte that no
digest covers, or that two readers would interpret differently, is never accepted, except for the padding of an
entry of the certificate table to 8 bytes ([harmless-bits.md](harmless-bits.md)).
";

const UNSIGNED: &str = "
## Images to be signed

*accepts*: signs the image over the digest of all its bytes except `CheckSum`, the certificate table's
directory entry and the certificate table, and accepts what it signed. *other digest*: the same, over
something else. *contradicts itself*: signs the image, then refuses what it signed. *overruns*: reads
memory beyond the file, then either crashes or hashes what lies there.
";

const SIGNED: &str = "
## Signed images that were changed

Signed by sbsign with a key that is trusted here, then changed. *crashes*: hangs, or is killed by a signal.
";

/// The whole file.
pub fn text() -> String {
    let (unsigned, signed): (Vec<_>, Vec<_>) = cases::all()
        .into_iter()
        .partition(|case| matches!(case.making, Making::Unsigned(_)));
    let mut text = INTRODUCTION.to_owned();
    for (head, cases) in [(UNSIGNED, unsigned), (SIGNED, signed)] {
        text.push_str(head);
        text.push_str("\n| image | Baton | sbsign, sbverify | osslsigncode | why |\n");
        text.push_str("|---|---|---|---|---|\n");
        cases.iter().for_each(|case| row(&mut text, case));
    }
    text
}

fn row(text: &mut String, case: &Case) {
    let [baton, sbsigntool, osslsigncode] = case.outcomes.map(Outcome::words);
    let (name, why) = (case.name, case.why);
    // Writing to a String can't fail.
    let _ = writeln!(
        text,
        "| {name} | {baton} | {sbsigntool} | {osslsigncode} | {why} |"
    );
}

/// Compares the file with the table, or writes it where BATON_BLESS is set.
pub fn check(root: &Path) -> Result<()> {
    let path = root.join(PATH);
    if std::env::var_os("BATON_BLESS").is_some() {
        return fs::write(&path, text()).context(PATH);
    }
    if fs::read_to_string(&path).context(PATH)? != text() {
        bail!("{PATH} isn't what the table says: BATON_BLESS=1 cargo xtask differential writes it");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_document_says_what_the_table_says() {
        check(&baton_xtask::root().unwrap()).unwrap();
    }

    #[test]
    fn baton_refuses_whatever_the_others_differ_about() {
        for case in cases::all() {
            let [baton, sbsigntool, osslsigncode] = case.outcomes;
            let odd = |outcome| matches!(outcome, Outcome::OtherDigest | Outcome::Contradicts);
            assert!(!odd(baton), "{}", case.name);
            if odd(sbsigntool) || odd(osslsigncode) {
                assert_eq!(baton, Outcome::Refuses, "{}", case.name);
            }
        }
    }
}
