use super::*;
use crate::crash::fake::{Fake, RELEASE};
use crate::failure::Failure;
use baton_capture::layer::device_mapper::Volume;
use baton_sys::modules::Index;

/// As LVM 2.03.16 wrote it: a physical volume in no group, and one of another group.
const ORPHAN: &[u8] = include_bytes!("../../../../fuzz/corpus/lvm/orphan");
const OTHER: &[u8] = include_bytes!("../../../../fuzz/corpus/lvm/used");

fn look(fake: &Fake) -> Result<Stack> {
    let root = fake.root();
    let device = BlockDevice::by_name(&root, "dm-0").unwrap().unwrap();
    Stack::below(&root, &device, "target /srv")
}

fn refused(fake: &Fake) -> (&'static str, String) {
    let failure: Failure = look(fake).unwrap_err();
    (failure.word(), failure.to_string())
}

fn volumes(stack: &Stack) -> Vec<Volume> {
    let volumes = stack.layers.iter().filter_map(|layer| match layer {
        Layer::DeviceMapper(volume) => Some(volume.clone()),
        Layer::Md(_) => None,
    });
    volumes.collect()
}

#[test]
fn a_logical_volume_is_recorded_with_the_lasting_names_of_its_disks_and_the_state_of_its_group() {
    let stack = look(&Fake::new().with_logical_volume()).unwrap();
    let volumes = volumes(&stack);
    let [volume] = volumes.as_slice() else {
        panic!("{volumes:?}");
    };
    let table: Vec<String> = volume.table.iter().map(ToString::to_string).collect();
    assert_eq!(
        table,
        ["0 122880 linear 0 2048", "122880 40960 linear 1 2048"]
    );
    let legs = volume.leg.iter().map(|leg| leg.device.to_string());
    assert!(legs.eq(["PARTUUID=part-sda1", "PARTUUID=part-nvme0n1p1"]));
    let ids = volume
        .leg
        .iter()
        .map(|leg| leg.physical_volume.clone().unwrap().to_string());
    assert!(ids.eq([
        "ifB8jP-Jg0Z-6oyR-DCtV-rKRh-l82J-EG9zUg",
        "qtRuqz-sg4h-aANK-6WDk-L0DH-y1tw-OWlqeX"
    ]));
    let group = volume.group.as_ref().unwrap();
    assert_eq!(
        group.id.to_string(),
        "xL2Mkx-GM20-Ue2N-JTZ3-819A-9JMt-bALxad"
    );
    assert_eq!(
        stack.describe(),
        "; vg0-crash is linear on sda1, nvme0n1p1, in the volume group vg0 (seqno 3)"
    );
}

#[test]
fn the_device_mapper_and_the_drivers_of_all_disks_are_brought_along() {
    let fake = Fake::new().with_modules().with_logical_volume();
    let index = Index::read(&fake.root(), RELEASE).unwrap().unwrap();
    let mut needs = Needs::new(&index, true);
    look(&fake).unwrap().require(&mut needs).unwrap();
    let modules = needs.into_order();
    for wanted in ["dm_mod", "ahci", "sd_mod", "nvme"] {
        assert!(modules.iter().any(|it| it == wanted), "{modules:?}");
    }
}

#[test]
fn a_type_that_is_not_set_up_is_named_with_what_would_help() {
    for (table, words) in [
        (
            "0 8 multipath 0 0 1 1",
            "several paths (multipath) (type multipath)",
        ),
        ("0 8 snapshot-origin 253:1", "remove its snapshots"),
        (
            "0 8 thin 253:1 1",
            "a thin volume, whose pool the kernel may be changing when it crashes (type thin)",
        ),
        (
            "0 8 raid raid5_ls 1 128 3 8:1 8:1 8:1 8:1 8:1 8:1",
            "a RAID array of LVM (type raid raid5_ls)",
        ),
        (
            "0 8 mirror core 1 1024 2 8:1 0 8:1 8",
            "a mirror of LVM's old type (type mirror); convert it (`lvconvert --type raid1`)",
        ),
        (
            "0 4 linear 8:1 0\n4 4 error",
            "something that a capture can't set up (type error)",
        ),
    ] {
        let fake = Fake::new()
            .with_sata()
            .with_device_mapper("x")
            .with_table(table);
        let (word, message) = refused(&fake);
        assert_eq!(word, "stacked");
        assert!(
            message.starts_with("target /srv is on srv, which is "),
            "{message}"
        );
        assert!(message.contains(words), "{message}");
    }
}

#[test]
fn a_group_that_can_not_be_seen_to_be_the_same_later_is_refused() {
    for (image, why) in [
        (
            OTHER,
            "which is being changed right now (its disks disagree: sda1 has vg0 with seqno 3, nvme0n1p1 has ",
        ),
        (&[0; 4096][..], "nvme0n1p1: it is no physical volume of LVM"),
        (&[], "nvme0n1p1 can't be read"),
    ] {
        let fake = Fake::new()
            .with_logical_volume()
            .file("dev/nvme0n1p1", image);
        let (word, message) = refused(&fake);
        assert_eq!(word, "volume");
        assert!(message.contains(why), "{message}");
        assert!(message.contains("; "), "no help: {message}");
    }
    let without = Fake::new()
        .with_logical_volume()
        .file("dev/sda1", ORPHAN)
        .file("dev/nvme0n1p1", ORPHAN);
    assert!(refused(&without).1.contains("pvchange --metadataignore n"));
    let other = Fake::new().with_logical_volume();
    other.set(
        "sys/class/block/dm-0/dm/uuid",
        format!("LVM-{}\n", "x".repeat(64)),
    );
    assert!(refused(&other).1.contains("another volume group, vg0"));
}

#[test]
fn a_volume_that_is_being_changed_or_makes_no_sense_is_refused() {
    let suspended = Fake::new()
        .with_logical_volume()
        .file("sys/class/block/dm-0/dm/suspended", "1\n");
    assert!(
        refused(&suspended)
            .1
            .contains("being changed right now (it is suspended)")
    );
    for (table, why) in [
        ("", "the table is empty"),
        ("0 8 linear 8:1 0\n9 8 linear 8:1 0", "doesn't follow"),
        ("0 8 linear 8:9 0", "the device 8:9, which isn't there"),
        ("0 8 linear x 0", "is no segment of a table"),
    ] {
        let fake = Fake::new()
            .with_sata()
            .with_device_mapper("x")
            .with_table(table);
        let (word, message) = refused(&fake);
        assert_eq!(word, "volume");
        assert!(message.contains(why), "{message}");
    }
}

#[test]
fn a_volume_that_is_changed_for_a_moment_is_waited_for() {
    let suspended = "sys/class/block/dm-0/dm/suspended";
    let fake = Fake::new().with_logical_volume().file(suspended, "1\n");
    let looked = std::thread::scope(|scope| {
        let looked = scope.spawn(|| look(&fake));
        sleep(4 * INTERVAL);
        fake.set(suspended, "0\n");
        looked.join().unwrap()
    });
    assert_eq!(looked.unwrap().layers.iter().count(), 1);
}

#[test]
fn a_volume_of_several_parts_that_is_not_lvms_is_refused_with_what_would_help() {
    for table in [
        "0 8 linear 8:1 0\n8 8 linear 8:1 80\n",
        "0 16 striped 2 8 8:1 0 8:1 80\n",
    ] {
        let fake = Fake::new()
            .with_sata()
            .with_device_mapper("x")
            .with_table(table);
        let (word, message) = refused(&fake);
        assert_eq!(word, "volume");
        assert!(
            message.contains("it consists of several parts and isn't LVM's"),
            "{message}"
        );
        assert!(message.ends_with("a volume in one piece"), "{message}");
    }
}

#[test]
fn a_volume_on_a_volume_comes_after_it_and_none_lies_on_itself() {
    let below = "sys/devices/virtual/block/dm-1";
    let fake = Fake::new()
        .with_sata()
        .with_device_mapper("x")
        .with_table("0 8 linear 253:1 0\n")
        .file(&format!("{below}/dm/name"), "part1\n")
        .file(&format!("{below}/dm/table"), "0 16 striped 1 8 8:1 0\n")
        .file(&format!("{below}/dev"), "253:1\n")
        .link("sys/dev/block/253:1", below);
    let stack = look(&fake).unwrap();
    let names = stack.layers.iter().map(|layer| layer.name().to_string());
    assert!(names.eq(["part1", "srv"]));
    assert_eq!(volumes(&stack)[1].leg[0].device.to_string(), "VOLUME=part1");
    assert_eq!(
        stack.describe(),
        "; srv is linear on part1; part1 is striped on sda1"
    );
    fake.set(&format!("{below}/dm/table"), "0 16 linear 253:0 0\n");
    assert!(refused(&fake).1.contains("a part of itself"));
}

#[test]
fn a_disk_without_a_name_of_its_own_is_known_by_its_physical_volume_or_refused() {
    let fake = Fake::new().with_logical_volume();
    std::fs::remove_dir_all(fake.path("dev/disk/by-partuuid")).unwrap();
    let named = look(&fake).unwrap();
    assert_eq!(
        volumes(&named)[0].leg[0].device.to_string(),
        "UUID=ifB8jP-Jg0Z-6oyR-DCtV-rKRh-l82J-EG9zUg"
    );
    let plain = Fake::new()
        .with_sata()
        .with_device_mapper("x")
        .with_table("0 8 linear 8:1 0");
    std::fs::remove_dir_all(plain.path("dev/disk/by-partuuid")).unwrap();
    let (word, message) = refused(&plain);
    assert_eq!(word, "volume");
    assert!(
        message.contains("sda1 has no name that it alone has"),
        "{message}"
    );
}

/// srv, a mirror of LVM's on sda1 and nvme0n1p1, as lvcreate makes it.
fn mirror() -> Fake {
    let uuid = "LVM-xL2MkxGM20Ue2NJTZ3819A9JMtbALxad";
    let mut fake = Fake::new()
        .with_logical_volume()
        .with_table("0 8192 raid raid1 3 0 region_size 4096 2 253:1 253:2 253:3 253:4\n");
    for (number, (part, on)) in [
        ("rmeta_0", "8:1 2048"),
        ("rimage_0", "8:1 10240"),
        ("rmeta_1", "259:1 2048"),
        ("rimage_1", "259:1 10240"),
    ]
    .into_iter()
    .enumerate()
    {
        let minor = number + 1;
        let directory = format!("sys/devices/virtual/block/dm-{minor}");
        fake = fake
            .file(
                &format!("{directory}/dm/name"),
                format!("vg0-crash_{part}\n"),
            )
            .file(
                &format!("{directory}/dm/uuid"),
                format!("{uuid}{}\n", part.repeat(8)),
            )
            .file(
                &format!("{directory}/dm/table"),
                format!("0 8192 linear {on}\n"),
            )
            .file(&format!("{directory}/dev"), format!("253:{minor}\n"))
            .link(&format!("sys/dev/block/253:{minor}"), &directory);
    }
    fake
}

#[test]
fn a_mirror_is_recorded_as_volumes_and_what_keeps_them_the_same() {
    let fake = mirror().with_modules();
    let stack = look(&fake).unwrap();
    let volumes = volumes(&stack);
    let names: Vec<String> = volumes.iter().map(|it| it.name.to_string()).collect();
    assert_eq!(
        names,
        [
            "vg0-crash_rmeta_0",
            "vg0-crash_rimage_0",
            "vg0-crash_rmeta_1",
            "vg0-crash_rimage_1",
            "vg0-crash"
        ]
    );
    assert!(volumes[..4].iter().all(|it| it.group.is_some()));
    let top = &volumes[4];
    assert_eq!(top.group, None);
    assert_eq!(
        top.table[0].to_string(),
        "0 8192 raid raid1 3 0 region_size 4096 2 0 1 2 3"
    );
    assert_eq!(top.leg[2].device.to_string(), "VOLUME=vg0-crash_rmeta_1");
    assert!(
        stack
            .describe()
            .starts_with("; vg0-crash is raid1 on vg0-crash_rmeta_0, vg0-crash_rimage_0"),
        "{}",
        stack.describe()
    );
    let index = Index::read(&fake.root(), RELEASE).unwrap().unwrap();
    let mut needs = Needs::new(&index, true);
    stack.require(&mut needs).unwrap();
    let modules = needs.into_order();
    for wanted in ["dm_raid", "raid1", "nvme"] {
        assert!(modules.iter().any(|it| it == wanted), "{modules:?}");
    }
}

#[test]
fn a_mirror_that_is_being_rebuilt_or_not_made_of_volumes_is_refused() {
    let rebuilt = mirror()
        .with_table("0 8192 raid raid1 5 0 region_size 4096 rebuild 1 2 253:1 253:2 253:3 253:4\n");
    let (word, message) = refused(&rebuilt);
    assert_eq!(word, "volume");
    assert!(message.contains("the parameter \"rebuild\""), "{message}");
    let of_disks = mirror().with_table("0 8192 raid raid1 1 0 2 8:1 253:2 253:3 253:4\n");
    let (word, message) = refused(&of_disks);
    assert_eq!(word, "volume");
    assert!(
        message.contains("whose legs are volumes that are set up before"),
        "{message}"
    );
}

#[test]
fn a_disk_with_several_paths_is_no_layer_and_needs_the_drivers_of_all() {
    let stack = look(&Fake::new().with_two_paths()).unwrap();
    assert!(stack.layers.is_empty());
    assert_eq!(stack.describe(), "; srv is reached by nvme0n1 and by sda");
    let names: Vec<&str> = stack.disks.iter().map(|it| it.name.as_str()).collect();
    assert_eq!(names, ["nvme0n1", "sda"]);
}

#[test]
fn a_volume_on_a_disk_with_several_paths_takes_any_of_them() {
    let directory = "sys/devices/virtual/block/dm-1";
    let fake = Fake::new()
        .with_two_paths()
        .file(&format!("{directory}/dm/uuid"), "part1-mpath-3600\n")
        .file(&format!("{directory}/dm/name"), "srv-part1\n")
        .file(
            &format!("{directory}/dm/table"),
            "0 4096 linear 253:0 2048\n",
        )
        .file(&format!("{directory}/dev"), "253:1\n")
        .link("sys/class/block/dm-1", directory);
    let root = fake.root();
    let device = BlockDevice::by_name(&root, "dm-1").unwrap().unwrap();
    let stack = Stack::below(&root, &device, "target /srv").unwrap();
    let volumes = volumes(&stack);
    assert_eq!(volumes[0].leg[0].device.to_string(), "PATHS=naa.600");
    assert_eq!(
        stack.describe(),
        "; srv-part1 is linear on srv; srv is reached by nvme0n1 and by sda"
    );
    fake.set("sys/class/block/sda/device/wwid", "naa.601\n");
    let failure = Stack::below(&root, &device, "target /srv").unwrap_err();
    assert!(
        failure.to_string().contains("no WWID that they share"),
        "{failure}"
    );
}
