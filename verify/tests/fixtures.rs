//! Images signed by the tools that people sign with (see `fixtures/regenerate`).

#![allow(missing_docs)]

use baton_samples::fixture;
use baton_verify::{
    AnchorSource, HashAlgorithm, Reason, RevocationSource, Trust, Verified, verify_image,
};

fn trust(keys: &[u8]) -> Trust<'_> {
    Trust::new().add_keys(keys).expect("fixture")
}

fn judge<'a>(image: &'a [u8], key: &str) -> Result<Verified<'a>, Reason> {
    verify_image(image, &trust(&fixture(key)))
}

fn accepts(image: &str, key: &str) -> String {
    let image = fixture(image);
    let verified = judge(&image, key).unwrap_or_else(|reason| panic!("{reason}"));
    assert_eq!(verified.bytes(), &image[..verified.bytes().len()]);
    verified.signer().to_string()
}

fn refusal(image: &str, key: &str) -> Reason {
    judge(&fixture(image), key).map(|_| ()).unwrap_err()
}

#[test]
fn accepts_what_sbsign_makes_with_rsa_2048() {
    let signer = accepts("sbsign-rsa2048.efi", "root.der");
    assert!(
        signer.starts_with("\"Baton test root\" (key id "),
        "{signer}"
    );
    assert!(signer.ends_with("trusted by .keys"), "{signer}");
}

#[test]
fn accepts_what_sbsign_makes_with_p_256() {
    accepts("sbsign-p256.efi", "p256.der");
}

#[test]
fn accepts_rsa_4096_under_3072_under_2048() {
    let signer = accepts("sbsign-chain.efi", "root.der");
    assert!(
        signer.contains("vouched for by \"Baton test root\""),
        "{signer}"
    );
}

#[test]
fn accepts_any_certificate_of_the_chain_as_anchor() {
    accepts("sbsign-chain.efi", "intermediate.der");
    accepts("sbsign-chain.efi", "leaf.der");
    accepts("osslsigncode-chain.efi", "root.der");
}

#[test]
fn accepts_what_osslsigncode_makes() {
    accepts("osslsigncode-rsa2048.efi", "root.der");
    accepts("osslsigncode-p384.efi", "p384.der");
    accepts("osslsigncode-sha512.efi", "root.der");
}

#[test]
fn ignores_a_signature_nested_in_an_unauthenticated_attribute() {
    accepts("osslsigncode-nested.efi", "root.der");
    assert_eq!(
        refusal("osslsigncode-nested.efi", "other.der").code(),
        "unknown-signer"
    );
}

#[test]
fn accepts_what_pesign_makes() {
    accepts("pesign-rsa2048.efi", "root.der");
}

#[test]
fn accepts_either_of_two_signatures() {
    accepts("sbsign-twice.efi", "root.der");
    accepts("sbsign-twice.efi", "other.der");
    assert_eq!(
        refusal("sbsign-twice.efi", "p256.der").code(),
        "unknown-signer"
    );
}

#[test]
fn refuses_a_sha_1_signature() {
    assert_eq!(
        refusal("osslsigncode-sha1.efi", "root.der").code(),
        "unsupported-algorithm"
    );
}

#[test]
fn refuses_an_rsa_1024_key() {
    let reason = refusal("sbsign-rsa1024.efi", "weak.der");
    assert_eq!(reason.code(), "unusable-key");
    assert!(reason.to_string().contains("1024 bits"), "{reason}");
}

#[test]
fn refuses_an_exponent_of_3() {
    let reason = refusal("sbsign-e3.efi", "e3.der");
    assert_eq!(reason.code(), "unusable-key");
    assert!(reason.to_string().contains("exponent"), "{reason}");
}

#[test]
fn refuses_an_unknown_signer_and_names_it_and_the_keys_tried() {
    let reason = refusal("sbsign-chain.efi", "other.der");
    assert_eq!(reason.code(), "unknown-signer");
    let words = reason.to_string();
    assert!(
        words.contains("signed by \"Baton test leaf\" (key id "),
        "{words}"
    );
    assert!(
        words.contains("keys tried: .keys: \"Baton test other\" "),
        "{words}"
    );
    assert!(!words.contains('\n'));
}

#[test]
fn refuses_an_altered_image_as_altered_whoever_signed_it() {
    let mut image = fixture("sbsign-chain.efi");
    image[0x500] ^= 1;
    for key in ["root.der", "other.der"] {
        let reason = judge(&image, key).map(|_| ()).unwrap_err();
        assert_eq!(reason.code(), "digest-mismatch");
        assert!(reason.to_string().contains("altered after signing"));
    }
}

#[test]
fn refuses_a_transplanted_signature() {
    let signed = fixture("sbsign-rsa2048.efi");
    // The image as it was when the fixture was made; `attach_table` writes its directory entry anew.
    let (image, table) = signed.split_at(baton_samples::small_image::LEN);
    let mut other = image.to_vec();
    other[0x600] ^= 1;
    let transplanted = baton_samples::attach_table(&other, table);
    let reason = judge(&transplanted, "root.der").map(|_| ()).unwrap_err();
    assert_eq!(reason.code(), "digest-mismatch");
    // The same table on the image that it was made for is accepted.
    let same = baton_samples::attach_table(image, table);
    assert!(judge(&same, "root.der").is_ok());
}

#[test]
fn an_image_is_trusted_by_its_listed_digest() {
    let image = baton_samples::small_image::small_image();
    let digest = HashAlgorithm::Sha256.hash(
        baton_formats::pe::Pe::parse(&image)
            .expect("small image")
            .digest_parts(),
    );
    let list = baton_samples::signature_list(&baton_samples::SHA256, &[digest.as_bytes()]);
    let trust = Trust::new().add_mok_list(&list).expect("list");
    let verified = verify_image(&image, &trust).expect("listed");
    assert_eq!(verified.digest(), digest.as_bytes());
    assert_eq!(verified.signer().anchor_source, AnchorSource::MokListHash);
    assert_eq!(
        verify_image(&image, &Trust::new()).map(|_| ()),
        Err(Reason::Unsigned)
    );
}

#[test]
fn a_mok_certificate_is_an_anchor() {
    let key = fixture("root.der");
    let list = baton_samples::signature_list(&baton_samples::X509, &[&key]);
    let trust = Trust::new().add_mok_list(&list).expect("list");
    let image = fixture("sbsign-rsa2048.efi");
    let verified = verify_image(&image, &trust).expect("trusted");
    assert_eq!(verified.signer().anchor_source, AnchorSource::MokList);
}

#[test]
fn a_revoked_image_is_refused_whoever_signed_it() {
    let image = fixture("sbsign-rsa2048.efi");
    let digest = judge(&image, "root.der").expect("trusted").digest();
    let key = fixture("root.der");
    let list = baton_samples::signature_list(&baton_samples::SHA256, &[&digest]);
    let trust = trust(&key)
        .add_revocations(&list, RevocationSource::MokListX)
        .expect("list");
    assert_eq!(
        verify_image(&image, &trust).map(|_| ()),
        Err(Reason::RevokedImage { list: "MokListXRT" })
    );
}
