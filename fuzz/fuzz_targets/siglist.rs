//! EFI signature lists: if all of them are well-formed, they account for every byte.
#![no_main]

use baton_formats::siglist::SignatureLists;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let mut total = 0;
    for list in SignatureLists::new(bytes) {
        let Ok(list) = list else { return };
        total += 28 + list.header().len();
        for signature in list.signatures() {
            assert!(!signature.data.is_empty());
            if let Some(hash) = signature.hash() {
                assert!(matches!(hash.len(), 32 | 48 | 64));
            }
            total += 16 + signature.data.len();
        }
    }
    assert_eq!(total, bytes.len());
});
