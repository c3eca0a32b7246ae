//! The words of a policy. Its TOML is read and written by them, and all that shows a policy uses them.

use baton_formats::policy::{Action, InputSignature, KernelSignature, Purpose, RefusalAction};
use baton_toml::{must_be, not_empty};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt::Debug;
use std::marker::PhantomData;

/// What has a few values, each with a word in TOML, and what it is called in a sentence.
pub trait Words: Copy + PartialEq {
    /// Itself, or its bit in a set.
    type Value: Copy + PartialEq + Debug + 'static;
    /// One row for each value.
    const WORDS: &'static [(Self::Value, &'static str, &'static str)];
    /// What to do instead of an empty list, where a list must not be empty.
    const NOT_EMPTY: Option<&'static str>;
}

macro_rules! words {
    ($type:ty: $of:ty, $not_empty:expr, $($value:expr => $word:literal, $described:literal;)*) => {
        impl Words for $type {
            type Value = $of;
            const WORDS: &'static [($of, &'static str, &'static str)] =
                &[$(($value, $word, $described)),*];
            const NOT_EMPTY: Option<&'static str> = $not_empty;
        }
    };
}

words! { Action: Action, None,
    Action::Allow => "allow", "allowed";
    Action::Deny => "deny", "denied";
}

words! { RefusalAction: RefusalAction, None,
    RefusalAction::Reset => "reset", "resets the machine";
    RefusalAction::Halt => "halt", "halts the machine";
}

// The signature kinds that count for a kernel.
words! { KernelSignature: u8, Some("name at least one signature kind, or no kernel would be accepted"),
    KernelSignature::Authenticode as u8 => "authenticode", "an Authenticode signature on any PE image";
    KernelSignature::Uki as u8 => "uki", "an Authenticode signature on a UKI";
    KernelSignature::ListedDigest as u8 => "listed-digest", "its digest in the machine's MOK list";
    KernelSignature::Appended as u8 => "appended", "an appended signature";
    KernelSignature::Note as u8 => "note", "a signature in an ELF note";
    KernelSignature::Detached as u8 => "detached", "a detached signature";
    KernelSignature::Manifest as u8 => "manifest", "a signed manifest";
}

// Where an initrd may come from, besides a UKI.
words! { InputSignature: u8, None,
    InputSignature::Unsigned as u8 => "unsigned", "unsigned";
    InputSignature::Detached as u8 => "detached", "with a detached signature";
    InputSignature::Manifest as u8 => "manifest", "listed in a signed manifest";
}

/// Where a command line may come from, besides a UKI.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CommandLineSignature {}

words! { CommandLineSignature: u8, None,
    InputSignature::Unsigned as u8 => "unsigned", "chosen by user space";
    InputSignature::Manifest as u8 => "manifest", "what a signed manifest says it must be";
}

// What a key may vouch for.
words! { Purpose: u8, Some("name what the key may vouch for, or revoke it"),
    Purpose::Kernel as u8 => "kernel", "kernels";
    Purpose::Initrd as u8 => "initrd", "initrds";
    Purpose::Manifest as u8 => "manifest", "manifests with all that they list";
    Purpose::Addon as u8 => "addon", "addons of UKIs";
}

/// One of them, which TOML holds as its word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Word<T: Words>(pub T::Value);

impl<T: Words> Word<T> {
    fn row(self) -> Option<&'static (T::Value, &'static str, &'static str)> {
        T::WORDS.iter().find(|(value, ..)| *value == self.0)
    }

    /// The word.
    #[must_use]
    pub fn word(self) -> &'static str {
        self.row().map_or("", |(_, word, _)| *word)
    }

    /// What it is called in a sentence.
    #[must_use]
    pub fn described(self) -> &'static str {
        self.row().map_or("", |(.., described)| *described)
    }
}

impl<T: Words> Serialize for Word<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.word().serialize(serializer)
    }
}

/// One of the words.
#[cfg(test)]
impl<T: Words> schemars::JsonSchema for Word<T> {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Word".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        let words: Vec<&str> = T::WORDS.iter().map(|(_, word, _)| *word).collect();
        schemars::json_schema!({"type": "string", "enum": words})
    }
}

impl<'d, T: Words> Deserialize<'d> for Word<T> {
    fn deserialize<D: Deserializer<'d>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer).ok();
        let mut words = T::WORDS.iter();
        let found = words.find(|(_, word, _)| Some(*word) == text.as_deref());
        found.map(|(value, ..)| Word(*value)).ok_or_else(|| {
            let quoted = T::WORDS.iter().map(|(_, word, _)| format!("\"{word}\""));
            must_be(&quoted.collect::<Vec<_>>().join(" or "))
        })
    }
}

/// A set, which TOML holds as a list of words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Set<T> {
    bits: u8,
    of: PhantomData<T>,
}

impl<T: Words<Value = u8>> Set<T> {
    /// The set of these bits.
    #[must_use]
    pub fn of(bits: u8) -> Self {
        Set {
            bits,
            of: PhantomData,
        }
    }

    /// Its bits.
    #[must_use]
    pub fn bits(self) -> u8 {
        self.bits
    }

    /// Whether one of these bits is in it.
    #[must_use]
    pub fn has(self, bits: u8) -> bool {
        self.bits & bits != 0
    }

    /// The words of what is in it.
    #[must_use]
    pub fn words(self) -> Vec<&'static str> {
        let rows = T::WORDS.iter().filter(|(bit, ..)| self.has(*bit));
        rows.map(|(_, word, _)| *word).collect()
    }

    /// What is in it, as parts of a sentence.
    #[must_use]
    pub fn described(self) -> Vec<&'static str> {
        let rows = T::WORDS.iter().filter(|(bit, ..)| self.has(*bit));
        rows.map(|(.., described)| *described).collect()
    }
}

impl<T: Words<Value = u8>> Serialize for Set<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.words().serialize(serializer)
    }
}

/// A list of the words.
#[cfg(test)]
impl<T: Words<Value = u8>> schemars::JsonSchema for Set<T> {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Set".into()
    }

    fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        Vec::<Word<T>>::json_schema(generator)
    }
}

impl<'d, T: Words<Value = u8>> Deserialize<'d> for Set<T> {
    fn deserialize<D: Deserializer<'d>>(deserializer: D) -> Result<Self, D::Error> {
        let list: Vec<Word<T>> = match T::NOT_EMPTY {
            Some(fix) => not_empty(deserializer, fix)?,
            None => Vec::deserialize(deserializer)?,
        };
        Ok(Set::of(list.iter().fold(0, |bits, word| bits | word.0)))
    }
}
