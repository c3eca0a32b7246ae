//! What [`crate::read`] reads, written.

use crate::read::TAG;
use serde::ser::Error;
use serde::{Serialize, Serializer};
use toml::Value;

/// Writes a list of enums whose variants hold structs: each as a table whose key `kind` names the variant. For
/// `#[serde(serialize_with)]`.
///
/// # Errors
/// When a value is something else.
pub fn write_variants<T: Serialize, S: Serializer>(
    list: &[T],
    serializer: S,
) -> Result<S::Ok, S::Error> {
    let tables = list.iter().map(|value| {
        let Value::Table(variant) = Value::try_from(value).map_err(Error::custom)? else {
            return Err(Error::custom("a variant holds nothing"));
        };
        match variant.into_iter().next() {
            Some((kind, Value::Table(mut keys))) => {
                keys.insert(TAG.to_owned(), Value::String(kind));
                Ok(keys)
            }
            _ => Err(Error::custom("a variant holds no struct")),
        }
    });
    tables.collect::<Result<Vec<_>, _>>()?.serialize(serializer)
}
