//! How the structures of the ring buffer are laid out, by VMCOREINFO
//! (log_buf_vmcoreinfo_setup, kernel/printk/printk.c).

use super::{LogError, VmcoreInfo, VmcoreInfoError};

/// More than any of the structures has.
const MAX_SIZE: u64 = 4096;

/// Offsets in `struct printk_ringbuffer`.
pub(super) struct Header {
    pub(super) size: usize,
    pub(super) count_bits: usize,
    pub(super) descriptors: usize,
    pub(super) infos: usize,
    pub(super) head_id: usize,
    pub(super) tail_id: usize,
    pub(super) size_bits: usize,
    pub(super) data: usize,
}

/// Offsets in `struct prb_desc`.
pub(super) struct Descriptor {
    pub(super) size: usize,
    pub(super) state: usize,
    pub(super) begin: usize,
    pub(super) next: usize,
}

/// Offsets in `struct printk_info`.
pub(super) struct Info {
    pub(super) size: usize,
    pub(super) sequence: usize,
    pub(super) time: usize,
    /// `text_len`; two bytes later stands `facility`, then `flags` (5 bits) and `level` (3 bits).
    pub(super) length: usize,
    pub(super) caller: usize,
}

/// Looks up offsets of one structure, each of which must leave room for a number.
struct Structure<'a> {
    info: &'a VmcoreInfo,
    size: u64,
}

impl<'a> Structure<'a> {
    fn new(info: &'a VmcoreInfo, name: &str) -> Result<Structure<'a>, LogError> {
        let size = info.size(name)?;
        if !(8..=MAX_SIZE).contains(&size) {
            return Err(LogError::Layout(format!("SIZE({name})")));
        }
        Ok(Structure { info, size })
    }

    fn size(&self) -> usize {
        usize::try_from(self.size).unwrap_or(0)
    }

    /// The sum of the offsets of members within each other, with `room` bytes after it.
    fn offset(&self, members: &[&str], room: u64) -> Result<usize, LogError> {
        let mut sum: u64 = 0;
        for member in members {
            sum = sum.saturating_add(self.info.offset(member)?);
        }
        let odd = || LogError::Layout(format!("OFFSET({})", members.join(" + ")));
        if sum.saturating_add(room) > self.size {
            return Err(odd());
        }
        usize::try_from(sum).map_err(|_| odd())
    }
}

/// Where the counter is in an `atomic_long_t`.
const COUNTER: &str = "atomic_long_t.counter";

impl Header {
    pub(super) fn new(info: &VmcoreInfo) -> Result<Header, LogError> {
        let it = Structure::new(info, "printk_ringbuffer")?;
        let ring = "printk_ringbuffer.desc_ring";
        let data = "printk_ringbuffer.text_data_ring";
        Ok(Header {
            size: it.size(),
            count_bits: it.offset(&[ring, "prb_desc_ring.count_bits"], 4)?,
            descriptors: it.offset(&[ring, "prb_desc_ring.descs"], 8)?,
            infos: it.offset(&[ring, "prb_desc_ring.infos"], 8)?,
            head_id: it.offset(&[ring, "prb_desc_ring.head_id", COUNTER], 8)?,
            tail_id: it.offset(&[ring, "prb_desc_ring.tail_id", COUNTER], 8)?,
            size_bits: it.offset(&[data, "prb_data_ring.size_bits"], 4)?,
            data: it.offset(&[data, "prb_data_ring.data"], 8)?,
        })
    }
}

impl Descriptor {
    pub(super) fn new(info: &VmcoreInfo) -> Result<Descriptor, LogError> {
        let it = Structure::new(info, "prb_desc")?;
        let block = "prb_desc.text_blk_lpos";
        Ok(Descriptor {
            size: it.size(),
            state: it.offset(&["prb_desc.state_var", COUNTER], 8)?,
            begin: it.offset(&[block, "prb_data_blk_lpos.begin"], 8)?,
            next: it.offset(&[block, "prb_data_blk_lpos.next"], 8)?,
        })
    }
}

impl Info {
    pub(super) fn new(info: &VmcoreInfo) -> Result<Info, LogError> {
        let it = Structure::new(info, "printk_info")?;
        Ok(Info {
            size: it.size(),
            sequence: it.offset(&["printk_info.seq"], 8)?,
            time: it.offset(&["printk_info.ts_nsec"], 8)?,
            length: it.offset(&["printk_info.text_len"], 4)?,
            caller: it.offset(&["printk_info.caller_id"], 4)?,
        })
    }
}

/// The address of the pointer to the ring buffer.
pub(super) fn pointer(info: &VmcoreInfo) -> Result<u64, LogError> {
    info.symbol("prb").map_err(|missing| {
        // What kernels before 5.10 had.
        if matches!(missing, VmcoreInfoError::Missing(_)) && info.symbol("log_buf").is_ok() {
            return LogError::Old;
        }
        missing.into()
    })
}
