//! Refusals of `baton_verify`, as failures of a command.

use crate::exit::Exit;
use crate::failure::Failure;
use baton_verify::{Reason, Refusal, TrustError};

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
        _ => Exit::Malformed,
    }
}

impl From<Refusal> for Failure {
    fn from(refusal: Refusal) -> Failure {
        Failure::new(
            exit(&refusal.reason),
            refusal.reason.code(),
            refusal.to_string(),
        )
    }
}

impl From<TrustError> for Failure {
    fn from(error: TrustError) -> Failure {
        Refusal::from(error).into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use baton_verify::Component;

    #[test]
    fn a_refusal_keeps_its_words_and_its_code() {
        let refusal = Refusal::new(Component::Kernel, Reason::Unsigned);
        let failure = Failure::from(refusal.clone());
        assert_eq!(failure.exit, Exit::Untrusted);
        assert_eq!(failure.reason, "unsigned");
        assert_eq!(failure.message, refusal.to_string());
    }

    #[test]
    fn trust_form_and_room_have_different_exit_codes() {
        assert_eq!(exit(&Reason::RevokedImage { list: "dbx" }), Exit::Untrusted);
        assert_eq!(exit(&Reason::UnsignedManifest), Exit::Untrusted);
        assert_eq!(exit(&Reason::CommandLineNul), Exit::Malformed);
        // As of a file that is given to `gate build`.
        assert_eq!(exit(&Reason::SbatTwice), Exit::Malformed);
        let no_room = Reason::NoRoom {
            needed: 2,
            largest_free: 1,
        };
        assert_eq!(exit(&no_room), Exit::NoRoom);
    }
}
