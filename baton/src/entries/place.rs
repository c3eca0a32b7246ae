//! Where the paths of entries lead on the running machine.

use super::filesystem::Filesystem;
use baton_sys::Root;
use baton_sys::file::names_in;
use baton_sys::mounts::Mount;
use std::io::ErrorKind;
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

/// Has automounts mount what they stand for: once a shutdown has begun, systemd's don't any more.
pub fn mount_automounts(root: &Root) {
    for partition in PARTITIONS {
        // What isn't there needn't be mounted, and what can't be, a load will say.
        let _ = std::fs::read_dir(root.join(partition));
    }
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

    /// Why what is at one of these places can't be read, although it is there: an automount doesn't mount any more once
    /// the machine is shutting down, and only root reads some.
    #[must_use]
    pub fn unreadable(&self, is_by_grub: bool) -> Option<String> {
        let partitions = self.partitions().into_iter();
        // GRUB reads nothing else.
        let mut partitions = partitions.filter(|it| !is_by_grub || *it == "boot");
        partitions.find_map(|partition| {
            let error = std::fs::read_dir(self.root.join(partition)).err()?;
            let is_there = !matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory);
            is_there.then(|| format!("/{partition} can't be read: {error}"))
        })
    }

    /// A file that an entry of GRUB's names by its path on a file system.
    ///
    /// # Errors
    /// Why there is no such file here.
    pub fn on_filesystem(&self, filesystem: &Filesystem, path: &str) -> Result<PathBuf, String> {
        let (what, directory, name) = match filesystem {
            Filesystem::OfMenu => return self.on_partition("boot", path),
            Filesystem::Uuid(uuid) => ("UUID", "dev/disk/by-uuid", uuid.clone()),
            Filesystem::Label(label) => ("label", "dev/disk/by-label", as_udev_does(label)),
            Filesystem::WithFile(file) => {
                return Err(format!(
                    "it lies on the first file system with the file {file}, and only GRUB knows which one that is"
                ));
            }
            Filesystem::Disk(disk) => {
                return Err(format!(
                    "it lies on ({disk}), which is GRUB's name of a disk that Linux doesn't know"
                ));
            }
            Filesystem::Unsettled | Filesystem::Inherited => {
                return Err("where its files lie depends on conditions in grub.cfg".to_owned());
            }
        };
        let path = relative(path)?;
        let directory = self.root.join(directory);
        if !directory.is_dir() {
            // Without udev nothing says which disk it is.
            return self.on_partition("boot", &format!("/{}", path.display()));
        }
        let whole = Path::new("/").join(&path);
        let Some(device) = device(&directory, &name) else {
            return Err(format!(
                "{} lies on a file system with the {what} {name}, which isn't there (attach its disk, or make GRUB's menu anew)",
                whole.display()
            ));
        };
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
                "{} lies on the file system with the {what} {name}, which isn't mounted",
                whole.display()
            ));
        }
        self.first(places, &path)
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

    fn is_on(&self, mount: &Mount, device: &Path) -> bool {
        let source = self.on_machine(Path::new(&mount.source));
        source.canonicalize().is_ok_and(|source| source == device)
    }
}

/// The device of this name in a directory of udev's links. Capitals don't matter, as for GRUB.
fn device(directory: &Path, name: &str) -> Option<PathBuf> {
    let is_one_name = relative(name).is_ok_and(|it| it.components().count() == 1);
    if !is_one_name {
        return None;
    }
    let exact = directory.join(name).canonicalize();
    exact.ok().or_else(|| {
        let names = names_in(directory);
        let other = names.iter().find(|it| it.eq_ignore_ascii_case(name))?;
        directory.join(other).canonicalize().ok()
    })
}

/// A label as udev writes it in the name of a link (encode_devnode_name in systemd's device-nodes.c): what isn't a letter,
/// a digit or one of these is written by its number.
fn as_udev_does(label: &str) -> String {
    let mut name = String::new();
    for c in label.chars() {
        if c.is_ascii_alphanumeric() || "#+-.:=@_".contains(c) || !c.is_ascii() {
            name.push(c);
        } else {
            name.push_str(&format!("\\x{:02x}", u32::from(c)));
        }
    }
    name
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

    fn find(fake: &Fake, filesystem: &Filesystem, path: &str) -> Result<String, String> {
        let root = fake.root();
        let mounts = mounts::read(&root).unwrap();
        let places = Places {
            root: &root,
            mounts: &mounts,
        };
        let found = places.on_filesystem(filesystem, path);
        found.map(|path| path.display().to_string())
    }

    fn uuid(uuid: &str) -> Filesystem {
        Filesystem::Uuid(uuid.to_owned())
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
            find(&fake, &uuid(ROOT), "/boot/vmlinuz-1").unwrap(),
            "/boot/vmlinuz-1"
        );
        let capitals = uuid(&ROOT.to_ascii_uppercase());
        assert_eq!(find(&fake, &capitals, "/vmlinuz-2").unwrap(), "/vmlinuz-2");
        let why = find(&fake, &uuid(ROOT), "/vmlinuz-1").unwrap_err();
        assert_eq!(why, "/vmlinuz-1 isn't there");
        let why = find(&fake, &uuid(NVME), "/boot/vmlinuz-1").unwrap_err();
        assert!(why.contains("isn't mounted"), "{why}");
        let fake = fake.mount("30 22 259:1 / /boot rw - ext4 /dev/nvme0n1p1 rw");
        assert_eq!(
            find(&fake, &uuid(NVME), "/vmlinuz-1").unwrap(),
            "/boot/vmlinuz-1"
        );
    }

    #[test]
    fn a_label_names_a_file_system_as_udev_writes_it() {
        let fake = Fake::new()
            .with_virtio_blk()
            .link("dev/disk/by-label/my\\x20boot", "dev/vda1")
            .file("boot/vmlinuz-1", "k");
        let label = |label: &str| Filesystem::Label(label.to_owned());
        assert_eq!(
            find(&fake, &label("my boot"), "/boot/vmlinuz-1").unwrap(),
            "/boot/vmlinuz-1"
        );
        let why = find(&fake, &label("other"), "/boot/vmlinuz-1").unwrap_err();
        assert!(
            why.contains("with the label other, which isn't there"),
            "{why}"
        );
    }

    #[test]
    fn a_file_system_that_is_not_known_is_never_taken_for_that_of_boot() {
        let fake = Fake::new().with_virtio_blk().file("boot/vmlinuz-1", "k");
        for (filesystem, words) in [
            (uuid("gone"), "with the UUID gone, which isn't there"),
            (uuid("../by-uuid"), "isn't there"),
            (Filesystem::WithFile("/x".to_owned()), "with the file /x"),
            (Filesystem::Disk("hd0,gpt2".to_owned()), "(hd0,gpt2)"),
            (Filesystem::Unsettled, "conditions in grub.cfg"),
        ] {
            let why = find(&fake, &filesystem, "/vmlinuz-1").unwrap_err();
            assert!(why.contains(words), "{why}");
        }
        assert_eq!(
            find(&fake, &Filesystem::OfMenu, "/vmlinuz-1").unwrap(),
            "/boot/vmlinuz-1"
        );
    }

    #[test]
    fn a_subvolume_is_no_part_of_a_path_on_the_machine() {
        let fake = Fake::new()
            .mount("22 1 0:30 /@ / rw - btrfs /dev/vda1 rw,subvol=/@")
            .file("boot/vmlinuz", "k");
        assert_eq!(
            find(&fake, &Filesystem::OfMenu, "/@/boot/vmlinuz").unwrap(),
            "/boot/vmlinuz"
        );
        assert_eq!(
            find(&fake, &Filesystem::OfMenu, "/vmlinuz").unwrap(),
            "/boot/vmlinuz"
        );
    }

    #[test]
    fn no_path_leads_out_of_its_file_system() {
        let fake = Fake::new().file("etc/shadow", "x");
        for path in ["/../etc/shadow", "..", "", "/", "a/../../b"] {
            assert!(find(&fake, &Filesystem::OfMenu, path).is_err(), "{path}");
        }
    }
}
