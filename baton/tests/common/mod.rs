//! What the tests of the program share: images made in code, keys made by openssl, described machines.
#![allow(dead_code)] // each test file uses a part

pub mod fake;
pub mod loading;
pub mod programs;
pub mod schema;
pub mod signing;

use baton_formats::gate_image::{GateInfo, SectionRange};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::OnceLock;
use tempfile::TempDir;

/// A new directory in the one that Cargo keeps for tests; removed when dropped.
pub fn temp_dir() -> TempDir {
    TempDir::new_in(env!("CARGO_TARGET_TMPDIR")).unwrap()
}

/// Files that tests write below a directory.
pub trait WriteFile {
    fn write(&self, name: &str, bytes: impl AsRef<[u8]>) -> PathBuf;
}

impl WriteFile for TempDir {
    fn write(&self, name: &str, bytes: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, bytes).unwrap();
        path
    }
}

/// How the program ended, and what it said.
pub struct Said {
    pub code: i32,
    pub out: String,
    pub err: String,
}

impl Said {
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.out)
            .unwrap_or_else(|e| panic!("not one JSON object ({e}): {}", self.out))
    }
}

/// Runs the program. Arguments may be strings and paths alike.
pub fn baton(args: &[&dyn AsRef<std::ffi::OsStr>]) -> Said {
    let mut command = Command::new(env!("CARGO_BIN_EXE_baton"));
    command.env_remove("BATON_GATE");
    said_by(command, args)
}

/// As [`baton`], with these programs before all others, and nobody at the terminal.
pub fn baton_with(programs: &Path, args: &[&dyn AsRef<std::ffi::OsStr>]) -> Said {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let all = std::iter::once(programs.to_owned()).chain(std::env::split_paths(&path));
    let mut command = Command::new(env!("CARGO_BIN_EXE_baton"));
    command.env_remove("BATON_GATE").stdin(Stdio::null());
    command.env("PATH", std::env::join_paths(all).unwrap());
    said_by(command, args)
}

/// What the program says; what it says for programs is checked.
fn said_by(mut command: Command, args: &[&dyn AsRef<std::ffi::OsStr>]) -> Said {
    let said = said(command.args(args).output().unwrap());
    let words: Vec<String> = args
        .iter()
        .map(|it| it.as_ref().to_string_lossy().into_owned())
        .collect();
    schema::check(&words, &said.out);
    said
}

fn said(output: Output) -> Said {
    Said {
        code: output.status.code().unwrap_or(-1),
        out: String::from_utf8(output.stdout).unwrap(),
        err: String::from_utf8(output.stderr).unwrap(),
    }
}

/// Runs another program that must be installed.
pub fn tool(program: &str, args: &[&dyn AsRef<std::ffi::OsStr>]) -> Said {
    let mut command = Command::new(program);
    for arg in args {
        command.arg(arg);
    }
    match command.output() {
        Ok(output) => said(output),
        Err(e) => {
            panic!("{program} can't be run ({e}); install it, as `cargo xtask setup` does")
        }
    }
}

/// A private key and its certificate.
pub struct Owner {
    pub name: &'static str,
    pub key: PathBuf,
    pub cert: PathBuf,
}

impl Owner {
    /// The certificate's bytes.
    pub fn der(&self) -> Vec<u8> {
        std::fs::read(self.cert.with_extension("der")).unwrap()
    }
}

/// The owners of keys that tests sign with, made once.
pub struct Owners {
    pub rsa: Owner,
    pub p256: Owner,
    pub p384: Owner,
    /// Signed by `rsa`.
    pub leaf: Owner,
    _directory: TempDir,
}

pub fn owners() -> &'static Owners {
    static OWNERS: OnceLock<Owners> = OnceLock::new();
    OWNERS.get_or_init(|| {
        let directory = temp_dir();
        let rsa = owner(&directory, "RSA owner", &["rsa:2048"], None);
        Owners {
            p256: owner(
                &directory,
                "P-256 owner",
                &["ec", "-pkeyopt", "ec_paramgen_curve:P-256"],
                None,
            ),
            p384: owner(
                &directory,
                "P-384 owner",
                &["ec", "-pkeyopt", "ec_paramgen_curve:P-384"],
                None,
            ),
            leaf: owner(&directory, "Leaf", &["rsa:2048"], Some(&rsa)),
            rsa,
            _directory: directory,
        }
    })
}

fn owner(directory: &TempDir, name: &'static str, kind: &[&str], ca: Option<&Owner>) -> Owner {
    let file = name.replace(' ', "-");
    let key = directory.path().join(format!("{file}.key"));
    let cert = directory.path().join(format!("{file}.crt"));
    let subject = format!("/CN={name}");
    let mut args: Vec<&dyn AsRef<std::ffi::OsStr>> = vec![
        &"req", &"-x509", &"-nodes", &"-days", &"3650", &"-subj", &subject, &"-newkey",
    ];
    for part in kind {
        args.push(part);
    }
    args.extend::<[&dyn AsRef<std::ffi::OsStr>; 4]>([&"-keyout", &key, &"-out", &cert]);
    if let Some(ca) = ca {
        args.extend::<[&dyn AsRef<std::ffi::OsStr>; 4]>([&"-CA", &ca.cert, &"-CAkey", &ca.key]);
    }
    let said = tool("openssl", &args);
    assert_eq!(said.code, 0, "{}", said.err);
    let der = cert.with_extension("der");
    let said = tool(
        "openssl",
        &[&"x509", &"-in", &cert, &"-outform", &"DER", &"-out", &der],
    );
    assert_eq!(said.code, 0, "{}", said.err);
    Owner { name, key, cert }
}

/// A certificate made by openssl with these options.
pub fn certificate(directory: &TempDir, name: &str, options: &[&str]) -> Owner {
    let (key, cert) = (
        directory.path().join(format!("{name}.key")),
        directory.path().join(format!("{name}.crt")),
    );
    let subject = format!("/CN={name}");
    let mut args: Vec<&dyn AsRef<std::ffi::OsStr>> = vec![
        &"req", &"-x509", &"-nodes", &"-subj", &subject, &"-keyout", &key, &"-out", &cert,
    ];
    args.extend(options.iter().map(|it| it as &dyn AsRef<std::ffi::OsStr>));
    assert_eq!(tool("openssl", &args).code, 0);
    let der = cert.with_extension("der");
    let said = tool(
        "openssl",
        &[&"x509", &"-in", &cert, &"-outform", &"DER", &"-out", &der],
    );
    assert_eq!(said.code, 0, "{}", said.err);
    Owner {
        name: "",
        key,
        cert,
    }
}

/// Where the images' protected-mode part begins: setup_sects is 7.
const HEADERS: usize = 0x1000;

/// A PE + bzImage hybrid as small as can be, of `len` bytes; it doesn't run.
pub fn kernel_image(len: usize) -> Vec<u8> {
    let mut image = vec![0; len];
    let body = u32::try_from(len - HEADERS).unwrap();
    put(&mut image, 0, b"MZ");
    put(&mut image, 0x3c, &0x40_u32.to_le_bytes());
    put(&mut image, 0x40, b"PE\0\0");
    put(&mut image, 0x44, &0x8664_u16.to_le_bytes());
    put(&mut image, 0x46, &1_u16.to_le_bytes()); // sections
    put(&mut image, 0x54, &160_u16.to_le_bytes()); // SizeOfOptionalHeader
    put(&mut image, 0x56, &0x20e_u16.to_le_bytes());
    let optional = 0x58;
    put(&mut image, optional, &0x20b_u16.to_le_bytes());
    put(&mut image, optional + 4, &body.to_le_bytes()); // SizeOfCode
    put(&mut image, optional + 32, &4096_u32.to_le_bytes());
    put(&mut image, optional + 36, &4096_u32.to_le_bytes());
    put(
        &mut image,
        optional + 56,
        &u32::try_from(len).unwrap().to_le_bytes(),
    );
    put(
        &mut image,
        optional + 60,
        &u32::try_from(HEADERS).unwrap().to_le_bytes(),
    );
    put(&mut image, optional + 68, &10_u16.to_le_bytes()); // EFI application
    put(&mut image, optional + 108, &6_u32.to_le_bytes());
    let section = optional + 160;
    put(&mut image, section, b".text");
    for (offset, value) in [
        (8, body),
        (12, 0x1000),
        (16, body),
        (20, 0x1000),
        (36, 0x6000_0020),
    ] {
        put(&mut image, section + offset, &value.to_le_bytes());
    }
    put_setup_header(&mut image);
    for (i, byte) in image.iter_mut().enumerate().skip(HEADERS) {
        *byte = u8::try_from(i % 251).unwrap();
    }
    image
}

/// Documentation/arch/x86/boot.rst
fn put_setup_header(image: &mut [u8]) {
    put(image, 0x1f1, &[7]); // setup_sects
    let paragraphs = u32::try_from((image.len() - HEADERS).div_ceil(16)).unwrap();
    put(image, 0x1f4, &paragraphs.to_le_bytes());
    put(image, 0x1fe, &0xaa55_u16.to_le_bytes());
    put(image, 0x200, &[0xeb, 0x6a]); // jump over the header: its end
    put(image, 0x202, b"HdrS");
    put(image, 0x206, &0x20f_u16.to_le_bytes());
    put(image, 0x211, &[1]); // LOADED_HIGH
    put(image, 0x230, &0x20_0000_u32.to_le_bytes()); // kernel_alignment
    put(image, 0x234, &[1, 21]); // relocatable, min_alignment
    put(image, 0x236, &0x7f_u16.to_le_bytes()); // xloadflags
    put(image, 0x238, &2047_u32.to_le_bytes()); // cmdline_size
    put(image, 0x258, &0x100_0000_u64.to_le_bytes()); // pref_address
    put(image, 0x260, &0x40_0000_u32.to_le_bytes()); // init_size
}

/// An image with a gate's info block, as the real stub has it.
pub fn gate_stub(limit: u32) -> Vec<u8> {
    let mut stub = kernel_image(0x3000);
    let info = GateInfo {
        stub_len: 0x3000,
        keys: SectionRange::default(),
        policy: SectionRange::default(),
        sbat: SectionRange::default(),
        dbx: SectionRange::default(),
        limit,
        formats: Default::default(),
        identity: [0; 32],
    };
    put(&mut stub, 0x1000, &info.to_bytes());
    stub
}

pub fn put(image: &mut [u8], at: usize, bytes: &[u8]) {
    image[at..at + bytes.len()].copy_from_slice(bytes);
}

/// Signs a file in place.
pub fn sign(path: &Path, owner: &Owner) {
    let said = baton(&[
        &"sign",
        &"--append",
        &"--key",
        &owner.key,
        &"--cert",
        &owner.cert,
        &path,
    ]);
    assert_eq!(said.code, 0, "{}", said.err);
}

/// A signature list of X.509 certificates (UEFI specification §32.4.1), as in db and MokListRT.
pub fn signature_list(certificates: &[Vec<u8>]) -> Vec<u8> {
    /// EFI_CERT_X509_GUID a5c059a1-94e4-4aa7-87b5-ab155c2bf072
    const X509: [u8; 16] = [
        0xa1, 0x59, 0xc0, 0xa5, 0xe4, 0x94, 0xa7, 0x4a, 0x87, 0xb5, 0xab, 0x15, 0x5c, 0x2b, 0xf0,
        0x72,
    ];
    let mut list = Vec::new();
    for certificate in certificates {
        let entry = u32::try_from(16 + certificate.len()).unwrap();
        list.extend(X509);
        list.extend((28 + entry).to_le_bytes());
        list.extend(0_u32.to_le_bytes());
        list.extend(entry.to_le_bytes());
        list.extend([0; 16]); // owner
        list.extend(certificate);
    }
    list
}
