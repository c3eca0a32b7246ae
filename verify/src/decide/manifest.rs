//! Manifests whose signature is trusted.

use baton_formats::manifest::{CommandLine, Entry, Manifest};
use baton_formats::policy::Purpose;

use crate::crypto::hash::sha256;
use crate::policy::scope::Use;
use crate::policy::trust::Trust;
use crate::reason::Reason;
use crate::signature::detached::verify_detached_for;
use crate::signature::verified::Signer;

/// A manifest that is trusted: what it lists is vouched for by its signer.
#[derive(Debug, Clone)]
pub struct VerifiedManifest<'a> {
    manifest: Manifest<'a>,
    signer: Signer,
}

impl<'a> VerifiedManifest<'a> {
    /// Judges the detached signature of the manifest `text`, and then reads it.
    ///
    /// # Errors
    /// The reason for refusing the signature, `RevokedImage`, or `BadManifest`.
    pub fn verify(text: &'a [u8], signature: &[u8], trust: &Trust<'_>) -> Result<Self, Reason> {
        let signer = verify_detached_for([text], signature, trust, &Use::of(Purpose::Manifest))?;
        trust.check_digest(&sha256([text]))?;
        let manifest = Manifest::parse(text).map_err(Reason::BadManifest)?;
        Ok(Self { manifest, signer })
    }

    /// What it says.
    #[must_use]
    pub fn manifest(&self) -> &Manifest<'a> {
        &self.manifest
    }

    /// Who signed it.
    #[must_use]
    pub fn signer(&self) -> &Signer {
        &self.signer
    }

    /// Whether it lists a kernel. What it lists besides was signed to go with that one; otherwise, with
    /// whatever else is vouched for.
    #[must_use]
    pub fn lists_kernel(&self) -> bool {
        self.manifest.kernel().is_some()
    }

    /// Checks that it lists a kernel of so many bytes and with this SHA-256.
    ///
    /// # Errors
    /// `Unsigned` if it lists no kernel, `NotInManifest` if it lists another one.
    pub fn check_kernel(&self, len: usize, digest: &[u8; 32]) -> Result<(), Reason> {
        let listed = self.manifest.kernel().ok_or(Reason::Unsigned)?;
        check(&listed, len, digest)
    }

    /// Checks that the initrd which it lists at this place, from 0, has so many bytes and this
    /// SHA-256.
    ///
    /// # Errors
    /// `Unsigned` if it lists no initrds at all, `NotInManifest` if it lists another one there, or
    /// fewer.
    pub fn check_initrd(&self, index: usize, len: usize, digest: &[u8; 32]) -> Result<(), Reason> {
        let mut count = 0_usize;
        for listed in self.manifest.initrds() {
            if count == index {
                return check(&listed, len, digest);
            }
            count = count.saturating_add(1);
        }
        match count {
            0 => Err(Reason::Unsigned),
            _ => Err(Reason::not_in_manifest(None, digest)),
        }
    }

    /// Checks that it allows this command line. What it says nothing about it allows.
    ///
    /// # Errors
    /// `CommandLineNotInManifest` if it doesn't.
    pub fn check_command_line(&self, line: &[u8]) -> Result<(), Reason> {
        match self.manifest.command_line() {
            Some(rule) if !rule.allows(line) => Err(Reason::CommandLineNotInManifest {
                exact: matches!(rule, CommandLine::Exact(_)),
            }),
            _ => Ok(()),
        }
    }
}

fn check(listed: &Entry, len: usize, digest: &[u8; 32]) -> Result<(), Reason> {
    if listed.digest == *digest && usize::try_from(listed.length) == Ok(len) {
        Ok(())
    } else {
        Err(Reason::not_in_manifest(Some(&listed.digest), digest))
    }
}
