//! Installs Baton below a directory: what packages are made of, and what `make install` would do elsewhere.
//!
//! Nothing is enabled or started, and what the machine's owner configured stays.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};

use crate::{capture, cargo, gate, program, run};

/// Mode of what is read.
const DATA: u32 = 0o644;
/// Mode of what is started.
const PROGRAM: u32 = 0o755;

/// What lies in the sources as it is installed: a directory of the sources, where its files go, and their mode. Files
/// that are added there are installed without being named here.
const AS_THEY_ARE: [(&str, &str, u32); 9] = [
    ("dist/systemd", "usr/lib/systemd/system", DATA),
    ("dist/udev", "usr/lib/udev/rules.d", DATA),
    ("dist/etc", "etc/baton", DATA),
    (
        "dist/capture-kernel",
        "usr/share/baton/capture-kernel",
        DATA,
    ),
    ("dist/kernel-install", "usr/lib/kernel/install.d", PROGRAM),
    ("dist/kernel/postinst.d", "etc/kernel/postinst.d", PROGRAM),
    (
        "dist/initramfs/post-update.d",
        "etc/initramfs/post-update.d",
        PROGRAM,
    ),
    ("docs", DOCUMENTS, DATA),
    ("docs/schema", "usr/share/doc/baton/schema", DATA),
];

/// Where documents go.
const DOCUMENTS: &str = "usr/share/doc/baton";

/// What is made of the command line's description, by the name of its directory there.
const PAGES: [(&str, &str); 5] = [
    ("man1", "usr/share/man/man1"),
    ("man8", "usr/share/man/man8"),
    ("bash", "usr/share/bash-completion/completions"),
    ("zsh", "usr/share/zsh/site-functions"),
    ("fish", "usr/share/fish/vendor_completions.d"),
];

/// Builds everything from the sources in `root`, and installs it below `to`.
///
/// # Errors
/// When something can't be built, or written.
pub fn install(root: &Path, to: &Path) -> Result<()> {
    let pages = pages(root)?;
    for (name, place) in PAGES {
        copy_all(&pages.join(name), &to.join(place), DATA)?;
    }
    let stub = gate::build(root)?.image;
    copy(&stub, &to.join("usr/lib/baton"), DATA)?;
    let capture = capture::build(root)?;
    copy_as(&capture, &to.join("usr/lib/baton/capture"), PROGRAM)?;
    copy(&program::build(root)?, &to.join("usr/bin"), PROGRAM)?;
    for (from, place, mode) in AS_THEY_ARE {
        let place = to.join(place);
        for file in files_of(&root.join(from))? {
            if !is_theirs(&file, &place) {
                copy(&file, &place, mode)?;
            }
        }
    }
    for name in ["README.md", "CHANGELOG.md"] {
        copy(&root.join(name), &to.join(DOCUMENTS), DATA)?;
    }
    Ok(())
}

/// Man pages and completions, in a directory for each kind.
fn pages(root: &Path) -> Result<PathBuf> {
    let directory = root.join("target/pages");
    run(Command::new(cargo())
        .current_dir(root)
        .args([
            "run",
            "--quiet",
            "--locked",
            "--package",
            "baton-pages",
            "--",
        ])
        .arg(&directory))
    .context("making man pages and completions")?;
    Ok(directory)
}

/// Whether it is a configuration that the machine's owner has already.
fn is_theirs(file: &Path, place: &Path) -> bool {
    file.extension().is_some_and(|it| it == "toml")
        && file
            .file_name()
            .is_some_and(|name| place.join(name).exists())
}

/// Copies the files that lie in a directory, if it is there.
fn copy_all(from: &Path, to: &Path, mode: u32) -> Result<()> {
    files_of(from)?
        .iter()
        .try_for_each(|file| copy(file, to, mode))
}

/// The files that lie in a directory; none if it isn't there.
fn files_of(directory: &Path) -> Result<Vec<PathBuf>> {
    if !directory.is_dir() {
        return Ok(Vec::new());
    }
    let entries =
        fs::read_dir(directory).with_context(|| format!("can't list {}", directory.display()))?;
    let mut files = Vec::new();
    for entry in entries {
        let path = entry?.path();
        if path.is_file() {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

/// Copies a file into a directory.
fn copy(file: &Path, directory: &Path, mode: u32) -> Result<()> {
    let name = file.file_name().and_then(OsStr::to_str);
    let name = name.with_context(|| format!("{} has no name", file.display()))?;
    copy_as(file, &directory.join(name), mode)
}

fn copy_as(file: &Path, to: &Path, mode: u32) -> Result<()> {
    let directory = to.parent().context("no directory")?;
    ensure!(
        !to.is_symlink(),
        "{} is a link; nothing is installed through links",
        to.display()
    );
    // Beside it first: a program that runs can't be written to, and half of one can't be started.
    let beside = directory.join(".baton-install");
    fs::create_dir_all(directory)
        .and_then(|()| fs::copy(file, &beside))
        .and_then(|_| fs::set_permissions(&beside, fs::Permissions::from_mode(mode)))
        .and_then(|()| fs::rename(&beside, to))
        .with_context(|| format!("can't install {}", to.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_directory_is_installed_file_by_file_with_the_mode_of_its_kind() {
        let scratch = tempfile::tempdir().unwrap();
        let (from, to) = (scratch.path().join("from"), scratch.path().join("to/there"));
        fs::create_dir_all(from.join("further")).unwrap();
        fs::write(from.join("a"), "1").unwrap();
        copy_all(&from, &to, PROGRAM).unwrap();
        let names: Vec<_> = fs::read_dir(&to)
            .unwrap()
            .map(|it| it.unwrap().file_name())
            .collect();
        assert_eq!(names, ["a"]);
        let mode = fs::metadata(to.join("a")).unwrap().permissions().mode();
        assert_eq!(mode & 0o7777, PROGRAM);
    }

    #[test]
    fn a_directory_that_is_not_there_installs_nothing() {
        let scratch = tempfile::tempdir().unwrap();
        let to = scratch.path().join("to");
        copy_all(&scratch.path().join("from"), &to, DATA).unwrap();
        assert!(!to.exists());
    }

    #[test]
    fn a_configuration_that_is_there_stays() {
        let scratch = tempfile::tempdir().unwrap();
        let path = scratch.path().join("load.toml");
        assert!(!is_theirs(Path::new("dist/etc/load.toml"), scratch.path()));
        fs::write(&path, "").unwrap();
        assert!(is_theirs(Path::new("dist/etc/load.toml"), scratch.path()));
    }

    #[test]
    fn nothing_is_written_through_a_link() {
        let scratch = tempfile::tempdir().unwrap();
        let (file, other) = (scratch.path().join("a"), scratch.path().join("b"));
        fs::write(&file, "1").unwrap();
        fs::create_dir(scratch.path().join("to")).unwrap();
        std::os::unix::fs::symlink(&other, scratch.path().join("to/a")).unwrap();
        let said = copy(&file, &scratch.path().join("to"), DATA).unwrap_err();
        assert!(said.to_string().contains("is a link"), "{said}");
        assert!(!other.exists());
    }

    #[test]
    fn every_unit_starts_what_is_installed() {
        let root = crate::root().unwrap();
        for entry in fs::read_dir(root.join("dist/systemd")).unwrap() {
            let path = entry.unwrap().path();
            let text = fs::read_to_string(&path).unwrap();
            let started = text
                .lines()
                .filter_map(|line| line.strip_prefix("Exec"))
                .filter_map(|line| line.split_once('='))
                .filter_map(|(_, command)| command.split_whitespace().next());
            for program in started {
                let program = program.trim_start_matches(['-', '+', '@', ':', '!']);
                assert!(
                    program == "/usr/bin/baton" || program.starts_with("/bin/"),
                    "{}: {program}",
                    path.display()
                );
            }
        }
    }
}
