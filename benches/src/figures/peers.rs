//! Other programs that stand where the gate stands. Their files are measured; what their sources
//! amount to was measured once, and stands in `docs/figures.md`.

use std::path::Path;

use anyhow::{Context, Result};

/// Where the lines of code are from, in the repository.
pub const SOURCE: &str = "docs/figures.md";
/// The table is the one under this heading.
const HEADING: &str = "## Others";

/// One row of the table.
#[derive(Debug, PartialEq, Eq)]
pub struct Peer {
    pub name: String,
    /// Its file in the packages that virtual machines are made of, if it is in one.
    pub file: Option<String>,
    pub code_lines: String,
    pub crates: String,
}

/// The rows of the table in the checkout.
pub fn all(root: &Path) -> Result<Vec<Peer>> {
    let text = std::fs::read_to_string(root.join(SOURCE)).context(SOURCE)?;
    let peers = parse(&text);
    anyhow::ensure!(!peers.is_empty(), "{SOURCE} has no table under {HEADING:?}");
    Ok(peers)
}

fn parse(text: &str) -> Vec<Peer> {
    let section = text.split_once(HEADING).map_or("", |(_, section)| section);
    let rows = section
        .lines()
        .skip_while(|line| !line.starts_with('|'))
        .take_while(|line| line.starts_with('|'));
    // The first two rows are the header's.
    rows.skip(2).filter_map(row).collect()
}

fn row(line: &str) -> Option<Peer> {
    let mut cells = line.split('|').map(str::trim).skip(1);
    Some(Peer {
        name: cells.next()?.to_owned(),
        file: cells
            .next()
            .filter(|cell| !cell.is_empty())
            .map(|cell| cell.trim_matches('`').to_owned()),
        code_lines: cells.next()?.to_owned(),
        crates: cells.next()?.to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_table_under_its_heading_and_no_other() {
        let text = "| no | | | |\n\n## Others\n\nWords.\n\n| a | b | c | d |\n|---|---|---|---|\n\
                    | x | `usr/x` | 1.5 k | 3 | why |\n| y | | 2 | | why |\n\n| no | | | |\n";
        let peer = |name: &str, file: Option<&str>, lines: &str, crates: &str| Peer {
            name: name.to_owned(),
            file: file.map(str::to_owned),
            code_lines: lines.to_owned(),
            crates: crates.to_owned(),
        };
        let expected = vec![
            peer("x", Some("usr/x"), "1.5 k", "3"),
            peer("y", None, "2", ""),
        ];
        assert_eq!(parse(text), expected);
    }

    #[test]
    fn the_repositorys_table_names_shim_and_its_file() {
        let root = baton_xtask::root().unwrap();
        let peers = all(&root).unwrap();
        let shim = peers.iter().find(|peer| peer.name == "shim").unwrap();
        assert!(shim.file.as_ref().unwrap().ends_with("shimx64.efi.signed"));
    }
}
