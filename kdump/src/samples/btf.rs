//! BTF of a few structures.

/// Types and their texts, as they are added.
pub(crate) struct BtfSample {
    types: Vec<u8>,
    texts: Vec<u8>,
    count: u32,
}

/// A member: name, type, offset in bytes.
pub(crate) type Member = (&'static str, u32, u32);

/// How many lists there are, and how many pages a batch takes.
pub(crate) const LISTS: u32 = 14;
pub(crate) const BATCH: u32 = 31;
/// Offsets of members.
pub(crate) const PAGESET: u32 = 16;
pub(crate) const COUNT: u32 = 4;
pub(crate) const LISTS_AT: u32 = 24;
pub(crate) const BATCH_SIZE: u32 = 256;

impl BtfSample {
    fn new() -> BtfSample {
        BtfSample {
            types: Vec::new(),
            texts: vec![0],
            count: 0,
        }
    }

    fn text(&mut self, text: &str) -> u32 {
        let at = u32::try_from(self.texts.len()).unwrap();
        if text.is_empty() {
            return 0;
        }
        self.texts.extend(text.bytes());
        self.texts.push(0);
        at
    }

    fn put(&mut self, numbers: &[u32]) {
        let bytes = numbers.iter().flat_map(|it| it.to_le_bytes());
        self.types.extend(bytes);
    }

    /// A type of this kind, with what follows its head; gives its number.
    fn kind(&mut self, kind: u32, name: &str, count: u32, size: u32, rest: &[u32]) -> u32 {
        let name = self.text(name);
        self.put(&[name, kind << 24 | count, size]);
        self.put(rest);
        self.count += 1;
        self.count
    }

    fn structure(&mut self, name: &str, size: u32, members: &[Member]) -> u32 {
        let mut rest = Vec::new();
        for (name, kind, offset) in members {
            rest.extend([self.text(name), *kind, 8 * offset]);
        }
        let count = u32::try_from(members.len()).unwrap();
        self.kind(4, name, count, size, &rest)
    }

    /// What a kernel says of the pages that its CPUs have.
    pub(crate) fn of_pages() -> BtfSample {
        let mut btf = BtfSample::new();
        let int = btf.kind(1, "int", 0, 4, &[32]);
        let pointer = btf.kind(2, "", 0, 0, &[]);
        let list = btf.structure(
            "list_head",
            16,
            &[("next", pointer, 0), ("prev", pointer, 8)],
        );
        let lists = btf.kind(3, "", 0, 0, &[list, int, LISTS]);
        let folios = btf.kind(3, "", 0, 0, &[pointer, int, BATCH]);
        // Of each other kind one.
        btf.kind(6, "sides", 2, 4, &[0, 0, 0, 1]);
        btf.kind(13, "", 1, int, &[0, int]);
        btf.kind(12, "function", 0, 7, &[]);
        btf.kind(14, "variable", 0, int, &[0]);
        btf.kind(15, ".data", 1, 4, &[9, 0, 4]);
        btf.kind(17, "tag", 0, int, &[0]);
        btf.kind(19, "large", 1, 8, &[0, 0, 1]);
        btf.structure(
            "zone",
            1024,
            &[("", int, 0), ("per_cpu_pageset", pointer, PAGESET)],
        );
        btf.structure(
            "per_cpu_pages",
            256,
            &[("count", int, COUNT), ("lists", lists, LISTS_AT)],
        );
        let batch = btf.structure(
            "folio_batch",
            BATCH_SIZE,
            &[("nr", int, 0), ("folios", folios, 8)],
        );
        let batches = [
            ("lock", int, 0),
            ("lru_add", batch, 8),
            ("lru_activate", batch, 8 + BATCH_SIZE),
        ];
        btf.structure("cpu_fbatches", 1024, &batches);
        btf
    }

    /// All of it.
    pub(crate) fn build(&self) -> Vec<u8> {
        let length = |bytes: &[u8]| u32::try_from(bytes.len()).unwrap();
        let (types, texts) = (length(&self.types), length(&self.texts));
        // Magic number, version 1, no flags.
        let mut bytes = vec![0x9f, 0xeb, 1, 0];
        for number in [24, 0, types, types, texts] {
            bytes.extend(u32::to_le_bytes(number));
        }
        bytes.extend(&self.types);
        bytes.extend(&self.texts);
        bytes
    }
}
