//! A report on a file, with the signature beside it.

use super::args::InspectArgs;
use super::beside;
use super::hashing::Hashing;
use super::report::Report;
use crate::failure::Result;
use crate::failure::input::InputError;
use crate::input::compression;
use crate::input::read;
use crate::kind::Role;
use crate::output::page::Page;
use crate::output::{json, text};
use serde::Serialize;
use std::path::Path;

/// The report, and the file it is of.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct Object<'a> {
    /// The file.
    file: String,
    #[serde(flatten)]
    report: &'a Report,
}

/// Carries out the command.
///
/// # Errors
/// When the file can't be read, or nothing can be said of it.
pub fn run(args: &InspectArgs) -> Result<()> {
    let path = &args.image;
    let bytes = read::given(path)?;
    let hashing = if args.digests {
        Hashing::Everything
    } else {
        Hashing::Signed
    };
    let report = beside::report(path, &bytes, hashing)?;
    if !report.says_something() {
        return Err(not_understood(path, &bytes, &report).into());
    }
    let file = path.display().to_string();
    if args.json {
        json::print(&Object {
            file,
            report: &report,
        });
    } else {
        let mut page = Page::default();
        report.show(&mut page, &file);
        text::print(page.text());
    }
    Ok(())
}

fn not_understood(path: &Path, bytes: &[u8], report: &Report) -> InputError {
    let why = match (report.problems.first(), report.role) {
        (Some(problem), _) => problem.clone(),
        (None, Role::Data) => "of no format that Baton knows".into(),
        (None, _) => match compression::of(bytes) {
            Some(_) => format!("{}; decompress it and inspect that", report.kind),
            None => format!("{}, in which there is nothing to show", report.kind),
        },
    };
    InputError::NothingToShow {
        path: path.to_owned(),
        why,
    }
}
