//! `baton keys list`.

use super::advice;
use super::args::ListArgs;
use super::given;
use super::inventory::{Inventory, Listed, RefusedBy, short};
use crate::calendar;
use crate::failure::Result;
use crate::finding::Finding;
use crate::output::json;
use crate::output::page::Page;
use serde::Serialize;
use std::path::PathBuf;

/// The object that `--json` prints.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct Report<'i> {
    /// The gate that was looked into.
    gate: Option<PathBuf>,
    /// All keyrings could be read.
    keyrings_readable: bool,
    /// Each certificate that something trusts.
    trusted: &'i [Listed],
    /// What each list of revocations holds.
    refused: &'i [RefusedBy],
    /// What there is to know about these keys.
    findings: Vec<Finding>,
}

/// Lists whom the machine trusts.
///
/// # Errors
/// When something that is there can't be read.
pub fn run(args: &ListArgs) -> Result<()> {
    let (root, gate) = given::machine(&args.machine)?;
    let inventory = Inventory::read(&root, gate.as_ref().map(|(_, lists)| lists))?;
    let report = Report {
        gate: gate.map(|(path, _)| path),
        keyrings_readable: inventory.keyrings_readable,
        trusted: &inventory.trusted,
        refused: &inventory.refused,
        findings: advice::of(&inventory, calendar::now()),
    };
    if args.json {
        json::print(&report);
    } else {
        report.print();
    }
    Ok(())
}

impl Report<'_> {
    fn print(&self) {
        let mut page = Page::default();
        page.heading("trusted");
        if self.trusted.is_empty() {
            page.field("", "nobody");
        } else {
            let rows: Vec<_> = self.trusted.iter().map(row).collect();
            page.table(&["id", "expires", "counts for", "where", "name"], &rows);
        }
        page.heading("refused");
        if self.refused.is_empty() {
            page.field("", "nothing");
        }
        for refused in self.refused {
            page.field(refused.list, words(refused));
        }
        crate::output::text::print(page.text());
        if !self.keyrings_readable {
            say!(
                "\nnot all keyrings can be read here (run as root), so what counts for the kernel isn't known"
            );
        }
        if !self.findings.is_empty() {
            say!("");
        }
        self.findings.iter().for_each(Finding::print);
    }
}

fn row(listed: &Listed) -> Vec<String> {
    let expiry = listed.certificate.as_ref().and_then(|it| it.expiry);
    let counts = match listed.revoked_by {
        Some(list) => format!("nothing (revoked by {list})"),
        None => listed.counts_for.to_string(),
    };
    vec![
        short(&listed.id),
        expiry.map_or("?".to_owned(), calendar::day),
        counts,
        listed.places(),
        listed.name.clone(),
    ]
}

fn words(refused: &RefusedBy) -> String {
    let Some(count) = &refused.entries else {
        return "malformed: the gate refuses everything".to_owned();
    };
    match &refused.certificates[..] {
        [] => count.to_string(),
        names => format!("{count} ({})", names.join(", ")),
    }
}
