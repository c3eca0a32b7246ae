//! What the capture will do with a target's file system, tried: mounting it with its options, and opening the
//! directory as it is seen from the file system's root, with nothing mounted on top and no link followed.

use super::FoundFilesystem;
use crate::crash::target::FoundTarget;
use crate::crash::target::device;
use crate::failure::Result;
use crate::failure::problem::Problem;
use baton_sys::Root;
use baton_sys::mounts::Mount;
use baton_sys::trial::{Lookup, NotMounted, Trial, look_below};
use std::io;
use std::path::{Path, PathBuf};

/// Tries it; returns notes. A described machine has no devices: there only what is mounted is looked at.
///
/// # Errors
/// Why the capture would write nothing.
pub fn run(
    root: &Root,
    mounts: &[Mount],
    target: &FoundFilesystem,
    name: &str,
) -> Result<Vec<String>> {
    let directory = target.config.directory.path();
    let mut notes = Vec::new();
    let mounted = if root.is_system() {
        mount(target, mounts)
    } else {
        Ok(None)
    };
    let looked = match mounted {
        Ok(Some(trial)) => Some(trial.look(&directory)),
        Ok(None) => seen(root, mounts, target, &directory),
        Err(NotMounted::Untried(why)) => {
            notes.push(format!(
                "{}: whether it can be mounted wasn't tried ({why})",
                target.describe()
            ));
            seen(root, mounts, target, &directory)
        }
        Err(NotMounted::Refused { option, why }) => {
            let all = target.config.options.data.clone();
            let all = Some(all).filter(|data| !data.is_empty());
            return Err(Problem::MountRefused {
                target: name.to_owned(),
                filesystem: target.config.filesystem.to_string(),
                device: target.device.name.clone(),
                option: option.or(all),
                why,
            }
            .into());
        }
    };
    if let Some(looked) = looked {
        let looked = looked.map_err(|e| Problem::NotLookedAt {
            target: name.to_owned(),
            why: e.to_string(),
        })?;
        notes.extend(judge(looked, target, name)?);
    }
    Ok(notes)
}

fn mount(
    target: &FoundFilesystem,
    mounts: &[Mount],
) -> std::result::Result<Option<Trial>, NotMounted> {
    let node = target.device.node();
    let Some(node) = node.filter(|node| node.exists()) else {
        return Ok(None);
    };
    let mut own = mounts
        .iter()
        .filter(|mount| device::is_mount_of(mount, &target.device));
    let writable = own.any(|mount| !mount.read_only);
    let config = &target.config;
    Trial::mount(
        &node,
        config.filesystem.name(),
        &config.options.data,
        writable,
    )
    .map(Some)
}

/// The directory where the file system is mounted, if a mount shows it.
fn seen(
    root: &Root,
    mounts: &[Mount],
    target: &FoundFilesystem,
    directory: &Path,
) -> Option<io::Result<Lookup>> {
    let (mount, within) = device::shown(mounts, &target.device, directory)?;
    let below = mount.point.strip_prefix("/").unwrap_or(Path::new(""));
    let point = root.join(below);
    point.is_dir().then(|| look_below(&point, &within))
}

fn judge(
    looked: Lookup,
    target: &FoundFilesystem,
    name: &str,
) -> std::result::Result<Option<String>, Problem> {
    let name = name.to_owned();
    let no_directory = |part: PathBuf, kind: &str| Problem::NoDirectory {
        target: name.clone(),
        part,
        kind: kind.to_owned(),
    };
    match looked {
        Lookup::Directory => Ok(None),
        Lookup::Missing => Ok(Some(format!(
            "{}: the directory isn't there yet; the first dump makes it",
            target.describe()
        ))),
        Lookup::MissingParent(part) => Err(Problem::NoParent { target: name, part }),
        Lookup::Link(part) => Err(no_directory(
            part,
            "a symbolic link, which isn't followed after a crash",
        )),
        Lookup::Other(part, kind) => Err(no_directory(part, &kind.to_string())),
        Lookup::Immutable => Err(Problem::Unwritable {
            target: name,
            how: "immutable (see lsattr)",
        }),
        Lookup::Encrypted => Err(Problem::Unwritable {
            target: name,
            how: "encrypted with a key that is gone after a crash",
        }),
    }
}
