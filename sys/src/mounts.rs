//! The mounted file systems: `/proc/self/mountinfo` (proc_pid_mountinfo(5), show_mountinfo of fs/proc_namespace.c).

use crate::{ReadError, Root};
use std::path::{Path, PathBuf};

/// One mount.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mount {
    /// The device's numbers. Btrfs and file systems without a device have a major number of 0.
    pub device: (u32, u32),
    /// The directory of the file system that is mounted.
    pub root: PathBuf,
    /// The mount point.
    pub point: PathBuf,
    /// Whether the mount or the whole file system is read-only.
    pub read_only: bool,
    /// The file system's type.
    pub filesystem: String,
    /// The source of the mount: usually the path of a device.
    pub source: String,
}

/// All mounts, in the order in which they were made.
///
/// # Errors
/// When the list can't be read.
pub fn read(root: &Root) -> Result<Vec<Mount>, ReadError> {
    let text = root.read_text("proc/self/mountinfo")?.unwrap_or_default();
    Ok(parse(&text))
}

/// The mount that contains `path`, which must be absolute and free of symbolic links. Of several mounts at the same
/// place, the last hides the others.
#[must_use]
pub fn holding<'m>(mounts: &'m [Mount], path: &Path) -> Option<&'m Mount> {
    let depth = |mount: &Mount| mount.point.components().count();
    let around = mounts.iter().filter(|mount| path.starts_with(&mount.point));
    // max_by_key returns the last of several maxima.
    around.max_by_key(|mount| depth(mount))
}

/// Parses the file. Lines of another form are skipped.
#[must_use]
pub fn parse(text: &str) -> Vec<Mount> {
    text.lines().filter_map(mount).collect()
}

fn mount(line: &str) -> Option<Mount> {
    let (before, after) = line.split_once(" - ")?;
    let mut fields = before.split(' ').skip(2);
    let (major, minor) = fields.next()?.split_once(':')?;
    let root = unescape(fields.next()?);
    let point = unescape(fields.next()?);
    let options = fields.next()?;
    let mut fields = after.split(' ');
    let filesystem = unescape(fields.next()?);
    let source = unescape(fields.next()?);
    let whole = fields.next().unwrap_or_default();
    let read_only = |options: &str| options.split(',').any(|option| option == "ro");
    Some(Mount {
        device: (major.parse().ok()?, minor.parse().ok()?),
        root: root.into(),
        point: point.into(),
        read_only: read_only(options) || read_only(whole),
        filesystem,
        source,
    })
}

/// The kernel writes space, tab, line end, backslash and `#` as three octal digits (mangle of
/// fs/seq_file.c).
fn unescape(field: &str) -> String {
    let mut bytes = Vec::with_capacity(field.len());
    let mut rest = field.as_bytes();
    while let [first, after @ ..] = rest {
        let digits = after.get(..3).filter(|_| *first == b'\\');
        let number = digits
            .and_then(|digits| std::str::from_utf8(digits).ok())
            .and_then(|digits| u8::from_str_radix(digits, 8).ok());
        bytes.push(number.unwrap_or(*first));
        rest = after
            .get(if number.is_some() { 3 } else { 0 }..)
            .unwrap_or_default();
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "\
22 1 254:1 / / rw,relatime shared:1 - ext4 /dev/vda1 rw,errors=remount-ro
23 22 0:21 / /proc rw shared:2 - proc proc rw
30 22 0:40 /@var /var rw - btrfs /dev/vdb rw,subvolid=257,subvol=/@var
31 22 8:1 / /my\\040disk ro - vfat /dev/sda1 rw
32 22 8:2 / /var rw - xfs /dev/sda2 ro
";

    #[test]
    fn every_field_is_read_with_and_without_tags() {
        let mounts = parse(TEXT);
        assert_eq!(mounts.len(), 5);
        let first = mounts.first().unwrap();
        assert_eq!(first.device, (254, 1));
        assert_eq!(first.filesystem, "ext4");
        assert_eq!(first.source, "/dev/vda1");
        assert!(!first.read_only);
        let btrfs = mounts.get(2).unwrap();
        assert_eq!(btrfs.root, Path::new("/@var"));
        assert_eq!(btrfs.device, (0, 40));
    }

    #[test]
    fn escaped_characters_are_read_as_themselves() {
        assert_eq!(parse(TEXT).get(3).unwrap().point, Path::new("/my disk"));
        assert_eq!(unescape("a\\134b\\9"), "a\\b\\9");
        assert_eq!(unescape("end\\04"), "end\\04");
        assert_eq!(unescape("\\777"), "\\777");
    }

    #[test]
    fn read_only_is_the_mount_or_the_file_system() {
        let mounts = parse(TEXT);
        assert!(mounts.get(3).unwrap().read_only);
        assert!(mounts.get(4).unwrap().read_only);
    }

    #[test]
    fn a_path_lies_in_the_deepest_mount_and_there_in_the_last() {
        let mounts = parse(TEXT);
        let of = |path: &str| &holding(&mounts, Path::new(path)).unwrap().source;
        assert_eq!(of("/var/crash"), "/dev/sda2");
        assert_eq!(of("/variable"), "/dev/vda1");
        assert_eq!(of("/my disk/x"), "/dev/sda1");
        assert!(holding(&[], Path::new("/")).is_none());
    }

    #[test]
    fn a_line_that_is_cut_off_is_left_out_or_whole() {
        let line = TEXT.lines().next().unwrap();
        for len in 0..line.len() {
            for mount in parse(line.get(..len).unwrap()) {
                assert_eq!(mount.point, Path::new("/"));
                assert!(line.contains(&mount.source));
            }
        }
    }
}
