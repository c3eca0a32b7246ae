//! Reads TOML that people write. Every value knows where it stands, so that an error names the line and the key.
//!
//! [`read`] reads a text into types that derive [`serde::Deserialize`]; [`parse`], [`Table`] and [`Item`] are for
//! what takes more than that.
//!
//! ```
//! #[derive(Debug, serde::Deserialize)]
//! struct Settings {
//!     keep: baton_toml::Number<1, 10>,
//! }
//!
//! let error = baton_toml::read::<Settings>("\nkeep = \"all\"").unwrap_err();
//! let said = "line 2: keep: invalid type: string \"all\", expected a number from 1 to 10";
//! assert_eq!(error.to_string(), said);
//! ```

#![forbid(unsafe_code)]

mod read;
mod value;
mod write;

pub use read::read;
pub use value::{Number, list, not_empty, valid};
pub use write::write_variants;

use std::ops::Range;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// What is wrong, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TomlError {
    /// The line, from 1, if it is about one.
    pub line: Option<usize>,
    /// The key, the reason, and the fix.
    pub message: String,
}

/// What reading gives.
pub type Result<T> = std::result::Result<T, TomlError>;

impl TomlError {
    /// One about the whole.
    pub fn new(message: impl Into<String>) -> TomlError {
        TomlError {
            line: None,
            message: message.into(),
        }
    }
}

impl std::fmt::Display for TomlError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if let Some(line) = self.line {
            write!(f, "line {line}: ")?;
        }
        f.write_str(&self.message)
    }
}

/// A value, and the dotted key that leads to it.
#[derive(Debug, Clone)]
pub struct Item<'t> {
    text: &'t str,
    path: String,
    span: Range<usize>,
    value: &'t DeValue<'t>,
}

/// A table, and the dotted key that leads to it.
#[derive(Debug, Clone)]
pub struct Table<'t> {
    text: &'t str,
    path: String,
    span: Range<usize>,
    entries: &'t DeTable<'t>,
}

/// Reads a text as TOML.
///
/// # Errors
/// When it isn't.
pub fn parse(text: &str) -> Result<Spanned<DeTable<'_>>> {
    DeTable::parse(text).map_err(|e| TomlError {
        line: e.span().map(|span| line(text, span.start)),
        message: format!("not TOML: {}", one_line(e.message())),
    })
}

fn one_line(message: &str) -> String {
    message.trim().replace('\n', ", ")
}

fn line(text: &str, offset: usize) -> usize {
    let before = text.get(..offset).unwrap_or(text);
    before.matches('\n').count() + 1
}

impl<'t> Table<'t> {
    /// The outermost table of `text`.
    pub fn root(text: &'t str, table: &'t Spanned<DeTable<'t>>) -> Table<'t> {
        Table {
            text,
            path: String::new(),
            span: 0..0,
            entries: table.get_ref(),
        }
    }

    /// Whether nothing is said in it but perhaps this.
    pub fn says_only(&self, key: &str) -> bool {
        self.entries.keys().all(|it| it.get_ref() == key)
    }

    /// Refuses keys but these.
    ///
    /// # Errors
    /// Names the first that isn't known.
    pub fn check_keys(&self, known: &[&str]) -> Result<()> {
        let mut unknown = self.entries.iter().map(|(key, _)| key);
        let Some(key) = unknown.find(|key| !known.contains(&key.get_ref().as_ref())) else {
            return Ok(());
        };
        Err(TomlError {
            line: Some(line(self.text, key.span().start)),
            message: format!(
                "unknown key \"{}\"; known here: {}",
                self.path_of(key.get_ref()),
                known.join(", ")
            ),
        })
    }

    /// What a key holds.
    pub fn get(&self, key: &str) -> Option<Item<'t>> {
        let (_, value) = self.entries.iter().find(|(it, _)| it.get_ref() == key)?;
        Some(self.item(key, value))
    }

    /// What a key must hold.
    ///
    /// # Errors
    /// When it is missing.
    pub fn require(&self, key: &str) -> Result<Item<'t>> {
        self.get(key).ok_or_else(|| self.missing(key))
    }

    fn missing(&self, key: &str) -> TomlError {
        self.problem(format!("\"{}\" is missing", self.path_of(key)))
    }

    /// The table that a key holds.
    ///
    /// # Errors
    /// When it holds something else.
    pub fn table(&self, key: &str) -> Result<Option<Table<'t>>> {
        self.get(key).map(|item| item.table()).transpose()
    }

    /// All keys with what they hold, in their order.
    pub fn items(&self) -> impl Iterator<Item = (String, Item<'t>)> {
        self.entries.iter().map(|(key, value)| {
            let key = key.get_ref().to_string();
            let item = self.item(&key, value);
            (key, item)
        })
    }

    /// Something wrong with it.
    pub fn problem(&self, message: impl Into<String>) -> TomlError {
        let root = self.path.is_empty();
        TomlError {
            line: (!root).then(|| line(self.text, self.span.start)),
            message: message.into(),
        }
    }

    fn item(&self, key: &str, value: &'t Spanned<DeValue<'t>>) -> Item<'t> {
        Item {
            text: self.text,
            path: self.path_of(key),
            span: value.span(),
            value: value.get_ref(),
        }
    }

    /// A key in quotes can hold anything; an error has one line.
    fn path_of(&self, key: &str) -> String {
        match self.path.as_str() {
            "" => key.escape_debug().to_string(),
            path => format!("{path}.{}", key.escape_debug()),
        }
    }
}

impl<'t> Item<'t> {
    /// The dotted key that leads to it.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// Something wrong with it: "KEY is VALUE; FIX".
    pub fn must_be(&self, what: &str) -> TomlError {
        let shown = self.text.get(self.span.clone()).unwrap_or_default();
        let shown = shown.split_whitespace().collect::<Vec<_>>().join(" ");
        let shown = match shown.char_indices().nth(60) {
            Some((at, _)) => format!("{}…", &shown[..at]),
            None => shown,
        };
        self.problem(format!("is {shown}; it must be {what}"))
    }

    /// Something wrong with it: "KEY WHY".
    pub fn problem(&self, why: impl std::fmt::Display) -> TomlError {
        TomlError {
            line: Some(line(self.text, self.span.start)),
            message: format!("{} {why}", self.path),
        }
    }

    /// As a table.
    ///
    /// # Errors
    /// When it is none.
    pub fn table(&self) -> Result<Table<'t>> {
        match self.value {
            DeValue::Table(entries) => Ok(Table {
                text: self.text,
                path: self.path.clone(),
                span: self.span.clone(),
                entries,
            }),
            _ => Err(self.must_be(&format!("a table: [{}]", self.path))),
        }
    }

    /// As a text.
    ///
    /// # Errors
    /// When it is none.
    pub fn text(&self) -> Result<&'t str> {
        match self.value {
            DeValue::String(text) => Ok(text),
            _ => Err(self.must_be("a text in quotes")),
        }
    }

    /// As yes or no.
    ///
    /// # Errors
    /// When it is neither.
    pub fn boolean(&self) -> Result<bool> {
        match self.value {
            DeValue::Boolean(yes) => Ok(*yes),
            _ => Err(self.must_be("true or false")),
        }
    }

    /// As a number from one to another.
    ///
    /// # Errors
    /// When it is something else.
    pub fn number(&self, least: u64, most: u64) -> Result<u64> {
        self.integer()
            .filter(|number| (least..=most).contains(number))
            .ok_or_else(|| self.must_be(&format!("a number from {least} to {most}")))
    }

    fn integer(&self) -> Option<u64> {
        match self.value {
            DeValue::Integer(digits) => u64::from_str_radix(digits.as_str(), digits.radix()).ok(),
            _ => None,
        }
    }

    /// As a list.
    ///
    /// # Errors
    /// When it is none.
    pub fn list(&self) -> Result<Vec<Item<'t>>> {
        let DeValue::Array(items) = self.value else {
            return Err(self.must_be("a list in brackets"));
        };
        let items = items.iter().enumerate().map(|(index, value)| Item {
            text: self.text,
            path: format!("{}[{index}]", self.path),
            span: value.span(),
            value: value.get_ref(),
        });
        Ok(items.collect())
    }

    /// As a list of texts.
    ///
    /// # Errors
    /// When it is something else.
    pub fn texts(&self) -> Result<Vec<String>> {
        let items = self.list()?;
        items
            .iter()
            .map(|it| it.text().map(str::to_owned))
            .collect()
    }

    /// As one of these words.
    ///
    /// # Errors
    /// When it is something else.
    pub fn word<T: Copy>(&self, words: &[(&str, T)]) -> Result<T> {
        let text = self.text().ok();
        let found = words.iter().find(|(word, _)| Some(*word) == text);
        let known = || {
            let quoted = words.iter().map(|(word, _)| format!("\"{word}\""));
            self.must_be(&quoted.collect::<Vec<_>>().join(" or "))
        };
        found.map(|(_, meaning)| *meaning).ok_or_else(known)
    }
}
