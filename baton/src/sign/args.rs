//! The command line of `baton sign`.

use baton_verify::{HashAlgorithm, SignatureKind};
use clap::{Args, ValueEnum};
use serde::Deserialize;
use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

/// What `--help` adds.
pub const SIGN_HELP: &str = "\
Without --as, a PE image (UKI, EFI kernel, gate) gets an Authenticode signature, an ELF file an
appended one, and anything else a detached one in IN.p7s, where `baton load` looks for it.
A signature counts only for what the first bytes show: Linux as PE or ELF, an initrd, or a manifest.
Any other kernel (multiboot2, PVH, a bzImage that is no PE image) is listed in a manifest instead.
The result is verified before it is written; the same input gives the same bytes.

Of several files each is signed by itself: what fails is reported, the others are signed, and the exit
code is that of the first failure. Where a result goes elsewhere, --if-needed copies what needs no signature.

Where the key is elsewhere, what is signed goes there and the signature comes back:
  baton sign --digest-out DATA IN
  openssl dgst -sha256 -sign KEY -out SIGNATURE DATA
  baton sign --attach SIGNATURE --cert CERT IN

A detached signature is plain CMS:
  openssl cms -verify -binary -inform DER -in IN.p7s -content IN -CAfile CERT -purpose any -out /dev/null";

/// Where a signature goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum KindOption {
    /// Into a PE image, as firmware, shim and the kernel look for it
    Authenticode,
    /// To the file's end, as in the kernel's modules
    Appended,
    /// Into a note of an ELF file
    Note,
    /// Into a file of its own
    Detached,
    /// Into the attribute security.ima, or with --output into a file (IN.sig) as evmctl writes it; the gate takes no
    /// notice of it
    Ima,
}

impl KindOption {
    /// Whether the whole file is written anew, with the signature in it.
    #[must_use]
    pub fn is_part(self) -> bool {
        !matches!(self, KindOption::Detached | KindOption::Ima)
    }
}

impl fmt::Display for KindOption {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = match self {
            KindOption::Authenticode => SignatureKind::Authenticode,
            KindOption::Appended => SignatureKind::Appended,
            KindOption::Note => SignatureKind::Note,
            KindOption::Detached => SignatureKind::Detached,
            KindOption::Ima => return f.write_str("IMA signature"),
        };
        kind.fmt(f)
    }
}

/// The hash to sign with.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[allow(missing_docs)] // the names say it
pub enum Hash {
    #[default]
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

/// Which of a file's signatures are removed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Which {
    /// All that there are.
    All,
    /// The one of this number, as `--list` shows them: from 1.
    Number(usize),
}

impl FromStr for Which {
    type Err = String;

    fn from_str(text: &str) -> Result<Which, String> {
        match text.parse() {
            _ if text == "all" => Ok(Which::All),
            Ok(number) if number > 0 => Ok(Which::Number(number)),
            _ => Err("give the number that --list shows, from 1, or `all`".into()),
        }
    }
}

/// Who signs.
#[derive(Debug, Clone, Args)]
pub struct KeyArgs {
    /// The private key: a file in PEM, DER or PKCS#12, or a key in a token: pkcs11:token=…;object=…; RSA, or ECDSA on
    /// P-256 or P-384
    #[arg(long, value_name = "KEY", required_unless_present_any = ["list", "remove", "digest_out", "attach"])]
    pub key: Option<PathBuf>,
    /// The key's certificate, PEM or DER [default: the one that comes along with it in PKCS#12, PEM
    /// or a token]
    #[arg(long, value_name = "FILE")]
    pub cert: Option<PathBuf>,
    /// Intermediate certificates, between the signer's and the trusted one, to include (may be
    /// repeated)
    #[arg(long, value_name = "FILE")]
    pub chain: Vec<PathBuf>,
    /// The file whose first line is the key's passphrase or the token's PIN [default: it is asked for]
    #[arg(long, value_name = "FILE")]
    pub passphrase_file: Option<PathBuf>,
}

/// What to sign, and with what.
#[derive(Debug, Args)]
pub struct SignArgs {
    /// Who signs.
    #[command(flatten)]
    pub who: KeyArgs,
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
    /// Leave a file alone that has a good signature by this certificate already
    #[arg(long)]
    pub if_needed: bool,
    /// Write what is to be signed of IN to FILE, for a key that is elsewhere
    #[arg(long, value_name = "FILE", conflicts_with_all = ["key", "chain", "if_needed", "attach", "output", "in_place"])]
    pub digest_out: Option<PathBuf>,
    /// Put in a signature that was made elsewhere, of what --digest-out wrote: the bare RSA or ECDSA signature
    #[arg(long, value_name = "SIGNATURE", conflicts_with_all = ["key", "if_needed"])]
    pub attach: Option<PathBuf>,
    /// What that signature is over, if systemd-sbsign wrote it (--prepare-offline-signing)
    #[arg(long, value_name = "FILE", requires = "attach", conflicts_with = "key")]
    pub signed_data: Option<PathBuf>,
    /// Show what signatures there are, as `baton inspect` does
    #[arg(long, conflicts_with_all = ["key", "cert", "chain", "kind", "append", "replace", "if_needed", "remove", "output", "in_place", "force", "digest_out", "attach"])]
    pub list: bool,
    /// Remove the signature of this number, as --list shows them, or all, the one in IN.p7s included
    #[arg(long, value_name = "N", num_args = 0..=1, require_equals = true, default_missing_value = "all", conflicts_with_all = ["key", "cert", "chain", "kind", "append", "replace", "if_needed", "digest_out", "attach"])]
    pub remove: Option<Which>,
    /// Replace the file to write, if it is there and isn't IN
    #[arg(long)]
    pub force: bool,
    /// The files to sign; `-` is standard input
    #[arg(value_name = "IN", required = true)]
    pub inputs: Vec<PathBuf>,
    /// Replace each IN by the result, or write IN.p7s beside it: what is done with one IN anyway
    #[arg(long, conflicts_with = "output")]
    pub in_place: bool,
    /// Where to write the result instead, for a detached signature that; with several IN a directory.
    /// `-` is standard output
    #[arg(short, long, value_name = "OUT")]
    pub output: Option<PathBuf>,
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
