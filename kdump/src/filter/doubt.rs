//! What becomes of pages of which it can't be told whether a level leaves them out.

use super::class::Level;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// What becomes of pages in doubt.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum OnDoubt {
    /// They are in the dump, which says the level of what it lacks as a whole.
    #[default]
    Keep,
    /// They aren't. Where no page can be told, that is all but the kernel log and the stacks of the running tasks.
    Drop,
    /// Where there is any doubt, the dump has the kernel log and nothing else.
    LogOnly,
}

impl OnDoubt {
    /// All of them.
    pub const ALL: [OnDoubt; 3] = [OnDoubt::Keep, OnDoubt::Drop, OnDoubt::LogOnly];

    /// The one that goes with this level: where nothing is to be left out, there is no doubt.
    pub(super) fn with(self, level: Level) -> OnDoubt {
        // Zeros are told by what they are.
        if u8::from(level) & !1 == 0 {
            OnDoubt::Keep
        } else {
            self
        }
    }
}

impl fmt::Display for OnDoubt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            OnDoubt::Keep => "keep",
            OnDoubt::Drop => "drop",
            OnDoubt::LogOnly => "log-only",
        })
    }
}

/// A word that says nothing of the kind.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}: pages in doubt can't be treated so; it is keep, drop or log-only")]
pub struct NoSuchTreatment(String);

impl FromStr for OnDoubt {
    type Err = NoSuchTreatment;

    fn from_str(word: &str) -> Result<OnDoubt, NoSuchTreatment> {
        let mut all = OnDoubt::ALL.into_iter();
        all.find(|it| it.to_string() == word)
            .ok_or_else(|| NoSuchTreatment(word.to_owned()))
    }
}

/// Which pages are written, whatever is chosen by class.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Wanted {
    /// Those that the level doesn't leave out.
    #[default]
    ByLevel,
    /// The priority pages alone.
    Priority,
    /// The kernel log's alone.
    Log,
}
