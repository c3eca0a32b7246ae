//! `baton dump dmesg`: prints the log of the crashed kernel.

use super::args::DmesgArgs;
use super::open::{files_of, name, open, with_log};
use crate::failure::Result;
use crate::failure::dump::DumpFailure;
use crate::output::{json, text};
use baton_kdump::dmesg::{Log, Record, Text};
use serde::Serialize;

#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct Object {
    /// The dump.
    file: String,
    /// The records, in their order.
    records: Vec<Line>,
    /// How many are lost after the last one.
    lost_after: u64,
}

/// A record of the log. Characters that could control a terminal are escaped in the text.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct Line {
    /// Its number.
    sequence: u64,
    /// When it was logged, since the boot.
    nanoseconds: u64,
    /// The facility of syslog that it is from.
    facility: u8,
    /// The level, 0 to 7.
    level: u8,
    /// Which task or CPU logged it.
    caller: String,
    /// What it says.
    text: String,
    /// How many are lost before it.
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
    let files = files_of(&args.files)?;
    let dump = open(&files)?;
    let file = name(&files);
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
