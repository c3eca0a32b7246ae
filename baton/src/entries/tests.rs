//! Machines with entries of every kind.

use super::grub::Menu;
use super::grub::variables::Variables;
use super::once::Once;
use super::{Entries, Entry, Kind, find};
use crate::crash::fake::{Fake, kernel_image};

const DEBIAN: &str = include_str!("../../tests/fixtures/entries/debian-grub.cfg");
const DEBIAN_13: &str = include_str!("../../tests/fixtures/entries/debian-13-grub.cfg");
const FEDORA: &str = include_str!("../../tests/fixtures/entries/fedora-grub.cfg");
const UKI: &[u8] = include_bytes!("../../../tests/golden/uki.efi");
const LOADER: &str = "4a67b082-0a4c-41cf-b6c7-440b29bb8c4f";

fn entries(fake: &Fake) -> Entries {
    find::entries(&fake.root()).unwrap()
}

fn ids(found: &Entries) -> Vec<&str> {
    found.entries.iter().map(|it| it.id.as_str()).collect()
}

fn with_variable(fake: Fake, name: &str, value: &str) -> Fake {
    let mut bytes = vec![6, 0, 0, 0];
    for unit in value.encode_utf16().chain([0]) {
        bytes.extend(unit.to_le_bytes());
    }
    fake.file(&format!("sys/firmware/efi/efivars/{name}-{LOADER}"), bytes)
}

/// Debian 12: all in one file system, mounted at the root, but for that of EFI.
fn debian() -> Fake {
    let mut fake = Fake::new()
        .file("boot/grub/grub.cfg", DEBIAN)
        .file(
            "boot/efi/EFI/debian/grub.cfg",
            "configfile $prefix/grub.cfg\n",
        )
        .file("dev/vda2", "")
        .link(
            "dev/disk/by-uuid/8f1c2d3e-0000-4000-8000-000000000001",
            "dev/vda2",
        )
        .mount("22 1 254:2 / / rw,relatime shared:1 - ext4 /dev/vda2 rw")
        .mount("30 22 254:1 / /boot/efi rw - vfat /dev/vda1 rw");
    for version in ["6.1.0-13-amd64", "6.1.0-9-amd64", "5.10.0-1-amd64"] {
        fake = fake
            .file(&format!("boot/vmlinuz-{version}"), kernel_image(version))
            .file(&format!("boot/initrd.img-{version}"), "initrd");
    }
    fake
}

/// Debian 13 on an encrypted volume, with /boot beside it, and another Linux whose root is mounted.
fn debian_13() -> Fake {
    let mut fake = Fake::new()
        .file("boot/grub/grub.cfg", DEBIAN_13)
        .file(
            "boot/efi/EFI/debian/grub.cfg",
            "configfile $prefix/grub.cfg\n",
        )
        .file("mnt/boot/vmlinuz-other", kernel_image("other"))
        .file("mnt/boot/initrd-other", "initrd")
        .mount("22 1 253:1 / / rw,relatime shared:1 - ext4 /dev/mapper/debian--vg-root rw")
        .mount("29 22 254:2 / /boot rw - ext4 /dev/vda2 rw")
        .mount("30 29 254:1 / /boot/efi rw - vfat /dev/vda1 rw")
        .mount("31 22 254:4 / /mnt rw - ext4 /dev/vda4 rw");
    for (disk, uuid) in [
        ("vda1", "1234-ABCD"),
        ("vda2", "13000000-0000-4000-8000-000000000002"),
        ("vda4", "13000000-0000-4000-8000-000000000004"),
    ] {
        fake = fake
            .file(&format!("dev/{disk}"), "")
            .link(&format!("dev/disk/by-uuid/{uuid}"), &format!("dev/{disk}"));
    }
    for version in ["6.12.48+deb13-amd64", "6.12.43+deb13-amd64"] {
        fake = fake
            .file(&format!("boot/vmlinuz-{version}"), kernel_image(version))
            .file(&format!("boot/initrd.img-{version}"), "initrd");
    }
    with_variable(fake, "LoaderInfo", "GRUB 2.12-9+deb13u1")
}

const FEDORAS: [&str; 3] = [
    "6.11.3-300.fc41.x86_64",
    "6.11.10-300.fc41.x86_64",
    "0-rescue",
];

/// Fedora 41: /boot is a partition of its own, with the entries that its GRUB reads.
fn fedora() -> Fake {
    let mut fake = Fake::new()
        .file("boot/grub2/grub.cfg", FEDORA)
        .file("boot/efi/EFI/fedora/grub.cfg", "configfile $prefix/grub.cfg\n")
        .file(
            "boot/grub2/grubenv",
            "# GRUB Environment Block\nsaved_entry=6abc-6.11.3-300.fc41.x86_64\nboot_success=1\n###",
        )
        .mount("22 1 0:33 /root / rw shared:1 - btrfs /dev/vda3 rw,subvol=/root")
        .mount("29 22 254:2 / /boot rw - ext4 /dev/vda2 rw")
        .mount("30 29 254:1 / /boot/efi rw - vfat /dev/vda1 rw");
    for version in FEDORAS {
        fake = fake
            .file(
                &format!("boot/loader/entries/6abc-{version}.conf"),
                format!(
                    "title Fedora Linux ({version}) 41 (Forty One)\nversion {version}\n\
                     linux /vmlinuz-{version}\n\
                     initrd /initramfs-{version}.img $tuned_initrd\n\
                     options $kernelopts rootflags=subvol=root $tuned_params\n\
                     grub_users $grub_users\ngrub_arg --unrestricted\ngrub_class fedora\n"
                ),
            )
            .file(&format!("boot/vmlinuz-{version}"), kernel_image(version))
            .file(&format!("boot/initramfs-{version}.img"), "initrd");
    }
    with_variable(fake, "LoaderInfo", "GRUB 2.12")
}

/// Arch: systemd-boot, with UKIs of mkinitcpio on the partition of EFI, and an entry of the older way.
fn arch() -> Fake {
    let fake = Fake::new()
        .file("efi/EFI/Linux/arch-linux.efi", UKI)
        .file("efi/EFI/Linux/arch-linux-fallback.efi", UKI)
        .file("efi/EFI/systemd/systemd-bootx64.efi", "MZ")
        .file(
            "efi/loader/loader.conf",
            "timeout 3\ndefault arch-linux.efi\n",
        )
        .file(
            "efi/loader/entries/arch-lts.conf",
            "title Arch Linux (lts)\nlinux /vmlinuz-linux-lts\n\
             initrd /intel-ucode.img\ninitrd /initramfs-linux-lts.img\noptions root=/dev/vda2 rw\n",
        )
        .file("efi/vmlinuz-linux-lts", kernel_image("6.6.60-1-lts"))
        .file("efi/intel-ucode.img", "microcode")
        .file("efi/initramfs-linux-lts.img", "initrd")
        .mount("22 1 254:2 / / rw shared:1 - ext4 /dev/vda2 rw")
        .mount("30 22 254:1 / /efi rw - vfat /dev/vda1 rw");
    with_variable(fake, "LoaderInfo", "systemd-boot 257.1-1-arch")
}

/// What takes the place of a default that doesn't come up, in this order.
fn after_default(found: &Entries) -> Vec<&str> {
    found
        .in_place_of_default()
        .map(|it| it.id.as_str())
        .collect()
}

fn default(found: &Entries) -> &Entry {
    found.default_entry().unwrap()
}

#[test]
fn a_debian_boots_its_menus_first_entry_and_the_kernel_that_no_entry_names_comes_last() {
    let found = entries(&debian());
    assert!(found.notes.is_empty(), "{:?}", found.notes);
    let first = &found.entries[0];
    assert!(first.is_default && first.id.starts_with("gnulinux-simple-"));
    assert_eq!(first.kind, Kind::Grub);
    assert_eq!(first.problem, None);
    assert_eq!(first.version.as_deref(), Some("6.1.0-13-amd64"));
    assert_eq!(
        first.kernel.as_ref().unwrap().to_str(),
        Some("/boot/vmlinuz-6.1.0-13-amd64")
    );
    let last = found.entries.last().unwrap();
    assert_eq!(last.id, "vmlinuz-5.10.0-1-amd64");
    assert_eq!(
        last.cmdline.as_deref(),
        Some("root=/dev/vda1 ro quiet console=ttyS0")
    );
    assert_eq!(last.initrds.len(), 1);
    assert_eq!(found.entries.len(), 6);
}

#[test]
fn the_variable_that_grub_was_given_for_the_next_boot_counts() {
    let fake = debian().file(
        "boot/grub/grubenv",
        "# GRUB Environment Block\nnext_entry=1>2\n",
    );
    let found = entries(&fake);
    assert!(default(&found).id.contains("6.1.0-9-amd64"));
    assert_eq!(found.once, Some(Once::NextEntry("1>2".to_owned())));
    assert_eq!(entries(&debian()).once, None);
}

#[test]
fn another_kernel_of_the_same_system_may_take_the_defaults_place_an_older_one_first() {
    let found = entries(&debian_13());
    let uuid = "13000000-0000-4000-8000-00000000000f";
    let kernel =
        |version: &str, kind: &str| format!("gnulinux-{version}+deb13-amd64-{kind}-{uuid}");
    let all = [
        kernel("6.12.48", "advanced"),
        kernel("6.12.48", "recovery"),
        kernel("6.12.43", "advanced"),
    ];
    assert_eq!(after_default(&found), all);
    let fake = debian_13().file("boot/grub/grubenv", "saved_entry=1>1\n");
    let found = entries(&fake);
    let simple = format!("gnulinux-simple-{uuid}");
    let expected = [&kernel("6.12.43", "advanced"), &simple, &all[0]];
    assert_eq!(after_default(&found), expected);
    let found = entries(&fedora());
    assert_eq!(
        after_default(&found),
        ["6abc-0-rescue.conf", "6abc-6.11.10-300.fc41.x86_64.conf"]
    );
    assert_eq!(after_default(&Entries::default()), [""; 0]);
}

#[test]
fn a_debian_13_boots_the_saved_entry_of_its_own_boot_partition() {
    let found = entries(&debian_13());
    assert!(found.notes.is_empty(), "{:?}", found.notes);
    let first = default(&found);
    assert_eq!(first.problem, None);
    assert_eq!(
        first.kernel.as_ref().unwrap().to_str(),
        Some("/boot/vmlinuz-6.12.48+deb13-amd64")
    );
    assert_eq!(
        first.cmdline.as_deref(),
        Some("root=/dev/mapper/debian--vg-root ro quiet")
    );
    let other = found.named("Other Linux (on /dev/vda4)").unwrap();
    assert_eq!(
        other.kernel.as_ref().unwrap().to_str(),
        Some("/mnt/boot/vmlinuz-other")
    );
    let uuid = "13000000-0000-4000-8000-00000000000f";
    let saved = format!(
        "saved_entry=gnulinux-advanced-{uuid}>gnulinux-6.12.43+deb13-amd64-advanced-{uuid}\n"
    );
    let found = entries(&debian_13().file("boot/grub/grubenv", saved));
    assert!(default(&found).id.contains("6.12.43"));
    // The entry is gone, and GRUB takes the first.
    let gone = "saved_entry=gnulinux-6.12.38\n";
    let found = entries(&debian_13().file("boot/grub/grubenv", gone));
    assert!(default(&found).id.starts_with("gnulinux-simple"));
}

#[test]
fn a_disk_that_is_not_there_is_no_reason_to_take_another() {
    let fake = debian_13();
    fake.remove("dev/disk/by-uuid/13000000-0000-4000-8000-000000000002");
    let found = entries(&fake);
    let first = default(&found);
    assert!(first.id.starts_with("gnulinux-simple"));
    let why = first.problem.as_deref().unwrap();
    assert!(
        why.contains("the UUID 13000000-0000-4000-8000-000000000002, which isn't there"),
        "{why}"
    );
}

#[test]
fn entries_of_the_owners_own_file_belong_to_the_menu() {
    let fake = debian_13().file(
        "boot/grub/custom.cfg",
        "set default=mine\nmenuentry mine {\nlinux /vmlinuz-6.12.43+deb13-amd64 mine\n}\n",
    );
    let found = entries(&fake);
    assert_eq!(default(&found).id, "mine");
    assert_eq!(default(&found).problem.as_deref(), None);
}

#[test]
fn of_entries_with_the_same_name_the_one_is_the_default_that_grub_counts_to() {
    let entry = |number: u32| format!("menuentry same --id same {{\nlinux /vmlinuz-{number}\n}}\n");
    let menu = [1, 2, 3].map(entry).concat();
    for (value, kernel) in [("0", 1), ("1", 2), ("2", 3), ("same", 1), ("7", 1)] {
        let mut fake =
            Fake::new().file("boot/grub/grub.cfg", format!("set default={value}\n{menu}"));
        for number in 1..=3 {
            fake = fake.file(&format!("boot/vmlinuz-{number}"), "k");
        }
        let found = entries(&fake);
        let path = format!("/boot/vmlinuz-{kernel}");
        assert_eq!(
            default(&found).kernel.as_ref().unwrap().to_str(),
            Some(&path[..]),
            "{value}"
        );
        assert_eq!(found.entries.iter().filter(|it| it.is_default).count(), 1);
    }
}

#[test]
fn a_default_that_conditions_decide_is_not_guessed() {
    let fake = Fake::new().file(
        "boot/grub/grub.cfg",
        "if cmostest 84:1; then\nset default=1\nfi\nmenuentry a {\nlinux /k\n}\n",
    );
    let found = entries(&fake);
    assert!(found.default_entry().is_none());
    let why = found.default_problem.unwrap();
    assert_eq!(
        why,
        "GRUB's default: conditions in grub.cfg decide what it is"
    );
}

#[test]
fn a_fedora_boots_the_saved_entry() {
    let found = entries(&fedora());
    assert_eq!(
        ids(&found),
        [
            "6abc-6.11.3-300.fc41.x86_64.conf",
            "6abc-6.11.10-300.fc41.x86_64.conf",
            "6abc-0-rescue.conf",
            "uefi-firmware",
        ]
    );
    let first = default(&found);
    assert_eq!(first.problem, None);
    assert_eq!(
        first.cmdline.as_deref(),
        Some("root=UUID=0f1c2d3e-0000-4000-8000-000000000003 ro rhgb quiet rootflags=subvol=root")
    );
    assert!(found.named("6abc-6.11.10-300.fc41.x86_64").is_some());
    for (environment, id) in [
        // The newest.
        ("boot_success=1\n", "6abc-6.11.10-300.fc41.x86_64.conf"),
        ("saved_entry=1\n", "6abc-6.11.3-300.fc41.x86_64.conf"),
        ("saved_entry=2\n", "6abc-0-rescue.conf"),
        (
            "saved_entry=Fedora Linux (0-rescue) 41 (Forty One)\n",
            "6abc-0-rescue.conf",
        ),
        ("saved_entry=gone\n", "6abc-6.11.10-300.fc41.x86_64.conf"),
        ("kernelopts=ro\n", "6abc-6.11.10-300.fc41.x86_64.conf"),
    ] {
        let found = entries(&fedora().file("boot/grub2/grubenv", environment));
        assert_eq!(default(&found).id, id, "{environment}");
    }
}

#[test]
fn an_arch_boots_the_uki_that_its_boot_loader_would() {
    let found = entries(&arch());
    assert!(found.notes.is_empty(), "{:?}", found.notes);
    assert_eq!(default(&found).id, "arch-linux.efi");
    assert_eq!(default(&found).cmdline, None);
    let lts = found.named("arch-lts").unwrap();
    assert_eq!(lts.problem, None);
    assert_eq!(lts.initrds.len(), 2);
    let fake = with_variable(arch(), "LoaderEntryOneShot", "arch-lts.conf");
    let found = entries(&fake);
    assert_eq!(default(&found).id, "arch-lts.conf");
    let once = Once::LoaderEntryOneShot("arch-lts.conf".to_owned());
    assert_eq!(found.once, Some(once));
}

#[test]
fn a_menu_that_cannot_be_read_leaves_the_default_open() {
    let fake = Fake::new()
        .directory("boot/grub/grub.cfg")
        .file("boot/vmlinuz-1", "k");
    let found = entries(&fake);
    assert_eq!(ids(&found), ["vmlinuz-1"]);
    assert!(found.default_entry().is_none());
    let why = found.default_problem.as_deref();
    assert_eq!(why, Some("/boot/grub/grub.cfg can't be read"));
}

#[test]
fn a_menu_that_grub_left_behind_is_listed_and_says_nothing() {
    let fake = arch()
        .file(
            "boot/grub/grub.cfg",
            "set default=1\nmenuentry a {\nlinux /k\n}\nblscfg\n",
        )
        .file("boot/k", "k");
    let found = entries(&fake);
    assert_eq!(default(&found).id, "arch-linux.efi");
    assert_eq!(found.named("a").unwrap().problem, None);
}

#[test]
fn a_place_that_cannot_be_read_leaves_the_default_open() {
    use std::fs::{Permissions, set_permissions};
    use std::os::unix::fs::PermissionsExt;
    let fake = arch();
    set_permissions(fake.path("efi"), Permissions::from_mode(0o000)).unwrap();
    let is_root = std::fs::read_dir(fake.path("efi")).is_ok();
    let found = entries(&fake);
    set_permissions(fake.path("efi"), Permissions::from_mode(0o755)).unwrap();
    // Root reads it all the same.
    if !is_root {
        assert!(found.default_entry().is_none());
        let why = found.default_problem.unwrap();
        assert!(why.starts_with("/efi can't be read: "), "{why}");
    }
}

fn systemd_boot() -> Fake {
    Fake::new()
        .file("efi/EFI/Linux/image-1.efi", UKI)
        .file("efi/EFI/Linux/broken.efi", "MZ")
        .file("efi/loader/loader.conf", "timeout 3\ndefault old-*\n")
        .file(
            "efi/loader/entries/new-2+3-1.conf",
            "title New\nlinux /a/linux\noptions root=/dev/vda1 ro\n",
        )
        .file("efi/loader/entries/old-0.conf", "linux /gone\n")
        .file(
            "efi/loader/entries/old-1.conf",
            "linux /a/linux\ninitrd /empty\noptions x\n",
        )
        .file("efi/empty", "")
        .file("efi/a/linux", kernel_image("6.1.0-test"))
}

#[test]
fn entries_of_systemd_boot_are_listed_with_what_they_lack() {
    let found = entries(&systemd_boot());
    assert_eq!(found.default_entry().unwrap().id, "old-1.conf");
    let problem = |id: &str| found.named(id).unwrap().problem.clone();
    assert_eq!(problem("old-0").as_deref(), Some("/gone isn't there"));
    assert!(found.named("old-1").unwrap().initrds.is_empty());
    assert!(problem("broken.efi").unwrap().contains("no UKI"));
    assert_eq!(problem("new-2.conf"), None);
    assert_eq!(found.named("new-2.conf").unwrap().tries_left, Some(3));
    assert_eq!(problem("image-1.efi"), None);
    assert!(found.named("image-1.efi@1").is_some());
    assert_eq!(found.named("image-1.efi@2").unwrap().profile, 2);
    assert_eq!(found.named("image-1.efi@rescue").unwrap().profile, 1);
}

#[test]
fn the_variables_of_the_boot_loader_come_before_its_configuration() {
    let fake = with_variable(systemd_boot(), "LoaderEntryDefault", "new-2.conf");
    assert_eq!(entries(&fake).default_entry().unwrap().id, "new-2.conf");
    let fake = with_variable(fake, "LoaderEntryOneShot", "image-1.efi@rescue");
    assert_eq!(
        entries(&fake).default_entry().unwrap().id,
        "image-1.efi@rescue"
    );
}

#[test]
fn what_is_running_is_known_by_release_and_command_line() {
    let running = "6.1.0-13-amd64";
    let uuid = "8f1c2d3e-0000-4000-8000-000000000001";
    let fake = debian()
        .file("proc/sys/kernel/osrelease", format!("{running}\n"))
        .file(
            "proc/cmdline",
            format!("BOOT_IMAGE=/boot/vmlinuz-{running} root=UUID={uuid} ro single\n"),
        );
    let found = entries(&fake);
    let running: Vec<_> = found.entries.iter().filter(|it| it.is_running).collect();
    assert_eq!(running.len(), 1);
    assert!(running[0].id.contains("recovery"));
}

#[test]
fn a_machine_without_any_has_none() {
    let found = entries(&Fake::new());
    assert_eq!(found, Entries::default());
}

#[test]
fn what_cannot_be_read_is_noted_and_hides_nothing() {
    let fake = fedora()
        .directory("boot/loader/entries/directory.conf")
        .file("boot/grub2/grub.cfg", format!("{FEDORA}\nmenuentry 'x"));
    let found = entries(&fake);
    assert_eq!(found.entries.len(), 4);
    assert_eq!(found.notes.len(), 2, "{:?}", found.notes);
}

/// Bytes taken out, doubled and changed, the same at every run.
fn damaged(whole: &str, seed: u32) -> String {
    let mut bytes = whole.as_bytes().to_vec();
    let mut state = seed.wrapping_mul(0x9e37_79b9) | 1;
    let mut random = |below: usize| {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        usize::try_from(state).unwrap() % below
    };
    for _ in 0..=random(8) {
        let at = random(bytes.len());
        let len = random(40).min(bytes.len() - at);
        match random(3) {
            0 => drop(bytes.drain(at..at + len)),
            1 => bytes[at] = b"{}'\"\\\n $;#\0"[random(11)],
            _ => {
                let part = bytes[at..at + len].to_vec();
                bytes.splice(at..at, part);
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[test]
fn a_damaged_menu_is_read_as_far_as_it_goes() {
    let variables = Variables::of_environment("kernelopts=ro\n");
    for seed in 1..2000 {
        let menu = Menu::parse(&damaged(DEBIAN, seed), &variables);
        let _ = menu.default_entry(&[]);
        for entry in &menu.entries {
            assert!(entry.problem.is_some() || entry.linux.is_some(), "{seed}");
        }
    }
}
