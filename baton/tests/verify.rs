//! `baton verify` beyond single signatures: what lies beside an image, and handovers.

mod common;

use baton_formats::handover::{Kind, Layout};
use baton_formats::pe::Pe;
use baton_verify::HashAlgorithm;
use common::{Folder, Owner, Said, baton, kernel_image, owners, put, sign};
use std::path::{Path, PathBuf};

fn verify(image: &Path, owner: &Owner) -> Said {
    baton(&[&"verify", &"--json", &"--cert", &owner.cert, &image])
}

fn sign_beside(image: &Path, owner: &Owner) {
    let said = baton(&[
        &"sign",
        &"--as",
        &"detached",
        &"--key",
        &owner.key,
        &"--cert",
        &owner.cert,
        &image,
    ]);
    assert_eq!(said.code, 0, "{}", said.err);
}

/// A handover with nothing but a kernel.
fn handover(folder: &Folder, kernel: &[u8]) -> PathBuf {
    let pe = Pe::parse(kernel).unwrap();
    let digest = HashAlgorithm::Sha256.hash(pe.digest_parts());
    let digest = digest.as_bytes().try_into().unwrap();
    let layout = Layout::plan(&[(Kind::Kernel, kernel.len() as u64, digest)], 0).unwrap();
    let mut blob = vec![0; usize::try_from(layout.total_len()).unwrap()];
    put(&mut blob, 0, &layout.header_page());
    put(
        &mut blob,
        usize::try_from(layout.offset(0).unwrap()).unwrap(),
        kernel,
    );
    folder.write("saved.handover", blob)
}

#[test]
fn says_in_which_way_an_image_is_vouched_for() {
    let folder = Folder::new();
    let owner = &owners().rsa;
    let image = folder.write("image", kernel_image(0x3000));
    sign_beside(&image, owner);
    let json = verify(&image, owner).json();
    assert_eq!(json["accepted"], true);
    assert_eq!(json["way"], "detached");
    assert_eq!(json["signatures"], 1);
    assert_eq!(json["signed_by"]["subject"], "RSA owner");
    let said = baton(&[&"verify", &"--cert", &owner.cert, &image]);
    assert!(
        said.out.contains("by:        detached signature"),
        "{}",
        said.out
    );
}

#[test]
fn a_signature_that_is_not_needed_must_be_right_too_and_is_named() {
    let folder = Folder::new();
    let o = owners();
    let image = folder.write("image", kernel_image(0x3000));
    sign(&image, &o.rsa);
    assert_eq!(verify(&image, &o.rsa).code, 0);
    sign_beside(&image, &o.p256);
    let said = verify(&image, &o.rsa);
    assert_eq!(said.code, 3, "as the gate has it");
    let message = said.json()["error"]["message"].to_string();
    assert!(
        message.contains("image.p7s refused: signed by"),
        "{message}"
    );
}

#[test]
fn a_signature_beside_that_is_no_signature_is_named() {
    let folder = Folder::new();
    let owner = &owners().rsa;
    let image = folder.write("image", kernel_image(0x3000));
    folder.write("image.p7s", std::fs::read(&owner.cert).unwrap());
    let said = verify(&image, owner);
    assert_eq!(said.code, 1);
    let message = said.json()["error"]["message"].to_string();
    assert!(
        message.contains("image.p7s") && message.contains("CERTIFICATE"),
        "{message}"
    );
}

#[test]
fn a_handover_is_judged_as_the_gate_judges_it() {
    let folder = Folder::new();
    let owner = &owners().rsa;
    let kernel = folder.write("kernel", kernel_image(0x3000));
    sign(&kernel, owner);
    let kernel = std::fs::read(kernel).unwrap();
    let saved = handover(&folder, &kernel);
    let said = verify(&saved, owner);
    assert_eq!(said.code, 0, "{}", said.out);
    assert_eq!(said.json()["way"], "authenticode");

    let long = "x".repeat(3000);
    let said = baton(&[
        &"verify",
        &saved,
        &"--json",
        &"--cert",
        &owner.cert,
        &"--cmdline",
        &long,
    ]);
    assert_eq!(said.json()["error"]["reason"], "command-line-too-long");

    let mut blob = std::fs::read(&saved).unwrap();
    let middle = 4096 + kernel.len() / 2;
    blob[middle] ^= 1;
    std::fs::write(&saved, blob).unwrap();
    let said = verify(&saved, owner);
    assert_eq!(said.code, 3);
    let message = said.json()["error"]["message"].to_string();
    assert!(
        message.contains("saved.handover: kernel refused"),
        "{message}"
    );
}
