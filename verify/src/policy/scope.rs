//! What a signature is to vouch for, and which keys may vouch for that.

use baton_formats::policy::{Purpose, Scope};
use baton_formats::sbat::Sbat;

use crate::crypto::hash::sha256;
use crate::policy::trust::Trust;
use crate::x509::certificate::Certificate;

/// What a signature is to vouch for.
#[derive(Debug, Clone, Copy)]
pub struct Use<'u> {
    /// Bits of [`Purpose`], one of which a key must have.
    purposes: u8,
    /// The SBAT metadata that a scope may ask for; `None` where none are asked for.
    sbat: Option<Option<Sbat<'u>>>,
}

impl<'u> Use<'u> {
    /// Nothing in particular: any trusted key may do it.
    pub const ANY: Self = Self {
        purposes: u8::MAX,
        sbat: None,
    };

    /// What brings in code for the kernel itself, `purpose` being kernels or the manifests that list them:
    /// whatever that code's SBAT metadata would be.
    pub(crate) const fn code(purpose: Purpose) -> Self {
        Self {
            purposes: purpose as u8,
            sbat: None,
        }
    }

    /// Something of this kind.
    #[must_use]
    pub fn of(purpose: Purpose) -> Self {
        Self {
            purposes: purpose as u8,
            sbat: Some(None),
        }
    }

    /// A kernel image, whose SBAT metadata may count.
    #[must_use]
    pub fn kernel(image: &'u [u8]) -> Self {
        Self {
            purposes: Purpose::Kernel as u8,
            // Malformed ones are refused elsewhere.
            sbat: Some(crate::policy::sbat::sbat(image).ok().flatten()),
        }
    }

    /// Whether the policy in `trust` lets this certificate's key vouch for that.
    pub(crate) fn is_open_to(&self, certificate: &Certificate<'_>, trust: &Trust<'_>) -> bool {
        if self.purposes == Self::ANY.purposes {
            return true;
        }
        let mut key = None;
        for scope in trust.policy().scopes() {
            let key = key.get_or_insert_with(|| sha256([certificate.key_info()]));
            // A key with two scopes must be within both.
            if scope.key == *key && !(scope.allows_any(self.purposes) && self.is_recent(&scope)) {
                return false;
            }
        }
        true
    }

    fn is_recent(&self, scope: &Scope<'_>) -> bool {
        let (Some((component, least)), Some(sbat)) = (scope.sbat, self.sbat) else {
            return true;
        };
        let generation = sbat.and_then(|sbat| sbat.generation(component));
        generation.is_some_and(|generation| generation >= least)
    }
}
