//! The ring buffer itself: `struct printk_ringbuffer`, with `prb_desc_ring` and `prb_data_ring` in it.

use super::layout::{self, Descriptor, Header, Info};
use super::{KernelMemory, LogError, VmcoreInfo};
use crate::bytes::{u32_at, u64_at};

/// LOG_BUF_LEN_MAX of kernel/printk/printk.c: 2^31 bytes of text.
const MAX_DATA_BITS: u32 = 31;
/// PRB_AVGBITS of the same: 2^5 bytes of text for each descriptor.
const MAX_COUNT_BITS: u32 = MAX_DATA_BITS - 5;

/// Where everything is.
pub(super) struct Ring {
    pub(super) descriptor: Descriptor,
    pub(super) info: Info,
    /// The address of the pointer to the ring buffer, and what is in it.
    pub(super) pointer: u64,
    pub(super) address: u64,
    pub(super) size: usize,
    pub(super) count: u64,
    pub(super) descriptors: u64,
    pub(super) infos: u64,
    pub(super) head: u64,
    pub(super) tail: u64,
    pub(super) data: u64,
    pub(super) data_size: u64,
}

impl Ring {
    pub(super) fn read(kernel: &KernelMemory<'_>, info: &VmcoreInfo) -> Result<Ring, LogError> {
        let pointer = layout::pointer(info)?;
        let header = Header::new(info)?;
        let descriptor = Descriptor::new(info)?;
        let layout_of_info = Info::new(info)?;
        let address = kernel.u64(pointer)?;
        let mut bytes = vec![0; header.size];
        kernel.read(address, &mut bytes)?;
        // The layout leaves room for each of them.
        let long = |offset| u64_at(&bytes, offset).ok_or(LogError::Overwritten);
        let power = |offset, most| match u32_at(&bytes, offset) {
            Some(bits) if bits <= most => Ok(1 << bits),
            _ => Err(LogError::Overwritten),
        };
        Ok(Ring {
            pointer,
            address,
            size: header.size,
            count: power(header.count_bits, MAX_COUNT_BITS)?,
            descriptors: long(header.descriptors)?,
            infos: long(header.infos)?,
            head: long(header.head_id)?,
            tail: long(header.tail_id)?,
            data: long(header.data)?,
            data_size: power(header.size_bits, MAX_DATA_BITS)?,
            descriptor,
            info: layout_of_info,
        })
    }
}
