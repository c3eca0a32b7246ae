//! A kernel's log, written as printk writes it.

use super::core;

/// Where the sample's memory begins, physically, and where its image is mapped.
pub(crate) const RAM: u64 = 0x100_0000;
const IMAGE: u64 = 0xffff_ffff_8000_0000;

/// What a kernel of such a log says of itself: members in the order of 6.12.
pub(crate) const INFO: &str = "OSRELEASE=6.12.1-sample\nPAGESIZE=4096\nCRASHTIME=1700000000\n\
NUMBER(phys_base)=16777216\nSYMBOL(init_top_pgt)=ffffffff80007000\nKERNELOFFSET=0\n\
SYMBOL(prb)=ffffffff80000000\n\
SIZE(printk_ringbuffer)=88\nOFFSET(printk_ringbuffer.desc_ring)=0\n\
OFFSET(printk_ringbuffer.text_data_ring)=48\n\
SIZE(prb_desc_ring)=48\nOFFSET(prb_desc_ring.count_bits)=0\nOFFSET(prb_desc_ring.descs)=8\n\
OFFSET(prb_desc_ring.infos)=16\nOFFSET(prb_desc_ring.head_id)=24\nOFFSET(prb_desc_ring.tail_id)=32\n\
SIZE(prb_desc)=24\nOFFSET(prb_desc.state_var)=0\nOFFSET(prb_desc.text_blk_lpos)=8\n\
OFFSET(prb_data_blk_lpos.begin)=0\nOFFSET(prb_data_blk_lpos.next)=8\n\
SIZE(printk_info)=88\nOFFSET(printk_info.seq)=0\nOFFSET(printk_info.ts_nsec)=8\n\
OFFSET(printk_info.text_len)=16\nOFFSET(printk_info.caller_id)=20\n\
OFFSET(prb_data_ring.size_bits)=0\nOFFSET(prb_data_ring.data)=8\nOFFSET(atomic_long_t.counter)=0\n";

/// Offsets of the parts in the sample's memory, which has 8 pages.
pub(crate) const RING: usize = 0x100;
pub(crate) const DESCRIPTORS: usize = 0x1000;
pub(crate) const INFOS: usize = 0x2000;
pub(crate) const DATA: usize = 0x5000;
const SIZE: usize = 0x8000;

const COUNT_BITS: u32 = 5;
const DATA_BITS: u32 = 9;
const ID_MASK: u64 = u64::MAX >> 2;

/// A log of 32 descriptors and 512 bytes of text.
pub(crate) struct LogSample {
    /// The memory, from [`RAM`] on.
    pub(crate) ram: Vec<u8>,
    head: u64,
    tail: u64,
    begin: u64,
    end: u64,
    sequence: u64,
}

impl LogSample {
    pub(crate) fn new() -> LogSample {
        // DESC0_ID and BLK0_LPOS of printk_ringbuffer.h: both overflow soon.
        let id = (1u64 << COUNT_BITS).wrapping_add(1).wrapping_neg() & ID_MASK;
        let position = (1u64 << DATA_BITS).wrapping_neg();
        let mut log = LogSample {
            ram: vec![0; SIZE],
            head: id,
            tail: id,
            begin: position,
            end: position,
            sequence: 0,
        };
        log.put(0, IMAGE + RING as u64);
        log.put(RING, u64::from(COUNT_BITS));
        log.put(RING + 8, IMAGE + DESCRIPTORS as u64);
        log.put(RING + 16, IMAGE + INFOS as u64);
        log.put(RING + 48, u64::from(DATA_BITS));
        log.put(RING + 56, IMAGE + DATA as u64);
        let first = LogSample::descriptor(id);
        log.put(first, 3 << 62 | id);
        log.put(first + 8, 1);
        log.put(first + 16, 1);
        log.ends();
        log
    }

    pub(crate) fn put(&mut self, at: usize, value: u64) {
        self.ram[at..at + 8].copy_from_slice(&value.to_le_bytes());
    }

    fn ends(&mut self) {
        self.put(RING + 24, self.head);
        self.put(RING + 32, self.tail);
    }

    fn get(&self, at: usize) -> u64 {
        crate::bytes::u64_at(&self.ram, at).unwrap()
    }

    pub(crate) fn descriptor(id: u64) -> usize {
        DESCRIPTORS + 24 * usize::try_from(id % 32).unwrap()
    }

    fn drop_oldest(&mut self) {
        let at = LogSample::descriptor(self.tail);
        self.put(at, 3 << 62 | self.tail);
        let next = self.get(at + 16);
        if next & 1 == 0 {
            self.begin = next;
        }
        self.tail = (self.tail + 1) & ID_MASK;
    }

    /// Makes room for a data block; gives its begin and its end, and where it stands.
    fn block(&mut self, text: usize) -> (u64, u64, usize) {
        let size = 1u64 << DATA_BITS;
        let length = (text + 8).next_multiple_of(8) as u64;
        let begin = self.end;
        let mut next = begin.wrapping_add(length);
        let mut at = begin % size;
        if begin / size != next.wrapping_sub(1) / size {
            next = (next / size * size).wrapping_add(length);
            at = 0;
        }
        while next.wrapping_sub(self.begin) > size {
            self.drop_oldest();
        }
        self.end = next;
        (begin, next, DATA + usize::try_from(at).unwrap())
    }

    /// Logs a message in a state (1 committed, 2 finalised, 0 reserved); gives its descriptor's ID.
    pub(crate) fn push_in(&mut self, state: u64, text: &str) -> u64 {
        let id = (self.head + 1) & ID_MASK;
        if (id.wrapping_sub(self.tail) & ID_MASK) == 32 {
            self.drop_oldest();
        }
        self.head = id;
        let (mut begin, mut next) = (3, 3);
        if !text.is_empty() {
            let at;
            (begin, next, at) = self.block(text.len());
            self.put(at, id);
            self.ram[at + 8..at + 8 + text.len()].copy_from_slice(text.as_bytes());
        }
        let at = LogSample::descriptor(id);
        self.put(at, state << 62 | id);
        self.put(at + 8, begin);
        self.put(at + 16, next);
        let info = INFOS + 88 * usize::try_from(id % 32).unwrap();
        self.put(info, self.sequence);
        self.put(info + 8, 1_500_000 * self.sequence);
        // Level 6, flag LOG_NEWLINE, facility 3.
        let rest = text.len() as u64 | 3 << 16 | (6 << 5 | 2) << 24 | (40 + self.sequence) << 32;
        self.put(info + 16, rest);
        self.sequence += 1;
        self.ends();
        id
    }

    pub(crate) fn push(&mut self, text: &str) -> u64 {
        self.push_in(2, text)
    }

    /// A core of this memory, with VMCOREINFO.
    pub(crate) fn core(&self) -> Vec<u8> {
        self.core_with(&super::note(b"VMCOREINFO", 0, INFO.as_bytes()))
    }

    /// A core of this memory, with these notes.
    pub(crate) fn core_with(&self, notes: &[u8]) -> Vec<u8> {
        core(notes, &[(RAM, self.ram.len() as u64, self.ram.clone())])
    }
}
