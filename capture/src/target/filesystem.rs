//! A directory of a file system. Each dump gets a subdirectory of its own:
//!
//! | file | contents |
//! |---|---|
//! | `dmesg.txt` | the kernel log, written first |
//! | `vmcore.incomplete` | the dump while it is being written, and if it was interrupted |
//! | `vmcore.unverified` | the whole dump while it is being read back |
//! | `summary.json` | what happened |
//! | `vmcore.sha256` | the digest in the format of sha256sum, if the dump was read back |
//! | `vmcore` | the complete dump, renamed to this last |

use super::{Job, TargetError, TargetKind, TargetWriter, Task, WrittenDump};
use crate::device::Device;
use crate::digest;
use crate::file_system::FileSystem;
use crate::layer::{Layers, SetUp};
use crate::members;
use crate::mount_options::MountOptions;
use crate::name::Name;
use crate::path::Directory;
use crate::rotation::{self, OldDump};
use crate::space::{Bounded, KEPT_FREE};
use crate::storage::{PrivateDirectory, Storage, Writable};
use crate::system::System;
use crate::wait::FoundDevice;
use baton_kdump::Source;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

const LOG: &str = "dmesg.txt";
const INCOMPLETE: &str = "vmcore.incomplete";
const UNVERIFIED: &str = "vmcore.unverified";
const COMPLETE: &str = "vmcore";
const DIGEST: &str = "vmcore.sha256";
const SUMMARY: &str = "summary.json";

/// All files of a dump in the order of their removal: the one that marks it as complete goes first, so that
/// a power cut leaves a dump that is recognised as incomplete.
const FILES: [&str; 6] = [COMPLETE, UNVERIFIED, INCOMPLETE, DIGEST, SUMMARY, LOG];

/// How many dumps of crashes in the same second there may be.
const MAX_PER_SECOND: u32 = 1000;

/// The largest file on FAT (Microsoft's FAT specification, DIR_FileSize).
const MAX_FAT_FILE: u64 = (4 << 30) - 1;

type Result<T> = std::result::Result<T, TargetError>;

/// A directory of a file system.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FilesystemTarget {
    /// The device of the file system.
    pub device: Device,
    /// The type of file system.
    pub filesystem: FileSystem,
    /// How the file system is mounted.
    #[serde(default)]
    pub options: MountOptions,
    /// The directory for dumps; created if it doesn't exist.
    pub directory: Directory,
    /// What lies between the disks and the file system.
    #[serde(default, rename = "layer", skip_serializing_if = "Layers::is_empty")]
    pub layers: Layers,
}

impl fmt::Display for FilesystemTarget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} on {}", self.directory, self.device)
    }
}

impl TargetKind for FilesystemTarget {
    fn device(&self) -> Option<&Device> {
        Some(&self.device)
    }

    fn writer<'s>(&self, system: &'s dyn System) -> Box<dyn TargetWriter + 's> {
        Box::new(self.opening(system))
    }
}

impl FilesystemTarget {
    /// Saves a kernel log without a dump, as the dump of a crash that ended after the log. Returns remarks.
    ///
    /// # Errors
    /// When the log can't be saved.
    pub fn save_log(
        &self,
        system: &dyn System,
        job: &Job,
        log: &str,
        summary: impl FnOnce() -> String,
    ) -> Result<Vec<String>> {
        let mut writer = self.opening(system);
        let saved = writer.prepare(job).and_then(|mut remarks| {
            TargetWriter::save_log(&mut writer, log)?;
            writer.save(SUMMARY, &summary())?;
            remarks.extend(writer.remove_old(rotation::superseded_by_log));
            Ok(remarks)
        });
        let closed = writer.close();
        let remarks = saved?;
        closed?;
        Ok(remarks)
    }

    fn opening<'s>(&self, system: &'s dyn System) -> FilesystemWriter<'s> {
        let mut target = self.clone();
        // FAT stores no modes; these options set those of all files.
        let masks = ["umask", "fmask", "dmask"];
        let has_mask = masks.iter().any(|it| target.options.has(it));
        if target.filesystem == FileSystem::Vfat && !has_mask {
            target.options.push("umask=0077");
        }
        FilesystemWriter {
            system,
            place: target.directory.below_root().to_owned(),
            target,
            set_up: None,
            storage: None,
            keep: usize::MAX,
            name: None,
            called: INCOMPLETE,
            output: None,
        }
    }
}

/// Writes a dump to a directory of a file system.
struct FilesystemWriter<'s> {
    system: &'s dyn System,
    target: FilesystemTarget,
    /// The directory for dumps, relative to the file system's root.
    place: PathBuf,
    /// The layers below the file system, once they are set up.
    set_up: Option<SetUp<'s>>,
    storage: Option<Box<dyn Storage>>,
    keep: usize,
    /// The name of the new dump's directory, once it exists.
    name: Option<Name>,
    /// What the dump is called there now.
    called: &'static str,
    output: Option<Bounded>,
}

impl FilesystemWriter<'_> {
    fn storage(&self) -> Result<&dyn Storage> {
        let missing = || io::Error::other("it isn't mounted");
        let storage = self.storage.as_deref().ok_or_else(missing);
        storage.map_err(TargetError::io(Task::Open, &self.place))
    }

    fn dump_directory(&self) -> PathBuf {
        let name = self.name.map(|name| name.to_string());
        self.place.join(name.unwrap_or_default())
    }

    /// The other devices of a btrfs that is spread over several; `None` if it isn't. They share its name.
    fn other_members(
        &self,
        found: &FoundDevice,
        timeout: Duration,
    ) -> Result<Option<Vec<PathBuf>>> {
        if self.target.filesystem != FileSystem::Btrfs {
            return Ok(None);
        }
        let spread = members::spread(self.system, &found.node);
        let spread = spread.map_err(TargetError::io(Task::Open, &found.node))?;
        let Some(spread) = spread else {
            return Ok(None);
        };
        let degraded = self.target.options.has("degraded");
        let all = members::wait_for(self.system, &spread, degraded, timeout)?;
        let others = all.into_iter().filter(|node| *node != found.node);
        Ok(Some(others.collect()))
    }

    /// Creates the directory for dumps and its parents.
    fn make_place(&self) -> Result<()> {
        let storage = self.storage()?;
        let mut above = PathBuf::new();
        for part in self.place.components() {
            let path = above.join(part);
            match storage.make_directory(&path) {
                Ok(()) => storage.sync_directory(&above),
                Err(e) if e.kind() == io::ErrorKind::AlreadyExists => Ok(()),
                Err(e) => Err(e),
            }
            .map_err(TargetError::io(Task::MakeDirectory, &path))?;
            above = path;
        }
        Ok(())
    }

    /// The older dumps.
    fn old(&self) -> Result<Vec<OldDump>> {
        let storage = self.storage()?;
        let entries = storage.list(&self.place);
        let entries = entries.map_err(TargetError::io(Task::List, &self.place))?;
        let names = entries
            .into_iter()
            .filter(|(_, is_directory)| *is_directory)
            .filter_map(|(name, _)| Name::parse(&name));
        let mut old = Vec::new();
        for name in names.filter(|name| Some(*name) != self.name) {
            // A directory that isn't root's or can't be read isn't one of ours.
            let opened = storage.open_private(&self.place.join(name.to_string()));
            let files = opened.and_then(|it| files_of_a_dump(&*it));
            if let Ok(files) = files {
                let complete = files.iter().any(|file| file == COMPLETE);
                old.push(OldDump { name, complete });
            }
        }
        Ok(old)
    }

    fn remove(&self, name: Name) -> io::Result<()> {
        let Some(storage) = &self.storage else {
            return Ok(());
        };
        let directory = self.place.join(name.to_string());
        let own = storage.open_private(&directory)?;
        files_of_a_dump(&*own)?;
        for file in FILES {
            match own.remove_file(file) {
                Err(e) if e.kind() != io::ErrorKind::NotFound => return Err(e),
                _ => {}
            }
            if file == COMPLETE {
                own.sync()?;
            }
        }
        storage.remove_directory(&directory)
    }

    /// Removes what the new dump takes the place of. Returns remarks.
    fn remove_old(&self, superseded: fn(&[OldDump], usize) -> Vec<Name>) -> Vec<String> {
        let old = match self.old() {
            Ok(old) => old,
            Err(error) => return vec![error.to_string()],
        };
        let gone = superseded(&old, self.keep).into_iter();
        let remarks = gone.filter_map(|name| {
            let error = self.remove(name).err()?;
            Some(format!("the old dump of {name} can't be removed: {error}"))
        });
        remarks.collect()
    }

    fn free(&self) -> Result<u64> {
        let free = self.storage()?.free();
        let free = free.map_err(TargetError::io(Task::Measure, &self.place))?;
        Ok(match self.target.filesystem {
            FileSystem::Vfat => free.min(MAX_FAT_FILE),
            _ => free,
        })
    }

    /// Removes old dumps that would go anyway until the new one is sure to fit.
    fn make_room(&self, job: &Job) -> Result<()> {
        let mut expendable = rotation::expendable(&self.old()?, job.keep).into_iter();
        let mut free = self.free()?;
        while free < job.max_size.saturating_add(KEPT_FREE) {
            let Some(name) = expendable.next() else {
                break;
            };
            self.system
                .say(&format!("removing the dump of {name} to make room"));
            if let Err(error) = self.remove(name) {
                self.system.say(&format!("can't remove it: {error}"));
            }
            free = self.free()?;
        }
        Ok(())
    }

    fn make_dump_directory(&mut self, time: u64) -> Result<()> {
        let mut name = Name::of(time);
        for _ in 0..MAX_PER_SECOND {
            let path = self.place.join(name.to_string());
            match self.storage()?.make_directory(&path) {
                Ok(()) => {
                    self.name = Some(name);
                    return self
                        .storage()?
                        .sync_directory(&self.place)
                        .map_err(TargetError::io(Task::Write, &self.place));
                }
                Err(e) if e.kind() == io::ErrorKind::AlreadyExists => name = name.next(),
                Err(e) => return Err(TargetError::io(Task::MakeDirectory, &path)(e)),
            }
        }
        Err(TargetError::Names {
            count: MAX_PER_SECOND,
            place: self.place.clone(),
        })
    }

    /// Gives the dump another name.
    fn call(&mut self, name: &'static str) -> Result<()> {
        let directory = self.dump_directory();
        let (from, to) = (directory.join(self.called), directory.join(name));
        let renamed = self.storage()?.rename(&from, &to);
        renamed.map_err(TargetError::io(Task::Rename, &from))?;
        // That is its name now, whether it is on the disk yet or not.
        self.called = name;
        let synced = self.storage()?.sync_directory(&directory);
        synced.map_err(TargetError::io(Task::Rename, &to))
    }

    /// Writes and syncs a small file.
    fn save(&self, file: &str, text: &str) -> Result<()> {
        let storage = self.storage()?;
        let directory = self.dump_directory();
        let path = directory.join(file);
        let save = || {
            let output = storage.create(&path)?;
            output.write_at(0, text.as_bytes())?;
            output.sync()?;
            storage.sync_directory(&directory)
        };
        save().map_err(TargetError::io(Task::Write, &path))
    }
}

/// The files of a directory that holds nothing but a dump.
fn files_of_a_dump(directory: &dyn PrivateDirectory) -> io::Result<Vec<String>> {
    let files = directory.files()?;
    let is_ours = |(file, is_own): &(String, bool)| *is_own && FILES.contains(&file.as_str());
    if !files.is_empty() && files.iter().all(is_ours) {
        Ok(files.into_iter().map(|(file, _)| file).collect())
    } else {
        Err(io::Error::other("it holds something other than a dump"))
    }
}

impl TargetWriter for FilesystemWriter<'_> {
    fn prepare(&mut self, job: &Job) -> Result<Vec<String>> {
        self.keep = job.keep;
        let target = &self.target;
        let timeout = job.device_timeout;
        let (found, set_up) = target.layers.reach(self.system, &target.device, timeout)?;
        let mut warnings = set_up.warnings.clone();
        self.set_up = Some(set_up);
        let mut options = target.options.clone();
        match self.other_members(&found, timeout)? {
            Some(others) => {
                for node in others {
                    options.push(&format!("device={}", node.display()));
                }
            }
            None => warnings.extend(found.ambiguity(&target.device)),
        }
        let node = found.node;
        let storage = self.system.mount(&node, target.filesystem, &options);
        self.storage = Some(storage.map_err(TargetError::io(Task::Mount, &node))?);
        self.make_place()?;
        self.make_room(job)?;
        self.make_dump_directory(job.time)?;
        Ok(warnings)
    }

    fn save_log(&mut self, log: &str) -> Result<()> {
        self.save(LOG, log)
    }

    fn output(&mut self) -> Result<&dyn Writable> {
        let path = self.dump_directory().join(INCOMPLETE);
        let output = self.storage()?.create(&path);
        let output = output.map_err(TargetError::io(Task::Write, &path))?;
        // The file's name is synced before its contents, so that a power cut doesn't lose the contents with it.
        self.storage()?
            .sync_directory(&self.dump_directory())
            .map_err(TargetError::io(Task::Write, &path))?;
        let free = self.free()?;
        Ok(self.output.insert(Bounded::new(output, free)))
    }

    fn unverified(&mut self, _: u64) -> Result<()> {
        self.call(UNVERIFIED)
    }

    fn written(&self) -> Result<Arc<dyn Source>> {
        let path = self.dump_directory().join(self.called);
        let source = self.storage()?.open(&path);
        source.map_err(TargetError::io(Task::Read, &path))
    }

    fn finish(&mut self, dump: &WrittenDump) -> Result<Vec<String>> {
        if let Some(sha256) = &dump.sha256 {
            self.save(DIGEST, &digest::line(sha256, COMPLETE))?;
        }
        self.save(SUMMARY, &dump.summary)?;
        self.call(COMPLETE)?;
        // The dump is complete now; a failure from here on is only a remark.
        Ok(self.remove_old(rotation::superseded))
    }

    fn fail(&mut self, summary: &str) {
        if self.name.is_none() {
            return;
        }
        // What doesn't read back as it was written isn't whole.
        if self.called != INCOMPLETE
            && let Err(error) = self.call(INCOMPLETE)
        {
            self.system.say(&error.to_string());
        }
        let path = self.dump_directory().join(SUMMARY);
        let Some(storage) = self.storage.as_deref() else {
            return;
        };
        // A summary of a complete dump would be wrong now.
        let _ = storage.remove_file(&path);
        if let Err(error) = self.save(SUMMARY, summary) {
            self.system.say(&error.to_string());
        }
    }

    fn close(&mut self) -> Result<()> {
        self.output = None;
        if self.storage.take().is_some() {
            let unmounted = self.system.unmount();
            unmounted.map_err(TargetError::io(Task::Unmount, Path::new("the target")))?;
        }
        if let Some(mut set_up) = self.set_up.take() {
            for problem in set_up.take_down() {
                self.system.say(&problem);
            }
        }
        Ok(())
    }
}
