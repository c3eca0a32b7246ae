//! Whatever is accepted as a device tree can be walked to its end, and every name and value lies in it.
#![no_main]

use baton_formats::device_tree::{Cells, DeviceTree, MAX_DEPTH, Node, stated_len};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let Ok(tree) = DeviceTree::parse(bytes) else {
        return;
    };
    assert_eq!(
        stated_len(bytes).map(|it| it as usize),
        Some(tree.bytes().len())
    );
    assert!(bytes.starts_with(tree.bytes()));
    assert!(tree.reservations().all(|entry| entry != (0, 0)));
    let mut nodes = 0;
    walk(&tree.root(), 1, &mut nodes);
    // A node takes at least two tokens, and one but the root a name.
    assert!(nodes * 8 <= tree.bytes().len());
    let chosen = tree.root().child("chosen");
    if let Ok(Some(chosen)) = chosen {
        assert_eq!(chosen.name(), b"chosen");
        let named = chosen.properties().filter(|it| it.name == b"bootargs");
        assert_eq!(named.count() > 1, chosen.property("bootargs").is_err());
    }
});

fn walk(node: &Node<'_>, depth: usize, nodes: &mut usize) {
    assert!(depth <= MAX_DEPTH);
    *nodes += 1;
    assert!(!node.name().contains(&0));
    assert!(
        node.properties()
            .all(|it| !it.name.is_empty() && !it.name.contains(&0))
    );
    if let Ok(cells) = Cells::of(node) {
        for child in node.children() {
            let _ = child.ranges("reg", cells).map(Iterator::count);
        }
    }
    for child in node.children() {
        walk(&child, depth + 1, nodes);
    }
}
