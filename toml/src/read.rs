//! TOML read into types that derive [`serde::Deserialize`].
//!
//! Every value has one form: a struct is a table and not a list of its fields, as other readers take it, and an enum
//! without fields is a text. An enum whose variants hold one struct each is a table, and its key `kind` names the
//! variant. (serde's own `tag` reads such a table into memory first, where its keys and values no longer know where they
//! stand.)

use crate::error::Fault;
use crate::item::{Entry, Item, parse};
use crate::{Result, TomlError};
use serde::de::value::{BorrowedStrDeserializer, MapAccessDeserializer};
use serde::de::{
    DeserializeOwned, DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Unexpected,
    Visitor,
};
use serde::forward_to_deserialize_any;
use std::vec::IntoIter;
use toml::de::DeValue;

/// The key that names the variant.
pub(crate) const TAG: &str = "kind";

/// Reads a text. Keys that a type doesn't know are refused if it says `deny_unknown_fields`.
///
/// # Errors
/// Names the line and the key, and what is wrong with its value.
pub fn read<T: DeserializeOwned>(text: &str) -> Result<T> {
    let parsed = parse(text)?;
    let root = Item::root(text, &parsed);
    T::deserialize(root.clone()).map_err(|fault| fault.placed(&root))
}

/// What turned out to be wrong with the value at this dotted key after the text was read.
pub fn problem(text: &str, path: &str, why: impl std::fmt::Display) -> TomlError {
    let parsed = parse(text).ok();
    let line = parsed.and_then(|parsed| Some(Item::root(text, &parsed).find(path)?.line()));
    let message = format!("{path} {why}");
    TomlError { line, message }
}

impl<'de> Deserializer<'de> for Item<'de> {
    type Error = Fault;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        match (self.value, self.number()) {
            (DeValue::String(text), _) => visitor.visit_borrowed_str(text),
            (DeValue::Boolean(yes), _) => visitor.visit_bool(*yes),
            (DeValue::Array(_), _) => visitor.visit_seq(Elements(self.elements().into_iter())),
            (DeValue::Table(_), _) => visitor.visit_map(Entries::of(self.entries())),
            (_, Some(number)) => visitor.visit_u64(number),
            _ => Err(Fault::invalid_type(Unexpected::Other("value"), &visitor)),
        }
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Fault> {
        match self.value {
            DeValue::Table(_) => self.deserialize_any(visitor),
            _ => Err(Fault::invalid_type(Unexpected::Other("value"), &visitor)),
        }
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Fault> {
        match self.value {
            DeValue::String(text) => visitor.visit_enum(BorrowedStrDeserializer::new(text)),
            DeValue::Table(_) => {
                let (variant, rest) = self.without(TAG).ok_or(Fault::MissingKey(TAG))?;
                let DeValue::String(key) = variant.value else {
                    return Err(
                        Fault::invalid_type(Unexpected::Other("value"), &"a string").at(&variant)
                    );
                };
                let entry = (key.as_ref(), variant, rest);
                let outside = MapAccessDeserializer::new(Entries::of(vec![entry]));
                outside.deserialize_enum(name, variants, visitor)
            }
            _ => Err(Fault::unknown_variant("", variants)),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        visitor.visit_some(self)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Fault> {
        visitor.visit_newtype_struct(self)
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit unit_struct seq tuple
        tuple_struct map identifier ignored_any
    }
}

struct Elements<'de>(IntoIter<Item<'de>>);

impl<'de> SeqAccess<'de> for Elements<'de> {
    type Error = Fault;

    fn next_element_seed<S: DeserializeSeed<'de>>(
        &mut self,
        seed: S,
    ) -> Result<Option<S::Value>, Fault> {
        self.0.next().map(|item| value(seed, &item)).transpose()
    }
}

struct Entries<'de> {
    left: IntoIter<Entry<'de>>,
    value: Option<Item<'de>>,
}

impl<'de> Entries<'de> {
    fn of(entries: Vec<Entry<'de>>) -> Entries<'de> {
        Entries {
            left: entries.into_iter(),
            value: None,
        }
    }
}

impl<'de> MapAccess<'de> for Entries<'de> {
    type Error = Fault;

    fn next_key_seed<S: DeserializeSeed<'de>>(
        &mut self,
        seed: S,
    ) -> Result<Option<S::Value>, Fault> {
        let Some((key, place, value)) = self.left.next() else {
            return Ok(None);
        };
        self.value = Some(value);
        let key = seed.deserialize(BorrowedStrDeserializer::new(key));
        key.map(Some).map_err(|fault: Fault| fault.at(&place))
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, Fault> {
        let item = self.value.take();
        value(
            seed,
            &item.ok_or_else(|| Fault::custom("no key before a value"))?,
        )
    }
}

/// What `item` is, or its fault with its place.
fn value<'de, S: DeserializeSeed<'de>>(seed: S, item: &Item<'de>) -> Result<S::Value, Fault> {
    let read = seed.deserialize(item.clone());
    read.map_err(|fault| fault.at(item))
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
                "line 1: even is -4; it must be a number from 0 to 100",
            ),
            (
                "2",
                "3",
                "line 5: shape[0].radius: 3 is odd; give an even number",
            ),
            (
                "2",
                "2\nfilled = 1",
                "line 6: shape[0].filled is 1; it must be true or false",
            ),
            (
                "radius",
                "r",
                "line 5: unknown key \"shape[0].r\"; known here: radius, filled",
            ),
            (
                "side",
                "radius",
                "line 9: unknown key \"shape[1].radius\"; known here: side",
            ),
            (
                "3",
                "1",
                "line 9: shape[1].side is 1; it must be a number from 2 to 9",
            ),
            (
                "3",
                "true",
                "line 9: shape[1].side is true; it must be a number from 2 to 9",
            ),
            ("side = 3", "", "line 7: \"shape[1].side\" is missing"),
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
                "line 4: shape[0].kind is \"cube\"; it must be \"circle\" or \"square\"",
            ),
            ("even = 4", "", "\"even\" is missing"),
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
