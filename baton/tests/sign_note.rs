//! `baton sign --kind note`: a signature in a note of an ELF kernel.

mod common;

use baton_formats::elf::{Elf, PT_NOTE};
use common::signing::*;
use common::{WriteFile, owners, put, temp_dir, tool};

fn layouts() -> [(&'static str, Layout); 4] {
    [
        ("roomy", ROOMY),
        ("tight", TIGHT),
        ("late", LATE),
        ("spare", SPARE),
    ]
}

#[test]
fn is_put_into_every_layout_and_leaves_what_is_loaded_alone() {
    let directory = temp_dir();
    let o = owners();
    for (name, layout) in layouts() {
        for owner in [&o.rsa, &o.p256, &o.p384] {
            let file = directory.write("vmlinux", elf(&layout));
            signed(owner, &["--as", "note"], &[&file]);
            assert_eq!(kind_of(&file, owner).as_deref(), Ok("note"), "{name}");
            let (before, after) = (elf(&layout), std::fs::read(&file).unwrap());
            let (before, after) = (Elf::parse(&before).unwrap(), Elf::parse(&after).unwrap());
            assert!(before.segments().eq(after.segments()), "{name}");
            assert_eq!(before.entry(), after.entry());
            let said = tool("readelf", &[&"-lW", &file]);
            assert!(
                said.err.is_empty() && said.out.contains("NOTE"),
                "{}",
                said.err
            );
        }
    }
}

#[test]
fn takes_a_header_that_is_of_no_use_or_room_that_is_free() {
    let directory = temp_dir();
    let owner = &owners().rsa;
    for (name, layout) in layouts() {
        let file = directory.write("vmlinux", elf(&layout));
        signed(owner, &["--as", "note"], &[&file]);
        let bytes = std::fs::read(&file).unwrap();
        let table = u64::from_le_bytes(bytes[0x20..0x28].try_into().unwrap());
        let moved = table != layout.table as u64;
        assert_eq!(moved, ["tight", "late"].contains(&name), "{name}");
        assert_eq!(bytes[0x38], 3, "{name}");
    }
}

#[test]
fn does_not_grow_into_a_section() {
    let directory = temp_dir();
    let mut bytes = elf(&ROOMY);
    let headers = bytes.len();
    bytes.resize(headers + 2 * 64, 0);
    put(&mut bytes, 0x28, &(headers as u64).to_le_bytes());
    put(&mut bytes, 0x3a, &64_u16.to_le_bytes());
    put(&mut bytes, 0x3c, &2_u16.to_le_bytes());
    // A section of zeros where the table would grow.
    let section = headers + 64;
    put(&mut bytes, section + 4, &1_u32.to_le_bytes());
    put(&mut bytes, section + 0x18, &0xb8_u64.to_le_bytes());
    put(&mut bytes, section + 0x20, &8_u64.to_le_bytes());
    let file = directory.write("vmlinux", &bytes);
    signed(&owners().rsa, &["--as", "note"], &[&file]);
    let signed = std::fs::read(&file).unwrap();
    assert_eq!(signed[0x40..headers], bytes[0x40..headers]);
    assert_ne!(signed[0x20..0x28], bytes[0x20..0x28], "the table moved");
    assert_eq!(signed[0x28..0x30], bytes[0x28..0x30], "the sections didn't");
}

#[test]
fn covers_every_byte_but_its_own() {
    let directory = temp_dir();
    let owner = &owners().p256;
    let file = directory.write("vmlinux", elf(&SPARE));
    signed(owner, &["--as", "note"], &[&file]);
    let bytes = std::fs::read(&file).unwrap();
    let own = Elf::parse(&bytes).unwrap().signature_note().unwrap();
    for at in (0..bytes.len()).filter(|at| !own.contains(at)).step_by(3) {
        flip(&file, at);
        assert!(kind_of(&file, owner).is_err(), "byte {at:#x}");
        flip(&file, at);
    }
    flip(&file, own.end - 1);
    assert!(
        kind_of(&file, owner).is_err(),
        "the signature's own last byte"
    );
    flip(&file, own.end - 1);
    assert_eq!(kind_of(&file, owner).as_deref(), Ok("note"));
}

#[test]
fn is_replaced_only_when_told_and_in_its_place() {
    let directory = temp_dir();
    let o = owners();
    for (name, layout) in layouts() {
        let file = directory.write("vmlinux", elf(&layout));
        signed(&o.p384, &["--as", "note"], &[&file]);
        refused(&o.rsa, &["--as", "note"], &[&file], "--replace");
        signed(&o.rsa, &["--as", "note", "--replace"], &[&file]);
        assert_eq!(kind_of(&file, &o.rsa).as_deref(), Ok("note"), "{name}");
        assert_eq!(kind_of(&file, &o.p384), Err(3));
        let bytes = std::fs::read(&file).unwrap();
        let elf = Elf::parse(&bytes).unwrap();
        let notes = elf.all_segments().filter(|s| s.kind == PT_NOTE);
        assert_eq!(notes.count(), 2, "{name}: Linux's and ours");
    }
}

#[test]
fn replaces_the_one_of_another_maker_amid_the_file() {
    let directory = temp_dir();
    let owner = &owners().rsa;
    let file = directory.write("vmlinux", elf(&ROOMY));
    signed(owner, &["--as", "note"], &[&file]);
    let mut bytes = std::fs::read(&file).unwrap();
    bytes.extend([7; 40]); // the note is no longer the last there is
    let file = directory.write("vmlinux", &bytes);
    refused(owner, &["--as", "note"], &[&file], "--replace");
    signed(owner, &["--as", "note", "--replace"], &[&file]);
    assert_eq!(kind_of(&file, owner).as_deref(), Ok("note"));
}

#[test]
fn is_not_for_other_files() {
    let directory = temp_dir();
    let owner = &owners().rsa;
    let file = directory.write("text", b"text");
    refused(owner, &["--as", "note"], &[&file], "signature note");
    let mut bytes = elf(&ROOMY);
    bytes[4] = 1;
    let file = directory.write("elf32", &bytes);
    // Its header is one of 64 bits: malformed.
    let said = sign(owner, &["--as", "note"], &[&file]);
    assert_eq!(said.code, 4, "{}", said.err);
    assert!(said.err.contains("ELF"), "{}", said.err);
    assert_eq!(std::fs::read(&file).unwrap(), bytes);
}

#[test]
fn survives_an_appended_signature_and_not_the_reverse() {
    let directory = temp_dir();
    let o = owners();
    let file = directory.write("vmlinux", elf(&ROOMY));
    signed(&o.rsa, &["--as", "note"], &[&file]);
    signed(&o.p256, &["--as", "appended"], &[&file]);
    assert_eq!(kind_of(&file, &o.p256).as_deref(), Ok("appended"));
    refused(&o.rsa, &["--as", "note"], &[&file], "appended");
}
