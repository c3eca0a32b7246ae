//! Where a kernel has its zones of memory: `struct zone`, in each node's `struct pglist_data`.

use crate::address_space::{AddressError, KernelMemory};
use crate::vmcoreinfo::{VmcoreInfo, VmcoreInfoError};

/// MAX_NUMNODES is at most 1 << 10 (NODES_SHIFT of Kconfig).
const MAX_NODES: u64 = 1 << 10;
/// MAX_NR_ZONES is at most this.
const MAX_ZONES: u32 = 8;

/// Why they can't be found.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ZoneError {
    /// VMCOREINFO doesn't say where they are.
    #[error(transparent)]
    VmcoreInfo(#[from] VmcoreInfoError),
    /// They can't be read.
    #[error(transparent)]
    Address(#[from] AddressError),
}

/// The address of each zone.
pub(crate) fn zones(kernel: &KernelMemory<'_>, info: &VmcoreInfo) -> Result<Vec<u64>, ZoneError> {
    let first = info.offset("pglist_data.node_zones")?;
    let count = info.offset("pglist_data.nr_zones")?;
    let size = info.size("zone")?;
    let mut found = Vec::new();
    for node in nodes(kernel, info)? {
        let count = kernel.u32(node.wrapping_add(count))?.min(MAX_ZONES);
        let first = node.wrapping_add(first);
        found.extend((0..u64::from(count)).map(|zone| first.wrapping_add(zone.wrapping_mul(size))));
    }
    Ok(found)
}

/// Each node's struct pglist_data.
fn nodes(kernel: &KernelMemory<'_>, info: &VmcoreInfo) -> Result<Vec<u64>, ZoneError> {
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
