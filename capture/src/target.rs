//! Places that dumps are written to: each kind is a module with a [`Target`].

mod directory;
mod error;
mod partition;

pub use directory::Directory;
pub use error::{TargetError, Task};
pub use partition::Partition;

use crate::config::{Place, Plan};
use crate::storage::Writable;
use crate::system::System;
use baton_kdump::Source;
use std::sync::Arc;
use std::time::Duration;

/// What is known of a dump before it is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Job {
    /// When the kernel crashed, in seconds since 1970.
    pub time: u64,
    /// What the dump has at most, in bytes.
    pub most: u64,
    /// Whether pages are compressed or left out.
    pub shrinks: bool,
    /// How many dumps are kept, this one included.
    pub keep: usize,
    /// How long the device is waited for.
    pub patience: Duration,
}

/// What a dump came to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Result {
    /// Its length in bytes.
    pub length: u64,
    /// Its SHA-256, if it was read back.
    pub sha256: Option<String>,
    /// The summary, as JSON.
    pub summary: String,
}

/// A place for a dump. The functions are called in this order; after one that fails only `fail` and
/// `close` are.
pub trait Target {
    /// Gets the place ready: waits for its device, makes room. Gives what else should be known.
    ///
    /// # Errors
    /// When there is no such device, or no room on it.
    fn prepare(&mut self, job: &Job) -> std::result::Result<Vec<String>, TargetError>;

    /// Saves the kernel log, before anything else can go wrong. It is on the disk when this returns.
    ///
    /// # Errors
    /// When it can't be written.
    fn save_log(&mut self, log: &str) -> std::result::Result<(), TargetError>;

    /// Where the dump goes.
    ///
    /// # Errors
    /// When it can't be made.
    fn output(&mut self) -> std::result::Result<&dyn Writable, TargetError>;

    /// What was written, read from the disk.
    ///
    /// # Errors
    /// When it can't be opened.
    fn written(&self) -> std::result::Result<Arc<dyn Source>, TargetError>;

    /// Makes the dump count, and removes those that it replaces. Gives what else should be known.
    ///
    /// # Errors
    /// When it can't be completed; older dumps are all there then.
    fn finish(&mut self, result: &Result) -> std::result::Result<Vec<String>, TargetError>;

    /// Leaves a word about what went wrong, if it can.
    fn fail(&mut self, summary: &str);

    /// Lets go of the device.
    ///
    /// # Errors
    /// When what was written may not be on it.
    fn close(&mut self) -> std::result::Result<(), TargetError>;
}

/// The targets of a plan, in their order.
pub fn targets<'s>(system: &'s dyn System, plan: &Plan) -> Vec<Box<dyn Target + 's>> {
    let targets = plan.places.iter().map(|place| of(system, place));
    targets.collect()
}

fn of<'s>(system: &'s dyn System, place: &Place) -> Box<dyn Target + 's> {
    match place {
        Place::Directory {
            device,
            filesystem,
            options,
            directory,
        } => Box::new(Directory::new(
            system,
            device.clone(),
            *filesystem,
            options.clone(),
            directory.clone(),
        )),
        Place::Partition { device } => Box::new(Partition::new(system, device.clone())),
    }
}
