//! Opens dumps of any format.

use super::find::is_unfinished;
use super::raw;
use crate::failure::Result;
use crate::output::page::Page;
use baton_kdump::dmesg::{Log, LogError};
use baton_kdump::survey::Flaw;
use baton_kdump::{Dump, Survey};
use std::path::PathBuf;

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
