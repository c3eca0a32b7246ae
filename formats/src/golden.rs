//! Golden files: `tests/golden` holds what the samples build, so that a change of a layout shows
//! as a change of a file, and so that other crates and tools have inputs. `fuzz/corpus` holds the
//! seeds likewise.
//!
//! After an intended change: `BATON_BLESS=1 cargo test -p baton-formats golden`.

use crate::samples;
use std::path::{Path, PathBuf};

fn check(name: &str, built: &[u8]) {
    check_file(Path::new("tests/golden").join(name), built);
}

/// Compares the file at a path from the repository's root with what is built now.
fn check_file(path: PathBuf, built: &[u8]) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(path);
    if std::env::var_os("BATON_BLESS").is_some() {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, built).unwrap();
    }
    let kept = std::fs::read(&path).unwrap_or_default();
    assert!(
        kept == built,
        "{} differs from what is built now; if that is intended: \
         BATON_BLESS=1 cargo test -p baton-formats golden",
        path.display()
    );
}

#[test]
fn fuzz_seeds_are_as_built() {
    for (target, name, bytes) in crate::seeds::all() {
        let directory = Path::new("fuzz/corpus").join(target);
        check_file(directory.join(name), &bytes);
    }
}

#[test]
fn an_unsigned_hybrid_is_as_its_golden_file() {
    check("hybrid.efi", &samples::hybrid());
}

#[test]
fn a_signed_hybrid_is_as_its_golden_file() {
    check("hybrid-signed.efi", &samples::signed_hybrid());
}

#[test]
fn a_handover_is_as_its_golden_file() {
    check("handover.bin", &samples::handover());
    check("handover-signed.bin", &samples::signed_handover());
}

#[test]
fn an_elf_kernel_is_as_its_golden_file() {
    check("kernel.elf", &samples::elf::kernel());
}

#[test]
fn a_file_with_an_appended_signature_is_as_its_golden_file() {
    check("appended.bin", &samples::appended());
}

#[test]
fn a_uki_and_an_addon_are_as_their_golden_files() {
    check("uki.efi", &samples::uki::uki());
    check("addon.efi", &samples::uki::addon());
}

#[test]
fn a_manifest_is_as_its_golden_file() {
    check("manifest.txt", samples::manifest().as_bytes());
}

#[test]
fn a_verdict_is_as_its_golden_file() {
    check("verdict.bin", &samples::verdict());
}

#[test]
fn a_multiboot2_kernel_is_as_its_golden_file() {
    check("multiboot2.bin", &samples::multiboot2::kernel());
}

#[test]
fn a_gate_info_block_is_as_its_golden_file() {
    check("gate-info.bin", &samples::gate_info().to_bytes());
}

#[test]
fn a_policy_is_as_its_golden_file() {
    check("policy.bin", &baton_samples::policy::every_part());
}

#[test]
fn signature_lists_are_as_their_golden_file() {
    check("signature-lists.esl", &samples::signature_lists());
}

#[test]
fn a_mok_table_is_as_its_golden_file() {
    check("mok-table.bin", &samples::mok_table());
}

#[test]
fn boot_params_are_as_their_golden_file() {
    check("boot-params.bin", &samples::boot_params());
}
