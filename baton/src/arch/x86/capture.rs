//! What a capture's command line has because it runs on x86. docs/crash.md repeats the reasons.

use baton_sys::arch::x86::cpu;
use baton_sys::{ReadError, Root};

/// What every capture gets.
pub const ADDED: &[&str] = &[
    // A machine check that is still pending from the crash must not end the capture.
    "mce=off",
];

/// The least that must be reserved below 4 GiB where the rest lies above, in bytes: 64 MiB for swiotlb, through which devices
/// with 32-bit addressing go, and as much as the kernel puts on top of that (crash_low_size_default of
/// arch/x86/include/asm/crash_reserve.h).
pub const LOW_MEMORY: u64 = (64 + 8) << 20;

/// What a capture that runs on so many processors gets.
///
/// # Errors
/// When `/proc/cpuinfo` can't be read.
pub fn processors(root: &Root, cpus: u32) -> Result<Option<String>, ReadError> {
    Ok(without_first(cpus, cpu::first_apic_id(root)?))
}

/// Starting the processor that firmware started first resets the machine, unless the crash was on it.
/// Since Linux 6.9 the kernel sees that itself (arch/x86/kernel/cpu/topology.c).
fn without_first(cpus: u32, apic_id: Option<u32>) -> Option<String> {
    let id = apic_id.filter(|_| cpus > 1)?;
    Some(format!("disable_cpu_apicid={id}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_processor_is_left_alone_where_several_are_started() {
        assert_eq!(without_first(1, Some(0)), None);
        assert_eq!(without_first(2, None), None);
        let word = without_first(2, Some(0));
        assert_eq!(word.as_deref(), Some("disable_cpu_apicid=0"));
    }
}
