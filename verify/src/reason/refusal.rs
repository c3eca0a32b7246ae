//! A refusal: which part, and why.

use core::fmt;

use crate::policy::sbat::SbatSource;
use crate::policy::trust::{RevocationSource, TrustError};
use crate::reason::Reason;

/// Nothing is booted, and this is why. `Display` is the one line that people see.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// What is refused.
    pub component: Component,
    /// Why.
    pub reason: Reason,
}

/// The part that a refusal is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Component {
    /// The handover as a whole.
    Handover,
    /// The next kernel.
    Kernel,
    /// An initrd, counted from 0 among the initrds.
    Initrd(usize),
    /// An addon of a UKI, counted from 0 among the addons.
    Addon(usize),
    /// The manifest.
    Manifest,
    /// A detached signature, by its number in the handover's table.
    Signature(usize),
    /// The command line.
    CommandLine,
    /// The gate itself: its keys and policy.
    Gate,
    /// The machine's memory.
    Memory,
    /// What the firmware or shim left in memory.
    FirmwareTables,
    /// What the kernel before the gate passed on.
    BootParams,
}

impl Refusal {
    /// Refuses `component` because of `reason`.
    #[must_use]
    #[inline(never)] // 1 KB less in the gate: it is called in many places.
    pub fn new(component: Component, reason: Reason) -> Self {
        Self { component, reason }
    }
}

impl From<TrustError> for Refusal {
    fn from(error: TrustError) -> Self {
        let component = match error {
            TrustError::Keys { .. }
            | TrustError::GateRevocation { .. }
            | TrustError::Revocations {
                source: RevocationSource::Gate,
                ..
            }
            | TrustError::SbatLevel {
                source: SbatSource::Gate,
                ..
            } => Component::Gate,
            TrustError::MokList(_)
            | TrustError::Revocations { .. }
            | TrustError::SbatLevel { .. } => Component::FirmwareTables,
        };
        Self::new(component, Reason::BadTrust(error))
    }
}

impl fmt::Display for Component {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Handover => f.write_str("handover"),
            Self::Kernel => f.write_str("kernel"),
            Self::Initrd(index) => write!(f, "initrd {index}"),
            Self::Addon(index) => write!(f, "addon {index}"),
            Self::Manifest => f.write_str("manifest"),
            Self::Signature(index) => write!(f, "signature in record {index}"),
            Self::CommandLine => f.write_str("command line"),
            Self::Gate => f.write_str("gate"),
            Self::Memory => f.write_str("memory"),
            Self::FirmwareTables => f.write_str("firmware tables"),
            Self::BootParams => f.write_str("boot parameters"),
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} refused: {}", self.component, self.reason)
    }
}

impl core::error::Error for Refusal {}
