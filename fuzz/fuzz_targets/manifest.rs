//! What an accepted manifest is written as means the same, and is written the same again.
#![no_main]

use baton_formats::manifest::Manifest;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &[u8]| {
    let Ok(manifest) = Manifest::parse(text) else {
        return;
    };
    let written = manifest.to_string();
    let again = Manifest::parse(written.as_bytes()).unwrap();
    assert_eq!(written.len(), text.len());
    assert_eq!(again.name(), manifest.name());
    assert_eq!(again.kernel(), manifest.kernel());
    assert_eq!(again.command_line(), manifest.command_line());
    assert!(again.initrds().eq(manifest.initrds()));
    assert_eq!(again.to_string(), written);
});
