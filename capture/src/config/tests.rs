use super::*;
use baton_kdump::convert::Format;
use baton_kdump::encode::Compression;
use baton_sys::mount::Flag;
use std::path::Path;
use std::time::Duration;

const WHOLE: &str = r#"
deadline = 600
finally = "reboot"
read-back = true
keep = 3
modules = ["/lib/modules/nvme.ko", "/lib/modules/ext4.ko"]

[dump]
level = 31
format = "kdump"
compression = "zstd:3"

[[target]]
kind = "filesystem"
device = "UUID=0f1e2d3c-aaaa-bbbb-cccc-0123456789ab"
filesystem = "ext4"
options = "noatime,commit=5,x-systemd.automount"
directory = "/var/crash/"

[[target]]
kind = "raw"
device = "PARTLABEL=dump"
"#;

/// What is said about the whole configuration with this part of it put differently.
fn error(from: &str, to: &str) -> String {
    assert!(WHOLE.contains(from), "{from}");
    Config::parse(&WHOLE.replacen(from, to, 1))
        .expect_err(to)
        .to_string()
}

fn plan(from: &str, to: &str) -> Plan {
    assert!(WHOLE.contains(from), "{from}");
    let config = Config::parse(&WHOLE.replacen(from, to, 1)).unwrap();
    config.plan().unwrap()
}

#[test]
fn a_whole_configuration_is_understood() {
    let plan = Config::parse(WHOLE).unwrap().plan().unwrap();
    assert_eq!(plan.deadline, Duration::from_secs(600));
    assert_eq!(plan.finally, Finally::Reboot);
    assert!(plan.read_back);
    assert_eq!(plan.keep, 3);
    assert_eq!(plan.modules[1], Path::new("/lib/modules/ext4.ko"));
    assert_eq!(u8::from(plan.level), 31);
    assert_eq!(plan.format, Format::Kdump);
    assert_eq!(plan.compression, Compression::Zstd(3));
    let Place::Directory {
        device,
        filesystem,
        options,
        directory,
    } = &plan.places[0]
    else {
        panic!("{:?}", plan.places[0]);
    };
    assert_eq!(
        *device,
        Device::Uuid("0f1e2d3c-aaaa-bbbb-cccc-0123456789ab".into())
    );
    assert_eq!(*filesystem, FileSystem::Ext4);
    assert_eq!(options.flags, [Flag::NoAccessTime]);
    assert_eq!(options.data, "commit=5");
    assert_eq!(directory, Path::new("var/crash"));
    assert_eq!(
        plan.places[1],
        Place::Partition {
            device: Device::PartLabel("dump".into())
        }
    );
}

#[test]
fn what_is_written_is_read_as_the_same() {
    let config = Config::parse(WHOLE).unwrap();
    assert_eq!(Config::parse(&config.to_toml().unwrap()).unwrap(), config);
}

#[test]
fn what_could_not_be_read_is_not_written() {
    let mut config = Config::parse(WHOLE).unwrap();
    config.target.clear();
    assert_eq!(
        config.to_toml().unwrap_err(),
        config.validate().unwrap_err()
    );
}

#[test]
fn an_unknown_key_is_named_with_its_line() {
    let text = error("keep = 3", "keep = 3\nkeeep = 4");
    assert!(
        text.starts_with("line 6 of the capture configuration: "),
        "{text}"
    );
    assert!(text.contains("keeep"), "{text}");
    let text = error("level = 31", "level = 31\nlevle = 1");
    assert!(
        text.starts_with("line 10 of") && text.contains("levle"),
        "{text}"
    );
    let text = error("kind = \"raw\"", "kind = \"raw\"\ndirectory = \"/\"");
    assert!(text.contains("directory"), "{text}");
    assert!(!text.contains('\n'), "{text}");
}

#[test]
fn a_missing_key_is_named() {
    for key in [
        "deadline = 600",
        "keep = 3",
        "level = 31",
        "read-back = true",
    ] {
        let name = key.split(' ').next().unwrap();
        let text = error(key, "");
        assert!(text.contains(&format!("missing field `{name}`")), "{text}");
    }
}

#[test]
fn a_kind_of_target_that_does_not_exist_is_refused_with_those_that_do() {
    let text = error("kind = \"raw\"", "kind = \"ftp\"");
    assert!(
        text.contains("`ftp`") && text.contains("`filesystem`"),
        "{text}"
    );
}

#[test]
fn each_bad_value_is_named_with_the_reason_and_what_is_right() {
    for (from, to, said) in [
        (
            "deadline = 600",
            "deadline = 9",
            "`deadline` in the capture configuration is 9 seconds; give from 10 to 86400",
        ),
        (
            "keep = 3",
            "keep = 0",
            "`keep` in the capture configuration is 0, which would remove the dump that was just taken; \
             give 1 or more",
        ),
        (
            "level = 31",
            "level = 32",
            "`dump.level` in the capture configuration is 32; dump levels go from 0 (everything) to 31 \
             (as little as possible)",
        ),
        (
            "\"kdump\"",
            "\"flat\"",
            "`dump.format` in the capture configuration is \"flat\"; use \"kdump\" or \"elf\"",
        ),
        (
            "zstd:3",
            "lzo",
            "`dump.compression` in the capture configuration is \"lzo\"; use \"zstd\", \"zstd:LEVEL\" (from \
             -7 to 19, without 0), \"zlib\", \"zlib:LEVEL\" (from 1 to 9) or \"none\"",
        ),
        (
            "\"kdump\"",
            "\"elf\"",
            "`dump.compression` in the capture configuration is \"zstd:3\", but ELF dumps aren't \
             compressed; use \"none\", or the format \"kdump\"",
        ),
        (
            "\"/lib/modules/ext4.ko\"",
            "\"ext4\"",
            "`modules[2]` in the capture configuration is \"ext4\", which is relative; give an absolute \
             path such as /lib/modules/ext4.ko",
        ),
        (
            "\"/var/crash/\"",
            "\"var/crash\"",
            "`target[1].directory` in the capture configuration is \"var/crash\", which is relative; give \
             an absolute path such as /var/crash",
        ),
        (
            "\"/var/crash/\"",
            "\"/var/../..\"",
            "`target[1].directory` in the capture configuration is \"/var/../..\", which has \"..\" in it; \
             give an absolute path such as /var/crash",
        ),
        (
            "\"ext4\"\n",
            "\"ntfs\"\n",
            "`target[1].filesystem` in the capture configuration is \"ntfs\"; use \"ext4\" (also for ext2 \
             and ext3), \"xfs\", \"btrfs\" or \"vfat\"",
        ),
        (
            "noatime",
            "ro",
            "`target[1].options` in the capture configuration has the mount option \"ro\", with which no \
             dump could be written; leave it out",
        ),
        (
            "UUID=0",
            "PARTUUI=0",
            "`target[1].device` in the capture configuration is \
             \"PARTUUI=0f1e2d3c-aaaa-bbbb-cccc-0123456789ab\"; use UUID=…, LABEL=…, PARTUUID=…, \
             PARTLABEL=… or a path such as /dev/nvme0n1p2",
        ),
        (
            "PARTLABEL=dump",
            "LABEL=dump",
            "`target[2].device` in the capture configuration is \"LABEL=dump\", which names the file \
             system that a raw dump overwrites, so that the device couldn't be found again; use PARTUUID=…, \
             PARTLABEL=… or a path",
        ),
        (
            "PARTLABEL=dump",
            "sda1",
            "`target[2].device` in the capture configuration is \"sda1\"; use PARTUUID=…, PARTLABEL=…, WWN=…, \
             SERIAL=…,BYTES or a path such as /dev/nvme0n1p2",
        ),
    ] {
        assert_eq!(error(from, to), said);
    }
}

#[test]
fn a_configuration_without_a_target_is_refused() {
    let (head, _) = WHOLE.split_once("[[target]]").unwrap();
    assert_eq!(
        Config::parse(head).unwrap_err().to_string(),
        "`target` in the capture configuration names no place for a dump; add a [[target]] with kind = \
         \"filesystem\" or \"raw\""
    );
}

#[test]
fn a_device_is_named_by_a_tag_with_a_value_or_by_a_path_below_dev() {
    for bad in [
        "UUID=",
        "LABEL=a\nb",
        "",
        "/",
        "/etc/passwd",
        "/dev/../etc",
        "ID=1",
        "uuid=1",
        "WWN=",
        "SERIAL=S1",
        "SERIAL=,1",
        "SERIAL=S1,",
        "SERIAL=S1,-1",
    ] {
        assert!(Device::parse(bad).is_err(), "{bad}");
    }
    for good in [
        "UUID=1",
        "LABEL=a=b",
        "PARTUUID=1",
        "PARTLABEL=a b",
        "WWN=t10.ATA     X  1",
        "SERIAL=a,b,1024",
        "/dev/sda1",
    ] {
        assert_eq!(Device::parse(good).unwrap().to_string(), good);
    }
}

#[test]
fn a_path_that_only_udev_or_lvm_makes_is_refused() {
    for bad in ["/dev/disk/by-id/x", "/dev/mapper/vg-root", "/dev/dm-0"] {
        let problem = Device::parse(bad).unwrap_err();
        assert_eq!(problem, Problem::NotThere(bad.to_owned()));
        assert_eq!(Device::parse_raw(bad), Err(problem));
    }
}

#[test]
fn every_option_against_a_dump_is_refused_and_fstabs_own_are_dropped() {
    for bad in [
        "ro",
        "norecovery",
        "bind",
        "loop=/dev/loop1",
        "remount",
        "suid",
        "exec",
        "dev",
    ] {
        assert!(
            MountOptions::parse(&format!("noatime,{bad}")).is_err(),
            "{bad}"
        );
    }
    let options = MountOptions::parse("defaults,nofail,_netdev, x-a=b ,,subvol=@crash,rw").unwrap();
    assert_eq!(options.flags, []);
    assert_eq!(options.data, "subvol=@crash");
    assert!(options.has("subvol") && !options.has("subvo") && !options.has("umask"));
}

#[test]
fn a_level_that_a_codec_does_not_have_is_refused() {
    for bad in [
        "zstd:20", "zstd:0", "zstd:", "zlib:10", "zlib:-1", "none:1", "",
    ] {
        let text = error("zstd:3", bad);
        assert!(text.contains(&format!("is \"{bad}\"; use ")), "{text}");
    }
}

#[test]
fn a_codec_without_a_level_is_that_codec() {
    let of = |text: &str| plan("zstd:3", text).compression;
    assert!(matches!(of("zstd"), Compression::Zstd(_)));
    assert!(matches!(of("zlib"), Compression::Zlib(_)));
    assert_eq!(of("zlib:9"), Compression::Zlib(9));
    assert_eq!(of("none"), Compression::None);
}

#[test]
fn the_root_of_a_file_system_is_a_directory_too() {
    let plan = plan("/var/crash/", "/");
    let Place::Directory { directory, .. } = &plan.places[0] else {
        panic!("{:?}", plan.places[0]);
    };
    assert_eq!(directory, Path::new(""));
}

#[test]
fn text_cut_off_anywhere_is_an_error_or_a_whole_configuration() {
    for end in 0..WHOLE.len() {
        let Some(text) = WHOLE.get(..end) else {
            continue;
        };
        if let Ok(config) = Config::parse(text) {
            assert!(!config.target.is_empty(), "{end}");
        }
    }
}
