//! Where the kernel log goes if no target takes it: a file system that is likely to be reachable where they aren't.

use super::{Filesystem, FindTarget, FoundTarget, Mounted};
use crate::crash::needs::Needs;
use crate::failure::{Failure, Result};
use baton_capture::path::Directory;
use baton_capture::target as capture;
use baton_sys::Root;
use baton_sys::mounts::Mount;
use serde::Deserialize;
use std::path::PathBuf;

/// The place, as crash.toml names it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum NamedLog {
    /// A directory that is mounted now.
    Mounted(Mounted),
    /// A directory of a file system that need not be mounted.
    Filesystem(Filesystem),
    /// Nowhere.
    None {},
}

/// The place that was found, and why the one that was named can't be used.
#[derive(Debug, Default)]
pub struct LogPlace {
    /// The place.
    pub found: Option<Box<dyn FoundTarget>>,
    /// Why there is none, if somebody named one.
    pub failure: Option<Failure>,
}

/// Below /boot, which is a plain partition also where the root file system is on LVM, or encrypted.
#[must_use]
pub fn default_directory() -> Directory {
    Directory::below(&["boot", "crash"])
}

impl LogPlace {
    /// Finds the place that was named. If none was, it is below `/boot` where that is another file system than the
    /// targets', and a capture can write to it.
    #[must_use]
    pub fn find(
        named: Option<&NamedLog>,
        root: &Root,
        mounts: &[Mount],
        targets: &[Box<dyn FoundTarget>],
        needs: &mut Needs<'_>,
    ) -> LogPlace {
        let implied = Mounted {
            directory: default_directory(),
        };
        let (kind, is_named): (&dyn FindTarget, bool) = match named {
            Some(NamedLog::Mounted(place)) => (place, true),
            Some(NamedLog::Filesystem(place)) => (place, true),
            Some(NamedLog::None {}) => return LogPlace::default(),
            None => (&implied, false),
        };
        let found = kind.find(root, mounts).and_then(|place| {
            needs.all_or_nothing(|needs| place.require(needs))?;
            Ok(place)
        });
        match found {
            Ok(place) if is_named || !is_with_any(&*place, targets) => LogPlace {
                found: Some(place),
                failure: None,
            },
            Ok(_) => LogPlace::default(),
            Err(failure) => LogPlace {
                found: None,
                failure: is_named.then_some(failure),
            },
        }
    }

    /// The place as the capture program reads it.
    #[must_use]
    pub fn config(&self) -> Option<capture::FilesystemTarget> {
        match self.found.as_ref()?.config() {
            capture::Target::Filesystem(target) => Some(target),
            capture::Target::Raw(_) => None,
        }
    }
}

/// Whether it is on the file system of a target: what keeps a dump from there would keep the log from there, too.
fn is_with_any(place: &dyn FoundTarget, targets: &[Box<dyn FoundTarget>]) -> bool {
    let name = &place.device().name;
    targets.iter().any(|target| target.device().name == *name)
}

/// The directory of the place, by which what is there can be read now; `None` where there is no place, or nothing yet.
///
/// # Errors
/// When it can't be read, with what to do about it.
pub fn dumps(named: Option<&NamedLog>, root: &Root, mounts: &[Mount]) -> Result<Option<PathBuf>> {
    match named {
        Some(NamedLog::Mounted(place)) => place.dumps(root, mounts).map(Some),
        Some(NamedLog::Filesystem(place)) => place.dumps(root, mounts).map(Some),
        Some(NamedLog::None {}) => Ok(None),
        None => {
            let path = default_directory().path();
            Ok(root
                .join(path.strip_prefix("/").unwrap_or(&path))
                .exists()
                .then_some(path))
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::crash::fake::Fake;
    use crate::crash::settings;

    #[test]
    fn a_place_is_named_as_a_target_is_or_there_is_none() {
        for (text, is_right) in [
            ("[log]\nkind = \"mounted\"\ndirectory = \"/boot\"", true),
            (
                "[log]\nkind = \"filesystem\"\ndevice = \"UUID=1\"\ndirectory = \"/\"",
                true,
            ),
            ("[log]\nkind = \"none\"", true),
            ("[log]\nkind = \"raw\"\ndevice = \"/dev/x\"", false),
        ] {
            assert_eq!(settings::parse(text).is_ok(), is_right, "{text}");
        }
    }

    #[test]
    fn what_is_there_is_listed_with_the_dumps() {
        let root = Fake::new().file("boot/crash/2026-11-28T17-33-33Z/dmesg.txt", "");
        let places = crate::crash::places::find(&root.root()).unwrap();
        assert_eq!(places.found.last().unwrap().to_str(), Some("/boot/crash"));
        let places = crate::crash::places::find(&Fake::new().root()).unwrap();
        assert_eq!(places.found.len(), 1);
    }
}
