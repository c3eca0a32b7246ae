//! Mount options, divided into those that the kernel takes as flags, those for the file system, and those that
//! are ignored.

use super::error::{BadOption, Problem};
use baton_sys::mount::Flag;

/// How a file system is mounted, in addition to the options used for every dump.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct MountOptions {
    /// The options that the kernel takes as flags, for every file system.
    pub flags: Vec<Flag>,
    /// The file system's own options, separated by commas.
    pub data: String,
}

/// Options that only mount(8) and other readers of fstab(5) use, or that apply anyway.
const IGNORED: [&str; 17] = [
    "defaults", "rw", "nodev", "nosuid", "noexec", "auto", "noauto", "nofail", "user", "nouser",
    "users", "owner", "group", "_netdev", "async", "atime", "diratime",
];

impl MountOptions {
    /// Parses options in the form of fstab(5).
    ///
    /// # Errors
    /// Names the option with which no dump can be written.
    pub fn parse(text: &str) -> Result<MountOptions, Problem> {
        let mut options = MountOptions::default();
        for option in text.split(',').map(str::trim).filter(|it| !it.is_empty()) {
            options.add(option).map_err(|why| Problem::Option {
                option: option.to_owned(),
                why,
            })?;
        }
        Ok(options)
    }

    /// Whether the file system gets this option, with or without a value.
    #[must_use]
    pub fn has(&self, name: &str) -> bool {
        self.data
            .split(',')
            .any(|it| it.split('=').next() == Some(name))
    }

    /// Adds one of the file system's own options.
    pub fn push(&mut self, option: &str) {
        if !self.data.is_empty() {
            self.data.push(',');
        }
        self.data.push_str(option);
    }

    fn add(&mut self, option: &str) -> Result<(), BadOption> {
        let flag = match option {
            _ if option.contains(char::is_control) => return Err(BadOption::Malformed),
            "ro" | "norecovery" | "noload" | "nologreplay" => return Err(BadOption::ReadOnly),
            "dev" | "suid" | "exec" => return Err(BadOption::Unsafe),
            "bind" | "rbind" | "remount" | "loop" | "move" => return Err(BadOption::OtherMount),
            _ if option.starts_with("loop=") => return Err(BadOption::OtherMount),
            _ if IGNORED.contains(&option) || option.starts_with("x-") => return Ok(()),
            "sync" => Flag::Synchronous,
            "dirsync" => Flag::DirectorySync,
            "noatime" => Flag::NoAccessTime,
            "nodiratime" => Flag::NoDirectoryAccessTime,
            "relatime" => Flag::RelativeAccessTime,
            "strictatime" => Flag::StrictAccessTime,
            "lazytime" => Flag::LazyTime,
            _ => {
                self.push(option);
                return Ok(());
            }
        };
        self.flags.push(flag);
        Ok(())
    }
}
