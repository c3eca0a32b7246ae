//! Looks at the machine from inside.

use std::fs::{self, OpenOptions};
use std::io::Read;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use anyhow::Result;
use baton_guest::event::Observation;
use baton_sys::{Root, arch, efivars, keyring, lockdown, memory};
use rustix::fs::OFlags;

/// Everything that is asked of a machine.
pub fn observe() -> Result<Observation> {
    let root = Root::system();
    let keyrings = keyring::read(&root)?;
    let mut keys: Vec<String> = keyrings
        .trusted
        .iter()
        .map(|k| format!("{} {} {}", k.keyring, k.name, k.id))
        .collect();
    keys.sort();
    let mut blacklist = keyrings.blacklist;
    blacklist.sort();
    Ok(Observation {
        release: text("/proc/sys/kernel/osrelease"),
        lockdown: lockdown::read(&root)?.map(|level| format!("{level:?}").to_lowercase()),
        cmdline: text("/proc/cmdline"),
        keys,
        blacklist,
        keys_complete: keyrings.complete,
        efi: Path::new("/sys/firmware/efi").is_dir(),
        secure_boot: efivars::secure_boot(&root)?,
        efi_variables: names("/sys/firmware/efi/efivars").len(),
        acpi_tables: names("/sys/firmware/acpi/tables"),
        mem_total_kib: memory::total(&root)?.unwrap_or(0) / 1024,
        markers: names("/")
            .into_iter()
            .filter(|name| name.starts_with("marker-"))
            .collect(),
        five_level: arch::five_level_paging(&root)?,
        cpus: text("/proc/cpuinfo")
            .lines()
            .filter(|line| line.starts_with("processor"))
            .count(),
        kexec_loaded: flag("loaded"),
        crash_loaded: flag("crash_loaded"),
        vmcore: Path::new("/proc/vmcore").exists(),
        efi_initrd: efi_initrd(),
        efi_messages: efi_messages(),
    })
}

/// From the line in which the kernel lists the EFI tables (efi_config_parse_tables in
/// drivers/firmware/efi/efi.c).
fn efi_initrd() -> Option<u64> {
    let log = kernel_log();
    let mut lines = log.lines().filter(|line| line.contains(";efi: "));
    let (_, address) = lines.find_map(|line| line.split_once(" INITRD=0x"))?;
    let digits = address.split_whitespace().next()?;
    u64::from_str_radix(digits, 16).ok()
}

/// By the word, which other words hold.
fn efi_messages() -> Vec<String> {
    let of_efi = |message: &&str| {
        message
            .split(|c: char| !c.is_ascii_alphanumeric())
            .any(|word| matches!(word, "efi" | "EFI" | "UEFI" | "esrt" | "mokvar"))
    };
    kernel_log()
        .lines()
        .filter_map(|record| record.split_once(';'))
        .map(|(_, message)| message.trim())
        .filter(of_efi)
        .map(String::from)
        .collect()
}

/// What the kernel has said so far, in the records of `/dev/kmsg`
/// (Documentation/ABI/testing/dev-kmsg).
fn kernel_log() -> String {
    let mut log = String::new();
    let without_waiting = i32::try_from(OFlags::NONBLOCK.bits()).unwrap_or_default();
    let mut options = OpenOptions::new();
    let opened = options
        .read(true)
        .custom_flags(without_waiting)
        .open("/dev/kmsg");
    let Ok(mut file) = opened else { return log };
    // Each read gives one record, and an error once there is no more.
    let mut record = vec![0; 8192];
    while let Ok(len) = file.read(&mut record) {
        log.push_str(&String::from_utf8_lossy(&record[..len]));
    }
    log
}

/// Before Linux 6.19 there was no directory `kexec`, but only files that began so.
fn flag(name: &str) -> bool {
    [
        format!("/sys/kernel/kexec/{name}"),
        format!("/sys/kernel/kexec_{name}"),
    ]
    .iter()
    .any(|path| text(path) == "1")
}

/// Memory that a program can take, in bytes.
pub fn free_memory() -> u64 {
    let about = text("/proc/meminfo");
    let line = about.lines().find_map(|line| line.strip_prefix("MemFree:"));
    line.and_then(|l| l.split_whitespace().next())
        .and_then(|n| n.parse::<u64>().ok())
        .unwrap_or(0)
        * 1024
}

/// A small file's text without white space around it; empty where it can't be read.
pub fn text(path: &str) -> String {
    fs::read(path)
        .map(|bytes| String::from_utf8_lossy(&bytes).trim().to_owned())
        .unwrap_or_default()
}

/// Names in a directory, sorted.
pub fn names(directory: &str) -> Vec<String> {
    let Ok(entries) = fs::read_dir(directory) else {
        return Vec::new();
    };
    let mut found: Vec<String> = entries
        .flatten()
        .map(|e| e.file_name().to_string_lossy().into_owned())
        .collect();
    found.sort();
    found
}
