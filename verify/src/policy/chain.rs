//! From a signer's certificate, through the certificates its signature carries, to an anchor.
//!
//! A certificate is vouched for if it is an anchor, or if its issuer signed it and is an
//! anchor or vouched for itself. At most [`MAX_LENGTH`] certificates, the signer's and the
//! anchor's included; none twice; none of them revoked, and none for kernel modules.

use alloc::string::String;

use crate::policy::scope::Use;
use crate::policy::trust::{Anchor, Trust};
use crate::x509::certificate::Certificate;

/// The most certificates from the signer to the anchor, both included.
pub(crate) const MAX_LENGTH: u8 = 4;

/// How many more certificates' signatures may be checked for an image. Its signatures may carry
/// many certificates of the same name, and each check takes time.
#[derive(Debug)]
pub(crate) struct Budget(u8);

impl Budget {
    /// Enough for all that real signatures carry.
    pub(crate) fn new() -> Self {
        Self(24)
    }

    /// Takes one check out of it; false if none was left.
    pub(crate) fn take(&mut self) -> bool {
        let left = self.0.checked_sub(1);
        self.0 = left.unwrap_or_default();
        left.is_some()
    }
}

/// Why no chain was found, the most telling last.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum NoChain {
    /// No anchor vouches for the signer.
    Unknown,
    /// It would take more than [`MAX_LENGTH`] certificates.
    TooLong,
    /// It would take more checks than the budget has.
    TooMany,
    /// A certificate on the way uses something that isn't accepted; its subject.
    Unusable(String),
    /// An issuer on the way isn't allowed to issue; its subject, and why not.
    NotAnIssuer(String, IssuerProblem),
    /// The signer's certificate has a critical extension that isn't known here; its subject.
    UnknownExtension(String),
    /// The policy doesn't let a key on the way vouch for this; its certificate's subject.
    OutOfScope(String),
    /// A certificate on the way is for kernel modules; its subject.
    ForModules(String),
    /// A certificate on the way is revoked; its subject, and the list that revokes it.
    Revoked(String, &'static str),
}

/// The certificates from the signer up to one that isn't known to be trusted yet.
struct Link<'l, 'c> {
    certificate: &'l Certificate<'c>,
    below: Option<&'l Link<'l, 'c>>,
    length: u8,
}

impl<'l, 'c> Link<'l, 'c> {
    fn contains(&self, certificate: &Certificate<'_>) -> bool {
        self.certificate.as_bytes() == certificate.as_bytes()
            || self.below.is_some_and(|link| link.contains(certificate))
    }

    /// How many intermediate certificates lie below an issuer of this link.
    fn intermediates(&self) -> u8 {
        self.length.saturating_sub(1)
    }
}

/// Finds the anchor that vouches for `signer`.
pub(crate) fn find_anchor<'t>(
    signer: &Certificate<'_>,
    carried: &[Certificate<'_>],
    trust: &'t Trust<'_>,
    purpose: &Use<'_>,
    budget: &mut Budget,
) -> Result<&'t Anchor<'t>, NoChain> {
    let mut search = Search {
        carried,
        trust,
        purpose,
        budget,
        failure: NoChain::Unknown,
    };
    let start = Link {
        certificate: signer,
        below: None,
        length: 1,
    };
    search.climb(&start).ok_or(search.failure)
}

struct Search<'s, 'c, 't> {
    carried: &'s [Certificate<'c>],
    trust: &'t Trust<'t>,
    purpose: &'s Use<'s>,
    budget: &'s mut Budget,
    failure: NoChain,
}

impl<'c, 't> Search<'_, 'c, 't> {
    fn climb(&mut self, link: &Link<'_, 'c>) -> Option<&'t Anchor<'t>> {
        if !self.may_vouch(link.certificate) || !self.is_understood(link) {
            return None;
        }
        if let Some(anchor) = self.trust.anchor_for(link.certificate) {
            return Some(anchor);
        }
        self.anchor_above(link).or_else(|| self.climb_further(link))
    }

    /// An anchor that signed the link's certificate.
    fn anchor_above(&mut self, link: &Link<'_, 'c>) -> Option<&'t Anchor<'t>> {
        let trust = self.trust;
        trust.anchors().find(|anchor| {
            let issuer = &anchor.certificate;
            link.certificate.names_as_issuer(issuer)
                && self.fits(link)
                && self.may_issue(issuer, link, Role::Anchor)
                && self.signed(link.certificate, issuer)
                && self.may_vouch(issuer)
        })
    }

    /// A chain through a carried certificate that signed the link's.
    fn climb_further(&mut self, link: &Link<'_, 'c>) -> Option<&'t Anchor<'t>> {
        let carried = self.carried;
        carried.iter().find_map(|issuer| {
            let climbable = link.certificate.names_as_issuer(issuer)
                && !link.contains(issuer)
                && self.fits(link)
                && self.may_issue(issuer, link, Role::Intermediate)
                && self.signed(link.certificate, issuer);
            climbable.then_some(())?;
            self.climb(&Link {
                certificate: issuer,
                below: Some(link),
                length: link.length.saturating_add(1),
            })
        })
    }

    fn fits(&mut self, link: &Link<'_, 'c>) -> bool {
        let fits = link.length < MAX_LENGTH;
        if !fits {
            self.note(NoChain::TooLong);
        }
        fits
    }

    fn may_issue(&mut self, issuer: &Certificate<'_>, link: &Link<'_, 'c>, role: Role) -> bool {
        match allowed_to_issue(issuer, link.intermediates(), role) {
            Ok(()) => true,
            Err(problem) => {
                self.note(NoChain::NotAnIssuer(issuer.subject_name(), problem));
                false
            }
        }
    }

    fn signed(&mut self, certificate: &Certificate<'_>, issuer: &Certificate<'_>) -> bool {
        let Ok(key) = issuer.key() else {
            self.note(NoChain::Unusable(issuer.subject_name()));
            return false;
        };
        if certificate.signed_with().is_none() {
            self.note(NoChain::Unusable(certificate.subject_name()));
            return false;
        }
        if !self.budget.take() {
            self.note(NoChain::TooMany);
            return false;
        }
        certificate.is_signed_by(&key)
    }

    /// Whether a certificate is acceptable in the chain, at whatever place.
    fn may_vouch(&mut self, certificate: &Certificate<'_>) -> bool {
        !self.is_revoked(certificate)
            && !self.is_for_modules(certificate)
            && self.is_in_scope(certificate)
    }

    /// Whether the signer's certificate has no unknown critical extension; [`allowed_to_issue`] checks issuers.
    fn is_understood(&mut self, link: &Link<'_, 'c>) -> bool {
        let signer = link.certificate;
        let unknown = link.below.is_none() && signer.extensions().unknown_critical;
        if unknown {
            self.note(NoChain::UnknownExtension(signer.subject_name()));
        }
        !unknown
    }

    fn is_for_modules(&mut self, certificate: &Certificate<'_>) -> bool {
        let for_modules = certificate.is_for_modules();
        if for_modules {
            self.note(NoChain::ForModules(certificate.subject_name()));
        }
        for_modules
    }

    fn is_revoked(&mut self, certificate: &Certificate<'_>) -> bool {
        let revoked = self.trust.revokes(certificate);
        if let Some(list) = revoked {
            self.note(NoChain::Revoked(certificate.subject_name(), list));
        }
        revoked.is_some() || self.is_of_revoked(certificate)
    }

    /// Whether a listed certificate issued this one, be it an anchor or below one that isn't listed.
    fn is_of_revoked(&mut self, certificate: &Certificate<'_>) -> bool {
        for (authority, list) in self.trust.revoked_certificates() {
            if certificate.issuer() != authority.subject() {
                continue;
            }
            if !self.budget.take() {
                self.note(NoChain::TooMany);
                return true;
            }
            let key = authority.key();
            if key.is_ok_and(|key| certificate.is_signed_by(&key)) {
                self.note(NoChain::Revoked(authority.subject_name(), list));
                return true;
            }
        }
        false
    }

    fn is_in_scope(&mut self, certificate: &Certificate<'_>) -> bool {
        let open = self.purpose.is_open_to(certificate, self.trust);
        if !open {
            self.note(NoChain::OutOfScope(certificate.subject_name()));
        }
        open
    }

    fn note(&mut self, failure: NoChain) {
        if failure > self.failure {
            self.failure = failure;
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Role {
    Anchor,
    Intermediate,
}

/// Why a certificate may not vouch for another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum IssuerProblem {
    /// It doesn't say that it is a CA's.
    NotCa,
    /// Its key usage doesn't let it sign certificates.
    KeyUsage,
    /// It has a critical extension that isn't known here.
    UnknownExtension,
    /// It allows this many authorities below it (pathLenConstraint), and there are more.
    PathLength(u8),
}

/// Whether a certificate may vouch for another (RFC 5280, 6.1.4 k to n).
///
/// It must say that it is a CA's: otherwise whoever holds any certificate of a trusted CA could sign
/// kernels with keys of his own making. An anchor, which the machine's owner chose, must say so too: a
/// signature without attributes, of a file that has the form of a certificate's signed part, would make
/// a certificate of it. As a signer it needs no permission.
fn allowed_to_issue(
    issuer: &Certificate<'_>,
    intermediates: u8,
    role: Role,
) -> Result<(), IssuerProblem> {
    let extensions = issuer.extensions();
    let constraints = extensions.basic_constraints.filter(|it| it.ca);
    let constraints = constraints.ok_or(IssuerProblem::NotCa)?;
    if let Some(limit) = constraints.path_len.filter(|limit| intermediates > *limit) {
        return Err(IssuerProblem::PathLength(limit));
    }
    if extensions.may_sign_certificates == Some(false) {
        return Err(IssuerProblem::KeyUsage);
    }
    if role == Role::Intermediate && extensions.unknown_critical {
        Err(IssuerProblem::UnknownExtension)
    } else {
        Ok(())
    }
}
