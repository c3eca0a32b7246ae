//! A directory of a file system on a block device.

mod spread;
mod trial;

use super::{FindTarget, FoundTarget, capture, device};
use crate::crash::layer::Stack;
use crate::crash::needs::Needs;
use crate::crash::{names, probe};
use crate::failure::Result;
use crate::failure::capture::CaptureError;
use crate::failure::problem::Problem;
use baton_capture::device::Device;
use baton_capture::file_system::FileSystem;
use baton_capture::layer::Layers;
use baton_capture::mount_options::MountOptions;
use baton_capture::path::Directory;
use baton_capture::target::FilesystemTarget;
use baton_sys::block::BlockDevice;
use baton_sys::mounts::Mount;
use baton_sys::{Root, space};
use serde::Deserialize;
use std::path::{Path, PathBuf};

/// A directory of a file system that need not be mounted.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Filesystem {
    /// The device of the file system.
    pub device: Device,
    /// The type of file system; if it isn't given, that of the mount or of the superblock.
    pub filesystem: Option<FileSystem>,
    /// How the file system is mounted.
    #[serde(default)]
    pub options: MountOptions,
    /// The directory for dumps.
    pub directory: Directory,
}

impl Filesystem {
    /// The name of the target in messages.
    fn name(&self) -> String {
        format!("target {} of {}", self.directory, self.device)
    }
}

impl FindTarget for Filesystem {
    fn find(&self, root: &Root, mounts: &[Mount]) -> Result<Box<dyn FoundTarget>> {
        let name = self.name();
        let found = device::find(root, &self.device, &name)?;
        let mount = device::mount_of(mounts, &found);
        let filesystem = match self.filesystem {
            Some(filesystem) => filesystem,
            None => filesystem_of(root, mount, &found, &name)?,
        };
        let (called, notes) = stable(self.device.clone(), &found, names::uuid(root, &found));
        let found = FoundFilesystem {
            config: FilesystemTarget {
                device: called,
                filesystem,
                options: self.options.clone(),
                directory: self.directory.clone(),
                layers: Layers::default(),
            },
            stack: Stack::default(),
            mounted_at: mount.map(|mount| mount.point.clone()),
            device: found,
            notes,
        };
        found.checked(root, mounts, &name)
    }

    fn dumps(&self, root: &Root, mounts: &[Mount]) -> Result<PathBuf> {
        let name = self.name();
        let device = device::find(root, &self.device, &name)?;
        let shown = device::shown(mounts, &device, &self.directory.path());
        let (mount, below) = shown.ok_or(CaptureError::NotMountedNow { target: name })?;
        Ok(mount.point.join(below))
    }
}

/// The type of file system: as it is mounted, or as its superblock says.
fn filesystem_of(
    root: &Root,
    mount: Option<&Mount>,
    device: &BlockDevice,
    target: &str,
) -> std::result::Result<FileSystem, Problem> {
    match mount {
        Some(mount) => of_mount(mount, target),
        None => probe::contents(root, device)
            .and_then(|found| found.filesystem())
            .ok_or_else(|| Problem::UnknownFileSystem {
                target: target.to_owned(),
            }),
    }
}

/// The type of file system that is mounted, if dumps can be written to it.
pub fn of_mount(mount: &Mount, target: &str) -> std::result::Result<FileSystem, Problem> {
    let found = FileSystem::try_from(mount.filesystem.clone());
    found.map_err(|_| Problem::UnsupportedFileSystem {
        target: target.to_owned(),
        filesystem: mount.filesystem.clone(),
    })
}

/// In place of a path, which may be that of another disk after a crash, a name that the device also has then.
pub fn stable(
    called: Device,
    device: &BlockDevice,
    better: Option<Device>,
) -> (Device, Vec<String>) {
    if !matches!(called, Device::Path(_)) {
        return (called, Vec::new());
    }
    if let Some(better) = better {
        return (better, Vec::new());
    }
    let path = Device::Path(format!("/dev/{}", device.name).into());
    let note = format!(
        "{path} is a name that another disk may have after a crash; name the target by UUID= or PARTUUID= if it has one"
    );
    (path, vec![note])
}

/// A directory of a file system of this machine.
#[derive(Debug)]
pub struct FoundFilesystem {
    /// The target as the capture program reads it.
    pub config: FilesystemTarget,
    /// The device of the file system.
    pub device: BlockDevice,
    /// What is below it.
    pub stack: Stack,
    /// Where the file system is mounted here, if it is.
    pub mounted_at: Option<PathBuf>,
    /// What the machine's owner should know.
    pub notes: Vec<String>,
}

impl FoundTarget for FoundFilesystem {
    fn config(&self) -> capture::Target {
        capture::Target::Filesystem(self.config.clone())
    }

    fn device(&self) -> &BlockDevice {
        &self.device
    }

    fn describe(&self) -> String {
        let FilesystemTarget {
            device,
            filesystem,
            directory,
            ..
        } = &self.config;
        format!(
            "{directory} of {filesystem} on {} ({device}){}",
            self.stack.top(&self.device),
            self.stack.describe()
        )
    }

    fn notes(&self) -> &[String] {
        &self.notes
    }

    fn require(&self, needs: &mut Needs<'_>) -> std::result::Result<(), Problem> {
        self.stack.require(needs)?;
        modules(needs, self.config.filesystem, &self.config.options)
    }

    fn room(&self, root: &Root) -> Option<u64> {
        let point = self.mounted_at.as_deref()?;
        let below = point.strip_prefix("/").unwrap_or(Path::new(""));
        space::free(&root.join(below)).ok()
    }
}

/// The character sets with which vfat converts names, by the common defaults of the kernel's configuration
/// (CONFIG_FAT_DEFAULT_CODEPAGE and _IOCHARSET). load_nls would call modprobe for them, which isn't in the initramfs.
const VFAT_CHARACTER_SETS: [&str; 4] = ["nls_cp437", "nls_iso8859_1", "nls_ascii", "nls_utf8"];

/// Adds the modules of a file system.
fn modules(
    needs: &mut Needs<'_>,
    filesystem: FileSystem,
    options: &MountOptions,
) -> std::result::Result<(), Problem> {
    let purpose = format!("for the file system {filesystem}");
    // MODULE_ALIAS_FS of include/linux/fs.h
    if !needs.add(&format!("fs-{filesystem}")) {
        needs.must(filesystem.name(), &purpose)?;
    }
    if filesystem != FileSystem::Vfat {
        return Ok(());
    }
    for module in VFAT_CHARACTER_SETS {
        needs.add(module);
    }
    for option in options.data.split(',') {
        match option.split_once('=') {
            Some(("codepage", page)) => needs.must(&format!("nls_cp{page}"), &purpose)?,
            Some(("iocharset", set)) => needs.must(&format!("nls_{set}"), &purpose)?,
            _ => {}
        }
    }
    Ok(())
}

impl FoundFilesystem {
    /// Checks that a capture can find the file system and write to the directory; adds notes.
    pub fn checked(
        mut self,
        root: &Root,
        mounts: &[Mount],
        target: &str,
    ) -> Result<Box<dyn FoundTarget>> {
        self.stack = Stack::below(root, &self.device, target)?;
        self.config.layers = self.stack.layers.clone();
        device::check_name(root, &self.device, &self.config.device, target)?;
        self.check_contents(root, target)?;
        let others = spread::others(root, &self, target)?;
        device::check_writable(&self.device, target)?;
        if !self.config.layers.is_empty() {
            self.check_uuid(target)?;
        } else if others.is_empty() {
            self.notes.extend(self.ambiguity(root)?);
        } else {
            self.stack.spread_over(others);
        }
        let notes = trial::run(root, mounts, &self, target)?;
        self.notes.extend(notes);
        Ok(Box::new(self))
    }

    /// Checks what the capture program would find on the device, if it can be read here.
    fn check_contents(&self, root: &Root, target: &str) -> std::result::Result<(), Problem> {
        let Some(found) = probe::contents(root, &self.device) else {
            return Ok(());
        };
        let (target, device) = (target.to_owned(), self.device.name.clone());
        if let Some(part) = found.elsewhere {
            return Err(Problem::Elsewhere {
                target,
                device,
                part: part.to_string(),
            });
        }
        if found.filesystem() == Some(self.config.filesystem) {
            Ok(())
        } else {
            Err(Problem::OtherFileSystem {
                target,
                said: self.config.filesystem.to_string(),
                device,
                found: found.owner.to_string(),
            })
        }
    }

    /// Checks that a volume's file system has a name by which it is seen whether it is still there.
    fn check_uuid(&self, target: &str) -> std::result::Result<(), Problem> {
        match self.config.device {
            Device::Uuid(_) | Device::Label(_) => Ok(()),
            _ => Err(Problem::Volume {
                target: target.to_owned(),
                volume: self.stack.top(&self.device),
                why: "the UUID of its file system can't be read".to_owned(),
                help: "name the target by UUID= or LABEL=",
            }),
        }
    }

    /// The note if other devices have the name, too: those of a copied disk, or of another path to the same one.
    fn ambiguity(&self, root: &Root) -> Result<Option<String>> {
        let mut others = names::others(root, &self.device, &self.config.device)?;
        others.retain(|name| !self.stack.is_path(root, name));
        Ok((!others.is_empty()).then(|| {
            format!(
                "{} is the name of {} and of {}: a capture takes the one that it finds first; give each a name of its own",
                self.config.device,
                self.device.name,
                others.join(", ")
            )
        }))
    }
}
