use super::super::Stack;
use crate::crash::fake::{Fake, RELEASE};
use crate::crash::needs::Needs;
use crate::failure::Result;
use baton_capture::layer::Layer;
use baton_capture::layer::device_mapper::Volume;
use baton_capture::layer::md::Array;
use baton_capture::probe::md::checksum;
use baton_sys::block::BlockDevice;
use baton_sys::modules::Index;

fn look(fake: &Fake, name: &str) -> Result<Stack> {
    let root = fake.root();
    let device = BlockDevice::by_name(&root, name).unwrap().unwrap();
    Stack::below(&root, &device, "target /srv")
}

fn refused(fake: &Fake) -> (&'static str, String) {
    let failure = look(fake, "md0").unwrap_err();
    (failure.word(), failure.to_string())
}

fn array(stack: &Stack) -> Array {
    let mut arrays = stack.layers.iter().filter_map(|layer| match layer {
        Layer::Md(array) => Some(array.clone()),
        Layer::DeviceMapper(_) => None,
    });
    arrays.next().unwrap()
}

fn volume(stack: &Stack) -> Volume {
    let last = stack.layers.iter().last();
    let Some(Layer::DeviceMapper(volume)) = last else {
        panic!("{last:?}");
    };
    volume.clone()
}

#[test]
fn an_array_is_recorded_with_its_uuid_and_the_lasting_names_of_its_members() {
    let stack = look(&Fake::new().with_mirror(), "md0").unwrap();
    let array = array(&stack);
    assert_eq!(array.uuid.to_string(), UUID);
    let members = array.member.iter().map(ToString::to_string);
    assert!(members.eq(["PARTUUID=part-nvme0n1p1", "PARTUUID=part-sda1"]));
    assert_eq!(array.metadata.number(), 2);
    assert_eq!(stack.describe(), "; md0 is raid1 on nvme0n1p1, sda1");
}

const UUID: &str = "49bc1347-c91d-7938-3f1b-8761ea82739f";

#[test]
fn md_the_levels_module_and_the_drivers_of_all_disks_are_brought_along() {
    let fake = Fake::new().with_modules().with_mirror();
    let index = Index::read(&fake.root(), RELEASE).unwrap().unwrap();
    let mut needs = Needs::new(&index, true);
    look(&fake, "md0").unwrap().require(&mut needs).unwrap();
    let modules = needs.into_order();
    for wanted in ["md_mod", "raid1", "ahci", "sd_mod", "nvme"] {
        assert!(modules.iter().any(|it| it == wanted), "{modules:?}");
    }
}

#[test]
fn members_that_failed_are_left_out_and_it_is_said_that_some_are_missing() {
    for state in ["faulty", "faulty,write_mostly", "blocked,faulty"] {
        let fake = Fake::new().with_mirror();
        fake.set(
            "sys/class/block/md0/md/dev-sda1/state",
            format!("{state}\n"),
        );
        fake.set("sys/class/block/md0/md/degraded", "1\n");
        let stack = look(&fake, "md0").unwrap();
        assert_eq!(array(&stack).member.len(), 1);
        let words = "; md0 is raid1 on nvme0n1p1, of which 1 more are missing (degraded)";
        assert_eq!(stack.describe(), words);
        fake.set("sys/class/block/md0/md/dev-nvme0n1p1/state", "faulty\n");
        assert!(refused(&fake).1.contains("all of its members failed"));
    }
}

#[test]
fn an_array_that_can_not_be_assembled_is_named_with_what_would_help() {
    for (attribute, value, why, help) in [
        (
            "level",
            "raid5",
            "a RAID array of level raid5 (md)",
            "of level 0, 1 or 10",
        ),
        (
            "metadata_version",
            "0.90",
            "superblocks of version 0.90",
            "`mdadm --assemble --update=metadata`",
        ),
        (
            "metadata_version",
            "external:/md127/0",
            "that mdmon keeps the metadata of",
            "with superblocks of version 1",
        ),
        (
            "metadata_version",
            "none",
            "without superblocks",
            "superblocks of version 1",
        ),
    ] {
        let fake = Fake::new().with_mirror();
        fake.set(
            &format!("sys/class/block/md0/md/{attribute}"),
            format!("{value}\n"),
        );
        let (word, message) = refused(&fake);
        assert_eq!(word, "stacked");
        assert!(message.contains(why) && message.contains(help), "{message}");
    }
    let reshaped = Fake::new().with_mirror();
    reshaped.set("sys/class/block/md0/md/reshape_position", "4096\n");
    let (word, message) = refused(&reshaped);
    assert_eq!(word, "volume");
    assert!(
        message.contains("being reshaped; load again once"),
        "{message}"
    );
    for (feature, why) in [
        (256_u32, "of a cluster"),
        (512, "with a journal"),
        (4, "being reshaped"),
    ] {
        let fake = Fake::new().with_mirror();
        let mut disk = std::fs::read(fake.path("dev/sda1")).unwrap();
        disk[4096 + 8..4096 + 12].copy_from_slice(&feature.to_le_bytes());
        let sum = checksum(&disk[4096..]).to_le_bytes();
        disk[4096 + 216..4096 + 220].copy_from_slice(&sum);
        fake.set("dev/sda1", disk);
        let message = refused(&fake).1;
        assert!(message.contains(why), "{message}");
    }
}

#[test]
fn members_whose_superblocks_do_not_fit_are_named() {
    let other = Fake::new().with_mirror();
    let mut disk = std::fs::read(other.path("dev/sda1")).unwrap();
    disk[4096 + 16] ^= 1;
    other.set("dev/sda1", &disk);
    assert!(
        refused(&other)
            .1
            .contains("sda1: its RAID superblock is damaged; check the array")
    );
    let sum = checksum(&disk[4096..]).to_le_bytes();
    disk[4096 + 216..4096 + 220].copy_from_slice(&sum);
    other.set("dev/sda1", &disk);
    assert!(
        refused(&other)
            .1
            .contains("the superblock on sda1 is of the array ")
    );
    other.set("dev/sda1", "");
    assert!(
        refused(&other)
            .1
            .contains("sda1 can't be read to find its superblock")
    );
}

#[test]
fn a_partition_of_an_array_and_a_volume_on_one_come_after_it() {
    let partition = "sys/devices/virtual/block/md0/md0p1";
    let fake = Fake::new()
        .with_mirror()
        .file(&format!("{partition}/partition"), "1\n")
        .file(&format!("{partition}/start"), "2048\n")
        .file(&format!("{partition}/size"), "4096\n")
        .file(&format!("{partition}/dev"), "259:7\n")
        .link("sys/class/block/md0p1", partition);
    let stack = look(&fake, "md0p1").unwrap();
    let part = volume(&stack);
    assert_eq!(part.leg[0].device.to_string(), "VOLUME=md0");
    assert_eq!(part.table[0].to_string(), "0 4096 linear 0 2048");
    assert_eq!(
        stack.describe(),
        "; md0p1 is a partition of md0; md0 is raid1 on nvme0n1p1, sda1"
    );
    let mapped = fake
        .with_device_mapper("x")
        .with_table("0 8 linear 9:0 0\n");
    let stack = look(&mapped, "dm-0").unwrap();
    assert_eq!(volume(&stack).leg[0].device.to_string(), "VOLUME=md0");
}
