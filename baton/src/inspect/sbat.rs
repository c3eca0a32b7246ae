//! SBAT metadata: what revocation by generation goes by (SBAT.md in shim).

use crate::output::page::Page;
use baton_formats::sbat::{Component, Sbat, SbatError, SbatLevel};
use serde::Serialize;

/// A component and its generation.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct SbatEntry {
    /// Its name.
    pub component: String,
    /// Its generation.
    pub generation: u32,
    /// Who provides it, as it is called there, in which version, and where that is explained.
    pub vendor: Vec<String>,
}

/// The rows of a section `.sbat`.
///
/// # Errors
/// When it is malformed: an image with it is refused.
pub fn entries(data: &[u8]) -> Result<Vec<SbatEntry>, SbatError> {
    Ok(Sbat::parse(data)?.components().map(entry).collect())
}

/// The rows of a level.
#[must_use]
pub fn of_level(level: &SbatLevel<'_>) -> Vec<SbatEntry> {
    level.components().map(entry).collect()
}

fn entry(component: Component<'_>) -> SbatEntry {
    let rest = component.rest.map(|rest| rest.split(','));
    SbatEntry {
        component: component.name.to_owned(),
        generation: component.generation,
        vendor: rest.into_iter().flatten().map(str::to_owned).collect(),
    }
}

/// Prints a table of them.
pub fn show(entries: &[SbatEntry], page: &mut Page) {
    page.heading("SBAT");
    let row = |entry: &SbatEntry| {
        vec![
            entry.component.clone(),
            entry.generation.to_string(),
            entry.vendor.join(", "),
        ]
    };
    let rows: Vec<_> = entries.iter().map(row).collect();
    page.table(&["component", "generation", "vendor"], &rows);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_read_as_whoever_judges_them_reads_them() {
        let read = entries(b"sbat,1,SBAT Version,sbat,1,https://x\n\nlast,2,v,p,1,u\0\0").unwrap();
        assert_eq!(read[0].component, "sbat");
        assert_eq!(read[0].generation, 1);
        assert_eq!(read[0].vendor, ["SBAT Version", "sbat", "1", "https://x"]);
        assert_eq!(
            (read[1].component.as_str(), read[1].generation),
            ("last", 2)
        );
        assert_eq!(read.len(), 2);
        assert!(entries(b"sbat,1,SBAT Version,sbat,1,https://x\nlast,x,v,p,1,u\n").is_err());
    }

    #[test]
    fn a_levels_rows_have_a_date_at_most() {
        let level = SbatLevel::parse(b"sbat,1,2025051000\nshim,4\n").unwrap();
        let read = of_level(&level);
        assert_eq!(read[0].vendor, ["2025051000"]);
        assert_eq!(
            (read[1].component.as_str(), read[1].generation),
            ("shim", 4)
        );
        assert!(read[1].vendor.is_empty());
    }
}
