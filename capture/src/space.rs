//! Whether a dump may fit.

/// The part of memory that a dump is at the very least hoped to be, filtered and compressed. Most are a
/// tenth and less; one that was refused by an estimate and would have fitted is as lost as one on a full
/// disk.
const HOPED_FOR: u64 = 16;

/// There is too little room.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "there are {} MiB free, and the dump needs {} MiB at the very least; free some, or leave out more of memory \
     with a higher dump.level", .free >> 20, (.least >> 20) + 1
)]
pub struct TooLittle {
    /// Bytes that are free.
    pub free: u64,
    /// Bytes that are needed.
    pub least: u64,
}

/// What a dump of at most `most` bytes needs at the very least; it shrinks if pages are compressed or left
/// out.
#[must_use]
pub fn least(most: u64, shrinks: bool) -> u64 {
    if shrinks { most / HOPED_FOR } else { most }
}

/// Sees whether it is worth trying.
///
/// # Errors
/// When it isn't.
pub fn check(free: u64, most: u64, shrinks: bool) -> Result<(), TooLittle> {
    let least = least(most, shrinks);
    match free >= least {
        true => Ok(()),
        false => Err(TooLittle { free, least }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GIB: u64 = 1 << 30;

    #[test]
    fn what_does_not_shrink_needs_all_of_it() {
        assert_eq!(check(GIB, GIB, false), Ok(()));
        assert!(check(GIB - 1, GIB, false).is_err());
    }

    #[test]
    fn what_shrinks_is_tried_unless_there_is_no_hope() {
        assert_eq!(check(GIB / 16, GIB, true), Ok(()));
        assert_eq!(
            check(GIB / 16 - 1, GIB, true).unwrap_err().to_string(),
            "there are 63 MiB free, and the dump needs 65 MiB at the very least; free some, or leave out \
             more of memory with a higher dump.level"
        );
    }
}
