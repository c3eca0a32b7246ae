//! The processor features that matter to a kexec.

use crate::{ReadError, Root};

/// Whether the running kernel uses 5-level page tables.
///
/// # Errors
/// When `/proc/cpuinfo` can't be read.
pub fn five_level_paging(root: &Root) -> Result<bool, ReadError> {
    Ok(has_la57(
        &root.read_text("proc/cpuinfo")?.unwrap_or_default(),
    ))
}

/// Whether the flags of `/proc/cpuinfo` list `la57`. The kernel clears the flag where it runs with
/// four levels, so the flag says what is in use (arch/x86/kernel/cpu/common.c).
#[must_use]
pub fn has_la57(cpuinfo: &str) -> bool {
    cpuinfo
        .lines()
        .find(|line| line.starts_with("flags"))
        .is_some_and(|line| line.split_whitespace().any(|flag| flag == "la57"))
}

/// The APIC ID of the boot processor, which the kernel lists first; `None` if the kernel doesn't show it.
///
/// # Errors
/// When `/proc/cpuinfo` can't be read.
pub fn first_apic_id(root: &Root) -> Result<Option<u32>, ReadError> {
    let cpuinfo = root.read_text("proc/cpuinfo")?.unwrap_or_default();
    Ok(parse_first_apic_id(&cpuinfo))
}

/// The first `initial apicid` of `/proc/cpuinfo`.
#[must_use]
pub fn parse_first_apic_id(cpuinfo: &str) -> Option<u32> {
    let line = cpuinfo
        .lines()
        .find(|line| line.starts_with("initial apicid"))?;
    line.split_once(':')?.1.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_processor_is_the_first_that_is_listed() {
        let cpuinfo = "apicid\t\t: 7\ninitial apicid\t: 2\n\ninitial apicid\t: 0\n";
        assert_eq!(parse_first_apic_id(cpuinfo), Some(2));
        assert_eq!(parse_first_apic_id("processor: 0\n"), None);
    }

    #[test]
    fn la57_is_a_whole_word_of_the_flags() {
        assert!(has_la57("processor: 0\nflags\t\t: fpu la57 smep\n"));
        assert!(!has_la57("flags\t\t: fpu xla57\nmodel name: la57\n"));
    }
}
