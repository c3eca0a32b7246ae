//! Revocation reaches what is started together with a kernel or lies within an image.
#![allow(missing_docs)]

use baton_samples::build::{Build, authenticode, authority, line, manifest, sha256, signer};
use baton_samples::forge::Forge;
use baton_samples::other_formats::{flat_multiboot2, pe_image, pvh};
use baton_samples::small_image::{LEN, small_image, with_sbat};
use baton_samples::{SHA256, signature_list};
use baton_verify::{Component, Lists, Machine, Refusal, Trust, decide};

const LEVEL: &[u8] = b"sbat,1,2025051000\nlinux,7\n";
const OLD: &[u8] = b"sbat,1,SBAT Version,sbat,1,-\nlinux,6,Vendor,package,1,-\n";

fn judge(build: &Build, lists: &Lists<'_>) -> Result<(), Refusal> {
    let keys = authority();
    let trust = Trust::of(&Lists {
        keys: &keys,
        ..*lists
    })?;
    decide(&build.blob(), b"", Machine::SECURE, &trust).map(|_| ())
}

/// The verdict where this digest is revoked.
fn with_revoked(build: &Build, digest: [u8; 32]) -> Result<(), (Component, &'static str)> {
    let list = signature_list(&SHA256, &[&[7; 32], &digest]);
    let lists = Lists {
        mok_revocations: &list,
        ..Lists::default()
    };
    judge(build, &lists).map_err(|refusal| (refusal.component, refusal.reason.code()))
}

/// The verdict at a level that asks for a newer `linux`.
fn at_level(build: &Build) -> Result<(), (Component, &'static str)> {
    let lists = Lists {
        sbat_level: Some(LEVEL),
        ..Lists::default()
    };
    judge(build, &lists).map_err(|refusal| (refusal.component, refusal.reason.code()))
}

fn signed(image: Vec<u8>) -> Vec<u8> {
    Forge::of(image, &signer()).build()
}

mod modules {
    use super::*;

    /// A kernel that isn't Linux, and its modules.
    fn other_kernel(kernel: &[u8], modules: &[&[u8]]) -> Build {
        let mut lines = vec![line("kernel", kernel)];
        let mut build = Build::kernel(kernel, sha256(kernel));
        for module in modules {
            lines.push(line("initrd", module));
            build = build.initrd(module);
        }
        build.signed_manifest(&manifest(&lines))
    }

    #[test]
    fn are_refused_by_any_digest_that_they_are_known_by() {
        let module = signed(small_image());
        for kernel in [flat_multiboot2(), pvh()] {
            let build = other_kernel(&kernel, &[b"first", &module]);
            for digest in [authenticode(&module), sha256(&module)] {
                let refused = Err((Component::Initrd(1), "revoked-image"));
                assert_eq!(with_revoked(&build, digest), refused);
            }
            assert_eq!(with_revoked(&build, [9; 32]), Ok(()));
        }
    }

    #[test]
    fn in_a_uki_are_refused_alike() {
        let module = signed(small_image());
        let uki = pe_image(&[(".linux", &pvh()), (".initrd", &module)]);
        let build = other_kernel(&uki, &[]);
        for digest in [authenticode(&module), sha256(&module)] {
            let refused = Err((Component::Kernel, "revoked-image"));
            assert_eq!(with_revoked(&build, digest), refused);
        }
        assert_eq!(with_revoked(&build, [9; 32]), Ok(()));
    }

    #[test]
    fn are_refused_by_their_generation() {
        let module = signed(with_sbat(&[OLD]));
        let build = other_kernel(&flat_multiboot2(), &[b"first", &module]);
        let refused = Err((Component::Initrd(1), "revoked-by-sbat"));
        assert_eq!(at_level(&build), refused);
        assert_eq!(judge(&build, &Lists::default()), Ok(()));
    }

    #[test]
    fn that_begin_as_pe_images_must_be_such() {
        let build = other_kernel(&flat_multiboot2(), &[b"MZ and no more"]);
        let refused = Err((Component::Initrd(0), "bad-image"));
        assert_eq!(with_revoked(&build, [9; 32]), refused);
        // To Linux it is an initrd, whatever is in it.
        let build = Build::signed().initrd(b"MZ and no more");
        assert_eq!(with_revoked(&build, [9; 32]), Ok(()));
    }
}

mod kernels_in_ukis {
    use super::*;

    fn uki(linux: &[u8]) -> Build {
        let image = signed(pe_image(&[(".linux", linux)]));
        Build::kernel(&image, authenticode(&image))
    }

    /// As a section of a multiple of this length has it.
    fn padded(mut kernel: Vec<u8>) -> Vec<u8> {
        kernel.resize(kernel.len().next_multiple_of(0x1000), 0);
        kernel
    }

    #[test]
    fn are_refused_by_the_digests_of_the_kernel_without_the_padding_after_it() {
        for kernel in [small_image(), signed(small_image())] {
            for uki in [uki(&kernel), uki(&padded(kernel.clone()))] {
                for digest in [authenticode(&kernel), sha256(&kernel)] {
                    let refused = Err((Component::Kernel, "revoked-image"));
                    assert_eq!(with_revoked(&uki, digest), refused);
                }
                assert_eq!(with_revoked(&uki, [9; 32]), Ok(()));
            }
        }
    }

    #[test]
    fn are_refused_by_the_digests_of_all_of_the_section_too() {
        let section = padded(small_image());
        for digest in [authenticode(&section), sha256(&section)] {
            let refused = Err((Component::Kernel, "revoked-image"));
            assert_eq!(with_revoked(&uki(&section), digest), refused);
        }
    }

    #[test]
    fn are_refused_by_their_generation_with_padding_too() {
        let kernel = signed(with_sbat(&[OLD]));
        let refused = Err((Component::Kernel, "revoked-by-sbat"));
        assert_eq!(at_level(&uki(&kernel)), refused);
        assert_eq!(at_level(&uki(&padded(kernel))), refused);
    }

    #[test]
    fn that_begin_as_pe_images_must_be_such() {
        let refused = Err((Component::Kernel, "bad-image"));
        let mut no_pe = small_image();
        no_pe[0x40] = b'Q';
        assert_eq!(with_revoked(&uki(&no_pe), [9; 32]), refused);
        // What follows the signatures isn't zeros alone.
        let mut with_more = signed(small_image());
        with_more.extend([0, 0, 1, 0, 0, 0, 0, 0]);
        assert_eq!(with_revoked(&uki(&with_more), [9; 32]), refused);
        // The signatures reach beyond the section.
        let mut cut = signed(small_image());
        cut.truncate(LEN + 8);
        assert_eq!(with_revoked(&uki(&cut), [9; 32]), refused);
    }

    #[test]
    fn that_begin_otherwise_have_no_metadata() {
        let mut kernel = small_image();
        kernel[..2].fill(0);
        let image = signed(pe_image(&[(".linux", &kernel)]));
        // It needs a manifest, and gets as far as that.
        let build = Build::kernel(&image, authenticode(&image));
        let refused = Err((Component::Kernel, "only-by-manifest"));
        assert_eq!(at_level(&build), refused);
    }
}

/// Firmware makers list it where they have nothing to list.
#[test]
fn the_digest_of_nothing_revokes_nothing() {
    let nothing = sha256(b"");
    let uki = signed(pe_image(&[
        (".linux", &small_image()),
        (".ucode", b""),
        (".cmdline", b""),
    ]));
    let build = Build::kernel(&uki, authenticode(&uki));
    assert_eq!(with_revoked(&build, nothing), Ok(()));
}
