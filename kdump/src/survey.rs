//! What there is of a dump: stated once, for everyone who says whether it is complete.

use std::ops::Range;

/// What a dump holds, as far as that is known without decoding its pages.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Survey {
    /// Pages that the machine had.
    pub present: u64,
    /// Pages that the dump holds.
    pub held: u64,
    /// Pages that it should hold, and doesn't.
    pub lost: u64,
    /// What else is wrong with it.
    pub flaws: Vec<Flaw>,
}

impl Survey {
    /// Whether all is there that should be.
    #[must_use]
    pub fn complete(&self) -> bool {
        self.lost == 0 && self.flaws.is_empty()
    }

    /// Pages that were left out on purpose.
    #[must_use]
    pub fn left_out(&self) -> u64 {
        self.present
            .saturating_sub(self.held)
            .saturating_sub(self.lost)
    }
}

/// What is wrong with a dump, besides pages that are lost.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Flaw {
    /// Its header says so.
    #[error("it says that it wasn't written to its end")]
    Marked,
    /// Something else says so.
    #[error("{0} says that it wasn't finished")]
    Unfinished(&'static str),
    /// There is nothing in it.
    #[error("it has no memory")]
    Empty,
    /// As a flattened dump.
    #[error("it is flattened, and the record that ends it is missing")]
    Unended,
    /// A record of a flattened dump.
    #[error("it is flattened, and the record at {0:#x} is invalid: what follows is left out")]
    Record(u64),
    /// It ends too early.
    #[error("its {0} would end beyond the end of the file")]
    CutOff(&'static str),
    /// Its notes can't be.
    #[error("its notes are longer than any can be, and are left out")]
    Notes,
    /// A part of a split dump.
    #[error("the part with the page frames {:#x} to {:#x} isn't here", .0.start, .0.end - 1)]
    Part(Range<u64>),
    /// A segment of an ELF core.
    #[error("program header {0} is invalid, and is left out: {1}")]
    Segment(usize, &'static str),
    /// A segment that claims more memory than its file can speak for.
    #[error(
        "program header {number} claims {claimed} bytes of memory, of which the file has {held}: the others are left out"
    )]
    Claim {
        /// Its number.
        number: usize,
        /// How much it claims.
        claimed: u64,
        /// How much of it is there.
        held: u64,
    },
    /// Two segments of an ELF core with different bytes for the same memory.
    #[error(
        "program header {number} has the memory at {address:#x} once more, with other bytes: they are left out"
    )]
    Twice {
        /// The number of the one that isn't taken.
        number: usize,
        /// Where they first differ.
        address: u64,
    },
}
