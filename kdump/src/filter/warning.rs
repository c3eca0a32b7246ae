//! Why less was left out of a dump than was asked for.

use super::class::Class;
use serde::{Deserialize, Serialize};

/// A reason to leave out less, or a sign that something is odd.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(tag = "doubt", rename_all = "kebab-case")]
pub enum Warning {
    /// Nothing is known of any page.
    #[error("pages can't be told apart, so all are kept: {why}")]
    NoMap {
        /// What is missing.
        why: String,
    },
    /// A class can't be told by what the kernel says of itself.
    #[error("{class} is kept: the crashed kernel's VMCOREINFO has no {missing}")]
    #[serde(rename = "untold")]
    Unstated {
        /// What is kept.
        class: Class,
        /// The key that is missing.
        missing: String,
    },
    /// Pages that the kernel needs seem to be of this class.
    #[error(
        "{class} is kept: pages that certainly belong to the kernel seem to be of this kind, too"
    )]
    Contradicted {
        /// What is kept.
        class: Class,
    },
    /// More pages seem free than are.
    #[error("free memory is kept: {found} pages seem free, of {counted} that the kernel counted")]
    TooManyFree {
        /// Pages that seem free.
        found: u64,
        /// Pages that the kernel counted as free.
        counted: u64,
    },
    /// Fewer pages seem free than are.
    #[error(
        "some free memory is kept: {found} free pages were found, of {counted} that the kernel counted"
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
    #[error("pages that CPUs keep on free lists of their own are kept: {why}")]
    CpusUntold {
        /// What is missing.
        why: String,
    },
    /// CPUs were stopped while they changed their lists, or their lists are damaged.
    #[error(
        "{pages} pages that CPUs keep on free lists of their own are kept: the lists don't lead there, or the pages don't look free"
    )]
    CpusDoubtful {
        /// How many.
        pages: u64,
    },
    /// The memory that describes pages can't be read everywhere.
    #[error("{pages} pages are kept, since nothing can be read about them")]
    Unread {
        /// How many.
        pages: u64,
    },
}
