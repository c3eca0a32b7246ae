//! Who made a signature, and who vouches for them: what all kinds of signatures have in common.

use baton_formats::policy::Purpose;

use crate::crypto::hash::Digest;
use crate::policy::chain::{Budget, NoChain, find_anchor};
use crate::policy::scope::Use;
use crate::policy::trust::{Anchor, Trust};
use crate::reason::Reason;
use crate::signature::signer_info::SignerInfo;
use crate::signature::verified::{Identity, Signer};
use crate::x509::certificate::Certificate;

/// Checks that the key in `certificate` made the signature of the content that has this digest,
/// and that a chain leads from it, through `carried`, to a trusted certificate.
pub(crate) fn vouch(
    info: &SignerInfo<'_>,
    content: &Digest,
    certificate: &Certificate<'_>,
    carried: &[Certificate<'_>],
    trust: &Trust<'_>,
    purpose: &Use<'_>,
    budget: &mut Budget,
) -> Result<Signer, Reason> {
    check_signature(info, content, certificate)?;
    let anchor = find_anchor(certificate, carried, trust, purpose, budget)
        .map_err(|failure| refused_chain(failure, certificate, trust))?;
    let mut signer = signer(certificate, anchor);
    // One chain must do for one of the two: keys on it that each may do something else don't add up.
    let code = |purpose| vouches_for_code(certificate, carried, trust, purpose);
    signer.vouches_for_kernels = code(Purpose::Kernel);
    signer.vouches_for_manifests = code(Purpose::Manifest);
    Ok(Signer::new(signer))
}

/// Whether a chain leads from the certificate to a trusted one by keys that the policy lets vouch for
/// kernels, or for manifests.
fn vouches_for_code(
    certificate: &Certificate<'_>,
    carried: &[Certificate<'_>],
    trust: &Trust<'_>,
    purpose: Purpose,
) -> bool {
    let limited = trust.policy().scopes().next().is_some();
    let purpose = Use::code(purpose);
    !limited || find_anchor(certificate, carried, trust, &purpose, &mut Budget::new()).is_ok()
}

fn check_signature(
    info: &SignerInfo<'_>,
    content: &Digest,
    certificate: &Certificate<'_>,
) -> Result<(), Reason> {
    let subject = certificate.subject_name();
    let key = match certificate.key() {
        Ok(key) => key,
        Err(problem) => return Err(Reason::UnusableKey { subject, problem }),
    };
    let verifies = key.kind() == info.algorithm.kind
        && info
            .signed_digest(content)
            .is_some_and(|digest| key.verifies(&digest, info.signature));
    let key_id = certificate.key_id();
    match (verifies, info.attributes) {
        (true, _) => Ok(()),
        (false, Some(_)) => Err(Reason::BadSignature { subject, key_id }),
        // Without attributes nothing but the key can tell which bytes were signed.
        (false, None) => Err(Reason::NotSignedSo { subject, key_id }),
    }
}

fn signer(certificate: &Certificate<'_>, anchor: &Anchor<'_>) -> Identity {
    Identity {
        subject: certificate.subject_name(),
        key_id: certificate.key_id(),
        anchor_subject: anchor.certificate.subject_name(),
        anchor_key_id: anchor.certificate.key_id(),
        anchor_source: anchor.source,
        vouches_for_kernels: true,
        vouches_for_manifests: true,
    }
}

fn refused_chain(failure: NoChain, signer: &Certificate<'_>, trust: &Trust<'_>) -> Reason {
    let subject = signer.subject_name();
    match failure {
        NoChain::Unknown => Reason::UnknownSigner {
            subject,
            key_id: signer.key_id(),
            tried: trust.tried(),
        },
        NoChain::TooLong | NoChain::TooMany => Reason::ChainTooLong { subject },
        NoChain::Unusable(certificate) => Reason::UnusableCertificate {
            subject,
            certificate,
        },
        NoChain::NotAnIssuer(issuer, problem) => Reason::NotAnIssuer {
            subject,
            issuer,
            problem,
        },
        NoChain::UnknownExtension(_) => Reason::UnknownExtension { subject },
        NoChain::OutOfScope(certificate) => Reason::OutOfScope {
            subject,
            certificate,
        },
        NoChain::ForModules(certificate) => Reason::ForModules {
            subject,
            certificate,
        },
        NoChain::Revoked(certificate, list) => Reason::RevokedCertificate {
            subject,
            certificate,
            list,
        },
    }
}
