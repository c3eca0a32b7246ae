//! Determines which modules are needed and in which order they are loaded.

use super::index::{Found, Index};
use std::collections::BTreeSet;

/// A list of modules in load order, each after those that it requires.
#[derive(Debug, Clone)]
pub struct Resolver<'i> {
    index: &'i Index,
    seen: BTreeSet<String>,
    order: Vec<String>,
}

impl<'i> Resolver<'i> {
    /// An empty list.
    #[must_use]
    pub fn new(index: &'i Index) -> Resolver<'i> {
        Resolver {
            index,
            seen: BTreeSet::new(),
            order: Vec::new(),
        }
    }

    /// Adds the modules that a name or an alias stands for, with their dependencies. Returns whether there are any,
    /// built-in ones included.
    pub fn add(&mut self, wanted: &str) -> bool {
        match self.index.find(wanted) {
            Found::Modules(modules) => {
                modules.iter().for_each(|module| self.visit(module));
                true
            }
            Found::BuiltIn => true,
            Found::Nothing => false,
        }
    }

    /// The names of the modules in load order.
    #[must_use]
    pub fn into_order(self) -> Vec<String> {
        self.order
    }

    /// Visits dependencies depth first. Cycles end at modules that were seen. The stack is explicit, since the depth
    /// is controlled by modules.dep.
    fn visit(&mut self, module: &str) {
        let mut steps = vec![Step::Enter(module.to_owned())];
        while let Some(step) = steps.pop() {
            match step {
                Step::Load(module) => self.order.push(module),
                Step::Enter(module) => {
                    if self.seen.insert(module.clone()) {
                        // The step pushed last is taken first.
                        steps.extend(self.around(&module).into_iter().rev());
                    }
                }
            }
        }
    }

    /// The steps for a module, and for the modules before and after it.
    fn around(&self, module: &str) -> Vec<Step> {
        let softly = |wanted: &[String]| {
            let found = wanted.iter().filter_map(|it| match self.index.find(it) {
                Found::Modules(modules) => Some(modules),
                Found::BuiltIn | Found::Nothing => None,
            });
            found.flatten().map(Step::Enter).collect::<Vec<_>>()
        };
        let soft = self.index.soft(module).cloned().unwrap_or_default();
        let mut steps = softly(&soft.before);
        // A module that modules.dep names without an entry is noticed when its file is looked up.
        let needs = self.index.needs(module).iter().cloned();
        steps.extend(needs.map(Step::Enter));
        steps.push(Step::Load(module.to_owned()));
        steps.extend(softly(&soft.after));
        steps
    }
}

enum Step {
    /// Visit a module that may have been seen before.
    Enter(String),
    /// Load a module whose dependencies come before.
    Load(String),
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::modules::Texts;

    const DEPENDENCIES: &str = "\
fs/ext4.ko: lib/crc16.ko fs/mbcache.ko fs/jbd2.ko
fs/jbd2.ko: lib/crc16.ko
fs/mbcache.ko:
lib/crc16.ko:
crypto/crc32c_generic.ko:
nvme.ko: nvme-core.ko
nvme-core.ko:
";

    fn index(dependencies: &str, soft: &str) -> Index {
        Index::parse(&Texts {
            dependencies,
            aliases: "alias fs-ext4 ext4\nalias crypto-crc32c crc32c_generic\n",
            soft_dependencies: soft,
            ..Texts::default()
        })
    }

    fn order(index: &Index, wanted: &[&str]) -> Vec<String> {
        let mut resolver = Resolver::new(index);
        for name in wanted {
            assert!(resolver.add(name), "{name}");
        }
        resolver.into_order()
    }

    #[test]
    fn a_module_follows_all_that_it_needs_and_softly_wants() {
        let index = index(DEPENDENCIES, "softdep ext4 pre: crypto-crc32c\n");
        assert_eq!(
            order(&index, &["fs-ext4", "nvme"]),
            [
                "crc32c_generic",
                "crc16",
                "mbcache",
                "jbd2",
                "ext4",
                "nvme_core",
                "nvme"
            ]
        );
    }

    #[test]
    fn each_is_loaded_once() {
        let index = index(DEPENDENCIES, "");
        let order = order(&index, &["ext4", "fs-ext4", "jbd2"]);
        let names: BTreeSet<&String> = order.iter().collect();
        assert_eq!(names.len(), order.len());
    }

    #[test]
    fn modules_that_want_each_other_end() {
        let index = index(
            "a.ko: b.ko\nb.ko: a.ko\n",
            "softdep a pre: b post: a\nsoftdep b pre: a\n",
        );
        assert_eq!(order(&index, &["a"]), ["b", "a"]);
    }

    #[test]
    fn a_chain_may_be_as_long_as_it_likes() {
        let lines = (0..100_000).map(|n| format!("m{n}.ko: m{}.ko\n", n + 1));
        let index = index(&(lines.collect::<String>() + "m100000.ko:\n"), "");
        let order = order(&index, &["m0"]);
        assert_eq!(order.len(), 100_001);
        assert_eq!(order.first().unwrap(), "m100000");
    }

    #[test]
    fn what_is_missing_softly_is_no_matter() {
        let index = index("a.ko:\n", "softdep a pre: gone\n");
        assert_eq!(order(&index, &["a"]), ["a"]);
        assert!(!Resolver::new(&index).add("gone"));
    }
}
