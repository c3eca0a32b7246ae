//! `baton dump check`: reads every page of a dump and compares its files with their digests.

use super::args::CheckArgs;
use super::digest::{Compared, compare};
use super::open::{files_of, flaw_texts, name, open, show_complete, survey};
use super::progress::Bar;
use crate::failure::dump::DumpFailure;
use crate::failure::{Failure, Result};
use crate::output::page::Page;
use crate::output::{json, text};
use baton_kdump::memory::{Presence, read_page};
use baton_kdump::ranges::pages;
use baton_kdump::{Dump, Memory, Unreadable};
use serde::Serialize;
use std::num::NonZeroUsize;
use std::ops::Range;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread::available_parallelism;

/// How many pages a thread reads at a time.
const BATCH: u64 = 256;
/// How many damaged pages are listed with the reason.
const MAX_LISTED: usize = 8;

/// How many of the dump's pages are in which state.
#[derive(Debug, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct PageCounts {
    /// Those that can be read.
    readable: u64,
    /// Those that a filter left out.
    left_out: u64,
    /// Those that can't be read.
    damaged: u64,
    /// Why the first damaged pages can't be read.
    first_damaged: Vec<String>,
}

#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct Report {
    /// The dump.
    file: String,
    /// Nothing is wrong with it.
    sound: bool,
    /// All that should be in it is.
    complete: bool,
    /// The flaws of the dump other than damaged pages.
    flaws: Vec<String>,
    /// The pages of the machine.
    pages: PageCounts,
    /// The result of comparing each file with its digest.
    digests: Vec<Compared>,
}

/// Carries out the command.
///
/// # Errors
/// When the dump can't be opened, or isn't sound.
pub fn run(args: &CheckArgs) -> Result<()> {
    let files = files_of(&args.files)?;
    let dump = open(&files)?;
    let bar = Bar::new();
    let threads = args.threads.or_else(|| available_parallelism().ok());
    let pages = read_all(&dump, threads.unwrap_or(NonZeroUsize::MIN), &bar);
    let digests = files.iter().map(|file| compare(file, &bar));
    let digests = digests.collect::<Result<Vec<_>>>();
    bar.end();
    let digests = digests?;
    let survey = survey(&files, &dump);
    let complete = survey.complete();
    let different = digests.contains(&Compared::Different);
    let report = Report {
        file: name(&files),
        sound: complete && !different && pages.damaged == 0,
        complete,
        flaws: flaw_texts(&survey),
        pages,
        digests,
    };
    if args.json {
        json::print(&report);
    } else {
        text::print(&report.text());
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
        show_complete(&mut page, self.complete, &self.flaws);
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

    /// The exit code. The report has already stated what is wrong.
    fn verdict(&self) -> Result<()> {
        if self.sound {
            return Ok(());
        }
        let file = self.file.clone();
        Err(Failure::from(DumpFailure::NotSound { file }).reported())
    }
}

/// Splits ranges of page numbers into batches, in order.
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

fn read_all(dump: &Dump, threads: NonZeroUsize, bar: &Bar) -> PageCounts {
    let page_size = dump.page_size();
    let ranges = pages(dump.ranges(), page_size);
    let batches = Mutex::new(Batches {
        ranges: ranges.iter(),
        left: 0..0,
        size: BATCH,
    });
    let total = ranges.iter().map(|it| it.end - it.start).sum();
    let done = AtomicU64::new(0);
    let found = Mutex::new(Vec::new());
    let work = || {
        let mut pages = PageCounts::default();
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
    found
        .into_iter()
        .fold(PageCounts::default(), PageCounts::and)
}

impl PageCounts {
    /// Reads a batch. Runs of pages that are all held or all left out are read at once; if that fails, page by page.
    fn read(&mut self, dump: &Dump, batch: Range<u64>, page_size: u64, buffer: &mut [u8]) {
        let mut page = batch.start;
        while page < batch.end {
            let address = page * page_size;
            let extent = dump.extent(address);
            let whole = extent.end.saturating_sub(address) / page_size;
            let pages = whole.clamp(1, batch.end - page);
            let length = usize::try_from(pages * page_size).ok();
            let Some(bytes) = length.and_then(|it| buffer.get_mut(..it)) else {
                break;
            };
            match extent.presence {
                Presence::LeftOut if whole > 0 => self.left_out += pages,
                // The reason is needed only for the first damaged pages.
                Presence::Lost if whole > 0 && self.first_damaged.len() >= MAX_LISTED => {
                    self.damaged += pages;
                }
                Presence::Held if whole > 0 && dump.read(address, bytes).is_ok() => {
                    self.readable += pages;
                }
                _ => {
                    let single = usize::try_from(page_size).unwrap_or(usize::MAX);
                    for (address, bytes) in
                        (address..).step_by(single).zip(bytes.chunks_mut(single))
                    {
                        self.count(read_page(dump, address, bytes));
                    }
                }
            }
            page += pages;
        }
    }

    fn count(&mut self, read: std::result::Result<Presence, Unreadable>) {
        match read {
            Ok(Presence::Held) => self.readable += 1,
            Ok(_) => self.left_out += 1,
            Err(error) => {
                self.damaged += 1;
                if self.first_damaged.len() < MAX_LISTED {
                    self.first_damaged.push(error.to_string());
                }
            }
        }
    }

    fn and(mut self, other: PageCounts) -> PageCounts {
        self.readable += other.readable;
        self.left_out += other.left_out;
        self.damaged += other.damaged;
        self.first_damaged.extend(other.first_damaged);
        self.first_damaged.sort();
        self.first_damaged.truncate(MAX_LISTED);
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
