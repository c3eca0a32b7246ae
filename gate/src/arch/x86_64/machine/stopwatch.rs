//! How long hashing takes, of all that verification does.

use core::sync::atomic::{AtomicU64, Ordering};

use baton_verify::Phase;

use super::cpu::timestamp;

static BEGUN: AtomicU64 = AtomicU64::new(0);
static TICKS: AtomicU64 = AtomicU64::new(0);

/// Counts what lies between the beginning and the end of hashing.
pub fn observe(phase: Phase) {
    let now = timestamp();
    match phase {
        Phase::HashingBegins => BEGUN.store(now, Ordering::Relaxed),
        Phase::HashingEnds => {
            let took = now.wrapping_sub(BEGUN.load(Ordering::Relaxed));
            TICKS.fetch_add(took, Ordering::Relaxed);
        }
    }
}

/// What was counted, in ticks of the time stamp counter.
pub fn hashing() -> u64 {
    TICKS.load(Ordering::Relaxed)
}
