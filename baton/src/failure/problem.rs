//! Why no capture can be prepared: each reason once, with its words, its code and its fix.

use crate::failure::Code;
use crate::failure::exit::Exit;
use baton_capture::config::ConfigError;
use baton_capture::path::PathError;
use std::path::PathBuf;

/// Why no capture can be prepared.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs)] // the words say what the fields are
pub enum Problem {
    #[error("{}: {why}", .path.display())]
    Settings { path: PathBuf, why: String },
    #[error(
        "the running kernel's release isn't known: /proc/sys/kernel/osrelease isn't there; mount /proc"
    )]
    NoRelease,
    #[error(
        "no image of the running kernel {release}: looked for {looked}; name one as kernel.image in the configuration"
    )]
    NoKernel { release: String, looked: String },
    #[error("{}: not a bzImage of Linux that says its version ({why}); name one as kernel.image, or load another kernel with `baton crash load KERNEL --initrd INITRD`", .path.display())]
    NotLinux { path: PathBuf, why: String },
    #[error("{}: it is of release {found}, and {release} is running; reboot, or name the image as kernel.image to capture with it", .path.display())]
    OtherRelease {
        path: PathBuf,
        found: String,
        release: String,
    },
    #[error(
        "kernel {release} can't capture: it is built without CONFIG_{option}; name another as kernel.image"
    )]
    KernelLacks { release: String, option: String },
    #[error(
        "no modules of kernel {release}: /lib/modules/{release}/modules.dep isn't there; install the kernel's modules, or run `depmod {release}`"
    )]
    NoModules { release: String },
    #[error(
        "kernel {release} has no module {wanted}, which is needed {purpose}; install it (then run `depmod {release}`), or choose another target or kernel.image"
    )]
    MissingModule {
        release: String,
        wanted: String,
        purpose: String,
    },
    #[error(
        "kernel {release} is built without CONFIG_{option}, which is needed {purpose}; choose another target or kernel.image"
    )]
    MissingOption {
        release: String,
        option: String,
        purpose: String,
    },
    #[error("the kernel can't keep the keys of encrypted volumes for a capture: {why}")]
    Keys { why: String },
    #[error("{target}: no such block device here; name one that is there (see `lsblk -f`)")]
    NoDevice { target: String },
    #[error(
        "{directory}: it is on no mounted file system; give the absolute path of a directory that exists"
    )]
    NotMounted { directory: String },
    #[error(
        "{directory} lies on {filesystem} ({origin}), which is on no block device; name a target on a disk"
    )]
    NoBlockDevice {
        directory: String,
        filesystem: String,
        origin: String,
    },
    #[error("{target} is on {device}, which is {kind}; {help}")]
    Stacked {
        target: String,
        device: String,
        kind: String,
        help: &'static str,
    },
    #[error("{target} is on {volume}, which a capture couldn't set up: {why}; {help}")]
    Volume {
        target: String,
        volume: String,
        why: String,
        help: &'static str,
    },
    #[error(
        "{target} is on {volume}, which is being changed right now ({how}); load again once that is done (`baton crash load`)"
    )]
    VolumeChanging {
        target: String,
        volume: String,
        how: String,
    },
    #[error(
        "{target}: the file system is spread over {count} devices, and can't be used after a crash: {why}"
    )]
    Spread {
        target: String,
        count: usize,
        why: String,
    },
    #[error(
        "{target}: {device} can't be used alone after a crash: {part}; name a target that is whole on one device"
    )]
    Elsewhere {
        target: String,
        device: String,
        part: String,
    },
    #[error("{target}: {filesystem} on {device} refuses to be mounted{}: {why}; correct the target's options", with(.option))]
    MountRefused {
        target: String,
        filesystem: String,
        device: String,
        option: Option<String>,
        why: String,
    },
    #[error("{target}: {} is {kind}, where a dump needs a directory; name another", .part.display())]
    NoDirectory {
        target: String,
        part: PathBuf,
        kind: String,
    },
    #[error("{target}: {} isn't there; make it, or correct the path", .part.display())]
    NoParent { target: String, part: PathBuf },
    #[error("{target}: nothing can be written there: the directory is {how}; name another")]
    Unwritable { target: String, how: &'static str },
    #[error(
        "{target}: {device} is read-only; make it writable (`blockdev --setrw`), or name another target"
    )]
    ReadOnly { target: String, device: String },
    #[error(
        "{target}: which file system it holds can't be determined here; add filesystem = \"ext4\", or what it is"
    )]
    UnknownFileSystem { target: String },
    #[error(
        "{target}: dumps aren't written to file systems of the type {filesystem}; name a target on ext4, xfs, btrfs or vfat"
    )]
    UnsupportedFileSystem { target: String, filesystem: String },
    #[error(
        "{target}: {device} isn't found by {called} when it is read without udev, as a capture does; name it by another of UUID=, LABEL=, PARTUUID= or PARTLABEL=, or by its path"
    )]
    NotFound {
        target: String,
        device: String,
        called: String,
    },
    #[error("{target}: {device} holds {found}, not {said}; say what it is, or name another target")]
    OtherFileSystem {
        target: String,
        said: String,
        device: String,
        found: String,
    },
    #[error(
        "{target}: a raw dump replaces the contents of {device}, which {why}; name a partition that nothing uses, or write zeros over it (`wipefs -a`, then `blkdiscard -z`) if it is to hold dumps"
    )]
    InUse {
        target: String,
        device: String,
        why: String,
    },
    #[error(
        "{target}: {called} is the name of {device} and of {others}, and a raw dump may replace the wrong one; {help}"
    )]
    Ambiguous {
        target: String,
        device: String,
        called: String,
        others: String,
        help: &'static str,
    },
    #[error(
        "{target}: {device} may be another disk's name after a crash, and the device has no other name (no PARTUUID, WWN or serial number that is its own); name a partition of a GPT by PARTUUID= (`sgdisk -n 0:0:0 DISK` makes one on an empty disk)"
    )]
    NoIdentity { target: String, device: String },
    #[error("no capture program at {}; install it there (`cargo xtask capture` builds it), or name one with --capture", .path.display())]
    NoProgram { path: PathBuf },
    #[error("{}: can't be the capture program: {why}; give the one that `cargo xtask capture` builds", .path.display())]
    NotStatic { path: PathBuf, why: String },
    #[error(
        "the capture initramfs can't be made: {name} is {size} bytes long, and a cpio archive holds less than 4 GiB a file"
    )]
    TooLarge { name: String, size: u64 },
    #[error("there is no target; name one in the configuration")]
    NoTarget,
    #[error(transparent)]
    BadCaptureConfig(ConfigError),
    #[error("{target}: {problem}")]
    BadDirectory { target: String, problem: PathError },
    #[error("a module's file in the initramfs: {problem}")]
    BadModuleName { problem: PathError },
    #[error("{target}: {why}")]
    NotLookedAt { target: String, why: String },
    #[error("{}: the module's file isn't there, though modules.dep lists it; install it again, or run depmod", .path.display())]
    NoModuleFile { path: PathBuf },
    #[error("{}: not a module: {why}; install the kernel's modules again", .path.display())]
    BadModule { path: PathBuf, why: String },
}

impl Problem {
    /// A device that a capture would have to assemble.
    #[must_use]
    pub fn stacked(target: &str, device: &str, kind: &str) -> Problem {
        Problem::Stacked {
            target: target.to_owned(),
            device: device.to_owned(),
            kind: kind.to_owned(),
            help: "a capture can't assemble that, so name a target on a disk or partition",
        }
    }

    /// Exit code and word.
    #[must_use]
    pub fn code(&self) -> Code {
        match self {
            Problem::Settings { .. } => (Exit::Malformed, "crash-config"),
            Problem::NoRelease | Problem::NoKernel { .. } => (Exit::Failed, "no-kernel"),
            Problem::NotLinux { .. } => (Exit::Malformed, "not-linux"),
            Problem::OtherRelease { .. } => (Exit::Failed, "other-release"),
            Problem::KernelLacks { .. } | Problem::MissingOption { .. } => {
                (Exit::Unsupported, "kernel-lacks")
            }
            Problem::NoModules { .. } => (Exit::Failed, "no-modules"),
            Problem::MissingModule { .. } => (Exit::Failed, "no-module"),
            Problem::NoDevice { .. } => (Exit::Failed, "no-device"),
            Problem::NotMounted { .. } => (Exit::Failed, "not-mounted"),
            Problem::NoBlockDevice { .. } => (Exit::Failed, "no-block-device"),
            Problem::Stacked { .. } => (Exit::Unsupported, "stacked"),
            Problem::Volume { .. } | Problem::VolumeChanging { .. } => (Exit::Failed, "volume"),
            Problem::Spread { .. } => (Exit::Unsupported, "spread"),
            Problem::Elsewhere { .. } => (Exit::Unsupported, "elsewhere"),
            Problem::MountRefused { .. } => (Exit::Failed, "mount-refused"),
            Problem::NoDirectory { .. } => (Exit::Failed, "no-directory"),
            Problem::NoParent { .. } => (Exit::Failed, "no-parent"),
            Problem::Unwritable { .. } => (Exit::Failed, "unwritable"),
            Problem::ReadOnly { .. } => (Exit::Failed, "read-only"),
            Problem::UnknownFileSystem { .. } => (Exit::Failed, "unknown-filesystem"),
            Problem::UnsupportedFileSystem { .. } => (Exit::Unsupported, "unsupported-filesystem"),
            Problem::NotFound { .. } => (Exit::Failed, "not-found"),
            Problem::OtherFileSystem { .. } => (Exit::Failed, "other-filesystem"),
            Problem::InUse { .. } => (Exit::Failed, "in-use"),
            Problem::Ambiguous { .. } => (Exit::Failed, "ambiguous"),
            Problem::NoIdentity { .. } => (Exit::Failed, "no-identity"),
            Problem::NoProgram { .. } => (Exit::Failed, "no-program"),
            Problem::NotStatic { .. } => (Exit::Malformed, "not-static"),
            Problem::TooLarge { .. } => (Exit::NoRoom, "too-large"),
            Problem::NoModuleFile { .. } => (Exit::Failed, "no-module"),
            Problem::BadModule { .. } | Problem::BadModuleName { .. } => {
                (Exit::Malformed, "bad-module")
            }
            Problem::BadDirectory { .. } | Problem::BadCaptureConfig(_) => {
                (Exit::Malformed, "crash-config")
            }
            Problem::Keys { .. } => (Exit::Failed, "keys"),
            Problem::NoTarget | Problem::NotLookedAt { .. } => (Exit::Failed, "failed"),
        }
    }
}

fn with(option: &Option<String>) -> String {
    match option {
        Some(option) => format!(" with \"{option}\""),
        None => String::new(),
    }
}
