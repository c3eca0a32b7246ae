//! Checks a written dump by reading it as other programs will.

use super::CrashError;
use super::live::threads;
use baton_kdump::convert::Summary;
use baton_kdump::survey::Flaw;
use baton_kdump::{Dump, Memory, Source, Unreadable};
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;
use std::thread;

/// How many bytes of memory a thread reads at a time.
const BATCH: u64 = 1 << 20;

/// Reads every page of a dump.
///
/// # Errors
/// When it isn't a dump, is less complete than what was written, or has more unreadable pages than were
/// known.
pub fn check(dump: Arc<dyn Source>, written: &Summary) -> Result<(), CrashError> {
    let limited = Limited {
        inner: dump,
        size: written.bytes,
    };
    let dump = Dump::from_source(Path::new("the dump"), Arc::new(limited))?;
    let survey = dump.survey();
    // Pages that couldn't be read from memory are marked in the dump, and another dump would have no more.
    let mut other = survey.flaws.iter().filter(|flaw| **flaw != Flaw::Marked);
    if other.next().is_some() || (written.complete && !survey.complete()) {
        return Err(CrashError::Incomplete);
    }
    let workers = threads().get();
    let damaged = thread::scope(|scope| {
        let work = |number| {
            let dump = &dump;
            scope.spawn(move || damaged(dump, number, workers))
        };
        let all: Vec<_> = (0..workers).map(work).collect();
        let all = all.into_iter().filter_map(|it| it.join().ok());
        all.fold(Damaged::default(), Damaged::and)
    });
    match damaged.first {
        Some(first) if damaged.count > written.pages.unreadable => Err(CrashError::Pages {
            count: damaged.count,
            first,
        }),
        _ => Ok(()),
    }
}

/// The part of a partition that the dump occupies.
struct Limited {
    inner: Arc<dyn Source>,
    size: u64,
}

impl Source for Limited {
    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> std::io::Result<()> {
        let end = offset.checked_add(buffer.len() as u64);
        if end.is_some_and(|end| end <= self.size) {
            self.inner.read_at(offset, buffer)
        } else {
            Err(std::io::ErrorKind::UnexpectedEof.into())
        }
    }

    fn size(&self) -> std::io::Result<u64> {
        Ok(self.size)
    }
}

/// The pages that can't be read.
#[derive(Default)]
struct Damaged {
    count: u64,
    first: Option<Unreadable>,
}

impl Damaged {
    fn and(self, other: Damaged) -> Damaged {
        Damaged {
            count: self.count + other.count,
            first: self.first.or(other.first),
        }
    }
}

/// Reads every batch whose number is `number` modulo `workers`.
fn damaged(dump: &Dump, number: usize, workers: usize) -> Damaged {
    let page = usize::try_from(dump.page_size()).unwrap_or(4096);
    let mut buffer = vec![0; page];
    let mut damaged = Damaged::default();
    for batch in batches(dump.ranges()).skip(number).step_by(workers) {
        let mut address = batch.start;
        while address < batch.end {
            // Memory may begin or end within a page.
            let next = (address + 1).next_multiple_of(page as u64).min(batch.end);
            let length = usize::try_from(next - address).unwrap_or(page);
            let (part, _) = buffer.split_at_mut(length.min(page));
            if let Err(error @ Unreadable::Damaged(..)) = dump.read(address, part) {
                damaged.count += 1;
                damaged.first.get_or_insert(error);
            }
            address = next;
        }
    }
    damaged
}

fn batches(ranges: &[Range<u64>]) -> impl Iterator<Item = Range<u64>> {
    ranges.iter().flat_map(|range| {
        let starts = (range.start..range.end).step_by(1 << 20);
        let end = range.end;
        starts.map(move |start| start..start.saturating_add(BATCH).min(end))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn batches_cover_all_memory_once() {
        let all: Vec<_> = batches(&[0..1, 5..5, 10..10 + 2 * BATCH + 1]).collect();
        let third = 10 + 2 * BATCH;
        assert_eq!(
            all,
            [0..1, 10..10 + BATCH, 10 + BATCH..third, third..third + 1]
        );
    }

    #[test]
    fn what_follows_the_dump_on_a_partition_is_not_read() {
        let limited = Limited {
            inner: Arc::new(vec![0; 100]),
            size: 50,
        };
        assert_eq!(limited.size().unwrap(), 50);
        assert!(limited.read_at(40, &mut [0; 10]).is_ok());
        assert!(limited.read_at(41, &mut [0; 10]).is_err());
        assert!(limited.read_at(u64::MAX, &mut [0; 10]).is_err());
    }
}
