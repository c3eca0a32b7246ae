//! What the old kernel passed on: a device tree, read once, with bounds, and remembered as plain values.
//!
//! The kernel makes it of the one that it was given itself (drivers/of/kexec.c and arch/arm64/kernel/machine_kexec_file.c):
//! what user space chose of it is the command line and the handover. On machines with EFI most have nothing in it but
//! `/chosen`, and the memory is that of EFI's map (drivers/firmware/efi/efi-init.c).

extern crate alloc;

use alloc::vec::Vec;

use baton_formats::device_tree::{Cells, DeviceTree, DeviceTreeError, Node, stated_len};
use baton_formats::efi::{SYSTEM_TABLE_LEN, SystemTable};
use baton_verify::Reason;

use super::efi_map::EfiMap;
use super::{Aarch64, Cpu};
use crate::arguments::{EfiAddresses, ToldIn};
use crate::memory::PhysicalMemory;
use crate::plan::{MapEntry, Range, Use};

/// What the old kernel passed on to an arm64 machine.
pub type Arguments<'m> = crate::arguments::Arguments<'m, Aarch64>;

/// The longest device tree: what Linux maps of one (Documentation/arch/arm64/booting.rst, "Setup the device tree").
pub const MAX_TREE: u64 = 2 << 20;

/// `efi_secureboot_mode_enabled` of include/linux/efi.h in Linux.
const SECURE_BOOT_ENABLED: u32 = 3;

/// Where the pointer to the configuration tables stands in the system table (UEFI 2.10, 4.3.1).
const CONFIG_TABLES: u64 = 0x70;

/// What only arm64 has.
pub struct Own<'m> {
    /// The device tree.
    pub tree: DeviceTree<'m>,
    /// What is said to the next kernel in it.
    pub chosen: Node<'m>,
    /// Whether the old kernel says that Secure Boot is on.
    pub secure_boot: bool,
    /// What was reserved for the crash, if this is one.
    pub crash: Option<Vec<Range>>,
    /// The virtual addresses that the firmware has something at.
    pub firmware_at: Vec<Range>,
}

impl<'m> Arguments<'m> {
    /// Reads the device tree at the physical address `address` and all it points to.
    ///
    /// # Errors
    /// `BadBootParams` or `BadMemoryMap`, naming what can't be right.
    #[inline(never)] // Smaller code: the caller's frame stays short.
    pub fn read<M: PhysicalMemory>(memory: &'m M, address: u64) -> Result<Self, Reason> {
        let tree = tree(memory, address)?;
        let chosen = chosen(&tree)?;
        let handover = handover(&chosen)?;
        let length = handover.end.saturating_sub(handover.start);
        let cells = Cells::of(&tree.root()).map_err(malformed)?;
        let ranges = |name| pairs(&chosen, name, cells);
        let crash = if ranges("linux,elfcorehdr")?.is_empty() {
            None
        } else {
            Some(ranges("linux,usable-memory-range")?)
        };
        let mut arguments = Self {
            own: Own {
                tree,
                chosen,
                secure_boot: chosen.u32("linux,uefi-secure-boot").map_err(malformed)?
                    == Some(SECURE_BOOT_ENABLED),
                crash,
                firmware_at: Vec::new(),
            },
            cpu: Cpu::default(),
            cmdline: command_line(&chosen)?,
            handover: memory.read(handover.start, length).ok_or(NO_HANDOVER)?,
            handover_address: handover.start,
            map: Vec::new(),
            out_of_reach: Vec::new(),
            keep: Vec::new(),
            loaded: Vec::new(),
            scratch: None,
            efi: None,
        };
        arguments.keep_loaded(address, tree.bytes().len() as u64)?;
        arguments.keep_loaded(handover.start, length)?;
        // User space chooses some of these bytes, too.
        for name in ["linux,elfcorehdr", "linux,ima-kexec-buffer"] {
            for range in ranges(name)? {
                arguments.keep_loaded(range.start, range.end.saturating_sub(range.start))?;
            }
        }
        arguments.read_memory(memory)?;
        arguments.keep_reserved(cells)?;
        arguments.read_kho(
            memory,
            &ranges("linux,kho-fdt")?,
            &ranges("linux,kho-scratch")?,
        )?;
        Ok(arguments)
    }

    /// The memory is that of EFI's map, where there is EFI, as for Linux itself.
    fn read_memory<M: PhysicalMemory>(&mut self, memory: &M) -> Result<(), Reason> {
        let chosen = self.own.chosen;
        let Some(system_table) = chosen.u64("linux,uefi-system-table").map_err(malformed)? else {
            self.map = memory_nodes(&self.own.tree.root())?;
            return Ok(());
        };
        let (map, place) = EfiMap::read(memory, &chosen)?;
        self.keep(place.start, place.end.saturating_sub(place.start))?;
        self.map = map.entries()?;
        self.own.firmware_at = map.virtual_ranges();
        let system = memory
            .read(system_table, SYSTEM_TABLE_LEN as u64)
            .and_then(|bytes| SystemTable::parse(bytes).ok())
            .ok_or(Reason::BadFirmwareTable(
                "the EFI system table is malformed",
            ))?;
        self.efi = Some(EfiAddresses {
            system_table,
            config_tables: map.physical(system.tables),
            // It was read, so that it doesn't wrap.
            told_at: system_table.saturating_add(CONFIG_TABLES),
            told_in: ToldIn::SystemTable,
            map: Some(place),
        });
        Ok(())
    }

    /// What nobody may use: the list of reservations, among which is what IMA and a crash pass on, and `/reserved-memory`.
    /// Nodes there may be for Linux to use after all (`reusable`); the gate has room elsewhere.
    fn keep_reserved(&mut self, cells: Cells) -> Result<(), Reason> {
        let tree = self.own.tree;
        for (address, size) in tree.reservations() {
            self.keep(address, size)?;
        }
        let Some(reserved) = tree.root().child("reserved-memory").map_err(malformed)? else {
            return Ok(());
        };
        // The binding wants these to be as the root's.
        let own = Cells::of(&reserved).map_err(malformed)?;
        if own != cells {
            return Err(Reason::BadBootParams(
                "/reserved-memory counts addresses otherwise than the root",
            ));
        }
        for node in reserved.children() {
            for (address, size) in node.ranges("reg", own).map_err(malformed)? {
                self.keep(address, size)?;
            }
        }
        Ok(())
    }

    /// What Kexec HandOver passes on: a tree of its own, and the list of areas in which nothing of it lies.
    fn read_kho<M: PhysicalMemory>(
        &mut self,
        memory: &M,
        tree: &[Range],
        scratch: &[Range],
    ) -> Result<(), Reason> {
        let (tree, list) = match (tree, scratch) {
            ([], []) => return Ok(()),
            ([tree], [list]) => (*tree, *list),
            _ => {
                return Err(Reason::BadBootParams(
                    "what tells of Kexec HandOver is malformed",
                ));
            }
        };
        for range in [tree, list] {
            self.keep_loaded(range.start, range.end.saturating_sub(range.start))?;
        }
        self.scratch = Some(crate::scratch::areas(memory, list)?);
        Ok(())
    }
}

const NO_HANDOVER: Reason =
    Reason::BadBootParams("there is no handover: load the gate with a handover as its initrd");

fn malformed(error: DeviceTreeError) -> Reason {
    Reason::BadDeviceTree(error)
}

/// The command line that the old kernel passed on with the device tree at `address`, before all else is read.
///
/// # Errors
/// As [`Arguments::read`], for these.
pub fn early_command_line<M: PhysicalMemory>(memory: &M, address: u64) -> Result<&[u8], Reason> {
    command_line(&chosen(&tree(memory, address)?)?)
}

fn tree<M: PhysicalMemory>(memory: &M, address: u64) -> Result<DeviceTree<'_>, Reason> {
    let unreadable = Reason::BadBootParams("the device tree can't be read");
    let header: &[u8; 8] = memory.array(address).ok_or(unreadable.clone())?;
    let length = stated_len(header).ok_or(malformed(DeviceTreeError::Magic))?;
    if u64::from(length) > MAX_TREE {
        return Err(Reason::BadBootParams(
            "the device tree is longer than 2 MiB",
        ));
    }
    let bytes = memory.read(address, length.into()).ok_or(unreadable)?;
    DeviceTree::parse(bytes).map_err(malformed)
}

fn chosen<'m>(tree: &DeviceTree<'m>) -> Result<Node<'m>, Reason> {
    tree.root()
        .child("chosen")
        .map_err(malformed)?
        .ok_or(Reason::BadBootParams("the device tree has no /chosen"))
}

/// `bootargs`, without its NUL.
fn command_line<'m>(chosen: &Node<'m>) -> Result<&'m [u8], Reason> {
    let line = chosen.property("bootargs").map_err(malformed)?;
    match line.unwrap_or(b"\0") {
        [line @ .., 0] => Ok(line),
        _ => Err(Reason::BadBootParams("the command line does not end")),
    }
}

/// Where the handover lies: between two addresses of 8 bytes, as the kernel writes them (of_kexec_alloc_and_setup_fdt).
fn handover(chosen: &Node<'_>) -> Result<Range, Reason> {
    let start = chosen.u64("linux,initrd-start").map_err(malformed)?;
    let end = chosen.u64("linux,initrd-end").map_err(malformed)?;
    match (start, end) {
        (Some(start), Some(end)) if start < end => Ok(Range { start, end }),
        _ => Err(NO_HANDOVER),
    }
}

/// The ranges in a property, none of which may be empty or wrap.
fn pairs(node: &Node<'_>, name: &'static str, cells: Cells) -> Result<Vec<Range>, Reason> {
    let mut found = Vec::new();
    for (address, size) in node.ranges(name, cells).map_err(malformed)? {
        let range = Range::new(address, size);
        found.push(range.ok_or(Reason::BadBootParams("a range wraps"))?);
    }
    Ok(found)
}

/// The nodes of `device_type` "memory" (Devicetree Specification v0.4, 3.4).
fn memory_nodes(root: &Node<'_>) -> Result<Vec<MapEntry>, Reason> {
    let cells = Cells::of(root).map_err(malformed)?;
    let mut map = Vec::new();
    for node in root.children() {
        if node.property("device_type").map_err(malformed)? != Some(b"memory\0") {
            continue;
        }
        for (address, size) in node.ranges("reg", cells).map_err(malformed)? {
            let kind = Use::Ram;
            map.push(MapEntry {
                address,
                size,
                kind,
            });
        }
    }
    Ok(map)
}
