//! Whether the firmware's screen may be drawn on.
//!
//! Where it is, the old kernel passes on, but root may have chosen: on some kernels `video=efifb:base:…` changes it
//! (drivers/video/fbdev/efifb.c), and kexec hands on what it was changed to. Drawing means writing, so that a screen
//! which may lie over memory isn't used: one that no map lists, as no map lists a display's own memory.

use baton_formats::boot_params::{BootParams, MAX_E820, VIDEO_TYPE_EFI};

use super::Arguments;
use crate::firmware::Firmware;
use crate::plan::{LOWEST, MapEntry, Range};

/// What the old kernel passes on of a screen.
pub use baton_formats::boot_params::ScreenInfo as Screen;

/// A glyph's width, in pixels.
pub const GLYPH: u32 = 8;
/// A line's height: each pixel of the 8 × 8 font is drawn as a column of two, which is easier to read.
pub const LINE: u32 = 16;
/// What is left free around the text.
pub const MARGIN: u32 = 16;

/// The screen and the bytes that it takes, if they can be nothing but a display's.
///
/// The firmware's tables must have been read, since where they lie mustn't be drawn on.
/// `gate` is where the gate itself lies.
#[must_use]
pub fn usable(
    arguments: &Arguments<'_>,
    firmware: &Firmware<'_>,
    gate: Range,
) -> Option<(Screen, Range)> {
    let screen = BootParams(arguments.own.boot_params).screen_info();
    let range = extent(&screen)?;
    let taken = arguments.keep.iter().chain(&firmware.extents);
    let is_memory = range.start < LOWEST
        || was_cut(&arguments.map)
        || arguments.map.iter().any(|entry| entry.claims(range))
        || taken.chain([&gate]).any(|taken| taken.overlaps(range));
    (!is_memory).then_some((screen, range))
}

/// kexec passes on as many entries as boot_params hold, and says nothing of those that it leaves out
/// (setup_e820_entries in arch/x86/kernel/kexec-bzimage64.c).
fn was_cut(map: &[MapEntry]) -> bool {
    map.len() == usize::from(MAX_E820)
}

/// The bytes of a linear framebuffer of 32 bits a pixel that has room for text.
#[must_use]
pub fn extent(screen: &Screen) -> Option<Range> {
    let base = screen.framebuffer();
    let usable = screen.video_type == VIDEO_TYPE_EFI
        && screen.lfb_depth == 32
        && u32::from(screen.lfb_width) >= 2 * MARGIN + GLYPH
        && u32::from(screen.lfb_height) >= 2 * MARGIN + LINE
        && u32::from(screen.lfb_linelength) >= u32::from(screen.lfb_width) * 4
        && screen.lfb_linelength.is_multiple_of(4)
        && base.is_multiple_of(4);
    let length = u64::from(screen.lfb_linelength) * u64::from(screen.lfb_height);
    Range::new(base, length).filter(|_| usable)
}
