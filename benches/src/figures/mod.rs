//! What a reviewer of the gate has to read, in numbers.

mod lines;
mod peers;

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, ensure};
use baton_lab::fetch::cache::Cache;
use baton_lab::fetch::packages;
use baton_xtask::gate::{self, Stub};

/// The crates that must be trusted.
const TRUSTED: [&str; 3] = ["formats", "verify", "gate"];

/// Prints the size of the gate and of the code it is made of, and others' beside it.
pub fn print(root: &Path, stub: &Stub) -> Result<()> {
    let bytes = std::fs::metadata(&stub.image)?.len();
    let crates = gate::linked_crates(root)?.len();
    let mut sum = 0;
    for folder in TRUSTED {
        let lines = lines::of_crate(&root.join(folder).join("src"))?;
        sum += lines;
        println!("code lines in {folder:8} {lines:5}");
    }
    println!(
        ".text of the gate     {} bytes\n",
        text_size(&stub.program)?
    );
    let row = |name: &str, bytes: &str, lines: &str, crates: &str| {
        println!("{name:28} {bytes:>15}  {lines:>24}  {crates:>6}");
    };
    row("", "image, bytes", "code lines", "crates");
    row(
        "the gate",
        &bytes.to_string(),
        &sum.to_string(),
        &crates.to_string(),
    );
    for peer in peers::all(root)? {
        row(
            &peer.name,
            &peer.file.map_or(String::new(), |file| size_of(&file)),
            &peer.code_lines,
            &peer.crates,
        );
    }
    println!(
        "\nOurs: no tests, comments or blank lines; crates beside Baton's own. Others' code lines and \
         crates: from {}.",
        peers::SOURCE
    );
    Ok(())
}

/// The size of a file of the packages in the cache.
fn size_of(file: &str) -> String {
    let fetched = Cache::open()
        .ok()
        .and_then(|cache| packages::fetched(&cache, file));
    let size = fetched.and_then(|path| std::fs::metadata(path).ok());
    size.map_or_else(|| "not fetched".to_owned(), |size| size.len().to_string())
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
