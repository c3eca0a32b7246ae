//! The EFI system table and its configuration tables, for 64-bit firmware.
//!
//! Addresses in them are physical before `SetVirtualAddressMap` and virtual after; Linux passes
//! the physical address of the configuration tables in
//! [`EfiSetupData`](crate::setup_data::EfiSetupData). Checksums are not judged: Linux changes the
//! system table without mending its checksum.
//!
//! Source: UEFI Specification 2.10, 4.3 "EFI System Table" and 4.6 "EFI Configuration Table".

mod table;

pub use table::{Damaged, Read, Table};

use crate::reader::{OutOfBounds, Reader};
use core::fmt;

/// A GUID as it stands in memory: the first three fields are little-endian.
pub type Guid = [u8; 16];

/// A GUID from its fields as they are written: `c451ed2b-9694-45d3-` and so on.
const fn guid(a: u32, b: u16, c: u16, d: [u8; 8]) -> Guid {
    let [a0, a1, a2, a3] = a.to_le_bytes();
    let [b0, b1] = b.to_le_bytes();
    let [c0, c1] = c.to_le_bytes();
    let [d0, d1, d2, d3, d4, d5, d6, d7] = d;
    [
        a0, a1, a2, a3, b0, b1, c0, c1, d0, d1, d2, d3, d4, d5, d6, d7,
    ]
}

/// shim's table of MOK lists (`MOK_VARIABLE_STORE_GUID`,
/// c451ed2b-9694-45d3-baba-ed9f8988a389); see [`crate::mok`].
pub const MOK_TABLE_GUID: Guid = guid(
    0xc451_ed2b,
    0x9694,
    0x45d3,
    [0xba, 0xba, 0xed, 0x9f, 0x89, 0x88, 0xa3, 0x89],
);
/// ACPI 2.0 and later: the root pointer (8868e871-e4f1-11d3-bc22-0080c73c8881).
pub const ACPI_20_GUID: Guid = guid(
    0x8868_e871,
    0xe4f1,
    0x11d3,
    [0xbc, 0x22, 0x00, 0x80, 0xc7, 0x3c, 0x88, 0x81],
);
/// SMBIOS (eb9d2d31-2d88-11d3-9a16-0090273fc14d).
pub const SMBIOS_GUID: Guid = guid(
    0xeb9d_2d31,
    0x2d88,
    0x11d3,
    [0x9a, 0x16, 0x00, 0x90, 0x27, 0x3f, 0xc1, 0x4d],
);
/// SMBIOS 3 (f2fd1544-9794-4a2c-992e-e5bbcf20e394).
pub const SMBIOS3_GUID: Guid = guid(
    0xf2fd_1544,
    0x9794,
    0x4a2c,
    [0x99, 0x2e, 0xe5, 0xbb, 0xcf, 0x20, 0xe3, 0x94],
);

/// How many bytes [`SystemTable::parse`] needs, the table's length on 64-bit firmware.
pub const SYSTEM_TABLE_LEN: usize = 0x78;
/// The length of a configuration table entry, in bytes.
pub const CONFIG_TABLE_LEN: usize = 24;
/// The most configuration tables believed. Firmware has 10 to 30.
pub const MAX_CONFIG_TABLES: u64 = 1024;

const SIGNATURE: [u8; 8] = *b"IBI SYST";

/// What is needed of the system table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SystemTable {
    /// How many configuration tables there are, at most [`MAX_CONFIG_TABLES`].
    pub nr_tables: u64,
    /// The address of the array of configuration tables (virtual under a running Linux).
    pub tables: u64,
}

/// What is wrong with a table of EFI.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EfiError {
    /// It ends too early.
    Truncated,
    /// The system table's signature isn't there.
    Signature,
    /// More configuration tables than are believed.
    TableCount(u64),
    /// The configuration tables aren't a multiple of 24 bytes long.
    ConfigTablesLength(usize),
}

impl From<OutOfBounds> for EfiError {
    fn from(_: OutOfBounds) -> Self {
        EfiError::Truncated
    }
}

impl SystemTable {
    /// Reads the system table from its first [`SYSTEM_TABLE_LEN`] bytes.
    pub fn parse(bytes: &[u8]) -> Result<Self, EfiError> {
        let mut reader = Reader::new(bytes).sub(SYSTEM_TABLE_LEN)?;
        if reader.array()? != SIGNATURE {
            return Err(EfiError::Signature);
        }
        reader.skip(0x60)?; // up to NumberOfTableEntries at 0x68
        let nr_tables = reader.u64()?;
        if nr_tables > MAX_CONFIG_TABLES {
            return Err(EfiError::TableCount(nr_tables));
        }
        Ok(SystemTable {
            nr_tables,
            tables: reader.u64()?,
        })
    }
}

/// A configuration table: what it is, and where.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ConfigTable {
    /// What it is.
    pub guid: Guid,
    /// Its physical address.
    pub address: u64,
}

/// The array of configuration tables.
#[derive(Clone, Copy, Debug)]
pub struct ConfigTables<'a>(&'a [u8]);

impl<'a> ConfigTables<'a> {
    /// The array in `bytes`, which must be all of it.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, EfiError> {
        if !bytes.len().is_multiple_of(CONFIG_TABLE_LEN) {
            return Err(EfiError::ConfigTablesLength(bytes.len()));
        }
        Ok(ConfigTables(bytes))
    }

    /// All tables, in order.
    pub fn iter(&self) -> impl Iterator<Item = ConfigTable> + use<'a> {
        self.0.chunks_exact(CONFIG_TABLE_LEN).filter_map(|entry| {
            let mut reader = Reader::new(entry);
            Some(ConfigTable {
                guid: reader.array().ok()?,
                address: reader.u64().ok()?,
            })
        })
    }

    /// The address of the first table with this GUID.
    pub fn find(&self, guid: &Guid) -> Option<u64> {
        self.iter()
            .find(|table| table.guid == *guid)
            .map(|table| table.address)
    }
}

impl fmt::Display for EfiError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            EfiError::Truncated => f.write_str("the EFI system table ends too early"),
            EfiError::Signature => f.write_str("no EFI system table: its signature is missing"),
            EfiError::TableCount(n) => {
                write!(f, "an implausible number of EFI configuration tables: {n}")
            }
            EfiError::ConfigTablesLength(n) => {
                write!(
                    f,
                    "EFI configuration tables of {n} bytes, no multiple of 24"
                )
            }
        }
    }
}

impl core::error::Error for EfiError {}

#[cfg(test)]
mod tests;
