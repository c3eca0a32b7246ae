//! Telling the boot loader to reserve memory for a crash kernel.

use crate::failure::setup::SetupError;
use crate::failure::{Attempt, IoError, Result};
use crate::output::file;
use crate::readiness::reservation::{CMDLINE, CommandLineOwner, GRUB_SETTINGS, SNIPPET};
use baton_sys::Root;
use std::fs;
use std::path::PathBuf;

/// Whether this is a size as `crashkernel=` takes it (Documentation/admin-guide/kdump/kdump.rst): a number of bytes with
/// a unit, ranges of them, and where they lie.
#[must_use]
pub fn is_size(text: &str) -> bool {
    let known = |c: char| c.is_ascii_alphanumeric() || ",:-@".contains(c);
    text.starts_with(|c: char| c.is_ascii_digit()) && text.chars().all(known)
}

/// What was written down, as long as the boot loader doesn't know of it.
#[derive(Debug)]
pub struct Reserved {
    /// The file.
    pub path: PathBuf,
    before: Option<String>,
}

/// Writes it down.
///
/// # Errors
/// When that isn't known here, or can't be written.
pub fn reserve(root: &Root, owner: CommandLineOwner, size: &str) -> Result<Reserved> {
    let file = owner.file().ok_or(SetupError::NoBootLoader)?;
    let path = root.join(file);
    let before = root.read_text(&file.to_string_lossy())?;
    let text = match owner {
        CommandLineOwner::KernelInstall => {
            let before = before.as_deref().unwrap_or_default();
            format!("{} crashkernel={size}\n", before.trim_end())
        }
        _ => format!(
            "# Memory for the kernel that captures crashes; written by `baton setup --crashkernel`.\n{}\n",
            for_grub(size)
        ),
    };
    if let Some(directory) = path.parent() {
        fs::create_dir_all(directory)
            .map_err(|e| IoError::new(Attempt::CreateDirectory, directory, e))?;
    }
    file::replace(&path, text.as_bytes())?;
    Ok(Reserved { path, before })
}

fn for_grub(size: &str) -> String {
    format!("GRUB_CMDLINE_LINUX_DEFAULT=\"$GRUB_CMDLINE_LINUX_DEFAULT crashkernel={size}\"")
}

impl Reserved {
    /// Makes the file what it was: whoever reads it later would take it for what the boot loader does.
    ///
    /// # Errors
    /// When it can't be written.
    pub fn take_back(self) -> Result<()> {
        match self.before {
            Some(text) => file::replace(&self.path, text.as_bytes()),
            None => Ok(fs::remove_file(&self.path)
                .map_err(|e| IoError::new(Attempt::Remove, &self.path, e))?),
        }
    }
}

/// The same as commands for a shell.
#[must_use]
pub fn commands(owner: CommandLineOwner, size: &str) -> String {
    let write = match owner {
        CommandLineOwner::Grub => format!(
            "mkdir -p /{GRUB_SETTINGS} && echo '{}' >/{SNIPPET}",
            for_grub(size)
        ),
        CommandLineOwner::KernelInstall => {
            format!("sed -i '$ s/$/ crashkernel={size}/' /{CMDLINE}")
        }
        CommandLineOwner::Grubby | CommandLineOwner::Unknown => return owner.advice(size),
    };
    let refresh = owner.refresh().unwrap_or_default().join(" ");
    format!("{write} && {refresh}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crash::fake::Fake;
    use std::path::Path;

    #[test]
    fn sizes_are_told_from_what_would_be_something_else_to_a_shell_or_the_kernel() {
        for size in ["256M", "1G", "512M-2G:64M,2G-:128M", "64M@16M", "256M,high"] {
            assert!(is_size(size), "{size}");
        }
        for wrong in ["", "M", "256M quiet", "256M\"", "$(x)", "256M;", "auto\n"] {
            assert!(!is_size(wrong), "{wrong}");
        }
    }

    #[test]
    fn grub_gets_a_snippet_and_kernel_install_one_more_parameter() {
        let fake = Fake::new();
        let reserved = reserve(&fake.root(), CommandLineOwner::Grub, "256M").unwrap();
        let text = fs::read_to_string(reserved.path).unwrap();
        let last = "GRUB_CMDLINE_LINUX_DEFAULT=\"$GRUB_CMDLINE_LINUX_DEFAULT crashkernel=256M\"\n";
        assert!(text.ends_with(last), "{text}");
        fake.set("etc/kernel/cmdline", "root=/dev/vda ro\n");
        let reserved = reserve(&fake.root(), CommandLineOwner::KernelInstall, "1G").unwrap();
        assert_eq!(
            fs::read_to_string(reserved.path).unwrap(),
            "root=/dev/vda ro crashkernel=1G\n"
        );
        assert!(reserve(&fake.root(), CommandLineOwner::Grubby, "1G").is_err());
    }

    #[test]
    fn what_was_written_is_taken_back() {
        let fake = Fake::new();
        let reserved = reserve(&fake.root(), CommandLineOwner::Grub, "256M").unwrap();
        let path = reserved.path.clone();
        reserved.take_back().unwrap();
        assert!(!path.exists());
        fake.set("etc/kernel/cmdline", "root=/dev/vda ro\n");
        let reserved = reserve(&fake.root(), CommandLineOwner::KernelInstall, "1G").unwrap();
        let path = reserved.path.clone();
        reserved.take_back().unwrap();
        assert_eq!(fs::read_to_string(path).unwrap(), "root=/dev/vda ro\n");
    }

    #[test]
    fn the_commands_that_are_shown_write_the_same() {
        for (owner, file) in [
            (CommandLineOwner::Grub, SNIPPET),
            (CommandLineOwner::KernelInstall, CMDLINE),
        ] {
            let [typed, written] = [Fake::new(), Fake::new()];
            for fake in [&typed, &written] {
                if owner == CommandLineOwner::KernelInstall {
                    fake.set(file, "root=/dev/vda ro\n");
                }
            }
            let commands = commands(owner, "512M-2G:64M,2G-:128M");
            let (write, refresh) = commands.rsplit_once(" && ").unwrap();
            assert_eq!(refresh, owner.refresh().unwrap().join(" "));
            let path = typed.root().join(file);
            let directory = path.parent().unwrap().to_string_lossy();
            let there = Path::new("/").join(file);
            let there = there.parent().unwrap().to_string_lossy();
            let write = write.replace(&*there, &directory);
            let status = std::process::Command::new("sh")
                .args(["-c", &write])
                .status();
            assert!(status.unwrap().success(), "{write}");
            let typed = fs::read_to_string(path).unwrap();
            let reserved = reserve(&written.root(), owner, "512M-2G:64M,2G-:128M").unwrap();
            let written = fs::read_to_string(reserved.path).unwrap();
            assert_eq!(typed.lines().last(), written.lines().last());
        }
    }
}
