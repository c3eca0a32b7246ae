//! What can be wrong with a configuration.

use std::fmt;

/// Why a configuration isn't taken. One line each, which names the key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    /// It isn't TOML, or doesn't have the keys that a configuration has.
    #[error("line {line} of the capture configuration: {reason}; docs/capture.md lists the keys")]
    Text {
        /// Counted from 1.
        line: usize,
        /// In the words of the TOML reader.
        reason: String,
    },
    /// A key's value.
    #[error("`{key}` in the capture configuration {problem}")]
    Value {
        /// As in `target[2].device`, counted from 1.
        key: String,
        /// What is wrong with it, and what is right.
        problem: Problem,
    },
    /// It can't be put into TOML.
    #[error("the capture configuration can't be written as TOML: {0}; report this as a bug")]
    Unwritable(String),
}

impl ConfigError {
    pub(super) fn toml(text: &str, error: &toml::de::Error) -> ConfigError {
        let before = error.span().and_then(|span| text.get(..span.start));
        ConfigError::Text {
            line: before.map_or(1, |text| text.matches('\n').count() + 1),
            reason: error.message().trim().replace('\n', ", "),
        }
    }
}

/// What is wrong with a key's value. The words follow the key's name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Problem {
    /// A time that nothing can be done in.
    #[error("is {0} seconds; give from {min} to {max}", min = super::plan::DEADLINES.start(), max = super::plan::DEADLINES.end())]
    Deadline(u32),
    /// No dump would be left.
    #[error("is 0, which would remove the dump that was just taken; give 1 or more")]
    KeepsNothing,
    /// A dump level that doesn't exist.
    #[error("is {0}; dump levels go from 0 (everything) to 31 (the least)")]
    Level(u8),
    /// A word that isn't one of those known.
    #[error("is \"{found}\"; use {known}")]
    Word {
        /// What stands there.
        found: String,
        /// What could stand there.
        known: &'static str,
    },
    /// A compression that there isn't.
    #[error(
        "is \"{0}\"; use \"zstd\", \"zstd:LEVEL\" (from -7 to 19, without 0), \"zlib\", \"zlib:LEVEL\" (from 1 \
         to 9) or \"none\""
    )]
    Compression(String),
    /// Compression is the kdump format's own.
    #[error("is \"{0}\", but ELF dumps aren't compressed; use \"none\", or the format \"kdump\"")]
    ElfIsNotCompressed(String),
    /// Nowhere to write to.
    #[error("names no place for a dump; add a [[target]] with kind = \"filesystem\" or \"raw\"")]
    NoTarget,
    /// A device in words that can't be followed.
    #[error("is \"{found}\"; use {known}")]
    Device {
        /// What stands there.
        found: String,
        /// How this kind of target names its device.
        known: &'static str,
    },
    /// A path that isn't there when a crash is captured.
    #[error(
        "is \"{0}\", which udev or the device mapper makes, and neither runs while a crash is captured; use \
         UUID=…, PARTUUID=… or the device's own path, on a disk or partition without LVM and encryption"
    )]
    NotThere(String),
    /// A file-system identifier where the file system is about to be replaced.
    #[error(
        "is \"{0}\", which names the file system that a raw dump replaces, and can't be found again after it; use PARTUUID=…, PARTLABEL=… or a path"
    )]
    Vanishes(String),
    /// A path that isn't one in itself.
    #[error("is \"{found}\", {why}; give an absolute path such as {example}")]
    Path {
        /// What stands there.
        found: String,
        /// What is wrong with it.
        why: BadPath,
        /// One that would do.
        example: &'static str,
    },
    /// An option that stands against writing a dump.
    #[error("has the mount option \"{option}\", {why}; leave it out")]
    Option {
        /// The option.
        option: String,
        /// What is against it.
        why: BadOption,
    },
}

/// What is wrong with a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BadPath {
    /// It begins with no slash.
    Relative,
    /// A component is `..`.
    Parent,
    /// A control character in it.
    Control,
    /// It is the root where a file is meant.
    Root,
}

impl fmt::Display for BadPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            BadPath::Relative => "which is relative",
            BadPath::Parent => "which has \"..\" in it",
            BadPath::Control => "which has a control character in it",
            BadPath::Root => "which is a folder",
        })
    }
}

/// What is against a mount option.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BadOption {
    /// Nothing could be written.
    ReadOnly,
    /// It isn't about a device's file system.
    OtherMount,
    /// Against what all dumps are mounted with.
    Unsafe,
    /// A control character in it, or nothing.
    Malformed,
}

impl fmt::Display for BadOption {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            BadOption::ReadOnly => "with which no dump could be written",
            BadOption::OtherMount => "which is about another kind of mount",
            BadOption::Unsafe => "but dumps are always mounted with nodev, nosuid and noexec",
            BadOption::Malformed => "which has a control character in it",
        })
    }
}
