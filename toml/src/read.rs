//! TOML read into types that derive [`serde::Deserialize`], with the errors of [`Item`].
//!
//! An enum whose variants hold one struct each is a table, and its key `kind` names the variant. (serde's own `tag` reads
//! such a table into memory first, where its keys and values no longer know where they stand.)

use super::{Item, Problem, Result, parse};
use serde::de::value::StrDeserializer;
use serde::de::{
    DeserializeOwned, DeserializeSeed, EnumAccess, Error as _, Expected, IntoDeserializer,
    MapAccess, SeqAccess, Unexpected, VariantAccess, Visitor,
};
use serde::{Deserializer, forward_to_deserialize_any};
use std::fmt;
use std::marker::PhantomData;
use toml::de::DeValue;

/// The key that names the variant.
pub(crate) const TAG: &str = "kind";

/// Reads a text.
///
/// # Errors
/// Names the line and the key, what is wrong with its value, and the fix.
pub fn read<T: DeserializeOwned>(text: &str) -> Result<T> {
    let value = DeValue::Table(parse(text)?.into_inner());
    let root = Item {
        text,
        path: String::new(),
        span: 0..0,
        value: &value,
    };
    value_of(&root, PhantomData)
}

/// What is wrong with a value.
#[derive(Debug)]
enum Flaw {
    /// It must be something else.
    MustBe(String),
    /// It has nothing in it, which must be something.
    Empty(String),
    /// It lacks a key.
    Lacks(&'static str),
    /// Its type says why, with the value in it.
    Stated(String),
    /// It is already known which value it is.
    Placed(Problem),
}

impl Flaw {
    fn of(self, item: &Item<'_>) -> Problem {
        match self {
            Flaw::MustBe(what) => item.must_be(&what),
            Flaw::Empty(fix) => item.problem(format!("is empty; {fix}")),
            Flaw::Lacks(key) => match item.table() {
                Ok(table) => table.missing(key),
                Err(problem) => problem,
            },
            Flaw::Stated(why) => Problem {
                message: format!("{}: {why}", item.path),
                ..item.problem("")
            },
            Flaw::Placed(problem) => problem,
        }
    }
}

impl From<Problem> for Flaw {
    fn from(problem: Problem) -> Flaw {
        Flaw::Placed(problem)
    }
}

impl fmt::Display for Flaw {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self:?}")
    }
}

impl std::error::Error for Flaw {}

impl serde::de::Error for Flaw {
    fn custom<T: fmt::Display>(why: T) -> Flaw {
        Flaw::Stated(why.to_string())
    }

    fn invalid_type(_: Unexpected<'_>, expected: &dyn Expected) -> Flaw {
        Flaw::MustBe(expected.to_string())
    }

    fn invalid_value(_: Unexpected<'_>, expected: &dyn Expected) -> Flaw {
        Flaw::MustBe(expected.to_string())
    }

    fn invalid_length(length: usize, expected: &dyn Expected) -> Flaw {
        match length {
            0 => Flaw::Empty(expected.to_string()),
            _ => Flaw::MustBe(expected.to_string()),
        }
    }

    fn missing_field(key: &'static str) -> Flaw {
        Flaw::Lacks(key)
    }
}

/// A value, with every flaw in it placed.
fn value_of<'t, S: DeserializeSeed<'t>>(item: &Item<'t>, seed: S) -> Result<S::Value> {
    let value = Value {
        item: item.clone(),
        is_tagged: false,
    };
    seed.deserialize(value).map_err(|flaw| flaw.of(item))
}

/// What a type makes of a value.
type Made<T> = std::result::Result<T, Flaw>;

/// A value to be read as some type.
struct Value<'t> {
    item: Item<'t>,
    /// It is the table of a variant, whose key [`TAG`] is no key of the variant's struct.
    is_tagged: bool,
}

impl<'de> Deserializer<'de> for Value<'de> {
    type Error = Flaw;

    /// Reads a text: values of other types than the ones below are in no configuration.
    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Made<V::Value> {
        visitor.visit_str(self.item.text()?)
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Made<V::Value> {
        visitor.visit_bool(self.item.boolean()?)
    }

    fn deserialize_u32<V: Visitor<'de>>(self, visitor: V) -> Made<V::Value> {
        match self.item.integer() {
            Some(number) => visitor.visit_u64(number),
            None => Err(Flaw::invalid_type(Unexpected::Other("another"), &visitor)),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Made<V::Value> {
        visitor.visit_some(self)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Made<V::Value> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Made<V::Value> {
        visitor.visit_seq(Elements(self.item.list()?.into_iter()))
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        keys: &'static [&'static str],
        visitor: V,
    ) -> Made<V::Value> {
        let table = self.item.table()?;
        let tag = Some(TAG).filter(|_| self.is_tagged);
        let known: Vec<&str> = tag.into_iter().chain(keys.iter().copied()).collect();
        table.check_keys(&known)?;
        let entries = table.items().filter(|(key, _)| Some(key.as_str()) != tag);
        visitor.visit_map(Entries {
            entries: entries.collect::<Vec<_>>().into_iter(),
            value: None,
        })
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Made<V::Value> {
        let name = match self.item.table() {
            Ok(table) => table.require(TAG)?,
            Err(_) => self.item.clone(),
        };
        let words: Vec<_> = variants.iter().map(|word| (*word, *word)).collect();
        visitor.visit_enum(Variant {
            name: name.word(&words)?,
            item: self.item,
        })
    }

    forward_to_deserialize_any! {
        i8 i16 i32 i64 u8 u16 u64 f32 f64 char str string bytes byte_buf unit unit_struct tuple tuple_struct map
        identifier ignored_any
    }
}

/// The elements of a list.
struct Elements<'t>(std::vec::IntoIter<Item<'t>>);

impl<'t> SeqAccess<'t> for Elements<'t> {
    type Error = Flaw;

    fn next_element_seed<S: DeserializeSeed<'t>>(&mut self, seed: S) -> Made<Option<S::Value>> {
        let element = self.0.next();
        Ok(element.map(|item| value_of(&item, seed)).transpose()?)
    }
}

/// The entries of a table.
struct Entries<'t> {
    entries: std::vec::IntoIter<(String, Item<'t>)>,
    value: Option<Item<'t>>,
}

impl<'t> MapAccess<'t> for Entries<'t> {
    type Error = Flaw;

    fn next_key_seed<S: DeserializeSeed<'t>>(&mut self, seed: S) -> Made<Option<S::Value>> {
        let Some((key, value)) = self.entries.next() else {
            return Ok(None);
        };
        self.value = Some(value);
        seed.deserialize(key.into_deserializer()).map(Some)
    }

    fn next_value_seed<S: DeserializeSeed<'t>>(&mut self, seed: S) -> Made<S::Value> {
        let value = self.value.take();
        let value = value.ok_or_else(|| Flaw::custom("a value is read before its key"))?;
        Ok(value_of(&value, seed)?)
    }
}

/// One of the variants of an enum: a word, or a table that holds more.
struct Variant<'t> {
    name: &'static str,
    item: Item<'t>,
}

impl<'t> EnumAccess<'t> for Variant<'t> {
    type Error = Flaw;
    type Variant = Variant<'t>;

    fn variant_seed<S: DeserializeSeed<'t>>(self, seed: S) -> Made<(S::Value, Variant<'t>)> {
        let name = StrDeserializer::<Flaw>::new(self.name);
        Ok((seed.deserialize(name)?, self))
    }
}

impl<'t> VariantAccess<'t> for Variant<'t> {
    type Error = Flaw;

    fn unit_variant(self) -> Made<()> {
        Ok(())
    }

    fn newtype_variant_seed<S: DeserializeSeed<'t>>(self, seed: S) -> Made<S::Value> {
        seed.deserialize(Value {
            item: self.item,
            is_tagged: true,
        })
    }

    fn tuple_variant<V: Visitor<'t>>(self, _: usize, _: V) -> Made<V::Value> {
        Err(Flaw::custom("a kind holds one struct"))
    }

    fn struct_variant<V: Visitor<'t>>(self, _: &'static [&'static str], _: V) -> Made<V::Value> {
        Err(Flaw::custom("a kind holds one struct"))
    }
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
    struct Square {
        side: Number<2, 9>,
    }

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
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
                "line 5: unknown key \"shape[0].r\"; known here: kind, radius, filled",
            ),
            (
                "side",
                "radius",
                "line 9: unknown key \"shape[1].radius\"; known here: kind, side",
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
    fn text_cut_off_anywhere_is_an_error_or_a_shorter_whole() {
        for end in 0..WHOLE.len() {
            if let Ok(whole) = read::<Whole>(&WHOLE[..end]) {
                assert!(whole.shape.len() <= 2, "{end}");
            }
        }
    }
}
