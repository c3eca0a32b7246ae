//! Why it is in doubt whether pages are left out of a dump.

use super::class::Class;
use serde::{Deserialize, Serialize};

/// A reason to doubt, or a sign that something is odd.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(tag = "doubt", rename_all = "kebab-case")]
pub enum Warning {
    /// Nothing is known of any page.
    #[error("pages can't be told apart, so all are in doubt: {why}")]
    NoMap {
        /// What is missing.
        why: String,
    },
    /// A class can't be told by what the kernel says of itself.
    #[error("{class} can't be told: the crashed kernel's VMCOREINFO has no {missing}")]
    #[serde(rename = "untold")]
    Unstated {
        /// What is in doubt.
        class: Class,
        /// The key that is missing.
        missing: String,
    },
    /// Pages that the kernel needs seem to be of this class.
    #[error(
        "{class} is in doubt: pages that certainly belong to the kernel seem to be of this kind, too"
    )]
    Contradicted {
        /// What is in doubt.
        class: Class,
    },
    /// More pages seem free than are.
    #[error(
        "free memory is in doubt: {found} pages seem free, of {counted} that the kernel counted"
    )]
    TooManyFree {
        /// Pages that seem free.
        found: u64,
        /// Pages that the kernel counted as free.
        counted: u64,
    },
    /// Fewer pages seem free than are.
    #[error(
        "some free memory can't be found: {found} free pages were found, of {counted} that the kernel counted"
    )]
    TooFewFree {
        /// Pages that seem free.
        found: u64,
        /// Pages that the kernel counted as free.
        counted: u64,
    },
    /// What the kernel counted isn't known.
    #[error("whether free memory is free can't be checked: {why}")]
    Uncounted {
        /// What is missing.
        why: String,
    },
    /// Which pages CPUs keep for themselves isn't known.
    #[error("pages that CPUs keep on free lists of their own can't be told: {why}")]
    CpusUntold {
        /// What is missing.
        why: String,
    },
    /// CPUs were stopped while they changed their lists, or their lists are damaged.
    #[error(
        "{pages} pages that CPUs keep on free lists of their own are in doubt: the lists don't lead there, or the pages don't look free"
    )]
    CpusDoubtful {
        /// How many.
        pages: u64,
    },
    /// The memory that describes pages can't be read everywhere.
    #[error("{pages} pages are in doubt, since nothing can be read about them")]
    Unread {
        /// How many.
        pages: u64,
    },
}
