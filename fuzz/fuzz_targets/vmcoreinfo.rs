//! Whatever VMCOREINFO says, a getter gives a value or names the key.
#![no_main]

use baton_kdump::VmcoreInfo;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &[u8]| {
    let info = VmcoreInfo::parse(text);
    for (key, value) in info.iter() {
        assert_eq!(info.get(key), Some(value));
        let inner = key.split_once('(').map_or(key, |(_, rest)| rest);
        let inner = inner.strip_suffix(')').unwrap_or(inner);
        let named = |error: &dyn std::fmt::Display| assert!(error.to_string().contains(inner));
        let _ = info.symbol(inner).map_err(|it| named(&it));
        let _ = info.size(inner).map_err(|it| named(&it));
        let _ = info.offset(inner).map_err(|it| named(&it));
        let _ = info.length(inner).map_err(|it| named(&it));
        let _ = info.number(inner).map_err(|it| named(&it));
    }
    assert!(info.page_size().is_ok_and(u64::is_power_of_two) || info.page_size().is_err());
    let _ = (
        info.release(),
        info.build_id(),
        info.crash_time(),
        info.kernel_offset(),
    );
});
