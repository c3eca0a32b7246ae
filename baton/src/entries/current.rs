//! Which entry is running, as far as the kernel tells: boot loaders say it only of what they started themselves.

use super::Entry;
use crate::failure::Result;
use crate::input::cmdline;
use baton_sys::Root;

/// What the running kernel says of itself.
pub struct Current {
    release: String,
    /// The command line, without what the boot loader added.
    pub cmdline: String,
}

impl Current {
    /// Reads it.
    ///
    /// # Errors
    /// When it is there and can't be read.
    pub fn read(root: &Root) -> Result<Current> {
        let release = root.read_text("proc/sys/kernel/osrelease")?;
        let line = root.read("proc/cmdline")?.unwrap_or_default();
        let line = cmdline::reuse(line.trim_ascii_end(), false);
        Ok(Current {
            release: release.unwrap_or_default().trim().to_owned(),
            cmdline: String::from_utf8_lossy(&line).into_owned(),
        })
    }

    /// Whether it is this entry: its release and its command line are.
    #[must_use]
    pub fn is(&self, entry: &Entry) -> bool {
        let line = |line: &String| {
            line.split_ascii_whitespace()
                .eq(self.cmdline.split_ascii_whitespace())
        };
        self.is_release_of(entry) && entry.cmdline.as_ref().is_none_or(line)
    }

    fn is_release_of(&self, entry: &Entry) -> bool {
        let release = &self.release;
        let kernel = entry.kernel.as_deref().unwrap_or(std::path::Path::new(""));
        let kernel = kernel.to_string_lossy();
        // As distributions name kernels, and kernel-install their directories.
        let is_named =
            kernel.ends_with(&format!("-{release}")) || kernel.contains(&format!("/{release}/"));
        !release.is_empty() && (entry.version.as_ref() == Some(release) || is_named)
    }
}
