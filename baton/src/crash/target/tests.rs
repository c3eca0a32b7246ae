use super::*;
use crate::crash::fake::Fake;
use baton_capture::device::Device;
use baton_sys::mounts;

type Found = Result<Box<dyn FoundTarget>>;

fn at(fake: &Fake, target: &NamedTarget) -> Found {
    let root = fake.root();
    target.kind().find(&root, &mounts::read(&root).unwrap())
}

fn mounted_at(fake: &Fake, directory: &str) -> Found {
    at(fake, &mounted(directory))
}

fn mounted(directory: &str) -> NamedTarget {
    NamedTarget::Mounted(Mounted {
        directory: directory.to_owned().try_into().unwrap(),
    })
}

fn filesystem(device: &str, filesystem: Option<&str>) -> NamedTarget {
    NamedTarget::Filesystem(Filesystem {
        device: device.to_owned().try_into().unwrap(),
        filesystem: filesystem.map(|it| it.to_owned().try_into().unwrap()),
        options: Default::default(),
        directory: "/crash".to_owned().try_into().unwrap(),
    })
}

fn raw_on(device: &str) -> NamedTarget {
    NamedTarget::Raw(capture::RawTarget {
        device: device.to_owned().try_into().unwrap(),
    })
}

/// The device, the mount options and the directory that the capture program reads.
fn config(target: &dyn FoundTarget) -> (String, String, String) {
    match target.config() {
        capture::Target::Filesystem(target) => (
            target.device.to_string(),
            target.options.to_string(),
            target.directory.to_string(),
        ),
        capture::Target::Raw(target) => (target.device.to_string(), String::new(), String::new()),
    }
}

/// The description names the device of this machine.
fn assert_on(target: &dyn FoundTarget, device: &str) {
    let described = target.describe();
    assert!(described.contains(&format!("on {device} (")), "{described}");
}

fn assert_is(target: &dyn FoundTarget, filesystem: &str) {
    let described = target.describe();
    assert!(
        described.contains(&format!(" of {filesystem} on ")),
        "{described}"
    );
}

#[test]
fn a_mounted_directory_is_named_by_its_file_systems_uuid() {
    let fake = Fake::new().with_virtio_blk();
    let target = mounted_at(&fake, "/var/crash").unwrap();
    let (device, options, directory) = config(&*target);
    assert_eq!(device, "UUID=5f1d9a3c-0c1e-4f5c-9d55-000000000001");
    assert_eq!((options.as_str(), directory.as_str()), ("", "/var/crash"));
    assert_on(&*target, "vda1");
    assert!(target.room(&fake.root()).is_some());
    assert!(target.notes().is_empty());
}

#[test]
fn links_are_followed_and_the_path_is_given_from_the_file_systems_root() {
    let fake = Fake::new()
        .with_virtio_blk()
        .with_nvme()
        .file("data/dumps/x", "")
        .link("var/crash", "data/dumps")
        .mount("30 22 259:1 /sub /data rw - ext4 /dev/nvme0n1p1 rw");
    let target = mounted_at(&fake, "/var/crash/today").unwrap();
    assert_eq!(config(&*target).2, "/sub/dumps/today");
    assert_on(&*target, "nvme0n1p1");
}

#[test]
fn without_udev_the_devices_path_is_used_and_warned_of() {
    let fake = Fake::new().with_virtio_blk();
    fake.remove("dev/disk/by-uuid/5f1d9a3c-0c1e-4f5c-9d55-000000000001");
    let target = mounted_at(&fake, "/").unwrap();
    assert_eq!(config(&*target).0, "/dev/vda1");
    assert!(target.notes()[0].contains("UUID="), "{:?}", target.notes());
}

#[test]
fn a_subvolume_of_btrfs_is_named_from_the_top() {
    let fake = Fake::new()
        .with_virtio_blk()
        .with_nvme()
        .mount("30 22 0:40 /@var /var rw - btrfs /dev/nvme0n1p1 rw,subvolid=257,subvol=/@var");
    let target = mounted_at(&fake, "/var/crash").unwrap();
    let (_, options, directory) = config(&*target);
    assert_eq!(
        (options.as_str(), directory.as_str()),
        ("subvolid=5", "/@var/crash")
    );
}

#[test]
fn a_btrfs_on_several_disks_is_found_with_all_of_them() {
    let fake = Fake::new()
        .with_virtio_blk()
        .with_nvme()
        .mount("30 22 0:40 / /var rw - btrfs /dev/nvme0n1p1 rw,subvolid=5,subvol=/")
        .file("sys/fs/btrfs/1234/devices/nvme0n1p1", "")
        .file("sys/fs/btrfs/1234/devices/vda1", "");
    let target = mounted_at(&fake, "/var/crash").unwrap();
    assert!(
        target.describe().ends_with("; also on vda1"),
        "{}",
        target.describe()
    );
    assert!(target.notes().is_empty(), "{:?}", target.notes());
}

#[test]
fn a_btrfs_that_is_also_on_a_volume_is_refused_by_its_name() {
    let fake = Fake::new()
        .with_logical_volume()
        .mount("30 22 0:40 / /var rw - btrfs /dev/nvme0n1p1 rw,subvolid=5,subvol=/")
        .file("sys/fs/btrfs/1234/devices/nvme0n1p1", "")
        .file("sys/fs/btrfs/1234/devices/dm-0", "");
    let failure = mounted_at(&fake, "/var/crash").unwrap_err().to_string();
    assert!(failure.contains("dm-0 is a logical volume"), "{failure}");
}

#[test]
fn a_file_system_on_a_volume_is_found_and_seen_to_be_mounted() {
    let fake = Fake::new()
        .with_logical_volume()
        .directory("btrfs")
        .mount("41 22 0:41 / /btrfs rw - btrfs /dev/mapper/vg0-crash rw");
    for (device, words) in [
        ("/dev/mapper/srv", "on vg0-crash (UUID=5a5a"),
        (
            "LABEL=dumps",
            "on vg0-crash (LABEL=dumps); vg0-crash is linear on",
        ),
    ] {
        let target = at(&fake, &filesystem(device, Some("ext4"))).unwrap();
        assert!(target.describe().contains(words), "{}", target.describe());
        assert!(target.room(&fake.root()).is_some(), "it is mounted");
    }
    let device = BlockDevice::by_name(&fake.root(), "dm-0").unwrap().unwrap();
    let mounts = mounts::read(&fake.root()).unwrap();
    let own = mounts
        .iter()
        .filter(|it| super::device::is_mount_of(it, &device));
    assert_eq!(own.count(), 2);
}

#[test]
fn a_disk_that_several_controllers_lead_to_is_one() {
    let fake = Fake::new().with_nvme();
    std::fs::remove_dir_all(fake.path("sys/class/block/nvme0n1/nvme0n1p1")).unwrap();
    fake.set("sys/class/block/nvme0n1/wwid", "eui.0001\n");
    let path = "sys/devices/pci0000:00/0000:00:1c.0/0000:01:00.0/nvme/nvme0/nvme0c0n1";
    let fake = fake
        .file(&format!("{path}/wwid"), "eui.0001\n")
        .file(&format!("{path}/hidden"), "1\n")
        .link("sys/class/block/nvme0c0n1", path);
    let target = at(&fake, &raw_on("/dev/nvme0n1")).unwrap();
    assert_eq!(config(&*target).0, "WWN=eui.0001");
}

#[test]
fn what_is_on_no_block_device_is_refused() {
    let fake = Fake::new().mount("22 1 0:21 / / rw - overlay overlay rw");
    let failure = mounted_at(&fake, "/var/crash").unwrap_err();
    assert_eq!(failure.word(), "no-block-device");
    assert!(failure.to_string().contains("overlay"), "{failure}");
    let failure = mounted_at(&Fake::new(), "/var/crash").unwrap_err();
    assert_eq!(failure.word(), "not-mounted");
}

#[test]
fn what_would_have_to_be_assembled_is_refused_by_its_name() {
    for (uuid, words) in [
        ("LVM-abc", "logical volume (LVM)"),
        ("CRYPT-LUKS2-abc-srv", "encrypted (dm-crypt)"),
        ("", "device mapper"),
    ] {
        let fake = Fake::new().with_sata().with_device_mapper(uuid);
        let failure = mounted_at(&fake, "/srv").unwrap_err();
        assert_eq!(failure.word(), "stacked");
        assert!(failure.to_string().contains(words), "{failure}");
        let by_path = at(&fake, &filesystem("/dev/mapper/srv", Some("ext4")));
        assert_eq!(by_path.unwrap_err().word(), "stacked");
    }
}

#[test]
fn md_loop_and_other_devices_without_hardware_are_refused() {
    for (name, file, words) in [
        ("md0", "md/level", "RAID array"),
        ("loop0", "loop/backing_file", "loop device"),
        ("zram0", "disksize", "no hardware"),
    ] {
        let directory = format!("sys/devices/virtual/block/{name}");
        let fake = Fake::new()
            .file(&format!("{directory}/{file}"), "x\n")
            .file(&format!("{directory}/dev"), "9:0\n")
            .file(&format!("dev/{name}"), "")
            .link(&format!("sys/class/block/{name}"), &directory);
        let failure = at(&fake, &filesystem(&format!("/dev/{name}"), Some("ext4"))).unwrap_err();
        assert!(failure.to_string().contains(words), "{failure}");
    }
}

#[test]
fn a_read_only_disk_is_refused() {
    let fake = Fake::new().with_virtio_blk();
    fake.set("sys/class/block/vda/ro", "1\n");
    assert_eq!(mounted_at(&fake, "/").unwrap_err().word(), "read-only");
}

#[test]
fn a_file_system_by_uuid_needs_no_mount_if_its_type_is_said() {
    let fake = Fake::new().with_sata();
    let uuid = "UUID=5f1d9a3c-0c1e-4f5c-9d55-000000000003";
    let target = at(&fake, &filesystem(uuid, Some("ext3"))).unwrap();
    assert_is(&*target, "ext4");
    assert_eq!(target.room(&fake.root()), None);
    let unknown = at(&fake, &filesystem(uuid, None)).unwrap_err();
    assert_eq!(unknown.word(), "unknown-filesystem");
    let mounted = fake.mount("30 1 8:1 / /mnt rw - xfs /dev/sda1 rw");
    let target = at(&mounted, &filesystem(uuid, None)).unwrap();
    assert_is(&*target, "xfs");
    let gone = at(&mounted, &filesystem("UUID=gone", Some("xfs"))).unwrap_err();
    assert_eq!(gone.word(), "no-device");
}

#[test]
fn a_raw_dump_goes_to_a_partition_that_nothing_uses() {
    let fake = Fake::new().with_sata();
    let target = at(&fake, &raw_on("PARTUUID=part-sda1")).unwrap();
    assert_on(&*target, "sda1");
    assert!(target.notes().is_empty());
    let used = |fake: &Fake, device: &str| at(fake, &raw_on(device)).unwrap_err().to_string();
    assert!(used(&fake, "/dev/sda").contains("has partitions (sda1)"));
    fake.set("proc/swaps", "Filename Type\n/dev/sda1 partition 1 0 -2\n");
    assert!(used(&fake, "/dev/sda1").contains("is used as swap"));
    fake.set("proc/swaps", "");
    fake.set("sys/class/block/sda1/holders/dm-0", "");
    assert!(used(&fake, "/dev/sda1").contains("is a part of dm-0"));
    let fake = fake.mount("30 1 8:1 / /mnt rw - xfs /dev/sda1 rw");
    assert!(used(&fake, "/dev/sda1").contains("is mounted at /mnt"));
}

#[test]
fn a_raw_dump_goes_over_nothing_but_zeros_and_dumps() {
    let on_sda1 = |bytes: &[u8]| {
        let mut device = bytes.to_vec();
        device.resize(8 << 20, 0);
        let fake = Fake::new().with_sata().file("dev/sda1", device);
        fake.set("sys/class/block/sda/sda1/size", "16384\n");
        at(&fake, &raw_on("PARTUUID=part-sda1"))
    };
    let ntfs = on_sda1(b"\xeb\x52\x90NTFS    ").unwrap_err();
    assert_eq!(ntfs.word(), "in-use");
    assert!(
        ntfs.to_string().contains("holds an NTFS file system"),
        "{ntfs}"
    );
    assert!(ntfs.to_string().contains("blkdiscard -z"), "{ntfs}");
    let unknown = on_sda1(b"whatever this is").unwrap_err();
    assert!(
        unknown.to_string().contains("holds unknown data"),
        "{unknown}"
    );
    assert!(on_sda1(b"").is_ok());
    assert!(on_sda1(b"KDUMP   ").is_ok());
}

#[test]
fn a_name_that_two_devices_have_is_reported_and_no_raw_dump_goes_there() {
    let fake = Fake::new()
        .with_nvme()
        .with_sata()
        .with_ext4_on("sda1", [0x5a; 16])
        .with_ext4_on("nvme0n1p1", [0x5a; 16]);
    let target = at(&fake, &filesystem(OWN_UUID, Some("ext4"))).unwrap();
    let note = target.notes().join("\n");
    assert!(
        note.contains("is the name of nvme0n1p1 and of sda1"),
        "{note}"
    );

    let fake = Fake::new().with_nvme().with_sata();
    for (disk, partition) in [("sda", "sda1"), ("nvme0n1", "nvme0n1p1")] {
        let directory = format!("sys/class/block/{disk}");
        std::fs::remove_dir_all(fake.path(&format!("{directory}/{partition}"))).unwrap();
        fake.set(&format!("{directory}/wwid"), "naa.5000c500a1b2c3d4\n");
    }
    let failure = at(&fake, &raw_on("WWN=naa.5000c500a1b2c3d4")).unwrap_err();
    assert_eq!(failure.word(), "ambiguous");
    // New GUIDs for all of a disk would take the names of its other partitions away.
    assert!(!failure.to_string().contains("sgdisk -G"), "{failure}");
    assert!(
        failure.to_string().contains("nvme0n1 and of sda"),
        "{failure}"
    );
}

const OWN_UUID: &str = "UUID=5a5a5a5a-5a5a-5a5a-5a5a-5a5a5a5a5a5a";

#[test]
fn a_path_is_named_by_what_is_found_there_after_a_crash() {
    let fake = Fake::new().with_sata().with_ext4_on("sda1", [0x5a; 16]);
    let target = at(&fake, &filesystem("/dev/disk/by-partuuid/part-sda1", None)).unwrap();
    assert_eq!(config(&*target).0, OWN_UUID);
    assert_is(&*target, "ext4");
    assert!(target.notes().is_empty());
    let raw = Fake::new().with_sata();
    let target = at(&raw, &raw_on("/dev/sda1")).unwrap();
    assert_eq!(config(&*target).0, "PARTUUID=part-sda1");
    std::fs::remove_dir_all(raw.path("dev/disk/by-partuuid")).unwrap();
    let failure = at(&raw, &raw_on("/dev/sda1")).unwrap_err();
    assert_eq!(failure.word(), "no-identity");
}

#[test]
fn what_is_on_the_device_must_be_what_was_said() {
    let fake = Fake::new().with_sata().with_ext4_on("sda1", [0x5a; 16]);
    let failure = at(&fake, &filesystem(OWN_UUID, Some("xfs"))).unwrap_err();
    assert_eq!(failure.word(), "other-filesystem");
    assert!(
        failure.to_string().contains("holds an ext2, ext3 or ext4"),
        "{failure}"
    );
    let failure = at(&fake, &raw_on("/dev/sda1")).unwrap_err();
    assert!(
        failure.to_string().contains("holds an ext2, ext3 or ext4"),
        "{failure}"
    );
}

#[test]
fn a_name_that_only_udev_knows_is_refused_where_that_shows() {
    let fake = Fake::new()
        .with_sata()
        .with_ext4_on("sda1", [0x5a; 16])
        .link("dev/disk/by-label/old", "dev/sda1");
    let failure = at(&fake, &filesystem("LABEL=old", Some("ext4"))).unwrap_err();
    assert_eq!(failure.word(), "not-found");
}

fn directory(path: &str) -> NamedTarget {
    NamedTarget::Filesystem(Filesystem {
        device: Device::Path("/dev/vda1".into()),
        filesystem: None,
        options: Default::default(),
        directory: path.to_owned().try_into().unwrap(),
    })
}

#[test]
fn a_directory_is_opened_as_it_would_be_after_a_crash() {
    let fake = Fake::new()
        .with_virtio_blk()
        .file("file", "")
        .directory("srv/dumps")
        .link("link", "srv/dumps");
    let refused = |target: NamedTarget| {
        let failure = at(&fake, &target).unwrap_err();
        (failure.word(), failure.to_string())
    };
    assert!(
        at(&fake, &directory("/srv/dumps"))
            .unwrap()
            .notes()
            .is_empty()
    );
    for path in ["/file", "/file/below"] {
        let (reason, message) = refused(directory(path));
        assert_eq!(reason, "no-directory");
        assert!(message.contains("/file is a plain file"), "{message}");
    }
    for path in ["/link", "/link/today"] {
        let (reason, message) = refused(directory(path));
        assert_eq!(reason, "no-directory");
        assert!(message.contains("/link is a symbolic link"), "{message}");
    }
    let (reason, message) = refused(directory("/srv/dmups/today"));
    assert_eq!(reason, "no-parent");
    assert!(message.contains("/srv/dmups isn't there"), "{message}");
    assert_eq!(refused(mounted("/file")).0, "no-directory");
    assert_eq!(refused(mounted("/srv/dmups/today")).0, "no-parent");
    // What is mounted here is found through the link, and named by where it leads.
    let target = at(&fake, &mounted("/link")).unwrap();
    assert_eq!(config(&*target).2, "/srv/dumps");
}

#[test]
fn where_a_device_is_mounted_twice_the_last_mount_that_shows_the_directory_is_looked_at() {
    let fake = Fake::new()
        .with_virtio_blk()
        .with_nvme()
        .mount("30 22 259:1 / /first rw - ext4 /dev/nvme0n1p1 rw")
        .mount("31 22 259:1 / /last rw - ext4 /dev/nvme0n1p1 rw")
        .mount("32 22 259:1 /srv /other rw - ext4 /dev/nvme0n1p1 rw")
        .directory("first")
        .directory("last/crash")
        .directory("other");
    let target = filesystem("/dev/nvme0n1p1", None);
    assert!(at(&fake, &target).unwrap().notes().is_empty());
    let root = fake.root();
    let dumps = target
        .kind()
        .dumps(&root, &mounts::read(&root).unwrap())
        .unwrap();
    assert_eq!(dumps, std::path::Path::new("/last/crash"));
}

#[test]
fn a_directory_that_the_first_dump_makes_is_reported() {
    let fake = Fake::new().with_virtio_blk().directory("srv");
    let target = at(&fake, &directory("/srv/dumps")).unwrap();
    assert!(
        target.notes()[0].contains("isn't there yet"),
        "{:?}",
        target.notes()
    );
}

#[test]
fn a_file_system_whose_journal_is_elsewhere_is_refused() {
    let fake = Fake::new().with_sata().with_ext4_on("sda1", [0x5a; 16]);
    let mut disk = std::fs::read(fake.path("dev/sda1")).unwrap();
    // s_feature_compat: EXT4_FEATURE_COMPAT_HAS_JOURNAL; s_journal_inum stays 0
    disk[1024 + 0x5c] = 4;
    fake.set("dev/sda1", disk);
    let failure = at(&fake, &filesystem(OWN_UUID, Some("ext4"))).unwrap_err();
    assert_eq!(failure.word(), "elsewhere");
    assert!(
        failure
            .to_string()
            .contains("its journal is on another device"),
        "{failure}"
    );
}

#[test]
fn a_whole_disk_is_named_by_what_no_other_disk_is_called() {
    let fake = Fake::new().with_nvme().with_sata();
    std::fs::remove_dir_all(fake.path("sys/class/block/sda/sda1")).unwrap();
    assert_eq!(
        at(&fake, &raw_on("/dev/sda")).unwrap_err().word(),
        "no-identity"
    );
    fake.set("sys/class/block/sda/device/serial", "QM00001\n");
    fake.set("sys/class/block/sda/size", "2048\n");
    let target = at(&fake, &raw_on("/dev/sda")).unwrap();
    assert_eq!(config(&*target).0, "SERIAL=QM00001,1048576");
    let by_serial = at(&fake, &raw_on("SERIAL=QM00001,1048576")).unwrap();
    assert_eq!(by_serial.describe(), target.describe());
    fake.set("sys/class/block/sda/device/wwid", "naa.5000c500a1b2c3d4\n");
    let target = at(&fake, &raw_on("/dev/sda")).unwrap();
    assert_eq!(config(&*target).0, "WWN=naa.5000c500a1b2c3d4");
    // Another disk that says the same makes it worth nothing.
    fake.set("sys/class/block/nvme0n1/wwid", "naa.5000c500a1b2c3d4\n");
    let target = at(&fake, &raw_on("/dev/sda")).unwrap();
    assert_eq!(config(&*target).0, "SERIAL=QM00001,1048576");
    let gone = at(&fake, &raw_on("WWN=naa.0")).unwrap_err();
    assert_eq!(gone.word(), "no-device");
}

#[test]
fn a_file_system_that_dumps_are_not_written_to_is_refused_by_its_type() {
    let fake = Fake::new()
        .with_sata()
        .mount("30 1 8:1 / / rw - f2fs /dev/sda1 rw");
    let by_device = at(&fake, &filesystem("/dev/sda1", None));
    for found in [mounted_at(&fake, "/var/crash"), by_device] {
        let failure = found.unwrap_err();
        assert_eq!(failure.word(), "unsupported-filesystem");
        assert!(
            failure.to_string().contains("of the type f2fs"),
            "{failure}"
        );
    }
}
