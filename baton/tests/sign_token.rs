//! Keys in tokens: PKCS#11, with SoftHSM.

mod common;

use common::{Owner, Said, WriteFile, kernel_image, owners, temp_dir, tool};
use std::ffi::OsStr;
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::Command;
use tempfile::TempDir;

const MODULE: &str = "/usr/lib/softhsm/libsofthsm2.so";
const PIN: &str = "1234";

/// A directory with a token of SoftHSM's, which nobody else sees.
struct Tokens {
    directory: TempDir,
}

impl Tokens {
    fn new() -> Tokens {
        let directory = temp_dir();
        let tokens = directory.path().join("tokens");
        fs::create_dir(&tokens).unwrap();
        let config = format!(
            "directories.tokendir = {}\nlog.level = ERROR\n",
            tokens.display()
        );
        directory.write("softhsm2.conf", config);
        Tokens { directory }
    }

    fn run(&self, program: &str, args: &[&dyn AsRef<OsStr>]) -> Said {
        self.run_with(program, args, &[])
    }

    fn run_with(
        &self,
        program: &str,
        args: &[&dyn AsRef<OsStr>],
        environment: &[(&str, &str)],
    ) -> Said {
        let mut command = Command::new(program);
        command.args(args.iter().map(|it| it.as_ref()));
        command.envs(environment.iter().copied());
        command.env("SOFTHSM2_CONF", self.directory.path().join("softhsm2.conf"));
        let output = command
            .output()
            .unwrap_or_else(|e| panic!("{program}: {e}"));
        Said {
            code: output.status.code().unwrap_or(-1),
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
        }
    }

    fn baton(&self, args: &[&dyn AsRef<OsStr>]) -> Said {
        self.run(env!("CARGO_BIN_EXE_baton"), args)
    }

    fn util(&self, args: &[&dyn AsRef<OsStr>]) {
        let said = self.run("softhsm2-util", args);
        assert_eq!(said.code, 0, "{}{}", said.out, said.err);
    }

    fn token(&self, label: &str) {
        self.util(&[
            &"--init-token",
            &"--free",
            &"--label",
            &label,
            &"--pin",
            &PIN,
            &"--so-pin",
            &"5678",
        ]);
    }

    /// Puts a key into a token, and with it its certificate.
    fn import(&self, token: &str, owner: &Owner, label: &str, id: &str, certificate: bool) {
        self.util(&[
            &"--import",
            &owner.key,
            &"--token",
            &token,
            &"--label",
            &label,
            &"--id",
            &id,
            &"--pin",
            &PIN,
        ]);
        if certificate {
            self.write_object(
                token,
                &[
                    &owner.cert.with_extension("der"),
                    &"--type",
                    &"cert",
                    &"--id",
                    &id,
                    &"--label",
                    &label,
                ],
            );
        }
    }

    /// Puts an object into a token: its file, and what pkcs11-tool is told of it.
    fn write_object(&self, token: &str, object: &[&dyn AsRef<OsStr>]) {
        let mut args: Vec<&dyn AsRef<OsStr>> = vec![
            &"--module",
            &MODULE,
            &"--token-label",
            &token,
            &"--login",
            &"--pin",
            &PIN,
            &"--write-object",
        ];
        args.extend(object);
        let said = self.run("pkcs11-tool", &args);
        assert_eq!(said.code, 0, "{}", said.err);
    }

    /// Puts a key into a token that wants the PIN for each signature.
    fn import_cautious(&self, token: &str, owner: &Owner, id: &str) {
        let der = self.directory.path().join("key.der");
        let made = tool(
            "openssl",
            &[
                &"rsa",
                &"-in",
                &owner.key,
                &"-outform",
                &"DER",
                &"-out",
                &der,
            ],
        );
        assert_eq!(made.code, 0, "{}", made.err);
        self.write_object(
            token,
            &[
                &der,
                &"--type",
                &"privkey",
                &"--usage-sign",
                &"--always-auth",
                &"--id",
                &id,
            ],
        );
    }

    /// A module with these tokens and some that can't be used (fixtures/tokens.c).
    fn crowded_module(&self) -> PathBuf {
        let source = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/tokens.c");
        let module = self.directory.path().join("tokens.so");
        let made = tool("cc", &[&"-shared", &"-fPIC", &"-o", &module, &source]);
        assert_eq!(made.code, 0, "{}", made.err);
        module
    }

    fn pin_file(&self, pin: &str) -> PathBuf {
        let path = self.directory.write("pin", format!("{pin}\n"));
        fs::set_permissions(&path, Permissions::from_mode(0o600)).unwrap();
        path
    }
}

fn uri(path: &str) -> String {
    format!("pkcs11:{path}?module-path={MODULE}")
}

#[test]
fn a_key_in_a_token_signs_and_brings_its_certificate() {
    let tokens = Tokens::new();
    tokens.token("Our HSM");
    let o = owners();
    for (owner, id) in [(&o.rsa, "01"), (&o.p256, "02"), (&o.p384, "03")] {
        tokens.import("Our HSM", owner, owner.name, id, true);
        for (key, kind) in [
            (uri(&format!("token=Our%20HSM;id=%{id}")), "authenticode"),
            (
                uri(&format!("object={}", owner.name.replace(' ', "%20"))),
                "detached",
            ),
        ] {
            let image = tokens.directory.write("image", kernel_image(0x3000));
            let key = format!("{key}&pin-value={PIN}");
            let said = tokens.baton(&[
                &"sign",
                &"--as",
                &kind,
                &"--replace",
                &"--key",
                &key,
                &image,
            ]);
            assert_eq!(said.code, 0, "{}", said.err);
            assert!(said.out.contains(owner.name), "{}", said.out);
            assert_eq!(common::signing::kind_of(&image, owner).as_deref(), Ok(kind));
            if kind == "authenticode" {
                let said = tool("sbverify", &[&"--cert", &owner.cert, &image]);
                assert_eq!(said.code, 0, "{}", said.err);
            }
        }
    }
}

#[test]
fn a_pin_comes_from_a_file_that_others_cannot_read() {
    let tokens = Tokens::new();
    tokens.token("T");
    let owner = &owners().rsa;
    tokens.import("T", owner, "mok", "01", false);
    let image = tokens.directory.write("image", kernel_image(0x3000));
    let file = tokens.pin_file(PIN);
    let key = uri("token=T;object=mok;type=private");
    let with_source = format!("{key}&pin-source=file:{}", file.display());
    let sign = |key: &String, more: &[&dyn AsRef<OsStr>]| {
        let mut all: Vec<&dyn AsRef<OsStr>> = vec![
            &"sign",
            &"--replace",
            &"--key",
            key,
            &"--cert",
            &owner.cert,
            &image,
        ];
        all.extend(more);
        tokens.baton(&all)
    };
    for (key, more) in [
        (&with_source, &[][..]),
        (&key, &[&"--passphrase-file" as &dyn AsRef<OsStr>, &file]),
    ] {
        let said = sign(key, more);
        assert_eq!(said.code, 0, "{}", said.err);
    }
    fs::set_permissions(&file, Permissions::from_mode(0o644)).unwrap();
    let said = sign(&with_source, &[]);
    assert_eq!(said.code, 6, "{}", said.err);
    assert!(said.err.contains("chmod"), "{}", said.err);
    tokens.pin_file("wrong");
    let said = sign(&with_source, &[]);
    assert_eq!(said.code, 6, "{}", said.err);
    assert!(said.err.contains("the PIN is wrong"), "{}", said.err);
}

#[test]
fn what_is_wrong_with_a_token_is_told_in_one_line() {
    let tokens = Tokens::new();
    for label in ["one", "two"] {
        tokens.token(label);
    }
    let o = owners();
    tokens.import("one", &o.rsa, "mok", "01", false);
    tokens.import("one", &o.p256, "mok", "02", false);
    let image = tokens.directory.write("image", kernel_image(0x3000));
    let no_module = tokens.directory.write("module.so", "text");
    let pin = format!("&pin-value={PIN}");
    let cases = [
        (uri("token=none"), 1, "no such token, but \"one\", \"two\""),
        (uri(""), 2, "several tokens fit"),
        (uri("token=two") + &pin, 1, "has 0 such private keys"),
        (
            uri("token=one;object=mok") + &pin,
            2,
            "has 2 such private keys; say which",
        ),
        (uri("token=one;id=%02") + &pin, 2, "isn't the certificate's"),
        (
            "pkcs11:token=one?module-path=/none.so".into(),
            1,
            "/none.so: can't be loaded",
        ),
        (
            format!("pkcs11:token=one?module-path={}", no_module.display()),
            1,
            "can't be loaded",
        ),
        (
            "pkcs11:token=one?module-name=none".into(),
            1,
            "no PKCS#11 module none",
        ),
        ("pkcs11:tokens=one".into(), 2, "tokens: not known"),
        (
            "pkcs11:token=one;pin-value=1234".into(),
            2,
            "after a question mark",
        ),
        ("pkcs11:token=%4".into(), 2, "two hexadecimal digits"),
    ];
    for (key, code, words) in cases {
        let said = tokens.baton(&[&"sign", &"--key", &key, &"--cert", &o.rsa.cert, &image]);
        assert_eq!(said.code, code, "{key}: {}", said.err);
        assert!(said.err.contains(words), "{key}: {}", said.err);
        assert_eq!(said.err.lines().count(), 1, "{}", said.err);
        assert!(!said.err.contains(PIN), "{}", said.err);
    }
    assert_eq!(fs::read(&image).unwrap(), kernel_image(0x3000));
    // Without a certificate in the token, one has to be given.
    let key = uri("token=one;id=%01") + &pin;
    let said = tokens.baton(&[&"sign", &"--key", &key, &image]);
    assert_eq!(said.code, 2, "{}", said.err);
    assert!(said.err.contains("--cert"), "{}", said.err);
}

#[test]
fn a_token_that_is_broken_or_asks_nobody_to_log_in_hides_no_other() {
    let tokens = Tokens::new();
    tokens.token("T");
    let owner = &owners().rsa;
    tokens.import("T", owner, "mok", "01", true);
    let module = tokens.crowded_module();
    let image = tokens.directory.write("image", kernel_image(0x3000));
    let key = |path: &str| {
        let module = module.display();
        format!("pkcs11:{path}?module-path={module}&pin-value={PIN}")
    };
    let said = tokens.baton(&[&"sign", &"--key", &key("object=mok"), &image]);
    assert_eq!(said.code, 0, "{}", said.err);
    assert!(said.out.contains(owner.name), "{}", said.out);
    // Neither does it keep the certificate from being found, for which nobody logs in.
    let without_pin = format!("pkcs11:object=mok?module-path={}", module.display());
    let config = tokens.directory.write(
        "sign.toml",
        format!("key = {without_pin:?}\nfiles = [{image:?}]\n"),
    );
    let said = tokens.baton(&[&"sign-all", &"--config", &config]);
    assert_eq!(said.code, 0, "{}", said.err);
    assert!(said.out.contains("signed already"), "{}", said.out);
    // Whoever looks for the broken one is told.
    let said = tokens.baton(&[&"sign", &"--key", &key("token=none"), &image]);
    assert_eq!(said.code, 1, "{}", said.err);
    let words = "no such token, but \"Public\", \"T\"; slot 900: C_GetTokenInfo: DeviceError";
    assert!(said.err.contains(words), "{}", said.err);
    assert_eq!(said.err.lines().count(), 1, "{}", said.err);
}

#[test]
fn of_several_tokens_those_that_fit_are_named() {
    let tokens = Tokens::new();
    for label in ["T", "U"] {
        tokens.token(label);
    }
    let module = tokens.crowded_module();
    let image = tokens.directory.write("image", kernel_image(0x3000));
    let key = format!("pkcs11:object=mok?module-path={}", module.display());
    let said = tokens.baton(&[&"sign", &"--key", &key, &image]);
    assert_eq!(said.code, 2, "{}", said.err);
    let words = "several tokens fit: \"T\", \"U\"; say which";
    assert!(said.err.contains(words), "{}", said.err);
}

#[test]
fn a_pin_that_is_not_accepted_any_more_is_told_in_one_line() {
    let tokens = Tokens::new();
    tokens.token("T");
    let module = tokens.crowded_module();
    let image = tokens.directory.write("image", kernel_image(0x3000));
    let key = format!(
        "pkcs11:token=T?module-path={}&pin-value={PIN}",
        module.display()
    );
    // CKR_PIN_INCORRECT, CKR_PIN_LOCKED, CKR_PIN_EXPIRED, CKR_USER_PIN_NOT_INITIALIZED, CKR_DEVICE_ERROR
    for (answer, code, words) in [
        ("0xa0", 6, "token \"T\": the PIN is wrong"),
        ("0xa4", 6, "token \"T\": the PIN is locked; unlock it"),
        ("0xa3", 6, "token \"T\": the PIN has expired; change it"),
        ("0x102", 6, "token \"T\": it has no PIN yet; set one"),
        ("0x30", 1, "C_Login: DeviceError"),
    ] {
        let said = tokens.run_with(
            env!("CARGO_BIN_EXE_baton"),
            &[&"sign", &"--key", &key, &image],
            &[("TOKENS_LOGIN", answer)],
        );
        assert_eq!(said.code, code, "{answer}: {}", said.err);
        assert!(said.err.contains(words), "{answer}: {}", said.err);
        assert_eq!(said.err.lines().count(), 1, "{}", said.err);
    }
}

#[test]
fn a_key_that_wants_the_pin_each_time_signs_whatever_is_to_be_signed() {
    let tokens = Tokens::new();
    tokens.token("T");
    let owner = &owners().rsa;
    tokens.import_cautious("T", owner, "01");
    let key = uri("token=T;id=%01") + &format!("&pin-value={PIN}");
    for kind in ["authenticode", "detached", "appended", "ima"] {
        let image = tokens.directory.write("image", kernel_image(0x3000));
        let out = tokens.directory.path().join(kind);
        let said = tokens.baton(&[
            &"sign",
            &"--as",
            &kind,
            &"--replace",
            &"--key",
            &key,
            &"--cert",
            &owner.cert,
            &image,
            &"-o",
            &out,
        ]);
        assert_eq!(said.code, 0, "{kind}: {}", said.err);
        if kind != "ima" {
            // The kind is judged beside the file that it is for.
            let signed = if kind == "detached" { &image } else { &out };
            if kind == "detached" {
                fs::copy(&out, image.with_extension("p7s")).unwrap();
            }
            let found = common::signing::kind_of(signed, owner);
            assert_eq!(found.as_deref(), Ok(kind));
        }
    }
}

#[test]
fn all_that_is_listed_is_signed_by_a_token_which_is_left_alone_where_all_is() {
    let tokens = Tokens::new();
    tokens.token("T");
    let owner = &owners().rsa;
    tokens.import("T", owner, "mok", "01", true);
    let (image, pin) = (
        tokens.directory.write("vmlinuz", kernel_image(0x3000)),
        tokens.pin_file(PIN),
    );
    let key = uri("token=T;object=mok");
    let config = tokens.directory.write(
        "sign.toml",
        format!("key = {key:?}\npassphrase-file = {pin:?}\nfiles = [{image:?}]\n"),
    );
    let said = tokens.baton(&[&"sign-all", &"--config", &config]);
    assert_eq!(said.code, 0, "{}", said.err);
    fs::remove_file(&pin).unwrap();
    let said = tokens.baton(&[&"sign-all", &"--config", &config]);
    assert_eq!(said.code, 0, "{}", said.err);
    assert!(said.out.contains("signed already"), "{}", said.out);
}
