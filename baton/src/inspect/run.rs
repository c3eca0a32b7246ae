//! A report on a file, with the signature beside it.

use super::args::InspectArgs;
use super::hashing::Hashing;
use super::report::Report;
use super::signature;
use crate::failure::Result;
use crate::failure::input::InputError;
use crate::input::compression;
use crate::input::p7s;
use crate::input::read;
use crate::kind::{Format, Role};
use crate::output::page::Page;
use crate::output::{json, text};
use baton_verify::SignatureKind;
use serde::Serialize;
use std::path::Path;

/// The report, and the file it is of.
#[derive(Serialize)]
struct Object<'a> {
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
    let mut report = Report::of(&bytes, hashing);
    match report.format {
        Format::Signature => compare_with_content(&mut report, path, &bytes),
        _ => add_detached(&mut report, path, &bytes)?,
    }
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

/// The signature that lies beside the file.
fn add_detached(report: &mut Report, path: &Path, bytes: &[u8]) -> Result<()> {
    if let Some(der) = p7s::read_beside(path)? {
        let mut signature = signature::of_detached(SignatureKind::Detached, &der, Some(&[bytes]));
        signature.file = Some(p7s::beside(path).display().to_string());
        report.signatures.push(signature);
    }
    Ok(())
}

/// A signature is looked at with what it lies beside.
fn compare_with_content(report: &mut Report, path: &Path, signature: &[u8]) {
    let name = path
        .to_str()
        .and_then(|name| name.strip_suffix(p7s::SUFFIX));
    let content = name.and_then(|name| read::found(Path::new(name)).ok()?);
    if let (Some(content), Some(der)) = (content, p7s::cms(signature)) {
        report.signatures = vec![signature::of_detached(
            SignatureKind::Detached,
            &der,
            Some(&[&content]),
        )];
    }
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
