//! What became of a dump.

use super::choice::Choice;
use super::{Format, PageStructs};
use crate::encode::Compression;
use crate::filter::{Counts, Level, OnDoubt, Warning};
use crate::write::Job;
use serde::{Deserialize, Serialize};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// What was written, and why not less.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Summary {
    /// The format.
    pub format: Format,
    /// How pages are compressed, if the format does so.
    pub compression: Compression,
    /// The level that was asked for.
    pub level_asked: Level,
    /// The level that was used.
    pub level: Level,
    /// What became of pages of which it can't be told whether that level leaves them out.
    #[serde(default)]
    pub on_doubt: OnDoubt,
    /// Which page structures were dumped.
    #[serde(default)]
    pub page_structs: PageStructs,
    /// Why it isn't the same, and what else is odd. Its name in JSON is that of summaries which are kept beside dumps.
    #[serde(rename = "doubts")]
    pub warnings: Vec<Warning>,
    /// Whether all is in it that should be.
    pub complete: bool,
    /// How many pages there are, and what became of them.
    pub pages: Pages,
    /// Pages that were left out.
    pub excluded: Counts,
    /// The length of the dump, in bytes.
    pub bytes: u64,
    /// How long it took.
    pub seconds: Times,
}

/// Numbers of pages.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Pages {
    /// All memory.
    pub present: u64,
    /// Those in the dump, zeros among them.
    pub dumped: u64,
    /// Of them, zeros, which take no room.
    pub zero: u64,
    /// Of them, those that are equal to another one and share its place.
    #[serde(default)]
    pub equal: u64,
    /// Those left out that hold nothing but structures of pages that aren't dumped.
    #[serde(default)]
    pub structs: u64,
    /// Of the dumped ones, those that couldn't be read, which are lost.
    pub unreadable: u64,
    /// Those that the source lacks, since it is filtered itself.
    pub lacking: u64,
    /// Those that the source should have, and hasn't; they are left out.
    pub lost: u64,
}

/// Seconds for each part.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Times {
    /// Headers, and choosing pages.
    pub choosing: f64,
    /// The kernel log and the stacks.
    #[serde(rename = "first")]
    pub priority: f64,
    /// All other pages.
    pub pages: f64,
}

impl Times {
    pub(super) fn new(chosen: Duration, before_rest: Duration, end: Duration) -> Times {
        Times {
            choosing: chosen.as_secs_f64(),
            priority: before_rest.saturating_sub(chosen).as_secs_f64(),
            pages: end.saturating_sub(before_rest).as_secs_f64(),
        }
    }
}

impl Summary {
    pub(super) fn new(
        job: &Job<'_>,
        choice: &Choice<'_>,
        complete: bool,
        bytes: u64,
        seconds: Times,
    ) -> Summary {
        let options = job.options;
        let tally = |count: &AtomicU64| count.load(Ordering::Relaxed);
        Summary {
            format: options.format,
            compression: match options.format {
                Format::Kdump => options.compression,
                Format::Elf => Compression::None,
            },
            level_asked: options.level,
            level: choice.level(options.level),
            on_doubt: options.on_doubt,
            page_structs: if options.leaves_out_structs() {
                PageStructs::OfDumped
            } else {
                PageStructs::All
            },
            warnings: choice.filter.warnings().to_vec(),
            complete,
            pages: Pages {
                present: choice.present,
                dumped: choice.chosen,
                zero: tally(&job.tally.zero),
                equal: tally(&job.tally.equal),
                structs: choice.structs,
                unreadable: tally(&job.tally.unreadable),
                lacking: choice.lacking,
                lost: choice.lost,
            },
            excluded: choice.found.excluded,
            bytes,
            seconds,
        }
    }
}
