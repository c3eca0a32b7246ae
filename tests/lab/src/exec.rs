//! Running other programs, so that a failure says which one and what it said.

use std::process::Command;

use anyhow::{Context, Result, bail};

/// Runs a program to its end and gives what it wrote; a failure carries its words.
pub fn output(command: &mut Command) -> Result<String> {
    Ok(String::from_utf8_lossy(&bytes(command)?).into_owned())
}

/// The same of a program that writes no text.
pub fn bytes(command: &mut Command) -> Result<Vec<u8>> {
    let out = command
        .output()
        .with_context(|| format!("can't run {}", words(command)))?;
    if out.status.success() {
        return Ok(out.stdout);
    }
    let mut said = String::from_utf8_lossy(&out.stderr).into_owned();
    said.push_str(&String::from_utf8_lossy(&out.stdout));
    bail!(
        "{} failed ({}): {}",
        words(command),
        out.status,
        said.trim()
    )
}

/// Runs a program and drops what it wrote.
pub fn run(command: &mut Command) -> Result<()> {
    output(command).map(drop)
}

/// Whether a program of this name is in the search path.
pub fn is_installed(program: &str) -> bool {
    if program.starts_with('/') {
        return std::path::Path::new(program).is_file();
    }
    let path = std::env::var_os("PATH").unwrap_or_default();
    // Administrators' programs aren't in everybody's path, but can be run by everybody.
    let fixed = ["/usr/sbin", "/sbin"].map(std::path::PathBuf::from);
    std::env::split_paths(&path)
        .chain(fixed)
        .any(|directory| directory.join(program).is_file())
}

/// A command that also finds administrators' programs.
pub fn tool(program: &str) -> Command {
    let sbin = std::path::Path::new("/usr/sbin").join(program);
    if sbin.is_file() {
        Command::new(sbin)
    } else {
        Command::new(program)
    }
}

/// A command as it would be typed.
pub fn words(command: &Command) -> String {
    let mut text = command.get_program().to_string_lossy().into_owned();
    for argument in command.get_args() {
        text.push(' ');
        text.push_str(&argument.to_string_lossy());
    }
    text
}

/// QEMU, which ends with this program, however that ends: no machine is left to run for nobody.
pub fn qemu() -> Command {
    let mut command = Command::new("setpriv");
    command.args(["--pdeathsig", "KILL", "--", "qemu-system-x86_64"]);
    command
}
