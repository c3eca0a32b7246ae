//! `baton sign-all`, and the hooks that run it.

mod common;

use common::signing::kind_of;
use common::{Owner, Said, WriteFile, baton, kernel_image, owners, sign, temp_dir, tool};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// A directory with a key of its own, two kernels and an initrd.
struct Boot {
    directory: TempDir,
    owner: &'static Owner,
}

impl Boot {
    fn new() -> Boot {
        let directory = temp_dir();
        let owner = &owners().rsa;
        for name in ["vmlinuz-1", "vmlinuz-2"] {
            directory.write(name, kernel_image(0x3000));
        }
        directory.write("initrd.img-1", "070701");
        fs::copy(&owner.key, directory.path().join("key")).unwrap();
        Boot { directory, owner }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    fn config(&self, more: &str) -> PathBuf {
        let (key, cert) = (self.path("key"), &self.owner.cert);
        let start = format!("key = {key:?}\ncert = {cert:?}\n");
        let more = more.replace("BOOT", self.directory.path().to_str().unwrap());
        self.directory.write("sign.toml", start + &more)
    }

    fn run(&self, config: &Path, options: &[&str]) -> Said {
        let mut all: Vec<&dyn AsRef<std::ffi::OsStr>> = vec![&"sign-all", &"--config", &config];
        all.extend(
            options
                .iter()
                .map(|it| -> &dyn AsRef<std::ffi::OsStr> { it }),
        );
        baton(&all)
    }

    fn kind(&self, name: &str) -> Result<String, i32> {
        kind_of(&self.path(name), self.owner)
    }
}

const FILES: &str = "files = [\"BOOT/vmlinuz-*\", \"BOOT/initrd.img-*\"]\n";

#[test]
fn all_that_is_listed_is_signed_once() {
    let boot = Boot::new();
    let config = boot.config(FILES);
    let said = boot.run(&config, &["--dry-run"]);
    assert_eq!(
        (said.code, said.out.lines().count()),
        (0, 4),
        "{}",
        said.err
    );
    assert!(
        said.out.contains("3 of 3 files would be signed"),
        "{}",
        said.out
    );
    assert!(boot.kind("vmlinuz-1").is_err());
    let said = boot.run(&config, &[]);
    assert_eq!(said.code, 0, "{}", said.err);
    for (name, kind) in [
        ("vmlinuz-1", "authenticode"),
        ("vmlinuz-2", "authenticode"),
        ("initrd.img-1", "detached"),
    ] {
        assert_eq!(boot.kind(name).as_deref(), Ok(kind), "{name}");
    }
    // Nor is a key needed where nothing is left to sign: it may lie in a token that isn't there.
    fs::remove_file(boot.path("key")).unwrap();
    let said = boot.run(&config, &[]);
    assert_eq!(said.code, 0, "{}", said.err);
    assert!(
        said.out.contains("all 3 files are signed already"),
        "{}",
        said.out
    );
    assert!(!boot.path("initrd.img-1.p7s.p7s").exists());
    // An upgrade brings one kernel, and an initrd that is made anew.
    fs::copy(&boot.owner.key, boot.path("key")).unwrap();
    boot.directory.write("vmlinuz-3", kernel_image(0x3000));
    boot.directory.write("initrd.img-1", "070701 anew");
    assert_eq!(boot.kind("initrd.img-1"), Err(3));
    let said = boot.run(&config, &[]);
    assert_eq!(
        (said.code, said.out.lines().count()),
        (0, 2),
        "{}{}",
        said.out,
        said.err
    );
    assert!(boot.kind("vmlinuz-3").is_ok() && boot.kind("initrd.img-1").is_ok());
}

#[test]
fn signatures_by_others_stay_or_go_as_the_settings_say() {
    for (existing, stays) in [("append", true), ("replace", false)] {
        let boot = Boot::new();
        let other = &owners().p256;
        sign(&boot.path("vmlinuz-1"), other);
        let config = boot.config(&format!("existing = \"{existing}\"\n{FILES}"));
        let said = boot.run(&config, &[]);
        assert_eq!(said.code, 0, "{}", said.err);
        let both = [boot.owner, other].map(|it| kind_of(&boot.path("vmlinuz-1"), it).is_ok());
        assert_eq!(both, [true, stays]);
    }
}

#[test]
fn a_file_may_be_signed_in_another_way_and_to_another_place() {
    let boot = Boot::new();
    let config = boot.config(
        "[[file]]\npath = \"BOOT/vmlinuz-1\"\noutput = \"BOOT/signed\"\n\
         [[file]]\npath = \"BOOT/vmlinuz-2\"\nas = \"detached\"\n",
    );
    for round in 0..2 {
        let said = boot.run(&config, &[]);
        assert_eq!(said.code, 0, "{}", said.err);
        assert_eq!(
            said.out.contains("signed already"),
            round == 1,
            "{}",
            said.out
        );
        assert!(boot.kind("vmlinuz-1").is_err());
        assert_eq!(boot.kind("signed").as_deref(), Ok("authenticode"));
        assert_eq!(boot.kind("vmlinuz-2").as_deref(), Ok("detached"));
    }
    boot.directory.write("vmlinuz-1", kernel_image(0x3010));
    let said = boot.run(&config, &[]);
    assert!(said.out.contains("signed: "), "{}{}", said.out, said.err);
    assert!(fs::read(boot.path("signed")).unwrap().len() > 0x3010);
}

#[test]
fn what_fails_keeps_nothing_else_from_being_signed() {
    let boot = Boot::new();
    boot.directory
        .write("vmlinuz-1", &kernel_image(0x3000)[..0x60]);
    let config = boot.config("files = [\"BOOT/none\", \"BOOT/vmlinuz-*\"]\n");
    let said = boot.run(&config, &[]);
    assert_eq!(said.code, 1, "{}", said.err);
    assert!(said.err.contains("none: can't be read") && said.err.contains("vmlinuz-1: "));
    assert!(boot.kind("vmlinuz-2").is_ok());
}

#[test]
fn wrong_settings_are_refused_by_their_key() {
    let boot = Boot::new();
    let cases = [
        ("files = [\"vmlinuz\"]", 4, "line 3: files"),
        ("", 4, "nothing to sign"),
        ("files = []\nhash = \"sha1\"", 4, "line 4: hash"),
        (
            "file = [{ path = \"BOOT/vmlinuz-*\", output = \"BOOT/out\" }]",
            2,
            "like another file",
        ),
        (
            "file = [{ path = \"BOOT/vmlinuz-1\", output = \"BOOT/key\" }]",
            2,
            "same file as the input",
        ),
    ];
    for (more, code, words) in cases {
        let said = boot.run(&boot.config(more), &[]);
        assert_eq!(said.code, code, "{more}: {}", said.err);
        assert!(said.err.contains(words), "{words}: {}", said.err);
        assert_eq!(said.err.lines().count(), 1, "{}", said.err);
    }
    let said = boot.run(&boot.path("none.toml"), &[]);
    assert_eq!(said.code, 1, "{}", said.err);
    let config = boot.config(FILES);
    fs::remove_file(boot.path("key")).unwrap();
    let said = boot.run(&config, &[]);
    assert_eq!(said.code, 1, "{}", said.err);
    assert!(said.err.contains("key: can't be read"), "{}", said.err);
    assert_eq!(said.err.lines().count(), 1, "it is said once: {}", said.err);
}

const HOOKS: [&str; 3] = [
    "kernel-install/95-baton.install",
    "kernel/postinst.d/zz-baton",
    "initramfs/post-update.d/zz-baton",
];

#[test]
fn hooks_are_clean_and_do_nothing_where_nothing_is_configured() {
    let dist = Path::new(env!("CARGO_MANIFEST_DIR")).join("../dist");
    let configured = Path::new("/etc/baton/sign.toml").exists();
    for hook in HOOKS.map(|name| dist.join(name)) {
        let said = tool("shellcheck", &[&hook]);
        assert_eq!(said.code, 0, "{}", said.out);
        let text = fs::read_to_string(&hook).unwrap();
        assert!(text.ends_with("exec baton sign-all\n"));
        if !configured {
            let said = tool("sh", &[&hook, &"add", &"6.12"]);
            assert_eq!((said.code, said.out + &said.err), (0, String::new()));
        }
    }
}

#[test]
fn one_file_may_be_made_of_another_that_is_listed() {
    let boot = Boot::new();
    let config = boot.config(
        "[[file]]\npath = \"BOOT/vmlinuz-1\"\nas = \"ima\"\noutput = \"BOOT/vmlinuz-1.sig\"\n\
         [[file]]\npath = \"BOOT/vmlinuz-1\"\nas = \"authenticode\"\n\
         [[file]]\npath = \"BOOT/vmlinuz-2\"\noutput = \"BOOT/copy.efi\"\n\
         [[file]]\npath = \"BOOT/copy.efi\"\nas = \"detached\"\n",
    );
    for kernel in [kernel_image(0x3000), kernel_image(0x4000)] {
        for name in ["vmlinuz-1", "vmlinuz-2"] {
            boot.directory.write(name, &kernel);
        }
        let said = boot.run(&config, &["--dry-run"]);
        assert!(
            said.out.contains("4 of 4 files would be signed"),
            "{}{}",
            said.out,
            said.err
        );
        let said = boot.run(&config, &[]);
        assert_eq!(said.code, 0, "{}", said.err);
        // Each is of the file as the others left it.
        let said = boot.run(&config, &[]);
        assert_eq!(said.code, 0, "{}", said.err);
        assert!(said.out.contains("all 4 files are"), "{}", said.out);
        assert_eq!(boot.kind("vmlinuz-1").as_deref(), Ok("authenticode"));
    }
}

#[test]
fn what_is_of_the_whole_file_is_signed_last() {
    for last in ["detached", "ima"] {
        let boot = Boot::new();
        let (other, out) = (boot.path("vmlinuz-1"), boot.path("vmlinuz-1.sig"));
        let config = boot.config(&format!(
            "[[file]]\npath = {other:?}\nas = \"{last}\"\noutput = {out:?}\n\
             [[file]]\npath = {other:?}\nas = \"authenticode\"\n"
        ));
        let said = boot.run(&config, &[]);
        assert_eq!(said.code, 0, "{last}: {}", said.err);
        let said = boot.run(&config, &[]);
        assert!(said.out.contains("all 2 files are"), "{last}: {}", said.out);
    }
    // Beside the file.
    let boot = Boot::new();
    let config = boot.config(
        "[[file]]\npath = \"BOOT/vmlinuz-1\"\nas = \"detached\"\n\
         [[file]]\npath = \"BOOT/vmlinuz-1\"\nas = \"authenticode\"\n",
    );
    let said = boot.run(&config, &[]);
    assert_eq!(said.code, 0, "{}", said.err);
    let (image, p7s) = (boot.path("vmlinuz-1"), boot.path("vmlinuz-1.p7s"));
    let cert = &boot.owner.cert;
    let said = tool(
        "openssl",
        &[
            &"cms",
            &"-verify",
            &"-binary",
            &"-inform",
            &"DER",
            &"-in",
            &p7s,
            &"-content",
            &image,
            &"-CAfile",
            cert,
            &"-purpose",
            &"any",
            &"-out",
            &"/dev/null",
        ],
    );
    assert_eq!(said.code, 0, "{}", said.err);
}

#[test]
fn a_key_with_its_certificate_in_the_same_file_is_decrypted_only_to_sign() {
    let boot = Boot::new();
    let key = boot.path("key");
    let encrypted = tool(
        "openssl",
        &[
            &"pkcs8",
            &"-topk8",
            &"-passout",
            &"pass:x",
            &"-in",
            &boot.owner.key,
        ],
    );
    assert_eq!(encrypted.code, 0, "{}", encrypted.err);
    let cert = fs::read_to_string(&boot.owner.cert).unwrap();
    fs::write(&key, encrypted.out + &cert).unwrap();
    let passphrase = boot.directory.write("passphrase", "x\n");
    fs::set_permissions(&passphrase, PermissionsExt::from_mode(0o600)).unwrap();
    let config = boot.directory.write(
        "sign.toml",
        format!(
            "key = {key:?}\npassphrase-file = {passphrase:?}\nfiles = [{:?}]\n",
            boot.path("vmlinuz-1")
        ),
    );
    let said = boot.run(&config, &[]);
    assert_eq!(said.code, 0, "{}", said.err);
    fs::remove_file(&passphrase).unwrap();
    let said = boot.run(&config, &[]);
    assert_eq!(said.code, 0, "{}", said.err);
    assert!(said.out.contains("all 1 files are"), "{}", said.out);
}
