//! How many free pages the crashed kernel itself counted.

use crate::address_space::{AddressError, KernelMemory};
use crate::vmcoreinfo::{VmcoreInfo, VmcoreInfoError};

/// MAX_NUMNODES is at most 1 << 10 (NODES_SHIFT of Kconfig).
const MAX_NODES: u64 = 1 << 10;
/// MAX_NR_ZONES is at most this.
const MAX_ZONES: u32 = 8;
/// MAX_PAGE_ORDER is below this everywhere.
const MAX_ORDERS: u64 = 32;

/// Why the kernel's own count isn't known.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CountError {
    /// VMCOREINFO doesn't say where it is.
    #[error(transparent)]
    VmcoreInfo(#[from] VmcoreInfoError),
    /// It can't be read.
    #[error(transparent)]
    Address(#[from] AddressError),
}

/// Where the counters are: struct pglist_data, struct zone, struct free_area.
struct Places {
    zones: u64,
    zone_count: u64,
    zone: u64,
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
            zones: info.offset("pglist_data.node_zones")?,
            zone_count: info.offset("pglist_data.nr_zones")?,
            zone: info.size("zone")?,
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
pub(crate) fn free_pages(kernel: &KernelMemory<'_>, info: &VmcoreInfo) -> Result<u64, CountError> {
    let places = Places::new(info)?;
    let mut free: u64 = 0;
    for node in nodes(kernel, info)? {
        let zones = kernel.u32(node.wrapping_add(places.zone_count))?;
        for zone in 0..u64::from(zones.min(MAX_ZONES)) {
            let zone = node
                .wrapping_add(places.zones)
                .wrapping_add(zone.wrapping_mul(places.zone));
            for order in 0..places.orders {
                let area = zone
                    .wrapping_add(places.areas)
                    .wrapping_add(order.wrapping_mul(places.area));
                let blocks = kernel.u64(area.wrapping_add(places.nr_free))?;
                free = free.saturating_add(blocks.saturating_mul(1 << order));
            }
        }
    }
    Ok(free)
}

/// Each node's struct pglist_data.
fn nodes(kernel: &KernelMemory<'_>, info: &VmcoreInfo) -> Result<Vec<u64>, CountError> {
    let table = match info.symbol("node_data") {
        // Without NUMA there is one node.
        Err(VmcoreInfoError::Missing(_)) => return Ok(vec![info.symbol("contig_page_data")?]),
        stated => stated?,
    };
    let mut nodes = Vec::new();
    for number in 0..info.length("node_data")?.min(MAX_NODES) {
        let node = kernel.u64(table.wrapping_add(8 * number))?;
        if node != 0 {
            nodes.push(node);
        }
    }
    Ok(nodes)
}
