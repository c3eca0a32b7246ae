//! Values of which not every one is valid.

use serde::de::{Deserialize, Deserializer, Error, Unexpected, Visitor};
use serde::{Serialize, Serializer};
use std::fmt;

/// Reads a value that must be `what` says, which `is_valid` checks. For `#[serde(deserialize_with)]`.
///
/// # Errors
/// When the value isn't valid, or has another type.
pub fn valid<'d, T: Deserialize<'d>, D: Deserializer<'d>>(
    deserializer: D,
    is_valid: impl Fn(&T) -> bool,
    what: &str,
) -> Result<T, D::Error> {
    let value = T::deserialize(deserializer)?;
    match is_valid(&value) {
        true => Ok(value),
        false => Err(Error::invalid_value(Unexpected::Other("another"), &what)),
    }
}

/// Reads a list that must not be empty; `fix` says what to do if it is. For `#[serde(deserialize_with)]`.
///
/// # Errors
/// When the list is empty or has other elements.
pub fn not_empty<'d, T: Deserialize<'d>, D: Deserializer<'d>>(
    deserializer: D,
    fix: &str,
) -> Result<Vec<T>, D::Error> {
    let list = Vec::deserialize(deserializer)?;
    match list.is_empty() {
        true => Err(Error::invalid_length(0, &fix)),
        false => Ok(list),
    }
}

/// A number from `MIN` to `MAX`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Number<const MIN: u32, const MAX: u32>(u32);

impl<const MIN: u32, const MAX: u32> Number<MIN, MAX> {
    /// This number, which is checked by the compiler.
    #[must_use]
    pub const fn literal<const NUMBER: u32>() -> Self {
        const { assert!(MIN <= NUMBER && NUMBER <= MAX) }
        Number(NUMBER)
    }

    /// The number.
    #[must_use]
    pub fn get(self) -> u32 {
        self.0
    }
}

impl<'d, const MIN: u32, const MAX: u32> Deserialize<'d> for Number<MIN, MAX> {
    fn deserialize<D: Deserializer<'d>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_u32(NumberVisitor)
    }
}

struct NumberVisitor<const MIN: u32, const MAX: u32>;

impl<const MIN: u32, const MAX: u32> Visitor<'_> for NumberVisitor<MIN, MAX> {
    type Value = Number<MIN, MAX>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a number from {MIN} to {MAX}")
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<Number<MIN, MAX>, E> {
        let valid = u32::try_from(number).ok();
        let valid = valid.filter(|number| (MIN..=MAX).contains(number));
        let invalid = || E::invalid_value(Unexpected::Unsigned(number), &self);
        valid.map(Number).ok_or_else(invalid)
    }
}

impl<const MIN: u32, const MAX: u32> Serialize for Number<MIN, MAX> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}
