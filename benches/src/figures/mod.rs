//! What a reviewer of the gate has to read, in numbers.

pub mod code;
mod functions;
mod lines;
mod linked;
mod peers;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};
use baton_lab::fetch::cache::Cache;
use baton_lab::fetch::packages;
use baton_xtask::gate::{self, Formats, Stub};

use functions::Lines;
use lines::Source;
use linked::LineTable;

/// The crates that must be trusted.
const TRUSTED: [&str; 3] = ["formats", "verify", "gate"];

/// The gates that are measured: what people call each, and the formats it is built with where that isn't all.
const GATES: [(&str, Option<&str>); 2] = [
    ("all formats", None),
    ("bzImage and UKI", Some("bzimage,uki")),
];

/// The table in docs/figures.md stands between these lines.
const BEGIN: &str = "<!-- cargo xtask figures --write -->\n";
const END: &str = "<!-- end -->\n";

/// Prints the sizes of gates and of the code that they are made of, and others' beside them; `write`: writes the
/// former to docs/figures.md, too.
pub fn print(root: &Path, write: bool) -> Result<()> {
    let table = table(root)?;
    print!("{table}");
    if write {
        let file = root.join(peers::SOURCE);
        std::fs::write(&file, replaced(&lines::read(&file)?, &table)?)?;
    }
    println!();
    let row = |name: &str, bytes: &str, lines: &str, crates: &str| {
        println!("{name:28} {bytes:>15}  {lines:>24}  {crates:>6}");
    };
    row("others", "image, bytes", "code lines", "crates");
    for peer in peers::all(root)? {
        row(
            &peer.name,
            &peer.file.map_or(String::new(), |file| size_of(&file)),
            &peer.code_lines,
            &peer.crates,
        );
    }
    println!(
        "\nOthers' code lines and crates: from {}, which says how all is counted.",
        peers::SOURCE
    );
    Ok(())
}

/// A page with the table's text in place of the old one.
fn replaced(page: &str, table: &str) -> Result<String> {
    let parts = page
        .split_once(BEGIN)
        .and_then(|(before, rest)| Some((before, rest.split_once(END)?.1)));
    let (before, after) = parts.context("docs/figures.md has no place for the table")?;
    Ok(format!("{before}{BEGIN}{table}{END}{after}"))
}

/// What is measured of a gate.
struct Column {
    image: u64,
    text: u64,
    own: [Lines; 3],
    others: Lines,
    crates: usize,
    library: usize,
}

fn table(root: &Path) -> Result<String> {
    let columns = GATES.map(|(_, formats)| measure(root, formats));
    let [all, some] = columns;
    let columns = [all?, some?];
    let mut table = String::new();
    let mut row = |name: &str, cells: [String; 2]| {
        table += &format!("| {name} | {} | {} |\n", cells[0], cells[1]);
    };
    let each = |cell: &dyn Fn(&Column) -> u64| columns.each_ref().map(|it| grouped(cell(it)));
    let lines = |number: usize| number as u64;
    row("the gate", GATES.map(|(name, _)| name.to_owned()));
    row("---", ["---", "---"].map(str::to_owned));
    row(
        "image, without certificates and signature, bytes",
        each(&|it| it.image),
    );
    row("its code (`.text`), bytes", each(&|it| it.text));
    for (index, name) in TRUSTED.into_iter().enumerate() {
        let name = format!("lines of linked functions of `{name}`");
        row(&name, each(&|it| lines(it.own[index].functions)));
    }
    row(
        "lines of linked functions of the three",
        each(&|it| lines(it.all_own().functions)),
    );
    row(
        "lines around them: types, constants, imports",
        each(&|it| lines(it.all_own().around)),
    );
    let mut whole = 0;
    for name in TRUSTED {
        whole += lines::of_crate(&root.join(name).join("src"))?
            .iter()
            .map(Source::len)
            .sum::<usize>();
    }
    row(
        "all lines of the three, linked or not",
        [whole; 2].map(|it| grouped(lines(it))),
    );
    row(
        "crates besides that linked code is from",
        each(&|it| lines(it.crates)),
    );
    row(
        "lines of their linked functions",
        each(&|it| lines(it.others.functions)),
    );
    row(
        "lines of Rust's `core` and `alloc` that code is made of",
        each(&|it| lines(it.library)),
    );
    Ok(table)
}

impl Column {
    fn all_own(&self) -> Lines {
        let mut sum = Lines::default();
        self.own.iter().for_each(|lines| sum += *lines);
        sum
    }
}

fn measure(root: &Path, formats: Option<&str>) -> Result<Column> {
    let directory = root
        .join("target/figures")
        .join(formats.unwrap_or("all").replace(',', "-"));
    let formats = formats.map_or_else(|| Ok(Formats::all()), Formats::parse)?;
    let stub: Stub = gate::build_with_lines(root, &formats, &directory)?;
    let table = linked::of_program(&stub.program)?;
    let mut own = [Lines::default(); 3];
    for (sum, name) in own.iter_mut().zip(TRUSTED) {
        for source in lines::of_crate(&root.join(name).join("src"))? {
            *sum += of_own(root, &source, &table);
        }
    }
    Ok(Column {
        image: std::fs::metadata(&stub.image)?.len(),
        text: text_size(&stub.program)?,
        own,
        others: of_others(&table)?,
        crates: crates(&table).len(),
        library: of_library(&table),
    })
}

/// Linked lines of a file of the checkout.
fn of_own(root: &Path, source: &Source, table: &LineTable) -> Lines {
    let name = source.path.strip_prefix(root).unwrap_or(&source.path);
    match table.get(&*name.to_string_lossy()) {
        _ if source.is_assembly() => Lines {
            functions: source.len(),
            around: 0,
        },
        linked => functions::linked(
            &source.code,
            source.comment,
            linked.unwrap_or(&BTreeSet::new()),
        ),
    }
}

/// Linked lines of crates from elsewhere.
fn of_others(table: &LineTable) -> Result<Lines> {
    let registry = baton_xtask::registry()?;
    let registries: Vec<PathBuf> = std::fs::read_dir(&registry)
        .with_context(|| format!("can't read {}", registry.display()))?
        .map(|entry| Ok(entry?.path()))
        .collect::<Result<_>>()?;
    let mut sum = Lines::default();
    for (name, linked) in table {
        let Some(name) = name.strip_prefix("crates/") else {
            continue;
        };
        let file = registries
            .iter()
            .map(|it| it.join(name))
            .find(|it| it.exists());
        let file = file.with_context(|| format!("no source of {name}"))?;
        let source = lines::without_tests(&lines::read(&file)?);
        sum += functions::linked(&source, "//", linked);
    }
    Ok(sum)
}

/// The crates from elsewhere that code of the image is from.
fn crates(table: &LineTable) -> BTreeSet<&str> {
    table
        .keys()
        .filter_map(|name| name.strip_prefix("crates/")?.split('/').next())
        .collect()
}

/// Lines of Rust's own crates, whose sources need not be there.
fn of_library(table: &LineTable) -> usize {
    let library = table
        .iter()
        .filter_map(|(name, lines)| Some((name.split_once("library/")?.1, lines)));
    let lines: BTreeSet<(&str, usize)> = library
        .flat_map(|(name, lines)| lines.iter().map(move |line| (name, *line)))
        .collect();
    lines.len()
}

/// Thousands apart.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut grouped = String::new();
    for (index, digit) in digits.char_indices() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

/// The size of a file of the packages in the cache.
fn size_of(file: &str) -> String {
    let fetched = Cache::open()
        .ok()
        .and_then(|cache| packages::fetched(&cache, file));
    let size = fetched.and_then(|path| std::fs::metadata(path).ok());
    size.map_or_else(|| "not fetched".to_owned(), |size| size.len().to_string())
}

fn text_size(program: &Path) -> Result<u64> {
    let output = Command::new("size")
        .arg("-A")
        .arg(program)
        .output()
        .context("can't start size (package binutils)")?;
    ensure!(
        output.status.success(),
        "size can't read {}",
        program.display()
    );
    let text = String::from_utf8(output.stdout)?;
    let line = text
        .lines()
        .find(|line| line.starts_with(".text"))
        .context("the gate has no .text")?;
    Ok(line
        .split_whitespace()
        .nth(1)
        .context("size prints no number")?
        .parse()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn writes_the_table_in_the_old_ones_place() {
        let page = format!("a\n{BEGIN}old\n{END}b\n");
        let expected = format!("a\n{BEGIN}new\n{END}b\n");
        assert_eq!(replaced(&page, "new\n").unwrap(), expected);
        assert!(replaced("a\n", "new\n").is_err());
    }

    #[test]
    fn a_crate_counts_once_however_many_files_of_it_are_linked() {
        let table = [
            "crates/der-0.8.3/src/a.rs",
            "crates/der-0.8.3/src/b.rs",
            "crates/sha2-0.11.1/src/lib.rs",
            "verify/src/lib.rs",
            "/rustc/0123/library/core/src/a.rs",
        ]
        .map(|name| (name.to_owned(), BTreeSet::new()));
        let expected = ["der-0.8.3", "sha2-0.11.1"];
        assert_eq!(crates(&table.into()), expected.into());
    }

    #[test]
    fn puts_thousands_apart() {
        let written = [0, 999, 1000, 1_234_567].map(grouped);
        assert_eq!(written, ["0", "999", "1,000", "1,234,567"]);
    }
}
