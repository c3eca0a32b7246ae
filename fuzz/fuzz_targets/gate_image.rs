//! A gate's info block has one form only, and its parts are where it says.
#![no_main]

use baton_formats::gate_image::{GateInfo, LEN};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let _ = GateInfo::from_image(bytes);
    let Ok(info) = GateInfo::parse(bytes) else {
        return;
    };
    assert_eq!(info.to_bytes(), bytes[..LEN]);
    for (part, found) in [
        (info.keys, info.keys(bytes)),
        (info.policy, info.policy(bytes)),
        (info.sbat, info.sbat(bytes)),
        (info.dbx, info.dbx(bytes)),
    ] {
        assert!(part.is_absent() || part.offset >= info.stub_len);
        assert!(found.is_err() || found.unwrap().len() == part.length as usize);
    }
});
