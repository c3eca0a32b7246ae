//! Why a file gives no private key, or a key signs nothing.

use super::input::PemError;

/// What is wrong with a private key. None of it has anything of the key itself.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs)] // the words say what the fields are
pub enum KeyError {
    #[error(transparent)]
    Pem(#[from] PemError),
    /// Where no passphrase is at hand.
    #[error("the key is encrypted")]
    Encrypted,
    #[error(
        "the key is encrypted in a way of old; encrypt it anew with `openssl pkcs8 -topk8 -in KEY -out NEW`, a PKCS#12 file by way of `openssl pkcs12 -legacy -in KEY -nodes | openssl pkcs12 -export -out NEW`"
    )]
    OldEncryption,
    #[error(
        "the key is encrypted with no or too many iterations; encrypt it anew with `openssl pkcs8 -topk8`"
    )]
    Iterations,
    #[error("the encrypted key is cut off or damaged; take it from a copy")]
    BrokenEncryption,
    #[error("the passphrase is wrong, or the file is damaged")]
    WrongPassphrase,
    #[error("a PKCS#12 file that is damaged, or not in DER; write it anew with `openssl pkcs12`")]
    BrokenPkcs12,
    #[error(
        "a PKCS#12 file with {count} private keys; one is needed: make a file with that one alone"
    )]
    KeysInPkcs12 { count: usize },
    #[error("an OpenSSH key; convert a copy to PEM with `ssh-keygen -p -m PEM -N '' -f COPY`")]
    OpenSsh,
    /// A store of keys, in words that say how to get one out.
    #[error("{0}")]
    Keystore(&'static str),
    #[error("broken RSA key: {0}")]
    BrokenRsa(rsa::pkcs1::Error),
    #[error("an RSA key of {bits} bits; the kernel and the gate take 2048 to 4096")]
    RsaSize { bits: u32 },
    #[error("RSA-PSS keys aren't accepted; make one for PKCS#1 v1.5, as `openssl genrsa` does")]
    RsaPss,
    #[error(
        "a private key of another kind; give RSA (2048 to 4096 bits), or ECDSA on P-256 or P-384"
    )]
    UnknownKind,
    #[error("a certificate, not the private key; {GIVE}")]
    Certificate,
    #[error("no private key in it{}; {GIVE}", but(.labels))]
    None { labels: Vec<String> },
    #[error("{0}")]
    Rsa(rsa::Error),
    #[error("{0}")]
    Ecdsa(p256::ecdsa::Error),
}

const GIVE: &str = "give one in PEM or DER (PKCS#8, PKCS#1 or SEC1), or in PKCS#12";

fn but(labels: &[String]) -> String {
    if labels.is_empty() {
        String::new()
    } else {
        format!(", but {}", labels.join(", "))
    }
}
