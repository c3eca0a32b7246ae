//! What of the gate's file the boot protocol reads (Documentation/arch/x86/boot.rst).

use crate::encode::field::put_u32;
use crate::failure::Result;
use crate::failure::gate::GateError;
use baton_formats::gate_image::FILE_OFFSET;

/// The setup header begins here; the section table must end before it.
pub const HEADERS_END: usize = 0x1f1;
/// `syssize` of the setup header: the protected-mode part in units of 16 bytes.
const SYSSIZE: usize = 0x1f4;

/// Says how long the file is.
///
/// # Errors
/// When it is longer than can be said.
pub fn set_length(file: &mut [u8]) -> Result<()> {
    let protected = file.len().saturating_sub(FILE_OFFSET).div_ceil(16);
    let protected = u32::try_from(protected).map_err(|_| GateError::TooLarge)?;
    Ok(put_u32(file, SYSSIZE, protected)?)
}
