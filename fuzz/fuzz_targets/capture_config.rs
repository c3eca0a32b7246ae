//! A configuration that is accepted is written and read as the same.
#![no_main]

use baton_capture::config::Config;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return;
    };
    match Config::parse(text) {
        Ok(config) => {
            assert!(!config.target.is_empty() || config.log.is_some());
            let written = config.to_toml().expect("what is parsed can be written");
            assert_eq!(Config::parse(&written), Ok(config));
        }
        Err(error) => assert!(!error.to_string().contains('\n')),
    }
});
