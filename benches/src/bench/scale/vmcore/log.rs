//! The kernel's log, of one message (kernel/printk/printk_ringbuffer.h of Linux 6.12): small, but read like any other.

use super::kernel::{IMAGE, words};

/// What the machine said last.
pub const MESSAGE: &str = "Kernel panic - not syncing: a machine that was made up";

/// Where its parts are, after its begin: struct printk_ringbuffer, struct prb_desc, struct printk_info and text.
const DESCRIPTORS: u64 = 0x100;
const INFOS: u64 = 0x500;
const TEXT: u64 = 0x1000;
/// How much room all of it takes.
pub(super) const SIZE: u64 = 0x2000;

/// Binary logarithms of how many descriptors there are, and of the room for text.
const COUNT_BITS: u64 = 5;
const TEXT_BITS: u64 = 12;
/// The one descriptor's ID, whose remainder by their number is its index, and desc_finalized in the uppermost bits.
const ID: u64 = 1 << COUNT_BITS;
const FINALIZED: u64 = 2 << 62;

/// What VMCOREINFO says of it.
pub(super) const SIZES: [(&str, u64); 4] = [
    ("printk_ringbuffer", 88),
    ("prb_desc_ring", 48),
    ("prb_desc", 24),
    ("printk_info", 88),
];
pub(super) const OFFSETS: [(&str, u64); 18] = [
    ("printk_ringbuffer.desc_ring", 0),
    ("printk_ringbuffer.text_data_ring", 48),
    ("prb_desc_ring.count_bits", 0),
    ("prb_desc_ring.descs", 8),
    ("prb_desc_ring.infos", 16),
    ("prb_desc_ring.head_id", 24),
    ("prb_desc_ring.tail_id", 32),
    ("prb_desc.state_var", 0),
    ("prb_desc.text_blk_lpos", 8),
    ("prb_data_blk_lpos.begin", 0),
    ("prb_data_blk_lpos.next", 8),
    ("printk_info.seq", 0),
    ("printk_info.ts_nsec", 8),
    ("printk_info.text_len", 16),
    ("printk_info.caller_id", 20),
    ("prb_data_ring.size_bits", 0),
    ("prb_data_ring.data", 8),
    ("atomic_long_t.counter", 0),
];

/// What is where in memory, for a log that begins at this address.
pub(super) fn contents(at: u64) -> Vec<(u64, Vec<u8>)> {
    let length = MESSAGE.len() as u64;
    let ring = [
        COUNT_BITS,
        IMAGE + at + DESCRIPTORS,
        IMAGE + at + INFOS,
        ID,
        ID,
        0,
    ];
    let text = [TEXT_BITS, IMAGE + at + TEXT, 0, 0, 0];
    // Where its block begins and ends, which has the ID before the text.
    let descriptor = [FINALIZED | ID, 0, (8 + length).next_multiple_of(8)];
    // `seq`, `ts_nsec`, and `text_len` in the lower 16 bits.
    let info = [0, 1_500_000_000, length];
    vec![
        (at, words(ring.into_iter().chain(text))),
        (at + DESCRIPTORS, words(descriptor)),
        (at + INFOS, words(info)),
        (at + TEXT, words([ID])),
        (at + TEXT + 8, MESSAGE.as_bytes().to_vec()),
    ]
}
