//! What [`crate::read`] reads, written.

use crate::TomlError;
use crate::item::{Item, parse};
use crate::read::TAG;
use serde::ser::Error;
use serde::{Serialize, Serializer};
use std::fmt::Write;
use toml::Value;
use toml::de::DeValue;

/// Writes a value as a person would: of its tables each is a section, and those in a list within a section are lines of
/// it.
///
/// # Errors
/// When TOML can't hold the value.
pub fn write<T: Serialize>(value: &T) -> crate::Result<String> {
    let text = toml::to_string(value).map_err(|e| TomlError::new(e.to_string()))?;
    let parsed = parse(&text)?;
    let mut out = String::new();
    section("", &Item::root(&text, &parsed), &mut out);
    Ok(out)
}

fn section(name: &str, table: &Item<'_>, out: &mut String) {
    for (key, value) in entries(table) {
        let name = match name {
            "" => key.to_owned(),
            name => format!("{name}.{key}"),
        };
        let elements = value.elements();
        let has_tables = matches!(elements.first().map(|it| it.value), Some(DeValue::Table(_)));
        // Writing to a String doesn't fail.
        let _ = match value.value {
            DeValue::Table(_) => {
                let entries = entries(&value);
                let own = entries
                    .iter()
                    .any(|(_, it)| !matches!(it.value, DeValue::Table(_)));
                let head = if own {
                    format!("\n[{name}]\n")
                } else {
                    String::new()
                };
                out.push_str(&head);
                section(&name, &value, out);
                Ok(())
            }
            _ if has_tables && table.path.is_empty() => elements.iter().try_for_each(|element| {
                let entries = entries(element).into_iter();
                let lines = entries.map(|(key, it)| format!("{key} = {}\n", inline(&it)));
                write!(out, "\n[[{name}]]\n{}", lines.collect::<String>())
            }),
            _ if has_tables => {
                let lines = elements.iter().map(|it| format!("  {},\n", inline(it)));
                writeln!(out, "{key} = [\n{}]", lines.collect::<String>())
            }
            _ => writeln!(out, "{key} = {}", inline(&value)),
        };
    }
}

/// Keys as they are written, in their order.
fn entries<'t>(table: &Item<'t>) -> Vec<(&'t str, Item<'t>)> {
    let mut entries = table.entries();
    entries.sort_by_key(|(_, key, _)| key.span.start);
    let entries = entries.into_iter();
    entries.map(|(_, key, value)| (key.raw(), value)).collect()
}

/// A value on one line.
fn inline(item: &Item<'_>) -> String {
    let joined = |parts: Vec<String>| parts.join(", ");
    match item.value {
        DeValue::Table(_) => {
            let entries = entries(item).into_iter();
            let entries = entries.map(|(key, value)| format!("{key} = {}", inline(&value)));
            format!("{{ {} }}", joined(entries.collect()))
        }
        DeValue::Array(_) => {
            format!("[{}]", joined(item.elements().iter().map(inline).collect()))
        }
        _ => item.raw().to_owned(),
    }
}

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

#[cfg(test)]
mod tests {
    use super::*;
    use serde::Deserialize;

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Whole {
        name: String,
        box_: Sides,
        all: Option<Sides>,
        item: Vec<Sides>,
    }

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Sides {
        sides: Vec<Side>,
    }

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Side {
        of: Vec<u64>,
        text: Option<String>,
    }

    fn sides() -> Sides {
        let side = |text: Option<&str>| Side {
            of: vec![0, u64::MAX],
            text: text.map(str::to_owned),
        };
        Sides {
            sides: vec![side(None), side(Some("a\n\"'b"))],
        }
    }

    #[test]
    fn a_table_in_a_list_is_one_line_and_the_whole_is_read_as_the_same() {
        let whole = Whole {
            name: "x".into(),
            box_: sides(),
            all: None,
            item: vec![sides(), Sides { sides: vec![] }],
        };
        let text = write(&whole).unwrap();
        let start =
            "name = \"x\"\n\n[box_]\nsides = [\n  { of = [0, 18446744073709551615] },\n  { of = ";
        assert!(text.starts_with(start), "{text}");
        assert!(text.ends_with("\n[[item]]\nsides = []\n"), "{text}");
        assert_eq!(crate::read::<Whole>(&text).unwrap(), whole);
    }
}
