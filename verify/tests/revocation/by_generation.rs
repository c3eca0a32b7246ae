//! What is revoked by its generation (SBAT).

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
        "kernel refused: revoked by SBAT: its component \"linux\" is at generation 6, \
         and SbatLevelRT requires 7 or later (install a newer image)"
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
