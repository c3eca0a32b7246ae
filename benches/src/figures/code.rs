//! How much code a tree has, crate by crate, and which rooms of a crate import each other in circles. Of any checkout,
//! so that two can be compared.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use anyhow::Result;

use super::lines::{self, Source};

/// What is counted of a crate.
struct Figures {
    name: String,
    production: usize,
    tests: usize,
    circles: Vec<String>,
}

/// Prints the table of the checkout in `root`.
pub fn print(root: &Path) -> Result<()> {
    let crates = crates(root)?;
    println!("{:20} {:>10}  {:>8}", "crate", "production", "tests");
    let row = |name: &str, production: usize, tests: usize| {
        println!("{name:20} {production:>10}  {tests:>8}")
    };
    for it in &crates {
        row(&it.name, it.production, it.tests);
    }
    let sum = |of: fn(&Figures) -> usize| crates.iter().map(of).sum();
    row("together", sum(|it| it.production), sum(|it| it.tests));
    let circles: Vec<_> = crates
        .iter()
        .flat_map(|it| it.circles.iter().map(|circle| (&it.name, circle)))
        .collect();
    println!(
        "\n{} import circles among the rooms of a crate",
        circles.len()
    );
    for (name, circle) in circles {
        println!("{name}: {circle}");
    }
    println!(
        "\nLines that are neither blank nor comment; crates of tests and benchmarks count as tests."
    );
    Ok(())
}

fn crates(root: &Path) -> Result<Vec<Figures>> {
    let mut directories = Vec::new();
    find_crates(root, &mut directories)?;
    directories.sort();
    directories
        .iter()
        .map(|directory| figures(root, directory, &directories))
        .collect()
}

/// The directories of crates in `directory`, those inside others, too.
fn find_crates(directory: &Path, found: &mut Vec<PathBuf>) -> Result<()> {
    if directory.join("Cargo.toml").exists() && directory.join("src").is_dir() {
        found.push(directory.to_path_buf());
    }
    for inner in directories_in(directory)? {
        find_crates(&inner, found)?;
    }
    Ok(())
}

fn directories_in(directory: &Path) -> Result<Vec<PathBuf>> {
    let skipped =
        |path: &Path| path.ends_with("target") || path.ends_with("src") || is_hidden(path);
    let entries: Vec<_> = fs_err::read_dir(directory)?.collect::<std::io::Result<_>>()?;
    let paths = entries.iter().map(fs_err::DirEntry::path);
    Ok(paths
        .filter(|path| path.is_dir() && !skipped(path))
        .collect())
}

fn is_hidden(path: &Path) -> bool {
    path.file_name()
        .is_some_and(|name| name.as_encoded_bytes().starts_with(b"."))
}

fn figures(root: &Path, directory: &Path, all: &[PathBuf]) -> Result<Figures> {
    let name = directory.strip_prefix(root)?.display().to_string();
    let of_tests = ["tests/", "benches", "fuzz"]
        .iter()
        .any(|begin| name.starts_with(begin));
    let source = directory.join("src");
    let sources = lines::of_crate(&source)?;
    let linked: usize = sources.iter().map(Source::len).sum();
    let production = if of_tests { 0 } else { linked };
    let inner = |path: &Path| all.iter().any(|other| other != directory && path == other);
    Ok(Figures {
        name,
        production,
        tests: lines_below(directory, &inner)?.saturating_sub(production),
        circles: circles(&imports(&sources, &source)),
    })
}

/// The lines of all source files below, but in directories that are left out.
fn lines_below(directory: &Path, left_out: &dyn Fn(&Path) -> bool) -> Result<usize> {
    let mut count = 0;
    for entry in fs_err::read_dir(directory)? {
        let path = entry?.path();
        if path.is_dir() {
            if !left_out(&path) && !path.ends_with("target") && !is_hidden(&path) {
                count += lines_below(&path, left_out)?;
            }
        } else if let Some(comment) = comment_of(&path) {
            count += lines::code_lines(&lines::read(&path)?, comment).len();
        }
    }
    Ok(count)
}

fn comment_of(path: &Path) -> Option<&'static str> {
    match path.extension()?.to_str()? {
        "rs" => Some("//"),
        "s" => Some("#"),
        _ => None,
    }
}

/// Which rooms each room of a crate imports. A room is what stands in `src` by its name: a file or a directory.
fn imports(sources: &[Source], directory: &Path) -> BTreeMap<String, BTreeSet<String>> {
    let mut imports: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for source in sources {
        let Some(room) = room(&source.path, directory) else {
            continue;
        };
        let code = without_comments(&source.code);
        let used = code.split("crate::").skip(1).flat_map(first_names);
        imports.entry(room).or_default().extend(used);
    }
    imports
}

fn room(file: &Path, directory: &Path) -> Option<String> {
    let first = file.strip_prefix(directory).ok()?.components().next()?;
    let name = first.as_os_str().to_str()?;
    let name = name.strip_suffix(".rs").unwrap_or(name);
    (!["lib", "main"].contains(&name)).then(|| name.to_owned())
}

/// What is named in comments alone isn't used.
fn without_comments(code: &str) -> String {
    let is_code = |line: &&str| !line.trim_start().starts_with("//");
    code.lines()
        .filter(is_code)
        .flat_map(|line| [line, "\n"])
        .collect()
}

/// The names that follow `crate::`: one, or all that stand in braces, but for those in braces inside these.
fn first_names(after: &str) -> Vec<String> {
    let Some(list) = after.strip_prefix('{') else {
        return vec![name(after)];
    };
    let mut names = Vec::new();
    let (mut depth, mut expects_name) = (0_usize, true);
    for (at, byte) in list.bytes().enumerate() {
        match byte {
            b'{' => depth += 1,
            b'}' if depth == 0 => break,
            b'}' => depth -= 1,
            b',' if depth == 0 => expects_name = true,
            byte if expects_name && !byte.is_ascii_whitespace() => {
                names.push(name(&list[at..]));
                expects_name = false;
            }
            _ => {}
        }
    }
    names
}

fn name(text: &str) -> String {
    let is_part = |c: char| c.is_alphanumeric() || c == '_';
    text.chars().take_while(|c| is_part(*c)).collect()
}

/// The sets of rooms that lead to each other, each as a sentence.
fn circles(imports: &BTreeMap<String, BTreeSet<String>>) -> Vec<String> {
    let reached: BTreeMap<_, _> = imports
        .keys()
        .map(|from| (from, reach(from, imports)))
        .collect();
    let together = |a: &String| {
        let mutual = |b: &&String| reached[a].contains(*b) && reached[*b].contains(a);
        imports.keys().filter(mutual).cloned().collect::<Vec<_>>()
    };
    let sets: BTreeSet<_> = imports
        .keys()
        .map(together)
        .filter(|set| set.len() > 1)
        .collect();
    sets.into_iter().map(|set| set.join(", ")).collect()
}

fn reach(from: &str, imports: &BTreeMap<String, BTreeSet<String>>) -> BTreeSet<String> {
    let mut reached = BTreeSet::new();
    let mut open = vec![from.to_owned()];
    while let Some(room) = open.pop() {
        for next in imports.get(&room).into_iter().flatten() {
            if imports.contains_key(next) && reached.insert(next.clone()) {
                open.push(next.clone());
            }
        }
    }
    reached
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_the_names_that_are_imported_one_by_one_and_in_braces() {
        assert_eq!(first_names("a::b::C;\n"), ["a"]);
        assert_eq!(
            first_names("{a, b::{c, d}, e::F as G};\nuse x"),
            ["a", "b", "e"]
        );
    }

    #[test]
    fn rooms_that_lead_to_each_other_are_a_circle_and_others_none() {
        let imports = |pairs: &[(&str, &[&str])]| {
            let set = |names: &[&str]| names.iter().map(|it| (*it).to_owned()).collect();
            pairs
                .iter()
                .map(|(from, to)| ((*from).to_owned(), set(to)))
                .collect()
        };
        assert!(circles(&imports(&[("a", &["b", "a"]), ("b", &["c"]), ("c", &[])])).is_empty());
        let round = imports(&[("a", &["b"]), ("b", &["c"]), ("c", &["a"]), ("d", &["a"])]);
        assert_eq!(circles(&round), ["a, b, c"]);
    }

    #[test]
    fn every_circle_of_this_tree_has_its_reason_in_the_architecture() {
        let root = baton_xtask::root().unwrap();
        let reasons = std::fs::read_to_string(root.join("ARCHITECTURE.md")).unwrap();
        for it in crates(&root).unwrap() {
            for circle in it.circles {
                let row = format!("| `{}` | {circle} |", it.name);
                assert!(reasons.contains(&row), "{row}");
            }
        }
    }

    /// The rows of the table of baton's modules, from the top: names, and what they use.
    fn modules(page: &str) -> Vec<(BTreeSet<String>, String)> {
        let table = page
            .split_once("| module | its one idea | uses |\n")
            .unwrap()
            .1;
        let rows = table
            .lines()
            .skip(1)
            .take_while(|line| line.starts_with('|'));
        rows.map(|row| {
            let cells: Vec<_> = row.split('|').collect();
            (quoted(cells[1]), cells[3].to_owned())
        })
        .collect()
    }

    fn quoted(cell: &str) -> BTreeSet<String> {
        cell.split('`')
            .skip(1)
            .step_by(2)
            .map(str::to_owned)
            .collect()
    }

    #[test]
    fn a_module_of_baton_uses_those_above_it_in_the_architecture_and_those_in_its_row() {
        let root = baton_xtask::root().unwrap();
        let page = std::fs::read_to_string(root.join("ARCHITECTURE.md")).unwrap();
        let page = page.split_once("## The modules of `baton`").unwrap().1;
        let source = root.join("baton/src");
        let imports = imports(&lines::of_crate(&source).unwrap(), &source);
        let mut above = BTreeSet::new();
        for (names, uses) in modules(page) {
            let named = quoted(&uses);
            for name in &names {
                for used in imports.get(name).into_iter().flatten() {
                    let known =
                        above.contains(used) || named.contains(used) || names.contains(used);
                    assert!(known || !imports.contains_key(used), "{name} uses {used}");
                }
            }
            above.extend(names);
        }
        let left_out: Vec<_> = imports
            .keys()
            .filter(|name| !above.contains(*name))
            .collect();
        assert!(left_out.is_empty(), "{left_out:?}");
    }

    #[test]
    fn a_crate_of_tests_has_no_production_code_and_tests_beside_code_are_none() {
        let directory = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| {
            let path = directory.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        };
        write("one/Cargo.toml", "");
        write(
            "one/src/lib.rs",
            "fn a() {}\n#[cfg(test)]\nmod tests {\n    use x;\n}\n",
        );
        write("one/tests/t.rs", "fn t() {}\n");
        write("tests/two/Cargo.toml", "");
        write("tests/two/src/lib.rs", "fn b() {}\n");
        let counted = crates(directory.path()).unwrap();
        let counted: Vec<_> = counted
            .iter()
            .map(|it| (&it.name[..], it.production, it.tests))
            .collect();
        assert_eq!(counted, [("one", 1, 5), ("tests/two", 0, 1)]);
    }
}
