//! Why writing to a target fails.

use crate::crash::CrashError;
use crate::layer::LayerError;
use crate::members::MembersError;
use crate::probe::Occupant;
use crate::wait::DeviceError;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

/// Why writing to a target failed.
#[derive(Debug, thiserror::Error)]
pub enum TargetError {
    /// The device didn't appear.
    #[error(transparent)]
    Device(#[from] DeviceError),
    /// The device can't be reached through its layers.
    #[error(transparent)]
    Layer(#[from] LayerError),
    /// The devices that the file system is spread over can't be used.
    #[error(transparent)]
    Members(#[from] MembersError),
    /// Several devices have the target's name, and a raw dump must not overwrite the wrong one.
    #[error("{ambiguity}, so it isn't clear which of them a raw dump may overwrite; {help}")]
    Ambiguous {
        /// Which devices.
        ambiguity: String,
        /// What to do.
        help: &'static str,
    },
    /// An operation failed.
    #[error("can't {task} {}: {}", .path.display(), because(.source))]
    Io {
        /// The operation.
        task: Task,
        /// The path it was applied to.
        path: PathBuf,
        /// Why it failed.
        source: io::Error,
    },
    /// The partition holds other data, which the dump would destroy.
    #[error("{} holds {occupant}, which a raw dump would destroy; use another partition, or write zeros over this one with blkdiscard -z", .node.display())]
    InUse {
        /// The partition.
        node: PathBuf,
        /// What it holds.
        occupant: Occupant,
    },
    /// The partition is too small for any dump.
    #[error("{} has {size} bytes, and a dump needs at least 4 MiB; use a larger partition", .node.display())]
    Small {
        /// The partition.
        node: PathBuf,
        /// The partition's size in bytes.
        size: u64,
    },
    /// All names for this second are taken.
    #[error("there are {count} dumps from the same second in {}; remove some", .place.display())]
    Names {
        /// The number of dumps.
        count: u32,
        /// The directory for dumps.
        place: PathBuf,
    },
    /// The crash can't be dumped.
    #[error(transparent)]
    Crash(#[from] CrashError),
    /// The dump can't be read back.
    #[error("the dump can't be read back: {0}; check the disk, or name another target")]
    ReadBack(std::io::Error),
    /// What was read back isn't what was written.
    #[error(
        "the dump doesn't read back as it was written: the disk lost or altered some of it; replace the disk, or name another target"
    )]
    Altered,
}

/// An operation on a target.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Task {
    /// Mount a device.
    Mount,
    /// Unmount a device.
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
    /// Determine the free space or the size.
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
            Task::Measure => "determine the space on",
        })
    }
}

impl TargetError {
    /// For `map_err`: adds the operation and the path to an I/O error.
    pub fn io(task: Task, path: impl AsRef<Path>) -> impl FnOnce(io::Error) -> TargetError {
        let path = path.as_ref().to_owned();
        move |source| TargetError::Io { task, path, source }
    }
}

/// The system's error message with a hint at the fix.
fn because(error: &io::Error) -> String {
    use io::ErrorKind::{
        NotFound, PermissionDenied, ReadOnlyFilesystem, ResourceBusy, StorageFull,
    };
    let hint = match error.kind() {
        StorageFull => "; free some space, or keep fewer dumps",
        ReadOnlyFilesystem => "; check the file system",
        ResourceBusy => "; it is already in use",
        PermissionDenied | NotFound => "; check the configuration",
        _ if error.raw_os_error() == Some(NO_DEVICE) => {
            "; the kernel lacks its file system: add the module to `modules`"
        }
        _ => "",
    };
    format!("{error}{hint}")
}

/// `ENODEV`, which mount(2) returns for an unknown type of file system.
const NO_DEVICE: i32 = 19;
