//! What a reviewer of the gate has to read, in numbers.

mod lines;

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
        let lines = lines::of_crate(&root.join(folder).join("src"))?;
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
