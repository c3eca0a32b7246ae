//! Text for people: headings, labelled values and tables, aligned. Whatever comes from a file is
//! shown without driving the terminal.

use super::terminal;
use std::fmt::Display;

/// How wide labels are; longer ones push their value.
const LABEL: usize = 14;

/// Lines, as they are put together.
#[derive(Debug, Default)]
pub struct Page {
    text: String,
    /// The columns that a table may take; `None`: as many as it needs.
    columns: Option<usize>,
}

impl Page {
    /// One whose tables fit the terminal that standard output goes to.
    #[must_use]
    pub fn for_output() -> Page {
        Page {
            columns: terminal::columns(),
            ..Page::default()
        }
    }

    /// What has been written.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// A line at the margin, after an empty one.
    pub fn heading(&mut self, text: impl Display) {
        if !self.text.is_empty() {
            self.text.push('\n');
        }
        self.line(&shown(&text.to_string()));
    }

    /// A labelled value. One without a label goes on with the one before.
    pub fn field(&mut self, label: &str, value: impl Display) {
        let value = shown(&value.to_string());
        self.line(&format!("  {label:LABEL$} {value}"));
    }

    /// A labelled value, if there is one.
    pub fn optional(&mut self, label: &str, value: Option<impl Display>) {
        if let Some(value) = value {
            self.field(label, value);
        }
    }

    /// An item of a list, behind its sign.
    pub fn item(&mut self, sign: &str, text: impl Display) {
        let text = shown(&text.to_string());
        self.line(&format!("  {sign} {text}"));
    }

    /// A table: its columns' names, and its rows. Columns of numbers are aligned to the right; the last ones may be
    /// missing in all rows, and are left out.
    pub fn table(&mut self, names: &[&str], rows: &[Vec<String>]) {
        let columns = rows.iter().map(Vec::len).max().unwrap_or(names.len());
        let names = names.get(..columns).unwrap_or(names);
        let head = names.iter().map(|name| (*name).to_owned()).collect();
        let rows: Vec<Vec<String>> = std::iter::once(head)
            .chain(rows.iter().cloned())
            .map(|row| row.iter().map(|cell| shown(cell)).collect())
            .collect();
        let width = |column: usize| {
            let cells = rows.iter().filter_map(|row| row.get(column));
            cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
        };
        let widths: Vec<usize> = (0..names.len()).map(width).collect();
        let needed = widths.iter().map(|width| width + 2).sum();
        if self.columns.is_some_and(|columns| columns < needed) {
            self.records(&rows);
            return;
        }
        let right: Vec<bool> = (0..names.len()).map(|c| is_numeric(&rows, c)).collect();
        for row in &rows {
            let cells = row.iter().zip(&widths).zip(&right);
            let cells = cells.map(|((cell, &width), &right)| {
                if right {
                    format!("{cell:>width$}")
                } else {
                    format!("{cell:width$}")
                }
            });
            let line = cells.collect::<Vec<_>>().join("  ");
            self.line(&format!("  {line}"));
        }
    }

    /// A table that doesn't fit: below each other what stands beside each other elsewhere. The first row is the names.
    fn records(&mut self, rows: &[Vec<String>]) {
        let [names, rows @ ..] = rows else { return };
        for (index, row) in rows.iter().enumerate() {
            if index > 0 {
                self.line("");
            }
            for (name, cell) in names.iter().zip(row).filter(|(_, cell)| !cell.is_empty()) {
                self.line(&format!("  {name:LABEL$} {cell}"));
            }
        }
    }

    fn line(&mut self, line: &str) {
        self.text.push_str(line.trim_end());
        self.text.push('\n');
    }
}

/// Whether all cells of a column but its name are numbers.
fn is_numeric(rows: &[Vec<String>], column: usize) -> bool {
    rows.iter()
        .skip(1)
        .filter_map(|row| row.get(column))
        .all(|cell| {
            let digits = cell.strip_prefix("0x").unwrap_or(cell);
            digits.len() <= 16 && digits.bytes().all(|byte| byte.is_ascii_hexdigit())
        })
}

/// Text with everything escaped that a terminal might not just print.
fn shown(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '"' | '\'' | '\\' => out.push(character),
            _ => out.extend(character.escape_debug()),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_cannot_drive_the_terminal() {
        let mut page = Page::default();
        page.field("cmdline", "a\x1b[2Jb\nc\u{202e}d \"e\"");
        assert_eq!(
            page.text(),
            "  cmdline        a\\u{1b}[2Jb\\nc\\u{202e}d \"e\"\n"
        );
    }

    #[test]
    fn columns_are_aligned() {
        let mut page = Page::default();
        let row = |cells: [&str; 2]| cells.map(String::from).to_vec();
        page.table(
            &["name", "size"],
            &[row([".text", "0x10"]), row([".d", "0x1000"])],
        );
        assert_eq!(
            page.text(),
            "  name     size\n  .text    0x10\n  .d     0x1000\n"
        );
    }

    #[test]
    fn a_table_that_is_too_wide_for_the_terminal_becomes_a_list() {
        let mut page = Page {
            columns: Some(12),
            ..Page::default()
        };
        let row = |cells: [&str; 2]| cells.map(String::from).to_vec();
        let rows = [row(["a-long-name", "1"]), row(["b", "2"])];
        page.table(&["name", "size"], &rows);
        assert_eq!(
            page.text(),
            "  name           a-long-name\n  size           1\n\n  name           b\n  size           2\n"
        );
    }
}
