//! `struct screen_info` (include/uapi/linux/screen_info.h), as far as the framebuffer needs it.

use crate::reader::{OutOfBounds, Reader};

/// [`ScreenInfo::video_type`] of the framebuffer that EFI set up (`VIDEO_TYPE_EFI`).
pub const VIDEO_TYPE_EFI: u8 = 0x70;
/// `capabilities`: `ext_lfb_base` holds the high half of the address.
const CAPABILITY_64BIT_BASE: u32 = 1 << 1;

/// What the firmware's screen is like.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ScreenInfo {
    /// `orig_video_isVGA`: the kind of screen, [`VIDEO_TYPE_EFI`] for a linear framebuffer of EFI.
    pub video_type: u8,
    /// Width in pixels.
    pub lfb_width: u16,
    /// Height in pixels.
    pub lfb_height: u16,
    /// Bits for a pixel.
    pub lfb_depth: u16,
    /// The low half of the framebuffer's physical address.
    pub lfb_base: u32,
    /// The size of the framebuffer, in bytes for EFI.
    pub lfb_size: u32,
    /// Bytes from a line's begin to the next line's.
    pub lfb_linelength: u16,
    /// Where red, green, blue and the reserved bits are in a pixel, in this order.
    pub colours: [Colour; 4],
    /// Flags.
    pub capabilities: u32,
    /// The high half of the framebuffer's physical address, if a flag says so.
    pub ext_lfb_base: u32,
}

/// Where a colour's bits are in a pixel.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Colour {
    /// How many bits.
    pub size: u8,
    /// How many bits lie below them.
    pub position: u8,
}

impl ScreenInfo {
    /// The structure's length, in bytes.
    pub const LEN: usize = 64;

    /// Reads the structure.
    pub fn parse(bytes: &[u8; Self::LEN]) -> Self {
        // All that is read lies in the first 0x3e bytes: this can't fail.
        Self::read(&mut Reader::new(bytes)).unwrap_or_default()
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self, OutOfBounds> {
        reader.skip(0x0f)?;
        let video_type = reader.u8()?;
        reader.skip(2)?; // orig_video_points
        let lfb_width = reader.u16()?;
        let lfb_height = reader.u16()?;
        let lfb_depth = reader.u16()?;
        let lfb_base = reader.u32()?;
        let lfb_size = reader.u32()?;
        reader.skip(4)?; // cl_magic, cl_offset
        let lfb_linelength = reader.u16()?;
        let colours = [
            Colour::read(reader)?,
            Colour::read(reader)?,
            Colour::read(reader)?,
            Colour::read(reader)?,
        ];
        reader.skip(8)?; // vesapm_seg, vesapm_off, pages, vesa_attributes
        Ok(ScreenInfo {
            video_type,
            lfb_width,
            lfb_height,
            lfb_depth,
            lfb_base,
            lfb_size,
            lfb_linelength,
            colours,
            capabilities: reader.u32()?,
            ext_lfb_base: reader.u32()?,
        })
    }

    /// The framebuffer's physical address.
    pub fn framebuffer(&self) -> u64 {
        let high = match self.capabilities & CAPABILITY_64BIT_BASE {
            0 => 0,
            _ => self.ext_lfb_base,
        };
        super::join(self.lfb_base, high)
    }
}

impl Colour {
    fn read(reader: &mut Reader<'_>) -> Result<Self, OutOfBounds> {
        Ok(Colour {
            size: reader.u8()?,
            position: reader.u8()?,
        })
    }
}
