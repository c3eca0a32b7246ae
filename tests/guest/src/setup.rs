//! Makes an empty machine usable: file systems, module, disks.

use std::ffi::CString;
use std::fs::{self, File};
use std::io::Read;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use baton_guest::script::{
    DISK_SIZE, EARLY_MODULES, MODULES, PAYLOAD, PAYLOAD_SERIAL, SCRIPT_SERIAL, Script,
    target_serial,
};
use rustix::io::Errno;
use rustix::mount::{MountFlags, mount};

/// Disks are found by the kernel while init already runs.
const DISK_TIMEOUT: Duration = Duration::from_secs(20);

/// Mounts what the kernel shows of itself.
pub fn mount_kernel_file_systems() -> Result<()> {
    for (kind, place) in [
        ("proc", "/proc"),
        ("sysfs", "/sys"),
        ("devtmpfs", "/dev"),
        ("securityfs", "/sys/kernel/security"),
        ("tmpfs", "/tmp"),
        ("tmpfs", "/run"),
    ] {
        fs::create_dir_all(place)?;
        mount_as(kind, kind, place).with_context(|| format!("mounting {place}"))?;
    }
    Ok(())
}

/// Makes EFI variables readable, where the machine has EFI.
pub fn load_efivarfs() -> Result<()> {
    let place = "/sys/firmware/efi/efivars";
    if !Path::new(place).is_dir() {
        return Ok(());
    }
    let module = File::open("/efivarfs.ko").context("/efivarfs.ko")?;
    rustix::system::finit_module(&module, c"", 0).context("loading efivarfs.ko")?;
    match mount_as("efivarfs", "efivarfs", place) {
        // There is EFI, but without its runtime services (efi=noruntime).
        Err(error) if error.downcast_ref() == Some(&Errno::OPNOTSUPP) => Ok(()),
        result => result.context("mounting efivarfs"),
    }
}

/// Puts this very program where `baton exec` looks for systemd's.
pub fn stand_in_for_systemctl() -> Result<()> {
    fs::create_dir_all("/bin")?;
    Ok(symlink("/init", "/bin/systemctl")?)
}

/// Mounts the disk with what scenarios load.
pub fn mount_payload() -> Result<()> {
    fs::create_dir_all(PAYLOAD)?;
    let disk = disk(PAYLOAD_SERIAL)?;
    mount(&disk, PAYLOAD, "ext4", MountFlags::RDONLY, None)
        .with_context(|| format!("mounting {}", disk.display()))?;
    // Where stock kexec looks for its libraries.
    for directory in ["lib", "lib64", "usr"] {
        symlink(
            format!("{PAYLOAD}/system/{directory}"),
            format!("/{directory}"),
        )?;
    }
    Ok(())
}

/// Loads a module and what it needs, where they aren't there yet.
pub fn load_module(name: &str) -> Result<()> {
    let release = crate::observe::text("/proc/sys/kernel/osrelease");
    load_all(Path::new(&format!("{MODULES}/{release}/{name}")))
}

/// Loads what the initrd brings for a kernel that finds its disks by modules.
pub fn load_early_modules() -> Result<()> {
    let directory = Path::new("/").join(EARLY_MODULES);
    if directory.is_dir() {
        load_all(&directory)?;
    }
    Ok(())
}

fn load_all(directory: &Path) -> Result<()> {
    let mut files: Vec<PathBuf> = fs::read_dir(directory)
        .with_context(|| directory.display().to_string())?
        .map(|entry| Ok(entry?.path()))
        .collect::<Result<_>>()?;
    files.sort();
    for file in files {
        match rustix::system::finit_module(File::open(&file)?, c"", 0) {
            Err(Errno::EXIST) => {}
            result => result.with_context(|| file.display().to_string())?,
        }
    }
    Ok(())
}

/// Mounts a disk for crash dumps.
pub fn mount_target(number: usize, filesystem: &str, place: &str) -> Result<()> {
    fs::create_dir_all(place)?;
    let disk = disk(&target_serial(number))?;
    let kind = CString::new(filesystem)?;
    mount(&disk, place, kind.as_c_str(), MountFlags::empty(), None)
        .with_context(|| format!("mounting {}", disk.display()))
}

/// Makes a link to a disk for crash dumps, or to its first partition.
pub fn link_target(number: usize, is_partition: bool, path: &str) -> Result<()> {
    let mut device = disk(&target_serial(number))?.into_os_string();
    if is_partition {
        // The kernel's names of NVMe disks end with a number, so that there is a letter between.
        device.push("p1");
    }
    symlink(&device, path).with_context(|| path.to_owned())
}

/// Reads the script from its disk.
pub fn read_script() -> Result<Script> {
    let disk = disk(SCRIPT_SERIAL)?;
    let mut bytes = vec![0; DISK_SIZE];
    File::open(&disk)?
        .read_exact(&mut bytes)
        .with_context(|| format!("reading {}", disk.display()))?;
    let json = bytes.split(|byte| *byte == 0).next().unwrap_or_default();
    serde_json::from_slice(json).context("the script's disk")
}

/// Switches the machine off.
pub fn power_off() -> ! {
    rustix::fs::sync();
    let _ = rustix::system::reboot(rustix::system::RebootCommand::PowerOff);
    // Without ACPI it stays on; the host's time limit ends it.
    loop {
        sleep(Duration::from_secs(3600));
    }
}

fn mount_as(kind: &str, source: &str, place: &str) -> Result<()> {
    let (kind, source) = (CString::new(kind)?, CString::new(source)?);
    Ok(mount(
        source.as_c_str(),
        place,
        kind.as_c_str(),
        MountFlags::empty(),
        None,
    )?)
}

/// A virtio disk has it itself, an NVMe disk's controller has it, a SCSI or SATA disk its page 0x80 of vital product data,
/// after four bytes (SPC-4, 7.8.15).
fn serials(disk: &str) -> [String; 3] {
    let place = |name| format!("/sys/class/block/{disk}/{name}");
    let says = |name| crate::observe::text(&place(name));
    let page = std::fs::read(place("device/vpd_pg80")).unwrap_or_default();
    let scsi = String::from_utf8_lossy(page.get(4..).unwrap_or_default());
    [
        says("serial"),
        says("device/serial"),
        scsi.trim().to_owned(),
    ]
}

/// The disk with this serial number. Numbers of devices depend on the order of their finding.
pub fn disk(serial: &str) -> Result<PathBuf> {
    let begun = Instant::now();
    while begun.elapsed() < DISK_TIMEOUT {
        for name in crate::observe::names("/sys/class/block") {
            let device = PathBuf::from(format!("/dev/{name}"));
            if serials(&name).iter().any(|s| s == serial) && device.exists() {
                return Ok(device);
            }
        }
        sleep(Duration::from_millis(20));
    }
    bail!("no disk {serial}")
}
