//! Which modules are needed, and in which order they are loaded.

use super::index::{Found, Index};
use std::collections::BTreeSet;

/// Modules in the order in which they are loaded, each after those that it needs.
#[derive(Debug, Clone)]
pub struct Resolver<'i> {
    index: &'i Index,
    seen: BTreeSet<String>,
    order: Vec<String>,
}

impl<'i> Resolver<'i> {
    /// None yet.
    #[must_use]
    pub fn new(index: &'i Index) -> Resolver<'i> {
        Resolver {
            index,
            seen: BTreeSet::new(),
            order: Vec::new(),
        }
    }

    /// Adds what a name or an alias stands for, with all that it needs. Says whether it is there, as a
    /// module or built in.
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

    /// The names of the modules, in order.
    #[must_use]
    pub fn into_order(self) -> Vec<String> {
        self.order
    }

    /// Depth first; a circle ends at what was seen. Each step marks a module of the index, so that the
    /// depth is bounded by their number, which depmod keeps free of circles.
    fn visit(&mut self, module: &str) {
        if !self.seen.insert(module.to_owned()) {
            return;
        }
        let index = self.index;
        let soft = index.soft(module);
        for wanted in soft.iter().flat_map(|soft| &soft.before) {
            self.add(wanted);
        }
        for needed in index.needs(module) {
            // What modules.dep names without an entry of its own shows when its file is looked for.
            self.visit(needed);
        }
        self.order.push(module.to_owned());
        for wanted in soft.iter().flat_map(|soft| &soft.after) {
            self.add(wanted);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crash::fake::Fake;

    fn order(fake: &Fake, wanted: &[&str]) -> Vec<String> {
        let index = Index::read(&fake.root(), "6.1.0-test").unwrap().unwrap();
        let mut resolver = Resolver::new(&index);
        for name in wanted {
            assert!(resolver.add(name), "{name}");
        }
        resolver.into_order()
    }

    fn before(order: &[String], first: &str, second: &str) -> bool {
        let place = |name: &str| order.iter().position(|it| it == name).unwrap();
        place(first) < place(second)
    }

    #[test]
    fn a_module_follows_all_that_it_needs_and_softly_wants() {
        let fake = Fake::new().with_modules();
        let order = order(&fake, &["fs-ext4", "nvme"]);
        for (first, second) in [
            ("mbcache", "ext4"),
            ("crc16", "jbd2"),
            ("jbd2", "ext4"),
            ("crc32c_generic", "ext4"),
            ("nvme_core", "nvme"),
        ] {
            assert!(before(&order, first, second), "{first} in {order:?}");
        }
    }

    #[test]
    fn each_is_loaded_once() {
        let fake = Fake::new().with_modules();
        let order = order(&fake, &["ext4", "fs-ext4", "jbd2"]);
        let names: BTreeSet<&String> = order.iter().collect();
        assert_eq!(names.len(), order.len());
    }

    #[test]
    fn modules_that_want_each_other_end() {
        let fake = Fake::new()
            .file(
                "lib/modules/6.1.0-test/modules.dep",
                "a.ko: b.ko\nb.ko: a.ko\n",
            )
            .file(
                "lib/modules/6.1.0-test/modules.softdep",
                "softdep a pre: b post: a\nsoftdep b pre: a\n",
            );
        assert_eq!(order(&fake, &["a"]), ["b", "a"]);
    }

    #[test]
    fn what_is_missing_softly_is_no_matter() {
        let fake = Fake::new()
            .file("lib/modules/6.1.0-test/modules.dep", "a.ko:\n")
            .file(
                "lib/modules/6.1.0-test/modules.softdep",
                "softdep a pre: gone\n",
            );
        assert_eq!(order(&fake, &["a"]), ["a"]);
        let index = Index::read(&fake.root(), "6.1.0-test").unwrap().unwrap();
        assert!(!Resolver::new(&index).add("gone"));
    }
}
