//! `openssl cms -verify` as the judge of detached signatures, run at the time of the test.

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Output};

use baton_verify::{Trust, verify_detached};
use tempfile::TempDir;

/// A temporary directory in which openssl works.
pub struct Bench(TempDir);

impl Bench {
    pub fn set_up() -> Self {
        Self(TempDir::new().expect("a temporary directory"))
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub fn write(&self, name: &str, bytes: &[u8]) -> PathBuf {
        let path = self.path(name);
        fs::write(&path, bytes).expect("a writable directory");
        path
    }

    pub fn read(&self, name: &str) -> Vec<u8> {
        fs::read(self.path(name)).expect("a file that openssl made")
    }

    /// Runs openssl in the directory; it must succeed.
    pub fn openssl(&self, arguments: &str) {
        let output = self.run(arguments);
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "openssl {arguments}: {said}");
    }

    fn run(&self, arguments: &str) -> Output {
        Command::new("openssl")
            .args(arguments.split_whitespace())
            .current_dir(&self.0)
            .output()
            .expect("openssl is installed")
    }

    /// Whether openssl takes `signature` for one of `content` by someone whom `anchor` (a
    /// certificate) vouches for.
    pub fn openssl_accepts(&self, content: &[u8], signature: &[u8], anchor: &[u8]) -> bool {
        self.write("judged.cms", signature);
        self.write("judged.txt", content);
        self.write("judged.pem", pem(anchor).as_bytes());
        let output = self.run(
            "cms -verify -binary -inform DER -in judged.cms -content judged.txt \
             -CAfile judged.pem -certfile judged.pem -partial_chain -no_check_time \
             -purpose any -out judged.out",
        );
        output.status.success()
    }
}

/// Our verdict on the same: the code of the refusal, or `"accepted"`.
pub fn ours(content: &[u8], signature: &[u8], anchor: &[u8]) -> &'static str {
    let trust = Trust::new().add_keys(anchor).expect("a certificate");
    match verify_detached([content], signature, &trust) {
        Ok(_) => "accepted",
        Err(reason) => reason.code(),
    }
}

/// A certificate as openssl wants its anchors.
pub fn pem(certificate: &[u8]) -> String {
    let lines: Vec<String> = certificate.chunks(48).map(base64).collect();
    format!(
        "-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n",
        lines.join("\n")
    )
}

fn base64(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let group = |three: &[u8]| -> String {
        let number = (0..3).fold(0, |number, at| {
            number << 8 | usize::from(three.get(at).copied().unwrap_or(0))
        });
        let digit = |at: usize| {
            if at <= three.len() {
                char::from(ALPHABET[number >> (18 - 6 * at) & 63])
            } else {
                '='
            }
        };
        (0..4).map(digit).collect()
    };
    bytes.chunks(3).map(group).collect()
}
