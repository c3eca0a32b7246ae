//! Keys that are encrypted with a passphrase: PKCS#8 and PKCS#12, as openssl makes them.

mod common;

use baton_cli::sign::key::open::open;
use baton_cli::sign::key::passphrase::Passphrase;
use baton_cli::sign::key::pkcs12;
use common::{Owner, Said, WriteFile, baton, kernel_image, owners, temp_dir, tool};
use std::ffi::OsStr;
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

const PASSPHRASE: &str = "correct hörse";

/// Runs openssl, in whose words these stand for paths and for the passphrase.
fn openssl(words: &str, owner: &Owner, out: &Path) {
    let passphrase = format!("pass:{PASSPHRASE}");
    let o = owners();
    let words: Vec<&OsStr> = words
        .split(' ')
        .map(|word| match word {
            "KEY" => owner.key.as_os_str(),
            "CERT" => owner.cert.as_os_str(),
            "ISSUER" => o.rsa.cert.as_os_str(),
            "PASS" => OsStr::new(&passphrase),
            _ => OsStr::new(word),
        })
        .collect();
    let mut all: Vec<&dyn AsRef<OsStr>> = words.iter().map(|it| it as _).collect();
    all.extend::<[&dyn AsRef<OsStr>; 2]>([&"-out", &out]);
    let said = tool("openssl", &all);
    assert_eq!(said.code, 0, "{}", said.err);
}

fn passphrase_file(directory: &TempDir, text: &str) -> PathBuf {
    let path = directory.write("passphrase", text);
    fs::set_permissions(&path, Permissions::from_mode(0o600)).unwrap();
    path
}

/// Signs a new image, by a key that brings its certificate unless `cert` is one.
fn signs(directory: &TempDir, key: &Path, cert: Option<&Path>, passphrase: &str) -> Said {
    let image = directory.write("image", kernel_image(0x3000));
    let file = passphrase_file(directory, passphrase);
    let mut all: Vec<&dyn AsRef<OsStr>> =
        vec![&"sign", &"--key", &key, &"--passphrase-file", &file, &image];
    if let Some(cert) = &cert {
        all.extend::<[&dyn AsRef<OsStr>; 2]>([&"--cert", cert]);
    }
    baton(&all)
}

fn verified(directory: &TempDir, cert: &Path) -> bool {
    let image = directory.path().join("image");
    baton(&[&"verify", &"--signature-only", &image, &"--cert", &cert]).code == 0
}

#[test]
fn keys_are_decrypted_whatever_openssl_encrypts_them_with() {
    let directory = temp_dir();
    let key = directory.path().join("key");
    let o = owners();
    for (owner, how) in [
        (&o.rsa, "-v2 aes-256-cbc"),
        (&o.rsa, "-v2 aes-128-cbc -v2prf hmacWithSHA512"),
        (&o.p256, "-v2 aes-192-cbc -v2prf hmacWithSHA384 -iter 1"),
        (&o.p384, "-v2 aes-256-cbc -outform DER"),
        (&o.p256, "-scrypt"),
    ] {
        let words = format!("pkcs8 -topk8 {how} -in KEY -passout PASS");
        openssl(&words, owner, &key);
        let said = signs(
            &directory,
            &key,
            Some(&owner.cert),
            &format!("{PASSPHRASE}\n"),
        );
        assert_eq!(said.code, 0, "{how}: {}", said.err);
        assert!(verified(&directory, &owner.cert), "{how}");
        for wrong in ["", "wrong", "correct horse"] {
            let said = signs(&directory, &key, Some(&owner.cert), wrong);
            assert_eq!(said.code, 6, "{how}: {}", said.err);
            assert!(said.err.contains("the passphrase is wrong"), "{}", said.err);
        }
        let whole = fs::read(&key).unwrap();
        for len in (0..whole.len()).step_by(37) {
            let cut = directory.write("cut", &whole[..len]);
            let said = signs(&directory, &cut, Some(&owner.cert), PASSPHRASE);
            assert!(matches!(said.code, 4 | 6), "{len}: {}", said.err);
        }
    }
}

#[test]
fn a_pkcs12_file_brings_its_certificate_and_what_issued_it() {
    let directory = temp_dir();
    let p12 = directory.path().join("key.p12");
    let o = owners();
    openssl(
        "pkcs12 -export -inkey KEY -in CERT -certfile ISSUER -passout PASS",
        &o.leaf,
        &p12,
    );
    let said = signs(&directory, &p12, None, PASSPHRASE);
    assert_eq!(said.code, 0, "{}", said.err);
    assert!(said.out.contains("\"Leaf\""), "{}", said.out);
    assert!(
        verified(&directory, &o.rsa.cert),
        "the chain leads to its issuer"
    );
    let said = signs(&directory, &p12, None, "wrong");
    assert_eq!(said.code, 6, "{}", said.err);
    // With the key in the clear and the certificates encrypted, and the other way round.
    for how in [
        "-keypbe NONE",
        "-certpbe NONE",
        "-keypbe NONE -certpbe NONE -nomac",
    ] {
        let words = format!("pkcs12 -export {how} -inkey KEY -in CERT -passout PASS");
        openssl(&words, &o.p256, &p12);
        let said = signs(&directory, &p12, None, PASSPHRASE);
        assert_eq!(said.code, 0, "{how}: {}", said.err);
        assert!(verified(&directory, &o.p256.cert));
    }
}

#[test]
fn a_pkcs12_file_that_is_cut_anywhere_or_changed_is_refused_or_read() {
    let directory = temp_dir();
    let p12 = directory.path().join("key.p12");
    openssl(
        "pkcs12 -export -iter 1 -nomac -inkey KEY -in CERT -passout PASS",
        &owners().p256,
        &p12,
    );
    let mut whole = fs::read(&p12).unwrap();
    assert!(pkcs12::open(&whole, PASSPHRASE.as_bytes()).is_ok());
    for len in 0..whole.len() {
        let opened = pkcs12::open(&whole[..len], PASSPHRASE.as_bytes());
        assert!(opened.is_err(), "{len}");
    }
    for at in 0..whole.len() {
        whole[at] ^= 0x80;
        let _ = pkcs12::open(&whole, PASSPHRASE.as_bytes());
        whole[at] ^= 0x80;
    }
}

#[test]
fn a_pkcs12_file_without_a_key_or_its_certificate_says_so() {
    let directory = temp_dir();
    let p12 = directory.path().join("key.p12");
    let o = owners();
    openssl(
        "pkcs12 -export -nokeys -in CERT -passout PASS",
        &o.rsa,
        &p12,
    );
    let said = signs(&directory, &p12, None, PASSPHRASE);
    assert_eq!(said.code, 4, "{}", said.err);
    assert!(said.err.contains("with 0 private keys"), "{}", said.err);
    openssl(
        "pkcs12 -export -nocerts -inkey KEY -passout PASS",
        &o.rsa,
        &p12,
    );
    let said = signs(&directory, &p12, None, PASSPHRASE);
    assert_eq!(said.code, 2, "{}", said.err);
    assert!(said.err.contains("--cert"), "{}", said.err);
    let said = signs(&directory, &p12, Some(&o.rsa.cert), PASSPHRASE);
    assert_eq!(said.code, 0, "{}", said.err);
}

#[test]
fn what_is_encrypted_in_another_way_is_refused_with_the_way_out() {
    let directory = temp_dir();
    let key = directory.path().join("key");
    let o = owners();
    for (owner, words, expected) in [
        (
            &o.rsa,
            "pkcs8 -topk8 -v2 des-ede3-cbc -in KEY -passout PASS",
            "openssl pkcs8 -topk8",
        ),
        (
            &o.rsa,
            "pkcs8 -topk8 -v1 PBE-SHA1-3DES -in KEY -passout PASS",
            "openssl pkcs8 -topk8",
        ),
        (
            &o.rsa,
            "pkcs8 -topk8 -v2prf hmacWithSHA1 -in KEY -passout PASS",
            "openssl pkcs8 -topk8",
        ),
        (
            &o.rsa,
            "rsa -traditional -aes128 -in KEY -passout PASS",
            "openssl pkcs8 -topk8",
        ),
        (
            &o.p256,
            "ec -aes256 -in KEY -passout PASS",
            "openssl pkcs8 -topk8",
        ),
        (
            &o.rsa,
            "pkcs12 -export -keypbe PBE-SHA1-3DES -certpbe PBE-SHA1-3DES -inkey KEY -in CERT -passout PASS",
            "openssl pkcs12",
        ),
    ] {
        openssl(words, owner, &key);
        let said = signs(&directory, &key, Some(&owner.cert), PASSPHRASE);
        assert_eq!(said.code, 4, "{words}: {}", said.err);
        assert!(said.err.contains(expected), "{words}: {}", said.err);
        assert_eq!(said.err.lines().count(), 1, "{}", said.err);
    }
    // The way out is one.
    let new = directory.path().join("new");
    let passes = format!("pass:{PASSPHRASE}");
    openssl(
        "rsa -traditional -aes128 -in KEY -passout PASS",
        &o.rsa,
        &key,
    );
    let args: [&dyn AsRef<OsStr>; 10] = [
        &"pkcs8",
        &"-topk8",
        &"-in",
        &key,
        &"-out",
        &new,
        &"-passin",
        &passes,
        &"-passout",
        &passes,
    ];
    assert_eq!(tool("openssl", &args).code, 0);
    let said = signs(&directory, &new, Some(&o.rsa.cert), PASSPHRASE);
    assert_eq!(said.code, 0, "{}", said.err);
}

#[test]
fn without_a_file_it_is_asked_for_at_the_terminal_and_not_shown() {
    let directory = temp_dir();
    let o = owners();
    let key = directory.path().join("key");
    openssl("pkcs8 -topk8 -in KEY -passout PASS", &o.rsa, &key);
    let image = directory.write("image", kernel_image(0x3000));
    // In a session of its own there is no terminal.
    let words: [&dyn AsRef<OsStr>; 8] = [
        &"-w",
        &env!("CARGO_BIN_EXE_baton"),
        &"sign",
        &"--key",
        &key,
        &"--cert",
        &o.rsa.cert,
        &image,
    ];
    let said = tool("setsid", &words);
    assert_eq!(said.code, 1, "{}", said.err);
    assert!(said.err.contains("--passphrase-file"), "{}", said.err);
    assert_eq!(said.err.lines().count(), 1, "{}", said.err);
    // script(1) makes one, which what it reads is typed at, once the prompt is there.
    let log = directory.path().join("log");
    let typed = |text: &str| {
        let _ = fs::remove_file(&log);
        let line = format!(
            "(until grep -qs 'passphrase of' {log}; do sleep 0.1; done; printf '{text}') | \
             timeout 60 script -qfec '{} sign --key {} --cert {} {}' {log}",
            env!("CARGO_BIN_EXE_baton"),
            key.display(),
            o.rsa.cert.display(),
            image.display(),
            log = log.display(),
        );
        tool("setsid", &[&"-w", &"sh", &"-c", &line])
    };
    let said = typed(&format!("wrong\\025{PASSPHRASE}\\n"));
    assert_eq!(said.code, 0, "{}{}", said.out, said.err);
    assert!(said.out.contains("passphrase of "), "{}", said.out);
    assert!(!said.out.contains("rse"), "{}", said.out);
    assert!(verified(&directory, &o.rsa.cert));
    let said = typed("x\\003");
    assert_eq!(said.code, 1, "{}{}", said.out, said.err);
    assert!(said.out.contains("interrupted"), "{}", said.out);
}

#[test]
fn a_passphrase_that_others_may_read_is_refused() {
    let directory = temp_dir();
    let o = owners();
    let file = passphrase_file(&directory, PASSPHRASE);
    let key = directory.path().join("key");
    openssl("pkcs8 -topk8 -in KEY -passout PASS", &o.rsa, &key);
    for (mode, is_read) in [(0o600, true), (0o640, true), (0o604, false), (0o666, false)] {
        fs::set_permissions(&file, Permissions::from_mode(mode)).unwrap();
        let passphrase = Passphrase {
            file: Some(file.clone()),
        };
        let opened = open(&key, &passphrase);
        assert_eq!(opened.is_ok(), is_read, "{mode:o}");
        if let Err(failure) = opened {
            assert!(failure.to_string().contains("chmod"), "{failure}");
        }
    }
}

/// A terminal that a program asks at: what is typed isn't shown meanwhile, and is again when the program was ended.
const AT_A_TERMINAL: &str = r#"
import os, pty, signal, sys, termios, time
name, *command = sys.argv[1:]
ours, theirs = pty.openpty()
def shows():
    return bool(termios.tcgetattr(theirs)[3] & termios.ECHO)
# Whoever runs this in the background may have had it ignore some signals, and that is inherited.
for number in (signal.SIGHUP, signal.SIGINT, signal.SIGQUIT, signal.SIGTERM):
    signal.signal(number, signal.SIG_DFL)
child = os.fork()
if child == 0:
    os.setsid()
    import fcntl
    fcntl.ioctl(theirs, termios.TIOCSCTTY, 0)
    os.execvp(command[0], command)
signal.alarm(60)
said = b""
while b": " not in said:
    said += os.read(ours, 100)
assert not shows(), "what is typed is shown"
os.kill(child, getattr(signal, name))
_, status = os.waitpid(child, 0)
assert os.WTERMSIG(status) == getattr(signal, name), status
assert shows(), "what is typed is still not shown"
print(said.decode())
"#;

#[test]
fn a_signal_at_the_prompt_leaves_a_terminal_that_shows_what_is_typed() {
    let directory = temp_dir();
    let key = directory.path().join("key");
    let o = owners();
    openssl("pkcs8 -topk8 -scrypt -in KEY -passout PASS", &o.p256, &key);
    let image = directory.write("image", kernel_image(0x3000));
    for signal in ["SIGTERM", "SIGINT", "SIGHUP"] {
        let said = tool(
            "python3",
            &[
                &"-c",
                &AT_A_TERMINAL,
                &signal,
                &env!("CARGO_BIN_EXE_baton"),
                &"sign",
                &"--key",
                &key,
                &"--cert",
                &o.p256.cert,
                &image,
            ],
        );
        assert_eq!(said.code, 0, "{signal}: {}", said.err);
        assert!(said.out.contains("passphrase of "), "{}", said.out);
    }
}
