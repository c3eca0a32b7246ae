use super::*;
use crate::crash::cpio::entries;
use crate::crash::fake::{Fake, RELEASE, static_program};

fn machine() -> Fake {
    Fake::new()
        .with_kernel()
        .with_modules()
        .with_virtio_blk()
        .file("capture", static_program())
}

fn sources(fake: &Fake, config: Option<&str>) -> CaptureSources {
    if let Some(text) = config {
        fake.set("crash.toml", text);
    }
    CaptureSources {
        config: config.map(|_| fake.path("crash.toml")),
        capture: fake.path("capture"),
    }
}

fn made(fake: &Fake, config: Option<&str>) -> Result<Prepared> {
    prepare(&fake.root(), &sources(fake, config), None)
}

#[test]
fn without_a_word_it_writes_to_var_crash() {
    let prepared = made(&machine(), None).unwrap();
    let listing: Vec<String> = entries(&prepared.initramfs)
        .iter()
        .map(|(path, mode, device, bytes)| {
            let size = if path.ends_with(".toml") {
                0
            } else {
                bytes.len()
            };
            format!("{mode:06o} {}:{} {size:>4} {path}", device.0, device.1)
        })
        .collect();
    let golden = "\
040700 0:0    0 dev
040700 0:0    0 etc
040700 0:0    0 etc/baton
040700 0:0    0 lib
040700 0:0    0 lib/modules
040700 0:0    0 proc
040700 0:0    0 sys
020600 5:1    0 dev/console
020600 1:3    0 dev/null
100755 0:0  128 init
100600 0:0    0 etc/baton/capture.toml
100600 0:0   29 lib/modules/virtio.ko
100600 0:0   34 lib/modules/virtio_ring.ko
100600 0:0   33 lib/modules/virtio_pci.ko
100600 0:0   32 lib/modules/virtio_blk.ko
100600 0:0   29 lib/modules/crc32c_generic.ko
100600 0:0   17 lib/modules/crc16.ko
100600 0:0   18 lib/modules/mbcache.ko
100600 0:0   20 lib/modules/jbd2.ko
100600 0:0   20 lib/modules/ext4.ko";
    assert_eq!(listing.join("\n"), golden);
    assert_eq!(prepared.source, None);
}

#[test]
fn the_configuration_in_it_is_the_one_that_was_judged() {
    let prepared = made(&machine(), None).unwrap();
    let entries = entries(&prepared.initramfs);
    let (_, _, _, text) = entries
        .iter()
        .find(|(path, ..)| path.ends_with(".toml"))
        .unwrap();
    let read = Config::parse(std::str::from_utf8(text).unwrap()).unwrap();
    assert_eq!(read, prepared.config);
    let archived: Vec<_> = entries.iter().map(|(it, ..)| format!("/{it}")).collect();
    let mut files = read.modules.iter().map(|file| file.path());
    assert!(
        files.all(|file| archived.iter().any(|it| file == it)),
        "{:?}",
        read.modules
    );
    let baton_capture::target::Target::Filesystem(target) = &read.target[0] else {
        panic!("no file system");
    };
    let uuid = "UUID=5f1d9a3c-0c1e-4f5c-9d55-000000000001";
    assert_eq!(target.device.to_string(), uuid);
    assert_eq!(target.directory.to_string(), "/var/crash");
}

#[test]
fn the_same_machine_gives_the_same_bytes() {
    let fake = machine();
    let (first, second) = (made(&fake, None).unwrap(), made(&fake, None).unwrap());
    assert_eq!(first.initramfs, second.initramfs);
    assert_eq!(first.parts, second.parts);
}

#[test]
fn what_changes_is_named_by_its_part() {
    let fake = machine();
    let before = made(&fake, None).unwrap();
    let changed = |config: Option<&str>| {
        let now = made(&fake, config).unwrap();
        crate::crash::record::Record::new(&before, false).changed(&now.parts)
    };
    assert_eq!(changed(Some("keep = 9")), ["configuration"]);
    assert_eq!(changed(Some("kernel.cpus = 2")), ["command line"]);
    let module = format!("lib/modules/{RELEASE}/kernel/fs/mbcache.ko");
    fake.set(&module, "\x7fELF other");
    assert_eq!(changed(None), ["module mbcache"]);
}

#[test]
fn memory_and_processors_that_come_are_a_change_unless_the_kernel_sees_to_it() {
    let fake = machine()
        .file("proc/iomem", "00100000-3fffffff : System RAM\n")
        .file("sys/devices/system/cpu/present", "0-1\n");
    let before = made(&fake, None).unwrap();
    let changed = || {
        let now = made(&fake, None).unwrap();
        crate::crash::record::Record::new(&before, false).changed(&now.parts)
    };
    assert!(changed().is_empty());
    fake.set("proc/iomem", "00100000-7fffffff : System RAM\n");
    fake.set("sys/devices/system/cpu/present", "0-2\n");
    assert_eq!(changed(), ["memory", "processors"]);
    // Once something is loaded, kernels that keep it up to date say so; before that they don't.
    fake.set("sys/devices/system/memory/crash_hotplug", "1\n");
    fake.set("sys/devices/system/cpu/crash_hotplug", "1\n");
    let record = crate::crash::record::Record::new(&before, false);
    let now = prepare(&fake.root(), &sources(&fake, None), Some(&record)).unwrap();
    assert!(record.changed(&now.parts).is_empty());
}

#[test]
fn a_volume_that_changes_is_named_and_is_the_same_for_a_dump_and_for_the_log() {
    let config = "[[target]]\nkind = \"mounted\"\ndirectory = \"/srv\"\n\
        [log]\nkind = \"filesystem\"\ndevice = \"LABEL=dumps\"\ndirectory = \"/\"\n";
    let fake = machine().with_logical_volume();
    let before = made(&fake, Some(config)).unwrap();
    let place = before.config.log.as_ref().unwrap();
    let baton_capture::target::Target::Filesystem(target) = &before.config.target[0] else {
        panic!("no file system");
    };
    assert_eq!(target.layers, place.layers);
    assert!(before.modules.iter().any(|it| it == "dm_mod"));
    let told = before.targets[0].describe();
    assert!(told.contains("on vg0-crash (UUID=5a5a"), "{told}");
    assert!(
        told.contains("vg0-crash is linear on sda1, nvme0n1p1"),
        "{told}"
    );
    fake.set(
        "sys/devices/virtual/block/dm-0/dm/table",
        "0 122880 linear 8:1 2048\n122880 8192 linear 259:1 2048\n",
    );
    let now = made(&fake, Some(config)).unwrap();
    let changed = crate::crash::record::Record::new(&before, false).changed(&now.parts);
    assert_eq!(changed, ["configuration", "volume vg0-crash"]);
}

#[test]
fn a_target_that_can_not_be_used_is_left_out_if_another_can() {
    let both = "[[target]]\nkind = \"raw\"\ndevice = \"PARTUUID=gone\"\n\
        [[target]]\nkind = \"mounted\"\ndirectory = \"/\"\n";
    let prepared = made(&machine(), Some(both)).unwrap();
    assert_eq!(prepared.targets.len(), 1);
    assert_eq!(prepared.left_out[0].word(), "no-device");
    let gone = made(
        &machine(),
        Some("[[target]]\nkind = \"raw\"\ndevice = \"PARTUUID=gone\"\n[log]\nkind = \"none\"\n"),
    );
    assert_eq!(gone.map(|_| ()).unwrap_err().word(), "no-device");
}

#[test]
fn the_log_has_a_place_besides_where_the_targets_are_elsewhere() {
    let log = |config: &str| made(&machine(), Some(config)).unwrap().config.log;
    assert!(log("").is_none(), "it is the file system of /var/crash");
    let same =
        "[[target]]\nkind = \"filesystem\"\ndevice = \"PARTUUID=part-vda1\"\ndirectory = \"/\"\n";
    assert!(
        log(same).is_none(),
        "it is that file system by another name"
    );
    let gone = "[[target]]\nkind = \"raw\"\ndevice = \"PARTUUID=gone\"\n";
    let place = log(gone).unwrap();
    assert_eq!(place.directory.path().to_str(), Some("/boot/crash"));
    let named = "[log]\nkind = \"mounted\"\ndirectory = \"/var/logs\"\n";
    let place = log(named).unwrap();
    assert_eq!(place.directory.path().to_str(), Some("/var/logs"));
    let prepared = made(
        &machine(),
        Some("[log]\nkind = \"filesystem\"\ndevice = \"UUID=gone\"\ndirectory = \"/\"\n"),
    );
    let prepared = prepared.unwrap();
    assert_eq!(prepared.left_out[0].word(), "no-device");
    assert!(prepared.config.log.is_none() && prepared.targets.len() == 1);
}

#[test]
fn what_the_capture_program_would_refuse_is_refused_with_the_files_name() {
    for (config, words) in [
        ("keep = 0", "line 1: keep is 0; it must be a number from 1"),
        (
            "deadline = 0",
            "line 1: deadline is 0; it must be a number from 10 to 86400",
        ),
        (
            "[dump]\ncompression = \"lz5\"",
            "line 2: dump.compression: lz5",
        ),
        ("[dump]\nformat = \"pdf\"", "line 2: dump.format is \"pdf\""),
        (
            "[dump]\nformat = \"elf\"\ncompression = \"zstd:3\"",
            "line 1: dump: ELF dumps aren't compressed",
        ),
        (
            "[[target]]\nkind = \"raw\"\ndevice = \"UUID=1\"",
            "line 3: target[0].device: \"UUID=1\" names the file system",
        ),
        (
            "[[target]]\nkind = \"filesystem\"\ndevice = \"/dev/vda1\"\nfilesystem = \"ext4\"\noptions = \"ro\"\ndirectory = \"/\"",
            "line 5: target[0].options: the mount option \"ro\"",
        ),
    ] {
        let failure = made(&machine(), Some(config)).unwrap_err();
        assert_eq!(failure.word(), "crash-config");
        assert!(failure.to_string().contains("crash.toml: "), "{failure}");
        assert!(failure.to_string().contains(words), "{failure}");
        assert_eq!(failure.to_string().lines().count(), 1, "{failure}");
    }
}

#[test]
fn each_thing_that_is_missing_has_its_reason() {
    let fake = machine();
    fake.remove("capture");
    assert_eq!(made(&fake, None).unwrap_err().word(), "no-program");
    let fake = machine();
    fake.remove(&format!("lib/modules/{RELEASE}/modules.dep"));
    assert_eq!(made(&fake, None).unwrap_err().word(), "no-modules");
    let fake = machine();
    fake.remove(&format!("lib/modules/{RELEASE}/kernel/fs/ext4/ext4.ko"));
    let failure = made(&fake, None).unwrap_err();
    assert_eq!(failure.word(), "no-module");
    assert!(failure.to_string().contains("ext4.ko"), "{failure}");
}
