//! A whole partition. The dump lies at its start, so that every reader of dumps can open the partition as if
//! it were a file; everything else lies in its [`trailer`].

use super::{Job, TargetError, TargetKind, TargetWriter, Task, WrittenDump};
use crate::device::{Device, RawDevice};
use crate::probe;
use crate::space;
use crate::storage::Writable;
use crate::system::{System, Volume};
use crate::trailer::{self, Trailer};
use crate::wait;
use baton_kdump::Source;
use baton_kdump::write::Output;
use baton_sys::hex;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;

/// How many bytes to clear so that no reader mistakes the old contents for a dump: the largest page size,
/// which is the block size of a kdump-compressed dump's header.
const HEADER: usize = 64 << 10;

type Result<T> = std::result::Result<T, TargetError>;

/// A whole partition or disk, whose contents are overwritten.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RawTarget {
    /// The partition or disk.
    pub device: RawDevice,
}

impl fmt::Display for RawTarget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "partition {}", self.device)
    }
}

impl TargetKind for RawTarget {
    fn device(&self) -> Option<&Device> {
        Some(self.device.name())
    }

    fn writer<'s>(&self, system: &'s dyn System) -> Box<dyn TargetWriter + 's> {
        Box::new(RawWriter {
            system,
            device: self.device.name().clone(),
            node: PathBuf::new(),
            open: None,
            log: Vec::new(),
        })
    }
}

/// Writes a dump to a whole partition.
struct RawWriter<'s> {
    system: &'s dyn System,
    device: Device,
    node: PathBuf,
    open: Option<OpenPartition>,
    log: Vec<u8>,
}

/// An open partition. The dump may use it up to the trailer.
struct OpenPartition {
    volume: Box<dyn Volume>,
    /// Where the trailer begins.
    end: u64,
}

impl Output for OpenPartition {
    fn write_at(&self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        let end = offset.checked_add(bytes.len() as u64);
        if end.is_some_and(|end| end <= self.end) {
            self.volume.write_at(offset, bytes)
        } else {
            Err(space::ended(self.end))
        }
    }

    fn read_back(&self, offset: u64, buffer: &mut [u8]) -> io::Result<bool> {
        self.volume.read_back(offset, buffer)
    }

    fn begins_empty(&self) -> bool {
        false
    }
}

impl Writable for OpenPartition {
    fn sync(&self) -> io::Result<()> {
        self.volume.sync()
    }
}

impl RawWriter<'_> {
    fn open(&self) -> Result<&OpenPartition> {
        let missing = || io::Error::other("it isn't open");
        let open = self.open.as_ref().ok_or_else(missing);
        open.map_err(TargetError::io(Task::Write, &self.node))
    }

    fn write_trailer(&self, trailer: &Trailer) -> Result<()> {
        let open = self.open()?;
        let write = || {
            trailer::write(&*open.volume, open.end, trailer)?;
            open.volume.sync()
        };
        write().map_err(TargetError::io(Task::Write, &self.node))
    }
}

impl TargetWriter for RawWriter<'_> {
    fn prepare(&mut self, job: &Job) -> Result<Vec<String>> {
        let found = wait::for_device(self.system, &self.device, job.device_timeout)?;
        if let Some(ambiguity) = found.twice(&self.device) {
            return Err(TargetError::Ambiguous {
                ambiguity,
                help: self.device.when_shared(),
            });
        }
        self.node = found.node;
        let source = self.system.look_into(&self.node);
        let source = source.map_err(TargetError::io(Task::Read, &self.node))?;
        let occupant = probe::occupant(&*source);
        if let Some(occupant) = occupant.map_err(TargetError::io(Task::Read, &self.node))? {
            return Err(TargetError::InUse {
                node: self.node.clone(),
                occupant,
            });
        }
        let volume = self.system.open_volume(&self.node);
        let volume = volume.map_err(TargetError::io(Task::Open, &self.node))?;
        let size = volume.size();
        let size = size.map_err(TargetError::io(Task::Measure, &self.node))?;
        let small = || TargetError::Small {
            node: self.node.clone(),
            size,
        };
        let end = trailer::place(size).filter(|end| *end >= trailer::SIZE);
        let end = end.ok_or_else(small)?;
        self.open = Some(OpenPartition { volume, end });
        Ok(Vec::new())
    }

    /// Invalidates the previous dump now that a new log is there to take its place.
    fn save_log(&mut self, log: &str) -> Result<()> {
        self.log = log.as_bytes().to_vec();
        let open = self.open()?;
        let clear = || {
            trailer::clear(&*open.volume, open.end)?;
            open.volume.write_at(0, &vec![0; HEADER])?;
            open.volume.sync()
        };
        clear().map_err(TargetError::io(Task::Write, &self.node))?;
        self.write_trailer(&Trailer {
            log: self.log.clone(),
            ..Trailer::default()
        })
    }

    fn output(&mut self) -> Result<&dyn Writable> {
        Ok(self.open()?)
    }

    /// As a dump that is never read back, which has no digest.
    fn unverified(&mut self, length: u64) -> Result<()> {
        self.write_trailer(&Trailer {
            complete: true,
            length,
            log: self.log.clone(),
            ..Trailer::default()
        })
    }

    fn written(&self) -> Result<Arc<dyn Source>> {
        let source = self.open()?.volume.reopen();
        source.map_err(TargetError::io(Task::Read, &self.node))
    }

    fn finish(&mut self, dump: &WrittenDump) -> Result<Vec<String>> {
        self.write_trailer(&Trailer {
            complete: true,
            length: dump.length,
            digest: dump.sha256.as_deref().and_then(hex::decode_digest),
            log: self.log.clone(),
            summary: dump.summary.clone().into_bytes(),
        })?;
        Ok(Vec::new())
    }

    fn fail(&mut self, summary: &str) {
        if self.open.is_none() {
            return;
        }
        let written = self.write_trailer(&Trailer {
            log: self.log.clone(),
            summary: summary.as_bytes().to_vec(),
            ..Trailer::default()
        });
        if let Err(error) = written {
            self.system.say(&error.to_string());
        }
    }

    fn close(&mut self) -> Result<()> {
        self.open = None;
        Ok(())
    }
}
