//! `baton dump dmesg`: prints the log of the crashed kernel.

use super::args::DmesgArgs;
use super::open::{name, open, with_log};
use crate::failure::Result;
use crate::failure::dump::DumpFailure;
use crate::output::{json, text};
use baton_kdump::dmesg::{Log, Record, Text};
use serde::Serialize;

#[derive(Serialize)]
struct Object {
    file: String,
    records: Vec<Line>,
    lost_after: u64,
}

/// A record of the log. Characters that could control a terminal are escaped in the text.
#[derive(Serialize)]
struct Line {
    sequence: u64,
    nanoseconds: u64,
    facility: u8,
    level: u8,
    caller: String,
    text: String,
    lost_before: u64,
}

impl From<Record> for Line {
    fn from(record: Record) -> Line {
        Line {
            sequence: record.sequence,
            nanoseconds: record.time,
            facility: record.facility,
            level: record.level,
            caller: record.caller(),
            text: record.shown(),
            lost_before: record.lost_before,
        }
    }
}

/// Carries out the command.
///
/// # Errors
/// When the dump can't be read, or has no log.
pub fn run(args: &DmesgArgs) -> Result<()> {
    let dump = open(&args.files)?;
    let file = name(&args.files);
    let failed = |why| DumpFailure::NoLog {
        file: file.clone(),
        why,
    };
    if args.json {
        let object = with_log(&dump, |log| object(file.clone(), log)).map_err(failed)?;
        json::print(&object);
        return Ok(());
    }
    let shown = |log: &Log<'_>| Text::new(log).with_callers(args.callers).to_string();
    text::print(&with_log(&dump, shown).map_err(failed)?);
    Ok(())
}

fn object(file: String, log: &Log<'_>) -> Object {
    let mut records = log.records();
    Object {
        file,
        records: records.by_ref().map(Line::from).collect(),
        lost_after: records.lost(),
    }
}
