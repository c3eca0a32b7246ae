//! `--list`: the signatures that a file has, and the one beside it, numbered as `--remove` takes them.

use crate::failure::Result;
use crate::input::read;
use crate::inspect::beside;
use crate::inspect::hashing::Hashing;
use crate::inspect::report::Report;
use crate::output::page::Page;
use crate::output::text;
use std::path::Path;

/// Shows them.
///
/// # Errors
/// When the file can't be read.
pub fn show(path: &Path) -> Result<()> {
    let bytes = read::given_or_stdin(path)?;
    let report = if read::is_stdin(path) {
        Report::of(&bytes, Hashing::Signed)
    } else {
        beside::report(path, &bytes, Hashing::Signed)?
    };
    let mut page = Page::default();
    page.heading(format!(
        "{}: {}",
        path.display(),
        text::counted(report.signatures.len(), "signature")
    ));
    for (number, signature) in (1..).zip(&report.signatures) {
        signature.show(&mut page, number);
    }
    text::print(page.text());
    Ok(())
}
