//! Which keys a policy lets vouch for what.

use super::*;

/// SHA-256 of a key's SubjectPublicKeyInfo.
fn key_digest(certificate: &Cert) -> [u8; 32] {
    let der = certificate.der();
    sha256(
        baton_verify::Certificate::parse(&der)
            .expect("one")
            .key_info(),
    )
}

/// A policy in which this key may vouch for these purposes only.
fn scoped(certificate: &Cert, purposes: u8, component: &str, generation: u32) -> Vec<u8> {
    let all = rules(ALL, "", &[]);
    let mut scope = scope(0, purposes, component, generation);
    scope[..32].copy_from_slice(&key_digest(certificate));
    policy("", "", [&all, &all], &[scope])
}

#[test]
fn a_key_vouches_for_what_is_within_its_scope_alone() {
    let kernel = Build::signed();
    let initrd = Build::signed().initrd(FIRST).signature(1, FIRST);
    let listed = Build::bare().signed_manifest(&of_kernel());
    let out = |component| Err((component, "key-out-of-scope"));
    for (purposes, of_kernel, of_initrd, of_listed) in [
        (
            1,
            Ok(()),
            out(Component::Initrd(0)),
            out(Component::Manifest),
        ),
        (
            2,
            out(Component::Kernel),
            out(Component::Kernel),
            out(Component::Manifest),
        ),
        (3, Ok(()), Ok(()), out(Component::Manifest)),
        (4, out(Component::Kernel), out(Component::Initrd(0)), Ok(())),
    ] {
        let compact = scoped(&signer(), purposes, "", 0);
        assert_eq!(verdict(&compact, &kernel, b""), of_kernel, "{purposes}");
        assert_eq!(verdict(&compact, &initrd, b""), of_initrd, "{purposes}");
        assert_eq!(verdict(&compact, &listed, b""), of_listed, "{purposes}");
    }
}

#[test]
fn the_scope_of_a_certificate_above_the_signer_counts_too() {
    let compact = scoped(&Cert::ca(1, 1), 2, "", 0);
    let out = Err((Component::Kernel, "key-out-of-scope"));
    assert_eq!(verdict(&compact, &Build::signed(), b""), out);
    let other = scoped(&Cert::ca(7, 7), 2, "", 0);
    assert_eq!(verdict(&other, &Build::signed(), b""), Ok(()));
}

#[test]
fn a_signature_that_is_not_needed_must_be_within_its_keys_scope_too() {
    let image = Forge::new(&signer()).build();
    let beside = ForgeDetached::new(&image, &Cert::leaf(3, 1)).build();
    let build = Build::kernel(&image, authenticode(&image));
    let build = build.with(
        baton_formats::handover::RecordKind::Signature,
        &beside,
        sha256(&beside),
        0,
    );
    assert_eq!(verdict(&accepting(ALL), &build, b""), Ok(()));
    let compact = scoped(&Cert::leaf(3, 1), 2, "", 0);
    assert_eq!(
        verdict(&compact, &build, b""),
        Err((Component::Kernel, "key-out-of-scope"))
    );
}

#[test]
fn a_key_may_be_for_kernels_of_a_generation_alone() {
    let row = |generation| format!("sbat,1,x,x,1,x\nlinux,{generation},x,x,1,x\n");
    let of = |image| {
        let image = Forge::of(image, &signer()).build();
        Build::kernel(&image, authenticode(&image))
    };
    let compact = scoped(&signer(), 1, "linux", 2);
    let out = Err((Component::Kernel, "key-out-of-scope"));
    assert_eq!(verdict(&compact, &Build::signed(), b""), out);
    let with = |generation: u8| of(with_sbat(&[row(generation).as_bytes()]));
    assert_eq!(verdict(&compact, &with(1), b""), out);
    assert_eq!(verdict(&compact, &with(2), b""), Ok(()));
    assert_eq!(verdict(&compact, &with(3), b""), Ok(()));
}
