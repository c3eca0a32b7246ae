//! SBAT metadata: what revocation by generation goes by (SBAT.md in shim).

use super::page::Page;
use serde::Serialize;

/// A component and its generation.
#[derive(Debug, Serialize)]
pub struct SbatEntry {
    /// Its name.
    pub component: String,
    /// Its generation; `None` where that is no number.
    pub generation: Option<u64>,
    /// Who provides it, as it is called there, in which version, and where that is explained.
    pub vendor: Vec<String>,
}

/// The lines of a section `.sbat`.
#[must_use]
pub fn entries(data: &[u8]) -> Vec<SbatEntry> {
    let text = String::from_utf8_lossy(data);
    let lines = text.lines().map(|line| line.trim_matches('\0'));
    lines.filter(|line| !line.is_empty()).map(entry).collect()
}

fn entry(line: &str) -> SbatEntry {
    let mut fields = line.split(',').map(str::to_owned);
    SbatEntry {
        component: fields.next().unwrap_or_default(),
        generation: fields.next().and_then(|text| text.trim().parse().ok()),
        vendor: fields.collect(),
    }
}

/// Prints a table of them.
pub fn show(entries: &[SbatEntry], page: &mut Page) {
    page.heading("SBAT");
    let row = |entry: &SbatEntry| {
        vec![
            entry.component.clone(),
            entry.generation.map_or("?".into(), |n| n.to_string()),
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
    fn lines_are_read_whatever_they_hold() {
        let read = entries(b"sbat,1,SBAT Version,sbat,1,https://x\nsystemd.addon,x\n\nlast\0\0");
        assert_eq!(read[0].component, "sbat");
        assert_eq!(read[0].generation, Some(1));
        assert_eq!(read[0].vendor, ["SBAT Version", "sbat", "1", "https://x"]);
        assert_eq!(read[1].generation, None);
        assert_eq!(read[2].component, "last");
        assert_eq!(read.len(), 3);
    }
}
