//! Whatever depmod's files say, an order of modules is found, and has none twice.
#![no_main]

use baton_sys::modules::{Found, Index, Resolver, Texts};
use libfuzzer_sys::fuzz_target;
use std::collections::BTreeSet;

// The files and a name, apart by lines of a percent sign.
fuzz_target!(|data: &[u8]| {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    let mut parts = text.split("\n%\n");
    let mut part = || parts.next().unwrap_or_default();
    let index = Index::parse(&Texts {
        dependencies: part(),
        builtin: part(),
        aliases: part(),
        builtin_info: part(),
        soft_dependencies: part(),
    });
    let wanted = part();
    let mut resolver = Resolver::new(&index);
    let found = resolver.add(wanted);
    assert_eq!(found, index.find(wanted) != Found::Nothing);
    let order = resolver.into_order();
    let names: BTreeSet<&String> = order.iter().collect();
    assert_eq!(names.len(), order.len());
    if let Found::Modules(modules) = index.find(wanted) {
        assert!(modules.iter().all(|module| names.contains(module)));
    }
});
