//! Where the dumps of this machine are, by crash.toml.

use super::settings::Source;
use super::target;
use crate::failure::Result;
use baton_sys::{Root, mounts};
use std::path::PathBuf;

/// Directories and partitions of the targets that can be looked at now, in their order; and what to do about the
/// others.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Places {
    /// The directories and partitions.
    pub found: Vec<PathBuf>,
    /// Why others aren't among them.
    pub notes: Vec<String>,
}

/// Finds the places of all targets.
///
/// # Errors
/// When crash.toml exists and can't be read.
pub fn find(root: &Root) -> Result<Places> {
    let settings = Source::read(root, None)?.settings;
    let mounts = mounts::read(root).unwrap_or_default();
    let mut places = Places::default();
    for target in &settings.target {
        match target.kind().dumps(root, &mounts) {
            Ok(place) if places.found.contains(&place) => {}
            Ok(place) => places.found.push(place),
            Err(why) => places.notes.push(why.to_string()),
        }
    }
    match target::log::dumps(settings.log.as_ref(), root, &mounts) {
        Ok(Some(place)) if !places.found.contains(&place) => places.found.push(place),
        Ok(_) => {}
        Err(why) => places.notes.push(why.to_string()),
    }
    Ok(places)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crash::fake::Fake;

    fn places(settings: &str) -> (Vec<String>, Vec<String>) {
        let fake = Fake::new()
            .with_virtio_blk()
            .with_nvme()
            .mount("30 22 259:1 /sub /data rw - ext4 /dev/nvme0n1p1 rw")
            .file("etc/baton/crash.toml", settings);
        let places = find(&fake.root()).unwrap();
        let found = places.found.iter().map(|it| it.display().to_string());
        (found.collect(), places.notes)
    }

    #[test]
    fn directories_and_partitions_of_all_targets_are_found_in_their_order() {
        let (found, notes) = places(
            "[[target]]\nkind = \"raw\"\ndevice = \"/dev/vda1\"\n\
             [[target]]\nkind = \"mounted\"\ndirectory = \"/var/crash\"\n\
             [[target]]\nkind = \"filesystem\"\ndevice = \"/dev/nvme0n1p1\"\ndirectory = \"/sub/crash\"\n",
        );
        assert_eq!(found, ["/dev/vda1", "/var/crash", "/data/crash"]);
        assert!(notes.is_empty(), "{notes:?}");
    }

    #[test]
    fn what_is_not_mounted_or_not_there_is_reported() {
        let (found, notes) = places(
            "[[target]]\nkind = \"filesystem\"\ndevice = \"/dev/nvme0n1p1\"\ndirectory = \"/other\"\n\
             [[target]]\nkind = \"raw\"\ndevice = \"PARTUUID=00\"\n",
        );
        assert!(found.is_empty());
        assert!(notes[0].contains("isn't mounted"), "{notes:?}");
        assert!(notes[1].contains("no such block device"), "{notes:?}");
        assert!(notes[1].contains("PARTUUID=00"), "{notes:?}");
    }
}
