//! Counts the lines of code of a crate, following its modules from the root as the compiler does.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

const TEST_ONLY: &str = "#[cfg(test)]";

/// Lines of Rust and assembly in the crate whose sources lie in `folder`: no comments, blank lines
/// or tests, and nothing that is compiled for tests alone.
pub fn of_crate(folder: &Path) -> Result<usize> {
    let roots = ["lib.rs", "main.rs"].map(|name| folder.join(name));
    let mut sum = 0;
    for root in roots.iter().filter(|root| root.exists()) {
        sum += of_module(root, folder)?;
    }
    Ok(sum)
}

/// Lines of a module's file and of the files it names, whose modules lie in `folder`.
fn of_module(file: &Path, folder: &Path) -> Result<usize> {
    let source =
        std::fs::read_to_string(file).with_context(|| format!("can't read {}", file.display()))?;
    let code = without_tests(&source);
    let mut sum = count(&code, "//");
    for name in code.lines().filter_map(declared_module) {
        let (file, folder) = module(folder, name);
        sum += of_module(&file, &folder)?;
    }
    for name in code.lines().filter_map(included_assembly) {
        let beside = file.with_file_name(name);
        sum += count(&std::fs::read_to_string(beside)?, "#");
    }
    Ok(sum)
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

/// Where a module that is declared in a module with this folder lies, and its own folder.
fn module(folder: &Path, name: &str) -> (PathBuf, PathBuf) {
    let own = folder.join(name);
    let file = folder.join(format!("{name}.rs"));
    match file.exists() {
        true => (file, own),
        false => (own.join("mod.rs"), own),
    }
}

/// The source without the items that are compiled for tests alone. Formatted as rustfmt does it: an
/// item that begins at the margin ends at its semicolon or at the next brace at the margin.
fn without_tests(source: &str) -> String {
    let mut code = String::new();
    let mut lines = source.lines();
    while let Some(line) = lines.next() {
        if line != TEST_ONLY {
            code.push_str(line);
            code.push('\n');
            continue;
        }
        let ends =
            |line: &&str| line.starts_with('}') || !line.starts_with(' ') && line.ends_with(';');
        lines.find(ends);
    }
    code
}

/// Lines that are neither blank nor comment.
fn count(code: &str, comment: &str) -> usize {
    code.lines()
        .map(str::trim)
        .filter(|line| !line.is_empty() && !line.starts_with(comment))
        .count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_neither_comments_nor_blank_lines() {
        let source = "//! Words.\n\nfn a() {} // one\n    // none\nfn b() {}\n";
        assert_eq!(count(source, "//"), 2);
    }

    #[test]
    fn leaves_out_what_is_compiled_for_tests_alone_and_nothing_after_it() {
        let source = "mod a;\n#[cfg(test)]\nmod tests;\nfn b() {}\n#[cfg(test)]\nmod more {\n    use x;\n}\nfn c() {}\n";
        assert_eq!(without_tests(source), "mod a;\nfn b() {}\nfn c() {}\n");
    }

    #[test]
    fn follows_modules_into_files_and_folders_and_assembly_but_not_into_tests() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path();
        let write = |name: &str, text: &str| {
            let path = folder.join(name);
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
        assert_eq!(of_crate(folder).unwrap(), 2 + 2 + 1 + 1 + 1);
    }
}
