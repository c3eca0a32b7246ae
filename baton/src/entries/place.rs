//! Where the paths of entries lead on the running machine.

use baton_sys::Root;
use baton_sys::mounts::Mount;
use std::path::{Component, Path, PathBuf};

/// Where boot loaders' partitions are mounted, without the leading slash.
pub const PARTITIONS: [&str; 3] = ["efi", "boot/efi", "boot"];

/// What paths are looked up by.
pub struct Places<'m> {
    /// The machine.
    pub root: &'m Root,
    /// What is mounted on it.
    pub mounts: &'m [Mount],
}

impl Places<'_> {
    /// The directories of partitions that are there, each once.
    #[must_use]
    pub fn partitions(&self) -> Vec<&'static str> {
        let mut seen = Vec::new();
        let mut found = Vec::new();
        for partition in PARTITIONS {
            let Ok(real) = self.root.join(partition).canonicalize() else {
                continue;
            };
            if !seen.contains(&real) {
                seen.push(real);
                found.push(partition);
            }
        }
        found
    }

    /// A file that an entry names by its path from the root of the file system at `partition`, as a path of this machine.
    ///
    /// # Errors
    /// Why there is no such file.
    pub fn on_partition(&self, partition: &str, path: &str) -> Result<PathBuf, String> {
        let path = relative(path)?;
        let base = Path::new("/").join(partition);
        // Where /boot is no file system of its own, GRUB's paths begin with it, or with a subvolume.
        let mut places = vec![base.join(&path), Path::new("/").join(&path)];
        places.extend(self.below_subvolume(&path));
        self.first(places, &path)
    }

    /// A file that an entry names by its path on the file system with this UUID, or on an unknown one.
    ///
    /// # Errors
    /// Why there is no such file here.
    pub fn on_filesystem(&self, uuid: Option<&str>, path: &str) -> Result<PathBuf, String> {
        let path = relative(path)?;
        match uuid.and_then(|uuid| Some((uuid, self.device(uuid)?))) {
            Some((uuid, device)) => {
                let whole = Path::new("/").join(&path);
                let here = self
                    .mounts
                    .iter()
                    .filter(|mount| self.is_on(mount, &device));
                let places = here.filter_map(|mount| {
                    let inside = whole.strip_prefix(&mount.root).ok()?;
                    Some(mount.point.join(inside))
                });
                let places: Vec<PathBuf> = places.collect();
                if places.is_empty() {
                    return Err(format!(
                        "{} lies in the file system with the UUID {uuid}, which isn't mounted",
                        whole.display()
                    ));
                }
                self.first(places, &path)
            }
            None => self.on_partition("boot", &format!("/{}", path.display())),
        }
    }

    fn first(&self, places: Vec<PathBuf>, path: &Path) -> Result<PathBuf, String> {
        let is_there = |place: &&PathBuf| self.on_machine(place).is_file();
        match places.iter().find(is_there) {
            Some(place) => Ok(place.clone()),
            None => Err(format!("/{} isn't there", path.display())),
        }
    }

    /// The path below the root of a machine that may be described in a directory.
    #[must_use]
    pub fn on_machine(&self, path: &Path) -> PathBuf {
        self.root.join(path.strip_prefix("/").unwrap_or(path))
    }

    fn below_subvolume(&self, path: &Path) -> Option<PathBuf> {
        let root = self.mounts.iter().rfind(|it| it.point == Path::new("/"))?;
        let whole = Path::new("/").join(path);
        let inside = whole.strip_prefix(&root.root).ok()?;
        Some(Path::new("/").join(inside))
    }

    /// The device that has a file system with this UUID, as udev links it.
    fn device(&self, uuid: &str) -> Option<PathBuf> {
        let name = relative(uuid)
            .ok()
            .filter(|it| it.components().count() == 1)?;
        let link = self.root.join("dev/disk/by-uuid").join(name);
        link.canonicalize().ok()
    }

    fn is_on(&self, mount: &Mount, device: &Path) -> bool {
        let source = self.on_machine(Path::new(&mount.source));
        source.canonicalize().is_ok_and(|source| source == device)
    }
}

/// A path from a file system's root, which doesn't lead out of it.
fn relative(path: &str) -> Result<PathBuf, String> {
    let parts = Path::new(path).components();
    let mut inside = PathBuf::new();
    for part in parts {
        match part {
            Component::Normal(name) => inside.push(name),
            Component::RootDir | Component::CurDir => {}
            Component::ParentDir | Component::Prefix(_) => {
                return Err(format!("its path leads out of the file system: {path}"));
            }
        }
    }
    if inside.as_os_str().is_empty() {
        return Err(format!("\"{path}\" is no path of a file"));
    }
    Ok(inside)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crash::fake::Fake;
    use baton_sys::mounts;

    fn find(fake: &Fake, uuid: Option<&str>, path: &str) -> Result<String, String> {
        let root = fake.root();
        let mounts = mounts::read(&root).unwrap();
        let places = Places {
            root: &root,
            mounts: &mounts,
        };
        let found = places.on_filesystem(uuid, path);
        found.map(|path| path.display().to_string())
    }

    const ROOT: &str = "5f1d9a3c-0c1e-4f5c-9d55-000000000001";
    const NVME: &str = "5f1d9a3c-0c1e-4f5c-9d55-000000000002";

    #[test]
    fn grubs_path_leads_to_where_its_file_system_is_mounted() {
        let fake = Fake::new()
            .with_virtio_blk()
            .with_nvme()
            .file("boot/vmlinuz-1", "k")
            .file("vmlinuz-2", "k");
        assert_eq!(
            find(&fake, Some(ROOT), "/boot/vmlinuz-1").unwrap(),
            "/boot/vmlinuz-1"
        );
        assert_eq!(find(&fake, Some(ROOT), "/vmlinuz-2").unwrap(), "/vmlinuz-2");
        let why = find(&fake, Some(ROOT), "/vmlinuz-1").unwrap_err();
        assert_eq!(why, "/vmlinuz-1 isn't there");
        let why = find(&fake, Some(NVME), "/boot/vmlinuz-1").unwrap_err();
        assert!(why.contains("isn't mounted"), "{why}");
        let fake = fake.mount("30 22 259:1 / /boot rw - ext4 /dev/nvme0n1p1 rw");
        assert_eq!(
            find(&fake, Some(NVME), "/vmlinuz-1").unwrap(),
            "/boot/vmlinuz-1"
        );
    }

    #[test]
    fn a_subvolume_is_no_part_of_a_path_on_the_machine() {
        let fake = Fake::new()
            .mount("22 1 0:30 /@ / rw - btrfs /dev/vda1 rw,subvol=/@")
            .file("boot/vmlinuz", "k");
        assert_eq!(
            find(&fake, None, "/@/boot/vmlinuz").unwrap(),
            "/boot/vmlinuz"
        );
        assert_eq!(find(&fake, None, "/vmlinuz").unwrap(), "/boot/vmlinuz");
    }

    #[test]
    fn no_path_leads_out_of_its_file_system() {
        let fake = Fake::new().file("etc/shadow", "x");
        for path in ["/../etc/shadow", "..", "", "/", "a/../../b"] {
            assert!(find(&fake, None, path).is_err(), "{path}");
        }
    }
}
