//! Why a key in a token signs nothing.

use super::Code;
use super::exit::Exit;
use baton_sys::pkcs11::Pkcs11Error;
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
    #[error("{0}")]
    Module(#[from] Pkcs11Error),
    #[error("{}: no such token{}", .module.display(), there(.labels))]
    NoToken {
        module: PathBuf,
        labels: Vec<String>,
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
    #[error("the private key isn't the certificate's; give the certificate made for this key")]
    OtherKey,
}

fn there(labels: &[String]) -> String {
    if labels.is_empty() {
        "; none is there: plug it in, or initialize one".into()
    } else {
        format!(", but {}", labels.join(", "))
    }
}

impl TokenError {
    /// Exit code and word.
    #[must_use]
    pub fn code(&self) -> Code {
        match self {
            TokenError::Uri { .. }
            | TokenError::NoModuleNamed
            | TokenError::Tokens { .. }
            | TokenError::OtherKey => (Exit::Usage, "usage"),
            TokenError::Objects { count, .. } if *count > 1 => (Exit::Usage, "usage"),
            TokenError::WrongPin { .. } | TokenError::Locked { .. } => {
                (Exit::NotPermitted, "wrong-pin")
            }
            TokenError::NoModuleOfName { .. }
            | TokenError::NoToken { .. }
            | TokenError::Objects { .. }
            | TokenError::Module(_) => (Exit::Failed, "token"),
        }
    }
}
