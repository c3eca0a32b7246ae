//! mokutil, which leaves requests for shim's MokManager. It is the distributions' own program for this, and hashes the
//! password as their shim expects.

use super::password::Confirmation;
use crate::failure::keys::KeysError;
use baton_sys::Root;
use std::io::{self, Write};
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// The program, if it is installed.
#[must_use]
pub fn find() -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut places = std::env::split_paths(&path).map(|it| it.join("mokutil"));
    places.find(|it| it.is_file())
}

/// What installs it here.
#[must_use]
pub fn install(root: &Root) -> &'static str {
    let managers = [
        ("usr/bin/apt-get", "apt install mokutil"),
        ("usr/bin/dnf", "dnf install mokutil"),
        ("usr/bin/zypper", "zypper install mokutil"),
        ("usr/bin/pacman", "pacman -S mokutil"),
    ];
    let found = managers
        .iter()
        .find(|(program, _)| root.join(program).exists());
    found.map_or("apt install mokutil", |(_, command)| command)
}

/// Has it ask for the enrollment of a certificate (DER).
///
/// # Errors
/// What it says.
pub fn import(program: &Path, certificate: &Path, how: &Confirmation) -> Result<(), KeysError> {
    let mut command = Command::new(program);
    if matches!(how, Confirmation::Root) {
        command.arg("--root-pw");
    }
    command.arg("--import").arg(certificate);
    match how {
        Confirmation::Asked => ask(command),
        Confirmation::Root => tell(command, ""),
        // It asks twice (get_password in its mokutil.c).
        Confirmation::Password(it) | Confirmation::Shown(it) => {
            let twice = zeroize::Zeroizing::new(format!("{}\n{}\n", **it, **it));
            tell(command, &twice)
        }
    }
}

fn failed(error: io::Error) -> KeysError {
    KeysError::Mokutil {
        why: error.to_string(),
    }
}

/// On the terminal. What it prints isn't part of the report on standard output.
fn ask(mut command: Command) -> Result<(), KeysError> {
    let stderr = io::stderr().as_fd().try_clone_to_owned().map_err(failed)?;
    let status = command
        .stdout(Stdio::from(stderr))
        .status()
        .map_err(failed)?;
    if status.success() {
        Ok(())
    } else {
        Err(KeysError::Mokutil {
            why: format!("it requested nothing ({status})"),
        })
    }
}

fn tell(mut command: Command, input: &str) -> Result<(), KeysError> {
    command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = command.spawn().map_err(failed)?;
    if let Some(mut stdin) = child.stdin.take() {
        // It may have ended already, and says why.
        let _ = stdin.write_all(input.as_bytes());
    }
    let output = child.wait_with_output().map_err(failed)?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    let said = said.lines().map(str::trim).find(|line| !line.is_empty());
    Err(KeysError::Mokutil {
        why: match said {
            Some(line) => line.to_owned(),
            None => output.status.to_string(),
        },
    })
}
