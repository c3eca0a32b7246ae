//! The plan that a configuration describes.

use super::device::Device;
use super::error::{BadPath, ConfigError, Problem};
use super::options::MountOptions;
use super::{Config, Dump, Finally, Target};
use baton_kdump::convert::Format;
use baton_kdump::encode::Compression;
use baton_kdump::filter::Level;
use std::fmt;
use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::time::Duration;

/// The deadlines that are allowed, in seconds.
pub(super) const DEADLINES: RangeInclusive<u32> = 10..=86400;

/// What the capture program does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// The time that the whole capture may take.
    pub deadline: Duration,
    /// The final action.
    pub finally: Finally,
    /// Whether the dump is read back.
    pub read_back: bool,
    /// How many dumps a directory keeps, including the new one.
    pub keep: usize,
    /// The files of kernel modules, in the order in which they are loaded.
    pub modules: Vec<PathBuf>,
    /// Which memory is left out.
    pub level: Level,
    /// The dump's format.
    pub format: Format,
    /// How pages are compressed.
    pub compression: Compression,
    /// The places for the dump, in the order in which they are tried; at least one.
    pub places: Vec<Place>,
}

/// The types of file systems that can be written to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FileSystem {
    /// ext4, also for file systems made as ext2 or ext3.
    Ext4,
    /// XFS.
    Xfs,
    /// Btrfs.
    Btrfs,
    /// FAT with long names; its files are smaller than 4 GiB.
    Vfat,
}

impl FileSystem {
    /// The name that mount(2) takes.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            FileSystem::Ext4 => "ext4",
            FileSystem::Xfs => "xfs",
            FileSystem::Btrfs => "btrfs",
            FileSystem::Vfat => "vfat",
        }
    }

    fn parse(word: &str) -> Result<FileSystem, Problem> {
        const ALL: [FileSystem; 4] = [
            FileSystem::Ext4,
            FileSystem::Xfs,
            FileSystem::Btrfs,
            FileSystem::Vfat,
        ];
        ALL.into_iter()
            .find(|it| it.name() == word)
            .ok_or_else(|| Problem::Word {
                found: word.to_owned(),
                known: "\"ext4\" (also for ext2 and ext3), \"xfs\", \"btrfs\" or \"vfat\"",
            })
    }
}

/// A place for a dump.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// A directory of a file system.
    Directory {
        /// The device of the file system.
        device: Device,
        /// The type of file system.
        filesystem: FileSystem,
        /// How the file system is mounted.
        options: MountOptions,
        /// The directory relative to the file system's root; empty for the root itself.
        directory: PathBuf,
    },
    /// A whole partition.
    Partition {
        /// The partition.
        device: Device,
    },
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Place::Directory {
                device, directory, ..
            } => write!(f, "/{} on {device}", directory.display()),
            Place::Partition { device } => write!(f, "partition {device}"),
        }
    }
}

impl Plan {
    pub(super) fn of(config: &Config) -> Result<Plan, ConfigError> {
        let (level, format, compression) = dump(&config.dump)?;
        let modules = config.modules.iter().enumerate().map(|(at, path)| {
            module(path).map_err(|problem| value(format!("modules[{}]", at + 1), problem))
        });
        let places = config.target.iter().enumerate();
        Ok(Plan {
            deadline: deadline(config.deadline).map_err(|e| value("deadline", e))?,
            finally: config.finally,
            read_back: config.read_back,
            keep: keep(config.keep).map_err(|e| value("keep", e))?,
            modules: modules.collect::<Result<_, _>>()?,
            level,
            format,
            compression,
            places: places
                .map(|(at, target)| place(at + 1, target))
                .collect::<Result<Vec<_>, _>>()
                .and_then(|places| match places.is_empty() {
                    true => Err(value("target", Problem::NoTarget)),
                    false => Ok(places),
                })?,
        })
    }
}

fn value(key: impl Into<String>, problem: Problem) -> ConfigError {
    ConfigError::Value {
        key: key.into(),
        problem,
    }
}

fn deadline(seconds: u32) -> Result<Duration, Problem> {
    match DEADLINES.contains(&seconds) {
        true => Ok(Duration::from_secs(seconds.into())),
        false => Err(Problem::Deadline(seconds)),
    }
}

fn keep(count: u32) -> Result<usize, Problem> {
    match usize::try_from(count).unwrap_or(usize::MAX) {
        0 => Err(Problem::KeepsNothing),
        count => Ok(count),
    }
}

fn module(path: &str) -> Result<PathBuf, Problem> {
    match check_path(path) {
        Ok(()) if !path.ends_with('/') => Ok(PathBuf::from(path)),
        result => Err(Problem::Path {
            found: path.to_owned(),
            why: result.err().unwrap_or(BadPath::Root),
            example: "/lib/modules/ext4.ko",
        }),
    }
}

fn dump(dump: &Dump) -> Result<(Level, Format, Compression), ConfigError> {
    let level =
        Level::try_from(dump.level).map_err(|_| value("dump.level", Problem::Level(dump.level)))?;
    let format = match dump.format.as_str() {
        "kdump" => Format::Kdump,
        "elf" => Format::Elf,
        other => {
            return Err(value(
                "dump.format",
                Problem::Word {
                    found: other.to_owned(),
                    known: "\"kdump\" or \"elf\"",
                },
            ));
        }
    };
    let compression =
        compression(&dump.compression, format).map_err(|e| value("dump.compression", e))?;
    Ok((level, format, compression))
}

fn compression(text: &str, format: Format) -> Result<Compression, Problem> {
    let compression = text.parse();
    let compression = compression.map_err(|_| Problem::Compression(text.to_owned()))?;
    match format == Format::Elf && compression != Compression::None {
        true => Err(Problem::ElfIsNotCompressed(text.to_owned())),
        false => Ok(compression),
    }
}

fn place(number: usize, target: &Target) -> Result<Place, ConfigError> {
    let at = |key: &str, problem| value(format!("target[{number}].{key}"), problem);
    match target {
        Target::Filesystem {
            device,
            filesystem,
            options,
            directory,
        } => Ok(Place::Directory {
            device: Device::parse(device).map_err(|e| at("device", e))?,
            filesystem: FileSystem::parse(filesystem).map_err(|e| at("filesystem", e))?,
            options: MountOptions::parse(options).map_err(|e| at("options", e))?,
            directory: within(directory).map_err(|e| at("directory", e))?,
        }),
        Target::Raw { device } => Ok(Place::Partition {
            device: Device::parse_raw(device).map_err(|e| at("device", e))?,
        }),
    }
}

/// A directory, relative to the root of the file system that it lies on.
fn within(directory: &str) -> Result<PathBuf, Problem> {
    check_path(directory).map_err(|why| Problem::Path {
        found: directory.to_owned(),
        why,
        example: "/var/crash",
    })?;
    let parts = directory
        .split('/')
        .filter(|part| !matches!(*part, "" | "."));
    Ok(parts.collect())
}

pub(super) fn check_path(path: &str) -> Result<(), BadPath> {
    if path.contains(char::is_control) {
        return Err(BadPath::Control);
    }
    if !path.starts_with('/') {
        return Err(BadPath::Relative);
    }
    match path.split('/').any(|part| part == "..") {
        true => Err(BadPath::Parent),
        false => Ok(()),
    }
}
