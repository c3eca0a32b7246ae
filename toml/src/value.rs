//! Values of which not every one is valid.

use serde::de::{Error, Unexpected, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;

/// Reads a text that must be `what` says, which `is_valid` checks. For `#[serde(deserialize_with)]`.
///
/// # Errors
/// When the text isn't valid, or the value isn't a text.
pub fn valid<'d, D: Deserializer<'d>>(
    deserializer: D,
    is_valid: impl Fn(&str) -> bool,
    what: &str,
) -> Result<String, D::Error> {
    let text = String::deserialize(deserializer)?;
    if is_valid(&text) {
        Ok(text)
    } else {
        Err(must_be(what))
    }
}

/// Reads a list that must not be empty; `fix` says what to do if it is. For `#[serde(deserialize_with)]`.
///
/// # Errors
/// When it is no list, is empty, or has other elements.
pub fn not_empty<'d, T: Deserialize<'d>, D: Deserializer<'d>>(
    deserializer: D,
    fix: &str,
) -> Result<Vec<T>, D::Error> {
    let list = Vec::deserialize(deserializer)?;
    if list.is_empty() {
        Err(Error::custom(format!("the list is empty; {fix}")))
    } else {
        Ok(list)
    }
}

/// The error of a value that must be something else.
pub fn must_be<E: Error>(what: &str) -> E {
    E::invalid_value(Unexpected::Other("value"), &what)
}

/// A number from `MIN` to `MAX`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Number<const MIN: u32, const MAX: u32>(u32);

impl<const MIN: u32, const MAX: u32> Number<MIN, MAX> {
    /// This number, if it is within the range.
    #[must_use]
    pub fn new(number: u32) -> Option<Self> {
        (MIN..=MAX).contains(&number).then_some(Number(number))
    }

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
        deserializer.deserialize_any(NumberVisitor)
    }
}

struct NumberVisitor<const MIN: u32, const MAX: u32>;

impl<const MIN: u32, const MAX: u32> Visitor<'_> for NumberVisitor<MIN, MAX> {
    type Value = Number<MIN, MAX>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a number from {MIN} to {MAX}")
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<Number<MIN, MAX>, E> {
        let number = u32::try_from(number).ok();
        let number = number.and_then(Number::new);
        number.ok_or_else(|| E::invalid_value(Unexpected::Other("number"), &self))
    }
}

impl<const MIN: u32, const MAX: u32> Serialize for Number<MIN, MAX> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}
