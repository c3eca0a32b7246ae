//! Whatever handover is accepted boots the kernel that was signed, with initrds as they are signed.
#![no_main]

use baton_formats::verdict::ComponentKind;
use baton_verify::{Machine, SignatureKind, Trust, decide, verify_detached};
use libfuzzer_sys::fuzz_target;

const KEYS: [&[u8]; 2] = [
    include_bytes!("../../verify/tests/fixtures/detached/linux-p256.der"),
    include_bytes!("../../verify/tests/fixtures/p256.der"),
];
const INITRD: &[u8] = include_bytes!("../../verify/tests/fixtures/detached/initrd.img");
const SIGNATURE: &[u8] = include_bytes!("../../verify/tests/fixtures/detached/initrd.img.p7s");
const IMAGE: &[u8] = include_bytes!("../../verify/tests/fixtures/sbsign-p256.efi");
/// The image's length, and where the fields lie that its digest leaves out.
const IMAGE_LEN: usize = 0x800;
const CHECKSUM: std::ops::Range<usize> = 0x98..0x9c;
const DIRECTORY: std::ops::Range<usize> = 0xe8..0xf0;

fuzz_target!(|data: &[u8]| {
    let keys = KEYS.concat();
    let trust = Trust::new().add_keys(&keys).expect("fixtures");
    assert!(verify_detached([INITRD], SIGNATURE, &trust).is_ok());
    let Ok(decision) = decide(data, b"quiet", Machine::SECURE, &trust) else {
        return;
    };
    let kernel = decision.kernel.bytes();
    let same = |position: &usize| kernel[*position] == IMAGE[*position];
    let covered = |position: &usize| !CHECKSUM.contains(position) && !DIRECTORY.contains(position);
    assert_eq!(kernel.len(), IMAGE_LEN);
    assert!((0..IMAGE_LEN).filter(covered).all(|at| same(&at)));
    // Nobody has signed a manifest, a UKI or an addon with these keys.
    assert!(decision.manifest.is_none() && decision.device_tree.is_none());
    let initrds = decision
        .parts
        .iter()
        .filter(|part| part.kind == ComponentKind::Initrd);
    let ways: Vec<_> = initrds.map(|part| part.vouched.signature_kind).collect();
    assert_eq!(ways.len(), decision.initrds.len());
    for (signature_kind, initrd) in ways.into_iter().zip(&decision.initrds) {
        match signature_kind {
            SignatureKind::Unsigned => {}
            SignatureKind::Detached => assert_eq!(*initrd, INITRD),
            other => panic!("an initrd vouched for by {other}"),
        }
    }
});
