//! Mount options, divided into those that the kernel takes as flags, those for the file system, and those that
//! are ignored.

use baton_sys::mount::Flag;
use serde::{Deserialize, Serialize};
use std::fmt;

/// How a file system is mounted, in addition to the options used for every dump.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct MountOptions {
    /// The options that the kernel takes as flags, for every file system.
    pub flags: Vec<Flag>,
    /// The file system's own options, separated by commas.
    pub data: String,
}

/// The mount option conflicts with writing a dump.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the mount option \"{option}\" isn't allowed: {why}; leave it out")]
pub struct BadOption {
    /// The option.
    pub option: String,
    /// Why the option isn't allowed.
    pub why: Conflict,
}

/// Why a mount option isn't allowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Conflict {
    /// The file system couldn't be written to.
    #[error("no dump could be written with it")]
    ReadOnly,
    /// The option is for mounts of another kind.
    #[error("it is for another kind of mount")]
    OtherMount,
    /// The option contradicts those used for every dump.
    #[error("dumps are always mounted with nodev, nosuid and noexec")]
    Unsafe,
    /// The option contains a control character.
    #[error("it has a control character in it")]
    Malformed,
}

/// Options that only mount(8) and other readers of fstab(5) use, or that apply anyway.
const IGNORED: [&str; 17] = [
    "defaults", "rw", "nodev", "nosuid", "noexec", "auto", "noauto", "nofail", "user", "nouser",
    "users", "owner", "group", "_netdev", "async", "atime", "diratime",
];

const FLAGS: [(&str, Flag); 7] = [
    ("sync", Flag::Synchronous),
    ("dirsync", Flag::DirectorySync),
    ("noatime", Flag::NoAccessTime),
    ("nodiratime", Flag::NoDirectoryAccessTime),
    ("relatime", Flag::RelativeAccessTime),
    ("strictatime", Flag::StrictAccessTime),
    ("lazytime", Flag::LazyTime),
];

impl MountOptions {
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

    fn add(&mut self, option: &str) -> Result<(), Conflict> {
        match option {
            _ if option.contains(char::is_control) => return Err(Conflict::Malformed),
            "ro" | "norecovery" | "noload" | "nologreplay" => return Err(Conflict::ReadOnly),
            "dev" | "suid" | "exec" => return Err(Conflict::Unsafe),
            "bind" | "rbind" | "remount" | "loop" | "move" => return Err(Conflict::OtherMount),
            _ if option.starts_with("loop=") => return Err(Conflict::OtherMount),
            _ if IGNORED.contains(&option) || option.starts_with("x-") => return Ok(()),
            _ => {}
        }
        match FLAGS.iter().find(|(name, _)| *name == option) {
            Some((_, flag)) => self.flags.push(*flag),
            None => self.push(option),
        }
        Ok(())
    }
}

impl TryFrom<String> for MountOptions {
    type Error = BadOption;

    /// Parses options in the form of fstab(5).
    fn try_from(text: String) -> Result<MountOptions, BadOption> {
        let mut options = MountOptions::default();
        for option in text.split(',').map(str::trim).filter(|it| !it.is_empty()) {
            options.add(option).map_err(|why| BadOption {
                option: option.to_owned(),
                why,
            })?;
        }
        Ok(options)
    }
}

impl From<MountOptions> for String {
    fn from(options: MountOptions) -> String {
        options.to_string()
    }
}

impl fmt::Display for MountOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = |flag| {
            FLAGS
                .iter()
                .find(|(_, it)| it == flag)
                .map(|(name, _)| *name)
        };
        let flags = self.flags.iter().filter_map(name);
        let data = Some(self.data.as_str()).filter(|data| !data.is_empty());
        f.write_str(&flags.chain(data).collect::<Vec<_>>().join(","))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options(text: &str) -> Result<MountOptions, BadOption> {
        MountOptions::try_from(text.to_owned())
    }

    #[test]
    fn every_option_against_a_dump_is_refused_and_fstabs_own_are_dropped() {
        for bad in [
            "ro",
            "norecovery",
            "bind",
            "loop=/dev/loop1",
            "remount",
            "suid",
            "exec",
            "dev",
            "a\tb",
        ] {
            assert!(options(&format!("noatime,{bad}")).is_err(), "{bad}");
        }
        let options = options("defaults,nofail,_netdev, x-a=b ,,subvol=@crash,rw").unwrap();
        assert_eq!(options.flags, []);
        assert_eq!(options.data, "subvol=@crash");
        assert!(options.has("subvol") && !options.has("subvo") && !options.has("umask"));
    }

    #[test]
    fn options_are_read_as_they_are_written() {
        for (text, written) in [
            ("", ""),
            ("commit=5, noatime,rw", "noatime,commit=5"),
            ("lazytime,a,sync,b=1,sync", "lazytime,sync,sync,a,b=1"),
        ] {
            let read = options(text).unwrap();
            assert_eq!(read.to_string(), written);
            assert_eq!(options(written).unwrap(), read);
        }
    }
}
