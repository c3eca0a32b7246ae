//! The gate's policy in its compact form: the contents of its signed `.policy` section.
//!
//! People write a policy as TOML; `baton gate build` makes this of it. What each rule means is said
//! at the types here, and carried out in `baton-verify`. A gate without the section has
//! [`Policy::stock`].
//!
//! | offset | size | field | must be |
//! |---|---|---|---|
//! | 0 | 4 | magic | `BPOL` |
//! | 4 | 2 | version | 3 |
//! | 6 | 1 | what a refusal does | 0: reset; 1: halt |
//! | 7 | 1 | length of the name | 0 to 32 |
//! | 8 | 4 | seconds between a refusal's message and what it does | at most 3600 |
//! | 12 | 4 | length of all of this | that of the section, at most 65536 |
//! | 16 | 2 | length of the SBAT level | |
//! | 18 | 2 | number of scopes | at most 64 |
//! | 20 | 1 | flags | bit 0: nothing is booted unless Secure Boot is on |
//! | 21 | 3 | reserved | 0 |
//! | 24 | | name | UTF-8 without control characters |
//! | | | the least SBAT generations, as in `SbatLevelRT` | see the module `sbat` |
//! | | | rules for a normal load | see below |
//! | | | rules for a crash load | see below |
//! | | | scopes of keys | see below |
//!
//! Nothing lies between these parts, or after them.
//!
//! # Rules
//!
//! | size | field | must be |
//! |---|---|---|
//! | 1 | accepted signature kinds of the kernel | bits of [`KernelSignature`]; not none |
//! | 1 | accepted initrds beside those of a UKI | bits of [`InputSignature`] |
//! | 1 | accepted command lines beside that of a UKI | bits of [`InputSignature`] without `Detached` |
//! | 1 | flags | bit 0: parameters that no rule is about are denied; bit 1: nothing may follow `--` |
//! | 2 | number of parameter rules | at most 256 |
//! | 2 | length of the forced parameters | at most 1024 |
//! | | the forced parameters, as they are put before what user space chose | |
//! | | parameter rules, the first that fits counts | |
//!
//! A parameter rule:
//!
//! | size | field | must be |
//! |---|---|---|
//! | 1 | what it does | 0: deny; 1: allow |
//! | 1 | kind of value, see [`Value`] | 0 to 6 |
//! | 1 | length of the name | 1 to 255 |
//! | 1 | reserved | 0 |
//! | 2 | length of the value | as its kind says |
//! | | name, which may end with `*`; value | |
//!
//! # Scope of a key
//!
//! | size | field | must be |
//! |---|---|---|
//! | 32 | SHA-256 of the key as a SubjectPublicKeyInfo | |
//! | 1 | what it may vouch for | bits of [`Purpose`]; not none |
//! | 1 | length of a component's name | 0 to 255; 0 unless for kernels alone |
//! | 4 | that component's least generation | 0 where there is no name |
//! | | the component's name, as in `.sbat` | |

mod error;
mod rules;

#[cfg(test)]
mod tests;

pub use error::PolicyError;
pub use rules::{
    Accepted, Action, FLAG_NOTHING_FOR_INIT, FLAG_UNLISTED_DENIED, InputSignature, KernelSignature,
    ParameterRule, Rules, Value, texts,
};

use crate::reader::{OutOfBounds, Reader};

/// The first bytes of a compact policy.
pub const MAGIC: [u8; 4] = *b"BPOL";
/// The version of the form described here.
pub const VERSION: u16 = 3;
/// The length of what comes before the name, in bytes.
pub const HEADER_LEN: usize = 24;
/// The flag of a policy by which nothing is booted unless Secure Boot is on.
pub const FLAG_REQUIRE_SECURE_BOOT: u8 = 1;
/// The longest compact policy, in bytes.
pub const MAX_LEN: usize = 0x1_0000;
/// The longest name, in bytes.
pub const MAX_NAME: usize = 32;
/// The longest delay after a refusal, in seconds.
pub const MAX_REFUSAL_DELAY: u32 = 3600;
/// The most parameter rules for one load type.
pub const MAX_RULES: u16 = 256;
/// The most forced parameters for one load type, in bytes.
pub const MAX_FORCED: u16 = 1024;
/// The most keys with a scope.
pub const MAX_SCOPES: u16 = 64;

/// What a gate has that no other policy was built into, as the preset of this name: see
/// [`Policy::stock`].
pub const STOCK: &[u8] = include_bytes!("stock.bin");

/// What the gate does after it has refused a handover.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum RefusalAction {
    /// Reset the machine.
    #[default]
    Reset,
    /// Stop, with the message on the console.
    Halt,
}

/// What a refusal does, and when.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OnRefusal {
    /// What it does.
    pub action: RefusalAction,
    /// Seconds between its message and that, at most [`MAX_REFUSAL_DELAY`].
    pub delay_seconds: u32,
}

impl Default for OnRefusal {
    /// Reset after 10 seconds: enough to read one line.
    fn default() -> Self {
        OnRefusal {
            action: RefusalAction::Reset,
            delay_seconds: 10,
        }
    }
}

/// What a key may vouch for, as a bit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Purpose {
    /// Kernels of any format, by a signature of their own.
    Kernel = 1,
    /// Initrds, by a signature of their own.
    Initrd = 2,
    /// Manifests, and so all that they list.
    Manifest = 4,
    /// Addons of UKIs.
    Addon = 8,
}

/// What a key may vouch for. Keys without one may vouch for all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Scope<'a> {
    /// SHA-256 of the key as a SubjectPublicKeyInfo.
    pub key: [u8; 32],
    /// Bits of [`Purpose`].
    pub purposes: u8,
    /// The SBAT component that a kernel must have, and its least generation.
    pub sbat: Option<(&'a str, u32)>,
}

impl Scope<'_> {
    /// Whether the key may vouch for that.
    pub fn allows(&self, purpose: Purpose) -> bool {
        self.allows_any(purpose as u8)
    }

    /// Whether the key may vouch for one of these, bits of [`Purpose`].
    pub fn allows_any(&self, purposes: u8) -> bool {
        self.purposes & purposes != 0
    }
}

/// A policy that has been checked as the module says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Policy<'a> {
    /// What a refusal does.
    pub refusal: OnRefusal,
    /// Whether nothing is booted unless the running kernel says that Secure Boot is on.
    pub require_secure_boot: bool,
    /// What people call it; may be empty.
    pub name: &'a str,
    /// The least SBAT generations, in the form of `SbatLevelRT`; empty if it asks for none.
    pub sbat_level: &'a [u8],
    /// What counts for a normal load.
    pub normal: Rules<'a>,
    /// What counts for a crash load.
    pub crash: Rules<'a>,
    scopes: &'a [u8],
    bytes: &'a [u8],
}

impl Policy<'static> {
    /// No weaker than the stock kernel: kernel signed; initrds and command line free, but for
    /// parameters that would weaken what was verified.
    pub fn stock() -> Self {
        // A test holds that it can be read. If it couldn't, nothing would be accepted.
        Self::parse(STOCK).unwrap_or(NOTHING)
    }
}

impl Default for Policy<'_> {
    fn default() -> Self {
        Policy::stock()
    }
}

const NOTHING: Policy<'static> = Policy {
    refusal: OnRefusal {
        action: RefusalAction::Reset,
        delay_seconds: 10,
    },
    require_secure_boot: true,
    name: "",
    sbat_level: &[],
    normal: Rules::NOTHING,
    crash: Rules::NOTHING,
    scopes: &[],
    bytes: &[],
};

impl<'a> Policy<'a> {
    /// Reads a compact policy, which must be exactly `bytes`.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, PolicyError> {
        let mut reader = Reader::new(bytes);
        if reader.array()? != MAGIC {
            return Err(PolicyError::Magic);
        }
        let version = reader.u16()?;
        if version != VERSION {
            return Err(PolicyError::Version(version));
        }
        let action = match reader.u8()? {
            0 => RefusalAction::Reset,
            1 => RefusalAction::Halt,
            other => return Err(PolicyError::RefusalAction(other)),
        };
        let name_len = usize::from(reader.u8()?);
        let delay = reader.u32()?;
        if delay > MAX_REFUSAL_DELAY {
            return Err(PolicyError::RefusalDelay(delay));
        }
        let total = usize::try_from(reader.u32()?).unwrap_or(usize::MAX);
        if total != bytes.len() || total > MAX_LEN {
            return Err(PolicyError::Length(bytes.len()));
        }
        let level_len = usize::from(reader.u16()?);
        let scopes = reader.u16()?;
        let [flags, reserved @ ..]: [u8; 4] = reader.array()?;
        if flags & !FLAG_REQUIRE_SECURE_BOOT != 0 || reserved != [0; 3] {
            return Err(PolicyError::Reserved);
        }
        let policy = Policy {
            refusal: OnRefusal {
                action,
                delay_seconds: delay,
            },
            require_secure_boot: flags & FLAG_REQUIRE_SECURE_BOOT != 0,
            name: name(reader.take(name_len)?)?,
            sbat_level: reader.take(level_len)?,
            normal: Rules::read(&mut reader)?,
            crash: Rules::read(&mut reader)?,
            scopes: reader.rest(),
            bytes,
        };
        check_scopes(policy.scopes, scopes)?;
        Ok(policy)
    }

    /// What counts for this load type.
    pub fn rules(&self, crash: bool) -> &Rules<'a> {
        if crash { &self.crash } else { &self.normal }
    }

    /// The keys with a scope.
    pub fn scopes(&self) -> impl Iterator<Item = Scope<'a>> + use<'a> {
        let mut reader = Reader::new(self.scopes);
        core::iter::from_fn(move || read_scope(&mut reader).ok())
    }

    /// Its compact form: what its digest is of.
    pub fn as_bytes(&self) -> &'a [u8] {
        self.bytes
    }
}

fn name(bytes: &[u8]) -> Result<&str, PolicyError> {
    core::str::from_utf8(bytes)
        .ok()
        .filter(|name| name.len() <= MAX_NAME && !name.contains(char::is_control))
        .ok_or(PolicyError::Name)
}

fn check_scopes(bytes: &[u8], count: u16) -> Result<(), PolicyError> {
    if count > MAX_SCOPES {
        return Err(PolicyError::Scope(count));
    }
    let mut reader = Reader::new(bytes);
    for index in 0..count {
        let scope = read_scope(&mut reader)?;
        let known = Purpose::Kernel as u8
            | Purpose::Initrd as u8
            | Purpose::Manifest as u8
            | Purpose::Addon as u8;
        let kernels_alone = scope.purposes == Purpose::Kernel as u8;
        if scope.purposes == 0
            || scope.purposes & !known != 0
            || (scope.sbat.is_some() && !kernels_alone)
        {
            return Err(PolicyError::Scope(index));
        }
    }
    Ok(reader.finish()?)
}

fn read_scope<'a>(reader: &mut Reader<'a>) -> Result<Scope<'a>, PolicyError> {
    let key = reader.array()?;
    let purposes = reader.u8()?;
    let len = usize::from(reader.u8()?);
    let generation = reader.u32()?;
    let component = core::str::from_utf8(reader.take(len)?).map_err(|_| PolicyError::Name)?;
    let sbat = match (component, generation) {
        ("", 0) => None,
        ("", _) => return Err(PolicyError::Reserved),
        _ => Some((component, generation)),
    };
    Ok(Scope {
        key,
        purposes,
        sbat,
    })
}

impl From<OutOfBounds> for PolicyError {
    fn from(_: OutOfBounds) -> Self {
        PolicyError::Truncated
    }
}

impl From<crate::reader::TrailingBytes> for PolicyError {
    fn from(_: crate::reader::TrailingBytes) -> Self {
        PolicyError::Trailing
    }
}
