//! What is wrong with a text: first what, as serde says it, and then where.

use crate::TomlError;
use crate::item::Item;
use serde::de::{Expected, Unexpected};
use std::fmt::{self, Display};

/// What is wrong with a value, or with a key. The innermost that knows its place adds it.
#[derive(Debug)]
pub(crate) enum Fault {
    Placed(TomlError),
    MustBe(String),
    UnknownKey(&'static [&'static str]),
    MissingKey(&'static str),
    Other(String),
}

impl Fault {
    /// The same, with the place unless a place within that is known.
    pub(crate) fn at(self, item: &Item<'_>) -> Fault {
        Fault::Placed(self.placed(item))
    }

    pub(crate) fn placed(self, item: &Item<'_>) -> TomlError {
        let path = &item.path;
        let message = match self {
            Fault::Placed(error) => return error,
            Fault::MustBe(what) => format!("{path} is {}; it must be {what}", item.shown()),
            Fault::UnknownKey(known) => {
                format!("unknown key \"{path}\"; known here: {}", known.join(", "))
            }
            Fault::MissingKey(key) => format!("\"{}\" is missing", item.path_of(key)),
            Fault::Other(why) if path.is_empty() => why,
            Fault::Other(why) => format!("{path}: {why}"),
        };
        let line = (!path.is_empty()).then(|| item.line());
        TomlError { line, message }
    }
}

impl Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self:?}")
    }
}

impl std::error::Error for Fault {}

impl serde::de::Error for Fault {
    fn custom<T: Display>(why: T) -> Fault {
        Fault::Other(why.to_string())
    }

    /// serde's own words are those of its types.
    fn invalid_type(_: Unexpected<'_>, expected: &dyn Expected) -> Fault {
        Fault::MustBe(match expected.to_string().as_str() {
            "a boolean" => "true or false".into(),
            "a string" => "a text in quotes".into(),
            "a sequence" => "a list in brackets".into(),
            "a map" => "a table".into(),
            "u8" => format!("a number from 0 to {}", u8::MAX),
            "u64" => format!("a number from 0 to {}", u64::MAX),
            own => own.into(),
        })
    }

    fn invalid_value(unexpected: Unexpected<'_>, expected: &dyn Expected) -> Fault {
        Fault::invalid_type(unexpected, expected)
    }

    fn unknown_variant(_: &str, expected: &'static [&'static str]) -> Fault {
        Fault::MustBe(format!("\"{}\"", expected.join("\" or \"")))
    }

    fn unknown_field(_: &str, expected: &'static [&'static str]) -> Fault {
        Fault::UnknownKey(expected)
    }

    fn missing_field(field: &'static str) -> Fault {
        Fault::MissingKey(field)
    }
}
