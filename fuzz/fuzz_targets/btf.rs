//! Whatever BTF says, questions about it come to an end, and what is answered stands in it.
#![no_main]

use baton_kdump::btf::Btf;
use libfuzzer_sys::fuzz_target;

const NAMES: [&str; 4] = ["zone", "per_cpu_pages", "cpu_fbatches", "folio_batch"];
const MEMBERS: [&str; 5] = ["per_cpu_pageset", "count", "lists", "nr", "folios"];

fuzz_target!(|input: &[u8]| {
    let source = input.to_vec();
    let Ok(btf) = Btf::open(&source) else {
        return;
    };
    let Ok(found) = btf.structures(&NAMES, &MEMBERS) else {
        return;
    };
    let members = || found.iter().flat_map(|it| &it.members);
    // Each has its own place in the bytes, of twelve.
    assert!(12 * (found.len() + members().count()) <= input.len());
    let types: Vec<u32> = members().map(|it| it.kind).collect();
    let arrays = btf.arrays(&types).expect("read once, it can be read again");
    assert!(24 * arrays.len() <= input.len());
    for array in arrays {
        assert!(types.contains(&array.id));
    }
});
