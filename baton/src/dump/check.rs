//! `baton dump check`: whether every page can be read, and the file is the one that was written.

use super::args::CheckArgs;
use super::digest::{Compared, compare};
use super::open::{name, open};
use super::progress::Bar;
use crate::exit::Exit;
use crate::failure::{Failure, Result};
use crate::inspect::page::Page;
use crate::inspect::print;
use baton_kdump::{Dump, Memory, Unreadable, Vmcore};
use serde::Serialize;
use std::num::NonZeroUsize;
use std::ops::Range;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread::available_parallelism;

/// How many pages a thread takes at once.
const BATCH: u64 = 256;
/// How many damaged pages are named.
const NAMED: usize = 8;

/// What was found of the pages.
#[derive(Debug, Default, PartialEq, Eq, Serialize)]
struct Pages {
    readable: u64,
    left_out: u64,
    damaged: u64,
    /// The first of them, with the reasons.
    first_damaged: Vec<String>,
}

#[derive(Serialize)]
struct Report {
    file: String,
    sound: bool,
    complete: bool,
    pages: Pages,
    /// How each file compares with the digest beside it.
    digests: Vec<Compared>,
}

/// Carries out the command.
///
/// # Errors
/// When the dump can't be opened, or isn't sound.
pub fn run(args: &CheckArgs) -> Result<()> {
    let dump = open(&args.files)?;
    let bar = Bar::new();
    let threads = args.threads.or_else(|| available_parallelism().ok());
    let pages = read_all(&dump, threads.unwrap_or(NonZeroUsize::MIN), &bar);
    let digests = args.files.iter().map(|file| compare(file, &bar));
    let digests = digests.collect::<Result<Vec<_>>>();
    bar.end();
    let digests = digests?;
    let complete = !dump.incomplete();
    let different = digests.contains(&Compared::Different);
    let report = Report {
        file: name(&args.files),
        sound: complete && !different && pages.damaged == 0,
        complete,
        pages,
        digests,
    };
    if args.json {
        crate::print_json(&report);
    } else {
        print(&report.text())?;
    }
    report.verdict()
}

impl Report {
    fn text(&self) -> String {
        let mut page = Page::default();
        page.heading(&self.file);
        page.field("readable", format!("{} pages", self.pages.readable));
        page.field("left out", format!("{} pages", self.pages.left_out));
        page.field("damaged", format!("{} pages", self.pages.damaged));
        for damaged in &self.pages.first_damaged {
            page.field("", damaged);
        }
        page.field("complete", if self.complete { "yes" } else { "no" });
        for compared in &self.digests {
            page.field(
                "digest",
                match compared {
                    Compared::Missing => "none beside it",
                    Compared::Same => "as it was written",
                    Compared::Different => "not as it was written",
                },
            );
        }
        page.text().to_owned()
    }

    /// The report has said what is wrong: only the exit code is missing.
    fn verdict(&self) -> Result<()> {
        if self.sound {
            return Ok(());
        }
        Err(Failure {
            told: true,
            ..Failure::new(
                Exit::Failed,
                "damaged",
                format!("{}: the dump isn't sound", self.file),
            )
        })
    }
}

/// Batches of pages, in the order of their addresses.
struct Batches<'a> {
    ranges: std::slice::Iter<'a, Range<u64>>,
    left: Range<u64>,
    size: u64,
}

impl Iterator for Batches<'_> {
    type Item = Range<u64>;

    fn next(&mut self) -> Option<Range<u64>> {
        while self.left.is_empty() {
            self.left = self.ranges.next()?.clone();
        }
        let end = self.left.start.saturating_add(self.size).min(self.left.end);
        let batch = self.left.start..end;
        self.left.start = end;
        Some(batch)
    }
}

fn read_all(dump: &Dump, threads: NonZeroUsize, bar: &Bar) -> Pages {
    let page_size = dump.page_size();
    let bytes = |ranges: &[Range<u64>]| ranges.iter().map(|it| it.end - it.start).sum();
    // Zeros that an ELF core doesn't hold need no reading.
    let held = dump.elf().map(Vmcore::held);
    let ranges = held.as_deref().unwrap_or(dump.ranges());
    let zeros: u64 = bytes(dump.ranges()) - bytes(ranges);
    let batches = Mutex::new(Batches {
        ranges: ranges.iter(),
        left: 0..0,
        size: BATCH * page_size,
    });
    let total = bytes(ranges);
    let done = AtomicU64::new(0);
    let found = Mutex::new(Vec::new());
    let work = || {
        let mut pages = Pages::default();
        let mut buffer = vec![0; usize::try_from(BATCH * page_size).unwrap_or(0)];
        loop {
            let batch = batches
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .next();
            let Some(batch) = batch else { break };
            let length = batch.end - batch.start;
            pages.read(dump, batch, page_size, &mut buffer);
            let before = done.fetch_add(length, Ordering::Relaxed);
            bar.show("reading pages", before + length, total);
        }
        found
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(pages);
    };
    std::thread::scope(|scope| {
        for _ in 0..threads.get() {
            scope.spawn(work);
        }
    });
    let found = found.into_inner().unwrap_or_else(PoisonError::into_inner);
    let begun = Pages {
        readable: zeros / page_size,
        ..Pages::default()
    };
    found.into_iter().fold(begun, Pages::and)
}

impl Pages {
    /// Reads a batch: at once where all of it is there, else page by page.
    fn read(&mut self, dump: &Dump, batch: Range<u64>, page_size: u64, buffer: &mut [u8]) {
        let length = batch.end - batch.start;
        let whole = usize::try_from(length)
            .ok()
            .and_then(|it| buffer.get_mut(..it));
        if dump.elf().is_some() && whole.is_some_and(|it| dump.read(batch.start, it).is_ok()) {
            self.readable += length.div_ceil(page_size);
            return;
        }
        let mut address = batch.start;
        while address < batch.end {
            // Memory may begin or end within a page.
            let next = (address + 1).next_multiple_of(page_size).min(batch.end);
            let part = usize::try_from(next - address).ok();
            if let Some(part) = part.and_then(|it| buffer.get_mut(..it)) {
                self.count(dump.read(address, part));
            }
            address = next;
        }
    }

    fn count(&mut self, read: std::result::Result<(), Unreadable>) {
        match read {
            Ok(()) => self.readable += 1,
            Err(Unreadable::Excluded(_) | Unreadable::Absent(_)) => self.left_out += 1,
            Err(error @ Unreadable::Damaged(..)) => {
                self.damaged += 1;
                if self.first_damaged.len() < NAMED {
                    self.first_damaged.push(error.to_string());
                }
            }
        }
    }

    fn and(mut self, other: Pages) -> Pages {
        self.readable += other.readable;
        self.left_out += other.left_out;
        self.damaged += other.damaged;
        self.first_damaged.extend(other.first_damaged);
        self.first_damaged.sort();
        self.first_damaged.truncate(NAMED);
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn batches_cover_all_memory_once() {
        let ranges = [0..10, 20..20, 30..34, 40..41];
        let batches = Batches {
            ranges: ranges.iter(),
            left: 0..0,
            size: 4,
        };
        let batches: Vec<_> = batches.collect();
        assert_eq!(batches, [0..4, 4..8, 8..10, 30..34, 40..41]);
    }
}
