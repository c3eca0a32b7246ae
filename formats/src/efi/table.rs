//! The configuration tables that Linux reads, and where each of them ends.
//!
//! An entry of the array of configuration tables says where a table begins and nothing else. How far it
//! reaches follows from its own first bytes, which may be anything by now: Linux keeps some tables in memory
//! that its memory map calls usable, where a kernel that is loaded next may be put over them.
//!
//! Sources: `common_tables` in drivers/firmware/efi/efi.c and `arch_tables` in arch/x86/platform/efi/efi.c
//! of Linux 6.1 to 7.2, with what reads each of them; the structures are in include/linux/efi.h unless said
//! otherwise. shim's table is read by [`crate::mok`].

use super::{ACPI_20_GUID, Guid, SMBIOS_GUID, SMBIOS3_GUID, guid};
use crate::reader::{u16_at, u32_at, u64_at};
use crate::setup_data::PhysRange;

/// A table that Linux reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Table {
    /// ACPI's root pointer, of version 1 or later.
    Acpi,
    /// The entry point of SMBIOS 2, and the structures that it leads to.
    Smbios,
    /// The entry point of SMBIOS 3, and the structures that it leads to.
    Smbios3,
    /// The EFI system resource table: what firmware can be updated.
    Esrt,
    /// With which permissions the runtime services want to be mapped.
    MemoryAttributes,
    /// A seed for the random number generator, from the EFI stub or the boot loader.
    RandomSeed,
    /// The TPM's event log, as the EFI stub copied it.
    TpmLog,
    /// What was measured after that copy: the TPM's, or that of a confidential guest.
    FinalEvents,
    /// Memory that a kernel wants reserved for good.
    MemReserve,
    /// Where the EFI stub put the first kernel's initrd.
    Initrd,
    /// Which runtime services there are.
    RtProperties,
    /// The predecessor of the memory attributes.
    Properties,
    /// Dell's remote configuration.
    Rci2,
    /// OVMF's log of its own messages.
    OvmfLog,
    /// Secrets that were injected into a confidential guest.
    CocoSecret,
    /// Which memory a confidential guest hasn't accepted yet.
    Unaccepted,
    /// The screen of the firmware.
    Display,
    /// HPE's UV system table.
    UvSystem,
}

/// The table's bytes can't be such a table, or can't be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Damaged;

/// GUIDs as include/linux/efi.h has them, but for those that [`super`] has.
const KNOWN: [(Guid, Table); 20] = [
    (ACPI_20_GUID, Table::Acpi),
    (
        guid(
            0xeb9d_2d30,
            0x2d88,
            0x11d3,
            [0x9a, 0x16, 0x00, 0x90, 0x27, 0x3f, 0xc1, 0x4d],
        ),
        Table::Acpi,
    ),
    (SMBIOS_GUID, Table::Smbios),
    (SMBIOS3_GUID, Table::Smbios3),
    (
        guid(
            0xb122_a263,
            0x3661,
            0x4f68,
            [0x99, 0x29, 0x78, 0xf8, 0xb0, 0xd6, 0x21, 0x80],
        ),
        Table::Esrt,
    ),
    (
        guid(
            0xdcfa_911d,
            0x26eb,
            0x469f,
            [0xa2, 0x20, 0x38, 0xb7, 0xdc, 0x46, 0x12, 0x20],
        ),
        Table::MemoryAttributes,
    ),
    (
        guid(
            0x1ce1_e5bc,
            0x7ceb,
            0x42f2,
            [0x81, 0xe5, 0x8a, 0xad, 0xf1, 0x80, 0xf5, 0x7b],
        ),
        Table::RandomSeed,
    ),
    (
        guid(
            0xb779_9cb0,
            0xeca2,
            0x4943,
            [0x96, 0x67, 0x1f, 0xae, 0x07, 0xb7, 0x47, 0xfa],
        ),
        Table::TpmLog,
    ),
    (
        guid(
            0x1e2e_d096,
            0x30e2,
            0x4254,
            [0xbd, 0x89, 0x86, 0x3b, 0xbe, 0xf8, 0x23, 0x25],
        ),
        Table::FinalEvents,
    ),
    (
        guid(
            0xdd4a_4648,
            0x2de7,
            0x4665,
            [0x96, 0x4d, 0x21, 0xd9, 0xef, 0x5f, 0xb4, 0x46],
        ),
        Table::FinalEvents,
    ),
    (
        guid(
            0x888e_b0c6,
            0x8ede,
            0x4ff5,
            [0xa8, 0xf0, 0x9a, 0xee, 0x5c, 0xb9, 0x77, 0xc2],
        ),
        Table::MemReserve,
    ),
    (
        guid(
            0x5568_e427,
            0x68fc,
            0x4f3d,
            [0xac, 0x74, 0xca, 0x55, 0x52, 0x31, 0xcc, 0x68],
        ),
        Table::Initrd,
    ),
    (
        guid(
            0xeb66_918a,
            0x7eef,
            0x402a,
            [0x84, 0x2e, 0x93, 0x1d, 0x21, 0xc3, 0x8a, 0xe9],
        ),
        Table::RtProperties,
    ),
    (
        guid(
            0x880a_aca3,
            0x4adc,
            0x4a04,
            [0x90, 0x79, 0xb7, 0x47, 0x34, 0x08, 0x25, 0xe5],
        ),
        Table::Properties,
    ),
    (
        guid(
            0x2d9f_28a2,
            0xa886,
            0x456a,
            [0x97, 0xa8, 0xf1, 0x1e, 0xf2, 0x4f, 0xf4, 0x55],
        ),
        Table::Rci2,
    ),
    (
        guid(
            0x9530_5139,
            0xb20f,
            0x4723,
            [0x84, 0x25, 0x62, 0x7c, 0x88, 0x8f, 0xf1, 0x21],
        ),
        Table::OvmfLog,
    ),
    (
        guid(
            0xadf9_56ad,
            0xe98c,
            0x484c,
            [0xae, 0x11, 0xb5, 0x1c, 0x7d, 0x33, 0x64, 0x47],
        ),
        Table::CocoSecret,
    ),
    (
        guid(
            0xd5d1_de3c,
            0x105c,
            0x44f9,
            [0x9e, 0xa9, 0xbc, 0xef, 0x98, 0x12, 0x00, 0x31],
        ),
        Table::Unaccepted,
    ),
    (
        guid(
            0xe03f_c20a,
            0x85dc,
            0x406e,
            [0xb9, 0x0e, 0x4a, 0xb5, 0x02, 0x37, 0x1d, 0x95],
        ),
        Table::Display,
    ),
    (
        guid(
            0x3b13_a7d4,
            0x633e,
            0x11dd,
            [0x93, 0xec, 0xda, 0x25, 0x56, 0xd8, 0x95, 0x93],
        ),
        Table::UvSystem,
    ),
];

/// Linux takes no more of a seed (efi_config_parse_tables).
const MAX_SEED: u32 = 1024;
/// More than firmware has of anything that it updates; Linux's limit (drivers/firmware/efi/esrt.c).
const MAX_RESOURCES: u32 = 128;
/// Linux's limit (drivers/firmware/efi/memattr.c).
const MAX_ATTRIBUTES: u32 = 0x1_0000;
/// `sizeof(efi_memory_desc_t)`, and more than any firmware's is long.
const DESCRIPTOR: core::ops::RangeInclusive<u32> = 40..=256;
/// No table that states its length comes near this.
const MAX_LEN: u64 = 64 << 20;
/// Events after the stub's copy of the log: there are about ten.
const MAX_EVENTS: u64 = 4096;
/// Entries of the list of reserved memory; one is a page, with 255 ranges at most.
const MAX_RESERVED: usize = 64;
const MAX_RANGES: u32 = 255;

/// Reads so many bytes at a physical address, or `None` where they can't be read.
pub type Read<'r, 'm> = &'r dyn Fn(u64, u64) -> Option<&'m [u8]>;

impl Table {
    /// Which table a GUID stands for, if it is one that Linux reads.
    pub fn of(guid: &Guid) -> Option<Self> {
        let known = KNOWN.iter().find(|(known, _)| known == guid);
        known.map(|(_, table)| *table)
    }

    /// Names every range of memory that belongs to the table at this address: its own first, then those
    /// that it leads to.
    ///
    /// # Errors
    /// [`Damaged`] if it isn't such a table; some ranges may have been named by then.
    pub fn ranges<'m>(
        self,
        address: u64,
        read: Read<'_, 'm>,
        found: &mut dyn FnMut(PhysRange),
    ) -> Result<(), Damaged> {
        let mut whole = |len: u64| {
            // All of it must be there, and not wrap.
            readable(read, address, len)?;
            found(PhysRange {
                addr: address,
                size: len,
            });
            Ok(())
        };
        let head = |len: u64| read(address, len).ok_or(Damaged);
        match self {
            Table::Acpi => whole(root_pointer(head(20)?, read, address)?),
            Table::Smbios => {
                let (len, more) = smbios(head(0x1f)?)?;
                whole(len)?;
                found(more);
                Ok(())
            }
            Table::Smbios3 => {
                let (len, more) = smbios3(head(0x18)?)?;
                whole(len)?;
                found(more);
                Ok(())
            }
            Table::Esrt => whole(esrt(head(16)?)?),
            Table::MemoryAttributes => whole(memory_attributes(head(16)?)?),
            Table::RandomSeed => whole(seed(head(4)?)?),
            Table::TpmLog => whole(tpm_log(head(12)?, read, address)?),
            Table::FinalEvents => whole(final_events(head(16)?, read, address)?),
            Table::MemReserve => reserved(address, read, found),
            Table::Initrd => whole(16),
            Table::RtProperties => whole(versioned(head(4)?, 1, 8)?),
            Table::Properties => whole(properties(head(8)?)?),
            Table::Rci2 => whole(rci2(head(30)?)?),
            Table::OvmfLog => whole(ovmf_log(head(32)?)?),
            Table::CocoSecret => {
                let area = head(16)?;
                whole(16)?;
                let area = PhysRange::parse(area).map_err(|_| Damaged)?;
                plausible(area.size)?;
                readable(read, area.addr, area.size)?;
                found(area);
                Ok(())
            }
            Table::Unaccepted => whole(unaccepted(head(24)?)?),
            // `struct screen_info` of 64 bytes, and in 7.2 `struct edid_info` of 128 after it.
            Table::Display => whole(64 + 128),
            Table::UvSystem => whole(uv_system(head(20)?)?),
        }
    }
}

fn readable(read: Read<'_, '_>, address: u64, len: u64) -> Result<(), Damaged> {
    read(address, len).map(|_| ()).ok_or(Damaged)
}

fn plausible(len: u64) -> Result<u64, Damaged> {
    (1..=MAX_LEN).contains(&len).then_some(len).ok_or(Damaged)
}

fn when(holds: bool) -> Result<(), Damaged> {
    if holds { Ok(()) } else { Err(Damaged) }
}

fn long(bytes: &[u8], at: usize) -> Result<u64, Damaged> {
    u64_at(bytes, at).ok_or(Damaged)
}

fn word(bytes: &[u8], at: usize) -> Result<u32, Damaged> {
    u32_at(bytes, at).ok_or(Damaged)
}

fn short(bytes: &[u8], at: usize) -> Result<u16, Damaged> {
    u16_at(bytes, at).ok_or(Damaged)
}

fn byte(bytes: &[u8], at: usize) -> Result<u8, Damaged> {
    bytes.get(at).copied().ok_or(Damaged)
}

/// Whether bytes add up to 0, modulo 256.
fn adds_up(bytes: &[u8]) -> bool {
    bytes.iter().fold(0_u8, |sum, byte| sum.wrapping_add(*byte)) == 0
}

/// ACPI 6.5, 5.2.5.3: 20 bytes with a checksum; from revision 2 on, 36 with another.
fn root_pointer(head: &[u8], read: Read<'_, '_>, address: u64) -> Result<u64, Damaged> {
    when(head.starts_with(b"RSD PTR ") && adds_up(head))?;
    if byte(head, 15)? < 2 {
        return Ok(20);
    }
    when(adds_up(read(address, 36).ok_or(Damaged)?))?;
    Ok(36)
}

/// SMBIOS 3.7 (DSP0134), 5.2.1.
fn smbios(head: &[u8]) -> Result<(u64, PhysRange), Damaged> {
    let len = byte(head, 5)?;
    when(head.starts_with(b"_SM_") && (0x1e..=0x1f).contains(&len))?;
    let structures = PhysRange {
        addr: word(head, 0x18)?.into(),
        size: short(head, 0x16)?.into(),
    };
    Ok((len.into(), structures))
}

/// SMBIOS 3.7 (DSP0134), 5.2.2.
fn smbios3(head: &[u8]) -> Result<(u64, PhysRange), Damaged> {
    let len = byte(head, 6)?;
    when(head.starts_with(b"_SM3_") && len == 0x18)?;
    let structures = PhysRange {
        addr: long(head, 0x10)?,
        size: word(head, 0x0c)?.into(),
    };
    when(structures.size <= MAX_LEN && structures.addr.checked_add(structures.size).is_some())?;
    Ok((len.into(), structures))
}

/// UEFI 2.10, 23.4: a count, and entries of 40 bytes.
fn esrt(head: &[u8]) -> Result<u64, Damaged> {
    let count = word(head, 0)?;
    when(count <= MAX_RESOURCES && long(head, 8)? == 1)?;
    Ok(u64::from(count).saturating_mul(40).saturating_add(16))
}

/// UEFI 2.10, 4.6.4: version, number and length of the descriptors.
fn memory_attributes(head: &[u8]) -> Result<u64, Damaged> {
    let (version, count, len) = (word(head, 0)?, word(head, 4)?, word(head, 8)?);
    when((1..=2).contains(&version) && count <= MAX_ATTRIBUTES && DESCRIPTOR.contains(&len))?;
    let entries = u64::from(count).saturating_mul(len.into());
    Ok(entries.saturating_add(16))
}

/// `struct linux_efi_random_seed`.
fn seed(head: &[u8]) -> Result<u64, Damaged> {
    let size = word(head, 0)?;
    when((1..=MAX_SEED).contains(&size))?;
    Ok(u64::from(size).saturating_add(4))
}

/// `struct linux_efi_tpm_eventlog`: size, size of the final events in it, version; the log follows at 9.
/// That of version 2 begins with TCG's event of format 1 that names the algorithms ("TCG PC Client Platform
/// Firmware Profile", 10.4.5.1): PCR 0, EV_NO_ACTION, and after a digest and a size its signature at 32.
fn tpm_log(head: &[u8], read: Read<'_, '_>, address: u64) -> Result<u64, Damaged> {
    let (size, preboot, version) = (word(head, 0)?, word(head, 4)?, byte(head, 8)?);
    when((1..=2).contains(&version) && preboot <= size)?;
    if size > 0 {
        plausible(size.into())?;
        let log = address.checked_add(9).ok_or(Damaged)?;
        let first = read(log, 48).ok_or(Damaged)?;
        when(word(first, 0)? < 32)?;
        let names_algorithms = || first.get(32..).is_some_and(|it| it == b"Spec ID Event03\0");
        when(version == 1 || (word(first, 4)? == 3 && names_algorithms()))?;
    }
    // Linux counts the structure's padding, too (efi_tpm_eventlog_init).
    Ok(u64::from(size).saturating_add(12))
}

/// `struct efi_tcg2_final_events_table`: version 1, a count, and so many events of TCG's crypto-agile format.
fn final_events(head: &[u8], read: Read<'_, '_>, address: u64) -> Result<u64, Damaged> {
    let (version, count) = (long(head, 0)?, long(head, 8)?);
    when(version == 1 && count <= MAX_EVENTS)?;
    let mut len = 16_u64;
    for _ in 0..count {
        let event = address.checked_add(len).ok_or(Damaged)?;
        len = len.checked_add(event_len(event, read)?).ok_or(Damaged)?;
        plausible(len)?;
    }
    Ok(len)
}

/// TCG_PCR_EVENT2: PCR, type, the digests, and the event with its size.
fn event_len(address: u64, read: Read<'_, '_>) -> Result<u64, Damaged> {
    let at = |offset: u64, len| {
        let address = address.checked_add(offset).ok_or(Damaged)?;
        read(address, len).ok_or(Damaged)
    };
    let head = at(0, 12)?;
    let digests = word(head, 8)?;
    when(word(head, 0)? < 32 && (1..=8).contains(&digests))?;
    let mut len = 12_u64;
    for _ in 0..digests {
        let digest = digest_len(short(at(len, 2)?, 0)?).ok_or(Damaged)?;
        len = len.saturating_add(2).saturating_add(digest);
    }
    let size = word(at(len, 4)?, 0)?;
    Ok(len.saturating_add(4).saturating_add(size.into()))
}

/// The digest's length by its number in TCG's algorithm registry (table 3).
fn digest_len(algorithm: u16) -> Option<u64> {
    match algorithm {
        0x04 => Some(20),               // SHA-1
        0x0b | 0x12 | 0x27 => Some(32), // SHA-256, SM3-256, SHA3-256
        0x0c | 0x28 => Some(48),        // SHA-384, SHA3-384
        0x0d | 0x29 => Some(64),        // SHA-512, SHA3-512
        _ => None,
    }
}

/// `struct linux_efi_memreserve`: room, how much of it is used, the next entry's address, and ranges.
fn reserved(
    first: u64,
    read: Read<'_, '_>,
    found: &mut dyn FnMut(PhysRange),
) -> Result<(), Damaged> {
    let mut next = first;
    for _ in 0..MAX_RESERVED {
        let head = read(next, 16).ok_or(Damaged)?;
        let (room, used) = (word(head, 0)?, word(head, 4)?);
        when(room <= MAX_RANGES && used <= room)?;
        let size = u64::from(room).saturating_mul(16).saturating_add(16);
        let bytes = read(next, size).ok_or(Damaged)?;
        found(PhysRange { addr: next, size });
        let ranges = bytes.get(16..).unwrap_or_default().chunks_exact(16);
        for range in ranges.take(used as usize) {
            let range = PhysRange::parse(range).map_err(|_| Damaged)?;
            when(range.addr.checked_add(range.size).is_some())?;
            found(range);
        }
        next = long(head, 8)?;
        if next == 0 {
            return Ok(());
        }
    }
    Err(Damaged)
}

/// UEFI 2.10, 4.6.2: version, length, and a mask.
fn versioned(head: &[u8], version: u16, len: u16) -> Result<u64, Damaged> {
    when(short(head, 0)? == version && short(head, 2)? == len)?;
    Ok(len.into())
}

/// UEFI 2.5, 4.6, which later versions left out: version, length, and a mask of 8 bytes.
fn properties(head: &[u8]) -> Result<u64, Damaged> {
    when(word(head, 0)? == 0x1_0000 && word(head, 4)? == 16)?;
    Ok(16)
}

/// `struct rci2_table_global_hdr` in drivers/firmware/efi/rci2-table.c.
fn rci2(head: &[u8]) -> Result<u64, Damaged> {
    when(head.get(6..10).is_some_and(|it| it == b"_RC_"))?;
    plausible(word(head, 24)?.max(30).into())
}

/// `struct ovmf_debug_log_header` in drivers/firmware/efi/ovmf-debug-log.c.
fn ovmf_log(head: &[u8]) -> Result<u64, Damaged> {
    when(head.starts_with(b"ovmfmdg1ovmfmdg2"))?;
    let size = long(head, 16)?.checked_add(long(head, 24)?);
    plausible(size.ok_or(Damaged)?)
}

/// `struct efi_unaccepted_memory`: version 1, and a bitmap of so many bytes.
fn unaccepted(head: &[u8]) -> Result<u64, Damaged> {
    when(word(head, 0)? == 1)?;
    plausible(long(head, 16)?.checked_add(24).ok_or(Damaged)?)
}

/// `struct uv_systab` in arch/x86/include/asm/uv/bios.h; versions before the fourth state no size, and Linux
/// reads 20 bytes of them.
fn uv_system(head: &[u8]) -> Result<u64, Damaged> {
    when(head.starts_with(b"UVST"))?;
    plausible(word(head, 16)?.max(20).into())
}
