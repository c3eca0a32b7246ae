//! An arm64 machine made of plain bytes, and the smallest kernel for it.

use baton_formats::gate_image::{Formats, GateInfo, Isa, LEN};
use baton_gate::arch::aarch64::{Aarch64, Arguments, BootPlan, Cpu};
use baton_gate::firmware::Firmware;
use baton_gate::image::Image;
use baton_gate::plan::Range;
use baton_gate::run::{Prepared, Stopwatch, prepare};
use baton_verify::{Component, Refusal};

use crate::build::signer;
use crate::device_tree::Tree;
use crate::forge::Forge;
use crate::machine::{Memory, built_gate};
use crate::small_image::{on, small_image};

pub const TREE: u64 = 0x5f00_0000;
pub const HANDOVER: u64 = 0x5000_0000;
pub const GATE: u64 = 0x5e00_0000;
pub const RAM: u64 = 0x4000_0000;
pub const RAM_END: u64 = 0x6000_0000;
pub const EFI_MAP: u64 = 0x5f40_0000;
pub const SYSTEM_TABLE: u64 = 0x6100_0000;
pub const CONFIG_TABLES: u64 = 0x6120_0000;
/// Where the firmware has what is at [`SYSTEM_TABLE`], once it runs with virtual addresses.
pub const VIRTUAL: u64 = 0x2000_0000;

/// An Image that is a PE file as well, for pages of 4 KiB: it takes 64 KiB of memory, and does nothing.
pub fn small_kernel() -> Vec<u8> {
    on(Isa::Arm64, small_image)
}

/// The same, signed.
pub fn signed_kernel() -> Vec<u8> {
    Forge::of(small_kernel(), &signer()).build()
}

/// What the old kernel says to the next one, and what memory there is.
pub struct Told {
    pub cmdline: Vec<u8>,
    pub handover: Vec<u8>,
    pub memory: Vec<(u64, u64)>,
    pub reservations: Vec<(u64, u64)>,
    /// Further properties of `/chosen`.
    pub chosen: Vec<(&'static str, Vec<u8>)>,
}

impl Told {
    pub fn new(handover: Vec<u8>, cmdline: &str) -> Self {
        let initrd = (HANDOVER, handover.len() as u64);
        Self {
            cmdline: cmdline.into(),
            handover,
            memory: vec![(RAM, RAM_END - RAM)],
            reservations: vec![initrd],
            chosen: vec![("linux,uefi-secure-boot", 3_u32.to_be_bytes().to_vec())],
        }
    }

    /// The device tree.
    pub fn tree(&self) -> Tree {
        let end = HANDOVER + self.handover.len() as u64;
        let reg: Vec<u8> = self
            .memory
            .iter()
            .flat_map(|(address, size)| [address.to_be_bytes(), size.to_be_bytes()].concat())
            .collect();
        let line = [&self.cmdline[..], b"\0"].concat();
        let mut tree = Tree::new()
            .property("#address-cells", &2_u32.to_be_bytes())
            .property("#size-cells", &2_u32.to_be_bytes())
            .begin("memory@40000000")
            .property("device_type", b"memory\0")
            .property("reg", &reg)
            .end()
            .begin("chosen")
            .property("bootargs", &line)
            .property("linux,initrd-start", &HANDOVER.to_be_bytes())
            .property("linux,initrd-end", &end.to_be_bytes())
            .property("kaslr-seed", &[0x5e; 8]);
        for (name, value) in &self.chosen {
            tree = tree.property(name, value);
        }
        let mut tree = tree.end().end();
        tree.reservations = self.reservations.clone();
        tree
    }

    pub fn machine(&self) -> Memory {
        let mut memory = Memory::default();
        memory.put(TREE, self.tree().build());
        memory.put(HANDOVER, self.handover.clone());
        memory
    }

    /// With EFI, whose map has the RAM and 4 MiB of the firmware's behind it.
    pub fn with_efi(mut self) -> Self {
        for (name, value) in [
            (
                "linux,uefi-system-table",
                SYSTEM_TABLE.to_be_bytes().to_vec(),
            ),
            ("linux,uefi-mmap-start", EFI_MAP.to_be_bytes().to_vec()),
            ("linux,uefi-mmap-size", 96_u32.to_be_bytes().to_vec()),
            ("linux,uefi-mmap-desc-size", 48_u32.to_be_bytes().to_vec()),
        ] {
            self.chosen.push((name, value));
        }
        // What the tree says of memory doesn't count any more.
        self.memory = vec![(0x1_0000_0000, 0x1000)];
        self
    }
}

/// An EFI_MEMORY_DESCRIPTOR of 48 bytes: its type, where it is, where it is mapped, its size and attributes.
pub fn region(kind: u32, physical: u64, mapped_at: u64, size: u64, attributes: u64) -> Vec<u8> {
    let mut bytes = u64::from(kind).to_le_bytes().to_vec();
    for field in [physical, mapped_at, size / 4096, attributes, 0] {
        bytes.extend(field.to_le_bytes());
    }
    bytes
}

/// The map, the system table, and these configuration tables, by GUID and address.
pub fn add_efi(memory: &mut Memory, tables: &[([u8; 16], u64)]) {
    let map = [
        region(7, RAM, 0, RAM_END - RAM, 8),
        region(6, 0x6100_0000, VIRTUAL, 0x40_0000, 8 | 1 << 63),
    ];
    memory.put(EFI_MAP, map.concat());
    let mut system = vec![0; 0x78];
    system[..8].copy_from_slice(b"IBI SYST");
    system[0x68..0x70].copy_from_slice(&(tables.len() as u64).to_le_bytes());
    let there = CONFIG_TABLES - SYSTEM_TABLE + VIRTUAL;
    system[0x70..].copy_from_slice(&there.to_le_bytes());
    memory.put(SYSTEM_TABLE, system);
    let mut array = Vec::new();
    for (guid, address) in tables {
        array.extend(guid);
        array.extend(address.to_le_bytes());
    }
    memory.put(CONFIG_TABLES, array);
}

pub fn gate_extent() -> Range {
    Range {
        start: GATE,
        end: GATE + 0x40_0000,
    }
}

/// The gate's info block and what was added to its stub, as of a gate for arm64.
pub fn gate(keys: &[u8]) -> ([u8; LEN], Vec<u8>) {
    let (info, added) = built_gate(keys, &[]);
    (for_arm64(info), added)
}

/// An info block as that of a gate for arm64; one that can't be read stays as it is.
pub fn for_arm64(block: [u8; LEN]) -> [u8; LEN] {
    GateInfo::parse(&block).map_or(block, |mut info| {
        info.formats = Formats::of(Isa::Arm64);
        info.to_bytes()
    })
}

/// What the gate with these keys makes of the machine, on this processor.
pub fn with_gate_on<T>(
    memory: &Memory,
    keys: &[u8],
    cpu: Cpu,
    look: impl FnOnce(Result<Prepared<'_, Aarch64>, Refusal>) -> T,
) -> T {
    let watch = Stopwatch {
        now: || 7,
        observer: |_| {},
    };
    let (info, added) = gate(keys);
    let image = Image::read(&info, &added, gate_extent()).expect("the gate is well made");
    let arguments = Arguments::read(memory, TREE);
    let mut arguments = match arguments {
        Ok(arguments) => arguments,
        Err(reason) => return look(Err(Refusal::new(Component::BootParams, reason))),
    };
    arguments.cpu = cpu;
    let firmware = Firmware::read(memory, &arguments, image.extent);
    look(firmware.and_then(|firmware| prepare(memory, &image, &arguments, &firmware, &watch)))
}

pub fn with_gate<T>(
    memory: &Memory,
    keys: &[u8],
    look: impl FnOnce(Result<Prepared<'_, Aarch64>, Refusal>) -> T,
) -> T {
    with_gate_on(memory, keys, Cpu::default(), look)
}

pub fn refusal(memory: &Memory, keys: &[u8]) -> Refusal {
    with_gate(memory, keys, |result| {
        result.map(|_| ()).expect_err("this must be refused")
    })
}

pub fn plan_of<T>(memory: &Memory, keys: &[u8], look: impl FnOnce(&BootPlan<'_>) -> T) -> T {
    with_gate(memory, keys, |result| {
        look(&result.unwrap_or_else(|refusal| panic!("{refusal}")).plan)
    })
}
