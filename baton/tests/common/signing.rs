//! Signing files, and the smallest ELF kernels to sign.

use super::{Owner, Said, baton, put, tool};
use baton_formats::elf::PT_NOTE;
use std::ffi::OsStr;
use std::path::Path;

pub const HASHES: [&str; 3] = ["sha256", "sha384", "sha512"];

/// Signs the first of the files, into the second if there is one.
pub fn sign(owner: &Owner, options: &[&str], files: &[&Path]) -> Said {
    let mut args: Vec<&dyn AsRef<OsStr>> =
        vec![&"sign", &"--key", &owner.key, &"--cert", &owner.cert];
    args.extend(options.iter().map(|o| -> &dyn AsRef<OsStr> { o }));
    args.push(&files[0]);
    if let Some(out) = files.get(1) {
        args.extend::<[&dyn AsRef<OsStr>; 2]>([&"-o", out]);
    }
    baton(&args)
}

pub fn signed(owner: &Owner, options: &[&str], files: &[&Path]) {
    let said = sign(owner, options, files);
    assert_eq!(said.code, 0, "{options:?}: {}", said.err);
}

pub fn refused(owner: &Owner, options: &[&str], files: &[&Path], word: &str) {
    let before = std::fs::read(files[0]).unwrap();
    let said = sign(owner, options, files);
    assert!(matches!(said.code, 1..=4), "{options:?}");
    assert!(said.err.contains(word), "{word}: {}", said.err);
    assert_eq!(std::fs::read(files[0]).unwrap(), before, "it is left alone");
}

/// The kind of the signature by which `owner` vouches for a file, or the exit code.
pub fn kind_of(file: &Path, owner: &Owner) -> Result<String, i32> {
    let said = baton(&[
        &"verify",
        &"--signature-only",
        &"--json",
        &"--cert",
        &owner.cert,
        &file,
    ]);
    match said.code {
        0 => Ok(said.json()["signature_kind"].as_str().unwrap().to_owned()),
        code => Err(code),
    }
}

pub fn openssl_accepts(signature: &Path, content: &Path, owner: &Owner) -> bool {
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

pub fn openssl_signs(content: &Path, owner: &Owner, options: &[&str], out: &Path) {
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

pub fn flip(file: &Path, at: usize) {
    let mut bytes = std::fs::read(file).unwrap();
    bytes[at] ^= 1;
    std::fs::write(file, bytes).unwrap();
}

/// Where the bytes of the smallest ELF kernel lie, and its table of program headers.
pub struct Layout {
    pub table: usize,
    pub headers: &'static [u32],
    pub code: usize,
}

pub const PT_LOAD: u32 = 1;

pub const PT_GNU_STACK: u32 = 0x6474_e551;

/// As the kernel's own: the table after the header, and zeros up to the code.
pub const ROOMY: Layout = Layout {
    table: 0x40,
    headers: &[PT_LOAD, PT_NOTE],
    code: 0x200,
};

/// Code right after the table.
pub const TIGHT: Layout = Layout {
    table: 0x40,
    headers: &[PT_LOAD, PT_NOTE],
    code: 0xb0,
};

/// The table at the file's end.
pub const LATE: Layout = Layout {
    table: 0x100,
    headers: &[PT_LOAD, PT_NOTE],
    code: 0x40,
};

/// As linkers make them.
pub const SPARE: Layout = Layout {
    table: 0x40,
    headers: &[PT_LOAD, PT_GNU_STACK, PT_NOTE],
    code: 0xe8,
};

/// The note that Linux's build leaves: without it the gate takes no signature for a kernel's.
pub const LINUX_NOTE: &[u8] = b"\x06\0\0\0\x04\0\0\0\0\x01\0\0Linux\0\0\0salt";

pub fn elf(layout: &Layout) -> Vec<u8> {
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
