//! What a signature is to vouch for, and which keys may vouch for that.

use baton_formats::policy::{Purpose, Scope};
use baton_formats::sbat::Sbat;

use crate::certificate::Certificate;
use crate::hash::sha256;
use crate::trust::Trust;

/// What a signature is to vouch for.
#[derive(Debug, Clone, Copy)]
pub struct Use<'u> {
    purpose: Option<Purpose>,
    sbat: Option<Sbat<'u>>,
}

impl<'u> Use<'u> {
    /// Nothing in particular: any trusted key may do it.
    pub const ANY: Self = Self {
        purpose: None,
        sbat: None,
    };

    /// Something of this kind.
    #[must_use]
    pub fn of(purpose: Purpose) -> Self {
        Self {
            purpose: Some(purpose),
            sbat: None,
        }
    }

    /// A kernel image, whose SBAT metadata may count.
    #[must_use]
    pub fn kernel(image: &'u [u8]) -> Self {
        Self {
            purpose: Some(Purpose::Kernel),
            // Malformed ones are refused elsewhere.
            sbat: crate::sbat::sbat(image).ok().flatten(),
        }
    }

    /// Whether the policy in `trust` lets this certificate's key vouch for that.
    pub(crate) fn is_open_to(&self, certificate: &Certificate<'_>, trust: &Trust<'_>) -> bool {
        let Some(purpose) = self.purpose else {
            return true;
        };
        let mut key = None;
        for scope in trust.policy().scopes() {
            let key = key.get_or_insert_with(|| sha256([certificate.key_info()]));
            // A key with two scopes must be within both.
            if scope.key == *key && !(scope.allows(purpose) && self.is_recent(&scope)) {
                return false;
            }
        }
        true
    }

    fn is_recent(&self, scope: &Scope<'_>) -> bool {
        let Some((component, least)) = scope.sbat else {
            return true;
        };
        let generation = self.sbat.and_then(|sbat| sbat.generation(component));
        generation.is_some_and(|generation| generation >= least)
    }
}
