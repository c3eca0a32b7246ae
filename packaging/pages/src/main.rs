//! Writes man pages and shell completions, as clap knows the command line, and kexec(8) as its table of options does: a
//! directory for each, `man1`, `man8`, `bash`, `zsh` and `fish`.

mod kexec;

use anyhow::{Context, Result, bail};
use clap::Command;
use clap_complete::{Shell, generate};
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Each shell with its directory, and what its file of completions is called.
const SHELLS: [(Shell, &str, &str); 3] = [
    (Shell::Bash, "bash", "baton"),
    (Shell::Zsh, "zsh", "_baton"),
    (Shell::Fish, "fish", "baton.fish"),
];

/// What kexec(8) is installed as. Its own name belongs to whichever `kexec` a machine has chosen.
const KEXEC_PAGE: &str = "baton-kexec.8";

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<()> {
    let arguments: Vec<_> = std::env::args_os().skip(1).collect();
    match arguments.as_slice() {
        [directory] => write(Path::new(directory)),
        _ => bail!("give the directory to write to, and nothing else"),
    }
}

/// Writes all of them below a directory.
fn write(directory: &Path) -> Result<()> {
    let man = made(&directory.join("man1"))?;
    let mut command = baton_cli::cli::parse::command();
    command.build();
    write_pages(&command, &man)?;
    let page = made(&directory.join("man8"))?.join(KEXEC_PAGE);
    fs::write(&page, kexec::page()).with_context(|| page.display().to_string())?;
    for (shell, name, file) in SHELLS {
        let path = made(&directory.join(name))?.join(file);
        let mut completions = Vec::new();
        generate(
            shell,
            &mut baton_cli::cli::parse::command(),
            "baton",
            &mut completions,
        );
        fs::write(&path, completions).with_context(|| path.display().to_string())?;
    }
    Ok(())
}

/// An empty directory.
fn made(path: &Path) -> Result<PathBuf> {
    if path.exists() {
        fs::remove_dir_all(path).with_context(|| path.display().to_string())?;
    }
    fs::create_dir_all(path).with_context(|| path.display().to_string())?;
    Ok(path.to_owned())
}

/// A page for a command, and one for each that is below it.
fn write_pages(command: &Command, directory: &Path) -> Result<()> {
    let name = page_name(command);
    let mut page = Vec::new();
    clap_mangen::Man::new(command.clone())
        .title(name.clone())
        .date("")
        .source("Baton")
        .manual("Baton")
        .render(&mut page)?;
    let path = directory.join(format!("{name}.1"));
    fs::write(&path, page).with_context(|| path.display().to_string())?;
    let below = command.get_subcommands();
    for command in below.filter(|it| !it.is_hide_set() && it.get_name() != OsStr::new("help")) {
        write_pages(command, directory)?;
    }
    Ok(())
}

/// `baton-policy-check`, which is what man(1) finds for `man baton policy check`.
fn page_name(command: &Command) -> String {
    let full = command.get_bin_name().unwrap_or(command.get_name());
    full.replace(' ', "-")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written() -> tempfile::TempDir {
        let directory = tempfile::tempdir().unwrap();
        write(directory.path()).unwrap();
        directory
    }

    #[test]
    fn every_command_has_a_page_and_hidden_ones_have_none() {
        let directory = written();
        let mut command = baton_cli::cli::parse::command();
        command.build();
        let mut count = 0;
        let mut left = vec![&command];
        while let Some(command) = left.pop() {
            let page = directory
                .path()
                .join(format!("man1/{}.1", page_name(command)));
            if command.get_name() == "help" || command.is_hide_set() {
                assert!(!page.exists(), "{}", page.display());
                continue;
            }
            let text = fs::read_to_string(&page).unwrap();
            assert!(text.contains(".SH SYNOPSIS"), "{}", page.display());
            count += 1;
            left.extend(command.get_subcommands());
        }
        assert!(count > 20, "{count}");
    }

    #[test]
    fn completions_know_the_commands_of_each_shell() {
        let directory = written();
        for (_, name, file) in SHELLS {
            let text = fs::read_to_string(directory.path().join(name).join(file)).unwrap();
            assert!(text.contains("policy") && text.contains("crash"), "{name}");
        }
    }

    #[test]
    fn what_is_written_is_the_same_each_time() {
        let (one, other) = (written(), written());
        for section in ["man1", "man8"] {
            for entry in fs::read_dir(one.path().join(section)).unwrap() {
                let name = entry.unwrap().file_name();
                let page =
                    |of: &tempfile::TempDir| fs::read(of.path().join(section).join(&name)).unwrap();
                assert_eq!(page(&one), page(&other), "{name:?}");
            }
        }
    }
}
