//! An image is a UKI or an addon, not both, and all that is read of it is covered by its digest.
#![no_main]

use baton_formats::pe::Pe;
use baton_formats::uki::{Addon, Arguments, Uki};
use libfuzzer_sys::fuzz_target;

fn check(file: &[u8], arguments: &Arguments<'_>) {
    let line = arguments
        .cmdline
        .map_or_else(String::new, |line| line.to_string());
    assert!(!line.bytes().any(|byte| byte.is_ascii_control()));
    assert_eq!(line, line.trim_matches(|c: char| c.is_ascii_whitespace()));
    let inside = |part: Option<&[u8]>| {
        part.is_none_or(|part| !part.is_empty() && file.as_ptr_range().contains(&part.as_ptr()))
    };
    assert!(inside(arguments.initrd) && inside(arguments.ucode));
    assert!(inside(arguments.dtb) && inside(arguments.sbat));
}

fuzz_target!(|file: &[u8]| {
    let Ok(pe) = Pe::parse(file) else { return };
    let signed = &file[..pe.signed_len()];
    let addon = Addon::parse(&pe);
    if let Ok(addon) = &addon {
        check(signed, &addon.arguments);
    }
    let Ok(uki) = Uki::parse(&pe) else { return };
    assert!(addon.is_err());
    assert_eq!(uki.profiles().count(), uki.profile_count());
    for profile in uki.profiles() {
        assert!(!profile.linux.is_empty());
        check(signed, &profile.arguments);
        let _ = (profile.id(), profile.title());
    }
});
