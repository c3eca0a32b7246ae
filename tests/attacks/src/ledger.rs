//! docs/cve-ledger.md, whose every named test must be one.

use std::fs;
use std::path::Path;

const PATH: &str = "docs/cve-ledger.md";

/// The tests that the ledger names: `` `path/of/file.rs::name_of_the_test` ``.
///
/// # Errors
/// If the file can't be read.
pub fn named_tests(root: &Path) -> Result<Vec<(String, String)>, String> {
    let text = fs::read_to_string(root.join(PATH)).map_err(|error| format!("{PATH}: {error}"))?;
    let code = text.split('`').skip(1).step_by(2);
    Ok(code
        .filter_map(|code| code.split_once(".rs::"))
        .map(|(file, name)| (format!("{file}.rs"), name.to_owned()))
        .collect())
}

/// How many vulnerabilities it lists: rows that begin with a number of theirs.
///
/// # Errors
/// If the file can't be read.
pub fn entries(root: &Path) -> Result<Vec<String>, String> {
    let text = fs::read_to_string(root.join(PATH)).map_err(|error| format!("{PATH}: {error}"))?;
    Ok(text
        .lines()
        .filter_map(|line| line.strip_prefix("| "))
        .filter(|row| row.starts_with("CVE-") || row.starts_with('—'))
        .map(str::to_owned)
        .collect())
}

/// Whether the file has a test of that name.
#[must_use]
pub fn is_a_test(root: &Path, file: &str, name: &str) -> bool {
    let Ok(text) = fs::read_to_string(root.join(file)) else {
        return false;
    };
    let head = format!("fn {name}(");
    let mut before = "";
    for line in text.lines().map(str::trim) {
        if line.starts_with(&head) && before == "#[test]" {
            return true;
        }
        before = line;
    }
    false
}
