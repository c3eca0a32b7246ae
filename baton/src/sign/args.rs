//! The command line of `baton sign`.

use baton_verify::{HashAlgorithm, SignatureKind};
use clap::{Args, ValueEnum};
use std::path::{Path, PathBuf};

/// What `--help` adds.
pub const SIGN_HELP: &str = "\
Without --as, a PE image (UKI, EFI kernel, gate) gets an Authenticode signature, an ELF file an
appended one, and anything else a detached one in IN.p7s, where `baton load` looks for it.
A signature counts only for what the first bytes show: Linux as PE or ELF, an initrd, or a manifest.
Any other kernel (multiboot2, PVH, a bzImage that is no PE image) is listed in a manifest instead.
The result is verified before it is written; the same input gives the same bytes.

A detached signature is plain CMS:
  openssl cms -verify -binary -inform DER -in IN.p7s -content IN -CAfile CERT -purpose any -out /dev/null";

/// Where a signature goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum KindOption {
    /// Into a PE image, as firmware, shim and the kernel look for it
    Authenticode,
    /// To the file's end, as in the kernel's modules
    Appended,
    /// Into a note of an ELF file
    Note,
    /// Into a file of its own
    Detached,
}

impl KindOption {
    /// How what is signed so is vouched for.
    #[must_use]
    pub fn signature_kind(self) -> SignatureKind {
        match self {
            KindOption::Authenticode => SignatureKind::Authenticode,
            KindOption::Appended => SignatureKind::Appended,
            KindOption::Note => SignatureKind::Note,
            KindOption::Detached => SignatureKind::Detached,
        }
    }
}

/// The hash to sign with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
#[allow(missing_docs)] // the names say it
pub enum Hash {
    Sha256,
    Sha384,
    Sha512,
}

impl From<Hash> for HashAlgorithm {
    fn from(hash: Hash) -> HashAlgorithm {
        match hash {
            Hash::Sha256 => HashAlgorithm::Sha256,
            Hash::Sha384 => HashAlgorithm::Sha384,
            Hash::Sha512 => HashAlgorithm::Sha512,
        }
    }
}

/// How a detached signature is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
#[allow(missing_docs)] // the names say it
pub enum Encoding {
    Der,
    Pem,
}

/// What to sign, and with what.
#[derive(Debug, Args)]
pub struct SignArgs {
    /// The private key, unencrypted, PEM or DER: RSA, or ECDSA on P-256 or P-384
    #[arg(long, value_name = "FILE")]
    pub key: PathBuf,
    /// The key's certificate, PEM or DER
    #[arg(long, value_name = "FILE")]
    pub cert: PathBuf,
    /// Intermediate certificates, between the signer's and the trusted one, to include (may be
    /// repeated)
    #[arg(long, value_name = "FILE")]
    pub chain: Vec<PathBuf>,
    /// Where the signature goes [default: by IN's format]
    #[arg(long = "as", value_enum, value_name = "KIND")]
    pub kind: Option<KindOption>,
    /// The hash to sign with
    #[arg(long, value_enum, default_value = "sha256")]
    pub hash: Hash,
    /// How a detached signature is written
    #[arg(long, value_enum, default_value = "der")]
    pub format: Encoding,
    /// Keep the Authenticode signatures there are before the new one (the kernel looks at the first
    /// alone)
    #[arg(long, conflicts_with = "replace")]
    pub append: bool,
    /// Remove the existing signatures
    #[arg(long)]
    pub replace: bool,
    /// Replace the file to write, if it is there and isn't IN
    #[arg(long)]
    pub force: bool,
    /// The file to sign
    #[arg(value_name = "IN")]
    pub input: PathBuf,
    /// Where to write it
    #[arg(value_name = "OUT", conflicts_with = "output")]
    out: Option<PathBuf>,
    /// Where to write the result, instead of replacing IN; for a detached signature, where to write
    /// that, instead of IN.p7s
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
}

impl SignArgs {
    /// Where to write it, if that is said.
    #[must_use]
    pub fn output(&self) -> Option<&Path> {
        self.output.as_deref().or(self.out.as_deref())
    }
}

/// What to do with signatures that are already there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Existing {
    /// Refuse to sign.
    Refuse,
    /// Keep them before the new one (Authenticode alone). The kernel looks at the first alone.
    Append,
    /// Drop them.
    Replace,
}

impl From<&SignArgs> for Existing {
    fn from(args: &SignArgs) -> Existing {
        match (args.append, args.replace) {
            (true, _) => Existing::Append,
            (_, true) => Existing::Replace,
            _ => Existing::Refuse,
        }
    }
}
