//! `baton manifest`, and `baton verify` of what a manifest lists.

mod common;

use baton_formats::manifest::{CommandLine, Manifest};
use common::signing::openssl_accepts;
use common::{Owner, Said, WriteFile, baton, kernel_image, owners, temp_dir, tool};
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// A directory with a kernel and two initrds that nobody signed.
struct Boot {
    directory: TempDir,
    kernel: PathBuf,
    initrds: [PathBuf; 2],
    manifest: PathBuf,
}

impl Boot {
    fn new() -> Boot {
        let directory = temp_dir();
        Boot {
            kernel: directory.write("kernel", kernel_image(0x3000)),
            initrds: [
                directory.write("a.img", b"first"),
                directory.write("b.img", b"second"),
            ],
            manifest: directory.path().join("rescue.manifest"),
            directory,
        }
    }

    /// Writes a manifest of all of them.
    fn list(&self, options: &[&str]) -> Said {
        let [a, b] = &self.initrds;
        let mut args: Vec<&dyn AsRef<OsStr>> = vec![
            &"manifest",
            &"--kernel",
            &self.kernel,
            &"--initrd",
            a,
            &"--initrd",
            b,
        ];
        args.extend(options.iter().map(|o| -> &dyn AsRef<OsStr> { o }));
        args.push(&self.manifest);
        baton(&args)
    }

    fn sign(&self, owner: &Owner) {
        let said = baton(&[
            &"sign",
            &"--replace",
            &"--key",
            &owner.key,
            &"--cert",
            &owner.cert,
            &self.manifest,
        ]);
        assert_eq!(said.code, 0, "{}", said.err);
    }

    fn signature(&self) -> PathBuf {
        self.directory.path().join("rescue.manifest.p7s")
    }

    /// Of a kernel with its initrds, as the manifest lists them; of an initrd by itself.
    fn verify(&self, file: &Path, owner: &Owner) -> Said {
        let mut args: Vec<&dyn AsRef<OsStr>> = vec![
            &"verify",
            &file,
            &"--manifest",
            &self.manifest,
            &"--cert",
            &owner.cert,
        ];
        if !self.initrds.iter().any(|initrd| initrd == file) {
            for initrd in &self.initrds {
                args.extend::<[&dyn AsRef<OsStr>; 2]>([&"--initrd", initrd]);
            }
        }
        baton(&args)
    }
}

#[test]
fn lists_files_by_digest_and_length_in_their_order() {
    let boot = Boot::new();
    let said = boot.list(&["--name", "Rescue", "--cmdline-prefix", "-x root=/dev/vda1"]);
    assert_eq!(said.code, 0, "{}", said.err);
    assert!(said.out.contains("a kernel, 2 initrds"), "{}", said.out);
    let text = std::fs::read(&boot.manifest).unwrap();
    let manifest = Manifest::parse(&text).unwrap();
    assert_eq!(manifest.name(), Some("Rescue"));
    assert_eq!(manifest.kernel().unwrap().length, 0x3000);
    let prefix = CommandLine::Prefix("-x root=/dev/vda1");
    assert_eq!(manifest.command_line(), Some(prefix));
    let lengths: Vec<_> = manifest.initrds().map(|entry| entry.length).collect();
    assert_eq!(lengths, [5, 6]);
    let sum = tool("sha256sum", &[&boot.kernel]).out;
    let listed = String::from_utf8(text).unwrap();
    assert!(listed.contains(&format!("kernel sha256 {} 12288\n", &sum[..64])));
}

#[test]
fn an_empty_command_line_is_one() {
    let boot = Boot::new();
    assert_eq!(boot.list(&["--cmdline", ""]).code, 0);
    let text = std::fs::read(&boot.manifest).unwrap();
    let manifest = Manifest::parse(&text).unwrap();
    assert_eq!(manifest.command_line(), Some(CommandLine::Exact("")));
}

#[test]
fn once_signed_it_vouches_for_what_it_lists_and_for_nothing_else() {
    let boot = Boot::new();
    let o = owners();
    boot.list(&[]);
    boot.sign(&o.p384);
    for (file, part) in [
        (&boot.kernel, "by:        signed manifest"),
        (&boot.initrds[0], "initrd 1 of 2"),
        (&boot.initrds[1], "initrd 2 of 2"),
    ] {
        let said = boot.verify(file, &o.p384);
        assert_eq!(said.code, 0, "{}", said.err);
        assert!(said.out.contains(part), "{}", said.out);
        assert!(said.out.contains("P-384 owner"), "{}", said.out);
    }
    let mut other = kernel_image(0x3000);
    other[0x2000] ^= 1;
    let other = boot.directory.write("other", other);
    let said = boot.verify(&other, &o.p384);
    assert_eq!(said.code, 3);
    assert!(
        said.err.contains("the manifest lists a different one"),
        "{}",
        said.err
    );
    assert_eq!(boot.verify(&boot.kernel, &o.rsa).code, 3, "another's key");
}

#[test]
fn a_kernel_without_the_listed_initrds_is_refused_as_the_gate_refuses_it() {
    let boot = Boot::new();
    let owner = &owners().rsa;
    boot.list(&[]);
    boot.sign(owner);
    let said = baton(&[
        &"verify",
        &boot.kernel,
        &"--manifest",
        &boot.manifest,
        &"--cert",
        &owner.cert,
    ]);
    assert_eq!(said.code, 3);
    assert!(
        said.err.contains("initrd 0 refused: the manifest lists it"),
        "{}",
        said.err
    );
}

#[test]
fn a_kernel_that_is_signed_must_be_the_listed_one_too() {
    let boot = Boot::new();
    let owner = &owners().rsa;
    boot.list(&[]);
    boot.sign(owner);
    common::sign(&boot.kernel, owner);
    assert_eq!(
        baton(&[&"verify", &boot.kernel, &"--cert", &owner.cert]).code,
        0
    );
    let said = boot.verify(&boot.kernel, owner);
    assert_eq!(said.code, 3, "signing it made it another one");
}

#[test]
fn an_altered_or_unsigned_manifest_vouches_for_nothing() {
    let boot = Boot::new();
    let owner = &owners().rsa;
    boot.list(&[]);
    let said = boot.verify(&boot.kernel, owner);
    assert_eq!(said.code, 3);
    assert!(
        said.err.contains("rescue.manifest refused: no signature"),
        "{}",
        said.err
    );
    boot.sign(owner);
    let said = baton(&[&"verify", &boot.manifest, &"--cert", &owner.cert]);
    assert_eq!(said.code, 0, "{}", said.err);
    assert!(said.out.contains("as:        manifest"), "{}", said.out);
    let mut text = std::fs::read(&boot.manifest).unwrap();
    let end = text.len() - 2;
    text[end] ^= 1;
    std::fs::write(&boot.manifest, text).unwrap();
    assert_eq!(boot.verify(&boot.kernel, owner).code, 3);
}

#[test]
fn openssl_accepts_its_signature() {
    let boot = Boot::new();
    let owner = &owners().p256;
    boot.list(&[]);
    boot.sign(owner);
    assert!(openssl_accepts(&boot.signature(), &boot.manifest, owner));
}

#[test]
fn one_that_is_written_anew_must_be_signed_anew_and_says_so() {
    let boot = Boot::new();
    boot.list(&[]);
    boot.sign(&owners().rsa);
    let said = boot.list(&["--force", "--name", "Another"]);
    assert_eq!(said.code, 0, "{}", said.err);
    assert!(said.out.contains("--replace"), "{}", said.out);
    assert_eq!(boot.verify(&boot.kernel, &owners().rsa).code, 3);
}

#[test]
fn what_is_there_is_overwritten_only_when_told() {
    let boot = Boot::new();
    let said = baton(&[&"manifest", &"--initrd", &boot.initrds[0], &boot.kernel]);
    assert_eq!(said.code, 1);
    assert!(said.err.contains("--force"), "{}", said.err);
    assert_eq!(std::fs::read(&boot.kernel).unwrap(), kernel_image(0x3000));
    assert_eq!(boot.list(&[]).code, 0);
    assert_eq!(boot.list(&["--name", "anew"]).code, 1);
    assert_eq!(boot.list(&["--force", "--name", "anew"]).code, 0);
}

#[test]
fn text_cannot_bring_lines_of_its_own() {
    let boot = Boot::new();
    let line = format!("x\nkernel sha256 {} 1", "0".repeat(64));
    for (option, text) in [
        ("--name", line.as_str()),
        ("--name", ""),
        ("--name", "Überlebenskern"),
        ("--cmdline", "quiet\ninitrd x"),
        ("--cmdline", " quiet"),
        ("--cmdline-prefix", ""),
    ] {
        let said = boot.list(&[option, text]);
        assert_eq!(said.code, 2, "{option} {text:?}");
        assert!(said.err.contains(&format!("{option}: ")), "{}", said.err);
        assert!(!boot.manifest.exists());
    }
}

#[test]
fn what_cannot_be_listed_is_refused_by_name() {
    let boot = Boot::new();
    let said = baton(&[&"manifest", &"--name", &"x", &boot.manifest]);
    assert_eq!(said.code, 2);
    assert!(
        said.err.contains("neither a kernel nor an initrd"),
        "{}",
        said.err
    );
    let empty = boot.directory.write("empty", b"");
    let said = baton(&[&"manifest", &"--kernel", &empty, &boot.manifest]);
    assert!(
        said.err.contains("empty: the file is empty"),
        "{}",
        said.err
    );
    let mut args: Vec<&dyn AsRef<OsStr>> = vec![&"manifest"];
    for _ in 0..17 {
        args.extend::<[&dyn AsRef<OsStr>; 2]>([&"--initrd", &boot.kernel]);
    }
    args.push(&boot.manifest);
    let said = baton(&args);
    assert_eq!(said.code, 2);
    assert!(said.err.contains("one initrd too many"), "{}", said.err);
    assert!(!boot.manifest.exists());
}
