//! Machines with entries of every kind.

use super::grub::Menu;
use super::text::Variables;
use super::{Entries, Kind, find};
use crate::crash::fake::{Fake, kernel_image};

const DEBIAN: &str = include_str!("../../tests/fixtures/entries/debian-grub.cfg");
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

fn debian() -> Fake {
    let mut fake = Fake::new().file("boot/grub/grub.cfg", DEBIAN);
    for version in ["6.1.0-13-amd64", "6.1.0-9-amd64", "5.10.0-1-amd64"] {
        fake = fake
            .file(&format!("boot/vmlinuz-{version}"), kernel_image(version))
            .file(&format!("boot/initrd.img-{version}"), "initrd");
    }
    fake
}

fn fedora() -> Fake {
    let mut fake = Fake::new().file("boot/grub2/grub.cfg", FEDORA).file(
        "boot/grub2/grubenv",
        "saved_entry=abc-6.11.3-1.fc41.x86_64\nkernelopts=root=/dev/vda1 ro\n",
    );
    for version in ["6.11.3-1.fc41.x86_64", "6.11.10-1.fc41.x86_64"] {
        fake = fake
            .file(
                &format!("boot/loader/entries/abc-{version}.conf"),
                format!(
                    "title Fedora Linux ({version})\nversion {version}\nlinux /vmlinuz-{version}\n\
                     initrd /initramfs-{version}.img $tuned_initrd\noptions $kernelopts quiet\n"
                ),
            )
            .file(&format!("boot/vmlinuz-{version}"), kernel_image(version))
            .file(&format!("boot/initramfs-{version}.img"), "initrd");
    }
    fake
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
    assert!(found.default_entry().unwrap().id.contains("6.1.0-9-amd64"));
}

#[test]
fn a_fedora_boots_the_saved_entry() {
    let found = entries(&fedora());
    assert_eq!(
        ids(&found),
        [
            "abc-6.11.3-1.fc41.x86_64.conf",
            "abc-6.11.10-1.fc41.x86_64.conf"
        ]
    );
    let default = found.default_entry().unwrap();
    assert_eq!(default.problem, None);
    assert_eq!(default.cmdline.as_deref(), Some("root=/dev/vda1 ro quiet"));
    assert!(found.named("abc-6.11.10-1.fc41.x86_64").is_some());
    let found = entries(&fedora().file("boot/grub2/grubenv", "kernelopts=ro\n"));
    assert_eq!(
        found.default_entry().unwrap().id,
        "abc-6.11.10-1.fc41.x86_64.conf"
    );
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
    assert_eq!(found.entries.len(), 2);
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
        assert!(!menu.default_path(&variables).is_empty());
        for entry in &menu.entries {
            assert!(entry.problem.is_some() || entry.linux.is_some(), "{seed}");
        }
    }
}
