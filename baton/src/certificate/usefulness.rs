//! What a certificate's key can vouch for, whoever trusts it.

use super::key_kind::KeyKind;
use baton_verify::Certificate;
use baton_verify::certificate::UnusableKey;
use serde::Serialize;

/// Whether each of those who verify accepts what a key signed once they trust its certificate; if not, why not.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Usefulness {
    /// The running kernel, of what is started by direct kexec (a kernel, or the gate).
    pub kernel: Answer,
    /// The gate.
    pub gate: Answer,
    /// shim, of what is started at boot.
    pub shim: Answer,
}

/// Yes, or why not.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Answer {
    /// It does.
    Accepts,
    /// It doesn't.
    Refuses(String),
}

impl Answer {
    /// Whether it is a yes.
    #[must_use]
    pub fn accepts(&self) -> bool {
        *self == Answer::Accepts
    }

    fn unless(problem: Option<String>) -> Answer {
        problem.map_or(Answer::Accepts, Answer::Refuses)
    }
}

/// What is said of a key for modules.
const MODULES: &str = "its extended key usage says that the key is for kernel modules only";

impl Usefulness {
    /// By the certificate's key and its extended key usage. Neither dates nor other usages count: shim asks OpenSSL for
    /// any purpose at no particular time (Cryptlib/Pk/CryptPkcs7VerifyCommon.c), the kernel looks at neither
    /// (crypto/asymmetric_keys), and nor does the gate.
    #[must_use]
    pub fn of(certificate: &Certificate<'_>) -> Usefulness {
        if certificate.is_for_modules() {
            let why = || Answer::Refuses(MODULES.to_owned());
            return Usefulness {
                // It would accept it; Baton doesn't (verdict/kernel.rs).
                kernel: why(),
                gate: why(),
                shim: why(),
            };
        }
        let problem = certificate.unusable_key();
        Usefulness {
            kernel: Answer::unless(match problem {
                // RSA up to 4096 bits (rsa_set_pub_key in crypto/rsa.c wants whole and not too large keys).
                Some(UnusableKey::RsaSize(bits @ 4097..)) => {
                    Some(format!("RSA of {bits} bits is too large for it"))
                }
                Some(UnusableKey::RsaSize(_)) | None => None,
                Some(other) => Some(other.to_string()),
            }),
            gate: Answer::unless(problem.map(|it| it.to_string())),
            shim: Answer::unless(of_shim(certificate)),
        }
    }
}

/// shim is built without ECDSA up to 16.1 at least (OPENSSL_NO_ECDSA in Cryptlib/Include/openssl/opensslconf.h).
fn of_shim(certificate: &Certificate<'_>) -> Option<String> {
    match (certificate.unusable_key(), KeyKind::of(certificate)) {
        (None, KeyKind::Rsa(_)) => None,
        (None, _) => Some("shim is built without ECDSA".to_owned()),
        (Some(UnusableKey::RsaSize(_) | UnusableKey::RsaExponent), _) => None,
        (Some(other), _) => Some(other.to_string()),
    }
}
