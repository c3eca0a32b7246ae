//! What a policy accepts for one load type, normal or crash.

use super::{MAX_FORCED, MAX_RULES, PolicyError};
use crate::cmdline::{Parameter, is_by_beginning, reaches, same_name, starts_with_name};
use crate::reader::{Reader, is_zero};
use crate::verdict::SignatureKind;

/// The flag of rules that deny what no parameter rule is about.
pub const FLAG_UNLISTED_DENIED: u8 = 1;
/// The flag of rules that let nothing follow `--`.
pub const FLAG_NOTHING_FOR_INIT: u8 = 2;
const FLAGS: u8 = FLAG_UNLISTED_DENIED | FLAG_NOTHING_FOR_INIT;

/// A signature kind that counts for a kernel, as a bit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum KernelSignature {
    /// Authenticode on any PE image, UKIs among them.
    Authenticode = 0x01,
    /// Authenticode on a UKI.
    Uki = 0x02,
    /// The digest of any PE image, listed in MokListRT.
    ListedDigest = 0x04,
    /// A signature at the file's end.
    Appended = 0x08,
    /// A signature in an ELF note.
    Note = 0x10,
    /// A signature in a file of its own.
    Detached = 0x20,
    /// A signed manifest.
    Manifest = 0x40,
}

/// Where an initrd or a command line may come from, other than a UKI, as a bit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum InputSignature {
    /// User space, unsigned.
    Unsigned = 0x01,
    /// A signature in a file of its own.
    Detached = 0x02,
    /// A signed manifest; of a command line all of it.
    Manifest = 0x04,
}

/// What is accepted: bits of [`KernelSignature`] or of [`InputSignature`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Accepted(pub u8);

impl Accepted {
    /// Whether a kernel is accepted that is vouched for so.
    pub fn accept_kernel(self, signature_kind: SignatureKind, is_uki: bool) -> bool {
        let bits = match signature_kind {
            SignatureKind::Unsigned => 0,
            SignatureKind::Authenticode if is_uki => {
                KernelSignature::Authenticode as u8 | KernelSignature::Uki as u8
            }
            SignatureKind::Authenticode => KernelSignature::Authenticode as u8,
            SignatureKind::ListedDigest => KernelSignature::ListedDigest as u8,
            SignatureKind::Appended => KernelSignature::Appended as u8,
            SignatureKind::Note => KernelSignature::Note as u8,
            SignatureKind::Detached => KernelSignature::Detached as u8,
            SignatureKind::Manifest => KernelSignature::Manifest as u8,
        };
        self.0 & bits != 0
    }

    /// Whether an initrd or a command line is accepted that is vouched for so. What is part of an
    /// image is accepted with it.
    pub fn accept(self, signature_kind: SignatureKind) -> bool {
        match signature_kind {
            SignatureKind::Unsigned => self.0 & InputSignature::Unsigned as u8 != 0,
            SignatureKind::Detached => self.0 & InputSignature::Detached as u8 != 0,
            SignatureKind::Manifest => self.0 & InputSignature::Manifest as u8 != 0,
            SignatureKind::Authenticode
            | SignatureKind::ListedDigest
            | SignatureKind::Appended
            | SignatureKind::Note => true,
        }
    }
}

/// What is accepted for one load type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rules<'a> {
    /// Bits of [`KernelSignature`].
    pub kernel: Accepted,
    /// Bits of [`InputSignature`].
    pub initrd: Accepted,
    /// Bits of [`InputSignature`].
    pub command_line: Accepted,
    /// Whether a parameter that no rule is about is denied.
    pub unlisted_denied: bool,
    /// Whether nothing may follow `--`.
    pub nothing_for_init: bool,
    /// What is put before what user space chose of the command line; empty if nothing is.
    pub forced: &'a [u8],
    parameters: &'a [u8],
}

/// What a rule does with the parameters it is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// They are refused.
    Deny,
    /// They are accepted.
    Allow,
}

/// Which parameters of the command line are allowed or denied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ParameterRule<'a> {
    /// What it does.
    pub action: Action,
    /// The name; `*` at its end stands for anything.
    pub name: &'a [u8],
    /// The values that it is about.
    pub value: Value<'a>,
}

/// The values that a rule is about. The numbers are those of the compact form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Value<'a> {
    /// 0: any, and none.
    Any,
    /// 1: none, as in `quiet`.
    None,
    /// 2: one of these, each ended by a NUL.
    OneOf(&'a [u8]),
    /// 3: a number from one to another (two little-endian integers of 8 bytes), decimal, or
    /// hexadecimal after `0x`. With one of K, M, G, T, P, E after it, it is as many times 1024, as
    /// `memparse` in lib/cmdline.c reads it.
    Number(u64, u64),
    /// 4: a list with this item in it, separated by commas.
    With(&'a [u8]),
    /// 5: a list of no other items than these, each ended by a NUL.
    AllOf(&'a [u8]),
    /// 6: a list with an item in it that begins so.
    WithPrefix(&'a [u8]),
}

impl<'a> Rules<'a> {
    pub(super) const NOTHING: Self = Rules {
        kernel: Accepted(0),
        initrd: Accepted(0),
        command_line: Accepted(0),
        unlisted_denied: true,
        nothing_for_init: true,
        forced: &[],
        parameters: &[],
    };

    pub(super) fn read(reader: &mut Reader<'a>) -> Result<Self, PolicyError> {
        let [kernel, initrd, command_line, flags] = reader.array()?;
        let no_line = InputSignature::Unsigned as u8 | InputSignature::Manifest as u8;
        let any = no_line | InputSignature::Detached as u8;
        for (bits, known) in [
            (initrd, any),
            (command_line, no_line),
            (flags, FLAGS),
            (kernel, 0x7f),
        ] {
            if bits & !known != 0 {
                return Err(PolicyError::Accepted(bits));
            }
        }
        if kernel == 0 {
            return Err(PolicyError::Accepted(kernel));
        }
        let count = reader.u16()?;
        let forced_len = reader.u16()?;
        if count > MAX_RULES {
            return Err(PolicyError::RuleCount(count));
        }
        let forced = reader.take(usize::from(forced_len))?;
        if forced_len > MAX_FORCED || !forced.iter().all(|byte| (b' '..=b'~').contains(byte)) {
            return Err(PolicyError::Forced);
        }
        Ok(Rules {
            kernel: Accepted(kernel),
            initrd: Accepted(initrd),
            command_line: Accepted(command_line),
            unlisted_denied: flags & FLAG_UNLISTED_DENIED != 0,
            nothing_for_init: flags & FLAG_NOTHING_FOR_INIT != 0,
            forced,
            parameters: read_parameters(reader, count)?,
        })
    }

    /// The parameter rules, in their order.
    pub fn parameters(&self) -> impl Iterator<Item = ParameterRule<'a>> + use<'a> {
        let mut reader = Reader::new(self.parameters);
        core::iter::from_fn(move || ParameterRule::read(&mut reader))
    }
}

/// The bytes of so many parameter rules, all of them checked.
fn read_parameters<'a>(reader: &mut Reader<'a>, count: u16) -> Result<&'a [u8], PolicyError> {
    let mut ahead = *reader;
    for index in 0..count {
        ParameterRule::read(&mut ahead).ok_or(PolicyError::Rule(index))?;
    }
    let len = ahead.position().saturating_sub(reader.position());
    Ok(reader.take(len)?)
}

impl<'a> ParameterRule<'a> {
    fn read(reader: &mut Reader<'a>) -> Option<Self> {
        let [action, kind, name_len, reserved] = reader.array().ok()?;
        let value_len = reader.u16().ok()?;
        let name = reader.take(usize::from(name_len)).ok()?;
        let value = reader.take(usize::from(value_len)).ok()?;
        let action = match action {
            0 => Action::Deny,
            1 => Action::Allow,
            _ => return None,
        };
        let value = Value::read(kind, value)?;
        (reserved == 0 && !name.is_empty()).then_some(ParameterRule {
            action,
            name,
            value,
        })
    }

    /// Whether it is about this parameter. What denies a parameter is about all that the kernel takes for
    /// it, or may take for such a value; what allows one is about what it says alone.
    pub fn is_about(&self, parameter: &Parameter<'_>) -> bool {
        match self.action {
            Action::Deny => self.may_be_about(parameter),
            Action::Allow => {
                let named = self.is_named(parameter.name, same_name);
                named && self.value.holds(parameter.value)
            }
        }
    }

    fn may_be_about(&self, parameter: &Parameter<'_>) -> bool {
        let any = self.value == Value::None && is_by_beginning(parameter.name);
        self.is_named(parameter.name, reaches) && (any || self.value.may_hold(parameter.value))
    }

    fn is_named(&self, name: &[u8], same: fn(&[u8], &[u8]) -> bool) -> bool {
        match self.name.strip_suffix(b"*") {
            Some(start) => starts_with_name(name, start),
            None => same(name, self.name),
        }
    }
}

impl<'a> Value<'a> {
    fn read(kind: u8, bytes: &'a [u8]) -> Option<Self> {
        match kind {
            0 if bytes.is_empty() => Some(Value::Any),
            1 if bytes.is_empty() => Some(Value::None),
            2 if bytes.ends_with(b"\0") => Some(Value::OneOf(bytes)),
            3 => {
                let mut reader = Reader::new(bytes);
                let (least, most) = (reader.u64().ok()?, reader.u64().ok()?);
                (reader.is_empty() && least <= most).then_some(Value::Number(least, most))
            }
            4 if !bytes.is_empty() && !is_zero(bytes) => Some(Value::With(bytes)),
            5 if bytes.ends_with(b"\0") => Some(Value::AllOf(bytes)),
            6 if !bytes.is_empty() && !is_zero(bytes) => Some(Value::WithPrefix(bytes)),
            _ => None,
        }
    }

    /// As [`Self::holds`], and for what the kernel may take for such a value: each parameter's function may use
    /// any of the kernel's parsers, and which one isn't known here.
    fn may_hold(&self, value: Option<&[u8]>) -> bool {
        match (*self, value) {
            (Value::Number(least, most), Some(value)) => {
                readings(value).is_none_or(|all| all.iter().any(|it| (least..=most).contains(it)))
            }
            _ => self.holds(value),
        }
    }

    /// Whether it is about this value of a parameter.
    pub fn holds(&self, value: Option<&[u8]>) -> bool {
        match (*self, value) {
            (Value::Any, _) | (Value::None, None) => true,
            (Value::None, Some(_)) | (_, None) => false,
            (Value::OneOf(texts), Some(value)) => one_of(texts, value),
            (Value::Number(least, most), Some(value)) => {
                number(value).is_some_and(|number| (least..=most).contains(&number))
            }
            (Value::With(item), Some(value)) => items(value).any(|it| it == item),
            (Value::AllOf(texts), Some(value)) => items(value).all(|it| one_of(texts, it)),
            (Value::WithPrefix(start), Some(value)) => items(value).any(|it| it.starts_with(start)),
        }
    }
}

/// The texts of a list that each end with a NUL.
pub fn texts(list: &[u8]) -> impl Iterator<Item = &[u8]> {
    let list = list.strip_suffix(b"\0").unwrap_or(list);
    list.split(|&byte| byte == 0)
}

fn one_of(list: &[u8], value: &[u8]) -> bool {
    texts(list).any(|text| text == value)
}

fn items(value: &[u8]) -> impl Iterator<Item = &[u8]> {
    value.split(|&byte| byte == b',')
}

/// As `memparse` reads it, if that reads all of it, without its octal numbers.
fn number(value: &[u8]) -> Option<u64> {
    // No unit after it: a hexadecimal number may end with what looks like one (`0xe`).
    if let Some(digits) = value.strip_prefix(b"0x") {
        return digits_in(16, digits);
    }
    let (last, others) = value.split_last()?;
    let (digits, factor) = match unit(*last) {
        Some(factor) => (others, factor),
        None => (value, 1),
    };
    let is_octal = digits.len() > 1 && digits.starts_with(b"0");
    if is_octal {
        None
    } else {
        digits_in(10, digits)?.checked_mul(factor)
    }
}

/// What the kernel may read a number as: with its unit (`memparse`), or without, since `get_option` stops
/// there; and what an int holds of either (both in lib/cmdline.c). `None` for a text that isn't all a number:
/// octal numbers, which both take, and what follows a number, which is each caller's matter.
fn readings(value: &[u8]) -> Option<[u64; 4]> {
    let whole = number(value)?;
    let digits = value
        .split_last()
        .filter(|(last, _)| unit(**last).is_some());
    let bare = match digits {
        Some((_, digits)) if !value.starts_with(b"0x") => number(digits)?,
        _ => whole,
    };
    let low = |it: u64| it & u64::from(u32::MAX);
    Some([whole, bare, low(whole), low(bare)])
}

/// How many times as much it makes a number.
fn unit(byte: u8) -> Option<u64> {
    match byte.to_ascii_uppercase() {
        b'K' => Some(1 << 10),
        b'M' => Some(1 << 20),
        b'G' => Some(1 << 30),
        b'T' => Some(1 << 40),
        b'P' => Some(1 << 50),
        b'E' => Some(1 << 60),
        _ => None,
    }
}

fn digits_in(radix: u32, digits: &[u8]) -> Option<u64> {
    if digits.is_empty() {
        return None;
    }
    let mut number = 0_u64;
    for &digit in digits {
        let digit = char::from(digit).to_digit(radix)?;
        number = number
            .checked_mul(u64::from(radix))?
            .checked_add(u64::from(digit))?;
    }
    Some(number)
}
