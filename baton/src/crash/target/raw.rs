//! A whole partition or disk. Its keys in crash.toml are those that the capture program reads, but the device may be
//! any path here; the capture program gets a name that the device also has after a crash.

use super::{FindTarget, FoundTarget, capture, device};
use crate::crash::needs::Needs;
use crate::crash::{names, probe};
use crate::failure::Result;
use crate::failure::problem::Problem;
use baton_capture::device::{Device, RawDevice};
use baton_capture::target::RawTarget;
use baton_sys::Root;
use baton_sys::block::BlockDevice;
use baton_sys::mounts::Mount;
use std::path::{Path, PathBuf};

/// The name of the target in messages.
fn name(target: &RawTarget) -> String {
    format!("raw target {}", target.device)
}

impl FindTarget for RawTarget {
    fn find(&self, root: &Root, mounts: &[Mount]) -> Result<Box<dyn FoundTarget>> {
        let name = name(self);
        let found = device::find(root, self.device.name(), &name)?;
        if let Some(why) = in_use(root, mounts, &found)? {
            return Err(Problem::InUse {
                target: name,
                device: found.name,
                why,
            }
            .into());
        }
        let called = lasting(root, self.device.name(), &found)?;
        let called = called.ok_or_else(|| Problem::NoIdentity {
            target: name.clone(),
            device: found.name.clone(),
        })?;
        device::check(root, &found, called.name(), &name)?;
        device::check_writable(&found, &name)?;
        let others = names::others(root, &found, called.name())?;
        if !others.is_empty() {
            return Err(Problem::Ambiguous {
                target: name,
                device: found.name,
                called: called.to_string(),
                others: others.join(", "),
                help: called.name().when_shared(),
            }
            .into());
        }
        Ok(Box::new(FoundRaw {
            config: RawTarget { device: called },
            device: found,
        }))
    }

    fn dumps(&self, root: &Root, _: &[Mount]) -> Result<PathBuf> {
        let device = device::find(root, self.device.name(), &name(self))?;
        let named = Path::new("/dev").join(&device.name);
        Ok(device.node().unwrap_or(named))
    }
}

/// A partition or disk of this machine.
#[derive(Debug)]
struct FoundRaw {
    config: RawTarget,
    device: BlockDevice,
}

impl FoundTarget for FoundRaw {
    fn config(&self) -> capture::Target {
        capture::Target::Raw(self.config.clone())
    }

    fn device(&self) -> &BlockDevice {
        &self.device
    }

    fn describe(&self) -> String {
        format!("raw on {} ({})", self.device.name, self.config.device)
    }

    fn notes(&self) -> &[String] {
        &[]
    }

    fn require(&self, needs: &mut Needs<'_>) -> std::result::Result<(), Problem> {
        needs.device(&self.device)
    }

    fn room(&self, _: &Root) -> Option<u64> {
        self.device.size()
    }
}

/// A name that the device also has after a crash, whatever is written to it. If it were found by its path, another
/// disk that has this path then would be overwritten.
fn lasting(root: &Root, called: &Device, device: &BlockDevice) -> Result<Option<RawDevice>> {
    let name = match called {
        Device::Path(_) => match names::part_uuid(root, device) {
            Some(name) => Some(name),
            None => names::identity(root, device)?,
        },
        named => Some(named.clone()),
    };
    Ok(name.and_then(|name| RawDevice::try_from(name).ok()))
}

/// What would be lost if a device were overwritten, as far as the running system shows it.
fn in_use(root: &Root, mounts: &[Mount], device: &BlockDevice) -> Result<Option<String>> {
    if let Some(mount) = device::mount_of(mounts, device) {
        return Ok(Some(format!("is mounted at {}", mount.point.display())));
    }
    if let Some(holder) = device.holders().first() {
        return Ok(Some(format!("is a part of {holder}")));
    }
    if let Some(partition) = device.partitions().first() {
        return Ok(Some(format!("has partitions ({partition})")));
    }
    let swaps = root.read_text("proc/swaps")?.unwrap_or_default();
    let path = format!("/dev/{}", device.name);
    let mut used = swaps.lines().map(|line| line.split_whitespace().next());
    if used.any(|it| it == Some(&path)) {
        return Ok(Some("is used as swap".to_owned()));
    }
    let occupant = probe::occupant(root, device);
    Ok(occupant.map(|occupant| format!("holds {occupant}")))
}
