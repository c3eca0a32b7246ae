//! A value that knows where it stands.

use crate::{Result, TomlError};
use std::ops::Range;
use toml::de::{DeTable, DeValue};

/// A value, and the dotted key that leads to it; none leads to the outermost table.
#[derive(Debug, Clone)]
pub(crate) struct Item<'t> {
    text: &'t str,
    pub(crate) path: String,
    pub(crate) span: Range<usize>,
    pub(crate) value: &'t DeValue<'t>,
    /// A key of a table that isn't shown.
    hidden: Option<&'static str>,
}

/// A key, where it stands, and what it holds.
pub(crate) type Entry<'t> = (&'t str, Item<'t>, Item<'t>);

/// Reads a text as TOML.
pub(crate) fn parse(text: &str) -> Result<DeValue<'_>> {
    let table = DeTable::parse(text).map_err(|e| TomlError {
        line: e.span().map(|span| line(text, span.start)),
        message: format!("not TOML: {}", e.message().trim().replace('\n', ", ")),
    })?;
    Ok(DeValue::Table(table.into_inner()))
}

fn line(text: &str, offset: usize) -> usize {
    let before = text.get(..offset).unwrap_or(text);
    before.matches('\n').count() + 1
}

impl<'t> Item<'t> {
    /// The outermost table of `text`.
    pub(crate) fn root(text: &'t str, value: &'t DeValue<'t>) -> Item<'t> {
        Item {
            text,
            path: String::new(),
            span: 0..0,
            value,
            hidden: None,
        }
    }

    pub(crate) fn line(&self) -> usize {
        line(self.text, self.span.start)
    }

    /// What is written there.
    pub(crate) fn raw(&self) -> &'t str {
        self.text.get(self.span.clone()).unwrap_or_default()
    }

    /// The same on one line of bounded length.
    pub(crate) fn shown(&self) -> String {
        let words: Vec<_> = self.raw().split_whitespace().collect();
        let shown = words.join(" ");
        match shown.char_indices().nth(60) {
            Some((at, _)) => format!("{}…", &shown[..at]),
            None => shown,
        }
    }

    /// A key in quotes can hold anything; an error has one line.
    pub(crate) fn path_of(&self, key: &str) -> String {
        match self.path.as_str() {
            "" => key.escape_debug().to_string(),
            path => format!("{path}.{}", key.escape_debug()),
        }
    }

    fn at(&self, path: String, span: Range<usize>, value: &'t DeValue<'t>) -> Item<'t> {
        Item {
            text: self.text,
            path,
            span,
            value,
            hidden: None,
        }
    }

    /// The keys of a table with what they hold.
    pub(crate) fn entries(&self) -> Vec<Entry<'t>> {
        let DeValue::Table(entries) = self.value else {
            return Vec::new();
        };
        let entries = entries.iter().map(|(key, value)| {
            let (name, path) = (key.get_ref().as_ref(), self.path_of(key.get_ref()));
            let place = self.at(path.clone(), key.span(), value.get_ref());
            (name, place, self.at(path, value.span(), value.get_ref()))
        });
        entries
            .filter(|(name, ..)| self.hidden != Some(name))
            .collect()
    }

    /// The elements of a list.
    pub(crate) fn elements(&self) -> Vec<Item<'t>> {
        let DeValue::Array(elements) = self.value else {
            return Vec::new();
        };
        let elements = elements.iter().enumerate();
        let elements = elements.map(|(index, value)| {
            let path = format!("{}[{index}]", self.path);
            self.at(path, value.span(), value.get_ref())
        });
        elements.collect()
    }

    /// What a key of a table holds, and the table without it.
    pub(crate) fn without(self, key: &'static str) -> Option<(Item<'t>, Item<'t>)> {
        let mut entries = self.entries().into_iter();
        let (_, _, value) = entries.find(|(name, ..)| *name == key)?;
        let rest = Item {
            hidden: Some(key),
            ..self
        };
        Some((value, rest))
    }

    /// What this dotted key leads to.
    pub(crate) fn find(&self, path: &str) -> Option<Item<'t>> {
        if self.path == path {
            return Some(self.clone());
        }
        let values = self.entries().into_iter().map(|(_, _, value)| value);
        let mut children = self.elements().into_iter().chain(values);
        children.find_map(|child| child.find(path))
    }

    /// A number that isn't negative.
    pub(crate) fn number(&self) -> Option<u64> {
        match self.value {
            DeValue::Integer(digits) => u64::from_str_radix(digits.as_str(), digits.radix()).ok(),
            _ => None,
        }
    }
}
