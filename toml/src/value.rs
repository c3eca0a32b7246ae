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
        Err(Error::invalid_value(Unexpected::Str(&text), &what))
    }
}

/// Reads a list so that an error names the element, too. For `#[serde(deserialize_with)]`.
///
/// # Errors
/// When it is no list, or has other elements.
pub fn list<'d, T: Deserialize<'d>, D: Deserializer<'d>>(
    deserializer: D,
) -> Result<Vec<T>, D::Error> {
    /// A newtype places the errors within it, which a list doesn't.
    #[derive(Deserialize)]
    struct Element<T>(T);

    let list = Vec::<Element<T>>::deserialize(deserializer)?;
    Ok(list.into_iter().map(|element| element.0).collect())
}

/// The same of a list that must not be empty; `fix` says what to do if it is.
///
/// # Errors
/// As for [`list`], and when it is empty.
pub fn not_empty<'d, T: Deserialize<'d>, D: Deserializer<'d>>(
    deserializer: D,
    fix: &str,
) -> Result<Vec<T>, D::Error> {
    let list = list(deserializer)?;
    if list.is_empty() {
        Err(Error::custom(format!("the list is empty; {fix}")))
    } else {
        Ok(list)
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

    fn visit_i64<E: Error>(self, number: i64) -> Result<Number<MIN, MAX>, E> {
        let negative = |_| E::invalid_value(Unexpected::Signed(number), &self);
        u64::try_from(number)
            .map_err(negative)
            .and_then(|it| self.visit_u64(it))
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
