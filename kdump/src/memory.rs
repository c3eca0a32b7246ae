//! The memory of a machine whose kernel crashed.

use std::ops::Range;

/// Why memory at an address can't be had.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unreadable {
    /// There is no such memory, or the dump never had it.
    #[error("no memory at {0:#x}")]
    Absent(u64),
    /// The dump's filter left it out.
    #[error("the page at {0:#x} was filtered out")]
    Excluded(u64),
    /// It should be there, but reading fails.
    #[error("the page at {0:#x} can't be read: {1}")]
    Damaged(u64, String),
}

/// What there is of memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Presence {
    /// The machine had none there.
    Absent,
    /// A filter left it out.
    LeftOut,
    /// It should be there, and isn't.
    Lost,
    /// It is there, as far as is known without reading it.
    Held,
}

/// Memory of which all is there, or nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Extent {
    /// What there is of it.
    pub presence: Presence,
    /// Where it ends; more of the same may follow.
    pub end: u64,
}

/// Physical memory, read by address.
pub trait Memory: Send + Sync {
    /// Fills `buffer` with what stands at the physical `address`, or fails: never with less.
    fn read(&self, address: u64, buffer: &mut [u8]) -> Result<(), Unreadable>;

    /// The memory that there was, in bytes, sorted and apart from each other.
    fn ranges(&self) -> &[Range<u64>];

    /// What there is from `address` on. It ends beyond `address`, where that isn't the last one.
    fn extent(&self, address: u64) -> Extent {
        held_within(self.ranges(), address)
    }

    /// Whether what is [held](Presence::Held) is encoded, so that only reading it tells whether it can be read.
    fn encoded(&self) -> bool {
        false
    }

    /// Whether a filter left out the page at `address`.
    fn excluded(&self, address: u64) -> bool {
        self.extent(address).presence == Presence::LeftOut
    }
}

/// The extent at an address, where all memory is there.
fn held_within(ranges: &[Range<u64>], address: u64) -> Extent {
    let after = ranges.partition_point(|range| range.end <= address);
    let (presence, end) = match ranges.get(after) {
        Some(range) if range.start <= address => (Presence::Held, range.end),
        Some(range) => (Presence::Absent, range.start),
        None => (Presence::Absent, u64::MAX),
    };
    Extent { presence, end }
}

/// The extents of some memory, one after another, ended where it ends.
fn extents(memory: &dyn Memory, range: Range<u64>) -> impl Iterator<Item = (Range<u64>, Presence)> {
    let mut start = range.start;
    std::iter::from_fn(move || {
        if start >= range.end {
            return None;
        }
        let extent = memory.extent(start);
        let end = extent.end.max(start + 1).min(range.end);
        let part = start..end;
        start = end;
        Some((part, extent.presence))
    })
}

/// What there is of a page. If it is there in part, it is there, unless a part of it is lost.
pub fn presence(memory: &dyn Memory, page: Range<u64>) -> Presence {
    extents(memory, page)
        .map(|(_, presence)| presence)
        .max_by_key(|it| match it {
            Presence::Absent => 0,
            Presence::LeftOut => 1,
            Presence::Held => 2,
            Presence::Lost => 3,
        })
        .unwrap_or(Presence::Absent)
}

/// Reads a page. What of it is no memory, or was left out, becomes zeros.
///
/// # Errors
/// When what should be there can't be read.
pub fn read_page(
    memory: &dyn Memory,
    address: u64,
    page: &mut [u8],
) -> Result<Presence, Unreadable> {
    page.fill(0);
    let mut found = Presence::Absent;
    let end = address.saturating_add(page.len() as u64);
    for (part, presence) in extents(memory, address..end) {
        match presence {
            Presence::Absent => {}
            Presence::LeftOut if found == Presence::Absent => found = Presence::LeftOut,
            Presence::LeftOut => {}
            // Of what is lost, reading it tells why.
            Presence::Held | Presence::Lost => {
                let place = |at: u64| usize::try_from(at - address).unwrap_or(usize::MAX);
                if let Some(bytes) = page.get_mut(place(part.start)..place(part.end)) {
                    memory.read(part.start, bytes)?;
                }
                found = Presence::Held;
            }
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Each 16 bytes otherwise.
    struct Mixed([Presence; 4], [Range<u64>; 1]);

    impl Memory for Mixed {
        fn read(&self, address: u64, buffer: &mut [u8]) -> Result<(), Unreadable> {
            let whole = extents(self, address..address + buffer.len() as u64);
            for (part, presence) in whole {
                if presence != Presence::Held {
                    return Err(Unreadable::Damaged(part.start, "lost".to_owned()));
                }
            }
            buffer.fill(7);
            Ok(())
        }

        fn ranges(&self) -> &[Range<u64>] {
            &self.1
        }

        fn extent(&self, address: u64) -> Extent {
            let index = usize::try_from(address / 16).unwrap();
            Extent {
                presence: self.0.get(index).copied().unwrap_or(Presence::Absent),
                end: (address / 16 + 1) * 16,
            }
        }
    }

    #[test]
    fn a_page_is_what_its_parts_are() {
        use Presence::{Absent, Held, LeftOut, Lost};
        let page = |parts| {
            let mixed = Mixed(parts, [0..64]);
            let mut bytes = [1; 64];
            let read = read_page(&mixed, 0, &mut bytes);
            (presence(&mixed, 0..64), read.ok(), bytes)
        };
        let zeros = [0; 64];
        assert_eq!(page([Absent; 4]), (Absent, Some(Absent), zeros));
        assert_eq!(
            page([LeftOut, Absent, Absent, LeftOut]),
            (LeftOut, Some(LeftOut), zeros)
        );
        let mut half = zeros;
        half[16..32].fill(7);
        assert_eq!(
            page([LeftOut, Held, Absent, LeftOut]),
            (Held, Some(Held), half)
        );
        let (what, read, _) = page([Held, Held, LeftOut, Lost]);
        assert_eq!((what, read), (Lost, None));
    }

    #[test]
    fn memory_that_says_no_more_holds_its_ranges() {
        let extent = |address| held_within(&[8..16, 20..24], address);
        let is = |presence, end| Extent { presence, end };
        assert_eq!(extent(0), is(Presence::Absent, 8));
        assert_eq!(extent(8), is(Presence::Held, 16));
        assert_eq!(extent(17), is(Presence::Absent, 20));
        assert_eq!(extent(24), is(Presence::Absent, u64::MAX));
    }
}
