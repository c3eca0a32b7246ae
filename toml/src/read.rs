//! TOML read into types that derive [`serde::Deserialize`].
//!
//! An enum whose variants hold one struct each is a table in a list of the outermost table, and its key `kind` names the
//! variant. (serde's own `tag` reads such a table into memory first, where its keys and values no longer know where they
//! stand.)

use super::{Item, Result, Table, TomlError, line, one_line, parse};
use serde::de::DeserializeOwned;
use std::borrow::Cow;
use std::ops::Range;
use toml::Spanned;
use toml::de::{DeArray, DeTable, DeValue, Deserializer, Error};

/// The key that names the variant.
pub(crate) const TAG: &str = "kind";

/// Reads a text. Keys that a type doesn't know are refused if it says `deny_unknown_fields`.
///
/// # Errors
/// Names the line and the key, and what is wrong with its value.
pub fn read<T: DeserializeOwned>(text: &str) -> Result<T> {
    let parsed = parse(text)?;
    let root = Table::root(text, &parsed);
    let document = tags_outside(&root)?;
    T::deserialize(Deserializer::from(document)).map_err(|error| placed(&error, &root))
}

/// The document as serde reads enums.
fn tags_outside<'t>(root: &Table<'t>) -> Result<Spanned<DeTable<'t>>> {
    let entries = root.entries.iter().map(|(key, value)| {
        let item = root.item(key.get_ref(), value);
        let value = match item.value {
            DeValue::Array(_) => {
                let list: Result<DeArray<'_>> = item.list()?.iter().map(tag_outside).collect();
                DeValue::Array(list?)
            }
            other => other.clone(),
        };
        Ok((key.clone(), Spanned::new(item.span, value)))
    });
    Ok(Spanned::new(0..0, entries.collect::<Result<_>>()?))
}

/// `{ kind = "circle", radius = 2 }` as `{ circle = { radius = 2 } }`.
fn tag_outside<'t>(item: &Item<'t>) -> Result<Spanned<DeValue<'t>>> {
    let DeValue::Table(keys) = item.value else {
        return Ok(Spanned::new(item.span.clone(), item.value.clone()));
    };
    let tag = item.table()?.require(TAG)?;
    let name = Spanned::new(tag.span.clone(), Cow::Borrowed(tag.text()?));
    let mut rest = keys.clone();
    rest.remove(TAG);
    let rest = Spanned::new(item.span.clone(), DeValue::Table(rest));
    let outside = DeTable::from_iter([(name, rest)]);
    Ok(Spanned::new(item.span.clone(), DeValue::Table(outside)))
}

/// serde's error with its line and its key, which it knows only by where they stand.
fn placed(error: &Error, root: &Table<'_>) -> TomlError {
    let why = one_line(error.message());
    let place = error
        .span()
        .and_then(|span| Some((path(&span, root)?, span)));
    match place {
        Some((path, span)) => TomlError {
            line: Some(line(root.text, span.start)),
            message: format!("{path}: {why}"),
        },
        None => TomlError::new(why),
    }
}

/// The path of what stands there, key or value; of several, the innermost: a list of tables stands where its first does.
fn path(span: &Range<usize>, root: &Table<'_>) -> Option<String> {
    let mut found = None;
    let mut left = keys(root);
    while let Some((key, item)) = left.pop() {
        if let Ok(table) = item.table() {
            left.extend(keys(&table));
        }
        let list = item.list().unwrap_or_default();
        left.extend(list.into_iter().map(|it| (it.span.clone(), it)));
        if key == *span || item.span == *span {
            found = Some(item.path);
        }
    }
    found
}

fn keys<'t>(table: &Table<'t>) -> Vec<(Range<usize>, Item<'t>)> {
    let entries = table.entries.iter();
    let entries = entries.map(|(key, value)| (key.span(), table.item(key.get_ref(), value)));
    entries.collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Number;
    use serde::{Deserialize, Serialize};

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Whole {
        even: Even,
        #[serde(serialize_with = "crate::write_variants")]
        shape: Vec<Shape>,
    }

    #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
    #[serde(try_from = "Number<0, 100>", into = "u32")]
    struct Even(u32);

    impl TryFrom<Number<0, 100>> for Even {
        type Error = String;

        fn try_from(number: Number<0, 100>) -> std::result::Result<Even, String> {
            match number.get() % 2 {
                0 => Ok(Even(number.get())),
                _ => Err(format!("{} is odd; give an even number", number.get())),
            }
        }
    }

    impl From<Even> for u32 {
        fn from(even: Even) -> u32 {
            even.0
        }
    }

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    #[serde(rename_all = "kebab-case")]
    enum Shape {
        Circle(Circle),
        Square(Square),
    }

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Square {
        side: Number<2, 9>,
    }

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Circle {
        radius: Even,
        filled: Option<bool>,
    }

    const WHOLE: &str = "\
even = 4

[[shape]]
kind = \"circle\"
radius = 2

[[shape]]
kind = \"square\"
side = 3
";

    #[test]
    fn what_is_written_is_read_as_the_same() {
        let whole: Whole = read(WHOLE).unwrap();
        assert_eq!(whole.even, Even(4));
        assert_eq!(
            whole.shape[1],
            Shape::Square(Square {
                side: Number::literal::<3>()
            })
        );
        let written = toml::to_string(&whole).unwrap();
        assert_eq!(written, WHOLE);
    }

    #[test]
    fn an_error_names_the_line_and_the_key_wherever_the_value_stands() {
        for (from, to, error) in [
            ("4", "5", "line 1: even: 5 is odd; give an even number"),
            (
                "4",
                "-4",
                "line 1: even: invalid value: integer `-4`, expected a number from 0 to 100",
            ),
            (
                "2",
                "3",
                "line 5: shape[0].radius: 3 is odd; give an even number",
            ),
            (
                "2",
                "2\nfilled = 1",
                "line 6: shape[0].filled: invalid type: integer `1`, expected a boolean",
            ),
            (
                "radius",
                "r",
                "line 5: shape[0].r: unknown field `r`, expected `radius` or `filled`",
            ),
            (
                "side",
                "radius",
                "line 9: shape[1].radius: unknown field `radius`, expected `side`",
            ),
            (
                "3",
                "1",
                "line 9: shape[1].side: invalid value: integer `1`, expected a number from 2 to 9",
            ),
            (
                "3",
                "true",
                "line 9: shape[1].side: invalid type: boolean `true`, expected a number from 2 to 9",
            ),
            ("side = 3", "", "line 7: shape[1]: missing field `side`"),
            (
                "kind = \"circle\"",
                "",
                "line 3: \"shape[0].kind\" is missing",
            ),
            (
                "\"circle\"",
                "1",
                "line 4: shape[0].kind is 1; it must be a text in quotes",
            ),
            (
                "circle",
                "cube",
                "line 4: shape[0].kind: unknown variant `cube`, expected `circle` or `square`",
            ),
            ("even = 4", "", "missing field `even`"),
        ] {
            let text = WHOLE.replacen(from, to, 1);
            let problem = read::<Whole>(&text).unwrap_err();
            assert_eq!(problem.to_string(), error);
        }
    }

    #[test]
    fn text_cut_off_anywhere_is_the_whole_shapes_or_an_error() {
        let circle = WHOLE.find("radius = 2").unwrap() + "radius = 2".len();
        let square = WHOLE.len() - 1;
        for end in 0..=WHOLE.len() {
            let shapes = match end {
                _ if (circle..=circle + 2).contains(&end) => Some(1),
                _ if end >= square => Some(2),
                _ => None,
            };
            let whole = read::<Whole>(&WHOLE[..end]).ok();
            assert_eq!(whole.map(|whole| whole.shape.len()), shapes, "{end}");
        }
    }
}
