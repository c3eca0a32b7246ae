//! Device trees, written token by token.

/// A tree that is being written.
pub struct Tree {
    structure: Vec<u8>,
    strings: Vec<u8>,
    /// Memory that nobody may use.
    pub reservations: Vec<(u64, u64)>,
}

impl Default for Tree {
    fn default() -> Self {
        Self::new()
    }
}

impl Tree {
    /// With the beginning of the root.
    pub fn new() -> Self {
        Tree {
            structure: Vec::new(),
            strings: Vec::new(),
            reservations: Vec::new(),
        }
        .begin("")
    }

    fn put(&mut self, word: u32) {
        self.structure.extend(word.to_be_bytes());
    }

    fn pad(&mut self) {
        let length = self.structure.len().next_multiple_of(4);
        self.structure.resize(length, 0);
    }

    /// A node begins.
    pub fn begin(mut self, name: &str) -> Self {
        self.put(1);
        self.structure.extend(name.as_bytes());
        self.structure.push(0);
        self.pad();
        self
    }

    /// It ends.
    pub fn end(mut self) -> Self {
        self.put(2);
        self
    }

    /// Nothing.
    pub fn nop(mut self) -> Self {
        self.put(4);
        self
    }

    /// A property.
    pub fn property(mut self, name: &str, value: &[u8]) -> Self {
        self.put(3);
        self.put(value.len() as u32);
        let at = self.strings.len() as u32;
        self.put(at);
        self.strings.extend(name.as_bytes());
        self.strings.push(0);
        self.structure.extend(value);
        self.pad();
        self
    }

    /// All of it, after the end of the root: header, reservations, structure, strings.
    pub fn build(mut self) -> Vec<u8> {
        self.put(9);
        let mut reservations = self.reservations.clone();
        reservations.push((0, 0));
        let start = 40 + 16 * reservations.len();
        let strings = start + self.structure.len();
        let all = strings + self.strings.len();
        let header = [
            0xd00d_feed,
            all,
            start,
            strings,
            40,
            17,
            16,
            0,
            self.strings.len(),
            self.structure.len(),
        ];
        let mut bytes = Vec::new();
        for word in header {
            bytes.extend((word as u32).to_be_bytes());
        }
        for (address, size) in reservations {
            bytes.extend(address.to_be_bytes());
            bytes.extend(size.to_be_bytes());
        }
        bytes.extend(self.structure);
        bytes.extend(self.strings);
        bytes
    }
}

/// What a machine's kernel may pass on: memory, and what it was told.
pub fn device_tree() -> Vec<u8> {
    let mut tree = Tree::new()
        .property("#address-cells", &2u32.to_be_bytes())
        .property("#size-cells", &1u32.to_be_bytes())
        .property("compatible", b"linux,dummy-virt\0")
        .begin("memory@40000000")
        .property("device_type", b"memory\0")
        .property(
            "reg",
            b"\0\0\0\0\x40\0\0\0\x10\0\0\0\0\0\0\x01\0\0\0\0\x20\0\0\0",
        )
        .end()
        .nop()
        .begin("chosen")
        .property("bootargs", b"quiet\0")
        .property("linux,initrd-start", &0x4800_0000_u64.to_be_bytes())
        .nop()
        .begin("framebuffer")
        .property("reg", b"")
        .end()
        .end()
        .end();
    tree.reservations = vec![(0x4000_0000, 0x1000), (0x1_0000_0000, 8)];
    tree.build()
}
