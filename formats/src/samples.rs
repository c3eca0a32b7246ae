//! Small inputs for the tests, built in code. `golden` keeps them as files, too.

pub mod arm64;
pub mod efi_tables;
pub mod elf;
pub mod elf32;
pub mod multiboot2;
pub mod uki;

use crate::handover::{Layout, PlannedRecord, RecordKind};
use crate::verdict::{Component, Gate, SignatureKind};
use crate::{PAGE_SIZE, boot_params, efi, gate_image, module_signature, mok, siglist, verdict};

/// Writes `bytes` at `offset`.
pub fn put(target: &mut [u8], offset: usize, bytes: &[u8]) {
    target[offset..offset + bytes.len()].copy_from_slice(bytes);
}

pub fn put16(target: &mut [u8], offset: usize, value: u16) {
    put(target, offset, &value.to_le_bytes());
}

pub fn put32(target: &mut [u8], offset: usize, value: u32) {
    put(target, offset, &value.to_le_bytes());
}

pub fn put64(target: &mut [u8], offset: usize, value: u64) {
    put(target, offset, &value.to_le_bytes());
}

/// The same bytes with one change.
pub fn with(bytes: &[u8], change: impl FnOnce(&mut Vec<u8>)) -> Vec<u8> {
    let mut changed = bytes.to_vec();
    change(&mut changed);
    changed
}

/// `len` bytes of which none is zero, different for each `seed`.
pub fn filler(len: usize, seed: u8) -> Vec<u8> {
    (0..len)
        .map(|i| 1 + (i * 7 + usize::from(seed) * 31) as u8 % 251)
        .collect()
}

/// Offsets in [`hybrid`] and [`signed_hybrid`].
pub mod at {
    pub const COFF: usize = 0x44;
    pub const SECTION_COUNT: usize = COFF + 2;
    pub const OPTIONAL_SIZE: usize = COFF + 16;
    pub const OPTIONAL: usize = COFF + 20;
    pub const SIZE_OF_HEADERS: usize = OPTIONAL + 60;
    pub const CHECKSUM: usize = OPTIONAL + 64;
    pub const DIRECTORY_COUNT: usize = OPTIONAL + 108;
    pub const CERTIFICATE_DIRECTORY: usize = OPTIONAL + 144;
    /// Of `.text`, `.data`, `.bss` and `.sbat`.
    pub const SECTIONS: [usize; 4] = [0x108, 0x130, 0x158, 0x180];
    /// Where the protected-mode part begins.
    pub const CODE: usize = 0x400;
    /// Where the image ends, before a signature.
    pub const END: usize = 0x7b4;
}

/// SBAT metadata of one component.
pub const SBAT: &[u8] =
    b"sbat,1,SBAT Version,sbat,1,https://github.com/rhboot/shim/blob/main/SBAT.md\nsample,1,Baton,sample,1,-\n";

/// An unsigned PE and bzImage hybrid whose length isn't a multiple of 8.
pub fn hybrid() -> Vec<u8> {
    let mut image = vec![0; at::END];
    pe_headers(&mut image);
    setup_header(&mut image);
    put(&mut image, 0x298, b"6.1.0-sample (baton)\0");
    put(&mut image, at::CODE, &filler(0x340, 1));
    put(&mut image, 0x740, SBAT);
    image
}

fn pe_headers(image: &mut [u8]) {
    put(image, 0, b"MZ");
    put32(image, 0x3c, 0x40);
    put(image, 0x40, b"PE\0\0");
    put16(image, at::COFF, crate::pe::MACHINE_AMD64);
    put16(image, at::SECTION_COUNT, 4);
    put16(image, at::OPTIONAL_SIZE, 112 + 8 * 8);
    put16(image, at::COFF + 18, 0x0206);
    put16(image, at::OPTIONAL, 0x20b);
    put32(image, at::OPTIONAL + 32, 0x1000);
    put32(image, at::OPTIONAL + 36, 0x200);
    put32(image, at::OPTIONAL + 56, 0x8000);
    put32(image, at::SIZE_OF_HEADERS, at::CODE as u32);
    put32(image, at::CHECKSUM, 0x1234_5678);
    put16(image, at::OPTIONAL + 68, 10);
    put32(image, at::DIRECTORY_COUNT, 8);
    // `.data` comes first in the file, `.text` first in the table.
    let [text, data, bss, sbat] = at::SECTIONS;
    section(image, text, b".text\0\0\0", (0x1000, 0x300), (0x440, 0x300));
    section(image, data, b".data\0\0\0", (0x2000, 0x40), (0x400, 0x40));
    section(
        image,
        bss,
        b".bss\0\0\0\0",
        (0x3000, 0x1000),
        (0xdead_0000, 0),
    );
    let size = SBAT.len() as u32;
    section(image, sbat, b".sbat\0\0\0", (0x4000, size), (0x740, 0x74));
}

fn section(image: &mut [u8], at: usize, name: &[u8; 8], memory: (u32, u32), file: (u32, u32)) {
    put(image, at, name);
    put32(image, at + 8, memory.1);
    put32(image, at + 12, memory.0);
    put32(image, at + 16, file.1);
    put32(image, at + 20, file.0);
    put32(image, at + 36, 0x4000_0040);
}

fn setup_header(image: &mut [u8]) {
    image[0x1f1] = 1; // setup_sects
    put32(image, 0x1f4, ((at::END - at::CODE) / 16) as u32);
    put16(image, 0x1fe, 0xaa55);
    put(image, 0x200, &[0xeb, 0x6a]);
    put(image, 0x202, b"HdrS");
    put16(image, 0x206, 0x020f);
    put16(image, 0x20e, 0x98); // kernel_version, from 0x200
    image[0x211] = 1; // loadflags
    put32(image, 0x230, 0x20_0000);
    image[0x234] = 1; // relocatable_kernel
    image[0x235] = 21;
    put16(image, 0x236, 0x7f);
    put32(image, 0x238, 2047);
    put32(image, 0x248, 0x40);
    put32(image, 0x24c, 0x300);
    put64(image, 0x258, 0x100_0000);
    put32(image, 0x260, 0x10_0000);
    put32(image, 0x264, 0x190);
}

/// `image` with a certificate table of entries with these data, as sbsign attaches it.
pub fn attach(mut image: Vec<u8>, signatures: &[&[u8]]) -> Vec<u8> {
    image.resize(image.len().next_multiple_of(8), 0);
    let begin = image.len();
    for data in signatures {
        image.extend((data.len() as u32 + 8).to_le_bytes());
        image.extend([0, 2, 2, 0]);
        image.extend(*data);
        image.resize(image.len().next_multiple_of(8), 0);
    }
    let size = image.len() - begin;
    put32(&mut image, at::CERTIFICATE_DIRECTORY, begin as u32);
    put32(&mut image, at::CERTIFICATE_DIRECTORY + 4, size as u32);
    image
}

/// [`hybrid`] with two signatures, or what looks like them: DER, of nothing.
pub fn signed_hybrid() -> Vec<u8> {
    attach(
        hybrid(),
        &[&[0x30, 3, 2, 1, 1], &[0x30, 6, 2, 4, 9, 9, 9, 9]],
    )
}

/// The records of [`handover`]: a kernel and two initrds, with digests that are none.
pub fn handover_records() -> Vec<(RecordKind, Vec<u8>, [u8; 32])> {
    vec![
        (RecordKind::Kernel, signed_hybrid(), [0x4b; 32]),
        (RecordKind::Initrd, filler(PAGE_SIZE, 2), [0x11; 32]),
        (RecordKind::Initrd, filler(100, 3), [0x22; 32]),
    ]
}

/// A handover with these records.
pub fn handover_of(records: &[(RecordKind, Vec<u8>, [u8; 32])], flags: u32) -> Vec<u8> {
    let parts: Vec<_> = records
        .iter()
        .map(|(kind, bytes, digest)| {
            (
                PlannedRecord::from((*kind, bytes.len() as u64, *digest)),
                &bytes[..],
            )
        })
        .collect();
    handover_of_parts(&parts, flags)
}

/// A handover with these parts, each with its bytes.
pub fn handover_of_parts(parts: &[(PlannedRecord, &[u8])], flags: u32) -> Vec<u8> {
    let plan: Vec<_> = parts.iter().map(|(part, _)| *part).collect();
    let layout = Layout::plan(&plan, flags).unwrap();
    let mut blob = vec![0; layout.total_len() as usize];
    put(&mut blob, 0, &layout.header_page());
    for (index, (_, bytes)) in parts.iter().enumerate() {
        put(&mut blob, layout.offset(index).unwrap() as usize, bytes);
    }
    blob
}

/// The records of [`handover`], a manifest, and signatures of all but the first initrd: DER, of
/// nothing.
pub fn signed_handover() -> Vec<u8> {
    let mut records = handover_records();
    let manifest = b"baton-manifest 1\ncmdline quiet\n".to_vec();
    records.push((RecordKind::Manifest, manifest, [0x33; 32]));
    let mut parts: Vec<_> = records
        .iter()
        .map(|(kind, bytes, digest)| {
            (
                PlannedRecord::from((*kind, bytes.len() as u64, *digest)),
                &bytes[..],
            )
        })
        .collect();
    for (subject, bytes) in [(0, &[0x30, 1, 0]), (2, &[0x30, 1, 2]), (3, &[0x30, 1, 3])] {
        let part = PlannedRecord {
            kind: RecordKind::Signature,
            length: 3,
            digest: [0x44; 32],
            subject,
        };
        parts.push((part, bytes));
    }
    handover_of_parts(&parts, 0)
}

/// A handover with two addons, of profile 7, whose manifest is signed.
pub fn handover_with_addons() -> Vec<u8> {
    let kinds = [
        RecordKind::Kernel,
        RecordKind::Initrd,
        RecordKind::Addon,
        RecordKind::Addon,
        RecordKind::Manifest,
        RecordKind::Signature,
    ];
    let subject = |kind| if kind == RecordKind::Signature { 4 } else { 0 };
    let parts = kinds.map(|kind| PlannedRecord {
        kind,
        length: 3,
        digest: [0x66; 32],
        subject: subject(kind),
    });
    let layout = Layout::plan(&parts, 0).unwrap().with_profile(7);
    let mut blob = vec![0; layout.total_len() as usize];
    put(&mut blob, 0, &layout.header_page());
    for index in 0..parts.len() {
        put(&mut blob, layout.offset(index).unwrap() as usize, b"abc");
    }
    blob
}

pub fn handover() -> Vec<u8> {
    handover_of(&handover_records(), 0)
}

/// A file with an appended signature, or what looks like one: DER, of nothing.
pub fn appended() -> Vec<u8> {
    let signature = [0x30, 3, 2, 1, 1];
    let trailer = module_signature::trailer(5);
    [&b"what is signed"[..], &signature, &trailer].concat()
}

/// A manifest with every kind of line.
pub fn manifest() -> String {
    let hex = |byte: &str| byte.repeat(32);
    format!(
        "baton-manifest 1\n\
         name Rescue system\n\
         kernel sha256 {} 1992\n\
         initrd sha256 {} 4096\n\
         initrd sha256 {} 18446744073709551615\n\
         cmdline root=/dev/vda1 ro  quiet\n",
        hex("4b"),
        hex("11"),
        hex("22")
    )
}

/// Who gives [`verdict`].
pub fn verdict_gate() -> Gate<'static> {
    Gate {
        identity: [0x1d; 32],
        version: "0.1.0",
        policy: [0x90; 32],
        policy_name: "stock",
        crash: true,
    }
}

/// What [`verdict`] is about: a signed kernel and an unsigned initrd.
pub fn verdict_components() -> [Component<'static>; 2] {
    [
        Component {
            kind: verdict::ComponentKind::Kernel,
            signature_kind: SignatureKind::Authenticode,
            size: 1992,
            digest: [0x4b; 32],
            key_id: &[0xa1; 20],
            subject: "A signer",
        },
        Component {
            kind: verdict::ComponentKind::Initrd,
            signature_kind: SignatureKind::Unsigned,
            size: 4096,
            digest: [0x11; 32],
            key_id: &[],
            subject: "",
        },
    ]
}

pub fn verdict() -> Vec<u8> {
    let mut buffer = [0xff; 1024];
    let written = verdict::write(&mut buffer, &verdict_gate(), &verdict_components());
    written.unwrap().to_vec()
}

/// A gate's info block, with all parts.
pub fn gate_info() -> gate_image::GateInfo {
    let part = |offset, length| gate_image::SectionRange { offset, length };
    gate_image::GateInfo {
        stub_len: 0x3000,
        keys: part(0x3000, 1500),
        policy: part(0x4000, 16),
        sbat: part(0x5000, 99),
        dbx: part(0x6000, 0x20),
        limit: 0x10_0000,
        formats: Default::default(),
        identity: [0x1d; 32],
    }
}

/// A signature list of this type, of signatures with these data, all equally long.
pub fn signature_list(kind: &efi::Guid, signatures: &[&[u8]]) -> Vec<u8> {
    let size = 16 + signatures.first().map_or(32, |data| data.len());
    let mut list = kind.to_vec();
    list.extend((28 + (size * signatures.len()) as u32).to_le_bytes());
    list.extend(0u32.to_le_bytes());
    list.extend((size as u32).to_le_bytes());
    for data in signatures {
        list.extend([0x5a; 16]);
        list.extend(*data);
    }
    list
}

/// A certificate, two image digests and a revoked certificate's digest.
pub fn signature_lists() -> Vec<u8> {
    [
        signature_list(&siglist::X509_GUID, &[&filler(70, 4)]),
        signature_list(&siglist::SHA256_GUID, &[&[0xaa; 32], &[0xbb; 32]]),
        signature_list(&siglist::X509_SHA384_GUID, &[&filler(64, 5)]),
    ]
    .concat()
}

/// A level as shim leaves it.
pub const SBAT_LEVEL: &[u8] = b"sbat,1,2025051000\nshim,4\ngrub,5\n";

/// An entry of a MOK table.
pub fn mok_entry(name: &str, data: &[u8]) -> Vec<u8> {
    let mut entry = name.as_bytes().to_vec();
    entry.resize(mok::NAME_LEN, 0);
    entry.extend((data.len() as u64).to_le_bytes());
    entry.extend(data);
    entry
}

/// A MOK table as shim leaves it.
pub fn mok_table() -> Vec<u8> {
    [
        mok_entry(mok::MOK_LIST, &signature_lists()),
        mok_entry(
            mok::MOK_LIST_X,
            &signature_list(&siglist::SHA256_GUID, &[&[0xcc; 32]]),
        ),
        mok_entry(mok::SBAT_LEVEL, SBAT_LEVEL),
        mok_entry("MokListTrustedRT", &[1]),
        mok_entry("", &[]),
    ]
    .concat()
}

/// An EFI system table whose configuration tables are [`config_tables`].
pub fn system_table() -> Vec<u8> {
    let mut table = vec![0; efi::SYSTEM_TABLE_LEN];
    put(&mut table, 0, b"IBI SYST");
    put64(&mut table, 0x68, 3);
    put64(&mut table, 0x70, 0xffff_fffe_e000_1000);
    table
}

pub fn config_tables() -> Vec<u8> {
    let mut tables = Vec::new();
    for (guid, address) in [
        (efi::ACPI_20_GUID, 0x7f77_e014_u64),
        (efi::MOK_TABLE_GUID, 0x7d80_0000),
        (efi::SMBIOS3_GUID, 0x7f5c_0000),
    ] {
        tables.extend(guid);
        tables.extend(address.to_le_bytes());
    }
    tables
}

/// What a kernel on EFI passes to the next one; every field that is read has a value of its own.
pub fn boot_params() -> [u8; boot_params::LEN] {
    let mut page = [0; boot_params::LEN];
    screen_info(&mut page);
    put64(&mut page, 0x070, 0x7f77_e014);
    for (offset, value) in [
        (0x0c0, 1), // ext_ramdisk_image
        (0x0c4, 2), // ext_ramdisk_size
        (0x0c8, 3), // ext_cmd_line_ptr
        (0x1c4, 0x7f5e_c018),
        (0x1c8, 48),
        (0x1cc, 1),
        (0x1d0, 0x1234_5000),
        (0x1d4, 0x540),
        (0x1d8, 4),
        (0x1dc, 5),
        (0x214, 0x10_0000),
        (0x218, 0x3f00_0000),
        (0x21c, 0x12_3456),
        (0x228, 0x9000),
        (0x238, 2047),
    ] {
        put32(&mut page, offset, value);
    }
    put(&mut page, 0x1c0, b"EL64");
    page[0x1ec] = boot_params::SECURE_BOOT_ENABLED;
    page[0x210] = boot_params::LOADER_KEXEC;
    put64(&mut page, 0x250, 0x1_0000_2000);
    page[0x1e8] = 3;
    let map = [
        (0u64, 0xa_0000u64, 1u32),
        (0x10_0000, 0x7ef0_0000, 1),
        (0x7f70_0000, 0x10_0000, 4),
    ];
    for (index, (addr, size, kind)) in map.into_iter().enumerate() {
        put64(&mut page, 0x2d0 + index * 20, addr);
        put64(&mut page, 0x2d0 + index * 20 + 8, size);
        put32(&mut page, 0x2d0 + index * 20 + 16, kind);
    }
    page
}

fn screen_info(page: &mut [u8]) {
    page[0x0f] = boot_params::VIDEO_TYPE_EFI;
    put16(page, 0x12, 1280);
    put16(page, 0x14, 800);
    put16(page, 0x16, 32);
    put32(page, 0x18, 0x8000_0000);
    put32(page, 0x1c, 1280 * 800 * 4);
    put16(page, 0x24, 1280 * 4);
    put(page, 0x26, &[8, 16, 8, 8, 8, 0, 7, 24]);
    put32(page, 0x36, 2);
    put32(page, 0x3a, 0x40);
}
