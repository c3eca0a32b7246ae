//! Why a key in a token signs nothing.

use super::Code;
use super::exit::Exit;
use cryptoki::error::{Error, RvError};
use std::path::PathBuf;

/// Why a key in a token signs nothing.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs)] // the words say what the fields are
pub enum TokenError {
    /// Without the URI itself: a PIN may stand in it.
    #[error("the PKCS#11 URI: {why}")]
    Uri { why: String },
    #[error(
        "no PKCS#11 module is named, and p11-kit's isn't installed; name one in the URI: pkcs11:…?module-path=/usr/lib/…"
    )]
    NoModuleNamed,
    #[error("no PKCS#11 module {name} is installed; name its file: ?module-path=/usr/lib/…")]
    NoModuleOfName { name: String },
    #[error("{}: can't be loaded: {why}", .path.display())]
    Load { path: PathBuf, why: String },
    #[error("{}: not a PKCS#11 module: it has no {symbol}", .path.display())]
    NoModule { path: PathBuf, symbol: &'static str },
    /// A function failed.
    #[error("{}", answered(.0))]
    Module(#[from] Error),
    #[error("{}: no such token{}", .module.display(), there(.labels, .broken))]
    NoToken {
        module: PathBuf,
        labels: Vec<String>,
        broken: Vec<String>,
    },
    #[error("several tokens fit: {}; say which with token=…", .labels.join(", "))]
    Tokens { labels: Vec<String> },
    #[error("token \"{token}\" has {count} such {what}{}", match .count {
        0 => "; see `pkcs11-tool --list-objects --login` for object=… and id=…",
        _ => "; say which with object=… or id=…",
    })]
    Objects {
        what: &'static str,
        token: String,
        count: usize,
    },
    #[error("token \"{token}\": the PIN is wrong; after a few wrong ones it is locked")]
    WrongPin { token: String },
    #[error("token \"{token}\": the PIN is locked; unlock it with the token's own program")]
    Locked { token: String },
    #[error("token \"{token}\": the PIN has expired; change it with the token's own program")]
    Expired { token: String },
    #[error("token \"{token}\": it has no PIN yet; set one with the token's own program")]
    NoPin { token: String },
    #[error("the private key isn't the certificate's; give the certificate made for this key")]
    OtherKey,
}

fn there(labels: &[String], broken: &[String]) -> String {
    match (labels, broken) {
        ([], []) => "; none is there: plug it in, or initialize one".into(),
        ([], _) => format!("; {}", broken.join("; ")),
        (_, []) => format!(", but {}", labels.join(", ")),
        _ => format!(", but {}; {}", labels.join(", "), broken.join("; ")),
    }
}

/// A module's answer by the specification's names, of which the crate has sentences.
fn answered(error: &Error) -> String {
    match error {
        Error::Pkcs11(answer, function) => format!("C_{function:?}: {answer:?}"),
        other => other.to_string(),
    }
}

impl TokenError {
    /// What a token answers to whoever logs in.
    #[must_use]
    pub fn login(error: Error, token: &str) -> TokenError {
        let token = token.to_owned();
        match error {
            Error::Pkcs11(
                RvError::PinIncorrect | RvError::PinInvalid | RvError::PinLenRange,
                _,
            ) => TokenError::WrongPin { token },
            Error::Pkcs11(RvError::PinLocked, _) => TokenError::Locked { token },
            Error::Pkcs11(RvError::PinExpired, _) => TokenError::Expired { token },
            Error::Pkcs11(RvError::UserPinNotInitialized, _) => TokenError::NoPin { token },
            other => other.into(),
        }
    }

    /// Exit code and word.
    #[must_use]
    pub fn code(&self) -> Code {
        match self {
            TokenError::Uri { .. }
            | TokenError::NoModuleNamed
            | TokenError::Tokens { .. }
            | TokenError::OtherKey => (Exit::Usage, "usage"),
            TokenError::Objects { count, .. } if *count > 1 => (Exit::Usage, "usage"),
            TokenError::WrongPin { .. }
            | TokenError::Locked { .. }
            | TokenError::Expired { .. }
            | TokenError::NoPin { .. } => (Exit::NotPermitted, "wrong-pin"),
            TokenError::NoModuleOfName { .. }
            | TokenError::Load { .. }
            | TokenError::NoModule { .. }
            | TokenError::NoToken { .. }
            | TokenError::Objects { .. }
            | TokenError::Module(_) => (Exit::Failed, "token"),
        }
    }
}
