//! shim's table of keys.
//!
//! shim copies its MOK variables into memory that the kernel keeps, and publishes it as an EFI
//! configuration table (shim: mok.c; Linux: drivers/firmware/efi/mokvar-table.c). Reading that
//! copy, and not the variables, is what keeps user space out: variables can be set at run time.
//!
//! A table that has one of the lists twice is refused: whichever were taken, the other could be the
//! one that revokes something. (Linux takes the first, and shows user space nothing after it.)

use baton_formats::mok::{DBX, EntryHeader, HEADER_LEN, MOK_LIST, MOK_LIST_X, SBAT_LEVEL};
use baton_verify::Reason;

use crate::memory::PhysicalMemory;
use crate::plan::Range;

/// More MOK variables than any shim publishes.
const MAX_VARIABLES: usize = 64;
/// No MOK variable comes near this; a larger size is damage.
const MAX_VARIABLE: u64 = 16 << 20;

/// What shim handed on.
#[derive(Default)]
pub struct MokTable<'m> {
    /// The contents of MokListRT: keys and image hashes the machine's owner trusts.
    pub list: &'m [u8],
    /// The contents of MokListXRT: what is revoked.
    pub revocations: &'m [u8],
    /// What the firmware revokes: its dbx as of the last boot. An old shim leaves no copy.
    pub dbx: &'m [u8],
    /// The contents of SbatLevelRT: the generations that images must have. An old shim leaves none,
    /// and then none is asked for.
    pub sbat_level: Option<&'m [u8]>,
    /// Where the table lies.
    pub extent: Option<Range>,
}

impl<'m> MokTable<'m> {
    /// Reads the table at this address.
    ///
    /// # Errors
    /// `BadFirmwareTable` for anything malformed: a table that can't be read might hold a
    /// revocation, so nothing is trusted then.
    pub fn read<M: PhysicalMemory>(memory: &'m M, start: u64) -> Result<Self, Reason> {
        let mut lists = Lists::default();
        let mut at = start;
        for _ in 0..MAX_VARIABLES {
            let bytes = memory
                .array(at)
                .ok_or(Reason::BadFirmwareTable("the MOK table does not end"))?;
            let header = EntryHeader::parse(bytes)
                .map_err(|_| Reason::BadFirmwareTable("a MOK table entry is malformed"))?;
            let next = at
                .checked_add(HEADER_LEN as u64)
                .ok_or(Reason::BadFirmwareTable("the MOK table wraps"))?;
            if header.is_end() {
                return Ok(lists.into_table(Range::new(start, next - start)));
            }
            let data = Self::variable(memory, next, header.size)?;
            lists.take(header.name, data)?;
            at = next.saturating_add(header.size);
        }
        Err(Reason::BadFirmwareTable(
            "the MOK table has too many entries",
        ))
    }

    fn variable<M: PhysicalMemory>(memory: &'m M, at: u64, size: u64) -> Result<&'m [u8], Reason> {
        if size == 0 {
            return Ok(&[]);
        }
        (size <= MAX_VARIABLE && at.checked_add(size).is_some())
            .then(|| memory.read(at, size))
            .flatten()
            .ok_or(Reason::BadFirmwareTable(
                "a MOK table entry reaches outside memory",
            ))
    }
}

/// The lists of a table as they are found in it.
#[derive(Default)]
struct Lists<'m> {
    trusted: Option<&'m [u8]>,
    revoked: Option<&'m [u8]>,
    dbx: Option<&'m [u8]>,
    sbat_level: Option<&'m [u8]>,
}

impl<'m> Lists<'m> {
    fn take(&mut self, name: &str, data: &'m [u8]) -> Result<(), Reason> {
        let place = match name {
            MOK_LIST => &mut self.trusted,
            MOK_LIST_X => &mut self.revoked,
            DBX => &mut self.dbx,
            SBAT_LEVEL => &mut self.sbat_level,
            _ => return Ok(()),
        };
        match place.replace(data) {
            None => Ok(()),
            Some(_) => Err(Reason::BadFirmwareTable("the MOK table has a list twice")),
        }
    }

    fn into_table(self, extent: Option<Range>) -> MokTable<'m> {
        MokTable {
            list: self.trusted.unwrap_or_default(),
            revocations: self.revoked.unwrap_or_default(),
            dbx: self.dbx.unwrap_or_default(),
            sbat_level: self.sbat_level,
            extent,
        }
    }
}
