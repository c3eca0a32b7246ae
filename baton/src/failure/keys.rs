//! Why a key isn't made, found or enrolled.

use super::Code;
use super::exit::Exit;
use super::key::KeyError;
use std::path::PathBuf;

/// Why a key isn't made, found or enrolled.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs)] // the words say what the fields are
pub enum KeysError {
    #[error("the system gives no random numbers: {0}")]
    Random(getrandom::Error),
    #[error("making an RSA key failed: {0}")]
    Rsa(rsa::Error),
    #[error("writing the key failed: {0}")]
    Encoding(rsa::pkcs8::Error),
    #[error("writing PEM failed: {0}")]
    Pem(pem_rfc7468::Error),
    #[error("the new key can't be used: {0}; please report this")]
    Made(KeyError),
    #[error("--cn: a name has 1 to 64 characters, and no control characters")]
    CommonName,
    #[error(
        "{given}: neither a file nor the beginning of a listed ID (`baton keys list` shows them)"
    )]
    NoSuchKey { given: String },
    #[error("{given}: {count} listed IDs begin so; give more of it")]
    SeveralKeys { given: String, count: usize },
    #[error(
        "{given}: only its ID is known here, since the kernel shows no certificates; give the certificate's file"
    )]
    OnlyAnId { given: String },
    #[error("{}: it has {count} certificates; enroll one at a time", .path.display())]
    SeveralCertificates { path: PathBuf, count: usize },
    #[error(
        "this machine wasn't booted by EFI, so no key can be enrolled; where nothing enforces signatures none is needed"
    )]
    NotEfi,
    #[error(
        "shim didn't start this machine, so nothing would ask for the key at the next boot; boot through shim (`apt install shim-signed` on Debian), or add the certificate to db in the firmware's setup"
    )]
    NoShim,
    #[error(
        "\"{subject}\" is revoked by {list}, so it would count for nothing; make another key (`baton keys new`)"
    )]
    Revoked { subject: String, list: &'static str },
    #[error("mokutil isn't installed; install it (`{install}`)")]
    NoMokutil { install: &'static str },
    #[error("mokutil: {why}")]
    Mokutil { why: String },
    #[error(
        "no password for MokManager, and nobody to ask; give --password-file FILE, --random-password or --root-password"
    )]
    NoPassword,
    #[error("{}: no password of 1 to 256 characters in its first line", .path.display())]
    Password { path: PathBuf },
    #[error("not permitted to request an enrollment; run as root")]
    NotRoot,
}

impl KeysError {
    /// Exit code and word.
    #[must_use]
    pub fn code(&self) -> Code {
        match self {
            KeysError::Random(_)
            | KeysError::Rsa(_)
            | KeysError::Encoding(_)
            | KeysError::Pem(_)
            | KeysError::Made(_) => (Exit::Failed, "failed"),
            KeysError::CommonName
            | KeysError::SeveralKeys { .. }
            | KeysError::SeveralCertificates { .. }
            | KeysError::OnlyAnId { .. }
            | KeysError::NoPassword => (Exit::Usage, "usage"),
            KeysError::NoSuchKey { .. } => (Exit::Failed, "no-such-key"),
            KeysError::NotEfi => (Exit::Unsupported, "not-efi"),
            KeysError::NoShim => (Exit::Unsupported, "no-shim"),
            KeysError::Revoked { .. } => (Exit::Untrusted, "revoked-certificate"),
            KeysError::NoMokutil { .. } => (Exit::Unsupported, "no-mokutil"),
            KeysError::Mokutil { .. } => (Exit::Failed, "mokutil"),
            KeysError::Password { .. } => (Exit::Malformed, "bad-password"),
            KeysError::NotRoot => (Exit::NotPermitted, "not-root"),
        }
    }
}
