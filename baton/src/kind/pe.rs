//! PE images, most of which are EFI applications: by their sections, their SBAT metadata, and what they
//! say of themselves.

use super::{FileKind, Format, Role, contains, has};
use crate::arch::{self, advice, names};
use baton_formats::bzimage::BzImage;
use baton_formats::gate_image::GateInfo;
use baton_formats::pe::{Pe, PeError};
use baton_formats::reader::u16_at;
use baton_formats::sbat::Sbat;
use baton_formats::uki::{Addon, Uki, UkiError};

/// Where `Subsystem` stands in the optional header ("PE Format").
const SUBSYSTEM: usize = 68;
/// How much of an image is searched for text.
const SEARCHED: usize = 8 << 20;

const BOOT_LOADER: &str = "name the kernel or UKI that it would start";
const FIRMWARE: &str = "firmware starts it, kexec doesn't; name a kernel";
const LANZABOOTE: &str =
    "it contains no kernel, only the paths of a kernel and an initrd on the ESP: name those";

/// Recognises a file that begins as a PE image does.
pub(super) fn kind(image: &[u8]) -> FileKind {
    // Whatever else its headers say: with a setup header it is judged as a bzImage.
    let is_bzimage = BzImage::recognises(image);
    if let Some(kind) = by_fixed_magic(image).filter(|_| !is_bzimage) {
        return kind;
    }
    let pe = match Pe::parse(image) {
        Ok(pe) => pe,
        Err(_) if is_bzimage => return super::bzimage(image),
        Err(PeError::Pe32) => {
            return FileKind::other(Format::Pe, "a 32-bit PE image", advice::OTHER_MACHINE);
        }
        Err(PeError::NoPeSignature | PeError::HeaderOffset(_)) => {
            return FileKind::other(Format::Pe, "a DOS program", "name a kernel");
        }
        // Its own reason says what is wrong.
        Err(_) => return FileKind::kernel(Format::Pe, "a PE image"),
    };
    let linux = pe.section(".linux");
    let has_kernel = is_bzimage || linux.is_some_and(|linux| BzImage::recognises(linux.data()));
    let has_section = |name| pe.section(name).is_some();
    // Where it keeps the digest of the kernel, whose path is in `.linux`, formerly in `.kernelp`
    // (rust/uefi/stub/src/thin.rs in lanzaboote).
    if !has_kernel && (has_section(".linuxh") || has_section(".kernelh")) {
        return FileKind::other(Format::Pe, "lanzaboote's stub", LANZABOOTE);
    }
    if !has_kernel && pe.machine() != arch::PE_MACHINE {
        return of_another_machine(&pe);
    }
    if GateInfo::from_image(image).is_ok() {
        return FileKind::kernel(Format::Gate, "Baton's gate");
    }
    if Uki::recognises(&pe) {
        return FileKind::kernel(Format::Uki, "a unified kernel image (UKI)");
    }
    if is_bzimage {
        return super::bzimage(image);
    }
    application(image, &pe)
}

/// Kernels of other machines, and EFI zboot, which has the compressed kernel of any in it.
fn by_fixed_magic(image: &[u8]) -> Option<FileKind> {
    // drivers/firmware/efi/libstub/zboot-header.S in Linux
    if has(image, 4, b"zimg") {
        return Some(FileKind::other(
            Format::Pe,
            zboot_name(image),
            advice::ZBOOT,
        ));
    }
    super::other::image_of_another_machine(image, Format::Pe)
}

fn zboot_name(image: &[u8]) -> String {
    match machine_of(image) {
        Some(machine) => format!("an EFI zboot image, a compressed kernel for {machine}"),
        None => "an EFI zboot image, a compressed kernel".into(),
    }
}

fn machine_of(image: &[u8]) -> Option<&'static str> {
    let header = usize::try_from(baton_formats::reader::u32_at(image, 0x3c)?).ok()?;
    names::of_pe(u16_at(image, header.checked_add(4)?)?)
}

fn of_another_machine(pe: &Pe<'_>) -> FileKind {
    let machine = names::of_pe(pe.machine());
    let machine = machine.map_or_else(
        || format!("machine type {:#x}", pe.machine()),
        str::to_owned,
    );
    let what = if Uki::recognises(pe) {
        "a unified kernel image (UKI)"
    } else {
        "a PE image"
    };
    FileKind::other(
        Format::Pe,
        format!("{what} for {machine}"),
        advice::OTHER_MACHINE,
    )
}

fn application(image: &[u8], pe: &Pe<'_>) -> FileKind {
    let other = |name: &'static str, advice| FileKind::other(Format::Pe, name, advice);
    if let Some(loader) = by_loader_info(pe) {
        return loader;
    }
    match Addon::parse(pe) {
        Ok(_) => return FileKind::new(Format::Addon, "an addon of a UKI", Role::Addon),
        Err(UkiError::NotAnAddon) => {}
        // It adds something, and that is malformed.
        Err(_) => return FileKind::new(Format::Addon, "a malformed addon of a UKI", Role::Addon),
    }
    if let Some(known) = by_sbat(image, pe) {
        return known;
    }
    if let Some(driver) = driver(image, pe) {
        return driver;
    }
    // The section in which GRUB keeps its modules (grub-core/kern/efi/mm.c, util/mkimage.c).
    if pe.section("mods").is_some() {
        return other("GRUB, a boot loader", BOOT_LOADER);
    }
    let head = image.get(..SEARCHED).unwrap_or(image);
    let says = |text: &str| contains(head, text.as_bytes()) || contains(head, &utf16(text));
    if says("rEFInd") {
        other("rEFInd, a boot manager", BOOT_LOADER)
    } else if says("iPXE") {
        other("iPXE, a network boot loader", BOOT_LOADER)
    } else if says("Xen version") || (says("Xen ") && pe.section(".buildid").is_some()) {
        other(
            "Xen as an EFI application",
            "name its multiboot2 form (xen-*.gz, decompressed), listed in a signed manifest",
        )
    } else if says("UEFI Interactive Shell") {
        other("the UEFI shell", FIRMWARE)
    } else {
        by_subsystem(image, pe)
    }
}

/// What systemd's programs say of themselves in `.sdmagic`: `#### LoaderInfo: systemd-boot 257 ####`
/// (src/boot/boot.c and stub.c in systemd).
fn by_loader_info(pe: &Pe<'_>) -> Option<FileKind> {
    let section = pe.section(".sdmagic")?;
    let says = |text: &str| contains(section.data(), text.as_bytes());
    if says("systemd-boot") {
        return Some(FileKind::other(
            Format::Pe,
            "systemd-boot, a boot loader",
            BOOT_LOADER,
        ));
    }
    let has_arguments = !matches!(Addon::parse(pe), Err(UkiError::NotAnAddon));
    (says("systemd-stub") && !has_arguments).then(|| {
        FileKind::other(
            Format::Pe,
            "systemd's stub, with no kernel in it",
            "make a UKI of it and a kernel (ukify)",
        )
    })
}

/// By the component that its SBAT metadata name: that of the program comes before those of vendors.
fn by_sbat(image: &[u8], pe: &Pe<'_>) -> Option<FileKind> {
    let section = pe.section(".sbat")?;
    let sbat = Sbat::parse(section.data()).ok()?;
    let names = |name| sbat.generation(name).is_some();
    let other = |name, advice| Some(FileKind::other(Format::Pe, name, advice));
    if names("grub") {
        other("GRUB, a boot loader", BOOT_LOADER)
    } else if names("shim") {
        let says = |text| contains(image, &utf16(text));
        // MokManager.c and fallback.c in shim
        if says("Perform MOK management") {
            other("MokManager, by which keys are enrolled", FIRMWARE)
        } else if says("Creating boot entry ") {
            other("fallback, which makes boot entries", FIRMWARE)
        } else {
            other("shim, the first boot loader under Secure Boot", BOOT_LOADER)
        }
    } else if names("fwupd-efi") {
        other("fwupd's EFI program, which installs firmware", FIRMWARE)
    } else if names("ipxe") {
        other("iPXE, a network boot loader", BOOT_LOADER)
    } else if names("refind") {
        other("rEFInd, a boot manager", BOOT_LOADER)
    } else {
        None
    }
}

/// Drivers have the names of others in them, whose file systems they read.
fn driver(image: &[u8], pe: &Pe<'_>) -> Option<FileKind> {
    let is_driver = matches!(subsystem(image, pe), Some(11 | 12));
    is_driver.then(|| FileKind::other(Format::Pe, "an EFI driver", FIRMWARE))
}

/// As in "PE Format".
fn subsystem(image: &[u8], pe: &Pe<'_>) -> Option<u16> {
    let at = pe.offsets().optional_header.checked_add(SUBSYSTEM)?;
    u16_at(image, at)
}

fn by_subsystem(image: &[u8], pe: &Pe<'_>) -> FileKind {
    let (name, advice) = match subsystem(image, pe) {
        Some(10) => ("an EFI application without a kernel in it", FIRMWARE),
        Some(16) => ("Windows' boot loader", BOOT_LOADER),
        _ => ("a PE image without a kernel in it", "name a kernel"),
    };
    FileKind::other(Format::Pe, name, advice)
}

fn utf16(text: &str) -> Vec<u8> {
    text.encode_utf16().flat_map(u16::to_le_bytes).collect()
}
