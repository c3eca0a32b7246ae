//! Why a target doesn't do.

use crate::crash::CrashError;
use crate::device::DeviceError;
use crate::probe::Occupant;
use crate::space::TooLittle;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

/// Why a target doesn't do.
#[derive(Debug, thiserror::Error)]
pub enum TargetError {
    /// Its device isn't there.
    #[error(transparent)]
    Device(#[from] DeviceError),
    /// What would be overwritten may be the other one.
    #[error(
        "{0}, so that which of them a raw dump may replace isn't known; give each a name of its own (`sgdisk -G`, `sgdisk -u`), or take the copy out"
    )]
    Ambiguous(String),
    /// There is too little room.
    #[error(transparent)]
    Space(#[from] TooLittle),
    /// The system refuses something.
    #[error("can't {task} {}: {}", .path.display(), because(.source))]
    Io {
        /// What was tried.
        task: Task,
        /// With what.
        path: PathBuf,
        /// Why it failed.
        source: io::Error,
    },
    /// Somebody else's data would be lost.
    #[error("{} holds {occupant}, which a raw dump would destroy; use another partition, or write zeros over this one with blkdiscard -z", .node.display())]
    InUse {
        /// The partition.
        node: PathBuf,
        /// Who has it.
        occupant: Occupant,
    },
    /// The partition can't hold anything.
    #[error("{} has {size} bytes, and 4 MiB are the least for a dump; use a larger partition", .node.display())]
    Small {
        /// The partition.
        node: PathBuf,
        /// Its size.
        size: u64,
    },
    /// All names are taken.
    #[error("there are {count} dumps of the same second in {}; remove some", .place.display())]
    Names {
        /// How many.
        count: u32,
        /// Where.
        place: PathBuf,
    },
    /// The dump itself can't be made.
    #[error(transparent)]
    Crash(#[from] CrashError),
    /// What was read isn't what was written.
    #[error("what was written doesn't read back: {0}")]
    ReadBack(String),
}

/// What was tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Task {
    /// Mount a device.
    Mount,
    /// Unmount it.
    Unmount,
    /// Open a partition.
    Open,
    /// Make a directory.
    MakeDirectory,
    /// Read a directory.
    List,
    /// Make or write a file.
    Write,
    /// Read a file or a partition.
    Read,
    /// Rename a file.
    Rename,
    /// Ask for free space.
    Measure,
}

impl fmt::Display for Task {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Task::Mount => "mount",
            Task::Unmount => "unmount",
            Task::Open => "open",
            Task::MakeDirectory => "make the directory",
            Task::List => "list",
            Task::Write => "write",
            Task::Read => "read",
            Task::Rename => "rename",
            Task::Measure => "see how much is free on",
        })
    }
}

impl TargetError {
    /// For `map_err`: what was tried, with what.
    pub fn io(task: Task, path: impl AsRef<Path>) -> impl FnOnce(io::Error) -> TargetError {
        let path = path.as_ref().to_owned();
        move |source| TargetError::Io { task, path, source }
    }
}

/// The system's reason, with what can be done about it.
fn because(error: &io::Error) -> String {
    use io::ErrorKind::{
        NotFound, PermissionDenied, ReadOnlyFilesystem, ResourceBusy, StorageFull,
    };
    let hint = match error.kind() {
        StorageFull => "; free some space, or keep fewer dumps",
        ReadOnlyFilesystem => "; check the file system",
        ResourceBusy => "; it is in use already",
        PermissionDenied | NotFound => "; check the configuration",
        _ if error.raw_os_error() == Some(NO_DEVICE) => {
            "; its file system isn't known: add the module to `modules`"
        }
        _ => "",
    };
    format!("{error}{hint}")
}

/// `ENODEV`: mount(2) says it of a type of file system that isn't there.
const NO_DEVICE: i32 = 19;
