//! Seeds for the fuzz targets: well-formed inputs, and the bad ones that parsers of these formats
//! have fallen for. Kept in `fuzz/corpus`; `golden` writes and compares them.
//!
//! The unit tests say what each bad input is refused for; here they only lead the fuzzer to the
//! places that matter.

use crate::handover::{FLAG_CRASH, PlannedRecord, RecordKind};
use crate::samples::{self, at, elf as elf_file, put16, put32, put64, with};
use crate::setup_data::{SETUP_EFI, SETUP_INDIRECT, SETUP_RNG_SEED, SetupDataHeader};
use crate::{mok, siglist};

/// A seed: its target, its name and its bytes.
pub type Seed = (&'static str, &'static str, Vec<u8>);

/// All seeds.
pub fn all() -> Vec<Seed> {
    let targets: Vec<(_, Vec<(_, _)>)> = vec![
        ("pe", pe()),
        ("bzimage", bzimage()),
        ("handover", handover()),
        ("boot_params", boot_params()),
        ("setup_data", setup_data()),
        ("efi", efi()),
        ("mok", mok()),
        ("siglist", siglist()),
        ("sbat", sbat()),
        ("gate_image", gate_image()),
        ("policy", policy()),
        ("cmdline", cmdline()),
        ("elf", elf()),
        ("module_signature", module_signature()),
        ("uki", uki()),
        ("manifest", manifest()),
        ("verdict", verdict()),
        ("multiboot2", multiboot2()),
        ("cpio", cpio()),
        ("device_tree", device_tree()),
        ("arm64", arm64()),
    ];
    let seeds = targets.into_iter().flat_map(|(target, seeds)| {
        let named = seeds.into_iter();
        named.map(move |(name, bytes)| (target, name, bytes))
    });
    seeds.collect()
}

type Named = (&'static str, Vec<u8>);

/// A sample with one 32-bit field changed.
fn field(sample: &[u8], offset: usize, value: u32) -> Vec<u8> {
    with(sample, |bytes| put32(bytes, offset, value))
}

fn device_tree() -> Vec<Named> {
    let tree = baton_samples::device_tree::device_tree();
    // Big-endian, as nothing else here.
    let field = |at: usize, value: u32| with(&tree, |it| put32(it, at, value.swap_bytes()));
    vec![
        ("machine", tree.clone()),
        ("longer-than-the-file", field(4, u32::MAX)),
        ("structure-beyond-the-end", field(8, 0xffff_fffc)),
        ("strings-beyond-the-end", field(12, u32::MAX)),
        ("reservations-without-end", field(16, 0x38)),
        ("structure-cut-off", field(36, 8)),
    ]
}

fn arm64() -> Vec<Named> {
    let image = samples::arm64::image();
    vec![
        ("image", image.clone()),
        ("image-without-size", with(&image, |it| put64(it, 16, 0))),
        ("image-big-endian", with(&image, |it| put64(it, 24, 1))),
        ("zboot", samples::arm64::zboot(b"gzip", b"packed")),
        (
            "zboot-beyond-the-end",
            field(&samples::arm64::zboot(b"zstd", b"packed"), 12, u32::MAX),
        ),
    ]
}

fn pe() -> Vec<Named> {
    let signed = samples::signed_hybrid();
    let signed16 = |offset, value| with(&signed, |file| put16(file, offset, value));
    let raw_size = |index: usize| at::SECTIONS[index] + 16;
    let raw_offset = |index: usize| at::SECTIONS[index] + 20;
    let certificates = at::CERTIFICATE_DIRECTORY;
    vec![
        ("unsigned", samples::hybrid()),
        ("signed-twice", signed.clone()),
        ("header-past-end", field(&signed, 0x3c, 0x7d8)),
        ("header-in-dos-header", field(&signed, 0x3c, 4)),
        ("pe32", signed16(at::OPTIONAL, 0x10b)),
        ("four-directories", field(&signed, at::DIRECTORY_COUNT, 4)),
        (
            "huge-directories",
            field(&signed, at::DIRECTORY_COUNT, u32::MAX),
        ),
        ("no-sections", signed16(at::SECTION_COUNT, 0)),
        ("most-sections", signed16(at::SECTION_COUNT, u16::MAX)),
        ("section-over-headers", field(&signed, raw_offset(1), 0x3c0)),
        ("sections-overlap", field(&signed, raw_offset(0), 0x420)),
        ("gap", field(&signed, raw_size(1), 0x20)),
        ("section-over-signature", field(&signed, raw_size(3), 0x80)),
        (
            "name-after-zero",
            with(&signed, |file| file[at::SECTIONS[2] + 6] = 1),
        ),
        ("raw-over-virtual", field(&signed, at::SECTIONS[0] + 8, 1)),
        ("sbat-of-4-gib", field(&signed, raw_size(3), u32::MAX)),
        ("table-of-7", field(&signed, certificates + 4, 7)),
        ("table-unaligned", field(&signed, certificates, 0x7bc)),
        ("table-over-headers", field(&signed, certificates, 0x200)),
        ("certificate-of-0", field(&signed, 0x7b8, 0)),
        ("certificate-padding", with(&signed, |file| file[0x7c7] = 1)),
        (
            "bytes-after-table",
            with(&signed, |file| file.extend([0; 8])),
        ),
    ]
}

fn bzimage() -> Vec<Named> {
    let image = samples::hybrid();
    vec![
        ("image", image.clone()),
        ("no-setup-sectors", with(&image, |file| file[0x1f1] = 0)),
        ("most-setup-sectors", with(&image, |file| file[0x1f1] = 255)),
        ("syssize-past-end", field(&image, 0x1f4, u32::MAX)),
        (
            "old-version",
            with(&image, |file| put16(file, 0x206, 0x20b)),
        ),
        ("no-memory", field(&image, 0x260, 0)),
        ("all-memory", field(&image, 0x260, u32::MAX)),
        ("no-alignment", field(&image, 0x230, 0)),
        (
            "last-address",
            with(&image, |file| put64(file, 0x258, u64::MAX)),
        ),
        ("long-header", with(&image, |file| file[0x201] = 0xff)),
    ]
}

fn handover() -> Vec<Named> {
    let records = [
        (RecordKind::Kernel, vec![0x4d; 5], [1; 32]),
        (RecordKind::Initrd, vec![0x30; 7], [2; 32]),
    ];
    let blob = samples::handover_of(&records, 0);
    let part = |kind, subject| {
        let part = PlannedRecord {
            kind,
            length: 1,
            digest: [3; 32],
            subject,
        };
        (part, &b"1"[..])
    };
    let signed = samples::handover_of_parts(
        &[
            part(RecordKind::Kernel, 0),
            part(RecordKind::Manifest, 0),
            part(RecordKind::Signature, 0),
            part(RecordKind::Signature, 1),
        ],
        0,
    );
    let length_of_1 = 0x20 + 64 + 0x10;
    vec![
        ("kernel-and-initrd", blob.clone()),
        ("crash", samples::handover_of(&records[..1], FLAG_CRASH)),
        ("signed-twice", field(&signed, 0x20 + 3 * 64 + 0x38, 0)),
        ("signs-itself", field(&signed, 0x20 + 3 * 64 + 0x38, 3)),
        ("signed", signed),
        ("truncated", blob[..0x2000].to_vec()),
        ("unknown-kind", field(&blob, 0x60, 99)),
        ("overlap", field(&blob, 0x68, 0x1000)),
        ("gap", field(&blob, 0x68, 0x3000)),
        (
            "length-wraps",
            with(&blob, |blob| put64(blob, length_of_1, u64::MAX - 0x1fff)),
        ),
        ("hidden-in-padding", with(&blob, |blob| blob[0x2fff] = 1)),
        ("two-kernels", field(&blob, 0x60, 1)),
        ("no-kernel", field(&blob, 0x20, 2)),
        ("too-many-records", field(&blob, 0x0c, 33)),
        ("addons-and-profile", samples::handover_with_addons()),
    ]
}

fn boot_params() -> Vec<Named> {
    let page = samples::boot_params();
    vec![
        ("efi", page.to_vec()),
        ("map-too-long", with(&page, |page| page[0x1e8] = 129)),
        (
            "map-wraps",
            with(&page, |page| put64(page, 0x2d8, u64::MAX)),
        ),
        (
            "map-overlaps",
            with(&page, |page| put64(page, 0x2e4, 0x8_0000)),
        ),
    ]
}

/// Memory from 0x1000 on, with a list of setup_data that begins there.
fn setup_data() -> Vec<Named> {
    let node = |next, kind, len: u32| {
        let header = SetupDataHeader { next, kind, len };
        let mut node = header.to_bytes().to_vec();
        node.resize(16 + len.min(96) as usize, 0x55);
        node
    };
    let first = node(0x1070, SETUP_EFI, 96);
    let list = |second: Vec<u8>| [&first[..], &second].concat();
    vec![
        ("list", list(node(0, SETUP_RNG_SEED, 32))),
        (
            "indirect",
            list(node(0, SETUP_INDIRECT | SETUP_RNG_SEED, 24)),
        ),
        ("cycle", list(node(0x1000, SETUP_RNG_SEED, 32))),
        ("next-past-end", list(node(u64::MAX - 8, SETUP_RNG_SEED, 0))),
        ("data-past-end", list(node(0, SETUP_RNG_SEED, u32::MAX))),
    ]
}

fn efi() -> Vec<Named> {
    let tables = [samples::system_table(), samples::config_tables()].concat();
    let mut seeds = vec![
        ("tables", tables.clone()),
        ("too-many-tables", field(&tables, 0x6c, 1)),
        ("part-of-a-table", tables[..tables.len() - 1].to_vec()),
    ];
    seeds.extend(samples::efi_tables::all().into_iter().map(one_efi_table));
    seeds
}

/// A table and the one entry that leads to it, which has its offset in the file for an address.
fn one_efi_table((name, guid, _, bytes): samples::efi_tables::Sample) -> Named {
    let mut file = samples::system_table();
    let at = file.len() + 24;
    file.extend(guid);
    file.extend((at as u64).to_le_bytes());
    file.extend(&bytes);
    file.resize(at + bytes.len().next_multiple_of(24), 0);
    (name, file)
}

fn mok() -> Vec<Named> {
    let table = samples::mok_table();
    vec![
        ("table", table.clone()),
        ("no-end", table[..table.len() - 264].to_vec()),
        (
            "size-wraps",
            with(&table, |table| put64(table, 256, u64::MAX)),
        ),
        (
            "endless-name",
            with(&table, |table| table[..256].fill(b'x')),
        ),
        (
            "end-with-data",
            with(&table, |table| {
                let size = table.len() - 8;
                put64(table, size, 1);
            }),
        ),
        (
            "second-revocations",
            [samples::mok_entry(mok::MOK_LIST_X, &[]), table].concat(),
        ),
    ]
}

/// A level, a zero, and an image's metadata.
fn sbat() -> Vec<Named> {
    let pair = |level: &[u8], image: &[u8]| [level, &[0], image].concat();
    let image = |rows: &str| {
        let text = format!("sbat,1,v,sbat,1,u\n{rows}");
        pair(samples::SBAT_LEVEL, text.as_bytes())
    };
    vec![
        ("passes", pair(samples::SBAT_LEVEL, samples::SBAT)),
        (
            "padded",
            pair(samples::SBAT_LEVEL, b"sbat,1,v,p,1,u\n\0\0\0"),
        ),
        ("revoked", image("grub,4,v,p,1,u\n")),
        ("stated-twice", image("grub,5,v,p,1,u\ngrub,1,v,p,1,u\n")),
        ("level-twice", pair(b"sbat,1\nx,2\nx,9\n", samples::SBAT)),
        ("generation-of-0", image("grub,0,v,p,1,u\n")),
        ("leading-zero", image("grub,05,v,p,1,u\n")),
        ("generation-overflows", image("grub,4294967296,v,p,1,u\n")),
        ("no-generation", image("grub\n")),
        ("empty-field", image("grub,5,v,,1,u\n")),
        ("quoted", image("\"grub\",\"5\",v,p,1,u\n")),
        ("carriage-returns", image("grub,5,v,p,1,u\r\n\r\n")),
        (
            "byte-order-mark",
            pair(
                samples::SBAT_LEVEL,
                "\u{feff}sbat,1,v,p,1,u\rgrub,5,v,p,1,u\r".as_bytes(),
            ),
        ),
        (
            "line-ends-in-padding",
            pair(samples::SBAT_LEVEL, b"sbat,1,v,p,1,u\n\0\r\n\0\n"),
        ),
        ("other-format", pair(b"sbat,2,2030010100\n", samples::SBAT)),
        ("date-is-none", pair(b"sbat,1,soon\n", samples::SBAT)),
    ]
}

fn siglist() -> Vec<Named> {
    let lists = samples::signature_lists();
    vec![
        ("lists", lists.clone()),
        (
            "empty-list",
            samples::signature_list(&siglist::SHA256_GUID, &[]),
        ),
        ("list-of-0", field(&lists, 16, 0)),
        ("signature-of-0", field(&lists, 24, 0)),
        ("header-past-end", field(&lists, 20, u32::MAX)),
    ]
}

fn gate_image() -> Vec<Named> {
    let block = samples::gate_info().to_bytes();
    let image = [&[0; 0x1000][..], &block].concat();
    vec![
        ("block", block.to_vec()),
        ("image", image),
        ("keys-over-stub", field(&block, 0x10, 0x2000)),
        ("part-wraps", field(&block, 0x24, u32::MAX)),
    ]
}

fn policy() -> Vec<Named> {
    use baton_samples::policy::{every_part, policy, rules};
    let every = every_part();
    let least = rules([1, 0, 0, 0], "", &[]);
    vec![
        ("stock", crate::policy::Policy::stock().as_bytes().to_vec()),
        ("every-part", every.clone()),
        ("least", policy("", "", [&least, &least], &[])),
        ("delay-too-long", field(&every, 8, 3601)),
        ("too-long", field(&every, 12, u32::MAX)),
        ("many-scopes", with(&every, |it| put16(it, 18, u16::MAX))),
    ]
}

fn cmdline() -> Vec<Named> {
    [
        ("plain", "BOOT_IMAGE=/vmlinuz root=UUID=1-2 ro quiet"),
        (
            "quotes",
            "dyndbg=\"file a +p\" \"init=/bin/sh x\" a=b\" c\"d",
        ),
        ("for-init", "quiet \"--\" single"),
        ("open-quote", "a=\"b c"),
        ("white-space", "\ta\u{b}b\u{a0}=c\n"),
    ]
    .map(|(name, line)| (name, line.as_bytes().to_vec()))
    .into()
}

fn elf() -> Vec<Named> {
    use elf_file::at::{HEADERS, SIGNATURE_NOTE, TABLE_COUNT, XEN_NOTE};
    let file = elf_file::kernel();
    let field64 = |offset, value| with(&file, |file| put64(file, offset, value));
    let count = |count| with(&file, |file| put16(file, TABLE_COUNT, count));
    vec![
        ("kernel", file.clone()),
        ("relocatable", with(&file, |file| file[0x10] = 3)),
        ("wrong-entry-length", with(&file, |file| file[0x36] = 32)),
        ("count-elsewhere", count(u16::MAX)),
        ("thousands", count(5000)),
        ("file-range-wraps", field64(HEADERS[0] + 8, u64::MAX - 0x7f)),
        ("longer-in-file", field64(HEADERS[0] + 40, 1)),
        ("address-wraps", field64(HEADERS[1] + 24, u64::MAX)),
        ("overlap", field64(HEADERS[1] + 24, elf_file::CODE_PADDR)),
        ("note-wraps", field(&file, XEN_NOTE, u32::MAX)),
        (
            "signature-wraps",
            field(&file, SIGNATURE_NOTE + 4, u32::MAX),
        ),
    ]
}

fn module_signature() -> Vec<Named> {
    let file = samples::appended();
    let trailer = file.len() - 40;
    vec![
        ("appended", file.clone()),
        ("other-kind", with(&file, |file| file[trailer + 2] = 1)),
        ("length-past-begin", field(&file, trailer + 8, u32::MAX)),
        ("no-length", field(&file, trailer + 8, 0)),
        ("marker-alone", file[trailer + 12..].to_vec()),
    ]
}

fn uki() -> Vec<Named> {
    let image = samples::uki::image;
    let linux = (".linux", &b"kernel"[..]);
    vec![
        ("profiles", samples::uki::uki()),
        ("addon", samples::uki::addon()),
        ("two-kernels", image(&[linux, linux])),
        ("control-character", image(&[linux, (".cmdline", b"a\nb")])),
        (
            "line-goes-on-after-nul",
            image(&[linux, (".cmdline", b"a\0b")]),
        ),
        (
            "line-in-white-space",
            image(&[linux, (".cmdline", b"\t a\r\nb\x7f\n\0\0")]),
        ),
        (
            "no-kernel-in-profile",
            image(&[(".profile", b"ID=a"), linux, (".profile", b"ID=b")]),
        ),
    ]
}

fn manifest() -> Vec<Named> {
    let text = samples::manifest();
    let changed = |from, to| text.replace(from, to).into_bytes();
    vec![
        ("every-line", text.clone().into_bytes()),
        ("prefix", changed("cmdline ", "cmdline-prefix ")),
        ("unknown-line", changed("name ", "title ")),
        (
            "length-overflows",
            changed("18446744073709551615", "18446744073709551616"),
        ),
        ("two-kernels", changed("initrd", "kernel")),
        ("carriage-returns", changed("\n", "\r\n")),
        ("cut-off", changed("quiet\n", "quiet")),
    ]
}

fn verdict() -> Vec<Named> {
    let data = samples::verdict();
    vec![
        ("two-components", data.clone()),
        ("most-components", field(&data, 0x10, 32)),
        ("too-long-key", with(&data, |data| data[0xae] = 33)),
        ("signer-of-unsigned", with(&data, |data| data[0x17f] = 1)),
        ("no-text", with(&data, |data| data[0xf8] = 0xff)),
    ]
}

fn multiboot2() -> Vec<Named> {
    use samples::multiboot2::{at, header, kernel, kernel_of, tag};
    let file = kernel();
    vec![
        ("every-tag", file.clone()),
        ("no-tags", kernel_of(&header(0, &[tag(0, 0, &[])]))),
        ("tag-of-0", field(&file, at::ENTRY + 4, 0)),
        ("tag-wraps", field(&file, at::ENTRY + 4, u32::MAX)),
        ("whole-file", field(&file, at::ADDRESS + 12, u32::MAX)),
        ("load-before-file", field(&file, at::ADDRESS + 12, 0)),
        ("ends-before-it-begins", field(&file, at::ADDRESS + 16, 1)),
        ("end-of-memory", field(&file, at::ADDRESS + 20, u32::MAX)),
    ]
}

fn cpio() -> Vec<Named> {
    use baton_samples::cpio::{file, header, trailer};
    let table = file("kernel/firmware/acpi/ssdt.aml", b"SSDT");
    let with_archive = |rest: &[u8]| [&file("init", b"#!/bin/sh")[..], &trailer(), rest].concat();
    let mut endless = header(5, u32::MAX);
    endless.extend(b"init\0");
    vec![
        ("one-file", with_archive(b"")),
        ("table", table.clone()),
        (
            "table-after-zeros",
            with_archive(&[&[0; 512][..], &table].concat()),
        ),
        (
            "table-after-compressed",
            with_archive(&[b"\x1f\x8b..", &table[..]].concat()),
        ),
        ("name-across-the-middle", [&table[..], &table[..]].concat()),
        ("file-past-end", endless),
    ]
}
