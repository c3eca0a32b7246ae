//! What is revoked is refused, whoever vouches for it and whichever list says so; and a list that
//! can't be read refuses everything.
#![allow(missing_docs)]

use baton_formats::handover::Kind;
use baton_formats::policy::Policy;
use baton_formats::siglist::{X509_SHA256_GUID, X509_SHA384_GUID, X509_SHA512_GUID};
use baton_samples::build::{Build, authenticode, line, manifest, sha256, signer};
use baton_samples::forge::{Cert, Forge};
use baton_samples::other_formats::{pe_image, vmlinux};
use baton_samples::policy::{policy, rules};
use baton_samples::small_image::{small_image, with_sbat};
use baton_samples::{SHA256, X509, signature_list};
use baton_verify::{
    Component, HashAlgorithm, Lists, Machine, Reason, Refusal, RevocationSource, SbatSource, Trust,
    TrustError, decide, sbat,
};

const LEVEL: &[u8] = b"sbat,1,2025051000\nshim,4\ngrub,5\nlinux,7\n";

/// Metadata with one component besides the format's own.
fn metadata(component: &str, generation: u32) -> Vec<u8> {
    let first = "sbat,1,SBAT Version,sbat,1,https://example.org/SBAT.md\n";
    format!("{first}{component},{generation},Vendor,package,1,https://example.org/\n").into_bytes()
}

/// A policy that accepts everything but what is below this level.
fn asking_for(level: &str) -> Vec<u8> {
    let all = rules([0x7f, 7, 5, 0], "", &[]);
    policy("", level, [&all, &all], &[])
}

fn old() -> Vec<u8> {
    metadata("linux", 6)
}

fn new() -> Vec<u8> {
    metadata("linux", 7)
}

fn authority() -> Vec<u8> {
    Cert::ca(1, 1).der()
}

/// What is decided with these lists and the authority's certificate.
fn judge(build: &Build, command_line: &[u8], lists: &Lists<'_>) -> Result<(), Refusal> {
    let keys = authority();
    let trust = Trust::of(&Lists {
        keys: &keys,
        ..*lists
    })?;
    decide(&build.blob(), command_line, Machine::SECURE, &trust).map(|_| ())
}

fn refused(build: &Build, command_line: &[u8], lists: &Lists<'_>) -> (Component, &'static str) {
    let refusal = judge(build, command_line, lists).expect_err("this must be refused");
    assert!(!refusal.to_string().contains('\n'), "{refusal}");
    (refusal.component, refusal.reason.code())
}

fn at_level(level: &[u8]) -> Lists<'_> {
    Lists {
        sbat_level: Some(level),
        ..Lists::default()
    }
}

/// The machine's list, and the gate's own: they revoke alike.
fn both(list: &[u8]) -> [Lists<'_>; 2] {
    let none = Lists::default();
    [
        Lists {
            mok_revocations: list,
            ..none
        },
        Lists {
            gate_revocations: list,
            ..none
        },
    ]
}

fn signed_image(image: Vec<u8>) -> Vec<u8> {
    Forge::of(image, &signer()).build()
}

fn kernel_of(image: &[u8]) -> Build {
    Build::kernel(image, authenticode(image))
}

/// A kernel with this `.sbat`.
fn kernel(metadata: &[u8]) -> Build {
    kernel_of(&signed_image(with_sbat(&[metadata])))
}

/// The same bytes without an Authenticode signature.
fn bare(metadata: &[u8]) -> (Vec<u8>, Build) {
    let image = with_sbat(&[metadata]);
    let build = Build::kernel(&image, sha256(&image));
    (image, build)
}

fn uki(sections: &[(&str, &[u8])]) -> Build {
    kernel_of(&signed_image(pe_image(sections)))
}

mod by_generation {
    use super::*;

    #[test]
    fn a_kernel_below_the_machines_level_is_refused() {
        let level = at_level(LEVEL);
        let expected = (Component::Kernel, "revoked-by-sbat");
        assert_eq!(refused(&kernel(&old()), b"", &level), expected);
        assert_eq!(judge(&kernel(&new()), b"", &level), Ok(()));
        assert_eq!(judge(&kernel(&old()), b"", &Lists::default()), Ok(()));
    }

    #[test]
    fn the_refusal_names_the_component_the_level_and_the_fix() {
        let refusal = judge(&kernel(&old()), b"", &at_level(LEVEL)).unwrap_err();
        assert_eq!(
            refusal.to_string(),
            "kernel refused: revoked by SBAT: its component \"linux\" is of generation 6, \
             and SbatLevelRT asks for 7 or later (install a newer image)"
        );
    }

    #[test]
    fn a_kernel_below_the_gates_own_minimum_is_refused() {
        let own = asking_for("sbat,1\nlinux,7\n");
        let minimum = Lists {
            policy: Policy::parse(&own).expect("well-formed"),
            sbat_level: Some(b"sbat,1,2025051000\nlinux,6\n"),
            ..Lists::default()
        };
        let refusal = judge(&kernel(&old()), b"", &minimum).unwrap_err();
        let expected = Reason::RevokedBySbat {
            component: "linux".into(),
            generation: 6,
            minimum: 7,
            source: SbatSource::Gate,
        };
        assert_eq!(refusal.reason, expected);
        assert!(refusal.to_string().contains("the gate's own minimum"));
        assert_eq!(judge(&kernel(&new()), b"", &minimum), Ok(()));
    }

    #[test]
    fn a_kernel_without_metadata_passes_as_it_does_with_shim() {
        let level = at_level(b"sbat,1,2025051000\nlinux,4294967295\n");
        assert_eq!(judge(&Build::signed(), b"", &level), Ok(()));
        assert_eq!(judge(&kernel(&metadata("other", 1)), b"", &level), Ok(()));
        let (elf, digest) = (vmlinux(), sha256(&vmlinux()));
        let detached = Build::kernel(&elf, digest).signature(0, &elf);
        assert_eq!(judge(&detached, b"", &level), Ok(()));
    }

    #[test]
    fn it_counts_in_whichever_way_the_kernel_is_vouched_for() {
        let level = at_level(LEVEL);
        for (metadata, accepted) in [(old(), false), (new(), true)] {
            let (image, build) = bare(&metadata);
            let detached = build.clone().signature(0, &image);
            let listed = build.signed_manifest(&manifest(&[line("kernel", &image)]));
            for build in [detached, listed] {
                let verdict = judge(&build, b"", &level);
                let codes = verdict.map_err(|refusal| refusal.reason.code());
                let expected = if accepted {
                    Ok(())
                } else {
                    Err("revoked-by-sbat")
                };
                assert_eq!(codes, expected);
            }
        }
    }

    #[test]
    fn it_counts_for_an_image_that_the_mok_list_lists_by_its_digest() {
        let image = with_sbat(&[&old()]);
        let list = signature_list(&SHA256, &[&authenticode(&image)]);
        let lists = |level| Lists {
            mok_list: &list,
            sbat_level: level,
            ..Lists::default()
        };
        let build = kernel_of(&image);
        assert_eq!(judge(&build, b"", &lists(None)), Ok(()));
        let refusal = refused(&build, b"", &lists(Some(LEVEL)));
        assert_eq!(refusal, (Component::Kernel, "revoked-by-sbat"));
    }

    /// No other signature helps against what is about the image itself.
    #[test]
    fn a_second_way_of_vouching_changes_nothing() {
        let image = signed_image(with_sbat(&[&old()]));
        let build = kernel_of(&image).signature(0, &image);
        let refusal = refused(&build, b"", &at_level(LEVEL));
        assert_eq!(refusal, (Component::Kernel, "revoked-by-sbat"));
    }

    #[test]
    fn a_uki_and_the_kernel_in_it_are_both_judged() {
        let (inside_old, plain) = (with_sbat(&[&old()]), small_image());
        let (old, new) = (old(), new());
        let build = |linux: &[u8], metadata: &[u8]| uki(&[(".linux", linux), (".sbat", metadata)]);
        let level = at_level(LEVEL);
        let revoked = (Component::Kernel, "revoked-by-sbat");
        assert_eq!(refused(&build(&plain, &old), b"", &level), revoked);
        assert_eq!(refused(&build(&inside_old, &new), b"", &level), revoked);
        assert_eq!(judge(&build(&plain, &new), b"", &level), Ok(()));
        let in_signed = signed_image(with_sbat(&[&old]));
        assert_eq!(refused(&build(&in_signed, &new), b"", &level), revoked);
    }

    #[test]
    fn an_addon_is_judged_as_an_image_of_its_own() {
        let kernel = small_image();
        let uki = uki(&[(".linux", &kernel)]);
        let addon = |metadata: &[u8]| {
            let sections = [(".cmdline", &b"quiet"[..]), (".sbat", metadata)];
            signed_image(pe_image(&sections))
        };
        let level = at_level(b"sbat,1\nuki.addon,2\n");
        let old = uki.clone().addon(&addon(&metadata("uki.addon", 1)));
        let expected = (Component::Addon(0), "revoked-by-sbat");
        assert_eq!(refused(&old, b"quiet", &level), expected);
        let new = uki.addon(&addon(&metadata("uki.addon", 2)));
        assert_eq!(judge(&new, b"quiet", &level), Ok(()));
    }

    #[test]
    fn malformed_metadata_are_refused_with_and_without_a_level() {
        let malformed: [&[u8]; 8] = [
            b"",
            b"linux,9,Vendor,package,1,url\n",
            b"sbat,1,v,sbat,1,u\nlinux,nine,v,p,1,u\n",
            b"sbat,1,v,sbat,1,u\nlinux,0,v,p,1,u\n",
            b"sbat,1,v,sbat,1,u\nlinux,9\n",
            b"sbat,1,v,sbat,1,u\n\0linux,9,v,p,1,u\n",
            b"sbat,2,v,sbat,2,u\nlinux,9,v,p,1,u\n",
            b"\x89PNG",
        ];
        let expected = (Component::Kernel, "bad-sbat");
        for metadata in malformed {
            // A section without contents isn't in the image's file; one of zeros is.
            let metadata = [metadata, b"\0"].concat();
            for lists in [at_level(LEVEL), Lists::default()] {
                assert_eq!(refused(&kernel(&metadata), b"", &lists), expected);
            }
            let refusal = judge(&kernel(&metadata), b"", &Lists::default()).unwrap_err();
            assert!(refusal.to_string().contains(".sbat"), "{refusal}");
        }
    }

    #[test]
    fn two_sections_are_refused_since_one_may_hide_the_other() {
        for sections in [[new(), old()], [old(), new()], [new(), new()]] {
            let image = signed_image(with_sbat(&[&sections[0], &sections[1]]));
            assert_eq!(sbat(&image), Err(Reason::SbatTwice));
            let refusal = refused(&kernel_of(&image), b"", &at_level(LEVEL));
            assert_eq!(refusal, (Component::Kernel, "bad-sbat"));
        }
    }

    /// Whoever isn't vouched for isn't read.
    #[test]
    fn who_signed_it_is_asked_first() {
        let (_, build) = bare(b"garbage");
        let refusal = refused(&build, b"", &at_level(LEVEL));
        assert_eq!(refusal, (Component::Kernel, "unsigned"));
    }

    /// A gate is a bzImage with `.sbat`: another gate judges it as any kernel.
    #[test]
    fn a_gate_that_was_revoked_is_refused_by_a_newer_one() {
        let gate = kernel(&metadata("baton.gate", 1));
        let machine = at_level(b"sbat,1,2026010100\nbaton.gate,2\n");
        let own = asking_for("sbat,1\nbaton.gate,2\n");
        let own = Lists {
            policy: Policy::parse(&own).expect("well-formed"),
            ..Lists::default()
        };
        for lists in [machine, own] {
            let refusal = refused(&gate, b"", &lists);
            assert_eq!(refusal, (Component::Kernel, "revoked-by-sbat"));
        }
        assert_eq!(judge(&gate, b"", &at_level(LEVEL)), Ok(()));
    }

    #[test]
    fn an_images_metadata_are_there_for_whoever_scopes_keys_by_them() {
        let image = signed_image(with_sbat(&[&new()]));
        let found = sbat(&image).unwrap().expect("it has some");
        assert_eq!(found.generation("linux"), Some(7));
        assert_eq!(sbat(&signed_image(small_image())), Ok(None));
        assert_eq!(sbat(&vmlinux()), Ok(None));
        assert!(matches!(sbat(b"MZ and no more"), Err(Reason::BadImage(_))));
    }
}

mod by_lists {
    use super::*;

    fn tbs_digest(certificate: &Cert, hash: HashAlgorithm) -> Vec<u8> {
        let tbs = certificate.tbs();
        let digest = hash.hash([&tbs[..]]);
        // Then the time of revocation, which isn't judged.
        [digest.as_bytes(), &[0; 16]].concat()
    }

    #[test]
    fn a_certificate_is_refused_by_itself_its_issuer_its_key_and_its_digests() {
        let (issuer, other_name) = (Cert::ca(1, 1), Cert::leaf(2, 9));
        let lists = [
            signature_list(&X509, &[&signer().der()]),
            signature_list(&X509, &[&issuer.der()]),
            // Another certificate with the signer's key.
            signature_list(&X509, &[&other_name.der()]),
            signature_list(
                &X509_SHA256_GUID,
                &[&tbs_digest(&signer(), HashAlgorithm::Sha256)],
            ),
            signature_list(
                &X509_SHA384_GUID,
                &[&tbs_digest(&signer(), HashAlgorithm::Sha384)],
            ),
            signature_list(
                &X509_SHA512_GUID,
                &[&tbs_digest(&issuer, HashAlgorithm::Sha512)],
            ),
        ];
        for list in &lists {
            for lists in both(list) {
                let refusal = refused(&Build::signed(), b"", &lists);
                assert_eq!(refusal, (Component::Kernel, "revoked-certificate"));
            }
        }
    }

    #[test]
    fn other_certificates_and_digests_of_other_kinds_do_no_harm() {
        let image = Forge::new(&signer()).build();
        let other_image = Forge::of(with_sbat(&[&new()]), &signer()).build();
        let of_another = [sha256(&other_image), authenticode(&other_image)];
        let sha1 = [0x26; 16];
        let lists = [
            signature_list(&X509, &[&Cert::leaf(3, 1).der()]),
            signature_list(&SHA256, &[&[7; 32], &of_another[0], &of_another[1]]),
            // A digest is of a certificate or of an image, as its list says.
            signature_list(
                &X509_SHA256_GUID,
                &[&[&authenticode(&image)[..], &[0; 16]].concat()],
            ),
            signature_list(&sha1, &[&[1; 20]]),
        ];
        for list in &lists {
            for lists in both(list) {
                assert_eq!(judge(&Build::signed(), b"", &lists), Ok(()));
            }
        }
    }

    #[test]
    fn an_image_is_refused_by_its_digest_and_by_that_of_its_file() {
        let image = Forge::new(&signer()).build();
        for digest in [authenticode(&image), sha256(&image)] {
            let list = signature_list(&SHA256, &[&[7; 32], &digest]);
            for lists in both(&list) {
                let refusal = refused(&Build::signed(), b"", &lists);
                assert_eq!(refusal, (Component::Kernel, "revoked-image"));
            }
        }
    }

    #[test]
    fn the_refusal_names_the_list_and_the_fix() {
        let image = Forge::new(&signer()).build();
        let digest = signature_list(&SHA256, &[&authenticode(&image)]);
        let certificate = signature_list(&X509, &[&signer().der()]);
        let words = |lists: &Lists<'_>| {
            let refusal = judge(&Build::signed(), b"", lists).unwrap_err();
            refusal.to_string()
        };
        for (index, list) in ["MokListXRT", ".dbx"].iter().enumerate() {
            assert_eq!(
                words(&both(&digest)[index]),
                format!("kernel refused: its digest is revoked by {list} (install a newer one)")
            );
            assert_eq!(
                words(&both(&certificate)[index]),
                format!(
                    "kernel refused: signed by \"key 2\", but \"key 2\" in its chain is revoked \
                     by {list} (install one signed with a newer key)"
                )
            );
        }
    }

    #[test]
    fn an_initrd_is_refused_by_its_digest_signed_or_not() {
        let initrd = b"070701 an initrd";
        let list = signature_list(&SHA256, &[&sha256(initrd)]);
        let plain = Build::signed().initrd(b"first").initrd(initrd);
        let signed = plain.clone().signature(2, initrd);
        let listed = Build::bare()
            .initrd(b"first")
            .initrd(initrd)
            .signed_manifest(&manifest(&[
                line("kernel", &small_image()),
                line("initrd", b"first"),
                line("initrd", initrd),
            ]));
        for build in [plain, signed, listed] {
            assert_eq!(judge(&build, b"", &Lists::default()), Ok(()));
            for lists in both(&list) {
                let refusal = refused(&build, b"", &lists);
                assert_eq!(refusal, (Component::Initrd(1), "revoked-image"));
            }
        }
    }

    #[test]
    fn a_manifest_is_refused_by_its_digest() {
        let text = manifest(&[line("kernel", &small_image())]);
        let build = Build::bare().signed_manifest(&text);
        let list = signature_list(&SHA256, &[&sha256(text.as_bytes())]);
        assert_eq!(judge(&build, b"", &Lists::default()), Ok(()));
        for lists in both(&list) {
            let refusal = refused(&build, b"", &lists);
            assert_eq!(refusal, (Component::Manifest, "revoked-image"));
        }
    }

    #[test]
    fn an_addon_is_refused_by_its_digest() {
        let kernel = small_image();
        let addon = signed_image(pe_image(&[(".cmdline", b"quiet")]));
        let build = uki(&[(".linux", &kernel)]).addon(&addon);
        let list = signature_list(&SHA256, &[&authenticode(&addon)]);
        assert_eq!(judge(&build, b"quiet", &Lists::default()), Ok(()));
        for lists in both(&list) {
            let refusal = refused(&build, b"quiet", &lists);
            assert_eq!(refusal, (Component::Addon(0), "revoked-image"));
        }
    }

    #[test]
    fn what_one_list_revokes_the_other_does_not_take_back() {
        let image = Forge::new(&signer()).build();
        let by_digest = signature_list(&SHA256, &[&authenticode(&image)]);
        let harmless = signature_list(&SHA256, &[&[1; 32]]);
        let second = [&harmless[..], &by_digest].concat();
        for (mok, gate) in [
            (&second, &harmless),
            (&harmless, &second),
            (&second, &second),
        ] {
            let lists = Lists {
                mok_revocations: mok,
                gate_revocations: gate,
                ..Lists::default()
            };
            let refusal = refused(&Build::signed(), b"", &lists);
            assert_eq!(refusal, (Component::Kernel, "revoked-image"));
        }
    }

    /// Being trusted by the gate doesn't outweigh being revoked by the machine, nor the reverse.
    #[test]
    fn a_revoked_certificate_is_no_anchor() {
        let keys = authority();
        let list = signature_list(&X509, &[&keys]);
        for lists in both(&list) {
            let both_trust = Lists {
                mok_list: &list,
                ..lists
            };
            let refusal = refused(&Build::signed(), b"", &both_trust);
            assert_eq!(refusal, (Component::Kernel, "revoked-certificate"));
        }
    }

    #[test]
    fn a_revoked_signer_signs_no_initrd_either() {
        let list = signature_list(&X509, &[&Cert::leaf(3, 1).der()]);
        let initrd = b"070701 an initrd";
        let by_other = baton_samples::forge_detached::ForgeDetached::new(initrd, &Cert::leaf(3, 1));
        let signature = by_other.build();
        let build =
            Build::signed()
                .initrd(initrd)
                .with(Kind::Signature, &signature, sha256(&signature), 1);
        assert_eq!(judge(&build, b"", &Lists::default()), Ok(()));
        for lists in both(&list) {
            let refusal = refused(&build, b"", &lists);
            assert_eq!(refusal, (Component::Initrd(0), "revoked-certificate"));
        }
    }
}

mod malformed {
    use super::*;

    fn error(lists: &Lists<'_>) -> TrustError {
        Trust::of(lists).map(|_| ()).expect_err("malformed")
    }

    #[test]
    fn lists_refuse_everything_in_the_name_of_the_list() {
        let list = signature_list(&SHA256, &[&[1; 32]]);
        for len in 1..list.len() {
            let cut = &list[..len];
            for (lists, component, code, name) in [
                (
                    Lists {
                        mok_revocations: cut,
                        ..Lists::default()
                    },
                    Component::FirmwareTables,
                    "bad-mok-revocations",
                    "MokListXRT: ",
                ),
                (
                    Lists {
                        mok_list: cut,
                        ..Lists::default()
                    },
                    Component::FirmwareTables,
                    "bad-mok-list",
                    "MokListRT: ",
                ),
                (
                    Lists {
                        gate_revocations: cut,
                        ..Lists::default()
                    },
                    Component::Gate,
                    "bad-gate-revocations",
                    ".dbx: ",
                ),
            ] {
                assert_eq!(refused(&Build::signed(), b"", &lists), (component, code));
                assert!(error(&lists).to_string().starts_with(name), "{len}");
            }
        }
    }

    #[test]
    fn levels_refuse_everything_in_the_name_of_whose_they_are() {
        for level in [
            &b""[..],
            b"\0",
            b"shim,4\n",
            b"sbat,2,2025051000\n",
            b"sbat,1,2025051000\nshim\n",
            b"sbat,1,2025051000\nshim,four\n",
            b"sbat,1,today\n",
        ] {
            let refusal = refused(&Build::signed(), b"", &at_level(level));
            assert_eq!(refusal, (Component::FirmwareTables, "bad-sbat-level"));
            let words = error(&at_level(level)).to_string();
            assert!(words.starts_with("SbatLevelRT: "), "{words}");

            // An empty one of a policy asks for nothing.
            if level.is_empty() {
                continue;
            }
            let own = asking_for(std::str::from_utf8(level).expect("text"));
            let own = Lists {
                policy: Policy::parse(&own).expect("well-formed"),
                ..Lists::default()
            };
            let refusal = refused(&Build::signed(), b"", &own);
            assert_eq!(refusal, (Component::Gate, "bad-sbat-level"));
        }
    }

    #[test]
    fn the_firmwares_own_list_is_named_too() {
        let trust = Trust::new().add_revocations(b"short", RevocationSource::Firmware);
        let error = trust.map(|_| ()).unwrap_err();
        assert_eq!(error.code(), "bad-dbx");
        assert!(error.to_string().contains("the firmware's dbx"), "{error}");
    }

    #[test]
    fn what_is_there_is_listed() {
        let lists = [
            signature_list(&X509, &[&authority()]),
            signature_list(&SHA256, &[&[1; 32], &[2; 32]]),
            signature_list(&[0x26; 16], &[&[1; 20]]),
        ]
        .concat();
        let trust = Trust::of(&Lists {
            gate_revocations: &lists,
            mok_revocations: &lists,
            dbx: &lists,
            sbat_level: Some(LEVEL),
            ..Lists::default()
        })
        .expect("well-formed");
        let sources: Vec<_> = trust.revocation_lists().map(|(_, from)| from).collect();
        assert_eq!(
            sources,
            [
                RevocationSource::Gate,
                RevocationSource::MokListX,
                RevocationSource::Firmware
            ]
        );
        assert_eq!(trust.sbat_levels().count(), 1);
    }
}
