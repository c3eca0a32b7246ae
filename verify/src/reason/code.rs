//! Reasons for programs: a short, stable word for each.

use baton_formats::handover::{HandoverError, RecordProblem};

use super::Reason;

impl Reason {
    /// A short, stable word for programs.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::BadHandover(error) => handover_code(error),
            Self::RecordAltered => "record-altered",
            Self::OnlyForCrash => "only-for-crash",
            Self::NotForCrash => "not-for-crash",
            Self::SecureBootNotOn => "secure-boot-not-on",
            Self::LosesEfi => "loses-efi",
            Self::TooManyParts(_) => "too-many-parts",
            Self::CommandLineTooLong { .. } => "command-line-too-long",
            Self::CommandLineNul => "command-line-nul",
            Self::BadImage(_) => "bad-image",
            Self::BadAppended(_) => "malformed-signature",
            Self::BadElf(_) => "bad-elf",
            Self::BadUki(_) => "bad-uki",
            Self::BadMultiboot2(_) => "bad-multiboot2",
            Self::UnknownFormat => "unknown-format",
            Self::NotBuiltIn(_) => "not-built-in",
            Self::OtherArchitecture(_) => "other-architecture",
            Self::BadArm64Image(_) => "bad-kernel",
            Self::BadDeviceTree(_) => "bad-device-tree",
            Self::Compressed => "compressed-kernel",
            Self::PageSize(_) => "no-such-page-size",
            Self::OnlyByManifest => "only-by-manifest",
            Self::NotAnInitrd => "not-an-initrd",
            Self::UnlistedModule => "unlisted-module",
            Self::NoInitrd => "no-initrd",
            Self::NoSuchProfile { .. } => "no-such-profile",
            Self::AddonWithoutUki => "addon-without-uki",
            Self::AddonForAnother { .. } => "addon-for-another",
            Self::CommandLineNotOfUki { .. } | Self::AddonsSwallowed => "command-line-not-of-uki",
            Self::Unsupported(_) => "unsupported",
            Self::BadManifest(_) => "bad-manifest",
            Self::NotInManifest { .. } | Self::AddonNotInManifest => "not-in-manifest",
            Self::MissingInitrd => "missing-initrd",
            Self::ManifestWithoutKernel => "manifest-without-kernel",
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
            Self::UnknownExtension { .. } => "unknown-extension",
            Self::ForModules { .. } => "key-for-modules",
            Self::RevokedCertificate { .. } => "revoked-certificate",
            Self::OutOfScope { .. } => "key-out-of-scope",
            Self::NotAccepted(_) => "not-accepted",
            Self::ParameterDenied(_) => "parameter-denied",
            Self::ParameterUnlisted(_) => "parameter-unlisted",
            Self::ParameterForInit(_) => "parameter-for-init",
            Self::ParameterForced(_) => "parameter-forced",
            Self::HiddenBootconfig => "hidden-bootconfig",
            Self::AcpiTables => "acpi-tables",
            Self::RevokedImage { .. } | Self::RevokedInside { .. } => "revoked-image",
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
