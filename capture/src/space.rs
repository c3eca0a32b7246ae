//! Whether a dump may fit.

/// By what factor filtering and compression can shrink a dump at best. Most dumps shrink to a tenth or less of
/// memory, but the estimate must be optimistic: a dump that is refused although it would have fitted is as lost
/// as one that fills the disk.
const MAX_RATIO: u64 = 16;

/// There is too little room for the dump.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "there are {} MiB free, and the dump needs at least {} MiB; free some space, or leave out more of memory \
     with a higher dump.level", .free >> 20, (.needed >> 20) + 1
)]
pub struct TooLittle {
    /// The bytes that are free.
    pub free: u64,
    /// The bytes that the dump needs at least.
    pub needed: u64,
}

/// The smallest size that a dump of at most `max_size` bytes can have. It shrinks if pages are compressed or
/// left out.
#[must_use]
pub fn min_size(max_size: u64, shrinks: bool) -> u64 {
    if shrinks {
        max_size / MAX_RATIO
    } else {
        max_size
    }
}

/// Checks whether a dump of at most `max_size` bytes may fit.
///
/// # Errors
/// When it can't fit.
pub fn check(free: u64, max_size: u64, shrinks: bool) -> Result<(), TooLittle> {
    let needed = min_size(max_size, shrinks);
    if free >= needed {
        Ok(())
    } else {
        Err(TooLittle { free, needed })
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
            "there are 63 MiB free, and the dump needs at least 65 MiB; free some space, or leave out \
             more of memory with a higher dump.level"
        );
    }
}
