//! docs/kexec-compat.md, written from the table, which the virtual machines show to be true.

use std::fmt::Write;

use anyhow::{Result, ensure};
use fs_err as fs;

use super::case::{Case, FILES, Outcome};
use super::table::{FREE, LOCKED_DOWN, UNRESERVED};
use super::why::Why;

const PATH: &str = "docs/kexec-compat.md";

const INTRODUCTION: &str = "\
# Baton by the name of kexec, beside kexec-tools

Called as `kexec`, Baton takes the command line of kexec-tools 2.0.32. The cases below are run by both programs, one
after another on the same virtual machines: Debian's kexec-tools 2.0.25 and Baton (`cargo xtask vm --filter
kexec-compat`). A case that ends otherwise than it stands here fails that test; so does a difference without a reason.

This file is written from the table of that test; `BATON_BLESS=1 cargo test -p baton-vm` writes it.
";

const IN_GENERAL: &str = "\
## What differs in general

- *Words.* Where a command line is wrong, kexec-tools prints its whole help on standard output; Baton says one line on
  standard error, which names the fix. Exit codes and the first words are the same.
- *Success.* Both say nothing, but that Baton names options which have no effect on standard error. `-d` says how a
  kernel is loaded, and by whose signature.
- *Routes.* Baton loads as `baton load` does: by kexec_file_load, directly where the running kernel vouches for the
  image, through the gate where only the gate does.
- *Command lines.* `--reuse-cmdline` drops `BOOT_IMAGE=` and `initrd=`, and `crashkernel=` for a panic, by their whole
  names: kexec-tools keeps `initrd=`, and drops whatever begins with the other two.
- *UKIs.* Without a command line a UKI gets its own, which kexec-tools 2.0.32 ignores.
- *`-S -d`* asks for the crash kernel, as `-S` does; in kexec-tools 2.0.32 it asks for the other one.
";

/// The machines, each with what it is and its cases.
const MACHINES: [(&str, &str, &[Case]); 3] = [
    (
        "Locked down",
        "Secure Boot, shim, GRUB and Debian's kernel 6.12; memory is reserved for a crash kernel. The gate is signed with an enrolled key.",
        LOCKED_DOWN,
    ),
    (
        "Not locked down",
        "The same kernel without EFI; memory is reserved for a crash kernel. The gate's policy asks for no Secure Boot.",
        FREE,
    ),
    (
        "Without reserved memory",
        "As before, without `crashkernel=`.",
        UNRESERVED,
    ),
];

fn text() -> String {
    let mut text = format!("{INTRODUCTION}\n{IN_GENERAL}");
    differences(&mut text);
    let count: usize = MACHINES.iter().map(|(_, _, cases)| cases.len()).sum();
    // Writing to a String can't fail.
    let _ = write!(
        text,
        "\n## All {count} cases\n\nWords in capitals are files: {}.\n*Before* and *after* say what is loaded. Where the\nprograms differ, kexec-tools comes first.\n",
        files()
    );
    for (name, what, cases) in MACHINES {
        let _ = write!(
            text,
            "\n### {name}\n\n{what}\n\n| `kexec` | before | exit code | after | kexec-tools says | Baton says |\n|---|---|---|---|---|---|\n"
        );
        for case in cases {
            row(&mut text, case);
        }
    }
    text
}

fn differences(text: &mut String) {
    text.push_str("\n## Cases that scripts see differ\n");
    for why in Why::ALL {
        let _ = write!(
            text,
            "\n{}\n\n| machine | `kexec` | kexec-tools | Baton |\n|---|---|---|---|\n",
            why.text()
        );
        for (name, _, cases) in MACHINES {
            for case in cases.iter().filter(|case| case.why == Some(why)) {
                let _ = writeln!(
                    text,
                    "| {} | `{}` | {} | {} |",
                    name.to_lowercase(),
                    case.line,
                    ending(&case.stock),
                    ending(&case.ours)
                );
            }
        }
    }
}

fn ending(outcome: &Outcome) -> String {
    match outcome.loaded.word() {
        "" => format!("{}, nothing is loaded", outcome.code),
        loaded => format!("{}, {loaded} loaded", outcome.code),
    }
}

fn row(text: &mut String, case: &Case) {
    let (stock, ours) = (&case.stock, &case.ours);
    let both = |stock: &str, ours: &str| {
        if stock == ours {
            stock.to_owned()
        } else {
            format!("{} / {}", or_dash(stock), or_dash(ours))
        }
    };
    let _ = writeln!(
        text,
        "| `{}` | {} | {} | {} | {} | {} |",
        case.line,
        case.before.word(),
        both(&stock.code.to_string(), &ours.code.to_string()),
        both(stock.loaded.word(), ours.loaded.word()),
        said(stock.says),
        said(ours.says)
    );
}

fn or_dash(word: &str) -> &str {
    if word.is_empty() { "–" } else { word }
}

fn said(words: &str) -> String {
    match words {
        "" => "nothing".to_owned(),
        words => format!("…{}…", words.replace('|', "\\|")),
    }
}

fn files() -> String {
    let all: Vec<String> = FILES
        .iter()
        .map(|(name, _, what)| format!("`{name}` is {what}"))
        .collect();
    all.join(", ") + ", `LONG` is 2100 letters"
}

/// Every case that scripts see differ has a reason, and no other has.
fn check_reasons() -> Result<()> {
    for (name, _, cases) in MACHINES {
        for case in cases {
            let differs = !case.stock.is_as(&case.ours);
            ensure!(
                differs == case.why.is_some(),
                "{name}: kexec {}: a reason goes with a difference that scripts see",
                case.line
            );
        }
    }
    Ok(())
}

/// Compares the file with the table, or writes it where `BATON_BLESS` is set.
///
/// # Errors
/// What to do about it.
pub fn check() -> Result<()> {
    check_reasons()?;
    let path = baton_xtask::root()?.join(PATH);
    let text = text();
    if std::env::var_os("BATON_BLESS").is_some() {
        return Ok(fs::write(&path, text)?);
    }
    let there = fs::read_to_string(&path).unwrap_or_default();
    ensure!(
        there == text,
        "{PATH} isn't what the table says: BATON_BLESS=1 cargo test -p baton-vm writes it"
    );
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_document_is_what_the_table_says() {
        check().unwrap();
    }

    #[test]
    fn every_reason_is_one_of_some_case() {
        let cases = || MACHINES.iter().flat_map(|(_, _, cases)| cases.iter());
        for why in Why::ALL {
            assert!(cases().any(|case| case.why == Some(why)), "{why:?}");
        }
        assert!(cases().count() >= 80);
    }

    #[test]
    fn no_case_stands_there_twice() {
        for (name, _, cases) in MACHINES {
            for (n, case) in cases.iter().enumerate() {
                let again = |other: &Case| (other.line, other.before) == (case.line, case.before);
                assert!(!cases[..n].iter().any(again), "{name}: kexec {}", case.line);
            }
        }
    }
}
