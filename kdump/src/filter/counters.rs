//! How many free pages the crashed kernel itself counted.

use super::zones::{ZoneError, zones};
use crate::address_space::KernelMemory;
use crate::vmcoreinfo::{VmcoreInfo, VmcoreInfoError};

/// MAX_PAGE_ORDER is below this everywhere.
const MAX_ORDERS: u64 = 32;

/// Where the counters are: struct zone, struct free_area.
struct Places {
    areas: u64,
    orders: u64,
    area: u64,
    nr_free: u64,
}

impl Places {
    fn new(info: &VmcoreInfo) -> Result<Places, VmcoreInfoError> {
        // `nr_free` follows the lists, one for each migrate type, of two pointers each.
        let lists = info.length("free_area.free_list")?.min(1 << 8);
        Ok(Places {
            areas: info.offset("zone.free_area")?,
            orders: info.length("zone.free_area")?.min(MAX_ORDERS),
            area: info.size("free_area")?,
            nr_free: info
                .offset("free_area.free_list")?
                .wrapping_add(lists * info.size("list_head")?),
        })
    }
}

/// The pages in the free lists of all zones. While other CPUs stop, the count may be off by a few.
pub(crate) fn free_pages(kernel: &KernelMemory<'_>, info: &VmcoreInfo) -> Result<u64, ZoneError> {
    let places = Places::new(info)?;
    let mut free: u64 = 0;
    for zone in zones(kernel, info)? {
        for order in 0..places.orders {
            let area = zone
                .wrapping_add(places.areas)
                .wrapping_add(order.wrapping_mul(places.area));
            let blocks = kernel.u64(area.wrapping_add(places.nr_free))?;
            free = free.saturating_add(blocks.saturating_mul(1 << order));
        }
    }
    Ok(free)
}
