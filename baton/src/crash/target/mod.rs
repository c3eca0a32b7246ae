//! Where dumps go. Each kind of target that crash.toml can name has a file, with its keys there and all that is done
//! with it before a crash and after one; what the capture program does is in `capture/src/target`.

mod device;
mod filesystem;
pub mod log;
mod mounted;
mod raw;

#[cfg(test)]
mod tests;

pub use filesystem::Filesystem;
pub use log::{LogPlace, NamedLog};
pub use mounted::Mounted;

use super::needs::Needs;
use crate::failure::Result;
use crate::failure::problem::Problem;
use baton_capture::target as capture;
use baton_sys::Root;
use baton_sys::block::BlockDevice;
use baton_sys::mounts::Mount;
use serde::Deserialize;
use std::fmt::Debug;
use std::path::PathBuf;

/// A target as crash.toml names it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum NamedTarget {
    /// A directory that is mounted now.
    Mounted(Mounted),
    /// A directory of a file system that need not be mounted.
    Filesystem(Filesystem),
    /// A partition or disk, whose contents are overwritten.
    Raw(capture::RawTarget),
}

impl NamedTarget {
    /// The target, whichever kind it is.
    #[must_use]
    pub fn kind(&self) -> &dyn FindTarget {
        match self {
            NamedTarget::Mounted(target) => target,
            NamedTarget::Filesystem(target) => target,
            NamedTarget::Raw(target) => target,
        }
    }
}

/// What a kind of target is.
pub trait FindTarget {
    /// Looks the target up on this machine.
    ///
    /// # Errors
    /// When it isn't there, or a capture couldn't write to it.
    fn find(&self, root: &Root, mounts: &[Mount]) -> Result<Box<dyn FoundTarget>>;

    /// The directory or partition that has the target's dumps, by which they can be read now.
    ///
    /// # Errors
    /// When they can't be read, with what to do about it.
    fn dumps(&self, root: &Root, mounts: &[Mount]) -> Result<PathBuf>;
}

/// A target on this machine that a capture can write to, as far as can be checked beforehand.
pub trait FoundTarget: Debug {
    /// The target as the capture program reads it.
    fn config(&self) -> capture::Target;

    /// The block device that it is on.
    fn device(&self) -> &BlockDevice;

    /// The place and its device, in words.
    fn describe(&self) -> String;

    /// What the machine's owner should know about the target.
    fn notes(&self) -> &[String];

    /// Adds the modules that the capture kernel needs to write to the target.
    ///
    /// # Errors
    /// Names the first that is missing, and what needs it.
    fn require(&self, needs: &mut Needs<'_>) -> std::result::Result<(), Problem>;

    /// How many bytes can be written to the target; `None` if that isn't known.
    fn room(&self, root: &Root) -> Option<u64>;
}
