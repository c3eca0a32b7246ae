//! What is printed of types of other crates, which have no schemas.

use schemars::JsonSchema;

/// What was written, and why not less: `baton_kdump::convert::Summary`.
#[derive(JsonSchema)]
#[schemars(rename_all = "kebab-case")]
#[allow(dead_code)]
pub struct Summary {
    /// The format: `kdump` or `elf`.
    format: String,
    /// How pages are compressed: `zstd:LEVEL`, `zlib:LEVEL` or `none`.
    compression: String,
    /// The dump level that was asked for, 0 to 31.
    level_asked: u8,
    /// The dump level that was used.
    level: u8,
    /// What became of pages of which it can't be told whether that level leaves them out: `keep`, `drop` or `log-only`.
    on_doubt: String,
    /// Which page structures were dumped: `all`, or `of-dumped`.
    #[serde(default)]
    page_structs: String,
    /// Why it is in doubt what pages are, and what else is odd.
    doubts: Vec<Warning>,
    /// Whether all is in it that should be.
    complete: bool,
    /// How many pages there are, and what became of them.
    pages: Pages,
    /// Pages that were left out.
    excluded: Counts,
    /// The length of the dump, in bytes.
    bytes: u64,
    /// How long it took.
    seconds: Times,
}

/// A reason to doubt, or a sign that something is odd: `baton_kdump::filter::Warning`.
#[derive(JsonSchema)]
#[schemars(tag = "doubt", rename_all = "kebab-case")]
#[allow(dead_code)]
pub enum Warning {
    /// Nothing is known of any page.
    NoMap {
        /// What is missing.
        why: String,
    },
    /// A class can't be told by what the kernel says of itself.
    Untold {
        /// What is in doubt.
        class: String,
        /// What VMCOREINFO lacks.
        missing: String,
    },
    /// Pages that the kernel needs seem to be of this class.
    Contradicted {
        /// What is in doubt.
        class: String,
    },
    /// More pages seem free than are.
    TooManyFree {
        /// Pages that seem free.
        found: u64,
        /// Pages that the kernel counted as free.
        counted: u64,
    },
    /// Fewer pages seem free than are.
    TooFewFree {
        /// Pages that seem free.
        found: u64,
        /// Pages that the kernel counted as free.
        counted: u64,
    },
    /// What the kernel counted isn't known.
    Uncounted {
        /// What is missing.
        why: String,
    },
    /// Which pages CPUs keep for themselves isn't known.
    CpusUntold {
        /// What is missing.
        why: String,
    },
    /// CPUs were stopped while they changed their lists, or their lists are damaged.
    CpusDoubtful {
        /// How many pages that are on them by the kernel's count weren't found.
        pages: u64,
    },
    /// The memory that describes pages can't be read everywhere.
    Unread {
        /// How many pages that is.
        pages: u64,
    },
}

/// Numbers of pages.
#[derive(JsonSchema)]
#[allow(dead_code)]
pub struct Pages {
    /// All memory.
    present: u64,
    /// Those in the dump, zeros among them.
    dumped: u64,
    /// Of them, zeros, which take no room.
    zero: u64,
    /// Of them, those that are equal to another one and share its place.
    #[serde(default)]
    equal: u64,
    /// Those left out that hold nothing but structures of pages that aren't dumped.
    #[serde(default)]
    structs: u64,
    /// Of the dumped ones, those that couldn't be read, which are lost.
    unreadable: u64,
    /// Those that the source lacks, since it is filtered itself.
    lacking: u64,
    /// Those that the source should have, and hasn't; they are left out.
    lost: u64,
}

/// How many pages there are of each class.
#[derive(JsonSchema)]
#[schemars(rename_all = "kebab-case")]
#[allow(dead_code)]
pub struct Counts {
    /// Page cache without private data.
    cache: u64,
    /// Page cache with private data.
    cache_private: u64,
    /// Memory of processes.
    user: u64,
    /// Free, in the buddy allocator.
    free: u64,
    /// Free, and not yet accepted from the hypervisor.
    unaccepted: u64,
    /// Those that hardware says are broken.
    poisoned: u64,
    /// Those that should be there and aren't: a balloon has them, or a hypervisor.
    offline: u64,
}

/// Seconds for each part.
#[derive(JsonSchema)]
#[allow(dead_code)]
pub struct Times {
    /// Headers, and choosing pages.
    choosing: f64,
    /// The kernel log and the stacks.
    first: f64,
    /// All other pages.
    pages: f64,
}
