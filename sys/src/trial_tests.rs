use super::*;
use crate::testroot::TestRoot;
use std::process::Command;

#[test]
fn a_path_is_what_its_first_odd_part_is() {
    let t = TestRoot::new()
        .with("crash/old/x", "")
        .with("file", "")
        .link("link", "crash");
    let looked = |path: &str| look_below(&t.root().join(""), Path::new(path)).unwrap();
    for path in ["/", "", "/crash", "crash/old/"] {
        assert_eq!(looked(path), Lookup::Directory, "{path}");
    }
    assert_eq!(looked("/crash/new"), Lookup::Missing);
    assert_eq!(looked("/crsh/new"), Lookup::MissingParent("/crsh".into()));
    for path in ["/file", "/file/below"] {
        let expected = Lookup::Other("/file".into(), FileKind::Regular);
        assert_eq!(looked(path), expected, "{path}");
    }
    for path in ["/link", "/link/old"] {
        assert_eq!(looked(path), Lookup::Link("/link".into()), "{path}");
    }
}

/// A loop device with a new file system, gone when dropped.
struct Loop(String);

impl Loop {
    /// `None` where this can't be had: not as root, without loop devices or without the tool.
    fn with(t: &TestRoot, mkfs: &str) -> Option<Loop> {
        let image = t.root().join("image");
        std::fs::File::create(&image)
            .ok()?
            .set_len(400 << 20)
            .ok()?;
        let made = Command::new(mkfs).arg("-q").arg(&image).status().ok()?;
        let attach = Command::new("losetup")
            .args(["--find", "--show"])
            .arg(&image)
            .output();
        let output = attach.ok().filter(|_| made.success())?;
        let node = String::from_utf8(output.stdout).ok()?.trim().to_owned();
        (!node.is_empty()).then_some(Loop(node))
    }
}

impl Drop for Loop {
    fn drop(&mut self) {
        let _ = Command::new("losetup").args(["--detach", &self.0]).status();
    }
}

/// What the kernel says to options of a file system that was just made; `None` where it can't be tried.
fn tried(mkfs: &str, kind: &str, options: &str) -> Option<Result<Lookup, String>> {
    let t = TestRoot::new().with("x", "");
    let node = Loop::with(&t, mkfs)?;
    match Trial::mount(Path::new(&node.0), kind, options, false) {
        Ok(trial) => Some(Ok(trial.look(Path::new("/crash")).unwrap())),
        Err(NotMounted::Untried(_)) => None,
        Err(NotMounted::Refused { why, .. }) => Some(Err(why)),
    }
}

#[test]
fn a_file_system_is_looked_into_and_refuses_what_it_does_not_know() {
    for (mkfs, kind, good, bad) in [
        ("mkfs.ext4", "ext4", "commit=5", "nosuch=1"),
        ("mkfs.xfs", "xfs", "inode64", "nosuch"),
        ("mkfs.btrfs", "btrfs", "subvolid=5", "subvol=nosuch"),
    ] {
        if let Some(result) = tried(mkfs, kind, good) {
            assert_eq!(result, Ok(Lookup::Missing), "{kind}");
        }
        if let Some(result) = tried(mkfs, kind, bad) {
            assert!(result.is_err_and(|why| !why.is_empty()), "{kind}");
        }
        if let Some(result) = tried(mkfs, "btrfs", "") {
            assert_eq!(result.is_ok(), kind == "btrfs", "{kind} as btrfs");
        }
    }
}

#[test]
fn a_type_that_the_kernel_does_not_know_is_not_tried() {
    let result = Trial::mount(Path::new("/dev/null"), "nosuchfs", "", false);
    assert!(matches!(result, Err(NotMounted::Untried(_))), "{result:?}");
}

/// A mount of a loop device, gone when dropped.
struct Mounted(std::path::PathBuf);

impl Mounted {
    fn with(t: &TestRoot, node: &Loop) -> Option<Mounted> {
        let point = t.root().join("point");
        std::fs::create_dir_all(&point).ok()?;
        let mount = Command::new("mount").arg(&node.0).arg(&point).status();
        mount.is_ok_and(|it| it.success()).then_some(Mounted(point))
    }
}

impl Drop for Mounted {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg(&self.0).status();
    }
}

#[test]
fn what_is_mounted_for_writing_is_looked_into_and_stays_writable() {
    for (mkfs, kind, bad) in [
        ("mkfs.ext4", "ext4", "nosuch=1"),
        ("mkfs.xfs", "xfs", "nosuch"),
        ("mkfs.btrfs", "btrfs", "subvol=nosuch"),
    ] {
        let t = TestRoot::new().with("x", "");
        let Some(node) = Loop::with(&t, mkfs) else {
            continue;
        };
        let Some(mounted) = Mounted::with(&t, &node) else {
            continue;
        };
        std::fs::create_dir(mounted.0.join("crash")).unwrap();
        let device = Path::new(&node.0);
        let trial = Trial::mount(device, kind, "", true).unwrap();
        assert_eq!(trial.look(Path::new("/crash")).unwrap(), Lookup::Directory);
        let refused = Trial::mount(device, kind, bad, true);
        assert!(
            matches!(refused, Err(NotMounted::Refused { .. })),
            "{kind}: {refused:?}"
        );
        std::fs::write(mounted.0.join("crash/file"), "x").unwrap();
        let found = trial.look(Path::new("/crash/file")).unwrap();
        assert_eq!(
            found,
            Lookup::Other("/crash/file".into(), FileKind::Regular)
        );
    }
}
