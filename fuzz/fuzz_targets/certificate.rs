//! Whatever is accepted as a certificate is all there is, and its parts lie inside it.
#![no_main]

use baton_verify::{Certificate, is_shown};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|der: &[u8]| {
    let Ok(certificate) = Certificate::parse(der) else {
        return;
    };
    assert_eq!(certificate.as_bytes(), der);
    for part in [
        certificate.tbs(),
        certificate.subject(),
        certificate.issuer(),
        certificate.serial(),
        certificate.key_info(),
    ] {
        assert!(!part.is_empty() && part.len() < der.len());
    }
    let name = certificate.subject_name();
    assert!(name.chars().count() <= 64 && name.chars().all(is_shown));
    assert!(!certificate.key_id().as_bytes().is_empty());
});
