//! The next kernel's device tree: the old one, with `/chosen` and the list of reservations changed. What the gate knows
//! nothing of stays as it was.

extern crate alloc;

use alloc::vec::Vec;

use baton_formats::device_tree::{DeviceTree, Node, Property};
use baton_verify::Reason;

use super::arguments::MAX_TREE;

/// What is changed.
pub struct Changes<'c> {
    /// Properties of `/chosen`, by their names, that the old kernel's give way to; nothing takes the place of those
    /// without a value.
    pub chosen: &'c [(&'c str, Option<&'c [u8]>)],
    /// Memory that nobody may use any more: addresses and lengths in bytes.
    pub reserved: &'c [(u64, u64)],
    /// What is no longer reserved.
    pub released: &'c [(u64, u64)],
}

/// Tokens of the structure block (Devicetree Specification v0.4, 5.4.1).
const BEGIN_NODE: u32 = 1;
const END_NODE: u32 = 2;
const PROPERTY: u32 = 3;
const END: u32 = 9;

/// The header's fields that are the same in every tree that is written here (5.2).
const MAGIC: u32 = 0xd00d_feed;
const VERSION: u32 = 17;
const COMPATIBLE: u32 = 16;
const HEADER_LEN: usize = 40;

/// The changed tree.
///
/// # Errors
/// `NoRoom`, if it gets longer than a kernel takes.
pub fn changed(tree: &DeviceTree<'_>, changes: &Changes<'_>) -> Result<Vec<u8>, Reason> {
    let mut writer = Writer::default();
    writer.node(&tree.root(), Place::Root, changes);
    writer.word(END);
    let reservations = reservations(tree, changes);
    let bytes = writer.finish(&reservations, tree.boot_cpu());
    match bytes.len() as u64 {
        length if length > MAX_TREE => Err(Reason::NoRoom {
            needed: length,
            largest_free: MAX_TREE,
        }),
        _ => Ok(bytes),
    }
}

fn reservations(tree: &DeviceTree<'_>, changes: &Changes<'_>) -> Vec<(u64, u64)> {
    let mut all = Vec::new();
    all.extend(
        tree.reservations()
            .filter(|it| !changes.released.contains(it)),
    );
    all.extend_from_slice(changes.reserved);
    all.push((0, 0));
    all
}

/// Where a node is.
#[derive(Clone, Copy, PartialEq)]
enum Place {
    Root,
    Chosen,
    Elsewhere,
}

#[derive(Default)]
struct Writer {
    structure: Vec<u8>,
    strings: Vec<u8>,
}

impl Writer {
    fn word(&mut self, word: u32) {
        self.structure.extend_from_slice(&word.to_be_bytes());
    }

    fn pad(&mut self) {
        let length = self.structure.len().next_multiple_of(4);
        self.structure.resize(length, 0);
    }

    /// A node with all that is in it. `DeviceTree` bounds how deep nodes lie in each other.
    fn node(&mut self, node: &Node<'_>, place: Place, changes: &Changes<'_>) {
        self.word(BEGIN_NODE);
        self.structure.extend_from_slice(node.name());
        self.structure.push(0);
        self.pad();
        let given = match place {
            Place::Chosen => changes.chosen,
            Place::Root | Place::Elsewhere => &[],
        };
        let stays = |it: &Property<'_>| given.iter().all(|(name, _)| name.as_bytes() != it.name);
        for property in node.properties().filter(stays) {
            self.property(property.name, property.value);
        }
        for (name, value) in given {
            if let Some(value) = value {
                self.property(name.as_bytes(), value);
            }
        }
        for child in node.children() {
            let is_chosen = place == Place::Root && child.name() == b"chosen";
            let place = if is_chosen {
                Place::Chosen
            } else {
                Place::Elsewhere
            };
            self.node(&child, place, changes);
        }
        self.word(END_NODE);
    }

    fn property(&mut self, name: &[u8], value: &[u8]) {
        let name_at = self.string(name);
        self.word(PROPERTY);
        self.word(offset(value.len()));
        self.word(offset(name_at));
        self.structure.extend_from_slice(value);
        self.pad();
    }

    /// Where a name stands among the strings, each of which is there once.
    fn string(&mut self, name: &[u8]) -> usize {
        let mut at = 0;
        for known in self.strings.split(|byte| *byte == 0) {
            if known == name {
                return at;
            }
            at += known.len() + 1;
        }
        let at = self.strings.len();
        self.strings.extend_from_slice(name);
        self.strings.push(0);
        at
    }

    /// Header, reservations, structure and strings, one behind the other.
    fn finish(self, reservations: &[(u64, u64)], boot_cpu: u32) -> Vec<u8> {
        let structure = HEADER_LEN + 16 * reservations.len();
        let strings = structure + self.structure.len();
        let all = strings + self.strings.len();
        let mut bytes = Vec::with_capacity(all);
        for field in [
            MAGIC,
            offset(all),
            offset(structure),
            offset(strings),
            offset(HEADER_LEN),
            VERSION,
            COMPATIBLE,
            boot_cpu,
            offset(self.strings.len()),
            offset(self.structure.len()),
        ] {
            bytes.extend_from_slice(&field.to_be_bytes());
        }
        for (address, size) in reservations {
            bytes.extend_from_slice(&address.to_be_bytes());
            bytes.extend_from_slice(&size.to_be_bytes());
        }
        bytes.extend_from_slice(&self.structure);
        bytes.extend_from_slice(&self.strings);
        bytes
    }
}

/// A length or an offset as it is written. What doesn't fit belongs to a tree that is refused for its length.
fn offset(bytes: usize) -> u32 {
    u32::try_from(bytes).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use baton_formats::device_tree::DeviceTree;

    const NOTHING: Changes<'_> = Changes {
        chosen: &[],
        reserved: &[],
        released: &[],
    };

    /// A tree with a node in a node, and two names that are used twice.
    fn tree() -> Vec<u8> {
        let mut writer = Writer::default();
        let begin = |writer: &mut Writer, name: &str| {
            writer.word(BEGIN_NODE);
            writer.structure.extend_from_slice(name.as_bytes());
            writer.structure.push(0);
            writer.pad();
        };
        begin(&mut writer, "");
        writer.property(b"compatible", b"a\0");
        begin(&mut writer, "chosen");
        writer.property(b"bootargs", b"old\0");
        writer.property(b"kaslr-seed", &[7; 8]);
        begin(&mut writer, "chosen");
        writer.property(b"bootargs", b"of another node\0");
        writer.word(END_NODE);
        writer.word(END_NODE);
        begin(&mut writer, "device");
        writer.property(b"compatible", b"b\0");
        writer.word(END_NODE);
        writer.word(END_NODE);
        writer.word(END);
        writer.finish(&[(1, 2), (3, 4), (0, 0)], 9)
    }

    #[test]
    fn a_tree_without_changes_is_the_same() {
        let bytes = tree();
        let tree = DeviceTree::parse(&bytes).unwrap();
        let again = changed(&tree, &NOTHING).unwrap();
        assert_eq!(again, bytes);
    }

    #[test]
    fn what_is_chosen_and_reserved_changes_and_all_else_stays() {
        let bytes = tree();
        let tree = DeviceTree::parse(&bytes).unwrap();
        let changes = Changes {
            chosen: &[
                ("bootargs", Some(b"new\0")),
                ("kaslr-seed", None),
                ("linux,initrd-start", Some(&[1; 8])),
                ("never-there", None),
            ],
            reserved: &[(5, 6)],
            released: &[(3, 4), (8, 8)],
        };
        let bytes = changed(&tree, &changes).unwrap();
        let tree = DeviceTree::parse(&bytes).unwrap();
        assert_eq!(tree.reservations().collect::<Vec<_>>(), [(1, 2), (5, 6)]);
        assert_eq!(tree.boot_cpu(), 9);
        let chosen = tree.root().child("chosen").unwrap().unwrap();
        let properties: Vec<_> = chosen.properties().map(|it| (it.name, it.value)).collect();
        assert_eq!(
            properties,
            [
                (&b"bootargs"[..], &b"new\0"[..]),
                (b"linux,initrd-start", &[1; 8])
            ]
        );
        let inner = chosen.child("chosen").unwrap().unwrap();
        assert_eq!(
            inner.property("bootargs"),
            Ok(Some(&b"of another node\0"[..])),
            "only the root's counts"
        );
        let device = tree.root().child("device").unwrap().unwrap();
        assert_eq!(device.property("compatible"), Ok(Some(&b"b\0"[..])));
    }

    #[test]
    fn a_tree_longer_than_a_kernel_takes_is_refused() {
        let bytes = tree();
        let tree = DeviceTree::parse(&bytes).unwrap();
        let long = alloc::vec![0; 2 << 20];
        let changes = Changes {
            chosen: &[("bootargs", Some(&long))],
            ..NOTHING
        };
        assert!(matches!(
            changed(&tree, &changes),
            Err(Reason::NoRoom { .. })
        ));
    }
}
