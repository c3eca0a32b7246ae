//! A directory of a file system. Each dump has a directory of its own in it:
//!
//! | file | what |
//! |---|---|
//! | `dmesg.txt` | the kernel log, written first |
//! | `vmcore.incomplete` | the dump while it is written, and if it breaks off |
//! | `summary.json` | what happened |
//! | `vmcore.sha256` | the digest, as sha256sum writes it, if the dump was read back |
//! | `vmcore` | the dump, complete and on the disk: renamed last |

use super::{Job, Result, Target, TargetError, Task};
use crate::config::{Device, FileSystem, MountOptions};
use crate::device;
use crate::digest;
use crate::name::Name;
use crate::rotation::{self, Old};
use crate::space;
use crate::storage::{Own, Storage, Writable};
use crate::system::System;
use baton_kdump::Source;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

const LOG: &str = "dmesg.txt";
const INCOMPLETE: &str = "vmcore.incomplete";
const COMPLETE: &str = "vmcore";
const DIGEST: &str = "vmcore.sha256";
const SUMMARY: &str = "summary.json";

/// In the order in which they are removed: what makes a dump complete goes first, so that a power cut
/// leaves a broken-off one.
const FILES: [&str; 5] = [COMPLETE, INCOMPLETE, DIGEST, SUMMARY, LOG];

/// How many dumps of the same second there may be.
const MOST_OF_A_SECOND: u32 = 1000;

/// What FAT can have in a file (Microsoft's FAT specification, DIR_FileSize).
const LONGEST_ON_FAT: u64 = (4 << 30) - 1;

type Outcome<T> = std::result::Result<T, TargetError>;

/// A directory of a file system on a device.
pub struct Directory<'s> {
    system: &'s dyn System,
    device: Device,
    filesystem: FileSystem,
    options: MountOptions,
    /// Where dumps are, relative to the file system's root.
    place: PathBuf,
    storage: Option<Box<dyn Storage>>,
    keep: usize,
    /// The new dump's directory.
    name: Option<Name>,
    output: Option<Box<dyn Writable>>,
}

impl<'s> Directory<'s> {
    /// On this device.
    #[must_use]
    pub fn new(
        system: &'s dyn System,
        device: Device,
        filesystem: FileSystem,
        mut options: MountOptions,
        place: PathBuf,
    ) -> Directory<'s> {
        // FAT has no modes of its own; these are what all of its files have.
        let masks = ["umask", "fmask", "dmask"];
        if filesystem == FileSystem::Vfat && !masks.iter().any(|it| options.has(it)) {
            options.push("umask=0077");
        }
        Directory {
            system,
            device,
            filesystem,
            options,
            place,
            storage: None,
            keep: usize::MAX,
            name: None,
            output: None,
        }
    }

    fn storage(&self) -> Outcome<&dyn Storage> {
        let missing = || io::Error::other("it isn't mounted");
        let storage = self.storage.as_deref().ok_or_else(missing);
        storage.map_err(TargetError::io(Task::Open, &self.place))
    }

    fn folder(&self) -> PathBuf {
        let name = self.name.map(|name| name.to_string());
        self.place.join(name.unwrap_or_default())
    }

    /// The directory for dumps, with those above it.
    fn make_place(&self) -> Outcome<()> {
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

    /// The dumps that are there.
    fn old(&self) -> Outcome<Vec<Old>> {
        let storage = self.storage()?;
        let entries = storage.list(&self.place);
        let entries = entries.map_err(TargetError::io(Task::List, &self.place))?;
        let names = entries
            .into_iter()
            .filter(|(_, is_directory)| *is_directory)
            .filter_map(|(name, _)| Name::parse(&name));
        let mut old = Vec::new();
        for name in names.filter(|name| Some(*name) != self.name) {
            // A directory that isn't root's, or can't be read, is nobody's business here.
            let opened = storage.own(&self.place.join(name.to_string()));
            let files = opened.and_then(|it| files_of_a_dump(&*it));
            if let Ok(files) = files {
                let complete = files.iter().any(|file| file == COMPLETE);
                old.push(Old { name, complete });
            }
        }
        Ok(old)
    }

    fn remove(&self, name: Name) -> io::Result<()> {
        let Some(storage) = &self.storage else {
            return Ok(());
        };
        let folder = self.place.join(name.to_string());
        let own = storage.own(&folder)?;
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
        storage.remove_directory(&folder)
    }

    fn free(&self) -> Outcome<u64> {
        let free = self.storage()?.free();
        let free = free.map_err(TargetError::io(Task::Measure, &self.place))?;
        Ok(match self.filesystem {
            FileSystem::Vfat => free.min(LONGEST_ON_FAT),
            _ => free,
        })
    }

    /// Sees that there may be room, and makes some of what isn't kept anyway.
    fn make_room(&self, job: &Job) -> Outcome<()> {
        let mut expendable = rotation::expendable(&self.old()?, job.keep).into_iter();
        let mut free = self.free()?;
        while free < job.most {
            let Some(name) = expendable.next() else {
                break;
            };
            self.system
                .say(&format!("removing the dump of {name} to have room"));
            if let Err(error) = self.remove(name) {
                self.system.say(&format!("can't remove it: {error}"));
            }
            free = self.free()?;
        }
        Ok(space::check(free, job.most, job.shrinks)?)
    }

    fn make_folder(&mut self, time: u64) -> Outcome<()> {
        let mut name = Name::of(time);
        for _ in 0..MOST_OF_A_SECOND {
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
            count: MOST_OF_A_SECOND,
            place: self.place.clone(),
        })
    }

    /// Writes a small file, and has it on the disk.
    fn save(&self, file: &str, text: &str) -> Outcome<()> {
        let storage = self.storage()?;
        let folder = self.folder();
        let path = folder.join(file);
        let save = || {
            let output = storage.create(&path)?;
            output.write_at(0, text.as_bytes())?;
            output.sync()?;
            storage.sync_directory(&folder)
        };
        save().map_err(TargetError::io(Task::Write, &path))
    }
}

/// The files of a directory that holds a dump and nothing else.
fn files_of_a_dump(directory: &dyn Own) -> io::Result<Vec<String>> {
    let files = directory.files()?;
    let is_ours = |(file, is_own): &(String, bool)| *is_own && FILES.contains(&file.as_str());
    match !files.is_empty() && files.iter().all(is_ours) {
        true => Ok(files.into_iter().map(|(file, _)| file).collect()),
        false => Err(io::Error::other("it holds something else than a dump")),
    }
}

impl Target for Directory<'_> {
    fn prepare(&mut self, job: &Job) -> Outcome<Vec<String>> {
        self.keep = job.keep;
        let found = device::wait(self.system, &self.device, job.patience)?;
        let doubt = found.doubt(&self.device);
        let node = found.node;
        let storage = self.system.mount(&node, self.filesystem, &self.options);
        self.storage = Some(storage.map_err(TargetError::io(Task::Mount, &node))?);
        self.make_place()?;
        self.make_room(job)?;
        self.make_folder(job.time)?;
        Ok(doubt.into_iter().collect())
    }

    fn save_log(&mut self, log: &str) -> Outcome<()> {
        self.save(LOG, log)
    }

    fn output(&mut self) -> Outcome<&dyn Writable> {
        let path = self.folder().join(INCOMPLETE);
        let output = self.storage()?.create(&path);
        let output = output.map_err(TargetError::io(Task::Write, &path))?;
        // The file's name is on the disk before its contents: a power cut leaves both.
        self.storage()?
            .sync_directory(&self.folder())
            .map_err(TargetError::io(Task::Write, &path))?;
        Ok(&**self.output.insert(output))
    }

    fn written(&self) -> Outcome<Arc<dyn Source>> {
        let path = self.folder().join(INCOMPLETE);
        let source = self.storage()?.open(&path);
        source.map_err(TargetError::io(Task::Read, &path))
    }

    fn finish(&mut self, result: &Result) -> Outcome<Vec<String>> {
        if let Some(sha256) = &result.sha256 {
            self.save(DIGEST, &digest::line(sha256, COMPLETE))?;
        }
        self.save(SUMMARY, &result.summary)?;
        let folder = self.folder();
        let (from, to) = (folder.join(INCOMPLETE), folder.join(COMPLETE));
        let storage = self.storage()?;
        storage
            .rename(&from, &to)
            .and_then(|()| storage.sync_directory(&folder))
            .map_err(TargetError::io(Task::Rename, &from))?;
        // From here on the dump is there, and what goes wrong is no more than a remark.
        let old = match self.old() {
            Ok(old) => old,
            Err(error) => return Ok(vec![error.to_string()]),
        };
        let gone = rotation::superseded(&old, self.keep).into_iter();
        let remarks = gone.filter_map(|name| {
            let error = self.remove(name).err()?;
            Some(format!("the old dump of {name} can't be removed: {error}"))
        });
        Ok(remarks.collect())
    }

    fn fail(&mut self, summary: &str) {
        if self.name.is_none() {
            return;
        }
        let path = self.folder().join(SUMMARY);
        let Some(storage) = self.storage.as_deref() else {
            return;
        };
        // One that was written for a complete dump isn't true.
        let _ = storage.remove_file(&path);
        if let Err(error) = self.save(SUMMARY, summary) {
            self.system.say(&error.to_string());
        }
    }

    fn close(&mut self) -> Outcome<()> {
        self.output = None;
        match self.storage.take() {
            None => Ok(()),
            Some(_) => self
                .system
                .unmount()
                .map_err(TargetError::io(Task::Unmount, Path::new("the target"))),
        }
    }
}
