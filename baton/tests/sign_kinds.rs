//! `baton sign` beyond Authenticode: appended, note and detached signatures, against `baton verify`
//! and openssl.

mod common;

use baton_formats::module_signature::{self, trailer};
use common::signing::*;
use common::{Owner, WriteFile, baton, kernel_image, owners, temp_dir, tool};
use std::ffi::OsStr;
use std::path::Path;

mod detached {
    use super::*;

    #[test]
    fn openssl_accepts_what_we_sign_with_every_key_and_hash() {
        let directory = temp_dir();
        let o = owners();
        for owner in [&o.rsa, &o.p256, &o.p384] {
            for hash in HASHES {
                let file = directory.write("initrd", b"070701 an archive\n");
                signed(owner, &["--hash", hash, "--replace"], &[&file]);
                let signature = directory.path().join("initrd.p7s");
                let what = format!("{} {hash}", owner.name);
                assert!(openssl_accepts(&signature, &file, owner), "{what}");
                assert_eq!(kind_of(&file, owner).as_deref(), Ok("detached"), "{what}");
                flip(&file, 3);
                assert!(!openssl_accepts(&signature, &file, owner), "{what}");
                assert_eq!(kind_of(&file, owner), Err(3), "{what}");
            }
        }
    }

    #[test]
    fn we_accept_what_openssl_signs() {
        let directory = temp_dir();
        let o = owners();
        let file = directory.write("initrd", b"\x1f\x8b\x08 compressed");
        let signature = directory.path().join("initrd.p7s");
        for owner in [&o.rsa, &o.p256, &o.p384] {
            for options in [
                &[][..],
                &["-noattr", "-nocerts"],
                &["-md", "sha512", "-keyid"],
            ] {
                openssl_signs(&file, owner, options, &signature);
                assert_eq!(
                    kind_of(&file, owner).as_deref(),
                    Ok("detached"),
                    "{options:?}"
                );
            }
        }
    }

    #[test]
    fn a_signature_in_pem_says_the_same() {
        let directory = temp_dir();
        let owner = &owners().rsa;
        let file = directory.write("initrd", b"\x1f\x8b\x08 compressed");
        let (der, pem) = (
            directory.path().join("other"),
            directory.path().join("initrd.p7s"),
        );
        signed(owner, &[], &[&file, &der]);
        signed(owner, &["--format", "pem"], &[&file]);
        let text = std::fs::read_to_string(&pem).unwrap();
        assert!(text.starts_with("-----BEGIN CMS-----\n"), "{text}");
        assert_eq!(kind_of(&file, owner).as_deref(), Ok("detached"));
        let back = directory.path().join("back");
        let convert: [&dyn AsRef<OsStr>; 8] = [
            &"cms",
            &"-cmsout",
            &"-in",
            &pem,
            &"-inform",
            &"PEM",
            &"-outform",
            &"DER",
        ];
        let mut args = convert.to_vec();
        args.extend::<[&dyn AsRef<OsStr>; 2]>([&"-out", &back]);
        assert_eq!(tool("openssl", &args).code, 0);
        assert_eq!(std::fs::read(back).unwrap(), std::fs::read(der).unwrap());
    }

    #[test]
    fn the_same_input_gives_the_same_bytes() {
        let directory = temp_dir();
        let o = owners();
        let file = directory.write("file", b"070701 content");
        for owner in [&o.rsa, &o.p256] {
            let out = [directory.path().join("one"), directory.path().join("two")];
            for out in &out {
                signed(owner, &["--replace"], &[&file, out]);
            }
            let [one, two] = out.map(|path| std::fs::read(path).unwrap());
            assert_eq!(one, two);
        }
    }

    #[test]
    fn a_signature_that_is_there_is_replaced_only_when_told() {
        let directory = temp_dir();
        let owner = &owners().rsa;
        let file = directory.write("file", b"070701 content");
        let signature = directory.write("file.p7s", b"something else");
        refused(owner, &[], &[&file], "--replace");
        assert_eq!(std::fs::read(&signature).unwrap(), b"something else");
        signed(owner, &["--replace"], &[&file]);
        assert_eq!(kind_of(&file, owner).as_deref(), Ok("detached"));
    }

    #[test]
    fn a_signature_of_another_file_is_refused() {
        let directory = temp_dir();
        let owner = &owners().rsa;
        let (one, two) = (
            directory.write("one", b"070701 one"),
            directory.write("two", b"070701 two"),
        );
        signed(owner, &[], &[&one, &directory.path().join("two.p7s")]);
        assert_eq!(kind_of(&two, owner), Err(3));
        assert_eq!(
            kind_of(&one, owner),
            Err(3),
            "without one it is just a file"
        );
    }
}

mod appended {
    use super::*;

    /// What scripts/sign-file does with openssl's library.
    fn sign_file(file: &Path, owner: &Owner, hash: &str) -> Vec<u8> {
        let signature = file.with_extension("cms");
        let options = ["-noattr", "-nocerts", "-nosmimecap", "-md", hash];
        openssl_signs(file, owner, &options, &signature);
        let signature = std::fs::read(signature).unwrap();
        let length = u32::try_from(signature.len()).unwrap();
        let data = std::fs::read(file).unwrap();
        [&data[..], &signature, &trailer(length)].concat()
    }

    #[test]
    fn is_byte_by_byte_what_the_kernels_sign_file_makes() {
        let directory = temp_dir();
        let owner = &owners().rsa;
        for hash in HASHES {
            let file = directory.write("vmlinux", elf(&ROOMY));
            let theirs = sign_file(&file, owner, hash);
            signed(owner, &["--hash", hash], &[&file]);
            assert_eq!(std::fs::read(&file).unwrap(), theirs, "{hash}");
        }
    }

    #[test]
    fn is_accepted_by_us_and_by_openssl_with_every_key() {
        let directory = temp_dir();
        let o = owners();
        for owner in [&o.rsa, &o.p256, &o.p384] {
            let file = directory.write("vmlinux", elf(&ROOMY));
            signed(owner, &[], &[&file]);
            assert_eq!(kind_of(&file, owner).as_deref(), Ok("appended"));
            let bytes = std::fs::read(&file).unwrap();
            let parts = module_signature::split(&bytes).unwrap().unwrap();
            assert_eq!(parts.data, elf(&ROOMY));
            let signature = directory.write("signature", parts.signature);
            let content = directory.write("content", parts.data);
            assert!(openssl_accepts(&signature, &content, owner));
        }
    }

    #[test]
    fn what_sign_file_made_is_accepted_and_refused_when_altered() {
        let directory = temp_dir();
        let owner = &owners().p384;
        let bare = directory.write("bare", elf(&ROOMY));
        let file = directory.write("vmlinux", sign_file(&bare, owner, "sha256"));
        assert_eq!(kind_of(&file, owner).as_deref(), Ok("appended"));
        flip(&file, 0x210);
        assert_eq!(kind_of(&file, owner), Err(3));
    }

    #[test]
    fn carries_the_certificate_of_a_signer_that_another_vouches_for() {
        let directory = temp_dir();
        let o = owners();
        let file = directory.write("vmlinux", elf(&ROOMY));
        signed(&o.leaf, &[], &[&file]);
        assert_eq!(
            kind_of(&file, &o.rsa).as_deref(),
            Ok("appended"),
            "by the CA"
        );
        assert_eq!(kind_of(&file, &o.p256), Err(3));
    }

    #[test]
    fn without_its_certificate_the_signer_must_be_trusted_and_is_named() {
        let directory = temp_dir();
        let o = owners();
        let file = directory.write("vmlinux", elf(&ROOMY));
        signed(&o.rsa, &[], &[&file]);
        let said = baton(&[
            &"verify",
            &"--signature-only",
            &"--cert",
            &o.p256.cert,
            &file,
        ]);
        assert_eq!(said.code, 3);
        let named = said
            .err
            .contains("issued by \"RSA owner\", which is neither in the signature");
        assert!(
            named && said.err.contains("--cert: \"P-256 owner\""),
            "{}",
            said.err
        );
    }

    #[test]
    fn is_replaced_only_when_told_and_there_is_never_a_second() {
        let directory = temp_dir();
        let o = owners();
        let file = directory.write("vmlinux", elf(&ROOMY));
        signed(&o.rsa, &[], &[&file]);
        refused(&o.p256, &[], &[&file], "--replace");
        refused(
            &o.p256,
            &["--append"],
            &[&file],
            "--append is for Authenticode",
        );
        signed(&o.p256, &["--replace"], &[&file]);
        assert_eq!(kind_of(&file, &o.p256).as_deref(), Ok("appended"));
        assert_eq!(kind_of(&file, &o.rsa), Err(3));
        let once = directory.write("once", elf(&ROOMY));
        signed(&o.p256, &[], &[&once]);
        assert_eq!(std::fs::read(once).unwrap(), std::fs::read(file).unwrap());
    }

    #[test]
    fn and_authenticode_exclude_each_other() {
        let directory = temp_dir();
        let owner = &owners().rsa;
        let image = directory.write("image", kernel_image(0x3000));
        signed(owner, &[], &[&image]);
        refused(owner, &["--as", "appended"], &[&image], "Authenticode");
        let image = directory.write("image", kernel_image(0x3000));
        signed(owner, &["--as", "appended"], &[&image]);
        assert_eq!(kind_of(&image, owner).as_deref(), Ok("appended"));
        refused(owner, &["--as", "authenticode"], &[&image], "appended");
        signed(owner, &["--as", "authenticode", "--replace"], &[&image]);
        assert_eq!(kind_of(&image, owner).as_deref(), Ok("authenticode"));
    }

    #[test]
    fn of_a_file_that_could_be_part_of_a_signature_is_not_made() {
        let directory = temp_dir();
        // The first byte of a SET, as of signed attributes.
        let file = directory.write("file", b"1 begins so");
        refused(
            &owners().rsa,
            &["--as", "appended"],
            &[&file],
            "not be accepted",
        );
    }
}

#[test]
fn what_a_file_gets_depends_on_its_format() {
    let directory = temp_dir();
    let owner = &owners().rsa;
    for (bytes, kind) in [
        (kernel_image(0x3000), "authenticode"),
        (elf(&ROOMY), "appended"),
        (b"070701 an initrd".to_vec(), "detached"),
    ] {
        let file = directory.write("file", bytes);
        signed(owner, &[], &[&file]);
        assert_eq!(kind_of(&file, owner).as_deref(), Ok(kind));
    }
}

#[test]
fn authenticode_takes_every_hash() {
    let directory = temp_dir();
    let o = owners();
    for owner in [&o.rsa, &o.p256, &o.p384] {
        for hash in HASHES {
            let image = directory.write("image", kernel_image(0x3000));
            signed(owner, &["--hash", hash], &[&image]);
            assert_eq!(kind_of(&image, owner).as_deref(), Ok("authenticode"));
            let theirs = tool(
                "osslsigncode",
                &[&"verify", &"-CAfile", &owner.cert, &"-in", &image],
            );
            assert!(
                theirs.out.contains("Signature verification: ok"),
                "{} {hash}: {}{}",
                owner.name,
                theirs.out,
                theirs.err
            );
        }
    }
}

#[test]
fn pem_is_for_detached_signatures() {
    let directory = temp_dir();
    let image = directory.write("image", kernel_image(0x3000));
    refused(
        &owners().rsa,
        &["--format", "pem"],
        &[&image],
        "--as detached",
    );
}

#[test]
fn the_wrong_key_signs_nothing_of_any_kind() {
    let directory = temp_dir();
    let o = owners();
    let file = directory.write("vmlinux", elf(&ROOMY));
    for kind in ["appended", "note", "detached"] {
        let said = baton(&[
            &"sign",
            &"--as",
            &kind,
            &"--key",
            &o.rsa.key,
            &"--cert",
            &o.p256.cert,
            &file,
        ]);
        assert_eq!(said.code, 2);
        assert!(said.err.contains("isn't the certificate's"), "{}", said.err);
    }
    assert_eq!(std::fs::read(&file).unwrap(), elf(&ROOMY));
    assert!(!directory.path().join("vmlinux.p7s").exists());
}

mod what_a_signature_counts_for {
    use super::*;

    /// Neither PE nor ELF: a multiboot2 header whose tags say where it goes and begins.
    fn multiboot2() -> Vec<u8> {
        let tags: [u32; 12] = [2, 24, 0x10_0000, 0x10_0000, 0, 0, 3, 12, 0x10_0040, 0, 0, 8];
        let head: [u32; 3] = [0xe852_50d6, 0, 16 + 48];
        let checksum = 0_u32.wrapping_sub(head[0].wrapping_add(head[2]));
        let words = head.into_iter().chain([checksum]).chain(tags);
        let mut file: Vec<u8> = words.flat_map(u32::to_le_bytes).collect();
        file.resize(0x100, 0x90);
        file
    }

    fn legacy() -> Vec<u8> {
        let mut image = kernel_image(0x3000);
        image[..2].fill(0);
        image
    }

    #[test]
    fn a_kernel_that_only_a_manifest_vouches_for_gets_no_signature_of_its_own() {
        let directory = temp_dir();
        let owner = &owners().rsa;
        for kernel in [multiboot2(), legacy()] {
            let file = directory.write("kernel", kernel);
            for options in [&[][..], &["--as", "detached"], &["--as", "appended"]] {
                refused(owner, options, &[&file], "baton manifest");
            }
            assert!(!directory.path().join("kernel.p7s").exists());
        }
    }

    #[test]
    fn such_a_kernel_is_refused_though_it_is_signed_and_accepted_once_it_is_listed() {
        let directory = temp_dir();
        let owner = &owners().rsa;
        let file = directory.write("kernel", multiboot2());
        openssl_signs(&file, owner, &[], &directory.path().join("kernel.p7s"));
        let said = baton(&[&"verify", &"--json", &"--cert", &owner.cert, &file]);
        assert_eq!(said.json()["error"]["reason"], "only-by-manifest");
        let manifest = directory.path().join("its.manifest");
        let said = baton(&[&"manifest", &"--kernel", &file, &manifest]);
        assert_eq!(said.code, 0, "{}", said.err);
        signed(owner, &[], &[&manifest]);
        let said = baton(&[
            &"verify",
            &"--json",
            &"--cert",
            &owner.cert,
            &file,
            &"--manifest",
            &manifest,
        ]);
        assert_eq!(said.json()["signature_kind"], "manifest", "{}", said.out);
    }

    #[test]
    fn what_is_of_no_kind_counts_only_where_it_is_listed_and_is_told_so() {
        let directory = temp_dir();
        let owner = &owners().rsa;
        let file = directory.write("text", b"Dear administrator");
        let said = sign(owner, &[], &[&file]);
        assert_eq!(said.code, 0, "{}", said.err);
        assert!(
            said.err.contains("only if a manifest lists it"),
            "{}",
            said.err
        );
        let said = baton(&[&"verify", &"--cert", &owner.cert, &file]);
        assert!(said.out.contains("as:        data"), "{}", said.out);
        let initrd = directory.write("initrd", b"070701 an archive");
        assert_eq!(sign(owner, &[], &[&initrd]).err, "");
        let said = baton(&[&"verify", &"--cert", &owner.cert, &initrd]);
        assert!(said.out.contains("as:        initrd"), "{}", said.out);
    }
}
