//! Whether a crash is one.
//!
//! In a crash the running kernel puts `elfcorehdr=` and `dmcryptkeys=` first on the command line
//! (setup_cmdline in arch/x86/kernel/kexec-bzimage64.c). Root can write the same on a normal load, to
//! be judged by the rules for a crash, or have a parameter taken for the kernel's. What root can't do is
//! to change the memory map: the kernel takes what both point to out of a crash kernel's RAM
//! (memmap_exclude_ranges in arch/x86/kernel/crash.c), and on a normal load passes all RAM on.

use alloc::string::String;

use baton_formats::cmdline::{Parameter, parameters};
use baton_verify::{Component, Reason, Refusal};

use crate::plan::{MapEntry, Use};

extern crate alloc;

/// Checks that what a crash's line begins with is the kernel's own.
///
/// # Errors
/// `OnlyForCrash`, or `ParameterDenied` if `elfcorehdr=` alone is the kernel's.
pub fn check(line: &[u8], map: &[MapEntry]) -> Result<(), Refusal> {
    let mut first = parameters(line);
    let elfcorehdr = first.next().and_then(|it| address(&it, b"elfcorehdr"));
    if elfcorehdr.is_none_or(|address| is_ram(address, map)) {
        return Err(Refusal::new(Component::Handover, Reason::OnlyForCrash));
    }
    let Some(second) = first.next() else {
        return Ok(());
    };
    match address(&second, b"dmcryptkeys").is_some_and(|address| is_ram(address, map)) {
        true => Err(Refusal::new(
            Component::CommandLine,
            Reason::ParameterDenied(String::from_utf8_lossy(second.raw).into_owned()),
        )),
        false => Ok(()),
    }
}

/// The value of a parameter of this name, as the kernel writes an address.
fn address(parameter: &Parameter<'_>, name: &[u8]) -> Option<u64> {
    let digits = parameter.value?.strip_prefix(b"0x")?;
    let digits = core::str::from_utf8(digits).ok()?;
    u64::from_str_radix(digits, 16)
        .ok()
        .filter(|_| parameter.name == name)
}

fn is_ram(address: u64, map: &[MapEntry]) -> bool {
    let holds = |entry: &&MapEntry| {
        let offset = address.checked_sub(entry.address);
        entry.kind == Use::Ram && offset.is_some_and(|offset| offset < entry.size)
    };
    map.iter().any(|entry| holds(&entry))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The first MiB, and a crash region with a hole at 0x3000_0000.
    const MAP: [MapEntry; 3] = [
        ram(0, 0xa_0000),
        ram(0x2000_0000, 0x1000_0000),
        ram(0x3000_1000, 0x1000),
    ];

    const fn ram(address: u64, size: u64) -> MapEntry {
        MapEntry {
            address,
            size,
            kind: Use::Ram,
        }
    }

    fn said(line: &[u8]) -> Result<(), &'static str> {
        check(line, &MAP).map_err(|refusal| refusal.reason.code())
    }

    #[test]
    fn what_the_kernel_put_first_points_to_what_is_no_ram() {
        assert_eq!(said(b"elfcorehdr=0x30000000 quiet"), Ok(()));
        assert_eq!(said(b"elfcorehdr=0x30000000"), Ok(()));
        assert_eq!(
            said(b"elfcorehdr=0x30000000 dmcryptkeys=0x30000800 ro"),
            Ok(())
        );
    }

    #[test]
    fn a_line_that_root_wrote_points_to_ram() {
        assert_eq!(said(b"elfcorehdr=0x2fffffff quiet"), Err("only-for-crash"));
        assert_eq!(said(b"elfcorehdr=0x30001000"), Err("only-for-crash"));
        assert_eq!(said(b"elfcorehdr=64M"), Err("only-for-crash"));
        assert_eq!(said(b"quiet elfcorehdr=0x30000000"), Err("only-for-crash"));
        assert_eq!(
            said(b"elfcorehdr=0x30000000 dmcryptkeys=0x20000000"),
            Err("parameter-denied")
        );
    }
}
