use super::*;
use crate::crash::fake::{Fake, RELEASE};
use crate::crash::target::{Filesystem, NamedTarget};
use baton_capture::target::RawTarget;
use baton_sys::mounts;

fn needed(
    fake: &Fake,
    targets: &[NamedTarget],
    more: &[&str],
    same: bool,
) -> Result<Vec<String>, Problem> {
    let root = fake.root();
    let index = Index::read(&root, RELEASE).unwrap().unwrap();
    let mounts = mounts::read(&root).unwrap();
    let mut needs = Needs::new(&index, same);
    for target in targets {
        let target = target.kind().find(&root, &mounts).unwrap();
        needs.all_or_nothing(|needs| target.require(needs))?;
    }
    for module in more {
        needs.named(module)?;
    }
    Ok(needs.into_order())
}

fn on(device: &str, filesystem: &str, options: &str) -> NamedTarget {
    NamedTarget::Filesystem(Filesystem {
        device: device.to_owned().try_into().unwrap(),
        filesystem: Some(filesystem.to_owned().try_into().unwrap()),
        options: options.to_owned().try_into().unwrap(),
        directory: "/".to_owned().try_into().unwrap(),
    })
}

#[test]
fn a_virtio_disk_needs_its_bus_and_its_driver_and_the_file_system() {
    let fake = Fake::new().with_modules().with_virtio_blk();
    let order = needed(&fake, &[on("/dev/vda1", "ext4", "")], &[], true).unwrap();
    assert_eq!(
        order,
        [
            "virtio",
            "virtio_ring",
            "virtio_pci",
            "virtio_blk",
            "crc32c_generic",
            "crc16",
            "mbcache",
            "jbd2",
            "ext4"
        ]
    );
}

#[test]
fn an_nvme_disk_needs_no_module_for_a_bridge_that_is_built_in() {
    let fake = Fake::new().with_modules().with_nvme();
    let order = needed(&fake, &[on("/dev/nvme0n1p1", "xfs", "")], &[], true).unwrap();
    assert_eq!(order, ["nvme_core", "nvme"], "xfs is built in");
}

#[test]
fn a_sata_disk_needs_controller_and_scsi_disk_driver() {
    let fake = Fake::new().with_modules().with_sata();
    let raw = NamedTarget::Raw(RawTarget {
        device: "PARTUUID=part-sda1".to_owned().try_into().unwrap(),
    });
    let order = needed(&fake, &[raw], &[], true).unwrap();
    assert_eq!(order, ["scsi_mod", "libata", "libahci", "ahci", "sd_mod"]);
}

#[test]
fn several_targets_share_what_they_need() {
    let fake = Fake::new().with_modules().with_sata().with_nvme();
    let targets = [
        on("/dev/sda1", "ext4", ""),
        on("/dev/nvme0n1p1", "ext4", ""),
    ];
    let order = needed(&fake, &targets, &["iTCO_wdt"], true).unwrap();
    assert_eq!(order.iter().filter(|it| *it == "ext4").count(), 1);
    assert!(order.contains(&"nvme".into()) && order.contains(&"ahci".into()));
    assert_eq!(order.last().unwrap(), "iTCO_wdt");
}

#[test]
fn vfat_brings_the_character_sets_that_it_converts_with() {
    let fake = Fake::new().with_modules().with_sata();
    let order = needed(&fake, &[on("/dev/sda1", "vfat", "")], &[], true).unwrap();
    assert!(order.ends_with(&[
        "fat".into(),
        "vfat".into(),
        "nls_cp437".into(),
        "nls_ascii".into()
    ]));
    let missing = needed(&fake, &[on("/dev/sda1", "vfat", "codepage=850")], &[], true);
    assert!(missing.unwrap_err().to_string().contains("nls_cp850"));
}

#[test]
fn a_kernel_that_calls_a_module_otherwise_is_asked_by_what_the_device_says() {
    let fake = Fake::new().with_modules().with_nvme();
    let path = format!("lib/modules/{RELEASE}/modules.dep");
    let dependencies = std::fs::read_to_string(fake.path(&path)).unwrap();
    fake.set(
        &path,
        dependencies.replace("host/nvme.ko:", "host/nvme_pci.ko:"),
    );
    let aliases = "alias pci:v*d*sv*sd*bc01sc08i02* nvme_pci\n";
    fake.set(&format!("lib/modules/{RELEASE}/modules.alias"), aliases);
    let order = needed(&fake, &[on("/dev/nvme0n1p1", "xfs", "")], &[], false).unwrap();
    assert_eq!(order, ["nvme_core", "nvme_pci"]);
}

#[test]
fn what_is_built_in_here_and_a_module_there_is_brought_along() {
    let fake = Fake::new().with_modules().with_nvme();
    std::fs::remove_file(fake.path("sys/bus/pci/drivers/nvme/module")).unwrap();
    let target = [on("/dev/nvme0n1p1", "xfs", "")];
    assert!(needed(&fake, &target, &[], true).unwrap().is_empty());
    assert_eq!(
        needed(&fake, &target, &[], false).unwrap(),
        ["nvme_core", "nvme"]
    );
}

#[test]
fn a_missing_module_is_named_with_the_kernel_and_the_fix() {
    let fake = Fake::new().with_modules().with_sata();
    for (wanted, more, words) in [
        (
            on("/dev/sda1", "btrfs", ""),
            None,
            "no module btrfs, which is needed for the file system btrfs",
        ),
        (
            on("/dev/sda1", "ext4", ""),
            Some("nonsense"),
            "no module nonsense, which is needed as kernel.modules says",
        ),
    ] {
        let more: Vec<&str> = more.into_iter().collect();
        let problem = needed(&fake, &[wanted], &more, true)
            .unwrap_err()
            .to_string();
        assert!(problem.contains(words), "{problem}");
        assert!(
            problem.contains(RELEASE) && problem.contains("depmod"),
            "{problem}"
        );
    }
    fake.set(
        &format!("lib/modules/{RELEASE}/modules.dep"),
        "kernel/a.ko:\n",
    );
    let problem = needed(&fake, &[on("/dev/sda1", "xfs", "")], &[], true).unwrap_err();
    assert!(
        problem
            .to_string()
            .contains("ahci, which is needed to reach sda1"),
        "{problem}"
    );
}

#[test]
fn a_target_that_lacks_a_module_adds_nothing() {
    let fake = Fake::new().with_modules().with_sata();
    let root = fake.root();
    let index = Index::read(&root, RELEASE).unwrap().unwrap();
    let target = on("/dev/sda1", "btrfs", "")
        .kind()
        .find(&root, &[])
        .unwrap();
    let mut needs = Needs::new(&index, true);
    let added = needs.all_or_nothing(|needs| target.require(needs));
    assert!(added.is_err());
    assert!(needs.into_order().is_empty());
}

#[test]
fn the_module_of_pstores_backend_is_there_for_a_log_that_no_target_takes() {
    for (backend, expected) in [
        ("efi_pstore", &["efi_pstore"][..]),
        ("(null)", &[]),
        ("erst", &[]),
        ("ramoops", &[]),
    ] {
        let fake = Fake::new().with_modules().file(
            "sys/module/pstore/parameters/backend",
            format!("{backend}\n"),
        );
        let index = Index::read(&fake.root(), RELEASE).unwrap().unwrap();
        let mut needs = Needs::new(&index, true);
        needs.pstore(&fake.root());
        assert_eq!(needs.into_order(), expected, "{backend}");
    }
}
