//! The index of one kernel's modules, which depmod(8) and the kernel's build write to `/lib/modules/VERSION`.

use super::wildcard;
use crate::{ReadError, Root};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// The modules of one kernel by name, with `-` written as `_`.
#[derive(Debug, Clone, Default)]
pub struct Index {
    /// The kernel's version.
    pub version: String,
    /// The directory to which the modules' paths are relative.
    pub directory: PathBuf,
    modules: BTreeMap<String, Entry>,
    builtin: BTreeSet<String>,
    aliases: Vec<(String, String)>,
    builtin_aliases: Vec<(String, String)>,
    soft: BTreeMap<String, SoftDependencies>,
}

/// The texts of the index files.
#[derive(Debug, Clone, Copy, Default)]
pub struct Texts<'t> {
    /// `modules.dep`
    pub dependencies: &'t str,
    /// `modules.builtin`
    pub builtin: &'t str,
    /// `modules.alias`
    pub aliases: &'t str,
    /// `modules.builtin.modinfo`
    pub builtin_info: &'t str,
    /// `modules.softdep`
    pub soft_dependencies: &'t str,
}

/// A module's file, and the names of the modules that it requires.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Entry {
    path: PathBuf,
    needs: Vec<String>,
}

/// The modules that should be loaded before and after a module if they exist, by name or alias.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SoftDependencies {
    /// Modules to load before it.
    pub before: Vec<String>,
    /// Modules to load after it.
    pub after: Vec<String>,
}

/// What a name or an alias stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Found {
    /// These modules.
    Modules(Vec<String>),
    /// A module that is built into the kernel.
    BuiltIn,
    /// Nothing that is known.
    Nothing,
}

impl Index {
    /// Reads the index of a kernel; `None` if there is no `modules.dep`. The other files may be missing.
    ///
    /// # Errors
    /// When a file exists and can't be read.
    pub fn read(root: &Root, version: &str) -> Result<Option<Index>, ReadError> {
        for parent in ["lib/modules", "usr/lib/modules"] {
            let directory = format!("{parent}/{version}");
            let text = |name: &str| {
                let text = root.read_text(&format!("{directory}/{name}"));
                text.map(Option::unwrap_or_default)
            };
            let Some(dependencies) = root.read_text(&format!("{directory}/modules.dep"))? else {
                continue;
            };
            let index = Index::parse(&Texts {
                dependencies: &dependencies,
                builtin: &text("modules.builtin")?,
                aliases: &text("modules.alias")?,
                builtin_info: &text("modules.builtin.modinfo")?,
                soft_dependencies: &text("modules.softdep")?,
            });
            return Ok(Some(Index {
                version: version.to_owned(),
                directory: root.join(&directory),
                ..index
            }));
        }
        Ok(None)
    }

    /// Parses the files. Lines of another form are skipped.
    #[must_use]
    pub fn parse(texts: &Texts<'_>) -> Index {
        Index {
            version: String::new(),
            directory: PathBuf::new(),
            modules: parse_dependencies(texts.dependencies),
            builtin: parse_builtin(texts.builtin),
            aliases: parse_aliases(texts.aliases),
            builtin_aliases: parse_builtin_aliases(texts.builtin_info),
            soft: parse_soft_dependencies(texts.soft_dependencies),
        }
    }

    /// What a module's name or an alias stands for: names are tried first, then aliases, then built-in modules, as in
    /// kmod_module_new_from_lookup of libkmod.
    #[must_use]
    pub fn find(&self, wanted: &str) -> Found {
        let name = normal(wanted);
        if self.modules.contains_key(&name) {
            return Found::Modules(vec![name]);
        }
        let matching = |aliases: &[(String, String)]| {
            let matching = aliases
                .iter()
                .filter(|(pattern, _)| wildcard::matches(pattern.as_bytes(), name.as_bytes()));
            let mut names: Vec<String> = Vec::new();
            for (_, module) in matching {
                if !names.contains(module) {
                    names.push(module.clone());
                }
            }
            names
        };
        let mut modules = matching(&self.aliases);
        modules.retain(|module| self.modules.contains_key(module));
        match modules.is_empty() {
            false => Found::Modules(modules),
            true if self.builtin.contains(&name) || !matching(&self.builtin_aliases).is_empty() => {
                Found::BuiltIn
            }
            true => Found::Nothing,
        }
    }

    /// Whether the module with this name is built into the kernel.
    #[must_use]
    pub fn is_built_in(&self, name: &str) -> bool {
        self.builtin.contains(&normal(name))
    }

    /// The file of a module.
    #[must_use]
    pub fn file(&self, name: &str) -> Option<PathBuf> {
        Some(self.directory.join(&self.modules.get(name)?.path))
    }

    /// The names of the modules that a module requires.
    #[must_use]
    pub fn needs(&self, name: &str) -> &[String] {
        self.modules.get(name).map_or(&[], |entry| &entry.needs)
    }

    /// The soft dependencies of a module.
    #[must_use]
    pub fn soft(&self, name: &str) -> Option<&SoftDependencies> {
        self.soft.get(name)
    }
}

/// The form in which names and aliases are compared: with `_` for `-`, except within a set (modname_normalize and
/// alias_normalize of libkmod).
#[must_use]
pub fn normal(name: &str) -> String {
    let mut in_set = false;
    name.chars()
        .map(|c| {
            match c {
                '[' => in_set = true,
                ']' => in_set = false,
                '-' if !in_set => return '_',
                _ => {}
            }
            c
        })
        .collect()
}

/// The name of the module in a file: `kernel/fs/nls/nls_iso8859-1.ko.xz` holds `nls_iso8859_1`.
fn name_of(path: &str) -> Option<String> {
    let file = Path::new(path).file_name()?.to_str()?;
    let (name, ending) = file.split_once(".ko")?;
    let known = matches!(ending, "" | ".xz" | ".gz" | ".zst");
    (known && !name.is_empty()).then(|| normal(name))
}

/// Parses modules.dep(5), which has lines `PATH: PATH…`. Paths that aren't those of modules are skipped.
fn parse_dependencies(text: &str) -> BTreeMap<String, Entry> {
    let entry = |line: &str| {
        let (path, needs) = line.split_once(':')?;
        let entry = Entry {
            path: PathBuf::from(path),
            needs: needs.split_whitespace().filter_map(name_of).collect(),
        };
        Some((name_of(path)?, entry))
    };
    text.lines().filter_map(entry).collect()
}

/// Parses the list of built-in modules, with one path a line.
fn parse_builtin(text: &str) -> BTreeSet<String> {
    text.lines()
        .filter_map(|line| name_of(line.trim()))
        .collect()
}

/// Parses lines `alias PATTERN MODULE`.
fn parse_aliases(text: &str) -> Vec<(String, String)> {
    let alias = |line: &str| {
        let mut words = line.strip_prefix("alias ")?.split_whitespace();
        Some((normal(words.next()?), normal(words.next()?)))
    };
    text.lines().filter_map(alias).collect()
}

/// Parses the entries `MODULE.alias=PATTERN` among others, each terminated by a NUL (scripts/Makefile.vmlinux).
fn parse_builtin_aliases(text: &str) -> Vec<(String, String)> {
    let alias = |entry: &str| {
        let (module, pattern) = entry.split_once(".alias=")?;
        Some((normal(pattern), normal(module)))
    };
    text.split('\0').filter_map(alias).collect()
}

/// Parses lines `softdep MODULE pre: NAME… post: NAME…` (modprobe.d(5)).
fn parse_soft_dependencies(text: &str) -> BTreeMap<String, SoftDependencies> {
    let mut all: BTreeMap<String, SoftDependencies> = BTreeMap::new();
    for line in text.lines() {
        let mut words = line.split_whitespace();
        let (Some("softdep"), Some(module)) = (words.next(), words.next()) else {
            continue;
        };
        let soft = all.entry(normal(module)).or_default();
        let mut list = None;
        for word in words {
            match word {
                "pre:" => list = Some(&mut soft.before),
                "post:" => list = Some(&mut soft.after),
                name => list.iter_mut().for_each(|list| list.push(name.to_owned())),
            }
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    const DEPENDENCIES: &str = "\
kernel/fs/ext4/ext4.ko: kernel/lib/crc16.ko kernel/fs/mbcache.ko kernel/fs/jbd2/jbd2.ko
kernel/fs/mbcache.ko:
kernel/fs/nls/nls_iso8859-1.ko.xz:
";

    fn index() -> Index {
        Index::parse(&Texts {
            dependencies: DEPENDENCIES,
            builtin: "kernel/fs/binfmt_script.ko\nkernel/drivers/nvme/host/nvme-core.ko\n",
            aliases: "# Aliases\nalias fs-ext3 ext4\nalias crypto-crc32c mbcache\nalias crypto-crc32c gone\n",
            builtin_info: "xfs.alias=fs-xfs\0xfs.license=GPL\0",
            soft_dependencies: "",
        })
    }

    #[test]
    fn a_module_is_found_by_its_name_however_it_is_spelled() {
        let index = index();
        for name in ["nls_iso8859-1", "nls-iso8859_1"] {
            assert_eq!(
                index.find(name),
                Found::Modules(vec!["nls_iso8859_1".into()])
            );
        }
        assert!(
            index
                .file("nls_iso8859_1")
                .unwrap()
                .ends_with("nls_iso8859-1.ko.xz")
        );
        assert_eq!(index.needs("ext4"), ["crc16", "mbcache", "jbd2"]);
    }

    #[test]
    fn an_alias_stands_for_modules_that_are_there() {
        assert_eq!(index().find("fs-ext3"), Found::Modules(vec!["ext4".into()]));
        assert_eq!(
            index().find("crypto-crc32c"),
            Found::Modules(vec!["mbcache".into()])
        );
    }

    #[test]
    fn built_in_modules_are_distinguished_from_missing_ones() {
        assert_eq!(index().find("nvme_core"), Found::BuiltIn);
        assert_eq!(index().find("fs-xfs"), Found::BuiltIn);
        assert_eq!(index().find("fs-btrfs"), Found::Nothing);
    }

    #[test]
    fn soft_dependencies_come_before_and_after() {
        let soft = parse_soft_dependencies(
            "# Soft\nsoftdep btrfs pre: crc32c xxhash64 post: later\nsoftdep btrfs pre: sha256\nsoftdep\n",
        );
        let btrfs = soft.get("btrfs").unwrap();
        assert_eq!(btrfs.before, ["crc32c", "xxhash64", "sha256"]);
        assert_eq!(btrfs.after, ["later"]);
    }

    #[test]
    fn a_hyphen_in_a_set_is_a_range() {
        assert_eq!(normal("fs-x[0-9]-y"), "fs_x[0-9]_y");
    }

    #[test]
    fn a_file_that_is_cut_off_anywhere_gives_no_names_that_are_not_in_it() {
        let whole = parse_dependencies(DEPENDENCIES);
        for len in 0..DEPENDENCIES.len() {
            for (name, entry) in parse_dependencies(DEPENDENCIES.get(..len).unwrap()) {
                let full = whole.get(&name).unwrap();
                assert_eq!(entry.path, full.path, "at {len}");
                assert!(full.needs.starts_with(&entry.needs), "at {len}");
            }
        }
    }
}
