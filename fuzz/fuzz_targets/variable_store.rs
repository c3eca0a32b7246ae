//! A firmware's variable store, which a virtual machine's owner hands over: names and data lie in the file, and nothing
//! of a name leads out of a directory.
#![no_main]

use baton_cli::input::variable_store::{is_volume, parse};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|file: &[u8]| {
    let Ok(variables) = parse(file) else {
        return;
    };
    assert!(is_volume(file));
    let mut len = 0;
    for variable in &variables {
        assert!(!variable.name.is_empty() && !variable.name.contains(['/', '\0']));
        assert_eq!(variable.vendor.len(), 36);
        len += variable.data.len() + variable.name.encode_utf16().count() * 2;
    }
    assert!(len <= file.len());
});
