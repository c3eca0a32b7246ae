//! Whatever is accepted as a kernel, by a signature inside or after it, are bytes that were signed.
#![no_main]

use baton_verify::{HashAlgorithm, SignatureKind, Trust, verify_kernel};
use libfuzzer_sys::fuzz_target;

const LINUX: &[u8] = include_bytes!("../../verify/tests/fixtures/detached/linux.elf");
const NOTE: &[u8] = include_bytes!("../../verify/tests/fixtures/detached/note.elf");
/// Where the signature lies in the note.
const DESCRIPTOR: std::ops::Range<usize> = 404..779;
const IMAGE: &[u8] = include_bytes!("../../verify/tests/fixtures/sbsign-p256.efi");
const IMAGE_LEN: usize = 0x800;
const KEYS: [&[u8]; 3] = [
    include_bytes!("../../verify/tests/fixtures/detached/linux.der"),
    include_bytes!("../../verify/tests/fixtures/detached/linux-p256.der"),
    include_bytes!("../../verify/tests/fixtures/p256.der"),
];

fuzz_target!(|data: &[u8]| {
    let keys = KEYS.concat();
    let trust = Trust::new().add_keys(&keys).expect("fixtures");
    let Ok(verified) = verify_kernel(data, None, None, &trust) else {
        return;
    };
    match verified.signature_kind() {
        SignatureKind::Appended => assert_eq!(verified.bytes(), LINUX),
        SignatureKind::Note => {
            let bytes = verified.bytes();
            assert_eq!(bytes[..DESCRIPTOR.start], NOTE[..DESCRIPTOR.start]);
            assert_eq!(bytes[DESCRIPTOR.end..], NOTE[DESCRIPTOR.end..]);
        }
        SignatureKind::Authenticode => {
            let digest = |image| {
                let pe = baton_formats::pe::Pe::parse(image).expect("accepted");
                let digest = HashAlgorithm::Sha256.hash(pe.digest_parts());
                digest.as_bytes().to_vec()
            };
            assert_eq!(verified.bytes().len(), IMAGE_LEN);
            assert_eq!(digest(data), digest(IMAGE));
            assert_eq!(verified.digest()[..], digest(IMAGE));
        }
        signature_kind => panic!("nothing vouches by {signature_kind}"),
    }
});
