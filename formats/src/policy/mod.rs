//! The gate's policy in its compact form: the contents of its signed `.policy` section.
//!
//! | offset | size | field | must be |
//! |---|---|---|---|
//! | 0 | 4 | magic | `BPOL` |
//! | 4 | 2 | version | 1 |
//! | 6 | 1 | what a refusal does | 0: reset; 1: halt |
//! | 7 | 1 | reserved | 0 |
//! | 8 | 4 | seconds between a refusal's message and what it does | at most 3600 |
//! | 12 | 4 | reserved | 0 |
//!
//! A gate without the section has [`Policy::default`].

use crate::reader::{OutOfBounds, Reader};
use core::fmt;

/// The first bytes of a compact policy.
pub const MAGIC: [u8; 4] = *b"BPOL";
/// The version of the form described here.
pub const VERSION: u16 = 1;
/// The length of a compact policy, in bytes.
pub const LEN: usize = 16;
/// The longest delay after a refusal, in seconds.
pub const MAX_REFUSAL_DELAY: u32 = 3600;

/// What the gate does after it has refused a handover.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum RefusalAction {
    /// Reset the machine.
    #[default]
    Reset,
    /// Stop, with the message on the console.
    Halt,
}

impl RefusalAction {
    fn number(self) -> u8 {
        match self {
            RefusalAction::Reset => 0,
            RefusalAction::Halt => 1,
        }
    }

    fn from_number(number: u8) -> Option<Self> {
        match number {
            0 => Some(RefusalAction::Reset),
            1 => Some(RefusalAction::Halt),
            _ => None,
        }
    }
}

/// A gate's policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Policy {
    /// What a refusal does.
    pub refusal_action: RefusalAction,
    /// Seconds between a refusal's message and what it does, at most [`MAX_REFUSAL_DELAY`].
    pub refusal_delay_seconds: u32,
}

impl Default for Policy {
    /// Reset after 10 seconds: enough to read one line.
    fn default() -> Self {
        Policy {
            refusal_action: RefusalAction::Reset,
            refusal_delay_seconds: 10,
        }
    }
}

/// What is wrong with a compact policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PolicyError {
    /// It isn't 16 bytes long, but so many.
    Length(usize),
    /// It doesn't begin as a policy does.
    Magic,
    /// A version that this program doesn't know.
    Version(u16),
    /// A refusal action that this program doesn't know.
    RefusalAction(u8),
    /// A delay of more than [`MAX_REFUSAL_DELAY`] seconds.
    RefusalDelay(u32),
    /// A reserved field isn't zero.
    Reserved,
}

impl Policy {
    /// Reads a compact policy, which must be exactly `bytes`.
    pub fn parse(bytes: &[u8]) -> Result<Self, PolicyError> {
        if bytes.len() != LEN {
            return Err(PolicyError::Length(bytes.len()));
        }
        let fields = Fields::read(bytes).map_err(|_| PolicyError::Length(bytes.len()))?;
        if fields.magic != MAGIC {
            return Err(PolicyError::Magic);
        }
        if fields.version != VERSION {
            return Err(PolicyError::Version(fields.version));
        }
        if fields.reserved != (0, 0) {
            return Err(PolicyError::Reserved);
        }
        if fields.delay > MAX_REFUSAL_DELAY {
            return Err(PolicyError::RefusalDelay(fields.delay));
        }
        Ok(Policy {
            refusal_action: RefusalAction::from_number(fields.action)
                .ok_or(PolicyError::RefusalAction(fields.action))?,
            refusal_delay_seconds: fields.delay,
        })
    }

    /// The compact form. A delay over [`MAX_REFUSAL_DELAY`] is written as that limit.
    pub fn to_bytes(&self) -> [u8; LEN] {
        let [m0, m1, m2, m3] = MAGIC;
        let [v0, v1] = VERSION.to_le_bytes();
        let action = self.refusal_action.number();
        let delay = self.refusal_delay_seconds.min(MAX_REFUSAL_DELAY);
        let [d0, d1, d2, d3] = delay.to_le_bytes();
        [
            m0, m1, m2, m3, v0, v1, action, 0, d0, d1, d2, d3, 0, 0, 0, 0,
        ]
    }
}

struct Fields {
    magic: [u8; 4],
    version: u16,
    action: u8,
    delay: u32,
    reserved: (u8, u32),
}

impl Fields {
    fn read(bytes: &[u8]) -> Result<Self, OutOfBounds> {
        let mut reader = Reader::new(bytes);
        let magic = reader.array()?;
        let version = reader.u16()?;
        let action = reader.u8()?;
        let reserved = reader.u8()?;
        let delay = reader.u32()?;
        Ok(Fields {
            magic,
            version,
            action,
            delay,
            reserved: (reserved, reader.u32()?),
        })
    }
}

impl fmt::Display for PolicyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            PolicyError::Length(n) => write!(f, "the policy has {n} bytes; {LEN} expected"),
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
            PolicyError::Reserved => f.write_str("reserved bytes of the policy are not zero"),
        }
    }
}

impl core::error::Error for PolicyError {}

#[cfg(test)]
mod tests;
