//! Why something isn't signed.

use super::Code;
use super::exit::Exit;
use super::key::KeyError;
use super::refusal;
use baton_formats::elf::ElfError;
use baton_formats::manifest::ManifestError;
use baton_formats::module_signature::AppendedError;
use baton_formats::pe::PeError;
use baton_verify::{CertificateError, Reason};
use std::path::PathBuf;

/// Why something isn't signed.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs)] // the words say what the fields are
pub enum SignError {
    #[error("{}: {why}", .path.display())]
    Key { path: PathBuf, why: KeyError },
    #[error("the key's certificate isn't given; name it with --cert")]
    NoCertificate,
    #[error("not a certificate: {0}")]
    Certificate(CertificateError),
    #[error("the private key isn't the certificate's; give the certificate made for this key")]
    OtherKey,
    #[error("{}: others may read it; take that from them: chmod o= {0}", .path.display())]
    OpenPassphrase { path: PathBuf },
    #[error("{what}: {why}")]
    NotAsked { what: String, why: String },
    #[error("signing failed: {0}")]
    Signing(KeyError),
    #[error("writing PEM failed: {0}")]
    Pem(pem_rfc7468::Error),
    #[error("{}: a pipe; say where to write with --output", .path.display())]
    Pipe { path: PathBuf },
    #[error("several files to sign, and nowhere to write to: say --in-place, or -o DIR{}", match .is_output {
        true => format!("; if {} is where to write {} to: -o {0}", .second.display(), .first.display()),
        false => String::new(),
    })]
    Several {
        first: PathBuf,
        second: PathBuf,
        is_output: bool,
    },
    #[error("{}: not a directory; several files are signed: make a directory of this name, or name one file", .path.display())]
    NoDirectoryForSeveral { path: PathBuf },
    #[error("{}: another file of this name goes to {}; sign them one by one", .path.display(), .directory.display())]
    SameName { path: PathBuf, directory: PathBuf },
    #[error("{}: it has no name in a directory; name a file to write to with --output", .path.display())]
    Nameless { path: PathBuf },
    #[error("there is no signature {number}, but {count}; see --list")]
    NoSuchSignature { number: usize, count: usize },
    #[error("{}: a file of its own, which isn't in the result; remove the file, or leave out --output", .path.display())]
    Beside { path: PathBuf },
    #[error("the appended signature is over this one; remove that first, or all")]
    UnderAppended,
    #[error("{}: {why}", .path.display())]
    Config { path: PathBuf, why: String },
    #[error("{}: it would be written to {} like another file; give it an output of its own, or none", .path.display(), .output.display())]
    SameOutput { path: PathBuf, output: PathBuf },
    #[error("{option} is for one file; do them one by one")]
    OnlyOne { option: &'static str },
    #[error(
        "a signature in a note can't be made elsewhere, as what is signed depends on its length; use --as detached or --as appended"
    )]
    NoteOffline,
    #[error("{}: not a SET of attributes in DER, as systemd-sbsign --prepare-offline-signing writes; leave --signed-data out for what --digest-out wrote", .path.display())]
    NoAttributes { path: PathBuf },
    #[error("{}: not a signature by the certificate's key over what --digest-out writes of this file: {reason}; give the bare signature, made with the same --hash", .path.display())]
    NotOverThis {
        path: PathBuf,
        exit: Exit,
        reason: Reason,
    },
    #[error("the certificate's key is neither RSA nor ECDSA; give a certificate of such a key")]
    KeyOfCertificate,
    #[error("{}: --append is for Authenticode signatures; a file has at most one {kind} (use --replace)", .path.display())]
    Append { path: PathBuf, kind: String },
    #[error(
        "the certificate has no subject key identifier, by which the kernel finds IMA's key; make one with it, as `openssl req -x509` does"
    )]
    NoKeyIdentifier,
    #[error("the signature isn't one of this file by the certificate's key; sign it again")]
    ImaNotAccepted,
    #[error("it has an IMA signature or digest already; use --replace to replace that")]
    HasIma,

    #[error("{}: --format pem is for detached signatures; use --as detached", .path.display())]
    PemFormat { path: PathBuf },
    #[error("signed this way, it would not be accepted: {0}")]
    NotAccepted(Reason),
    #[error(transparent)]
    Manifest(ManifestError),
    #[error("not an image that can be signed: {0}")]
    Image(PeError),
    #[error("the image's header has no room for a signature (fewer than five data directories)")]
    NoDirectory,
    #[error("can't hold a signature note: {0}")]
    Elf(ElfError),
    #[error("a 32-bit ELF file can't hold a signature note; sign it with --as appended")]
    Elf32,
    #[error(
        "its signature note shares a segment with other notes; link it into one of its own, or sign it with --as appended"
    )]
    SharedNote,
    #[error("the signature note isn't found")]
    NoNote,
    #[error("no signature fits the room in the note; sign it with --as appended")]
    NoteRoom,
    #[error("the signature is too long for a note")]
    NoteTooLong,
    #[error(
        "it has an Authenticode signature, which must stay its last part; sign it with --as authenticode --append, or with --as detached"
    )]
    AuthenticodeIsLast,
    #[error(transparent)]
    Appended(AppendedError),
    #[error("already signed; use --append to add a signature, or --replace to drop what is there")]
    Signed,
    #[error("it has an appended signature already; use --replace to drop that")]
    HasAppended,
    #[error("it has a signature note already; use --replace to drop that")]
    HasNote,
    #[error("the signature would be larger than 64 KiB; give fewer certificates with --chain")]
    TooManyCertificates,
    #[error("the {0} would be over 4 GiB")]
    Over4G(&'static str),
    #[error(
        "the signed gate would be {length} bytes, and it may have {limit}; use fewer certificates or signatures"
    )]
    GateTooLarge { length: usize, limit: u32 },
}

impl SignError {
    /// Exit code and word.
    #[must_use]
    pub fn code(&self) -> Code {
        match self {
            SignError::Key {
                why: KeyError::WrongPassphrase,
                ..
            } => (Exit::NotPermitted, "wrong-passphrase"),
            SignError::Key { .. } => (Exit::Malformed, "bad-key"),
            SignError::Certificate(_) => (Exit::Malformed, "bad-certificate"),
            SignError::KeyOfCertificate
            | SignError::NoKeyIdentifier
            | SignError::NoAttributes { .. } => (Exit::Malformed, "bad-certificate"),
            SignError::Config { .. } => (Exit::Malformed, "sign-config"),
            SignError::ImaNotAccepted => (Exit::Untrusted, "bad-signature"),
            SignError::NotOverThis { exit, reason, .. } => (*exit, reason.code()),
            SignError::NoCertificate
            | SignError::SameOutput { .. }
            | SignError::OnlyOne { .. }
            | SignError::NoteOffline
            | SignError::Several { .. }
            | SignError::NoDirectoryForSeveral { .. }
            | SignError::SameName { .. }
            | SignError::Nameless { .. }
            | SignError::NoSuchSignature { .. }
            | SignError::Beside { .. }
            | SignError::UnderAppended
            | SignError::OtherKey
            | SignError::Pipe { .. }
            | SignError::Append { .. }
            | SignError::PemFormat { .. }
            | SignError::Elf32
            | SignError::SharedNote
            | SignError::AuthenticodeIsLast => (Exit::Usage, "usage"),
            SignError::OpenPassphrase { .. } => (Exit::NotPermitted, "open-passphrase"),
            SignError::NotAsked { .. } => (Exit::Failed, "no-passphrase"),
            SignError::Signing(_) | SignError::Pem(_) | SignError::NoNote => {
                (Exit::Failed, "failed")
            }
            SignError::NotAccepted(reason) => (refusal::exit(reason), reason.code()),
            SignError::Manifest(_) => (Exit::Malformed, "bad-manifest"),
            SignError::Image(_) | SignError::NoDirectory | SignError::Elf(_) => {
                (Exit::Malformed, "bad-image")
            }
            SignError::Appended(_) => (Exit::Malformed, "bad-signature"),
            SignError::Signed | SignError::HasAppended | SignError::HasNote | SignError::HasIma => {
                (Exit::Failed, "exists")
            }
            SignError::NoteRoom
            | SignError::NoteTooLong
            | SignError::TooManyCertificates
            | SignError::Over4G(_)
            | SignError::GateTooLarge { .. } => (Exit::NoRoom, "too-large"),
        }
    }
}
