//! Building and signing this machine's gate.

use super::args::SetupArgs;
use crate::failure::{Attempt, IoError, Result};
use crate::gate::args::GateBuildArgs;
use crate::gate::run::assemble;
use crate::keys::new::KeyFiles;
use crate::output::file::{Access, Destination, Existing};
use crate::sign::args::{self as sign_args, KeyArgs};
use crate::sign::authenticode;
use crate::sign::signer::Signer;
use baton_verify::HashAlgorithm;
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
}

/// Builds, signs and writes it: all of it or nothing.
///
/// # Errors
/// When something can't be read, or the gate can't be written.
pub fn build(args: &SetupArgs, build: &Build<'_>) -> Result<()> {
    let own = build
        .with_own_certificate
        .then(|| build.key.certificate.clone());
    let unsigned = assemble(&GateBuildArgs {
        stub: build.stub.clone(),
        cert: own.into_iter().chain(args.trust.iter().cloned()).collect(),
        policy: args.policy.clone(),
        sbat: None,
        dbx: Vec::new(),
        output: build.output.clone(),
        force: true,
    })?
    .gate;
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
