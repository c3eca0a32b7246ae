//! The options that name what goes with a kernel.

use clap::Args;
use std::ffi::OsString;
use std::path::PathBuf;

/// What goes with a kernel.
#[derive(Debug, Clone, Default, Args)]
pub struct Companions {
    /// An initrd, with its signature in FILE.p7s if there is one (may be repeated; used in this order)
    #[arg(long, value_name = "FILE")]
    pub initrd: Vec<PathBuf>,
    /// The profile of a UKI to boot, by number from 0 or by ID
    #[arg(long, value_name = "N|ID")]
    pub profile: Option<String>,
    /// A signed addon for a UKI; several apply one after another
    #[arg(long, value_name = "FILE")]
    pub addon: Vec<PathBuf>,
    /// A manifest of what may be booted, with its signature in FILE.p7s
    #[arg(long, value_name = "FILE")]
    pub manifest: Option<PathBuf>,
    /// The next kernel's command line; by default what the entry, a UKI or a manifest says it is
    #[arg(long, value_name = "TEXT", allow_hyphen_values = true)]
    pub cmdline: Option<OsString>,
}

impl Companions {
    /// The first option that was given besides `--cmdline`.
    #[must_use]
    pub fn besides_cmdline(&self) -> Option<&'static str> {
        let all = [
            (!self.initrd.is_empty(), "--initrd"),
            (!self.addon.is_empty(), "--addon"),
            (self.manifest.is_some(), "--manifest"),
            (self.profile.is_some(), "--profile"),
        ];
        all.into_iter()
            .find_map(|(given, name)| given.then_some(name))
    }
}
