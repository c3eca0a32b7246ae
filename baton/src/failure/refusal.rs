//! Refusals of `baton_verify` and of the kernel, as causes of a command's failure.

use super::Code;
use super::exit::Exit;
use baton_sys::KexecError;
use baton_sys::kexec_error::Cause;
use baton_verify::{Reason, Refusal};

/// What `baton_verify` refuses, by the name that it has for whoever reads this.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{what} refused: {reason}{}", .advice.map(|it| format!(". {it}")).unwrap_or_default())]
pub struct Refused {
    /// A component of a load, or a file.
    pub what: String,
    /// Why.
    pub reason: Reason,
    /// What to do on this machine, where that isn't what the reason says.
    pub advice: Option<&'static str>,
}

impl Refused {
    /// Exit code and word.
    #[must_use]
    pub fn code(&self) -> Code {
        (exit(&self.reason), self.reason.code())
    }
}

impl From<Refusal> for Refused {
    fn from(Refusal { component, reason }: Refusal) -> Refused {
        Refused {
            what: component.to_string(),
            reason,
            advice: None,
        }
    }
}

/// The exit code for a refusal of the kernel's.
#[must_use]
pub fn exit_of_kexec(error: &KexecError) -> Exit {
    match error.cause() {
        Cause::NotPermitted => Exit::NotPermitted,
        Cause::Signature => Exit::Untrusted,
        Cause::Malformed => Exit::Malformed,
        Cause::NoRoom => Exit::NoRoom,
        Cause::Unsupported => Exit::Unsupported,
        Cause::Request | Cause::Other => Exit::Kernel,
    }
}

/// The exit code for a reason.
#[must_use]
pub fn exit(reason: &Reason) -> Exit {
    match reason {
        Reason::Unsigned
        | Reason::UnsupportedAlgorithm(_)
        | Reason::DigestMismatch { .. }
        | Reason::ContentMismatch
        | Reason::BadSignature { .. }
        | Reason::NotSignedSo { .. }
        | Reason::AmbiguousContent
        | Reason::SignerNotFound { .. }
        | Reason::UnsignedManifest
        | Reason::NotInManifest { .. }
        | Reason::AddonNotInManifest
        | Reason::MissingInitrd
        | Reason::ManifestWithoutKernel
        | Reason::OnlyByManifest
        | Reason::NotAnInitrd
        | Reason::UnlistedModule
        | Reason::NoInitrd
        | Reason::AddonForAnother { .. }
        | Reason::CommandLineNotOfUki { .. }
        | Reason::AddonsSwallowed
        | Reason::CommandLineNotInManifest { .. }
        | Reason::UnusableKey { .. }
        | Reason::UnknownSigner { .. }
        | Reason::ChainTooLong { .. }
        | Reason::UnusableCertificate { .. }
        | Reason::NotAnIssuer { .. }
        | Reason::UnknownExtension { .. }
        | Reason::ForModules { .. }
        | Reason::RevokedCertificate { .. }
        | Reason::RevokedImage { .. }
        | Reason::RevokedInside { .. }
        | Reason::RevokedBySbat { .. }
        | Reason::HandoverDigestMismatch
        | Reason::RecordAltered
        | Reason::OutOfScope { .. }
        | Reason::NotAccepted(_)
        | Reason::ParameterDenied(_)
        | Reason::ParameterUnlisted(_)
        | Reason::ParameterForInit(_)
        | Reason::ParameterForced(_)
        | Reason::HiddenBootconfig
        | Reason::AcpiTables
        | Reason::SecureBootNotOn
        | Reason::LosesEfi
        | Reason::BadTrust(_) => Exit::Untrusted,
        Reason::NoRoom { .. } | Reason::AddressTaken(_) => Exit::NoRoom,
        Reason::BadHandover(_)
        | Reason::OnlyForCrash
        | Reason::NotForCrash
        | Reason::TooManyParts(_)
        | Reason::CommandLineTooLong { .. }
        | Reason::CommandLineNul
        | Reason::BadImage(_)
        | Reason::BadAppended(_)
        | Reason::BadElf(_)
        | Reason::BadUki(_)
        | Reason::BadMultiboot2(_)
        | Reason::UnknownFormat
        | Reason::NotBuiltIn(_)
        | Reason::OtherArchitecture(_)
        | Reason::BadArm64Image(_)
        | Reason::Compressed
        | Reason::BadDeviceTree(_)
        | Reason::PageSize(_)
        | Reason::NoSuchProfile { .. }
        | Reason::AddonWithoutUki
        | Reason::Unsupported(_)
        | Reason::BadManifest(_)
        | Reason::TooManySignatures
        | Reason::NotPkcs7
        | Reason::MalformedSignature(_)
        | Reason::BadSbat(_)
        | Reason::SbatTwice
        | Reason::BadKernel(_)
        | Reason::UncoveredKernelHeader
        | Reason::NotAbove4G
        | Reason::NoFiveLevel
        | Reason::BadMemoryMap(_)
        | Reason::BadFirmwareTable(_)
        | Reason::BadBootParams(_)
        | Reason::BadGate(_) => Exit::Malformed,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn trust_form_and_room_have_different_exit_codes() {
        assert_eq!(exit(&Reason::RevokedImage { list: "dbx" }), Exit::Untrusted);
        assert_eq!(exit(&Reason::UnsignedManifest), Exit::Untrusted);
        assert_eq!(exit(&Reason::CommandLineNul), Exit::Malformed);
        // What was signed together, with something else: by a UKI as by a manifest.
        for exact in [true, false] {
            for reason in [
                Reason::CommandLineNotOfUki { exact },
                Reason::CommandLineNotInManifest { exact },
            ] {
                assert_eq!(exit(&reason), Exit::Untrusted, "{reason}");
            }
        }
        // As of a file that is given to `gate build`.
        assert_eq!(exit(&Reason::SbatTwice), Exit::Malformed);
        let no_room = Reason::NoRoom {
            needed: 2,
            largest_free: 1,
        };
        assert_eq!(exit(&no_room), Exit::NoRoom);
    }
}
