//! The source lines that the compiler made the linked code of, from the program's line table.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, ensure};

/// Nothing of the image is linked below: there stands what was linked out.
const LOWEST: u64 = 0x1000;

/// The lines of each file, which is called as it was when it was compiled: `crates/NAME-VERSION/…` for one of
/// another crate (`baton_xtask::gate` says so), and for Baton's own as in the repository.
pub type LineTable = BTreeMap<String, BTreeSet<usize>>;

/// Reads a program's.
pub fn of_program(program: &Path) -> Result<LineTable> {
    let output = Command::new("readelf")
        .args(["--debug-dump=decodedline", "--wide"])
        .arg(program)
        .output()
        .context("can't start readelf (package binutils)")?;
    ensure!(
        output.status.success(),
        "readelf can't read {}",
        program.display()
    );
    let table = parse(&String::from_utf8_lossy(&output.stdout));
    ensure!(
        !table.is_empty(),
        "{} has no table of lines",
        program.display()
    );
    Ok(table)
}

fn parse(text: &str) -> LineTable {
    let mut table = LineTable::new();
    let (mut package, mut file) = (String::new(), String::new());
    for line in text.lines() {
        if let Some(unit) = line.strip_prefix("CU: ") {
            package = package_of(unit);
            file.clear();
        } else if let Some(name) = line.strip_suffix(':') {
            file = full_name(name, &package);
        } else if let Some((number, address)) = row(line)
            && address >= LOWEST
            && !file.is_empty()
        {
            table.entry(file.clone()).or_default().insert(number);
        }
    }
    table
}

/// `crates/NAME-VERSION` of a unit of such a crate; otherwise nothing.
fn package_of(unit: &str) -> String {
    let mut parts = unit.split('/');
    match (parts.next(), parts.next()) {
        (Some("crates"), Some(package)) => format!("crates/{package}"),
        _ => String::new(),
    }
}

fn full_name(name: &str, package: &str) -> String {
    match name.strip_prefix("baton/") {
        Some(own) => own.to_owned(),
        None if name.starts_with("src/") => format!("{package}/{name}"),
        None => name.to_owned(),
    }
}

/// The line's number and the address of its code. Line 0 is nobody's.
fn row(line: &str) -> Option<(usize, u64)> {
    let mut words = line.split_whitespace().skip(1);
    let number = words.next()?.parse().ok().filter(|number| *number > 0)?;
    let address = words.next()?.strip_prefix("0x")?;
    Some((number, u64::from_str_radix(address, 16).ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_lines_by_file_whichever_crate_it_is_of() {
        let text = "Contents of the .debug_line section:\n\n\
            CU: baton/verify/src/lib.rs/@/baton_verify.1-cgu.0:\n\
            File name  Line number  Starting address  View  Stmt\n\
            lib.rs     9            0x2000            x\n\
            verify/src/der/mod.rs:\n\
            mod.rs     7            0x2000            x\n\
            mod.rs     0            0x2004            x\n\
            mod.rs     8            0x0               x\n\
            mod.rs     -            0x2008\n\n\
            baton/gate/src/plan.rs:\n\
            plan.rs    3            0x2010            x\n\
            CU: crates/sha2-0.1.0/crates/sha2-0.1.0/src/lib.rs/@/sha2.1-cgu.0:\n\
            src/sha256.rs:\n\
            sha256.rs  5            0x2020            x\n";
        let expected = [
            ("crates/sha2-0.1.0/src/sha256.rs", 5),
            ("gate/src/plan.rs", 3),
            ("verify/src/der/mod.rs", 7),
        ];
        let expected = expected.map(|(file, line)| (file.to_owned(), [line].into()));
        assert_eq!(parse(text), expected.into());
    }
}
