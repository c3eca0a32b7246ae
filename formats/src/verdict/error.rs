//! Why bytes are not a verdict.

use super::{MAX_COMPONENTS, VERSION};
use core::fmt;

/// What is wrong with a verdict.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum VerdictError {
    /// Its length, in bytes, isn't that of its components.
    Length(usize),
    /// It doesn't begin as a verdict does.
    Magic,
    /// A version of the layout that this program doesn't know.
    Version(u32),
    /// No component, or too many.
    ComponentCount(u32),
    /// Flags that this program doesn't know.
    Flags(u32),
    /// The gate's version is too long, no text, or followed by something else than zeros.
    GateVersion,
    /// The policy's name isn't UTF-8 with zeros after it.
    PolicyName,
    /// The component of this number, from 0, can't be read.
    Component(usize),
}

impl fmt::Display for VerdictError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            VerdictError::Length(n) => {
                write!(f, "the verdict's {n} bytes are not as many as it says")
            }
            VerdictError::Magic => f.write_str("the verdict doesn't begin as one does"),
            VerdictError::Version(n) => write!(
                f,
                "the verdict's version is {n}, this program knows {VERSION} (use baton and a gate of the same release)"
            ),
            VerdictError::ComponentCount(n) => write!(
                f,
                "the verdict has {n} components; 1 to {MAX_COMPONENTS} allowed"
            ),
            VerdictError::Flags(flags) => write!(f, "the verdict has unknown flags {flags:#x}"),
            VerdictError::GateVersion => {
                f.write_str("the gate's version in the verdict is no text")
            }
            VerdictError::PolicyName => f.write_str("the policy's name in the verdict is no text"),
            VerdictError::Component(n) => {
                write!(f, "component {n} of the verdict can't be read")
            }
        }
    }
}

impl core::error::Error for VerdictError {}
