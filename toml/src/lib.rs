//! Reads and writes TOML as people do. Whatever is wrong is reported with its line and its key.
//!
//! ```
//! #[derive(Debug, serde::Deserialize)]
//! struct Settings {
//!     keep: baton_toml::Number<1, 10>,
//! }
//!
//! let error = baton_toml::read::<Settings>("\nkeep = \"all\"").unwrap_err();
//! let said = "line 2: keep is \"all\"; it must be a number from 1 to 10";
//! assert_eq!(error.to_string(), said);
//! ```

#![forbid(unsafe_code)]

mod error;
mod item;
mod read;
mod value;
mod write;

pub use read::{problem, read};
pub use value::{Number, must_be, not_empty, valid};
pub use write::{write, write_variants};

/// What is wrong, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TomlError {
    /// The line, from 1, if it is about one.
    pub line: Option<usize>,
    /// The key, the reason, and the fix.
    pub message: String,
}

/// What reading gives.
pub type Result<T, E = TomlError> = std::result::Result<T, E>;

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
