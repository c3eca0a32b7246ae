//! A gate with fewer formats.

use baton_xtask::gate::{Formats, build_with};
use baton_xtask::root;

/// Where the info block says which formats the gate is built without, and the bits of ELF, PVH and multiboot2
/// there (formats/src/gate_image).
const LEFT_OUT: usize = 0x1034;
const OTHERS: [u8; 4] = [0b1_1100, 0, 0, 0];

#[test]
fn a_gate_with_fewer_formats_is_built_smaller_and_says_what_it_is_built_without() {
    let directory = tempfile::tempdir().expect("a directory can be made");
    let build = |name: &str, formats: &Formats| {
        let directory = directory.path().join(name);
        let stub = build_with(&root().expect("a checkout"), formats, &directory);
        std::fs::read(stub.expect("it is built").image).expect("the stub")
    };
    let smaller = build("some", &Formats::parse("uki,bzimage").expect("formats"));
    let whole = build("all", &Formats::all());
    assert!(smaller.len() < whole.len());
    assert_eq!(smaller[LEFT_OUT..LEFT_OUT + 4], OTHERS);
    assert_eq!(whole[LEFT_OUT..LEFT_OUT + 4], [0; 4]);
}
