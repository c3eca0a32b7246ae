//! What can be wrong with a compact policy.

use core::fmt;

use super::{MAX_FORCED, MAX_REFUSAL_DELAY, MAX_RULES, VERSION};

/// What is wrong with a compact policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PolicyError {
    /// It ends inside one of its parts.
    Truncated,
    /// Bytes follow after its last part.
    Trailing,
    /// It doesn't say its own length, but has so many bytes; or it is too long.
    Length(usize),
    /// It doesn't begin as a policy does.
    Magic,
    /// A version that this program doesn't know.
    Version(u16),
    /// A refusal action that this program doesn't know.
    RefusalAction(u8),
    /// A delay of more than [`MAX_REFUSAL_DELAY`] seconds.
    RefusalDelay(u32),
    /// A name that isn't one.
    Name,
    /// Bits that this program doesn't know, or no signature kind for a kernel at all.
    Accepted(u8),
    /// So many parameter rules: too many.
    RuleCount(u16),
    /// The parameter rule of this number is malformed.
    Rule(u16),
    /// The forced parameters aren't text as a command line has it, or are too long.
    Forced,
    /// The scope of this number is malformed, or there are so many: too many.
    Scope(u16),
    /// A reserved field isn't zero.
    Reserved,
}

impl fmt::Display for PolicyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            PolicyError::Truncated => f.write_str("the policy ends inside one of its parts"),
            PolicyError::Trailing => f.write_str("bytes follow after the policy"),
            PolicyError::Length(n) => write!(
                f,
                "the policy has {n} bytes, which isn't the length that it states, or is too many"
            ),
            PolicyError::Magic => f.write_str("the policy doesn't begin with BPOL"),
            PolicyError::Version(n) => write!(
                f,
                "the policy's version is {n}, this program knows {VERSION} (build the gate anew)"
            ),
            PolicyError::RefusalAction(n) => {
                write!(f, "the policy's refusal action {n} is unknown")
            }
            PolicyError::RefusalDelay(n) => write!(
                f,
                "the policy's refusal delay of {n} s is over the limit of {MAX_REFUSAL_DELAY} s"
            ),
            PolicyError::Name => f.write_str("a name in the policy isn't text"),
            PolicyError::Accepted(bits) => {
                write!(f, "the policy accepts unknown kinds ({bits:#04x}), or none")
            }
            PolicyError::RuleCount(n) => write!(
                f,
                "the policy has {n} parameter rules; at most {MAX_RULES} are taken"
            ),
            PolicyError::Rule(n) => write!(f, "the policy's parameter rule {n} is malformed"),
            PolicyError::Forced => write!(
                f,
                "the policy's forced parameters aren't printable text of at most {MAX_FORCED} bytes"
            ),
            PolicyError::Scope(n) => write!(f, "the policy's scope {n} is malformed"),
            PolicyError::Reserved => f.write_str("reserved bytes of the policy are not zero"),
        }
    }
}

impl core::error::Error for PolicyError {}
