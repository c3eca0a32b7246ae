//! Comparing the memory of two dumps, page by page.

use crate::memory::{Memory, Unreadable};
use std::fmt;

/// What was found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Comparison {
    /// Pages that are the same in both.
    pub same: u64,
    /// Pages that the filter left out of the second, or that it never had.
    pub left_out: u64,
    /// Pages that the first can't give.
    pub unreadable: u64,
    /// Pages of the second that are damaged, the first of them with the reason.
    pub damaged: u64,
    /// Pages that differ.
    pub different: u64,
    /// What is wrong first.
    pub first: Option<String>,
}

impl Comparison {
    /// Whether nothing is damaged or different, and something was compared.
    #[must_use]
    pub fn agrees(&self) -> bool {
        self.damaged == 0 && self.different == 0 && self.same > 0
    }
}

impl fmt::Display for Comparison {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} same, {} left out, {} unreadable, {} damaged, {} different",
            self.same, self.left_out, self.unreadable, self.damaged, self.different
        )?;
        match &self.first {
            Some(first) => write!(f, "; first: {first}"),
            None => Ok(()),
        }
    }
}

/// Compares each page of the first with that of the second; pages have `page_size` bytes.
#[must_use]
pub fn compare(first: &dyn Memory, second: &dyn Memory, page_size: u64) -> Comparison {
    let mut found = Comparison::default();
    let Ok(length) = usize::try_from(page_size) else {
        return found;
    };
    let (mut one, mut two) = (vec![0; length], vec![0; length]);
    for range in first.ranges() {
        let mut address = range.start.next_multiple_of(page_size.max(1));
        while address < range.end && range.end - address >= page_size {
            page(first, second, address, (&mut one, &mut two), &mut found);
            address += page_size;
        }
    }
    found
}

fn page(
    first: &dyn Memory,
    second: &dyn Memory,
    address: u64,
    (one, two): (&mut [u8], &mut [u8]),
    found: &mut Comparison,
) {
    let wrong = match (first.read(address, one), second.read(address, two)) {
        (Err(_), _) => {
            found.unreadable += 1;
            return;
        }
        (_, Err(Unreadable::Excluded(_) | Unreadable::Absent(_))) => {
            found.left_out += 1;
            return;
        }
        (_, Err(error)) => {
            found.damaged += 1;
            error.to_string()
        }
        (Ok(()), Ok(())) if one == two => {
            found.same += 1;
            return;
        }
        _ => {
            found.different += 1;
            format!("the page at {address:#x} differs")
        }
    };
    found.first.get_or_insert(wrong);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::KdumpFile;
    use crate::format::elf::Vmcore;
    use crate::samples::core;
    use crate::samples::kdump::{KdumpSample, content};
    use std::sync::Arc;

    #[test]
    fn each_page_is_counted_for_what_it_is() {
        let ram: Vec<u8> = (0..11).flat_map(content).collect();
        let core = |ram| Vmcore::open(Arc::new(core(b"", &[(0, 11 * 4096, ram)]))).unwrap();
        let dump = KdumpFile::open(vec![Arc::new(KdumpSample::new().build())]).unwrap();
        let found = compare(&core(ram.clone()), &dump, 4096);
        assert_eq!((found.same, found.left_out), (6, 5));
        assert!(found.agrees());
        let mut other = ram;
        other[5 * 4096 + 77] ^= 1;
        let found = compare(&core(other), &dump, 4096);
        assert_eq!((found.same, found.different), (5, 1));
        assert!(!found.agrees());
        assert!(found.to_string().ends_with("the page at 0x5000 differs"));
    }
}
