//! Building and signing this machine's gate.

use super::args::SetupArgs;
use crate::failure::{Attempt, IoError, Result};
use crate::gate::image::{self, Parts};
use crate::gate::run;
use crate::input::read;
use crate::keys::new::KeyFiles;
use crate::output::file::{Access, Destination, Existing};
use crate::policy::given;
use crate::readiness::gate::Installed;
use crate::sign::args::{self as sign_args, KeyArgs};
use crate::sign::authenticode;
use crate::sign::signer::Signer;
use baton_verify::{HashAlgorithm, Trust};
use std::fs;
use std::path::{Path, PathBuf};

/// What a gate is made of, and where it goes.
#[derive(Debug)]
pub struct Build<'a> {
    /// The stub.
    pub stub: PathBuf,
    /// The key that signs it.
    pub key: &'a KeyFiles,
    /// The gate.
    pub output: PathBuf,
    /// Whether the signer's certificate goes into the gate, since no list of the machine's leads the gate to it.
    pub with_own_certificate: bool,
    /// The gate that is there, if it is this machine's: what options don't say is as in it.
    pub before: Option<&'a Installed>,
}

/// Builds, signs and writes it: all of it or nothing.
///
/// # Errors
/// When something can't be read, or the gate can't be written.
pub fn build(args: &SetupArgs, build: &Build<'_>) -> Result<()> {
    let unsigned = unsigned(args, build)?;
    let who = KeyArgs {
        key: Some(build.key.key.clone()),
        cert: Some(build.key.certificate.clone()),
        chain: Vec::new(),
        passphrase_file: args.passphrase_file.clone(),
    };
    let signer = Signer::read(&who, HashAlgorithm::Sha256)?;
    let signed = authenticode::sign(unsigned, &signer, sign_args::Existing::Refuse)?;
    let directory = build.output.parent().unwrap_or(Path::new("/"));
    fs::create_dir_all(directory)
        .map_err(|e| IoError::new(Attempt::CreateDirectory, directory, e))?;
    Destination::new(&build.output, Access::Public, Existing::Replace)?.write(&signed)
}

/// The gate before it is signed. A gate that is built anew accepts no more than the one before, unless options say so.
fn unsigned(args: &SetupArgs, build: &Build<'_>) -> Result<Vec<u8>> {
    let before = build.before.map(|gate| gate.lists.lists());
    let own = build
        .with_own_certificate
        .then(|| build.key.certificate.clone());
    let named: Vec<PathBuf> = own.into_iter().chain(args.trust.iter().cloned()).collect();
    let mut keys = run::keys(&named)?;
    if let (true, Some(before)) = (args.trust.is_empty(), &before) {
        let trust = Trust::new().add_keys(before.keys)?;
        for anchor in trust.anchors() {
            let der = anchor.certificate.as_bytes();
            if !keys.windows(der.len()).any(|it| it == der) {
                keys.extend_from_slice(der);
            }
        }
    }
    let policy = match (&args.policy, &before) {
        (Some(policy), _) => given::compiled(policy)?,
        (None, Some(before)) => before.policy.as_bytes().to_vec(),
        (None, None) => given::compiled(Path::new("stock"))?,
    };
    let parts = Parts {
        keys,
        policy,
        sbat: run::OWN_SBAT.as_bytes().to_vec(),
        dbx: before.map_or_else(Vec::new, |it| it.gate_revocations.to_vec()),
    };
    let stub = read::given(&build.stub)?;
    image::assemble(&stub, &parts).map_err(|failure| failure.about(build.stub.display()))
}
