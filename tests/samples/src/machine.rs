//! A machine made of plain bytes: what the old kernel leaves in memory, for the gate to read.

use baton_formats::boot_params::{BootParamsMut, SECURE_BOOT_ENABLED, VIDEO_TYPE_EFI, offset};
use baton_formats::efi::{Guid, MOK_TABLE_GUID};
use baton_formats::gate_image::{GateInfo, LEN, SectionRange};
use baton_formats::handover::{Layout, RecordKind};
use baton_formats::pe::Pe;
use baton_formats::setup_data::{HEADER_LEN, SETUP_EFI, SETUP_KEXEC_KHO, SetupDataHeader};
use baton_formats::siglist::X509_GUID;
use baton_gate::arch::x86_64::convert::Entry;
use baton_gate::arch::x86_64::{Arguments, BootPlan, X86_64};
use baton_gate::firmware::Firmware;
use baton_gate::image::Image;
use baton_gate::memory::PhysicalMemory;
use baton_gate::plan::Range;
use baton_gate::run::{Prepared, Stopwatch, prepare};
use baton_verify::{Component, Refusal};
use sha2::{Digest, Sha256};

// Each thing in 2 MiB of its own, at their start: there a kernel would be put if it were free.
pub const BOOT_PARAMS: u64 = 0x3f00_0000;
pub const CMDLINE: u64 = 0x3f40_0000;
pub const SETUP_DATA: u64 = 0x3f60_0000;
pub const SCRATCH_LIST: u64 = 0x3f80_0000;
pub const HANDOVER: u64 = 0x3000_0000;
pub const GATE: u64 = 0x3e00_0000;
pub const SYSTEM_TABLE: u64 = 0x7f00_0000;
pub const CONFIG_TABLES: u64 = 0x7f20_0000;
pub const MOK_TABLE: u64 = 0x7f40_0000;
pub const EFI_MAP: u64 = 0x3f20_0000;
pub const EFI_REGION: u64 = 0x7e00_0000;
/// The digest that tells the gate apart from others.
pub const IDENTITY: [u8; 32] = [0x1d; 32];
pub const RAM_END: u64 = 0x4000_0000;

/// Memory in pieces; what lies between them can't be read.
#[derive(Default)]
pub struct Memory(Vec<(u64, Vec<u8>)>);

impl Memory {
    pub fn put(&mut self, address: u64, bytes: Vec<u8>) {
        self.0.retain(|(start, _)| *start != address);
        self.0.push((address, bytes));
    }

    pub fn bytes(&mut self, address: u64) -> &mut Vec<u8> {
        &mut self
            .0
            .iter_mut()
            .find(|(start, _)| *start == address)
            .expect("it was put there")
            .1
    }
}

impl Memory {
    /// Zeros wherever there is memory in a range.
    pub fn clear(&mut self, range: Range) {
        for (start, bytes) in &mut self.0 {
            for (address, byte) in (*start..).zip(bytes) {
                if range.start <= address && address < range.end {
                    *byte = 0;
                }
            }
        }
    }
}

impl PhysicalMemory for Memory {
    fn read(&self, address: u64, length: u64) -> Option<&[u8]> {
        self.0.iter().find_map(|(start, bytes)| {
            let from = usize::try_from(address.checked_sub(*start)?).ok()?;
            let to = from.checked_add(usize::try_from(length).ok()?)?;
            bytes.get(from..to).filter(|bytes| !bytes.is_empty())
        })
    }
}

fn sha256<'a>(parts: impl IntoIterator<Item = &'a [u8]>) -> [u8; 32] {
    let mut hash = Sha256::new();
    parts.into_iter().for_each(|part| hash.update(part));
    hash.finalize().into()
}

/// A handover of this kernel and these initrds.
pub fn handover(kernel: &[u8], initrds: &[&[u8]]) -> Vec<u8> {
    let digest = sha256(Pe::parse(kernel).expect("a PE image").digest_parts());
    let mut records = vec![(RecordKind::Kernel, kernel.len() as u64, digest)];
    records.extend(
        initrds
            .iter()
            .map(|bytes| (RecordKind::Initrd, bytes.len() as u64, sha256([*bytes]))),
    );
    let layout = Layout::plan(&records, 0).expect("a layout");
    let mut blob = vec![0; layout.total_len() as usize];
    blob[..4096].copy_from_slice(&layout.header_page());
    for (index, bytes) in std::iter::once(&kernel).chain(initrds).enumerate() {
        let at = layout.offset(index).expect("a record") as usize;
        blob[at..at + bytes.len()].copy_from_slice(bytes);
    }
    blob
}

/// The gate's info block, and what was added to its stub: these certificates in `.keys`, and these
/// revocations in `.dbx`.
pub fn built_gate(keys: &[u8], dbx: &[u8]) -> ([u8; LEN], Vec<u8>) {
    let stub_len = 0x4000;
    let part = |offset: u32, bytes: &[u8]| {
        if bytes.is_empty() {
            SectionRange::default()
        } else {
            SectionRange {
                offset,
                length: bytes.len() as u32,
            }
        }
    };
    let dbx_at = keys.len().next_multiple_of(4096);
    let info = GateInfo {
        stub_len,
        keys: part(stub_len, keys),
        policy: SectionRange::default(),
        sbat: SectionRange::default(),
        dbx: part(stub_len + dbx_at as u32, dbx),
        limit: 0x10_0000,
        formats: Default::default(),
        identity: IDENTITY,
    };
    let mut added = vec![0; 0x10_0000 - stub_len as usize];
    added[..keys.len()].copy_from_slice(keys);
    added[dbx_at..dbx_at + dbx.len()].copy_from_slice(dbx);
    (info.to_bytes(), added)
}

pub fn gate_extent() -> Range {
    Range {
        start: GATE,
        end: GATE + 0x40_0000,
    }
}

/// A machine with 1 GiB of RAM, this handover and command line, whose kernel says that Secure Boot is on,
/// and nothing else of EFI.
pub fn machine(handover: Vec<u8>, cmdline: &str) -> Memory {
    let mut memory = Memory::default();
    let mut page = [0u8; 4096];
    set_map(
        &mut page,
        &[
            (0, 0x9_f000, 1),
            (0x9_f000, 0x6_1000, 2),
            (0x10_0000, RAM_END - 0x10_0000, 1),
            (0x7f00_0000, 0x10_0000, 2),
        ],
    );
    page[offset::SECURE_BOOT] = SECURE_BOOT_ENABLED;
    let mut boot_params = BootParamsMut(&mut page);
    boot_params.set_ramdisk(HANDOVER, handover.len() as u64);
    boot_params.set_cmdline(CMDLINE);
    memory.put(BOOT_PARAMS, page.to_vec());
    let mut line = cmdline.as_bytes().to_vec();
    line.resize(4096, 0);
    memory.put(CMDLINE, line);
    memory.put(HANDOVER, handover);
    memory
}

pub fn set_map(page: &mut [u8], entries: &[(u64, u64, u32)]) {
    page[offset::E820_ENTRIES] = entries.len() as u8;
    for (index, (address, size, kind)) in entries.iter().enumerate() {
        let at = offset::E820_TABLE + 20 * index;
        page[at..at + 8].copy_from_slice(&address.to_le_bytes());
        page[at + 8..at + 16].copy_from_slice(&size.to_le_bytes());
        page[at + 16..at + 20].copy_from_slice(&kind.to_le_bytes());
    }
}

/// What [`add_screen`] makes take so many bytes.
pub const SCREEN_LEN: u64 = 256 * 4 * 64;

/// Tells of a screen of EFI at this address: 256 pixels to a line, 64 lines.
pub fn add_screen(memory: &mut Memory, base: u64) {
    let screen = &mut memory.bytes(BOOT_PARAMS)[offset::SCREEN_INFO..];
    screen[0x0f] = VIDEO_TYPE_EFI;
    for (at, value) in [(0x12, 256_u16), (0x14, 64), (0x16, 32), (0x24, 1024)] {
        screen[at..at + 2].copy_from_slice(&value.to_le_bytes());
    }
    screen[0x36] = 1 << 1; // VIDEO_CAPABILITY_64BIT_BASE
    screen[0x18..0x1c].copy_from_slice(&(base as u32).to_le_bytes());
    screen[0x3a..0x3e].copy_from_slice(&((base >> 32) as u32).to_le_bytes());
}

pub fn set_setup_data(memory: &mut Memory, address: u64) {
    memory.bytes(BOOT_PARAMS)[offset::SETUP_DATA..offset::SETUP_DATA + 8]
        .copy_from_slice(&address.to_le_bytes());
}

pub fn node(next: u64, kind: u32, data: &[u8]) -> Vec<u8> {
    let header = SetupDataHeader {
        next,
        kind,
        len: data.len() as u32,
    };
    let mut bytes = header.to_bytes().to_vec();
    assert_eq!(bytes.len(), HEADER_LEN);
    bytes.extend(data);
    bytes
}

/// One entry of shim's table.
pub fn mok_entry(name: &str, data: &[u8]) -> Vec<u8> {
    let mut entry = name.as_bytes().to_vec();
    entry.resize(256, 0);
    entry.extend((data.len() as u64).to_le_bytes());
    entry.extend(data);
    entry
}

/// An EFI signature list of one X.509 certificate.
pub fn x509_list(certificate: &[u8]) -> Vec<u8> {
    let size = 16 + certificate.len() as u32;
    let mut list = X509_GUID.to_vec();
    list.extend((28 + size).to_le_bytes());
    list.extend(0u32.to_le_bytes());
    list.extend(size.to_le_bytes());
    list.extend([0; 16]);
    list.extend(certificate);
    list
}

/// Gives the machine EFI tables, and shim's table with these bytes.
pub fn add_shim(memory: &mut Memory, table: Vec<u8>) {
    let page = memory.bytes(BOOT_PARAMS);
    page[offset::EFI_INFO..offset::EFI_INFO + 4].copy_from_slice(b"EL64");
    page[offset::EFI_INFO + 4..offset::EFI_INFO + 8]
        .copy_from_slice(&(SYSTEM_TABLE as u32).to_le_bytes());
    page[offset::EFI_INFO + 8..offset::EFI_INFO + 12].copy_from_slice(&48u32.to_le_bytes());
    page[offset::EFI_INFO + 12..offset::EFI_INFO + 16].copy_from_slice(&1u32.to_le_bytes());
    page[offset::EFI_INFO + 16..offset::EFI_INFO + 20]
        .copy_from_slice(&(EFI_MAP as u32).to_le_bytes());
    page[offset::EFI_INFO + 20..offset::EFI_INFO + 24].copy_from_slice(&48u32.to_le_bytes());
    let mut descriptor = vec![0; 48];
    descriptor[8..16].copy_from_slice(&EFI_REGION.to_le_bytes());
    descriptor[24..32].copy_from_slice(&3u64.to_le_bytes());
    memory.put(EFI_MAP, descriptor);
    let mut system = b"IBI SYST".to_vec();
    system.resize(0x78, 0);
    system[0x68..0x70].copy_from_slice(&2u64.to_le_bytes());
    // A virtual address by now, as the old kernel left it.
    system[0x70..0x78].copy_from_slice(&0xffff_fffe_0000_0000u64.to_le_bytes());
    memory.put(SYSTEM_TABLE, system);
    let mut tables = vec![0x11; 24];
    tables.extend(MOK_TABLE_GUID);
    tables.extend(MOK_TABLE.to_le_bytes());
    memory.put(CONFIG_TABLES, tables);
    memory.put(MOK_TABLE, table);
    let mut efi = vec![0; 96];
    efi[16..24].copy_from_slice(&CONFIG_TABLES.to_le_bytes());
    memory.put(SETUP_DATA, node(0, SETUP_EFI, &efi));
    set_setup_data(memory, SETUP_DATA);
}

/// Adds a configuration table with these bytes to those of [`add_shim`].
pub fn add_table(memory: &mut Memory, guid: Guid, address: u64, bytes: Vec<u8>) {
    let tables = memory.bytes(CONFIG_TABLES);
    tables.extend(guid);
    tables.extend(address.to_le_bytes());
    let count = (tables.len() / 24) as u64;
    memory.bytes(SYSTEM_TABLE)[0x68..0x70].copy_from_slice(&count.to_le_bytes());
    memory.put(address, bytes);
}

/// A Kexec HandOver node whose only scratch area is this one.
pub fn add_scratch(memory: &mut Memory, address: u64, size: u64) {
    let mut list = address.to_le_bytes().to_vec();
    list.extend(size.to_le_bytes());
    memory.put(SCRATCH_LIST, list);
    let fields = [0x3fa0_0000u64, 0x1000, SCRATCH_LIST, 16];
    let data: Vec<u8> = fields.into_iter().flat_map(u64::to_le_bytes).collect();
    memory.put(SETUP_DATA, node(0, SETUP_KEXEC_KHO, &data));
    set_setup_data(memory, SETUP_DATA);
}

/// What the gate with these keys makes of the machine.
pub fn with_gate<T>(
    memory: &Memory,
    keys: &[u8],
    look: impl FnOnce(Result<Prepared<'_, X86_64>, Refusal>) -> T,
) -> T {
    with_gate_at(memory, BOOT_PARAMS, keys, look)
}

/// The same, with boot_params at this address.
pub fn with_gate_at<T>(
    memory: &Memory,
    address: u64,
    keys: &[u8],
    look: impl FnOnce(Result<Prepared<'_, X86_64>, Refusal>) -> T,
) -> T {
    with_built(memory, address, built_gate(keys, &[]), look)
}

/// What the gate that was built so makes of the machine.
pub fn with_built<T>(
    memory: &Memory,
    address: u64,
    built: ([u8; LEN], Vec<u8>),
    look: impl FnOnce(Result<Prepared<'_, X86_64>, Refusal>) -> T,
) -> T {
    with_reach(memory, address, built, u64::MAX, look)
}

/// The same of a machine of whose RAM the gate's page tables reach so much.
pub fn with_reach<T>(
    memory: &Memory,
    address: u64,
    (info, added): ([u8; LEN], Vec<u8>),
    reach: u64,
    look: impl FnOnce(Result<Prepared<'_, X86_64>, Refusal>) -> T,
) -> T {
    let watch = Stopwatch {
        now: || 7,
        observer: |_| {},
    };
    let image = Image::read(&info, &added, gate_extent()).expect("the gate is well made");
    let arguments = Arguments::read(memory, address)
        .map_err(|reason| Refusal::new(Component::BootParams, reason));
    let mut arguments = match arguments {
        Ok(arguments) => arguments,
        Err(refusal) => return look(Err(refusal)),
    };
    arguments.reach_ram(|_, end| end.min(reach));
    let firmware = Firmware::read(memory, &arguments, image.extent);
    look(firmware.and_then(|firmware| prepare(memory, &image, &arguments, &firmware, &watch)))
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

/// The bytes that a plan writes to this address.
pub fn written_at<'p>(plan: &'p BootPlan<'_>, address: u64) -> &'p [u8] {
    let mut writes = plan.writes.iter().filter(|write| write.to == address);
    let write = writes.next().expect("something is written there");
    assert!(writes.next().is_none(), "and nothing else");
    &write.bytes
}

/// The next kernel's boot_params.
pub fn boot_params(plan: &BootPlan<'_>) -> [u8; 4096] {
    let Entry::Long { boot_params, .. } = plan.entry else {
        panic!("Linux is entered in 64-bit mode");
    };
    written_at(plan, boot_params).try_into().expect("a page")
}
