//! Whatever is accepted as a signature of the small image leaves the image as it was signed.
#![no_main]

use baton_verify::authenticode::Signature;
use baton_verify::{Trust, verify_image};
use libfuzzer_sys::fuzz_target;

/// Signed; the first 2 KiB are the image. The certificate table's entry lies at 0xe8.
const SIGNED: &[u8] = include_bytes!("../../verify/tests/fixtures/sbsign-chain.efi");
const ROOT: &[u8] = include_bytes!("../../verify/tests/fixtures/root.der");
const IMAGE_LEN: usize = 0x800;

fuzz_target!(|data: &[u8]| {
    let parsed = Signature::parse(data);
    let mut image = SIGNED[..IMAGE_LEN].to_vec();
    let length = 8 + data.len() as u32;
    let padded = length.next_multiple_of(8);
    image[0xec..0xf0].copy_from_slice(&padded.to_le_bytes());
    image.extend(length.to_le_bytes());
    image.extend([0x00, 0x02, 0x02, 0x00]);
    image.extend(data);
    image.resize(IMAGE_LEN + padded as usize, 0);

    let trust = Trust::new().add_keys(ROOT).expect("a fixture");
    if let Ok(verified) = verify_image(&image, &trust) {
        assert!(parsed.is_ok());
        assert_eq!(verified.bytes()[..0xe8], SIGNED[..0xe8]);
        assert_eq!(verified.bytes()[0xf0..], SIGNED[0xf0..IMAGE_LEN]);
        assert_eq!(verified.signer().anchor_subject, "Baton test root");
    }
});
