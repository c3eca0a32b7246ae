//! Counts the lines of code of a crate, following its modules from the root as the compiler does.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

const TEST_ONLY: &str = "#[cfg(test)]";

/// A source file of a crate.
pub struct Source {
    pub path: PathBuf,
    /// Without what is compiled for tests alone.
    pub code: String,
    /// What its comments begin with.
    pub comment: &'static str,
}

impl Source {
    /// How many lines are neither blank nor comment.
    pub fn len(&self) -> usize {
        code_lines(&self.code, self.comment).len()
    }

    /// Whether it is assembly, which is linked whole.
    pub fn is_assembly(&self) -> bool {
        self.comment == "#"
    }
}

/// The files of Rust and assembly of the crate whose sources lie in `directory`, without those that are compiled for
/// tests alone.
pub fn of_crate(directory: &Path) -> Result<Vec<Source>> {
    let roots = ["lib.rs", "main.rs"].map(|name| directory.join(name));
    let mut sources = Vec::new();
    for root in roots.iter().filter(|root| root.exists()) {
        add_module(root, directory, &mut sources)?;
    }
    Ok(sources)
}

/// Adds a module's file and the files it names, whose modules lie in `directory`.
fn add_module(file: &Path, directory: &Path, sources: &mut Vec<Source>) -> Result<()> {
    let code = without_tests(&read(file)?);
    for name in code.lines().filter_map(declared_module) {
        let (file, directory) = module(directory, name);
        add_module(&file, &directory, sources)?;
    }
    for name in code.lines().filter_map(included_assembly) {
        let path = file.with_file_name(name);
        let code = read(&path)?;
        sources.push(Source {
            path,
            code,
            comment: "#",
        });
    }
    sources.push(Source {
        path: file.to_path_buf(),
        code,
        comment: "//",
    });
    Ok(())
}

/// A source file.
pub fn read(file: &Path) -> Result<String> {
    std::fs::read_to_string(file).with_context(|| format!("can't read {}", file.display()))
}

/// `NAME`, if the line is `mod NAME;`, whoever may see it.
fn declared_module(line: &str) -> Option<&str> {
    let (before, name) = line.strip_suffix(';')?.split_once("mod ")?;
    let is_visibility = before.is_empty() || before.starts_with("pub");
    (is_visibility && !name.contains(' ')).then_some(name)
}

/// `FILE`, if the line is `global_asm!(include_str!("FILE"), …`.
fn included_assembly(line: &str) -> Option<&str> {
    let rest = line.strip_prefix("global_asm!(include_str!(\"")?;
    Some(rest.split_once('"')?.0)
}

/// Where a module that is declared in a module with this directory lies, and its own directory.
fn module(directory: &Path, name: &str) -> (PathBuf, PathBuf) {
    let own = directory.join(name);
    let file = directory.join(format!("{name}.rs"));
    if file.exists() {
        (file, own)
    } else {
        (own.join("mod.rs"), own)
    }
}

/// The source without the items that are compiled for tests alone: their lines are blank. Formatted as rustfmt
/// does it: an item that begins at the margin ends at its semicolon or at the next brace at the margin.
pub fn without_tests(source: &str) -> String {
    let mut code = String::new();
    let mut in_tests = false;
    for line in source.lines() {
        in_tests |= line == TEST_ONLY;
        if !in_tests {
            code.push_str(line);
        }
        code.push('\n');
        let ends = line.starts_with('}') || !line.starts_with(' ') && line.ends_with(';');
        in_tests &= !ends;
    }
    code
}

/// The numbers, from 1, of lines that are neither blank nor comment.
pub fn code_lines(code: &str, comment: &str) -> BTreeSet<usize> {
    let lines = code.lines().map(str::trim).enumerate();
    lines
        .filter(|(_, line)| !line.is_empty() && !line.starts_with(comment))
        .map(|(index, _)| index + 1)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_neither_comments_nor_blank_lines() {
        let source = "//! Words.\n\nfn a() {} // one\n    // none\nfn b() {}\n";
        assert_eq!(code_lines(source, "//"), [3, 5].into());
    }

    #[test]
    fn leaves_out_what_is_compiled_for_tests_alone_and_nothing_after_it() {
        let source = "mod a;\n#[cfg(test)]\nmod tests;\nfn b() {}\n#[cfg(test)]\nmod more {\n    use x;\n}\nfn c() {}\n";
        assert_eq!(
            without_tests(source),
            "mod a;\n\n\nfn b() {}\n\n\n\n\nfn c() {}\n"
        );
    }

    #[test]
    fn follows_modules_into_files_and_directories_and_assembly_but_not_into_tests() {
        let directory = tempfile::tempdir().unwrap();
        let directory = directory.path();
        let write = |name: &str, text: &str| {
            let path = directory.join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        };
        write(
            "lib.rs",
            "pub mod a;\npub(crate) mod b;\n#[cfg(test)]\nmod samples;\n",
        );
        write("a.rs", "mod c;\nfn a() {}\n");
        write("a/c.rs", "fn c() {}\n");
        write(
            "b/mod.rs",
            "global_asm!(include_str!(\"b.s\"), options(raw));\n",
        );
        write("b/b.s", "# head\n\tret\n");
        write("samples.rs", "fn s() {}\n");
        write("unused.rs", "fn u() {}\n");
        let sources = of_crate(directory).unwrap();
        let lines: usize = sources.iter().map(Source::len).sum();
        assert_eq!(lines, 2 + 2 + 1 + 1 + 1);
    }
}
