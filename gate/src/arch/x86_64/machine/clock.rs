//! Time, from the time stamp counter and whatever tells how fast it counts.

use core::fmt;

use super::cpu::{cpuid, has_hypervisor, inb, outb, timestamp};

/// The PIT's input frequency in Hz, and its ports (Intel 8254; channel 2's gate is port 0x61).
const PIT_HZ: u64 = 1_193_182;
const PIT_CHANNEL_2: u16 = 0x42;
const PIT_COMMAND: u16 = 0x43;
const PIT_GATE: u16 = 0x61;
/// How long the counter is compared with the PIT, in milliseconds.
const CALIBRATION_MS: u64 = 5;
/// Where nothing tells the speed, waits assume a fast processor, so that they never are too short.
const ASSUMED_PER_MS: u64 = 4_000_000;

/// A span of time.
struct Took {
    ticks: u64,
    microseconds: Option<u64>,
}

impl fmt::Display for Took {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.microseconds {
            Some(time) => write!(f, "{}.{:03} ms", time / 1000, time % 1000),
            None => write!(f, "{} clock ticks", self.ticks),
        }
    }
}

/// How fast the time stamp counter counts.
#[derive(Clone, Copy)]
pub struct Clock {
    per_ms: Option<u64>,
}

impl Clock {
    /// Asks the processor, then the hypervisor, then measures against the PIT.
    #[must_use]
    pub fn calibrate() -> Self {
        let per_ms = from_crystal()
            .or_else(from_hypervisor)
            .or_else(from_pit)
            .filter(|&per_ms| per_ms > 0);
        Self { per_ms }
    }

    /// Microseconds between two time stamps; `None` if nothing tells the counter's speed, or they
    /// are weeks apart.
    #[must_use]
    #[inline(never)] // Small; but there is much that says how long it took.
    pub fn microseconds(self, from: u64, to: u64) -> Option<u64> {
        let ticks = to.wrapping_sub(from).checked_mul(1000)?;
        ticks.checked_div(self.per_ms?)
    }

    /// The same in words.
    pub fn between(self, from: u64, to: u64) -> impl fmt::Display {
        Took {
            ticks: to.wrapping_sub(from),
            microseconds: self.microseconds(from, to),
        }
    }

    /// Waits for about this long.
    pub fn wait_ms(self, milliseconds: u64) {
        let start = timestamp();
        let ticks = milliseconds.saturating_mul(self.per_ms.unwrap_or(ASSUMED_PER_MS));
        while timestamp().wrapping_sub(start) < ticks {
            core::hint::spin_loop();
        }
    }
}

/// CPUID 15h: EBX / EAX is the ratio of the counter to a crystal of ECX Hz.
fn from_crystal() -> Option<u64> {
    let [denominator, numerator, crystal, _] = cpuid(0x15).map(u64::from);
    (denominator != 0 && numerator != 0 && crystal != 0)
        .then(|| crystal * numerator / denominator / 1000)
}

/// CPUID 4000_0010h: EAX is the counter's frequency in kHz (VMware's leaf, which KVM has too).
fn from_hypervisor() -> Option<u64> {
    has_hypervisor()
        .then(|| u64::from(cpuid(0x4000_0010)[0]))
        .filter(|&khz| khz != 0)
}

/// Lets channel 2 of the PIT count down once with its output readable at bit 5 of port 0x61.
fn from_pit() -> Option<u64> {
    let count = PIT_HZ * CALIBRATION_MS / 1000;
    let [low, high, ..] = count.to_le_bytes();
    let before = inb(PIT_GATE);
    outb(PIT_GATE, before & !0x02 | 0x01); // speaker off, gate on
    outb(PIT_COMMAND, 0xb0); // channel 2, low then high byte, mode 0
    outb(PIT_CHANNEL_2, low);
    outb(PIT_CHANNEL_2, high);
    let start = timestamp();
    // A port read takes about a microsecond; far more of them means that there is no PIT.
    let done = (0..1_000_000).any(|_| inb(PIT_GATE) & 0x20 != 0);
    let ticks = timestamp().wrapping_sub(start);
    outb(PIT_GATE, before);
    // Ended at once: the bit is stuck, nothing was measured.
    (done && ticks > 100_000).then_some(ticks / CALIBRATION_MS)
}
