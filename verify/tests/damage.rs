//! Every single-bit flip and every truncation of a signed image and of a handover is refused,
//! but for those that `docs/harmless-bits.md` lists, which change nothing that is used.
#![allow(missing_docs)]

use std::ops::Range;

use baton_formats::handover::{Layout, RecordKind};
use baton_samples::der::explicit;
use baton_samples::fixture;
use baton_samples::flips::accepted_flips;
use baton_samples::forge::{Cert, Forge, attribute};
use baton_samples::small_image::{CHECKSUM, LEN};
use baton_verify::{HashAlgorithm, Machine, Trust, Verified, decide, verify_image};

const CHECKSUM_FIELD: Range<usize> = CHECKSUM..CHECKSUM + 4;

/// Flips every bit of `image` in `range` and expects those that are accepted to lie in
/// `harmless`, and to change nothing about the verdict. Returns how many were accepted.
fn refuses_flips(image: &[u8], range: Range<usize>, keys: &[u8], harmless: &Range<usize>) -> usize {
    let trust = Trust::new().add_keys(keys).expect("well-formed");
    let right = verify_image(image, &trust).expect("accepted unchanged");
    let accepted = accepted_flips(image, range, |flipped| {
        match verify_image(flipped, &trust) {
            Ok(verified) => {
                assert_same(&verified, &right);
                true
            }
            Err(_) => false,
        }
    });
    for (position, bit) in &accepted {
        assert!(
            harmless.contains(position),
            "bit {bit} of byte {position:#x} can be flipped"
        );
    }
    accepted.len()
}

/// The same verdict on the same bytes, but for CheckSum.
fn assert_same(flipped: &Verified<'_>, right: &Verified<'_>) {
    assert_eq!(flipped.digest(), right.digest());
    assert_eq!(flipped.signer(), right.signer());
    let without_checksum = |verified: &Verified<'_>| {
        let mut bytes = verified.bytes().to_vec();
        bytes[CHECKSUM_FIELD].fill(0);
        bytes
    };
    assert_eq!(without_checksum(flipped), without_checksum(right));
}

fn find(haystack: &[u8], needle: &[u8]) -> Range<usize> {
    let start = haystack
        .windows(needle.len())
        .position(|window| window == needle)
        .expect("is there");
    start..start + needle.len()
}

#[test]
fn refuses_every_flip_in_a_signed_image_but_those_in_checksum() {
    let image = fixture("sbsign-rsa2048.efi");
    let key = fixture("root.der");
    let accepted = refuses_flips(&image, 0..image.len(), &key, &CHECKSUM_FIELD);
    assert_eq!(accepted, 32);
}

// The image itself is the same below: only the certificate table is flipped.

#[test]
fn refuses_every_flip_in_a_chain_through_an_intermediate() {
    let (root, intermediate) = (Cert::ca(1, 1), Cert::ca(2, 1));
    let image = Forge::new(&Cert::leaf(3, 2))
        .carrying(&[&intermediate])
        .build();
    let accepted = refuses_flips(&image, LEN..image.len(), &root.der(), &(0..0));
    assert_eq!(accepted, 0);
}

#[test]
fn flips_in_a_certificate_outside_the_chain_are_harmless() {
    let (root, stranger) = (Cert::ca(1, 1), Cert::ca(9, 9));
    let image = Forge::new(&Cert::leaf(3, 1)).carrying(&[&stranger]).build();
    let unused = find(&image, &stranger.der());
    let accepted = refuses_flips(&image, unused.clone(), &root.der(), &unused);
    assert!(accepted > 0);
}

#[test]
fn flips_in_unauthenticated_attributes_are_harmless() {
    let mut forge = Forge::new(&Cert::leaf(3, 1));
    forge.unauthenticated = explicit(1, &attribute("1.2.3.4", &[vec![4, 2, 6, 7]]));
    let image = forge.build();
    let ignored = find(&image, &forge.unauthenticated);
    let contents = ignored.start + 2..ignored.end;
    let accepted = refuses_flips(&image, LEN..image.len(), &Cert::ca(1, 1).der(), &contents);
    assert!(accepted > 0);
}

#[test]
fn refuses_every_truncation_of_a_signed_image() {
    for (image, key) in [
        ("sbsign-rsa2048.efi", "root.der"),
        ("sbsign-twice.efi", "root.der"),
        ("osslsigncode-p384.efi", "p384.der"),
    ] {
        let (image, key) = (fixture(image), fixture(key));
        let trust = Trust::new().add_keys(&key).expect("fixture");
        assert!(verify_image(&image, &trust).is_ok());
        for len in 0..image.len() {
            assert!(verify_image(&image[..len], &trust).is_err(), "{len}");
        }
    }
}

/// The small image signed by key 2 under the anchor, key 1, and two initrds.
fn handover() -> Vec<u8> {
    let image = Forge::new(&Cert::leaf(2, 1)).build();
    let digest = {
        let key = Cert::ca(1, 1).der();
        let trust = Trust::new().add_keys(&key).expect("well-formed");
        verify_image(&image, &trust).expect("accepted").digest()
    };
    let initrds = [&b"first initrd"[..], b"second"];
    let mut records = vec![(RecordKind::Kernel, &image[..], digest)];
    for initrd in initrds {
        let digest = HashAlgorithm::Sha256.hash([initrd]);
        records.push((
            RecordKind::Initrd,
            initrd,
            digest.as_bytes().try_into().expect("32"),
        ));
    }
    let table: Vec<_> = records
        .iter()
        .map(|(kind, bytes, digest)| (*kind, bytes.len() as u64, *digest))
        .collect();
    let layout = Layout::plan(&table, 0).expect("fits");
    let mut blob = vec![0; usize::try_from(layout.total_len()).expect("small")];
    blob[..4096].copy_from_slice(&layout.header_page());
    for (index, (_, bytes, _)) in records.iter().enumerate() {
        let at = usize::try_from(layout.offset(index).expect("there")).expect("small");
        blob[at..at + bytes.len()].copy_from_slice(bytes);
    }
    blob
}

#[test]
fn accepts_the_handover_that_the_others_here_depart_from() {
    let (blob, key) = (handover(), Cert::ca(1, 1).der());
    let trust = Trust::new().add_keys(&key).expect("well-formed");
    let decision = decide(&blob, b"quiet", Machine::SECURE, &trust).expect("accepted");
    assert!(!decision.crash);
    assert_eq!(decision.kernel.bytes().len(), LEN);
    let range = decision.initrd_range.expect("two");
    assert!(blob[range].starts_with(b"first initrd\0"));
    let [first, _] = decision.initrds[..] else {
        panic!("there are two");
    };
    assert!(first.starts_with(b"first initrd"));
}

#[test]
fn refuses_every_flip_in_a_handovers_header_page() {
    let (blob, key) = (handover(), Cert::ca(1, 1).der());
    let trust = Trust::new().add_keys(&key).expect("well-formed");
    let accepted = accepted_flips(&blob, 0..4096, |flipped| {
        decide(flipped, b"", Machine::SECURE, &trust).is_ok()
    });
    assert_eq!(accepted, []);
}

#[test]
fn refuses_every_flip_in_a_handovers_initrds_and_padding() {
    let (blob, key) = (handover(), Cert::ca(1, 1).der());
    let trust = Trust::new().add_keys(&key).expect("well-formed");
    let kernel_end = decide(&blob, b"", Machine::SECURE, &trust)
        .expect("accepted")
        .initrd_range
        .expect("two")
        .start;
    let padded = kernel_end - 64..blob.len();
    let accepted = accepted_flips(&blob, padded, |flipped| {
        decide(flipped, b"", Machine::SECURE, &trust).is_ok()
    });
    assert_eq!(accepted, []);
}

#[test]
fn refuses_every_truncation_of_a_handover() {
    let (blob, key) = (handover(), Cert::ca(1, 1).der());
    let trust = Trust::new().add_keys(&key).expect("well-formed");
    for len in 0..blob.len() {
        let refusal = decide(&blob[..len], b"", Machine::SECURE, &trust)
            .map(|_| ())
            .unwrap_err();
        assert_eq!(refusal.reason.code(), "handover-truncated", "{len}");
    }
}
