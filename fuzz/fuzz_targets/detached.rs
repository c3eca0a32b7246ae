//! Whatever is accepted as a detached signature is one of the content that was signed, and of no
//! other.
#![no_main]

use baton_verify::detached::DetachedSignature;
use baton_verify::{Trust, verify_detached};
use libfuzzer_sys::fuzz_target;

const CONTENT: &[u8] = include_bytes!("../../verify/tests/fixtures/detached/content.txt");
const ALTERED: &[u8] = include_bytes!("../../verify/tests/fixtures/detached/altered.txt");
const KEYS: [&[u8]; 2] = [
    include_bytes!("../../verify/tests/fixtures/detached/rsa.der"),
    include_bytes!("../../verify/tests/fixtures/detached/p256.der"),
];

fuzz_target!(|data: &[u8]| {
    let parsed = DetachedSignature::parse(data);
    let keys = KEYS.concat();
    let trust = Trust::new().add_keys(&keys).expect("fixtures");
    let Ok(signer) = verify_detached([CONTENT], data, &trust) else {
        return;
    };
    assert!(parsed.is_ok());
    assert!(signer.anchor_subject.starts_with("Baton detached "));
    // The same in parts; neither other content nor other keys will do.
    let (head, tail) = CONTENT.split_at(7);
    assert_eq!(verify_detached([head, tail], data, &trust), Ok(signer));
    assert!(verify_detached([ALTERED], data, &trust).is_err());
    assert!(verify_detached([CONTENT], data, &Trust::new()).is_err());
});
