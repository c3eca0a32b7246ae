//! What keys are called by the certificates that hold them: a policy names a key by its digest.

use crate::digest::sha256;
use crate::failure::Result;
use crate::input::certs;
use baton_formats::gate_image::GateInfo;
use baton_sys::hex;
use baton_verify::{Certificate, Trust};
use std::collections::BTreeMap;
use std::path::PathBuf;

/// Names by the SHA-256 of keys, as a SubjectPublicKeyInfo.
#[derive(Debug, Default)]
pub struct Names(BTreeMap<[u8; 32], String>);

impl Names {
    /// Of the certificates in these files.
    ///
    /// # Errors
    /// When one can't be read or isn't a certificate.
    pub fn of_files(files: &[PathBuf]) -> Result<Names> {
        let mut names = Names::default();
        for file in files {
            for der in certs::read(file)? {
                names.add(&der);
            }
        }
        Ok(names)
    }

    /// Adds those that a file's policy was built with, if the file is a gate.
    pub fn add_gate(&mut self, file: &[u8]) {
        let Ok(info) = GateInfo::from_image(file) else {
            return;
        };
        let Ok(trust) = Trust::new().add_keys(info.keys(file).unwrap_or_default()) else {
            return;
        };
        for anchor in trust.anchors() {
            self.add_parsed(&anchor.certificate);
        }
    }

    fn add(&mut self, der: &[u8]) {
        if let Ok(certificate) = Certificate::parse(der) {
            self.add_parsed(&certificate);
        }
    }

    fn add_parsed(&mut self, certificate: &Certificate<'_>) {
        let digest = sha256([certificate.key_info()]);
        self.0.insert(digest, certificate.subject_name());
    }

    /// What a key is called: its name and the beginning of its digest, or its digest.
    #[must_use]
    pub fn of(&self, key: &[u8; 32]) -> String {
        let digest = hex::encode(*key);
        match self.0.get(key) {
            Some(name) => format!("\"{name}\" (SHA-256 {}…)", &digest[..16]),
            None => format!("SHA-256 {digest}"),
        }
    }
}
