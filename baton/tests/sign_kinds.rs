//! `baton sign` beyond Authenticode: appended, note and detached signatures, against `baton verify`
//! and openssl.

mod common;

use baton_formats::elf::{Elf, PT_NOTE};
use baton_formats::module_signature::{self, trailer};
use common::{Owner, Said, WriteFile, baton, kernel_image, owners, put, temp_dir, tool};
use std::ffi::OsStr;
use std::path::Path;

const HASHES: [&str; 3] = ["sha256", "sha384", "sha512"];

fn sign(owner: &Owner, options: &[&str], files: &[&Path]) -> Said {
    let mut args: Vec<&dyn AsRef<OsStr>> =
        vec![&"sign", &"--key", &owner.key, &"--cert", &owner.cert];
    args.extend(options.iter().map(|o| -> &dyn AsRef<OsStr> { o }));
    args.extend(files.iter().map(|f| -> &dyn AsRef<OsStr> { f }));
    baton(&args)
}

fn signed(owner: &Owner, options: &[&str], files: &[&Path]) {
    let said = sign(owner, options, files);
    assert_eq!(said.code, 0, "{options:?}: {}", said.err);
}

fn refused(owner: &Owner, options: &[&str], files: &[&Path], word: &str) {
    let before = std::fs::read(files[0]).unwrap();
    let said = sign(owner, options, files);
    assert!(matches!(said.code, 1..=4), "{options:?}");
    assert!(said.err.contains(word), "{word}: {}", said.err);
    assert_eq!(std::fs::read(files[0]).unwrap(), before, "it is left alone");
}

/// The way in which `owner` vouches for a file, whatever that is, or the exit code.
fn way(file: &Path, owner: &Owner) -> Result<String, i32> {
    let said = baton(&[
        &"verify",
        &"--signature-only",
        &"--json",
        &"--cert",
        &owner.cert,
        &file,
    ]);
    match said.code {
        0 => Ok(said.json()["way"].as_str().unwrap().to_owned()),
        code => Err(code),
    }
}

fn openssl_accepts(signature: &Path, content: &Path, owner: &Owner) -> bool {
    tool(
        "openssl",
        &[
            &"cms",
            &"-verify",
            &"-binary",
            &"-inform",
            &"DER",
            &"-purpose",
            &"any",
            &"-in",
            &signature,
            &"-content",
            &content,
            &"-certfile",
            &owner.cert,
            &"-CAfile",
            &owner.cert,
            &"-out",
            &"/dev/null",
        ],
    )
    .code
        == 0
}

fn openssl_signs(content: &Path, owner: &Owner, options: &[&str], out: &Path) {
    let mut args: Vec<&dyn AsRef<OsStr>> = vec![
        &"cms",
        &"-sign",
        &"-binary",
        &"-outform",
        &"DER",
        &"-in",
        &content,
        &"-signer",
        &owner.cert,
        &"-inkey",
        &owner.key,
        &"-out",
        &out,
    ];
    args.extend(options.iter().map(|o| -> &dyn AsRef<OsStr> { o }));
    let said = tool("openssl", &args);
    assert_eq!(said.code, 0, "{}", said.err);
}

fn flip(file: &Path, at: usize) {
    let mut bytes = std::fs::read(file).unwrap();
    bytes[at] ^= 1;
    std::fs::write(file, bytes).unwrap();
}

/// Where the bytes of the smallest ELF kernel lie, and its table of program headers.
struct Layout {
    table: usize,
    headers: &'static [u32],
    code: usize,
}

const PT_LOAD: u32 = 1;
const PT_GNU_STACK: u32 = 0x6474_e551;
/// As the kernel's own: the table after the header, and zeros up to the code.
const ROOMY: Layout = Layout {
    table: 0x40,
    headers: &[PT_LOAD, PT_NOTE],
    code: 0x200,
};
/// Code right after the table.
const TIGHT: Layout = Layout {
    table: 0x40,
    headers: &[PT_LOAD, PT_NOTE],
    code: 0xb0,
};
/// The table at the file's end.
const LATE: Layout = Layout {
    table: 0x100,
    headers: &[PT_LOAD, PT_NOTE],
    code: 0x40,
};
/// As linkers make them.
const SPARE: Layout = Layout {
    table: 0x40,
    headers: &[PT_LOAD, PT_GNU_STACK, PT_NOTE],
    code: 0xe8,
};

/// The note that Linux's build leaves: without it the gate takes no signature for a kernel's.
const LINUX_NOTE: &[u8] = b"\x06\0\0\0\x04\0\0\0\0\x01\0\0Linux\0\0\0salt";

fn elf(layout: &Layout) -> Vec<u8> {
    const CODE_LEN: usize = 0x80;
    let table_end = layout.table + layout.headers.len() * 56;
    let mut file = vec![0; table_end.max(layout.code + CODE_LEN)];
    let note = file.len() as u64;
    file.extend(LINUX_NOTE);
    put(&mut file, 0, b"\x7fELF\x02\x01\x01");
    put(&mut file, 0x10, &2_u16.to_le_bytes());
    put(&mut file, 0x12, &62_u16.to_le_bytes());
    put(&mut file, 0x14, &1_u32.to_le_bytes());
    put(&mut file, 0x18, &0x10_0000_u64.to_le_bytes());
    put(&mut file, 0x20, &(layout.table as u64).to_le_bytes());
    put(&mut file, 0x34, &64_u16.to_le_bytes());
    put(&mut file, 0x36, &56_u16.to_le_bytes());
    let count = u16::try_from(layout.headers.len()).unwrap();
    put(&mut file, 0x38, &count.to_le_bytes());
    for (index, kind) in layout.headers.iter().enumerate() {
        let at = layout.table + index * 56;
        put(&mut file, at, &kind.to_le_bytes());
        if *kind == PT_LOAD {
            put(&mut file, at + 8, &(layout.code as u64).to_le_bytes());
            for field in [16, 24] {
                put(&mut file, at + field, &0x10_0000_u64.to_le_bytes());
            }
            for field in [32, 40] {
                put(&mut file, at + field, &(CODE_LEN as u64).to_le_bytes());
            }
        }
        if *kind == PT_NOTE {
            put(&mut file, at + 8, &note.to_le_bytes());
            for field in [32, 40] {
                put(
                    &mut file,
                    at + field,
                    &(LINUX_NOTE.len() as u64).to_le_bytes(),
                );
            }
        }
    }
    put(&mut file, layout.code, &[0xf4; CODE_LEN]);
    file
}

mod detached {
    use super::*;

    #[test]
    fn openssl_accepts_what_we_sign_with_every_key_and_hash() {
        let directory = temp_dir();
        let o = owners();
        for owner in [&o.rsa, &o.p256, &o.p384] {
            for hash in HASHES {
                let file = directory.write("initrd", b"070701 an archive\n");
                signed(owner, &["--hash", hash, "--replace"], &[&file]);
                let signature = directory.path().join("initrd.p7s");
                let what = format!("{} {hash}", owner.name);
                assert!(openssl_accepts(&signature, &file, owner), "{what}");
                assert_eq!(way(&file, owner).as_deref(), Ok("detached"), "{what}");
                flip(&file, 3);
                assert!(!openssl_accepts(&signature, &file, owner), "{what}");
                assert_eq!(way(&file, owner), Err(3), "{what}");
            }
        }
    }

    #[test]
    fn we_accept_what_openssl_signs() {
        let directory = temp_dir();
        let o = owners();
        let file = directory.write("initrd", b"\x1f\x8b\x08 compressed");
        let signature = directory.path().join("initrd.p7s");
        for owner in [&o.rsa, &o.p256, &o.p384] {
            for options in [
                &[][..],
                &["-noattr", "-nocerts"],
                &["-md", "sha512", "-keyid"],
            ] {
                openssl_signs(&file, owner, options, &signature);
                assert_eq!(way(&file, owner).as_deref(), Ok("detached"), "{options:?}");
            }
        }
    }

    #[test]
    fn a_signature_in_pem_says_the_same() {
        let directory = temp_dir();
        let owner = &owners().rsa;
        let file = directory.write("initrd", b"\x1f\x8b\x08 compressed");
        let (der, pem) = (
            directory.path().join("other"),
            directory.path().join("initrd.p7s"),
        );
        signed(owner, &[], &[&file, &der]);
        signed(owner, &["--format", "pem"], &[&file]);
        let text = std::fs::read_to_string(&pem).unwrap();
        assert!(text.starts_with("-----BEGIN CMS-----\n"), "{text}");
        assert_eq!(way(&file, owner).as_deref(), Ok("detached"));
        let back = directory.path().join("back");
        let convert: [&dyn AsRef<OsStr>; 8] = [
            &"cms",
            &"-cmsout",
            &"-in",
            &pem,
            &"-inform",
            &"PEM",
            &"-outform",
            &"DER",
        ];
        let mut args = convert.to_vec();
        args.extend::<[&dyn AsRef<OsStr>; 2]>([&"-out", &back]);
        assert_eq!(tool("openssl", &args).code, 0);
        assert_eq!(std::fs::read(back).unwrap(), std::fs::read(der).unwrap());
    }

    #[test]
    fn the_same_input_gives_the_same_bytes() {
        let directory = temp_dir();
        let o = owners();
        let file = directory.write("file", b"070701 content");
        for owner in [&o.rsa, &o.p256] {
            let out = [directory.path().join("one"), directory.path().join("two")];
            for out in &out {
                signed(owner, &["--replace"], &[&file, out]);
            }
            let [one, two] = out.map(|path| std::fs::read(path).unwrap());
            assert_eq!(one, two);
        }
    }

    #[test]
    fn a_signature_that_is_there_is_replaced_only_when_told() {
        let directory = temp_dir();
        let owner = &owners().rsa;
        let file = directory.write("file", b"070701 content");
        let signature = directory.write("file.p7s", b"something else");
        refused(owner, &[], &[&file], "--replace");
        assert_eq!(std::fs::read(&signature).unwrap(), b"something else");
        signed(owner, &["--replace"], &[&file]);
        assert_eq!(way(&file, owner).as_deref(), Ok("detached"));
    }

    #[test]
    fn a_signature_of_another_file_is_refused() {
        let directory = temp_dir();
        let owner = &owners().rsa;
        let (one, two) = (
            directory.write("one", b"070701 one"),
            directory.write("two", b"070701 two"),
        );
        signed(owner, &[], &[&one, &directory.path().join("two.p7s")]);
        assert_eq!(way(&two, owner), Err(3));
        assert_eq!(way(&one, owner), Err(3), "without one it is just a file");
    }
}

mod appended {
    use super::*;

    /// What scripts/sign-file does with openssl's library.
    fn sign_file(file: &Path, owner: &Owner, hash: &str) -> Vec<u8> {
        let signature = file.with_extension("cms");
        let options = ["-noattr", "-nocerts", "-nosmimecap", "-md", hash];
        openssl_signs(file, owner, &options, &signature);
        let signature = std::fs::read(signature).unwrap();
        let length = u32::try_from(signature.len()).unwrap();
        let data = std::fs::read(file).unwrap();
        [&data[..], &signature, &trailer(length)].concat()
    }

    #[test]
    fn is_byte_by_byte_what_the_kernels_sign_file_makes() {
        let directory = temp_dir();
        let owner = &owners().rsa;
        for hash in HASHES {
            let file = directory.write("vmlinux", elf(&ROOMY));
            let theirs = sign_file(&file, owner, hash);
            signed(owner, &["--hash", hash], &[&file]);
            assert_eq!(std::fs::read(&file).unwrap(), theirs, "{hash}");
        }
    }

    #[test]
    fn is_accepted_by_us_and_by_openssl_with_every_key() {
        let directory = temp_dir();
        let o = owners();
        for owner in [&o.rsa, &o.p256, &o.p384] {
            let file = directory.write("vmlinux", elf(&ROOMY));
            signed(owner, &[], &[&file]);
            assert_eq!(way(&file, owner).as_deref(), Ok("appended"));
            let bytes = std::fs::read(&file).unwrap();
            let parts = module_signature::split(&bytes).unwrap().unwrap();
            assert_eq!(parts.data, elf(&ROOMY));
            let signature = directory.write("signature", parts.signature);
            let content = directory.write("content", parts.data);
            assert!(openssl_accepts(&signature, &content, owner));
        }
    }

    #[test]
    fn what_sign_file_made_is_accepted_and_refused_when_altered() {
        let directory = temp_dir();
        let owner = &owners().p384;
        let bare = directory.write("bare", elf(&ROOMY));
        let file = directory.write("vmlinux", sign_file(&bare, owner, "sha256"));
        assert_eq!(way(&file, owner).as_deref(), Ok("appended"));
        flip(&file, 0x210);
        assert_eq!(way(&file, owner), Err(3));
    }

    #[test]
    fn carries_the_certificate_of_a_signer_that_another_vouches_for() {
        let directory = temp_dir();
        let o = owners();
        let file = directory.write("vmlinux", elf(&ROOMY));
        signed(&o.leaf, &[], &[&file]);
        assert_eq!(way(&file, &o.rsa).as_deref(), Ok("appended"), "by the CA");
        assert_eq!(way(&file, &o.p256), Err(3));
    }

    #[test]
    fn without_its_certificate_the_signer_must_be_trusted_and_is_named() {
        let directory = temp_dir();
        let o = owners();
        let file = directory.write("vmlinux", elf(&ROOMY));
        signed(&o.rsa, &[], &[&file]);
        let said = baton(&[
            &"verify",
            &"--signature-only",
            &"--cert",
            &o.p256.cert,
            &file,
        ]);
        assert_eq!(said.code, 3);
        let named = said
            .err
            .contains("of \"RSA owner\", which is neither in the signature");
        assert!(
            named && said.err.contains("--cert: \"P-256 owner\""),
            "{}",
            said.err
        );
    }

    #[test]
    fn is_replaced_only_when_told_and_there_is_never_a_second() {
        let directory = temp_dir();
        let o = owners();
        let file = directory.write("vmlinux", elf(&ROOMY));
        signed(&o.rsa, &[], &[&file]);
        refused(&o.p256, &[], &[&file], "--replace");
        refused(
            &o.p256,
            &["--append"],
            &[&file],
            "--append is for Authenticode",
        );
        signed(&o.p256, &["--replace"], &[&file]);
        assert_eq!(way(&file, &o.p256).as_deref(), Ok("appended"));
        assert_eq!(way(&file, &o.rsa), Err(3));
        let once = directory.write("once", elf(&ROOMY));
        signed(&o.p256, &[], &[&once]);
        assert_eq!(std::fs::read(once).unwrap(), std::fs::read(file).unwrap());
    }

    #[test]
    fn and_authenticode_exclude_each_other() {
        let directory = temp_dir();
        let owner = &owners().rsa;
        let image = directory.write("image", kernel_image(0x3000));
        signed(owner, &[], &[&image]);
        refused(owner, &["--as", "appended"], &[&image], "Authenticode");
        let image = directory.write("image", kernel_image(0x3000));
        signed(owner, &["--as", "appended"], &[&image]);
        assert_eq!(way(&image, owner).as_deref(), Ok("appended"));
        refused(owner, &["--as", "authenticode"], &[&image], "appended");
        signed(owner, &["--as", "authenticode", "--replace"], &[&image]);
        assert_eq!(way(&image, owner).as_deref(), Ok("authenticode"));
    }

    #[test]
    fn of_a_file_that_could_be_part_of_a_signature_is_not_made() {
        let directory = temp_dir();
        // The first byte of a SET, as of signed attributes.
        let file = directory.write("file", b"1 begins so");
        refused(
            &owners().rsa,
            &["--as", "appended"],
            &[&file],
            "not be accepted",
        );
    }
}

mod note {
    use super::*;

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
                assert_eq!(way(&file, owner).as_deref(), Ok("note"), "{name}");
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
            assert!(way(&file, owner).is_err(), "byte {at:#x}");
            flip(&file, at);
        }
        flip(&file, own.end - 1);
        assert!(way(&file, owner).is_err(), "the signature's own last byte");
        flip(&file, own.end - 1);
        assert_eq!(way(&file, owner).as_deref(), Ok("note"));
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
            assert_eq!(way(&file, &o.rsa).as_deref(), Ok("note"), "{name}");
            assert_eq!(way(&file, &o.p384), Err(3));
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
        assert_eq!(way(&file, owner).as_deref(), Ok("note"));
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
        assert_eq!(way(&file, &o.p256).as_deref(), Ok("appended"));
        refused(&o.rsa, &["--as", "note"], &[&file], "appended");
    }
}

#[test]
fn what_a_file_gets_depends_on_its_format() {
    let directory = temp_dir();
    let owner = &owners().rsa;
    for (bytes, kind) in [
        (kernel_image(0x3000), "authenticode"),
        (elf(&ROOMY), "appended"),
        (b"070701 an initrd".to_vec(), "detached"),
    ] {
        let file = directory.write("file", bytes);
        signed(owner, &[], &[&file]);
        assert_eq!(way(&file, owner).as_deref(), Ok(kind));
    }
}

#[test]
fn authenticode_takes_every_hash() {
    let directory = temp_dir();
    let o = owners();
    for owner in [&o.rsa, &o.p256, &o.p384] {
        for hash in HASHES {
            let image = directory.write("image", kernel_image(0x3000));
            signed(owner, &["--hash", hash], &[&image]);
            assert_eq!(way(&image, owner).as_deref(), Ok("authenticode"));
            let theirs = tool(
                "osslsigncode",
                &[&"verify", &"-CAfile", &owner.cert, &"-in", &image],
            );
            assert!(
                theirs.out.contains("Signature verification: ok"),
                "{} {hash}: {}{}",
                owner.name,
                theirs.out,
                theirs.err
            );
        }
    }
}

#[test]
fn pem_is_for_detached_signatures() {
    let directory = temp_dir();
    let image = directory.write("image", kernel_image(0x3000));
    refused(
        &owners().rsa,
        &["--format", "pem"],
        &[&image],
        "--as detached",
    );
}

#[test]
fn the_wrong_key_signs_nothing_of_any_kind() {
    let directory = temp_dir();
    let o = owners();
    let file = directory.write("vmlinux", elf(&ROOMY));
    for kind in ["appended", "note", "detached"] {
        let said = baton(&[
            &"sign",
            &"--as",
            &kind,
            &"--key",
            &o.rsa.key,
            &"--cert",
            &o.p256.cert,
            &file,
        ]);
        assert_eq!(said.code, 2);
        assert!(said.err.contains("isn't the certificate's"), "{}", said.err);
    }
    assert_eq!(std::fs::read(&file).unwrap(), elf(&ROOMY));
    assert!(!directory.path().join("vmlinux.p7s").exists());
}

mod what_a_signature_counts_for {
    use super::*;

    /// Neither PE nor ELF: a multiboot2 header whose tags say where it goes and begins.
    fn multiboot2() -> Vec<u8> {
        let tags: [u32; 12] = [2, 24, 0x10_0000, 0x10_0000, 0, 0, 3, 12, 0x10_0040, 0, 0, 8];
        let head: [u32; 3] = [0xe852_50d6, 0, 16 + 48];
        let checksum = 0_u32.wrapping_sub(head[0].wrapping_add(head[2]));
        let words = head.into_iter().chain([checksum]).chain(tags);
        let mut file: Vec<u8> = words.flat_map(u32::to_le_bytes).collect();
        file.resize(0x100, 0x90);
        file
    }

    fn legacy() -> Vec<u8> {
        let mut image = kernel_image(0x3000);
        image[..2].fill(0);
        image
    }

    #[test]
    fn a_kernel_that_only_a_manifest_vouches_for_gets_no_signature_of_its_own() {
        let directory = temp_dir();
        let owner = &owners().rsa;
        for kernel in [multiboot2(), legacy()] {
            let file = directory.write("kernel", kernel);
            for options in [&[][..], &["--as", "detached"], &["--as", "appended"]] {
                refused(owner, options, &[&file], "baton manifest");
            }
            assert!(!directory.path().join("kernel.p7s").exists());
        }
    }

    #[test]
    fn such_a_kernel_is_refused_though_it_is_signed_and_accepted_once_it_is_listed() {
        let directory = temp_dir();
        let owner = &owners().rsa;
        let file = directory.write("kernel", multiboot2());
        openssl_signs(&file, owner, &[], &directory.path().join("kernel.p7s"));
        let said = baton(&[&"verify", &"--json", &"--cert", &owner.cert, &file]);
        assert_eq!(said.json()["error"]["reason"], "only-by-manifest");
        let manifest = directory.path().join("its.manifest");
        let said = baton(&[&"manifest", &"--kernel", &file, &manifest]);
        assert_eq!(said.code, 0, "{}", said.err);
        signed(owner, &[], &[&manifest]);
        let said = baton(&[
            &"verify",
            &"--json",
            &"--cert",
            &owner.cert,
            &file,
            &"--manifest",
            &manifest,
        ]);
        assert_eq!(said.json()["way"], "manifest", "{}", said.out);
    }

    #[test]
    fn what_is_of_no_kind_counts_only_where_it_is_listed_and_is_told_so() {
        let directory = temp_dir();
        let owner = &owners().rsa;
        let file = directory.write("text", b"Dear administrator");
        let said = sign(owner, &[], &[&file]);
        assert_eq!(said.code, 0, "{}", said.err);
        assert!(
            said.err.contains("only if a manifest lists it"),
            "{}",
            said.err
        );
        let said = baton(&[&"verify", &"--cert", &owner.cert, &file]);
        assert!(said.out.contains("as:        data"), "{}", said.out);
        let initrd = directory.write("initrd", b"070701 an archive");
        assert_eq!(sign(owner, &[], &[&initrd]).err, "");
        let said = baton(&[&"verify", &"--cert", &owner.cert, &initrd]);
        assert!(said.out.contains("as:        initrd"), "{}", said.out);
    }
}
