//! Where the gate's words go: the serial ports the command line names, and the framebuffer.

extern crate alloc;

use alloc::vec::Vec;
use core::cell::RefCell;
use core::fmt::{self, Write};

use super::framebuffer::Framebuffer;
use super::serial::Serial;
use crate::arch::x86_64::serial_consoles::serial_consoles;

/// No more ports than a PC has are opened.
const MAX_PORTS: usize = 4;

struct Outputs {
    serial: Vec<Serial>,
    framebuffer: Option<Framebuffer>,
}

struct Shared(RefCell<Outputs>);

// SAFETY: one processor, and no interrupt handler returns into code that holds the borrow.
unsafe impl Sync for Shared {}

static CONSOLE: Shared = Shared(RefCell::new(Outputs {
    serial: Vec::new(),
    framebuffer: None,
}));

/// Opens the serial consoles that the command line names.
pub fn open_serial(cmdline: &[u8]) {
    let mut outputs = CONSOLE.0.borrow_mut();
    let mut seen = Vec::new();
    for wanted in serial_consoles(cmdline) {
        if seen.len() < MAX_PORTS && !seen.contains(&wanted.port) {
            seen.push(wanted.port);
            outputs.serial.extend(Serial::open(wanted));
        }
    }
}

/// Adds the framebuffer.
pub fn set_framebuffer(framebuffer: Option<Framebuffer>) {
    CONSOLE.0.borrow_mut().framebuffer = framebuffer;
}

impl Write for Outputs {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for c in text.chars() {
            // Certificate subjects reach the console: no control characters of theirs do, and there
            // are no glyphs for other letters than ASCII's.
            let byte = match u8::try_from(c) {
                Ok(byte) if byte == b'\n' || (b' '..=b'~').contains(&byte) => byte,
                _ => b'?',
            };
            for port in &mut self.serial {
                if byte == b'\n' {
                    port.send(b'\r');
                }
                port.send(byte);
            }
            if cfg!(feature = "screen")
                && let Some(framebuffer) = &mut self.framebuffer
            {
                framebuffer.send(byte);
            }
        }
        Ok(())
    }
}

/// Writes one line.
pub fn line(text: fmt::Arguments<'_>) {
    // A fault while a line is written leaves the console borrowed; then there is nothing to say.
    if let Ok(mut outputs) = CONSOLE.0.try_borrow_mut() {
        let _ = outputs.write_fmt(format_args!("baton-gate: {text}\n"));
    }
}
