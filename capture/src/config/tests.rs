use super::*;
use crate::device::Device;
use crate::file_system::FileSystem;
use baton_kdump::convert::Format;
use baton_kdump::encode::Compression;
use baton_sys::mount::Flag;
use std::path::Path;

const WHOLE: &str = r#"
deadline = 600
progress-timeout = 120
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

fn config(from: &str, to: &str) -> Config {
    assert!(WHOLE.contains(from), "{from}");
    Config::parse(&WHOLE.replacen(from, to, 1)).unwrap()
}

#[test]
fn a_whole_configuration_is_understood() {
    let config = Config::parse(WHOLE).unwrap();
    assert_eq!(config.deadline.get(), 600);
    assert_eq!(config.finally, Finally::Reboot);
    assert!(config.read_back);
    assert_eq!(config.keep.get(), 3);
    assert_eq!(config.modules[1].path(), Path::new("/lib/modules/ext4.ko"));
    assert_eq!(u8::from(config.dump.level), 31);
    assert_eq!(config.dump.format, Format::Kdump);
    assert_eq!(config.dump.compression, Compression::Zstd(3));
    let Target::Filesystem(target) = &config.target[0] else {
        panic!("{:?}", config.target[0]);
    };
    assert_eq!(
        target.device,
        Device::Uuid("0f1e2d3c-aaaa-bbbb-cccc-0123456789ab".into())
    );
    assert_eq!(target.filesystem, FileSystem::Ext4);
    assert_eq!(target.options.flags, [Flag::NoAccessTime]);
    assert_eq!(target.options.data, "commit=5");
    assert_eq!(target.directory.below_root(), Path::new("var/crash"));
    let Target::Raw(target) = &config.target[1] else {
        panic!("{:?}", config.target[1]);
    };
    assert_eq!(*target.device.name(), Device::PartLabel("dump".into()));
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
    let error = config.to_toml().unwrap_err().to_string();
    assert!(error.contains("neither a target nor"), "{error}");
}

#[test]
fn a_place_for_the_log_does_where_there_is_no_target() {
    let begin = WHOLE.split("[[target]]").next().unwrap();
    let log = "[log]\ndevice = \"UUID=1\"\nfilesystem = \"ext4\"\ndirectory = \"/crash\"\n";
    let config = Config::parse(&format!("{begin}{log}")).unwrap();
    assert!(config.target.is_empty());
    assert_eq!(config.log.as_ref().unwrap().to_string(), "/crash on UUID=1");
    assert_eq!(Config::parse(&config.to_toml().unwrap()).unwrap(), config);
    let error = Config::parse(begin).unwrap_err().to_string();
    assert!(error.contains("neither a target nor"), "{error}");
    let mapped = log.replace("UUID=1", "/dev/mapper/vg-boot");
    let error = Config::parse(&format!("{begin}{mapped}")).unwrap_err();
    assert!(error.to_string().contains("neither runs while"), "{error}");
}

#[test]
fn an_unknown_key_is_named_with_its_line() {
    let text = error("keep = 3", "keep = 3\nkeeep = 4");
    assert!(
        text.starts_with(
            "the capture configuration: line 7: unknown key \"keeep\"; known here: deadline, progress-timeout, "
        ),
        "{text}"
    );
    let text = error("level = 31", "level = 31\nlevle = 1");
    assert!(
        text.contains("line 11: ") && text.contains("dump.levle"),
        "{text}"
    );
    let text = error("kind = \"raw\"", "kind = \"raw\"\ndirectory = \"/\"");
    assert!(text.contains("target[1].directory"), "{text}");
    assert!(!text.contains('\n'), "{text}");
}

#[test]
fn a_missing_key_is_named() {
    for key in ["deadline = 600", "keep = 3", "read-back = true"] {
        let name = key.split(' ').next().unwrap();
        let text = error(key, "");
        let said = format!("the capture configuration: \"{name}\" is missing; ");
        assert!(text.starts_with(&said), "{text}");
    }
}

#[test]
fn a_key_of_the_dump_that_is_missing_is_as_by_default() {
    let of = |from: &str| config(from, "").dump;
    assert_eq!(of("level = 31").level, Dump::default().level);
    assert_eq!(of("format = \"kdump\"").format, Format::Kdump);
    assert_eq!(
        of("compression = \"zstd:3\"").compression,
        Compression::default()
    );
    let elf = config(
        "format = \"kdump\"\ncompression = \"zstd:3\"",
        "format = \"elf\"",
    );
    assert_eq!(elf.dump.compression, Compression::None);
}

#[test]
fn a_kind_of_target_that_does_not_exist_is_refused_with_those_that_do() {
    let text = error("kind = \"raw\"", "kind = \"ftp\"");
    let said = "target[1].kind is \"ftp\"; it must be \"filesystem\" or \"raw\"";
    assert!(text.contains(said), "{text}");
}

#[test]
fn each_bad_value_is_named_with_its_line_the_reason_and_what_is_right() {
    for (from, to, line, reason) in [
        (
            "deadline = 600",
            "deadline = 9",
            2,
            "deadline is 9; it must be a number from 10 to 86400",
        ),
        (
            "keep = 3",
            "keep = 0",
            6,
            "keep is 0; it must be a number from 1 to 4294967295",
        ),
        (
            "level = 31",
            "level = 32",
            10,
            "dump.level: 32: no such dump level; it is a number from 0 to 31",
        ),
        (
            "\"kdump\"",
            "\"flat\"",
            11,
            "dump.format is \"flat\"; it must be \"kdump\" or \"elf\"",
        ),
        (
            "zstd:3",
            "lzo",
            12,
            "dump.compression: lzo: no such compression; it is zstd, zstd:LEVEL (-7 to 19), zlib, zlib:LEVEL (1 to 9) or none",
        ),
        (
            "\"kdump\"",
            "\"elf\"",
            9,
            "dump: ELF dumps aren't compressed, and the compression is \"zstd:3\"; use \"none\", or the format \
             \"kdump\"",
        ),
        (
            "\"/lib/modules/ext4.ko\"",
            "\"ext4\"",
            7,
            "modules[1]: \"ext4\" is relative; give an absolute path such as /lib/modules/ext4.ko",
        ),
        (
            "\"/var/crash/\"",
            "\"var/crash\"",
            19,
            "target[0].directory: \"var/crash\" is relative; give an absolute path such as /var/crash",
        ),
        (
            "\"/var/crash/\"",
            "\"/var/../..\"",
            19,
            "target[0].directory: \"/var/../..\" has \"..\" in it; give an absolute path such as /var/crash",
        ),
        (
            "\"ext4\"\n",
            "\"ntfs\"\n",
            17,
            "target[0].filesystem: dumps aren't written to file systems of the type \"ntfs\"; use \"ext4\" (also for ext2 and ext3), \
             \"xfs\", \"btrfs\" or \"vfat\"",
        ),
        (
            "noatime",
            "ro",
            18,
            "target[0].options: the mount option \"ro\" isn't allowed: no dump could be written with it; leave it out",
        ),
        (
            "UUID=0",
            "PARTUUI=0",
            16,
            "target[0].device: \"PARTUUI=0f1e2d3c-aaaa-bbbb-cccc-0123456789ab\" is no name of a device; use UUID=…, LABEL=…, \
             PARTUUID=…, PARTLABEL=… or a path such as /dev/nvme0n1p2",
        ),
        (
            "PARTLABEL=dump",
            "LABEL=dump",
            23,
            "target[1].device: \"LABEL=dump\" names the file system that a raw dump overwrites, so that the device couldn't be found \
             again; use PARTUUID=…, PARTLABEL=… or a path",
        ),
        (
            "PARTLABEL=dump",
            "sda1",
            23,
            "target[1].device: \"sda1\" is no name of a device; use PARTUUID=…, PARTLABEL=…, WWN=…, SERIAL=…,BYTES or a path such as \
             /dev/nvme0n1p2",
        ),
    ] {
        assert_eq!(
            error(from, to),
            format!(
                "the capture configuration: line {line}: {reason}; docs/capture.md lists the keys"
            )
        );
    }
}

#[test]
fn layers_of_targets_and_of_the_logs_place_are_written_as_they_are_read() {
    let text = include_str!("../../../fuzz/corpus/capture_config/volumes");
    let config = Config::parse(text).unwrap();
    let written = config.to_toml().unwrap();
    assert_eq!(Config::parse(&written), Ok(config));
}

#[test]
fn a_path_that_only_udev_or_lvm_makes_is_refused() {
    for bad in ["/dev/disk/by-id/x", "/dev/mapper/vg-root", "/dev/dm-0"] {
        for (good, target) in [
            (
                "UUID=0f1e2d3c-aaaa-bbbb-cccc-0123456789ab",
                "line 14: target[0]",
            ),
            ("PARTLABEL=dump", "line 21: target[1]"),
        ] {
            assert_eq!(
                error(good, bad),
                format!(
                    "the capture configuration: {target}: udev or LVM makes {bad}, and neither runs while a crash is \
                     captured; use UUID=…, PARTUUID=… or the device's own path; docs/capture.md lists the keys"
                )
            );
        }
    }
}

#[test]
fn a_level_that_a_codec_does_not_have_is_refused() {
    for bad in [
        "zstd:20", "zstd:0", "zstd:", "zlib:10", "zlib:-1", "none:1", "",
    ] {
        let text = error("zstd:3", bad);
        assert!(
            text.contains(&format!(": {bad}: no such compression")),
            "{text}"
        );
    }
}

#[test]
fn a_codec_without_a_level_is_that_codec() {
    let of = |text: &str| config("zstd:3", text).dump.compression;
    assert!(matches!(of("zstd"), Compression::Zstd(_)));
    assert!(matches!(of("zlib"), Compression::Zlib(_)));
    assert_eq!(of("zlib:9"), Compression::Zlib(9));
    assert_eq!(of("none"), Compression::None);
}

#[test]
fn the_root_of_a_file_system_is_a_directory_too() {
    let config = config("/var/crash/", "/");
    let Target::Filesystem(target) = &config.target[0] else {
        panic!("{:?}", config.target[0]);
    };
    assert_eq!(target.directory.below_root(), Path::new(""));
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
