//! Files of all kinds, made here as small as they are recognised.

use super::*;
use baton_formats::initrd;

/// A PE image of this machine type with these sections, each in a sector of its own ("PE Format").
fn pe_for(machine: u16, sections: &[(&str, &[u8])]) -> Vec<u8> {
    const HEADERS: usize = 0x400;
    let mut image = vec![0; HEADERS];
    let mut put = |at: usize, bytes: &[u8]| image[at..at + bytes.len()].copy_from_slice(bytes);
    put(0, b"MZ");
    put(0x3c, &0x40_u32.to_le_bytes());
    put(0x40, b"PE\0\0");
    put(0x44, &machine.to_le_bytes());
    put(0x46, &u16::try_from(sections.len()).unwrap().to_le_bytes());
    put(0x54, &160_u16.to_le_bytes());
    let optional = 0x58;
    put(optional, &0x20b_u16.to_le_bytes());
    put(
        optional + 60,
        &u32::try_from(HEADERS).unwrap().to_le_bytes(),
    );
    put(optional + 68, &10_u16.to_le_bytes()); // EFI application
    put(optional + 108, &6_u32.to_le_bytes());
    let mut data = Vec::new();
    for (index, (name, bytes)) in sections.iter().enumerate() {
        let header = optional + 160 + index * 40;
        put(header, name.as_bytes());
        let padded = bytes.len().next_multiple_of(0x200);
        let sizes = [
            bytes.len(),
            0x1000 * (index + 1),
            padded,
            HEADERS + data.len(),
        ];
        for (field, value) in sizes.into_iter().enumerate() {
            put(
                header + 8 + 4 * field,
                &u32::try_from(value).unwrap().to_le_bytes(),
            );
        }
        data.extend_from_slice(bytes);
        data.resize(data.len().next_multiple_of(0x200), 0);
    }
    [image, data].concat()
}

fn pe(sections: &[(&str, &[u8])]) -> Vec<u8> {
    pe_for(0x8664, sections)
}

fn bzimage(version: &str) -> Vec<u8> {
    let mut image = vec![0; 0x2000];
    let mut put = |at: usize, bytes: &[u8]| image[at..at + bytes.len()].copy_from_slice(bytes);
    put(0x1f1, &[7]);
    put(0x1f4, &0x100_u32.to_le_bytes());
    put(0x1fe, &0xaa55_u16.to_le_bytes());
    put(0x200, &[0xeb, 0x6a]);
    put(0x202, b"HdrS");
    put(0x206, &0x20f_u16.to_le_bytes());
    put(0x20e, &0x600_u16.to_le_bytes());
    put(0x211, &[1]);
    put(0x230, &0x20_0000_u32.to_le_bytes());
    put(0x236, &0x7f_u16.to_le_bytes());
    put(0x238, &2047_u32.to_le_bytes());
    put(0x260, &0x40_0000_u32.to_le_bytes());
    put(0x800, version.as_bytes());
    image
}

fn sbat(component: &str) -> Vec<u8> {
    format!("sbat,1,SBAT Version,sbat,1,url\n{component},4,Vendor,name,1,url\n").into_bytes()
}

fn utf16(text: &str) -> Vec<u8> {
    text.encode_utf16().flat_map(u16::to_le_bytes).collect()
}

fn at(len: usize, offset: usize, magic: &[u8]) -> Vec<u8> {
    let mut file = vec![1; len];
    file[offset..offset + magic.len()].copy_from_slice(magic);
    file
}

/// The begin of an ELF header: class, type and machine (elf(5)).
fn elf(kind: u16, machine: u16, rest: &[u8]) -> Vec<u8> {
    let mut file = b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0".to_vec();
    file.extend(kind.to_le_bytes());
    file.extend(machine.to_le_bytes());
    file.extend([0; 44]);
    file.extend(rest);
    file
}

#[test]
fn efi_programs_are_called_by_their_names() {
    let sd = |name: &str| format!("#### LoaderInfo: {name} 257.9-1 ####\0");
    for (image, name) in [
        (pe(&[(".text", b"x"), (".sbat", &sbat("grub"))]), "GRUB"),
        (pe(&[(".text", b"x"), ("mods", b"x")]), "GRUB"),
        (pe(&[(".text", b"x"), (".sbat", &sbat("shim"))]), "shim"),
        (
            pe(&[
                (".data", &utf16("Perform MOK management")),
                (".sbat", &sbat("shim")),
            ]),
            "MokManager",
        ),
        (
            pe(&[
                (".data", &utf16("Creating boot entry \"%s\"")),
                (".sbat", &sbat("shim")),
            ]),
            "fallback",
        ),
        (
            pe(&[
                (".sdmagic", sd("systemd-boot").as_bytes()),
                (".osrel", b"ID=systemd-boot\n"),
            ]),
            "systemd-boot",
        ),
        (
            pe(&[(".sdmagic", sd("systemd-stub").as_bytes())]),
            "systemd's stub",
        ),
        (pe(&[(".rodata", b"iPXE initialising devices")]), "iPXE"),
        (pe(&[(".data", &utf16("rEFInd - Booting"))]), "rEFInd"),
        (
            pe(&[(".buildid", b"x"), (".rodata", &utf16("Xen "))]),
            "Xen",
        ),
        (
            pe(&[(".text", b"x"), (".sbat", &sbat("fwupd-efi"))]),
            "fwupd",
        ),
        (pe(&[(".text", b"x")]), "an EFI application"),
    ] {
        let kind = FileKind::of(&image);
        assert!(kind.name.starts_with(name), "{name}: {kind:?}");
        assert_eq!(kind.format, Format::Pe, "{name}");
        assert!(matches!(kind.role, Role::Other(_)), "{name}");
    }
}

#[test]
fn a_driver_is_one_whatever_names_are_in_it() {
    let mut driver = pe(&[(".data", &utf16("rEFInd"))]);
    driver[0x58 + 68] = 11;
    assert_eq!(FileKind::of(&driver).name, "an EFI driver");
}

#[test]
fn what_is_built_for_other_machines_is_called_so() {
    let arm64_kernel = at(0x400, 0x38, b"ARM\x64");
    let mut arm64_image = pe_for(0xaa64, &[(".text", b"x")]);
    arm64_image[0x38..0x3c].copy_from_slice(b"ARM\x64");
    let mut zboot = pe_for(0xaa64, &[(".text", b"x")]);
    zboot[4..8].copy_from_slice(b"zimg");
    for (image, words) in [
        (arm64_kernel.clone(), "arm64 (Image)"),
        (arm64_image, "arm64 (Image)"),
        (zboot, "EFI zboot image, a compressed kernel for arm64"),
        (at(0x400, 0x38, b"RSC\x05"), "RISC-V"),
        (
            pe_for(0xaa64, &[(".linux", &arm64_kernel)]),
            "(UKI) for arm64",
        ),
        (pe_for(0x5064, &[(".text", b"x")]), "a PE image for RISC-V"),
        (elf(2, 183, b""), "an ELF file for arm64"),
    ] {
        let kind = FileKind::of(&image);
        assert!(kind.name.contains(words), "{words}: {kind:?}");
        assert!(kind.advice().is_some(), "{words}");
    }
}

#[test]
fn a_stub_that_only_names_its_kernel_is_no_uki() {
    for (path, digest) in [(".linux", ".linuxh"), (".kernelp", ".kernelh")] {
        let stub = pe(&[(path, b"\\EFI\\nixos\\kernel.efi"), (digest, &[7; 32])]);
        assert_eq!(FileKind::of(&stub).name, "lanzaboote's stub");
    }
    let whole = pe(&[(".linux", &bzimage("6.12")), (".linuxh", &[7; 32])]);
    assert_eq!(FileKind::of(&whole).format, Format::Uki);
}

#[test]
fn kernels_are_kernels_before_all_else() {
    let mut hybrid = bzimage("6.12");
    hybrid[0x38..0x3c].copy_from_slice(b"ARM\x64");
    hybrid[..2].copy_from_slice(b"MZ");
    hybrid[4..8].copy_from_slice(b"zimg");
    for (image, format) in [
        (bzimage("6.12.1 (x@y) #1"), Format::BzImage),
        (hybrid, Format::BzImage),
        (pe(&[(".linux", &bzimage("6.12"))]), Format::Uki),
        (pe_for(0xaa64, &[(".linux", &bzimage("6.12"))]), Format::Uki),
    ] {
        let kind = FileKind::of(&image);
        assert_eq!((kind.format, kind.role), (format, Role::Kernel), "{kind:?}");
        assert!(kind.refused_as("kernel", Path::new("k")).is_none());
    }
    let memtest = FileKind::of(&bzimage("Memtest86+ v7.20"));
    assert!(memtest.can_be_started() && memtest.name.starts_with("Memtest86+"));
}

/// Every sample of `formats` that parses as a kernel, and so might be booted.
#[test]
fn no_kernel_of_the_golden_files_is_called_something_else() {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/golden");
    let mut kernels = 0;
    for entry in std::fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        let Ok(file) = std::fs::read(&path) else {
            continue;
        };
        let payload = baton_verify::Payload::recognise(
            &file,
            baton_verify::SignatureKind::Manifest,
            baton_formats::gate_image::Formats::default(),
        );
        if payload.is_ok() {
            kernels += 1;
            assert!(FileKind::of(&file).can_be_started(), "{}", path.display());
        }
    }
    assert!(kernels > 3, "{kernels}");
}

#[test]
fn other_files_that_people_give_are_named() {
    let mut multiboot = vec![0; 64];
    multiboot[..4].copy_from_slice(&0x1bad_b002_u32.to_le_bytes());
    multiboot[8..12].copy_from_slice(&0x1bad_b002_u32.wrapping_neg().to_le_bytes());
    let mut dos = at(0x80, 0, b"MZ");
    dos[0x3c..0x40].copy_from_slice(&0x40_u32.to_le_bytes());
    for (file, words) in [
        (Vec::new(), "an empty file"),
        (b"\x1f\x8b\x08\0rest".to_vec(), "compressed data (gzip)"),
        (b"\x28\xb5\x2f\xfdrest".to_vec(), "compressed data (zstd)"),
        (b"07070100000000".to_vec(), "an initrd"),
        // With padding before it, and in parts that are compressed in two ways.
        (b"\x00\x00\x00\x0007070100000000".to_vec(), "an initrd"),
        (
            b"\0\x02\x21\x4c\x18lz4\0\0\0\0\xfd7zXZ\0xz".to_vec(),
            "compressed data (lz4), as initrds are",
        ),
        (b"070707rest".to_vec(), "a cpio archive of a form"),
        (
            b"\x04\x22\x4d\x18rest".to_vec(),
            "in frames that Linux doesn't unpack",
        ),
        (b"baton-manifest 1\n".to_vec(), "a manifest"),
        (b"\x27\x05\x19\x56rest".to_vec(), "a uImage"),
        (b"\xd0\x0d\xfe\xedrest".to_vec(), "FIT image"),
        (multiboot, "multiboot's first version"),
        (
            b"-----BEGIN A KEY-----\nAAEC\n-----END A KEY-----\n".to_vec(),
            "PEM (A KEY)",
        ),
        (b"-----BEGIN A KEY-----\n".to_vec(), "PEM, which is broken"),
        (at(0x9000, 0x8001, b"CD001"), "an ISO image"),
        (
            at(0x400, 0x24, &[0x18, 0x28, 0x6f, 0x01]),
            "for arm (zImage)",
        ),
        (at(0x400, 0x1fe, &[0x55, 0xaa]), "a boot sector"),
        (dos, "a DOS program"),
        (elf(1, 62, b"vermagic=6.12\0"), "a kernel module"),
        (elf(1, 62, b""), "an ELF object"),
        (elf(4, 62, b""), "an ELF core"),
        (std::fs::read("/proc/self/exe").unwrap(), "an ELF program"),
    ] {
        let kind = FileKind::of(&file);
        assert!(kind.name.contains(words), "{words}: {kind:?}");
        let failure = kind.refused_as("kernel", Path::new("/tmp/x")).unwrap();
        assert_eq!(failure.code().1, "not-a-kernel");
        assert!(
            failure
                .to_string()
                .starts_with("kernel refused: /tmp/x is "),
            "{failure}"
        );
    }
    assert_eq!(FileKind::of(b"anything").role, Role::Data);
}

#[test]
fn an_initrd_is_what_the_gate_takes_a_signature_for_one_of() {
    for start in [
        &b"\x1f\x8b\x08"[..],
        b"\x1f\x8b\x07",
        b"\x5d\0\0",
        b"\x5d\0\x01",
        b"\xfd7zXZ\0",
        b"\xfd7zXZ\x01",
        b"\x89LZO\0\r\n\x1a\n",
        b"\x89LZO\0\0",
        b"\0\0\0\x00070702",
        b"\0\0\x00070702",
    ] {
        let file = [start, b" and more"].concat();
        let is_named = FileKind::of(&file).role == Role::Initrd;
        assert_eq!(is_named, initrd::recognises(&file), "{start:x?}");
    }
}

#[test]
fn what_is_cut_off_anywhere_is_something_all_the_same() {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/golden");
    for name in [
        "uki.efi",
        "addon.efi",
        "hybrid-signed.efi",
        "kernel.elf",
        "multiboot2.bin",
    ] {
        let file = std::fs::read(directory.join(name)).unwrap();
        for len in 0..file.len() {
            let kind = FileKind::of(&file[..len]);
            assert!(!kind.name.is_empty(), "{name}, {len}");
        }
    }
}

#[test]
fn an_appended_signature_hides_nothing() {
    let mut file = elf(1, 62, b"vermagic=6.12\0");
    let signature = [0x30, 0];
    file.extend(signature);
    file.extend(module_signature::trailer(2));
    assert_eq!(FileKind::of(&file).name, "a kernel module");
}
