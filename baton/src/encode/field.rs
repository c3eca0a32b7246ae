//! Changing the fields of a file's headers in place.

use crate::failure::Cause;
use crate::failure::input::InputError;

/// The file ends before the field does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cut;

impl From<Cut> for Cause {
    fn from(Cut: Cut) -> Cause {
        InputError::HeadersCut.into()
    }
}

/// Writes a little-endian number.
///
/// # Errors
/// When the file ends before.
pub fn put_u32(file: &mut [u8], at: usize, value: u32) -> Result<(), Cut> {
    put(file, at, &value.to_le_bytes())
}

/// Writes a little-endian number.
///
/// # Errors
/// When the file ends before.
pub fn put_u16(file: &mut [u8], at: usize, value: u16) -> Result<(), Cut> {
    put(file, at, &value.to_le_bytes())
}

/// Writes bytes.
///
/// # Errors
/// When the file ends before.
pub fn put(file: &mut [u8], at: usize, bytes: &[u8]) -> Result<(), Cut> {
    file.get_mut(at..)
        .and_then(|rest| rest.get_mut(..bytes.len()))
        .ok_or(Cut)?
        .copy_from_slice(bytes);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::failure::Failure;
    use crate::failure::exit::Exit;

    #[test]
    fn writing_past_the_end_is_refused() {
        let mut file = [0; 4];
        assert_eq!(put_u32(&mut file, 1, 7), Err(Cut));
        assert_eq!(put_u32(&mut file, usize::MAX, 7), Err(Cut));
        put_u16(&mut file, 2, 0x0102).unwrap();
        assert_eq!(file, [0, 0, 2, 1]);
    }

    #[test]
    fn a_file_that_is_cut_off_is_malformed_whatever_was_to_be_written() {
        let failure = Failure::from(Cut);
        assert_eq!(
            (failure.exit(), failure.word()),
            (Exit::Malformed, "bad-image")
        );
    }
}
