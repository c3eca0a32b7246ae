//! The targets that dumps are written to. Each kind has a file, with its keys in the configuration and all that is
//! done after a crash.

mod error;
pub mod filesystem;
pub mod raw;

pub use error::{TargetError, Task};
pub use filesystem::FilesystemTarget;
pub use raw::RawTarget;

use crate::device::Device;
use crate::layer::Layers;
use crate::storage::Writable;
use crate::system::System;
use baton_kdump::Source;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// A target as the configuration describes it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Target {
    /// A directory of a file system.
    Filesystem(FilesystemTarget),
    /// A whole partition or disk, whose contents are overwritten.
    Raw(RawTarget),
}

/// What a kind of target is. It is displayed as the place that it is.
pub trait TargetKind: fmt::Display {
    /// The block device that the target is on.
    fn device(&self) -> Option<&Device>;

    /// What writes one dump to the target.
    fn writer<'s>(&self, system: &'s dyn System) -> Box<dyn TargetWriter + 's>;
}

impl Target {
    /// The target, whichever kind it is.
    #[must_use]
    pub fn kind(&self) -> &dyn TargetKind {
        match self {
            Target::Filesystem(target) => target,
            Target::Raw(target) => target,
        }
    }

    /// What lies between the disks and the target, where something may.
    #[must_use]
    pub fn layers(&self) -> Option<&Layers> {
        match self {
            Target::Filesystem(target) => Some(&target.layers),
            Target::Raw(_) => None,
        }
    }
}

/// What a target needs to know about a dump before it is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Job {
    /// When the kernel crashed, in seconds since 1970.
    pub time: u64,
    /// The largest size that the dump can have, in bytes.
    pub max_size: u64,
    /// How many dumps to keep, including this one.
    pub keep: usize,
    /// How long to wait for the device.
    pub device_timeout: Duration,
}

/// A dump that has been written.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct WrittenDump {
    /// The dump's length in bytes.
    pub length: u64,
    /// The dump's SHA-256, if it was read back.
    pub sha256: Option<String>,
    /// The summary, as JSON.
    pub summary: String,
}

/// Writes one dump to a target. The methods are called in this order; once one has failed, only `fail` and `close`
/// are called.
pub trait TargetWriter {
    /// Waits for the device and makes room. Returns warnings.
    ///
    /// # Errors
    /// When the device doesn't appear or can't be used.
    fn prepare(&mut self, job: &Job) -> Result<Vec<String>, TargetError>;

    /// Saves the kernel log before anything else can fail. It is on the disk when this returns.
    ///
    /// # Errors
    /// When it can't be written.
    fn save_log(&mut self, log: &str) -> Result<(), TargetError>;

    /// Opens the output that the dump is written to.
    ///
    /// # Errors
    /// When it can't be created.
    fn output(&mut self) -> Result<&dyn Writable, TargetError>;

    /// Marks the dump as whole, and as not read back yet: whatever happens from here on, it can be told from one that was
    /// cut short.
    ///
    /// # Errors
    /// When that can't be written.
    fn unverified(&mut self, length: u64) -> Result<(), TargetError>;

    /// Opens the written dump so that it is read from the disk.
    ///
    /// # Errors
    /// When it can't be opened.
    fn written(&self) -> Result<Arc<dyn Source>, TargetError>;

    /// Marks the dump as complete and removes the dumps that it replaces. Returns remarks.
    ///
    /// # Errors
    /// When the dump can't be completed; all older dumps still exist then.
    fn finish(&mut self, dump: &WrittenDump) -> Result<Vec<String>, TargetError>;

    /// Records on the target what went wrong, if that is possible.
    fn fail(&mut self, summary: &str);

    /// Releases the device.
    ///
    /// # Errors
    /// When data may not have reached the device.
    fn close(&mut self) -> Result<(), TargetError>;
}
