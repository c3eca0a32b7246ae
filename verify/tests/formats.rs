//! Kernels of every format in a handover: what is booted, and what is refused.
#![allow(missing_docs, clippy::cast_possible_truncation)]

use baton_formats::handover::RecordKind;
use baton_formats::verdict;
use baton_samples::build::*;
use baton_samples::der::{explicit, octets, oid, seq, set};
use baton_samples::forge::{Forge, SHA256, indirect_data};
use baton_samples::forge_detached::ForgeDetached;
use baton_samples::other_formats::*;
use baton_samples::small_elf::signed_elf_of;
use baton_samples::small_image::small_image;
use baton_verify::{Component, Payload, SignatureKind};

const UNAME: &[u8] = b"6.1.0-small\0";

/// Signs any PE image as Authenticode does.
fn signed_image(image: Vec<u8>) -> Vec<u8> {
    let mut forge = Forge::new(&signer());
    forge.content = indirect_data(SHA256, &authenticode(&image));
    forge.image = image;
    forge.build()
}

fn uki_of(sections: &[(&str, &[u8])]) -> Build {
    let kernel = small_image();
    let sections = [&[(".linux", &kernel[..])], sections].concat();
    let image = signed_image(pe_image(&sections));
    Build::kernel(&image, authenticode(&image))
}

fn uki() -> Build {
    uki_of(&[
        (".cmdline", b"root=/dev/vda quiet\n"),
        (".initrd", b"its initrd"),
        (".ucode", b"its microcode"),
        (".dtb", b"its device tree"),
        (".uname", UNAME),
    ])
}

const LINE: &[u8] = b"root=/dev/vda quiet";

fn addon(sections: &[(&str, &[u8])]) -> Vec<u8> {
    signed_image(pe_image(sections))
}

/// The kernel's record alone, of bytes that a detached signature vouches for.
fn detached(bytes: &[u8]) -> Build {
    Build::kernel(bytes, sha256(bytes)).signature(0, bytes)
}

/// The same, of bytes that a manifest lists, with these modules.
fn listed(bytes: &[u8], modules: &[&[u8]]) -> Build {
    let mut build = Build::kernel(bytes, sha256(bytes));
    let mut lines = vec![line("kernel", bytes)];
    for module in modules {
        build = build.initrd(module);
        lines.push(line("initrd", module));
    }
    build.signed_manifest(&manifest(&lines))
}

mod a_uki {
    use super::*;

    #[test]
    fn is_booted_with_all_that_is_signed_in_it() {
        judge(&uki().initrd(b"one more"), LINE, |decision| {
            assert!(matches!(decision.payload, Payload::BzImage(_)));
            let initrds = [&b"its microcode"[..], b"its initrd", b"one more"];
            assert_eq!(decision.initrds, initrds);
            assert_eq!(decision.initrd_range, None, "they must be joined");
            assert_eq!(decision.device_tree, Some(&b"its device tree"[..]));
            let ways: Vec<_> = decision
                .parts
                .iter()
                .map(|part| (part.kind, part.vouched.signature_kind))
                .collect();
            use verdict::ComponentKind::*;
            assert_eq!(
                ways,
                [
                    (Kernel, SignatureKind::Authenticode),
                    (Microcode, SignatureKind::Authenticode),
                    (Initrd, SignatureKind::Authenticode),
                    (DeviceTree, SignatureKind::Authenticode),
                    (Initrd, SignatureKind::Unsigned),
                    (CommandLine, SignatureKind::Authenticode),
                ]
            );
            assert_eq!(decision.parts[2].size, 10);
            assert_eq!(decision.parts[2].digest, decision.kernel.digest());
        })
        .expect("accepted");
    }

    #[test]
    fn is_booted_with_its_own_command_line_alone() {
        for wrong in [
            &b""[..],
            b"root=/dev/vda",
            b"root=/dev/vda quiet ",
            b"x root=/dev/vda quiet",
        ] {
            assert_eq!(
                refusal(&uki(), wrong),
                (Component::CommandLine, "command-line-not-of-uki")
            );
        }
        let crash = [b"elfcorehdr=0x1f000 ", LINE].concat();
        assert!(judge(&uki().crash(), &crash, |_| ()).is_ok());
        let twice = [b"elfcorehdr=0x1f000 elfcorehdr=0x1f000 ", LINE].concat();
        assert!(judge(&uki().crash(), &twice, |_| ()).is_err());
    }

    #[test]
    fn without_a_command_line_leaves_it_to_others() {
        let bare = uki_of(&[(".initrd", b"its initrd")]);
        for line in [&b""[..], b"anything"] {
            let signature_kind = judge(&bare, line, |decision| {
                decision.parts.last().expect("it").vouched.signature_kind
            });
            assert_eq!(signature_kind, Ok(SignatureKind::Unsigned));
        }
    }

    #[test]
    fn is_booted_by_any_way_of_vouching_for_the_whole_file() {
        let kernel = small_image();
        let image = pe_image(&[(".linux", &kernel), (".cmdline", LINE)]);
        let line = judge(&detached(&image), LINE, |decision| {
            decision.kernel.signature_kind()
        });
        assert_eq!(line, Ok(SignatureKind::Detached));
        assert!(judge(&detached(&image), b"other", |_| ()).is_err());
    }

    #[test]
    fn has_profiles_of_which_one_is_booted() {
        let of = |profile| {
            let build = uki_of(&[
                (".cmdline", b"base"),
                (".profile", b"ID=first"),
                (".profile", b"ID=second"),
                (".cmdline", b"second"),
                (".initrd", b"its own"),
            ]);
            Build { profile, ..build }
        };
        let initrds = |profile, line: &[u8]| {
            judge(&of(profile), line, |decision| {
                decision.initrds.concat().len()
            })
        };
        assert_eq!(initrds(0, b"base"), Ok(0));
        assert_eq!(initrds(1, b"second"), Ok(7));
        assert!(initrds(1, b"base").is_err());
        assert_eq!(
            refusal(&of(2), b"base"),
            (Component::Kernel, "no-such-profile")
        );
        let bzimage = Build {
            profile: 1,
            ..Build::signed()
        };
        assert_eq!(
            refusal(&bzimage, b""),
            (Component::Kernel, "no-such-profile")
        );
    }

    #[test]
    fn is_refused_if_its_sections_or_its_kernel_are_no_such() {
        let twice = uki_of(&[(".cmdline", b"a"), (".cmdline", b"b")]);
        assert_eq!(refusal(&twice, b"a"), (Component::Kernel, "bad-uki"));
        let no_kernel = pe_image(&[(".text", b"no kernel")]);
        for (linux, code) in [
            (&no_kernel[..], "bad-kernel"),
            (b"MZ no kernel", "bad-image"),
        ] {
            let image = signed_image(pe_image(&[(".linux", linux)]));
            let build = Build::kernel(&image, authenticode(&image));
            assert_eq!(refusal(&build, b""), (Component::Kernel, code));
        }
    }

    #[test]
    fn without_a_signature_is_refused_even_if_its_kernel_is_signed() {
        let kernel = Forge::new(&signer()).build();
        let image = pe_image(&[(".linux", &kernel)]);
        let build = Build::kernel(&image, authenticode(&image));
        assert_eq!(refusal(&build, b""), (Component::Kernel, "unsigned"));
    }
}

mod an_addon {
    use super::*;

    #[test]
    fn adds_to_what_its_uki_says() {
        let first = addon(&[(".cmdline", b"debug"), (".uname", UNAME)]);
        let second = addon(&[(".initrd", b"added"), (".dtb", b"instead")]);
        let build = uki().addon(&first).addon(&second);
        judge(&build, b"root=/dev/vda quiet debug", |decision| {
            let initrds = [&b"its microcode"[..], b"its initrd", b"added"];
            assert_eq!(decision.initrds, initrds);
            assert_eq!(decision.device_tree, Some(&b"instead"[..]));
            let addons = decision
                .parts
                .iter()
                .filter(|part| part.kind == verdict::ComponentKind::Addon);
            assert_eq!(addons.count(), 2);
        })
        .expect("accepted");
        assert_eq!(
            refusal(&build, LINE),
            (Component::CommandLine, "command-line-not-of-uki")
        );
    }

    /// Whoever makes a handover learns its digests from the verdict on the draft: the kernel's comes first, and those of
    /// the other records last, in their order, before the command line's.
    #[test]
    fn comes_with_all_digests_of_the_handover_in_the_verdict_on_its_draft() {
        let first = addon(&[(".cmdline", b"debug"), (".initrd", b"added")]);
        let second = addon(&[(".ucode", b"more microcode")]);
        let uki = uki();
        let listed = line("kernel", &uki.records[0].1);
        let right = uki
            .initrd(b"070701 one")
            .initrd(b"070701 two")
            .addon(&first)
            .addon(&second)
            .signed_manifest(&manifest(&[listed]));
        let mut draft = right.clone();
        for (record, _) in &mut draft.records {
            record.digest = [0; 32];
        }
        let line = b"root=/dev/vda quiet debug";
        let stated = |kind| kind != RecordKind::Signature;
        let records = right.records.iter().map(|(record, _)| record);
        let digests: Vec<_> = records
            .filter(|it| stated(it.kind))
            .map(|it| it.digest)
            .collect();
        let found = judge_draft(&draft, line, |decision| {
            let parts: Vec<_> = decision.parts.iter().map(|part| part.digest).collect();
            let others = digests.len() - 1;
            let before = parts.len() - 1 - others;
            [&parts[..1], &parts[before..parts.len() - 1]].concat()
        });
        assert_eq!(found, Ok(digests));
        assert_eq!(judge(&right, line, |_| ()), Ok(()));
        assert!(judge(&draft, line, |_| ()).is_err());
    }

    #[test]
    fn has_the_last_word_where_the_uki_says_nothing() {
        let build = uki_of(&[]).addon(&addon(&[(".cmdline", b"debug")]));
        for right in [&b"debug"[..], b"anything debug"] {
            assert!(judge(&build, right, |_| ()).is_ok());
        }
        for wrong in [&b""[..], b"nodebug", b"debug anything"] {
            assert_eq!(
                refusal(&build, wrong),
                (Component::CommandLine, "command-line-not-of-uki")
            );
        }
    }

    #[test]
    fn is_refused_without_a_uki_without_a_signature_and_for_another_kernel() {
        let good = addon(&[(".cmdline", b"debug")]);
        let line = b"root=/dev/vda quiet debug";
        let refused = |build: &Build| refusal(build, line);
        let addon_0 = Component::Addon(0);
        assert_eq!(
            refused(&Build::signed().addon(&good)),
            (addon_0, "addon-without-uki")
        );
        let unsigned = pe_image(&[(".cmdline", b"debug")]);
        assert_eq!(refused(&uki().addon(&unsigned)), (addon_0, "unsigned"));
        let other = addon(&[(".cmdline", b"debug"), (".uname", b"6.2.0")]);
        assert_eq!(
            refused(&uki().addon(&other)),
            (addon_0, "addon-for-another")
        );
        let altered = uki().with(RecordKind::Addon, &good, [7; 32], 0);
        assert_eq!(refused(&altered), (addon_0, "record-altered"));
        // Another UKI is none.
        let kernel = small_image();
        let second = addon(&[(".linux", &kernel)]);
        assert_eq!(refused(&uki().addon(&second)), (addon_0, "bad-uki"));
    }
}

mod elf {
    use super::*;

    fn format(build: &Build) -> Result<&'static str, (Component, &'static str)> {
        judge(build, b"", |decision| decision.payload.format())
            .map_err(|refusal| (refusal.component, refusal.reason.code()))
    }

    #[test]
    fn of_linux_is_booted_whichever_way_it_is_signed() {
        let file = vmlinux();
        assert_eq!(format(&detached(&file)), Ok("ELF vmlinux"));
        let signature = sign(&file);
        let trailer = baton_formats::module_signature::trailer(signature.len() as u32);
        let appended = [&file[..], &signature, &trailer].concat();
        let build = Build::kernel(&appended, sha256(&file));
        assert_eq!(format(&build), Ok("ELF vmlinux"));
        let (noted, unsigned) = signed_elf_of(vmlinux_with_room, sign);
        let build = Build::kernel(&noted, sha256(&unsigned));
        assert_eq!(format(&build), Ok("ELF vmlinux"));
    }

    #[test]
    fn of_linux_is_no_other_kernel_even_with_another_entry() {
        let file = with_multiboot2_header(vmlinux());
        assert_eq!(format(&detached(&file)), Ok("ELF vmlinux"));
    }

    #[test]
    fn with_a_pvh_entry_is_booted_by_it() {
        assert_eq!(format(&listed(&pvh(), &[])), Ok("ELF with a PVH entry"));
    }

    #[test]
    fn that_is_no_kernel_is_refused() {
        let kernel = Component::Kernel;
        let plain = baton_samples::small_elf::small_elf(0);
        assert_eq!(format(&detached(&plain)), Err((kernel, "unknown-format")));
        let mut module = vmlinux();
        module[0x10] = 1; // ET_REL, as modules are, which a distribution signs with its key
        assert_eq!(format(&detached(&module)), Err((kernel, "bad-elf")));
    }

    #[test]
    fn has_no_multiboot2_header_in_what_its_signature_note_leaves_open() {
        let (noted, unsigned) = signed_elf_of(baton_samples::small_elf::small_elf, |content| {
            // Unauthenticated attributes aren't covered by anything, so a header fits in there.
            let mut forge = ForgeDetached::new(content, &signer());
            let headers = octets(&multiboot2_headers());
            let attribute = seq(&[oid("1.2.3"), set(&[headers])]);
            forge.unauthenticated = explicit(1, &attribute);
            forge.build()
        });
        assert!(baton_formats::multiboot2::Multiboot2::recognises(&noted));
        let build = Build::kernel(&noted, sha256(&unsigned));
        assert_eq!(format(&build), Err((Component::Kernel, "only-by-manifest")));
    }
}

mod multiboot2 {
    use super::*;

    #[test]
    fn of_a_flat_file_and_of_an_elf_file_is_booted() {
        for file in [
            flat_multiboot2(),
            with_multiboot2_header(baton_samples::small_elf::small_elf(0)),
        ] {
            judge(&listed(&file, &[]), b"any length", |decision| {
                assert_eq!(decision.payload.format(), "multiboot2");
            })
            .expect("accepted");
        }
    }

    #[test]
    fn is_refused_where_it_is_malformed_or_in_a_pe_image() {
        let mut file = flat_multiboot2();
        // The tag of the entry point becomes one that nobody knows and that is required.
        let tag = file
            .windows(8)
            .position(|window| window == [3, 0, 0, 0, 12, 0, 0, 0])
            .expect("it is there");
        file[tag] = 99;
        assert_eq!(
            refusal(&listed(&file, &[]), b""),
            (Component::Kernel, "bad-multiboot2")
        );
        let image = signed_image(pe_image(&[(".text", &flat_multiboot2())]));
        let build = Build::kernel(&image, authenticode(&image));
        assert_eq!(refusal(&build, b""), (Component::Kernel, "bad-kernel"));
    }
}

mod what_is_not_linux {
    use super::*;

    fn kernels() -> [Vec<u8>; 4] {
        let mut legacy = small_image();
        legacy[..2].fill(0);
        let elf = with_multiboot2_header(baton_samples::small_elf::small_elf(0));
        [flat_multiboot2(), pvh(), elf, legacy]
    }

    #[test]
    fn is_booted_by_a_manifest_alone() {
        for file in kernels() {
            let only = (Component::Kernel, "only-by-manifest");
            assert_eq!(refusal(&detached(&file), b""), only);
            let text = manifest(&[line("initrd", b"module")]);
            let of_its_module = Build::kernel(&file, sha256(&file))
                .initrd(b"module")
                .manifest(&text)
                .signature(0, &file)
                .signature(2, text.as_bytes());
            assert_eq!(refusal(&of_its_module, b""), only);
            // Signed besides, it is the manifest that counts.
            let text = manifest(&[line("kernel", &file)]);
            let both = Build::kernel(&file, sha256(&file))
                .manifest(&text)
                .signature(0, &file)
                .signature(1, text.as_bytes());
            let signature_kind = judge(&both, b"", |decision| decision.kernel.signature_kind());
            assert_eq!(signature_kind, Ok(SignatureKind::Manifest));
            let text = manifest(&[line("kernel", b"another")]);
            let other = Build::kernel(&file, sha256(&file))
                .manifest(&text)
                .signature(0, &file)
                .signature(1, text.as_bytes());
            assert_eq!(refusal(&other, b""), (Component::Kernel, "not-in-manifest"));
        }
    }

    #[test]
    fn is_given_only_modules_that_its_manifest_lists() {
        let module: &[u8] = b"070701 a module";
        let unlisted = |index| (Component::Initrd(index), "unlisted-module");
        let [flat, pvh, elf, legacy] = kernels();
        for file in [flat, pvh, elf] {
            assert!(judge(&listed(&file, &[module, b"second"]), b"", |_| ()).is_ok());
            let text = manifest(&[line("kernel", &file)]);
            let bare = || Build::kernel(&file, sha256(&file)).initrd(module);
            assert_eq!(refusal(&bare().signed_manifest(&text), b""), unlisted(0));
            let signed = bare()
                .manifest(&text)
                .signature(1, module)
                .signature(2, text.as_bytes());
            assert_eq!(refusal(&signed, b""), unlisted(0));
        }
        let text = manifest(&[line("kernel", &legacy)]);
        let linux = Build::kernel(&legacy, sha256(&legacy)).initrd(module);
        assert!(judge(&linux.signed_manifest(&text), b"", |_| ()).is_ok());
    }

    #[test]
    fn is_no_kernel_of_a_signed_uki() {
        for kernel in kernels() {
            let image = signed_image(pe_image(&[(".linux", &kernel), (".initrd", b"its own")]));
            let build = Build::kernel(&image, authenticode(&image));
            let only = (Component::Kernel, "only-by-manifest");
            assert_eq!(refusal(&build, b""), only);
        }
    }
}

#[test]
fn what_is_no_kernel_at_all_is_refused_whoever_signed_it() {
    for bytes in [&b"\x1f\x8b\x08 compressed"[..], b"{}", &[0x30; 40]] {
        let build = Build::kernel(bytes, sha256(bytes))
            .signed_manifest(&manifest(&[line("kernel", bytes)]));
        assert_eq!(refusal(&build, b""), (Component::Kernel, "unknown-format"));
    }
}
