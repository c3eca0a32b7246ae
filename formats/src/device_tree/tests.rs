use super::*;
use DeviceTreeError as Bad;
use baton_samples::device_tree::{Tree, device_tree};

fn parse(bytes: &[u8]) -> Result<DeviceTree<'_>, Bad> {
    DeviceTree::parse(bytes)
}

/// The sample with one word of its header changed.
fn with(at: usize, value: u32) -> Vec<u8> {
    let mut bytes = device_tree();
    bytes[at..at + 4].copy_from_slice(&value.to_be_bytes());
    bytes
}

fn refused(bytes: &[u8]) -> Bad {
    parse(bytes).expect_err("it is refused")
}

#[test]
fn nodes_properties_and_reservations_are_read_as_they_stand() {
    let bytes = [&device_tree()[..], b"and more"].concat();
    let tree = parse(&bytes).unwrap();
    assert_eq!(stated_len(&bytes), Some(tree.bytes().len() as u32));
    assert_eq!(tree.bytes(), device_tree());
    let reserved: Vec<_> = tree.reservations().collect();
    assert_eq!(reserved, [(0x4000_0000, 0x1000), (0x1_0000_0000, 8)]);
    let root = tree.root();
    assert_eq!(
        root.property("compatible").unwrap(),
        Some(&b"linux,dummy-virt\0"[..])
    );
    let names: Vec<_> = root.children().map(|it| it.name()).collect();
    assert_eq!(names, [&b"memory@40000000"[..], b"chosen"]);
    let chosen = root.child("chosen").unwrap().unwrap();
    let names: Vec<_> = chosen.properties().map(|it| it.name).collect();
    assert_eq!(names, [&b"bootargs"[..], b"linux,initrd-start"]);
    assert_eq!(chosen.u64("linux,initrd-start"), Ok(Some(0x4800_0000)));
    assert_eq!(chosen.children().count(), 1);
    assert!(root.child("nothing").unwrap().is_none());
    assert_eq!(
        chosen.property("reg"),
        Ok(None),
        "it is that of a node in it"
    );
}

#[test]
fn ranges_have_as_many_cells_as_the_node_above_says() {
    let bytes = device_tree();
    let root = parse(&bytes).unwrap().root();
    let cells = Cells::of(&root).unwrap();
    let memory = root.children().next().unwrap();
    let ranges: Vec<_> = memory.ranges("reg", cells).unwrap().collect();
    assert_eq!(
        ranges,
        [(0x4000_0000, 0x1000_0000), (0x1_0000_0000, 0x2000_0000)]
    );
    let by_default = Cells::of(&memory).unwrap();
    assert_eq!(by_default, cells, "two and one");
    let odd = Tree::new().property("reg", &[0; 13]).end().build();
    let odd = parse(&odd).unwrap().root();
    assert_eq!(odd.ranges("reg", cells).err(), Some(Bad::Length("reg")));
    for count in [0_u32, 3, u32::MAX] {
        let bytes = Tree::new()
            .property("#size-cells", &count.to_be_bytes())
            .end()
            .build();
        let found = Cells::of(&parse(&bytes).unwrap().root());
        assert_eq!(found, Err(Bad::Length("#size-cells")));
    }
}

#[test]
fn what_stands_twice_is_no_answer() {
    let bytes = Tree::new()
        .property("reg", b"1")
        .property("reg", b"2")
        .begin("chosen")
        .end()
        .begin("chosen")
        .end()
        .end()
        .build();
    let root = parse(&bytes).unwrap().root();
    assert_eq!(root.property("reg"), Err(Bad::Twice("reg")));
    assert_eq!(root.child("chosen").err(), Some(Bad::Twice("chosen")));
}

#[test]
fn a_number_of_another_length_is_none() {
    let bytes = Tree::new().property("reg", &[0; 5]).end().build();
    let root = parse(&bytes).unwrap().root();
    assert_eq!(root.u32("reg"), Err(Bad::Length("reg")));
    assert_eq!(root.u64("reg"), Err(Bad::Length("reg")));
}

#[test]
fn a_tree_cut_off_anywhere_is_refused() {
    let bytes = device_tree();
    for length in 0..bytes.len() {
        assert!(parse(&bytes[..length]).is_err(), "cut to {length}");
        // And where the header knows of it.
        let mut short = bytes[..length].to_vec();
        if let Some(field) = short.get_mut(4..8) {
            field.copy_from_slice(&(length as u32).to_be_bytes());
        }
        assert!(parse(&short).is_err(), "cut to {length}, and said");
    }
}

#[test]
fn a_header_that_lies_is_refused() {
    assert_eq!(refused(&with(0, 0xd00d_feee)), Bad::Magic);
    assert_eq!(refused(&with(4, u32::MAX)), Bad::CutOff("end"));
    assert_eq!(refused(&with(20, 16)), Bad::Version(16));
    assert_eq!(refused(&with(24, 18)), Bad::Version(17));
    assert_eq!(refused(&with(8, 90)), Bad::Alignment("structure block"));
    assert_eq!(
        refused(&with(8, 0xffff_fffc)),
        Bad::CutOff("structure block")
    );
    assert_eq!(refused(&with(36, u32::MAX)), Bad::CutOff("structure block"));
    assert_eq!(refused(&with(12, u32::MAX)), Bad::CutOff("strings block"));
    assert_eq!(refused(&with(16, 44)), Bad::Alignment("reservation block"));
    let beyond = with(16, !7);
    assert_eq!(refused(&beyond), Bad::CutOff("reservation block"));
    assert_eq!(stated_len(&with(0, 1)), None);
}

#[test]
fn a_structure_that_is_not_one_node_is_refused() {
    let token = |tree: Tree| matches!(refused(&tree.build()), Bad::Token(_));
    assert!(token(Tree::new()), "the root doesn't end");
    assert!(token(Tree::new().end().end()), "more ends than begins");
    assert!(token(Tree::new().end().begin("").end()), "two roots");
    assert!(token(Tree::new().end().property("reg", b"")), "outside");
    let after = Tree::new().begin("a").end().property("reg", b"").end();
    assert!(token(after), "a property after a node");
    let unnamed = Tree::new().begin("").end().end().build();
    assert!(matches!(refused(&unnamed), Bad::Name(_)));
    let unnamed = Tree::new().property("", b"").end().build();
    assert!(matches!(refused(&unnamed), Bad::Name(_)));
}

#[test]
fn nodes_are_nested_as_deep_as_linux_takes_and_no_deeper() {
    let nested = |depth: usize| {
        let tree = (1..depth).fold(Tree::new(), |tree, _| tree.begin("a"));
        (0..depth).fold(tree, |tree, _| tree.end()).build()
    };
    assert!(parse(&nested(MAX_DEPTH)).is_ok());
    assert_eq!(refused(&nested(MAX_DEPTH + 1)), Bad::TooDeep);
}

#[test]
fn an_unknown_token_is_refused_wherever_it_stands() {
    let bytes = device_tree();
    let structure = word(&bytes, 8).unwrap() as usize;
    let length = word(&bytes, 36).unwrap() as usize;
    for at in (structure..structure + length).step_by(4) {
        let mut bytes = bytes.clone();
        bytes[at..at + 4].copy_from_slice(&0xfff_fff5_u32.to_be_bytes());
        // In a name or a value it may be anything.
        if let Ok(tree) = parse(&bytes) {
            assert_eq!(tree.root().children().count(), 2, "at {at:#x}");
        }
    }
}
