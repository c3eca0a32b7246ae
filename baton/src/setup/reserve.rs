//! Telling the boot loader to reserve memory for a crash kernel.

use crate::failure::setup::SetupError;
use crate::failure::{Attempt, IoError, Result};
use crate::output::file;
use crate::readiness::reservation::CommandLineOwner;
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

/// Writes it down; gives the file.
///
/// # Errors
/// When that isn't known here, or can't be written.
pub fn reserve(root: &Root, owner: CommandLineOwner, size: &str) -> Result<PathBuf> {
    let file = owner.file().ok_or(SetupError::NoBootLoader)?;
    let path = root.join(file);
    let text = match owner {
        CommandLineOwner::KernelInstall => {
            let before = root.read_text(&file.to_string_lossy())?.unwrap_or_default();
            format!("{} crashkernel={size}\n", before.trim_end())
        }
        _ => format!(
            "# Memory for the kernel that captures crashes; written by `baton setup --crashkernel`.\n\
             GRUB_CMDLINE_LINUX_DEFAULT=\"$GRUB_CMDLINE_LINUX_DEFAULT crashkernel={size}\"\n"
        ),
    };
    if let Some(directory) = path.parent() {
        fs::create_dir_all(directory)
            .map_err(|e| IoError::new(Attempt::CreateDirectory, directory, e))?;
    }
    file::replace(&path, text.as_bytes())?;
    Ok(path)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crash::fake::Fake;

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
        let path = reserve(&fake.root(), CommandLineOwner::Grub, "256M").unwrap();
        let text = fs::read_to_string(path).unwrap();
        let last = "GRUB_CMDLINE_LINUX_DEFAULT=\"$GRUB_CMDLINE_LINUX_DEFAULT crashkernel=256M\"\n";
        assert!(text.ends_with(last), "{text}");
        fake.set("etc/kernel/cmdline", "root=/dev/vda ro\n");
        let path = reserve(&fake.root(), CommandLineOwner::KernelInstall, "1G").unwrap();
        assert_eq!(
            fs::read_to_string(path).unwrap(),
            "root=/dev/vda ro crashkernel=1G\n"
        );
        assert!(reserve(&fake.root(), CommandLineOwner::Grubby, "1G").is_err());
    }
}
