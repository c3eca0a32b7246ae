//! A 16550 serial port, polled.

use super::cpu::{inb, outb};
use crate::arch::x86_64::serial_consoles::SerialPort;

// Register offsets and bits: National Semiconductor PC16550D, table II.
const DATA: u16 = 0;
const INTERRUPT_ENABLE: u16 = 1;
const LINE_CONTROL: u16 = 3;
const MODEM_CONTROL: u16 = 4;
const LINE_STATUS: u16 = 5;
const SCRATCH: u16 = 7;
const DIVISOR_LATCH: u8 = 0x80;
const EIGHT_BITS: u8 = 0x03;
const READY: u8 = 0x03; // DTR and RTS
const TRANSMITTER_EMPTY: u8 = 0x20;
const CLOCK: u32 = 115_200;

/// How often the line status is read before a byte is given up: a dead port must not stop a
/// kexec. A byte at 9600 baud takes about a millisecond, and a port read about a microsecond.
const PATIENCE: u32 = 100_000;

/// A serial port that answered.
pub struct Serial {
    port: u16,
    dead: bool,
}

impl Serial {
    /// Opens the port if there is one, setting its speed where one was asked for.
    #[must_use]
    pub fn open(wanted: SerialPort) -> Option<Self> {
        let port = wanted.port;
        outb(port + SCRATCH, 0x5a);
        if inb(port + SCRATCH) != 0x5a {
            return None;
        }
        outb(port + INTERRUPT_ENABLE, 0);
        if let Some(baud) = wanted.baud {
            let [low, high, ..] = (CLOCK / baud).to_le_bytes();
            outb(port + LINE_CONTROL, DIVISOR_LATCH | EIGHT_BITS);
            outb(port + DATA, low);
            outb(port + INTERRUPT_ENABLE, high);
        }
        outb(port + LINE_CONTROL, EIGHT_BITS);
        outb(port + MODEM_CONTROL, READY);
        Some(Self { port, dead: false })
    }

    /// Sends one byte. A port that doesn't take it in time is left alone from then on.
    pub fn send(&mut self, byte: u8) {
        if self.dead {
            return;
        }
        self.dead = !(0..PATIENCE).any(|_| inb(self.port + LINE_STATUS) & TRANSMITTER_EMPTY != 0);
        if !self.dead {
            outb(self.port + DATA, byte);
        }
    }
}
