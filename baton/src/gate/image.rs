//! Adding sections to the gate's stub.
//!
//! In a gate image file offset and virtual address are the same and sections begin at multiples of 4096
//! (see [`baton_formats::gate_image`]). The running gate finds the parts by its info block; the PE section
//! headers are for whoever looks at the file, and so that Authenticode covers the parts as sections.

use crate::arch::stub;
use crate::digest::sha256;
use crate::encode::field::{put, put_u16, put_u32};
use crate::failure::Result;
use crate::failure::gate::{GateError, StubProblem};
use baton_formats::gate_image::{self, GateInfo, SectionRange};
use baton_formats::pe::{Pe, SECTION_HEADER_LEN};

const PAGE: usize = 4096;

/// Offsets in the COFF and optional headers ("PE Format").
const NUMBER_OF_SECTIONS: usize = 2;
const SIZE_OF_INITIALIZED_DATA: usize = 8;
const SIZE_OF_IMAGE: usize = 56;

/// IMAGE_SCN_CNT_INITIALIZED_DATA | IMAGE_SCN_MEM_READ
const READ_ONLY_DATA: u32 = 0x4000_0040;

/// Room that is left for the signature, so that a gate that can be built can be signed.
pub const ROOM_FOR_SIGNATURE: usize = 64 * 1024;

/// What is added to the stub; empty ones are left out.
#[derive(Debug, Clone, Default)]
pub struct Parts {
    /// DER certificates, one after another.
    pub keys: Vec<u8>,
    /// The compact policy.
    pub policy: Vec<u8>,
    /// SBAT metadata.
    pub sbat: Vec<u8>,
    /// EFI signature lists of what the gate refuses, one after another.
    pub dbx: Vec<u8>,
}

/// The stub with the parts added. The same input gives the same bytes.
///
/// # Errors
/// When the stub isn't one, or is one that parts were added to or that was signed, or there is no room.
pub fn assemble(stub: &[u8], parts: &Parts) -> Result<Vec<u8>> {
    let (pe, mut info) = check_stub(stub).map_err(GateError::from)?;
    let offsets = pe.offsets();
    let mut file = stub.to_vec();
    let mut added: Vec<(&str, SectionRange)> = Vec::new();
    for (name, bytes) in [
        (".keys", &parts.keys),
        (".policy", &parts.policy),
        (".sbat", &parts.sbat),
        (".dbx", &parts.dbx),
    ] {
        if !bytes.is_empty() {
            added.push((name, append(&mut file, bytes, info.limit)?));
        }
    }
    let sections = pe.sections().count();
    write_section_headers(
        &mut file,
        offsets.section_table + sections * SECTION_HEADER_LEN,
        &added,
    )?;

    let part = |name| {
        let found = added.iter().find(|(n, _)| *n == name);
        found.map_or(SectionRange::default(), |(_, part)| *part)
    };
    info.keys = part(".keys");
    info.policy = part(".policy");
    info.sbat = part(".sbat");
    info.dbx = part(".dbx");
    put(&mut file, gate_image::FILE_OFFSET, &info.to_bytes())?;

    let len = to_u32(file.len())?;
    let grown = to_u32(file.len() - stub.len())?;
    put_u16(
        &mut file,
        offsets.coff_header + NUMBER_OF_SECTIONS,
        u16::try_from(sections + added.len()).map_err(|_| GateError::TooLarge)?,
    )?;
    let data = offsets.optional_header + SIZE_OF_INITIALIZED_DATA;
    let before = baton_formats::reader::u32_at(stub, data).unwrap_or(0);
    put_u32(&mut file, data, before.saturating_add(grown))?;
    put_u32(&mut file, offsets.optional_header + SIZE_OF_IMAGE, len)?;
    put_u32(&mut file, offsets.checksum, 0)?;
    stub::set_length(&mut file)?;
    // All else stands now, so that the gate can be told apart from others.
    let identity = sha256([&file[..]]);
    put(&mut file, gate_image::IDENTITY.start, &identity)?;
    // What was made must be what the gate and everyone else will read.
    Pe::parse(&file).map_err(|e| GateError::Result(e.into()))?;
    GateInfo::from_image(&file).map_err(|e| GateError::Result(e.into()))?;
    Ok(file)
}

fn check_stub(stub: &[u8]) -> std::result::Result<(Pe<'_>, GateInfo), StubProblem> {
    let pe = Pe::parse(stub)?;
    let info = GateInfo::from_image(stub)?;
    if pe.is_signed() {
        return Err(StubProblem::Signed);
    }
    let parts = [info.keys, info.policy, info.sbat, info.dbx];
    if !parts.iter().all(SectionRange::is_absent) {
        return Err(StubProblem::Built);
    }
    if usize::try_from(info.stub_len) != Ok(stub.len()) {
        return Err(StubProblem::Length {
            found: stub.len(),
            stated: info.stub_len,
        });
    }
    Ok((pe, info))
}

/// Appends one part, padded to whole pages so that no byte lies between sections.
fn append(file: &mut Vec<u8>, bytes: &[u8], limit: u32) -> Result<SectionRange> {
    let part = SectionRange {
        offset: to_u32(file.len())?,
        length: to_u32(bytes.len())?,
    };
    file.extend_from_slice(bytes);
    file.resize(file.len().next_multiple_of(PAGE), 0);
    if to_u32(file.len() + ROOM_FOR_SIGNATURE)? > limit {
        return Err(GateError::TooLarge.into());
    }
    Ok(part)
}

fn write_section_headers(
    file: &mut [u8],
    mut at: usize,
    added: &[(&str, SectionRange)],
) -> Result<()> {
    for (name, part) in added {
        if at + SECTION_HEADER_LEN > stub::HEADERS_END {
            return Err(GateError::NoRoomForSections.into());
        }
        let mut header = [0; SECTION_HEADER_LEN];
        put(&mut header, 0, name.as_bytes())?;
        put_u32(&mut header, 8, part.length)?;
        put_u32(&mut header, 12, part.offset)?;
        let padded = part.length.next_multiple_of(to_u32(PAGE)?);
        put_u32(&mut header, 16, padded)?;
        put_u32(&mut header, 20, part.offset)?;
        put_u32(&mut header, 36, READ_ONLY_DATA)?;
        put(file, at, &header)?;
        at += SECTION_HEADER_LEN;
    }
    Ok(())
}

fn to_u32(n: usize) -> Result<u32> {
    Ok(u32::try_from(n).map_err(|_| GateError::TooLarge)?)
}
