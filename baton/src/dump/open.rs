//! Opens dumps of any format.

use super::find::{Found, find, is_part, is_unfinished};
use super::raw;
use crate::failure::Result;
use crate::failure::dump::DumpFailure;
use crate::output::page::Page;
use baton_kdump::dmesg::{Log, LogError};
use baton_kdump::survey::Flaw;
use baton_kdump::{Dump, Survey};
use baton_sys::ReadError;
use std::path::{Path, PathBuf};

/// The files of the dump that was named: a directory stands for the one dump in it, or for all parts of it.
///
/// # Errors
/// When a directory has none, or several, or can't be read.
pub(super) fn files_of(named: &[PathBuf]) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for path in named {
        if path.is_dir() {
            files.extend(files_in(path)?);
        } else {
            files.push(path.clone());
        }
    }
    Ok(files)
}

fn files_in(directory: &Path) -> Result<Vec<PathBuf>> {
    let found = find(directory).map_err(|error| ReadError::new(directory, error))?;
    let dumps = found.into_iter().filter_map(|it| match it {
        Found::Dump(path) => Some(path),
        Found::Log(_) => None,
    });
    let dumps: Vec<PathBuf> = dumps.collect();
    let are_parts = || {
        let mut opened = dumps.iter().map(|it| Dump::open(std::slice::from_ref(it)));
        opened.all(|dump| dump.is_ok_and(|dump| is_part(&dump)))
    };
    match dumps.len() {
        1 => Ok(dumps),
        2.. if are_parts() => Ok(dumps),
        count => {
            let directory = directory.to_owned();
            Err(DumpFailure::Directory { directory, count }.into())
        }
    }
}

/// Opens a dump, or all parts of a split one.
pub(super) fn open(files: &[PathBuf]) -> Result<Dump> {
    Ok(Dump::open(files)?)
}

/// Passes the kernel log of a dump to `read`, or returns why there is none.
pub(super) fn with_log<T>(
    dump: &Dump,
    read: impl FnOnce(&Log<'_>) -> T,
) -> std::result::Result<T, String> {
    let kernel = dump.kernel().map_err(|error| error.to_string())?;
    let info = dump.vmcoreinfo().map_err(|error| error.to_string())?;
    let log = Log::open(&kernel, info).map_err(|error: LogError| error.to_string())?;
    Ok(read(&log))
}

/// Which pages of a dump exist and which flaws it has, including those that its file names and partitions
/// indicate.
pub(super) fn survey(files: &[PathBuf], dump: &Dump) -> Survey {
    let mut survey = dump.survey();
    for file in files {
        if is_unfinished(file) {
            survey.flaws.push(Flaw::Unfinished("its name"));
        }
        let trailer = raw::trailer(file).ok().flatten();
        if trailer.is_some_and(|it| !it.complete) {
            let end = Flaw::Unfinished("the end of its partition");
            survey.flaws.push(end);
        }
    }
    survey
}

/// The flaws of a dump other than lost pages, in words.
pub(super) fn flaw_texts(survey: &Survey) -> Vec<String> {
    survey.flaws.iter().map(ToString::to_string).collect()
}

/// Shows whether a dump is complete, and its flaws.
pub(super) fn show_complete(page: &mut Page, complete: bool, flaws: &[String]) {
    page.field("complete", if complete { "yes" } else { "no" });
    for flaw in flaws {
        page.field("", flaw);
    }
}

/// The name of a dump: that of its first file.
pub(super) fn name(files: &[PathBuf]) -> String {
    let first = files.first().map(|it| it.display().to_string());
    first.unwrap_or_default()
}
