//! Text on the framebuffer that the firmware set up, where the old kernel passed one on.

use baton_formats::boot_params::ScreenInfo;

use crate::arch::x86_64::screen::{GLYPH, LINE, MARGIN, extent};

/// A linear framebuffer of 32 bits a pixel, and where the next character goes.
pub struct Framebuffer {
    base: *mut u32,
    /// Pixels from the start of one row to the next.
    stride: u32,
    width: u32,
    height: u32,
    column: u32,
    row: u32,
}

impl Framebuffer {
    /// A console on the framebuffer of `screen`.
    ///
    /// # Safety
    /// The range that [`extent`] gives must be mapped, and be memory of the display,
    /// not memory that Rust code uses.
    pub unsafe fn new(screen: &ScreenInfo) -> Option<Self> {
        let base = extent(screen)?.start;
        Some(Self {
            base: base as *mut u32,
            stride: u32::from(screen.lfb_linelength) / 4,
            width: u32::from(screen.lfb_width),
            height: u32::from(screen.lfb_height),
            column: MARGIN,
            row: MARGIN,
        })
    }

    /// Draws one character at the cursor and moves it on; the screen starts again at its top when
    /// it is full, since reading video memory back to scroll it is very slow.
    pub fn send(&mut self, byte: u8) {
        if byte == b'\n' || self.column + GLYPH + MARGIN > self.width {
            self.column = MARGIN;
            self.row += LINE;
            if self.row + LINE + MARGIN > self.height {
                self.row = MARGIN;
            }
            self.clear_line();
        }
        if let Some(glyph) = font8x8::legacy::BASIC_LEGACY
            .get(usize::from(byte))
            .filter(|_| byte >= b' ')
        {
            self.draw(glyph);
            self.column += GLYPH;
        }
    }

    fn draw(&mut self, glyph: &[u8; 8]) {
        for (bits, y) in glyph.iter().zip(0u32..) {
            for x in 0..GLYPH {
                let colour = if bits >> x & 1 == 1 { u32::MAX } else { 0 };
                self.plot(self.column + x, self.row + 2 * y, colour);
                self.plot(self.column + x, self.row + 2 * y + 1, colour);
            }
        }
    }

    fn clear_line(&mut self) {
        for y in self.row..self.row + LINE {
            for x in 0..self.width {
                self.plot(x, y, 0);
            }
        }
    }

    fn plot(&mut self, x: u32, y: u32, colour: u32) {
        if x < self.width && y < self.height {
            let index = y as usize * self.stride as usize + x as usize;
            // SAFETY: inside the rows and columns that `new` was promised are mapped video memory;
            // volatile, because the display reads it.
            unsafe { self.base.add(index).write_volatile(colour) }
        }
    }
}
