//! What a reviewer of the gate has to read, in numbers.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, ensure};

use crate::gate::Stub;

/// The crates that must be trusted.
const TRUSTED: [&str; 3] = ["formats", "verify", "gate"];

/// Prints the size of the gate and of the code it is made of.
pub fn print(root: &Path, stub: &Stub) -> Result<()> {
    println!(
        "gate image         {} bytes",
        std::fs::metadata(&stub.image)?.len()
    );
    println!(".text              {} bytes", text_size(&stub.program)?);
    println!(
        "crates linked      {} (beside Baton's own)",
        linked_crates(root)?
    );
    let mut sum = 0;
    for folder in TRUSTED {
        let lines = code_lines(&root.join(folder).join("src"))?;
        sum += lines;
        println!("code lines         {lines:5} in {folder}");
    }
    println!("code lines         {sum:5} in all (no tests, comments or blank lines)");
    Ok(())
}

fn text_size(program: &Path) -> Result<u64> {
    let output = Command::new("size")
        .arg("-A")
        .arg(program)
        .output()
        .context("can't start size (package binutils)")?;
    ensure!(
        output.status.success(),
        "size can't read {}",
        program.display()
    );
    let text = String::from_utf8(output.stdout)?;
    let line = text
        .lines()
        .find(|line| line.starts_with(".text"))
        .context("the gate has no .text")?;
    Ok(line
        .split_whitespace()
        .nth(1)
        .context("size prints no number")?
        .parse()?)
}

fn linked_crates(root: &Path) -> Result<usize> {
    let output = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
        .current_dir(root)
        .args([
            "tree",
            "--locked",
            "--package",
            "baton-gate",
            "--features",
            "image",
        ])
        .args([
            "--edges",
            "normal,no-proc-macro",
            "--prefix",
            "none",
            "--format",
            "{p}",
        ])
        .output()
        .context("can't start cargo")?;
    ensure!(
        output.status.success(),
        "cargo tree failed: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    let text = String::from_utf8(output.stdout)?;
    let names: BTreeSet<&str> = text
        .lines()
        .filter_map(|line| line.split_whitespace().next())
        .collect();
    Ok(names
        .iter()
        .filter(|name| !name.starts_with("baton"))
        .count())
}

fn code_lines(folder: &Path) -> Result<usize> {
    let mut sum = 0;
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        let name = path
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        if path.is_dir() {
            sum += if name == "tests" {
                0
            } else {
                code_lines(&path)?
            };
        } else if name.ends_with(".rs") && !name.ends_with("tests.rs") || name.ends_with(".s") {
            sum += count(
                &std::fs::read_to_string(&path)?,
                if name.ends_with(".s") { "#" } else { "//" },
            );
        }
    }
    Ok(sum)
}

/// Lines that are neither blank nor comment, up to the module of tests at a file's end.
fn count(source: &str, comment: &str) -> usize {
    let code = source
        .split("#[cfg(test)]\nmod tests")
        .next()
        .unwrap_or_default();
    code.lines()
        .map(str::trim)
        .filter(|line| !line.is_empty() && !line.starts_with(comment))
        .count()
}

#[cfg(test)]
mod tests {
    use super::count;

    #[test]
    fn counts_neither_comments_nor_blank_lines_nor_tests() {
        let source = "//! Words.\n\nfn a() {} // one\n    // none\nfn b() {}\n\n#[cfg(test)]\nmod tests {\n fn c() {}\n}\n";
        assert_eq!(count(source, "//"), 2);
    }
}
