//! What one could type in place of a step.

use super::plan::Step;
use super::reserve;
use super::step::Work;
use crate::failure::Result;
use crate::keys::args::{Algorithm, DIRECTORY};
use crate::keys::new::KeyFiles;
use crate::readiness::gate::{OWN, STUB};
use crate::sign::key::uri::SCHEME;
use clap::ValueEnum;
use std::path::{Path, PathBuf};

/// What the gate is called before it is signed.
const UNSIGNED: &str = "gate.unsigned";

impl Work<'_> {
    /// The commands that do the same, with all that they have to be told.
    ///
    /// # Errors
    /// When the certificate can't be read.
    pub fn command(&self, step: &Step) -> Result<String> {
        Ok(match step {
            Step::MakeKey => self.make_key_command(),
            Step::BuildGate(_) => self.build_command()?,
            Step::Enroll => self.enroll_command(),
            Step::Load => "baton load".to_owned(),
            Step::Reserve(size) => reserve::commands(self.facts.reservation.owner, size),
            Step::Enable(unit) => format!("systemctl enable {unit}"),
        })
    }

    fn make_key_command(&self) -> String {
        let mut words = Words::of("baton keys new");
        if self.args.algorithm != Algorithm::Rsa2048 {
            let value = self.args.algorithm.to_possible_value();
            let name = value.as_ref().map_or("", |it| it.get_name());
            words.option("--algorithm", Path::new(name));
        }
        words.0
    }

    fn enroll_command(&self) -> String {
        let mut words = Words::of("baton keys enroll");
        if let Some(cert) = &self.args.cert {
            words.path(cert);
        }
        let password = &self.args.password;
        if let Some(file) = &password.password_file {
            words.option("--password-file", file);
        }
        if password.random_password {
            words.word("--random-password");
        }
        if password.root_password {
            words.word("--root-password");
        }
        words.0
    }

    /// A gate that is built anew has what the one before had, which only setup knows to take from it.
    fn build_command(&self) -> Result<String> {
        let files = self.files();
        let has_certificate = files.certificate.exists();
        if has_certificate && self.own_gate(&files)?.is_some() {
            return Ok(self.rebuild_command());
        }
        let own = KeyFiles::below(Path::new(DIRECTORY));
        let key = self.args.key.as_ref().unwrap_or(&own.key);
        let cert = self.args.cert.as_ref().unwrap_or(&own.certificate);
        let mut build = Words::of("baton gate build");
        build.option("--stub", Path::new(STUB));
        if let Some(policy) = &self.args.policy {
            build.option("--policy", policy);
        }
        if has_certificate && self.is_only_known_otherwise(&files)? {
            build.option("--cert", cert);
        }
        for trusted in &self.args.trust {
            build.option("--cert", trusted);
        }
        build.option("-o", Path::new(UNSIGNED));
        let mut sign = Words::of("baton sign");
        sign.option("--key", &without_pin(key));
        sign.option("--cert", cert);
        if let Some(file) = &self.args.passphrase_file {
            sign.option("--passphrase-file", file);
        }
        sign.path(Path::new(UNSIGNED));
        sign.option("-o", Path::new(OWN));
        if self.root.exists(OWN.trim_start_matches('/')) {
            sign.word("--force");
        }
        Ok(format!("{} && {}", build.0, sign.0))
    }

    fn rebuild_command(&self) -> String {
        let args = self.args;
        let mut words = Words::of("baton setup --rebuild --no-load --no-units");
        let key = args.key.as_deref().map(without_pin);
        let options = [
            ("--key", &key),
            ("--cert", &args.cert),
            ("--passphrase-file", &args.passphrase_file),
            ("--policy", &args.policy),
        ];
        for (name, value) in options {
            if let Some(value) = value {
                words.option(name, value);
            }
        }
        for trusted in &args.trust {
            words.option("--trust", trusted);
        }
        words.0
    }
}

/// A key as it may be shown: a PIN that stands in its URI is asked for instead.
fn without_pin(key: &Path) -> PathBuf {
    let uri = key.to_str().filter(|it| it.starts_with(SCHEME));
    let Some((path, query)) = uri.and_then(|it| it.split_once('?')) else {
        return key.to_owned();
    };
    let shown = query.split('&').filter(|it| !it.starts_with("pin-value="));
    match &shown.collect::<Vec<_>>().join("&")[..] {
        "" => path.into(),
        shown => format!("{path}?{shown}").into(),
    }
}

/// A command in the making.
struct Words(String);

impl Words {
    fn of(command: &str) -> Words {
        Words(command.to_owned())
    }

    fn word(&mut self, word: &str) {
        self.0.push(' ');
        self.0.push_str(word);
    }

    fn path(&mut self, path: &Path) {
        self.word(&for_shell(&path.to_string_lossy()));
    }

    fn option(&mut self, name: &str, value: &Path) {
        self.word(name);
        self.path(value);
    }
}

/// A word that a shell takes for itself.
fn for_shell(word: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "/._-+,:=@%".contains(c);
    if !word.is_empty() && word.chars().all(is_plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_pin_is_shown() {
        for (key, shown) in [
            ("/etc/baton/mok.key", "/etc/baton/mok.key"),
            ("pkcs11:token=T?pin-value=1234", "pkcs11:token=T"),
            (
                "pkcs11:token=T?module-path=/m.so&pin-value=1234",
                "pkcs11:token=T?module-path=/m.so",
            ),
            ("pkcs11:token=T", "pkcs11:token=T"),
        ] {
            assert_eq!(without_pin(Path::new(key)), Path::new(shown));
        }
    }

    #[test]
    fn a_shell_gets_each_word_as_it_is_meant() {
        for (word, expected) in [
            ("/var/lib/baton/keys/mok.key", "/var/lib/baton/keys/mok.key"),
            ("my key.pem", "'my key.pem'"),
            ("pkcs11:token=T;id=%01", "'pkcs11:token=T;id=%01'"),
            ("it's", r"'it'\''s'"),
            ("", "''"),
        ] {
            assert_eq!(for_shell(word), expected);
            let command = format!("printf %s {expected}");
            let output = std::process::Command::new("sh")
                .args(["-c", &command])
                .output();
            assert_eq!(output.unwrap().stdout, word.as_bytes());
        }
    }
}
