//! What can be wrong with a configuration.

use std::fmt;

/// Why a configuration is rejected: one line that names the key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    /// The text isn't TOML or doesn't have the keys of a configuration.
    #[error("line {line} of the capture configuration: {reason}; docs/capture.md lists the keys")]
    Text {
        /// The line, counted from 1.
        line: usize,
        /// The TOML parser's message.
        reason: String,
    },
    /// The value of a key is wrong.
    #[error("`{key}` in the capture configuration {problem}")]
    Value {
        /// The key, such as `target[2].device`, counted from 1.
        key: String,
        /// What is wrong with the value, and the fix.
        problem: Problem,
    },
    /// The configuration can't be serialised.
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

/// What is wrong with the value of a key. The message follows the key's name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Problem {
    /// The deadline is out of range.
    #[error("is {0} seconds; give from {min} to {max}", min = super::plan::DEADLINES.start(), max = super::plan::DEADLINES.end())]
    Deadline(u32),
    /// No dump would be kept.
    #[error("is 0, which would remove the dump that was just taken; give 1 or more")]
    KeepsNothing,
    /// The dump level doesn't exist.
    #[error("is {0}; dump levels go from 0 (everything) to 31 (as little as possible)")]
    Level(u8),
    /// The word is unknown.
    #[error("is \"{found}\"; use {known}")]
    Word {
        /// The word in the configuration.
        found: String,
        /// The words that are known.
        known: &'static str,
    },
    /// The compression doesn't exist.
    #[error(
        "is \"{0}\"; use \"zstd\", \"zstd:LEVEL\" (from -7 to 19, without 0), \"zlib\", \"zlib:LEVEL\" (from 1 \
         to 9) or \"none\""
    )]
    Compression(String),
    /// Only the kdump format is compressed.
    #[error("is \"{0}\", but ELF dumps aren't compressed; use \"none\", or the format \"kdump\"")]
    ElfIsNotCompressed(String),
    /// There is no target.
    #[error("names no place for a dump; add a [[target]] with kind = \"filesystem\" or \"raw\"")]
    NoTarget,
    /// The device is named in an unknown form.
    #[error("is \"{found}\"; use {known}")]
    Device {
        /// The name in the configuration.
        found: String,
        /// The forms that this kind of target allows.
        known: &'static str,
    },
    /// The path doesn't exist while a crash is captured.
    #[error(
        "is \"{0}\", which udev or the device mapper makes, and neither runs while a crash is captured; use \
         UUID=…, PARTUUID=… or the device's own path, on a disk or partition without LVM and encryption"
    )]
    NotThere(String),
    /// The device is named by the file system that the dump would overwrite.
    #[error(
        "is \"{0}\", which names the file system that a raw dump overwrites, so that the device couldn't be found again; use PARTUUID=…, PARTLABEL=… or a path"
    )]
    Vanishes(String),
    /// The path has a form that isn't allowed.
    #[error("is \"{found}\", {why}; give an absolute path such as {example}")]
    Path {
        /// The path in the configuration.
        found: String,
        /// What is wrong with the path.
        why: BadPath,
        /// A valid path.
        example: &'static str,
    },
    /// The mount option conflicts with writing a dump.
    #[error("has the mount option \"{option}\", {why}; leave it out")]
    Option {
        /// The option.
        option: String,
        /// Why the option isn't allowed.
        why: BadOption,
    },
}

/// What is wrong with a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BadPath {
    /// The path doesn't begin with a slash.
    Relative,
    /// The path has a component `..`.
    Parent,
    /// The path contains a control character.
    Control,
    /// The path is the root directory where a file is needed.
    Root,
}

impl fmt::Display for BadPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            BadPath::Relative => "which is relative",
            BadPath::Parent => "which has \"..\" in it",
            BadPath::Control => "which has a control character in it",
            BadPath::Root => "which is a directory",
        })
    }
}

/// Why a mount option isn't allowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BadOption {
    /// The file system couldn't be written to.
    ReadOnly,
    /// The option is for mounts of another kind.
    OtherMount,
    /// The option contradicts those used for every dump.
    Unsafe,
    /// The option is empty or contains a control character.
    Malformed,
}

impl fmt::Display for BadOption {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            BadOption::ReadOnly => "with which no dump could be written",
            BadOption::OtherMount => "which is for another kind of mount",
            BadOption::Unsafe => "but dumps are always mounted with nodev, nosuid and noexec",
            BadOption::Malformed => "which has a control character in it",
        })
    }
}
