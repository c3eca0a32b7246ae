//! Why something is refused: typed, and worded here alone, so that the command line, the
//! gate's console and the tests speak the same words.

mod code;
pub(crate) mod refusal;
mod words;

use alloc::string::{String, ToString};

use baton_formats::arch::arm64::image::{ImageError, PageSize};
use baton_formats::bzimage::BzImageError;
use baton_formats::device_tree::DeviceTreeError;
use baton_formats::elf::ElfError;
use baton_formats::gate_image::{Format, Isa};
use baton_formats::handover::HandoverError;
use baton_formats::manifest::ManifestError;
use baton_formats::module_signature::AppendedError;
use baton_formats::multiboot2::Multiboot2Error;
use baton_formats::pe::PeError;
use baton_formats::sbat::SbatError;
use baton_formats::uki::UkiError;
use baton_formats::verdict::SignatureKind;

use crate::crypto::hash::Digest;
use crate::display::{Hex, KeyId};
use crate::policy::chain::IssuerProblem;
use crate::policy::sbat::SbatSource;
use crate::policy::trust::{Trust, TrustError};
use crate::signature::cms::CmsError;
use crate::signature::signer_info::SignerId;
use crate::x509::certificate::UnusableKey;

/// Why something is refused. [`Reason::code`] is for programs, `Display` for people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reason {
    /// The handover is malformed.
    BadHandover(HandoverError),
    /// A record's bytes aren't those that its digest was made of.
    RecordAltered,
    /// The handover was made for a crash load, and this is a normal load.
    OnlyForCrash,
    /// This is a crash, and the handover wasn't made for one.
    NotForCrash,
    /// The policy asks for Secure Boot, and the running kernel doesn't say that it is on.
    SecureBootNotOn,
    /// The kernel couldn't be told of EFI, which this machine has.
    LosesEfi,
    /// This many parts, more than the gate's record has room for.
    TooManyParts(usize),
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
    /// The signature appended to it is malformed.
    BadAppended(AppendedError),
    /// Not an ELF file of the accepted form.
    BadElf(ElfError),
    /// Not a UKI or an addon of the accepted form.
    BadUki(UkiError),
    /// Not a multiboot2 kernel that can be booted.
    BadMultiboot2(Multiboot2Error),
    /// Of no format that can be booted.
    UnknownFormat,
    /// Of a format that the gate was built without.
    NotBuiltIn(Format),
    /// A kernel for this architecture, which isn't the gate's.
    OtherArchitecture(Isa),
    /// Not an Image of arm64 that can be booted.
    BadArm64Image(ImageError),
    /// A kernel that is compressed in an EFI program.
    Compressed,
    /// The device tree that the old kernel passed on is malformed.
    BadDeviceTree(DeviceTreeError),
    /// Built for pages of a size that the processor doesn't have.
    PageSize(PageSize),
    /// A kernel that a manifest alone can vouch for.
    OnlyByManifest,
    /// A detached signature of something that isn't an initrd.
    NotAnInitrd,
    /// A module of a kernel that isn't Linux, and the manifest doesn't list it.
    UnlistedModule,
    /// No initrd, and the policy wants them vouched for.
    NoInitrd,
    /// The image has no such profile.
    NoSuchProfile {
        /// The profile that was chosen.
        profile: u32,
        /// How many there are.
        count: usize,
    },
    /// An addon, and the kernel is no UKI of Linux.
    AddonWithoutUki,
    /// An addon with an initrd or microcode, and the manifest lists the initrds.
    AddonNotInManifest,
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
    /// What a UKI's addons say stands behind a `--` or within quotes that user space put there.
    AddonsSwallowed,
    /// The kernel asks for something, or is given something, that its boot protocol can't carry here.
    Unsupported(&'static str),
    /// Not a manifest, though its signature is trusted.
    BadManifest(ManifestError),
    /// A manifest without a signature.
    UnsignedManifest,
    /// The manifest lists an initrd that isn't there.
    MissingInitrd,
    /// The manifest lists no kernel, so that what it lists was signed to go with none in particular.
    ManifestWithoutKernel,
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
    /// A signature without attributes, of bytes that begin as DER does.
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
        /// Why it isn't.
        problem: IssuerProblem,
    },
    /// The signer's certificate has a critical extension that isn't known here.
    UnknownExtension {
        /// The signer's name.
        subject: String,
    },
    /// The key of the signer's certificate, or of one above it, is for kernel modules.
    ForModules {
        /// The signer's name.
        subject: String,
        /// The name of the certificate whose key it is.
        certificate: String,
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
    NotAccepted(SignatureKind),
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
    /// An initrd holds ACPI tables that nobody vouches for.
    AcpiTables,
    /// The digest of the image, or of the initrd or manifest, is revoked.
    RevokedImage {
        /// The list that revokes it.
        list: &'static str,
    },
    /// The digest of something in the image is revoked.
    RevokedInside {
        /// What it is: "kernel", "initrd".
        what: &'static str,
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
    /// The memory map is invalid.
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
}

impl From<CmsError> for Reason {
    fn from(error: CmsError) -> Self {
        match error {
            CmsError::Hash | CmsError::Algorithm | CmsError::RsaPss => {
                Self::UnsupportedAlgorithm(error)
            }
            _ => Self::MalformedSignature(error),
        }
    }
}

impl core::error::Error for Reason {}
