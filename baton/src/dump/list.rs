//! `baton dump list`: lists dumps.

use super::args::ListArgs;
use super::find::{Found, find, is_part, is_unverified};
use super::open::{survey, with_log};
use super::raw;
use crate::calendar::{self, rfc3339};
use crate::crash::places;
use crate::failure::Result;
use crate::output::page::Page;
use crate::output::{json, size, text};
use baton_kdump::Dump;
use baton_kdump::dmesg::Panic;
use baton_kdump::dump::DumpError;
use baton_sys::{ReadError, Root};
use serde::Serialize;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

/// The state of a dump.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
enum State {
    /// The dump is complete.
    Complete,
    /// The dump is whole, and it was never read back: the machine lost power while it was.
    Unverified,
    /// The dump wasn't written to its end.
    Incomplete,
    /// The file is one part of a split dump.
    Part,
    /// The dump can't be opened.
    Damaged,
    /// Only the kernel log was saved.
    LogOnly,
}

impl State {
    fn word(self) -> &'static str {
        match self {
            State::Complete => "complete",
            State::Unverified => "unverified",
            State::Incomplete => "incomplete",
            State::Part => "part",
            State::Damaged => "damaged",
            State::LogOnly => "log only",
        }
    }
}

#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct Entry {
    /// The dump, or the directory that has none.
    file: PathBuf,
    /// How whole it is.
    state: State,
    /// When the kernel crashed, where that is known.
    crashed_at: Option<String>,
    /// The same in seconds since 1970.
    #[serde(skip)]
    seconds: Option<u64>,
    /// The release of the kernel that crashed.
    kernel: Option<String>,
    /// The message of the panic.
    panic: Option<String>,
    /// The dump level.
    level: Option<u32>,
    /// Its length.
    bytes: u64,
    /// Why it can't be read.
    error: Option<String>,
}

#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct Object {
    /// The dumps, the oldest first.
    dumps: Vec<Entry>,
}

/// Carries out the command.
///
/// # Errors
/// When a directory or partition can't be read.
pub fn run(args: &ListArgs) -> Result<()> {
    let asked = !args.places.is_empty();
    let places = if asked {
        args.places.clone()
    } else {
        configured()?
    };
    let mut dumps = Vec::new();
    for place in &places {
        match std::fs::metadata(place) {
            // A target's directory may not exist before the first crash.
            Err(error) if error.kind() == ErrorKind::NotFound && !asked => {}
            Err(error) => return Err(ReadError::new(place, error).into()),
            Ok(metadata) if metadata.is_dir() => {
                let found = find(place).map_err(|error| ReadError::new(place, error))?;
                dumps.extend(found.into_iter().map(Entry::of));
            }
            Ok(_) => dumps.extend(Entry::of_partition(place)?),
        }
    }
    dumps.sort_by(|a, b| (&a.crashed_at, &a.file).cmp(&(&b.crashed_at, &b.file)));
    if args.json {
        json::print(&Object { dumps });
        return Ok(());
    }
    if dumps.is_empty() {
        let places = places.iter().map(|it| it.display().to_string());
        let places = places.collect::<Vec<_>>().join(", ");
        match places.as_str() {
            "" => say!("no dumps: none of the configured places exists now"),
            places => say!("no dumps in {places}"),
        }
        return Ok(());
    }
    let mut page = Page::for_output();
    let names = ["crashed at", "kernel", "size", "state", "dump", "panic"];
    let rows: Vec<_> = dumps.iter().map(Entry::row).collect();
    page.table(&names, &rows);
    text::print(page.text());
    Ok(())
}

/// The places that the configuration names. Those that can't be examined are reported and skipped.
fn configured() -> Result<Vec<PathBuf>> {
    let places = places::find(&Root::system())?;
    for note in &places.notes {
        tell!("baton: note: {note}");
    }
    Ok(places.found)
}

impl Entry {
    fn of(found: Found) -> Entry {
        match found {
            Found::Log(file) => Entry::named(file, State::LogOnly),
            Found::Dump(file) => match Dump::open(std::slice::from_ref(&file)) {
                Ok(dump) => Entry::of_dump(file, &dump),
                Err(error) => Entry::damaged(file, &error),
            },
        }
    }

    /// The dump in a raw partition or any other file; `None` if nothing has been written to it yet.
    fn of_partition(file: &Path) -> Result<Option<Entry>> {
        let dump = Dump::open(&[file.to_owned()]);
        let trailer = match (raw::trailer(file), &dump) {
            (Err(failure), Ok(dump)) => {
                return Ok(Some(Entry {
                    error: Some(failure.to_string()),
                    ..Entry::of_dump(file.to_owned(), dump)
                }));
            }
            (trailer, _) => trailer?,
        };
        let mut entry = match dump {
            Ok(dump) => Entry::of_dump(file.to_owned(), &dump),
            Err(DumpError::Unknown(_) | DumpError::Empty(_)) if trailer.is_none() => {
                return Ok(None);
            }
            Err(_) if trailer.as_ref().is_some_and(|it| !it.complete) => {
                Entry::named(file.to_owned(), State::LogOnly)
            }
            Err(error) => Entry::damaged(file.to_owned(), &error),
        };
        if let Some(trailer) = trailer {
            entry.bytes = trailer.length;
        }
        Ok(Some(entry))
    }

    fn damaged(file: PathBuf, error: &DumpError) -> Entry {
        Entry {
            error: Some(error.to_string()),
            ..Entry::named(file, State::Damaged)
        }
    }

    fn named(file: PathBuf, state: State) -> Entry {
        Entry {
            bytes: std::fs::metadata(&file).map_or(0, |it| it.len()),
            file,
            state,
            crashed_at: None,
            seconds: None,
            kernel: None,
            panic: None,
            level: None,
            error: None,
        }
    }

    fn of_dump(file: PathBuf, dump: &Dump) -> Entry {
        let panic = with_log(dump, |log| Panic::find(log.records()));
        let panic = panic.ok().and_then(|it| it.summary().map(str::to_owned));
        let state = match () {
            () if is_part(dump) => State::Part,
            () if !survey(std::slice::from_ref(&file), dump).complete() => State::Incomplete,
            () if is_unverified(&file) => State::Unverified,
            () => State::Complete,
        };
        Entry {
            crashed_at: dump.time().map(rfc3339),
            seconds: dump.time(),
            kernel: dump.release().map(str::to_owned),
            panic,
            level: dump.level(),
            ..Entry::named(file, state)
        }
    }

    fn row(&self) -> Vec<String> {
        let or_dash = |text: &Option<String>| text.clone().unwrap_or_else(|| "-".to_owned());
        let remark = self.error.clone().or_else(|| self.panic.clone());
        vec![
            self.when(),
            or_dash(&self.kernel),
            size::bytes(self.bytes),
            self.state.word().to_owned(),
            self.file.display().to_string(),
            remark.unwrap_or_default(),
        ]
    }

    /// When the kernel crashed, and how long ago that is by this machine's clock.
    fn when(&self) -> String {
        let (Some(at), Some(seconds)) = (&self.crashed_at, self.seconds) else {
            return "-".to_owned();
        };
        match calendar::now().checked_sub(seconds) {
            Some(passed) => format!("{at} ({})", size::age(passed)),
            None => at.clone(),
        }
    }
}
