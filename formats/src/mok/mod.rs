//! shim's MOK configuration table: its lists of keys and revocations, left in firmware memory.
//!
//! Entries lie one directly after another, up to one whose name is empty:
//!
//! | offset | size | field |
//! |---|---|---|
//! | 0 | 256 | name, ASCII, ended by a NUL |
//! | 256 | 8 | size of the data in bytes |
//! | 264 | size | data |
//!
//! `MokListRT` holds trusted keys and hashes, `MokListXRT` revoked ones, both as signature lists
//! ([`crate::siglist`]); `SbatLevelRT` holds the generations below which components are revoked
//! ([`crate::sbat`]); `dbx` is a copy of the firmware's variable, which shims made since 2025 leave.
//!
//! shim writes no entry without data (`import_mok_state` in its mok.c), and each name once; a table with a name twice shows different things to whoever takes the first and to
//! whoever takes the last (Linux the first), so a reader has to refuse it.
//!
//! The entry that ends the table has no data; one without a name that has data is malformed, as it
//! is to Linux (`efi_mokvar_table_init` in drivers/firmware/efi/mokvar-table.c).
//!
//! Sources: `struct mok_variable_config_entry` in shim's include/mok.h; `struct efi_mokvar_table_entry`
//! in Linux's include/linux/efi.h.

use crate::reader::Reader;
use core::fmt;

/// The length of an entry's name field, in bytes.
pub const NAME_LEN: usize = 256;
/// The length of an entry without its data, in bytes.
pub const HEADER_LEN: usize = NAME_LEN + 8;
/// The name of the list of trusted keys and hashes.
pub const MOK_LIST: &str = "MokListRT";
/// The name of the list of revoked keys and hashes.
pub const MOK_LIST_X: &str = "MokListXRT";
/// The name of the level of revocation by generation.
pub const SBAT_LEVEL: &str = "SbatLevelRT";
/// The name of the copy of what the firmware revokes.
pub const DBX: &str = "dbx";

/// What is wrong with the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MokError {
    /// It ends inside an entry, or without an entry that ends it.
    Truncated,
    /// A name isn't ended by a NUL, or isn't UTF-8.
    Name,
    /// An entry without a name has data.
    EndWithData,
}

/// An entry without its data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EntryHeader<'a> {
    /// The name; empty in the entry that ends the table.
    pub name: &'a str,
    /// The size of the data in bytes. Not judged.
    pub size: u64,
}

impl<'a> EntryHeader<'a> {
    /// Reads it. Made for walking a table piece by piece in memory.
    pub fn parse(bytes: &'a [u8; HEADER_LEN]) -> Result<Self, MokError> {
        let mut reader = Reader::new(bytes);
        let name = reader.take(NAME_LEN).map_err(|_| MokError::Truncated)?;
        let size = reader.u64().map_err(|_| MokError::Truncated)?;
        let len = name
            .iter()
            .position(|&byte| byte == 0)
            .ok_or(MokError::Name)?;
        let name = name.get(..len).unwrap_or_default();
        let name = core::str::from_utf8(name).map_err(|_| MokError::Name)?;
        if name.is_empty() && size != 0 {
            return Err(MokError::EndWithData);
        }
        Ok(EntryHeader { name, size })
    }

    /// Whether this is the entry that ends the table.
    pub fn is_end(&self) -> bool {
        self.name.is_empty()
    }
}

impl fmt::Display for MokError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            MokError::Truncated => f.write_str("the MOK table ends too early"),
            MokError::Name => f.write_str("a name in the MOK table is malformed"),
            MokError::EndWithData => f.write_str("the entry that ends the MOK table has data"),
        }
    }
}

impl core::error::Error for MokError {}

#[cfg(test)]
mod tests;
