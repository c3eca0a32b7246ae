//! Why a PE image is not a UKI or an addon.

use core::fmt;

/// What is wrong with a UKI or an addon.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UkiError {
    /// No section `.linux`.
    NotOne,
    /// The profile of this number has no kernel.
    NoKernel(usize),
    /// A profile, or the base of all profiles, has the named section twice.
    Twice(&'static str),
    /// The named section isn't text as it must be.
    Text(&'static str),
    /// An addon with a kernel, or without anything to add.
    NotAnAddon,
    /// An addon with profiles.
    ProfileInAddon,
}

impl fmt::Display for UkiError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            UkiError::NotOne => f.write_str("not a unified kernel image: no section .linux"),
            UkiError::NoKernel(n) => write!(f, "profile {n} has no kernel (.linux)"),
            UkiError::Twice(name) => write!(f, "a profile has the section {name} twice"),
            UkiError::Text(name) => write!(
                f,
                "the section {name} is not UTF-8 text, or goes on after a NUL"
            ),
            UkiError::NotAnAddon => {
                f.write_str("not an addon: it has a kernel in it, or nothing to add")
            }
            UkiError::ProfileInAddon => f.write_str("an addon can't have profiles"),
        }
    }
}

impl core::error::Error for UkiError {}
