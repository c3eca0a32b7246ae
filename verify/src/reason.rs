//! Why something is refused: typed, and worded here alone, so that the command line, the
//! gate's console and the tests speak the same words.

use alloc::string::{String, ToString};
use core::fmt;

use baton_formats::bzimage::BzImageError;
use baton_formats::elf::ElfError;
use baton_formats::handover::{HandoverError, RecordProblem};
use baton_formats::manifest::ManifestError;
use baton_formats::module_signature::AppendedError;
use baton_formats::multiboot2::Multiboot2Error;
use baton_formats::pe::PeError;
use baton_formats::sbat::SbatError;
use baton_formats::uki::UkiError;
use baton_formats::verdict::Way;

use crate::certificate::UnusableKey;
use crate::cms::CmsError;
use crate::display::{Hex, KeyId};
use crate::hash::Digest;
use crate::sbat::SbatSource;
use crate::signer_info::SignerId;
use crate::trust::{Trust, TrustError};

/// Why something is refused. [`Reason::code`] is for programs, `Display` for people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reason {
    /// The handover is malformed.
    BadHandover(HandoverError),
    /// A record's bytes aren't those that its digest was made of.
    RecordAltered,
    /// The handover was made for a crash, and this is none.
    OnlyForCrash,
    /// This is a crash, and the handover wasn't made for one.
    NotForCrash,
    /// The command line is longer than the kernel takes; both in bytes.
    CommandLineTooLong {
        /// Its length.
        length: usize,
        /// The most the kernel takes.
        limit: usize,
    },
    /// The command line holds a NUL byte.
    CommandLineNul,
    /// Not a PE image of the accepted form.
    BadImage(PeError),
    /// The signature after its end can't be found.
    BadAppended(AppendedError),
    /// Not an ELF file of the accepted form.
    BadElf(ElfError),
    /// Not a UKI or an addon of the accepted form.
    BadUki(UkiError),
    /// Not a multiboot2 kernel that can be booted.
    BadMultiboot2(Multiboot2Error),
    /// Of no format that can be booted.
    UnknownFormat,
    /// The image has no such profile.
    NoSuchProfile {
        /// The profile that was chosen.
        profile: u32,
        /// How many there are.
        count: usize,
    },
    /// An addon, and the kernel is no UKI.
    AddonWithoutUki,
    /// An addon for a kernel of another release.
    AddonForAnother {
        /// The release it is for, printable ASCII.
        uname: String,
    },
    /// A UKI or its addons say what the command line is, and it is something else.
    CommandLineNotOfUki {
        /// Whether the UKI has one; otherwise only its addons have.
        exact: bool,
    },
    /// The kernel asks for something, or is given something, that its boot protocol can't carry here.
    Unsupported(&'static str),
    /// Not a manifest, though its signature is trusted.
    BadManifest(ManifestError),
    /// A manifest without a signature.
    UnsignedManifest,
    /// The manifest lists an initrd that isn't there.
    MissingInitrd,
    /// The manifest lists something else, or nothing, in its place; digests in hexadecimal.
    NotInManifest {
        /// What the manifest lists.
        listed: Option<String>,
        /// What is there.
        found: String,
    },
    /// The manifest's rule for the command line doesn't allow this one.
    CommandLineNotInManifest {
        /// Whether the rule is for all of it, not only for how it begins.
        exact: bool,
    },
    /// No signature, and its digest isn't listed either.
    Unsigned,
    /// More signatures than are tried.
    TooManySignatures,
    /// An entry of the certificate table isn't a PKCS#7 signature.
    NotPkcs7,
    /// A signature can't be read.
    MalformedSignature(CmsError),
    /// A signature uses an algorithm that isn't accepted.
    UnsupportedAlgorithm(CmsError),
    /// The image isn't the one that was signed; both digests in hexadecimal.
    DigestMismatch {
        /// What the signature says.
        expected: String,
        /// What the image has.
        found: String,
    },
    /// The signature's own content isn't the one that was signed.
    ContentMismatch,
    /// The signer's key didn't make the signature.
    BadSignature {
        /// The signer's name.
        subject: String,
        /// The signer's key.
        key_id: KeyId,
    },
    /// The signer's key didn't sign these bytes (and the signature doesn't say which it did).
    NotSignedSo {
        /// The signer's name.
        subject: String,
        /// The signer's key.
        key_id: KeyId,
    },
    /// A signature without attributes, of bytes that may be another signature's attributes.
    AmbiguousContent,
    /// The signer's key is of a kind or size that isn't accepted.
    UnusableKey {
        /// The signer's name.
        subject: String,
        /// What is wrong with the key.
        problem: UnusableKey,
    },
    /// No trusted key vouches for the signer.
    UnknownSigner {
        /// The signer's name.
        subject: String,
        /// The signer's key.
        key_id: KeyId,
        /// The trusted keys, in words.
        tried: String,
    },
    /// The signer's certificate is neither in the signature nor trusted.
    SignerNotFound {
        /// What the signature calls the certificate by, in words.
        certificate: String,
        /// The trusted keys, in words.
        tried: String,
    },
    /// Too many certificates between the signer and a trusted one.
    ChainTooLong {
        /// The signer's name.
        subject: String,
    },
    /// A certificate above the signer uses an algorithm that isn't accepted.
    UnusableCertificate {
        /// The signer's name.
        subject: String,
        /// That certificate's name.
        certificate: String,
    },
    /// A certificate above the signer isn't allowed to issue certificates.
    NotAnIssuer {
        /// The signer's name.
        subject: String,
        /// That certificate's name.
        issuer: String,
    },
    /// The signer's certificate, or one above it, is revoked.
    RevokedCertificate {
        /// The signer's name.
        subject: String,
        /// The revoked certificate's name.
        certificate: String,
        /// The list that revokes it.
        list: &'static str,
    },
    /// The policy doesn't let a key in the signer's chain vouch for this.
    OutOfScope {
        /// The signer's name.
        subject: String,
        /// The name of the certificate whose key it is.
        certificate: String,
    },
    /// The policy doesn't accept what is vouched for so.
    NotAccepted(Way),
    /// A rule of the policy denies a parameter; printable ASCII.
    ParameterDenied(String),
    /// No rule of the policy allows a parameter; printable ASCII.
    ParameterUnlisted(String),
    /// Something follows `--`, and the policy doesn't allow that; printable ASCII.
    ParameterForInit(String),
    /// A parameter contradicts what the policy forces; printable ASCII.
    ParameterForced(String),
    /// An unsigned initrd ends with parameters that no rule has seen.
    HiddenBootconfig,
    /// The digest of the image, or of the initrd or manifest, is revoked.
    RevokedImage {
        /// The list that revokes it.
        list: &'static str,
    },
    /// The image's SBAT metadata can't be relied on.
    BadSbat(SbatError),
    /// The image has two sections `.sbat`.
    SbatTwice,
    /// A component of the image is of too old a generation.
    RevokedBySbat {
        /// The component, printable ASCII.
        component: String,
        /// The generation that the image states.
        generation: u32,
        /// The lowest one that may run.
        minimum: u32,
        /// Who says so.
        source: SbatSource,
    },
    /// The handover gives another digest for the kernel than its own.
    HandoverDigestMismatch,
    /// Not a kernel that can be booted.
    BadKernel(BzImageError),
    /// Parts of the PE header that no signature covers lie where the kernel's own are.
    UncoveredKernelHeader,
    /// The trusted keys or lists can't be read.
    BadTrust(TrustError),
    /// The kernel can't be handed arguments above 4 GiB.
    NotAbove4G,
    /// The kernel can't be entered with 5-level paging on.
    NoFiveLevel,
    /// The kernel runs at one address only, and that isn't free.
    AddressTaken(u64),
    /// No free memory is large enough; both in bytes.
    NoRoom {
        /// What is needed.
        needed: u64,
        /// The largest free range.
        largest_free: u64,
    },
    /// The memory map isn't one.
    BadMemoryMap(&'static str),
    /// A table of the firmware's isn't as its standard says.
    BadFirmwareTable(&'static str),
    /// What the running kernel passed isn't as its boot protocol says.
    BadBootParams(&'static str),
    /// The gate's image wasn't built right.
    BadGate(&'static str),
}

impl Reason {
    pub(crate) fn digest_mismatch(expected: &[u8], found: &Digest) -> Self {
        Self::DigestMismatch {
            expected: Hex(expected).to_string(),
            found: Hex(found.as_bytes()).to_string(),
        }
    }

    pub(crate) fn not_in_manifest(listed: Option<&[u8; 32]>, found: &[u8; 32]) -> Self {
        Self::NotInManifest {
            listed: listed.map(|digest| Hex(digest).to_string()),
            found: Hex(found).to_string(),
        }
    }

    pub(crate) fn signer_not_found(signer: &SignerId<'_>, trust: &Trust<'_>) -> Self {
        Self::SignerNotFound {
            certificate: signer.to_string(),
            tried: trust.tried(),
        }
    }

    /// A short, stable word for programs.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::BadHandover(error) => handover_code(error),
            Self::RecordAltered => "record-altered",
            Self::OnlyForCrash => "only-for-crash",
            Self::NotForCrash => "not-for-crash",
            Self::CommandLineTooLong { .. } => "command-line-too-long",
            Self::CommandLineNul => "command-line-nul",
            Self::BadImage(_) => "bad-image",
            Self::BadAppended(_) => "malformed-signature",
            Self::BadElf(_) => "bad-elf",
            Self::BadUki(_) => "bad-uki",
            Self::BadMultiboot2(_) => "bad-multiboot2",
            Self::UnknownFormat => "unknown-format",
            Self::NoSuchProfile { .. } => "no-such-profile",
            Self::AddonWithoutUki => "addon-without-uki",
            Self::AddonForAnother { .. } => "addon-for-another",
            Self::CommandLineNotOfUki { .. } => "command-line-not-of-uki",
            Self::Unsupported(_) => "unsupported",
            Self::BadManifest(_) => "bad-manifest",
            Self::NotInManifest { .. } => "not-in-manifest",
            Self::MissingInitrd => "missing-initrd",
            Self::CommandLineNotInManifest { .. } => "command-line-not-in-manifest",
            Self::Unsigned | Self::UnsignedManifest => "unsigned",
            Self::TooManySignatures => "too-many-signatures",
            Self::NotPkcs7 | Self::MalformedSignature(_) => "malformed-signature",
            Self::UnsupportedAlgorithm(_) => "unsupported-algorithm",
            Self::DigestMismatch { .. } => "digest-mismatch",
            Self::ContentMismatch | Self::BadSignature { .. } | Self::NotSignedSo { .. } => {
                "bad-signature"
            }
            Self::AmbiguousContent => "ambiguous-signature",
            Self::UnusableKey { .. } => "unusable-key",
            Self::UnknownSigner { .. } | Self::SignerNotFound { .. } => "unknown-signer",
            Self::ChainTooLong { .. } => "chain-too-long",
            Self::UnusableCertificate { .. } => "unusable-certificate",
            Self::NotAnIssuer { .. } => "not-an-issuer",
            Self::RevokedCertificate { .. } => "revoked-certificate",
            Self::OutOfScope { .. } => "key-out-of-scope",
            Self::NotAccepted(_) => "not-accepted",
            Self::ParameterDenied(_) => "parameter-denied",
            Self::ParameterUnlisted(_) => "parameter-unlisted",
            Self::ParameterForInit(_) => "parameter-for-init",
            Self::ParameterForced(_) => "parameter-forced",
            Self::HiddenBootconfig => "hidden-bootconfig",
            Self::RevokedImage { .. } => "revoked-image",
            Self::BadSbat(_) | Self::SbatTwice => "bad-sbat",
            Self::RevokedBySbat { .. } => "revoked-by-sbat",
            Self::HandoverDigestMismatch => "handover-digest-mismatch",
            Self::BadKernel(_) | Self::UncoveredKernelHeader => "bad-kernel",
            Self::BadTrust(error) => error.code(),
            Self::NotAbove4G => "not-above-4g",
            Self::NoFiveLevel => "no-5level",
            Self::AddressTaken(_) => "address-taken",
            Self::NoRoom { .. } => "no-room",
            Self::BadMemoryMap(_) => "bad-memory-map",
            Self::BadFirmwareTable(_) => "bad-firmware-table",
            Self::BadBootParams(_) => "bad-boot-params",
            Self::BadGate(_) => "bad-gate",
        }
    }
}

impl From<CmsError> for Reason {
    fn from(error: CmsError) -> Self {
        match error {
            CmsError::Hash | CmsError::Algorithm => Self::UnsupportedAlgorithm(error),
            _ => Self::MalformedSignature(error),
        }
    }
}

/// How something is vouched for, after what isn't accepted.
fn in_words(way: Way) -> &'static str {
    match way {
        Way::Unsigned => "unsigned",
        Way::Authenticode => "by an Authenticode signature",
        Way::ListedDigest => "by its digest in the MOK list",
        Way::Appended => "by an appended signature",
        Way::Note => "by a signature in an ELF note",
        Way::Detached => "by a detached signature",
        Way::Manifest => "by a manifest",
    }
}

fn handover_code(error: &HandoverError) -> &'static str {
    match error {
        HandoverError::TooShort(_) | HandoverError::Length { .. } => "handover-truncated",
        HandoverError::Magic => "handover-magic",
        HandoverError::Version(_) => "handover-version",
        HandoverError::Flags(_) => "handover-unknown-flags",
        HandoverError::NoKernel => "handover-no-kernel",
        HandoverError::Record { problem, .. } => match problem {
            RecordProblem::Kind(_) => "handover-unknown-kind",
            RecordProblem::Flags(_) => "handover-unknown-flags",
            RecordProblem::BeyondEnd => "handover-truncated",
            _ => "handover-bad-record",
        },
        _ => "handover-malformed",
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::BadHandover(error) => error.fmt(f),
            Self::RecordAltered => {
                f.write_str("its digest isn't the one in the handover: it was altered on the way")
            }
            Self::OnlyForCrash => {
                f.write_str("it was made for a crash, and this is none (use `baton load`)")
            }
            Self::NotForCrash => f.write_str(
                "it wasn't made for a crash, and the command line begins with elfcorehdr= (use `baton crash load`)",
            ),
            Self::CommandLineTooLong { length, limit } => write!(
                f,
                "{length} bytes are more than the {limit} this kernel takes (shorten it)"
            ),
            Self::CommandLineNul => f.write_str("it holds a NUL byte (take it out)"),
            Self::BadImage(error) => error.fmt(f),
            Self::BadAppended(error) => {
                write!(f, "malformed signature: {error} (sign it again)")
            }
            Self::BadElf(error) => error.fmt(f),
            Self::BadUki(error) => error.fmt(f),
            Self::BadMultiboot2(error) => error.fmt(f),
            Self::UnknownFormat => f.write_str(
                "neither a bzImage nor a UKI, nor ELF of Linux or with a PVH entry, nor multiboot2 (decompress it, if it is compressed)",
            ),
            Self::NoSuchProfile { profile, count } => write!(
                f,
                "it has no profile {profile}, but {count} in all, counted from 0 (choose one of them)"
            ),
            Self::AddonWithoutUki => {
                f.write_str("addons are for UKIs, and the kernel is none (leave it out)")
            }
            Self::AddonForAnother { uname } => write!(
                f,
                "it is for the kernel \"{uname}\" only, and the UKI is of another (leave it out)"
            ),
            Self::CommandLineNotOfUki { exact } => f.write_str(match exact {
                true => "the UKI says exactly what it must be, and it is something else (leave it to the UKI)",
                false => "the UKI's addons say how it must end, and it ends otherwise (append what they say)",
            }),
            Self::Unsupported(what) => write!(f, "{what}"),
            Self::BadManifest(error) => error.fmt(f),
            Self::UnsignedManifest => f.write_str(
                "no signature (it vouches for nothing without one; sign it with a key in .keys or the MOK list)",
            ),
            Self::MissingInitrd => {
                f.write_str("it isn't there, and the manifest lists it (load all that it lists)")
            }
            Self::NotInManifest {
                listed: Some(listed),
                found,
            } => write!(
                f,
                "the manifest lists another one (digest {listed} or another length; {found} found): altered after signing, or the manifest is another's"
            ),
            Self::NotInManifest {
                listed: None,
                found,
            } => write!(
                f,
                "the manifest lists fewer (digest {found} isn't in it; leave it out, or list and sign it)"
            ),
            Self::CommandLineNotInManifest { exact } => write!(
                f,
                "the manifest {} (leave it to the manifest)",
                match exact {
                    true => "says exactly what it must be, and it is something else",
                    false => "says how it must begin, and it begins otherwise",
                }
            ),
            Self::Unsigned => f.write_str(
                "no signature (an unsigned image can't be booted; sign it with a key in .keys or the MOK list)",
            ),
            Self::TooManySignatures => write!(
                f,
                "more than {} signatures (remove some)",
                crate::image::MAX_SIGNATURES
            ),
            Self::NotPkcs7 => f.write_str(
                "malformed signature: an entry of its certificate table isn't PKCS#7 (sign it again)",
            ),
            Self::MalformedSignature(error) => {
                write!(f, "malformed signature: {error} (sign it again)")
            }
            Self::UnsupportedAlgorithm(error) => write!(
                f,
                "its signature's algorithm isn't accepted: {error} (sign it again)"
            ),
            Self::DigestMismatch { expected, found } => write!(
                f,
                "the signature is for other bytes (digest {expected} expected, {found} found): the image was altered after signing"
            ),
            Self::ContentMismatch => {
                f.write_str("the signature's content was altered after signing (sign it again)")
            }
            Self::BadSignature { subject, key_id } => write!(
                f,
                "the signature wasn't made by the key of \"{subject}\" (key id {key_id}), which it names: forged or damaged"
            ),
            Self::NotSignedSo { subject, key_id } => write!(
                f,
                "\"{subject}\" (key id {key_id}), whom the signature names, didn't sign these bytes: altered after signing, or the signature is another file's"
            ),
            Self::AmbiguousContent => f.write_str(
                "it begins as a signature's attributes do, and its signature has none: it may be part of another signature (sign it with attributes)",
            ),
            Self::UnusableKey { subject, problem } => {
                write!(f, "signed by \"{subject}\", but {problem} (sign with another key)")
            }
            Self::UnknownSigner {
                subject,
                key_id,
                tried,
            } => write!(
                f,
                "signed by \"{subject}\" (key id {key_id}), which no trusted key vouches for; {tried}"
            ),
            Self::SignerNotFound { certificate, tried } => write!(
                f,
                "signed with the certificate {certificate}, which is neither in the signature nor trusted; {tried}"
            ),
            Self::ChainTooLong { subject } => write!(
                f,
                "signed by \"{subject}\", more than {} certificates away from a trusted one (trust one nearer to it)",
                crate::chain::MAX_LENGTH
            ),
            Self::UnusableCertificate {
                subject,
                certificate,
            } => write!(
                f,
                "signed by \"{subject}\", but \"{certificate}\" in its chain has a key or signature that isn't accepted (RSA 2048 to 4096 or ECDSA P-256 or P-384, with SHA-2)"
            ),
            Self::NotAnIssuer { subject, issuer } => write!(
                f,
                "signed by \"{subject}\", but \"{issuer}\" in its chain may not issue certificates"
            ),
            Self::RevokedCertificate {
                subject,
                certificate,
                list,
            } => write!(
                f,
                "signed by \"{subject}\", but \"{certificate}\" in its chain is revoked by {list} (install one signed with a newer key)"
            ),
            Self::OutOfScope {
                subject,
                certificate,
            } => write!(
                f,
                "signed by \"{subject}\", but the policy doesn't let the key of \"{certificate}\" vouch for this (sign with another key)"
            ),
            Self::NotAccepted(way) => write!(
                f,
                "the policy doesn't accept it {} (`baton policy explain` says what it accepts)",
                in_words(*way)
            ),
            Self::ParameterDenied(parameter) => write!(
                f,
                "the policy denies \"{parameter}\" (leave it out; only a newly signed gate can allow it)"
            ),
            Self::ParameterUnlisted(parameter) => write!(
                f,
                "no rule of the policy allows \"{parameter}\" (leave it out; only a newly signed gate can allow it)"
            ),
            Self::ParameterForInit(parameter) => write!(
                f,
                "the policy lets nothing follow --, and \"{parameter}\" does (leave it out)"
            ),
            Self::ParameterForced(parameter) => write!(
                f,
                "\"{parameter}\" contradicts what the policy forces (leave it out)"
            ),
            Self::HiddenBootconfig => f.write_str(
                "it ends with a bootconfig, whose parameters no rule of the policy sees (sign it, or leave the bootconfig out)",
            ),
            Self::RevokedImage { list } => {
                write!(f, "its digest is revoked by {list} (install a newer one)")
            }
            Self::BadSbat(error) => write!(
                f,
                "malformed SBAT metadata in .sbat: {error} (install an image that is built with right ones)"
            ),
            Self::SbatTwice => f.write_str(
                "two sections .sbat, and one of them may hide what the other says (install an image with one)",
            ),
            Self::RevokedBySbat {
                component,
                generation,
                minimum,
                source,
            } => write!(
                f,
                "revoked by SBAT: its component \"{component}\" is of generation {generation}, and {source} asks for {minimum} or later (install a newer image)"
            ),
            Self::HandoverDigestMismatch => f.write_str(
                "its digest isn't the one in the handover: another kernel was put in its place",
            ),
            Self::BadKernel(error) => error.fmt(f),
            Self::UncoveredKernelHeader => f.write_str(
                "fields of its PE header that no signature covers lie in its setup header",
            ),
            Self::BadTrust(error) => error.fmt(f),
            Self::NotAbove4G => f.write_str(
                "it can't take arguments above 4 GiB, where kexec puts them (use a newer kernel)",
            ),
            Self::NoFiveLevel => f.write_str(
                "this machine runs with 5-level paging, which it doesn't know (boot with no5lvl, or use a newer kernel)",
            ),
            Self::AddressTaken(address) => write!(
                f,
                "it runs at {address:#x} only, which isn't free (use a relocatable kernel)"
            ),
            Self::NoRoom {
                needed,
                largest_free,
            } => write!(
                f,
                "no room: {needed} bytes are needed, and the largest free range has {largest_free} (use a smaller initrd, or reserve more memory)"
            ),
            Self::BadMemoryMap(what) => write!(f, "bad memory map: {what}"),
            Self::BadFirmwareTable(what) => write!(f, "bad firmware table: {what}"),
            Self::BadBootParams(what) => write!(f, "bad boot parameters: {what}"),
            Self::BadGate(what) => write!(f, "{what} (build it again with `baton gate build`)"),
        }
    }
}

impl core::error::Error for Reason {}
