//! What signed addons may do to a UKI, and what user space may do to them.
#![allow(missing_docs, clippy::cast_possible_truncation)]

use baton_formats::policy::Policy;
use baton_samples::build::*;
use baton_samples::forge::{Forge, SHA256, indirect_data};
use baton_samples::other_formats::{flat_multiboot2, pe_image};
use baton_samples::policy::{policy, rules};
use baton_samples::signature_list;
use baton_samples::small_image::small_image;
use baton_verify::{Component, Decision, Lists, Machine, Refusal, Trust, decide};

/// The ways of vouching for kernels, as bits of a policy.
const AUTHENTICODE: u8 = 1;
const UKI: u8 = 2;
const LISTED_DIGEST: u8 = 4;
const MANIFEST: u8 = 0x40;
const ANY: u8 = 0x7f;

const ADDON_0: Component = Component::Addon(0);

fn signed(sections: &[(&str, &[u8])]) -> Vec<u8> {
    let mut forge = Forge::new(&signer());
    forge.image = pe_image(sections);
    forge.content = indirect_data(SHA256, &authenticode(&forge.image));
    forge.build()
}

fn uki(sections: &[(&str, &[u8])]) -> Build {
    let kernel = small_image();
    let image = signed(&[&[(".linux", &kernel[..])], sections].concat());
    Build::kernel(&image, authenticode(&image))
}

/// A UKI without a command line, and an addon with this one.
fn adding(line: &[u8]) -> Build {
    uki(&[]).addon(&signed(&[(".cmdline", line)]))
}

fn said(build: &Build, line: &[u8]) -> Result<(), (Component, &'static str)> {
    worded(judge(build, line, |_| ()))
}

fn worded<T>(verdict: Result<T, Refusal>) -> Result<T, (Component, &'static str)> {
    verdict.map_err(|refusal| {
        assert!(!refusal.to_string().contains('\n'));
        (refusal.component, refusal.reason.code())
    })
}

/// What a policy says that accepts kernels vouched for in these ways, where these digests are listed.
fn under(kernels: u8, listed: &[&[u8]], build: &Build) -> Result<(), (Component, &'static str)> {
    let rules = rules([kernels, 7, 5, 0], "", &[]);
    let compact = policy("", "", [&rules, &rules], &[]);
    let keys = authority();
    let list = signature_list(&baton_samples::SHA256, listed);
    let lists = Lists {
        keys: &keys,
        policy: Policy::parse(&compact).expect("well-formed"),
        mok_list: &list,
        ..Lists::default()
    };
    let trust = Trust::of(&lists).expect("well-formed");
    worded(decide(&build.blob(), b"debug", Machine::SECURE, &trust).map(|_| ()))
}

#[test]
fn what_an_addon_says_stays_a_parameter_of_the_kernel() {
    let build = adding(b"lockdown=integrity debug");
    for before in ["", "quiet ", "x=\"a b\" ", "--x ", "x=-- ", "\"a\"\"b\" "] {
        let line = format!("{before}lockdown=integrity debug");
        assert_eq!(said(&build, line.as_bytes()), Ok(()), "{line}");
    }
    for before in [
        "-- ",
        "quiet -- ",
        "\"--\" ",
        "--\t ",
        "x=\" ",
        "x \" ",
        "x=\"a\"\" ",
    ] {
        let line = format!("{before}lockdown=integrity debug");
        let refused = Err((Component::CommandLine, "command-line-not-of-uki"));
        assert_eq!(said(&build, line.as_bytes()), refused, "{line}");
    }
}

#[test]
fn an_addon_is_for_linux_alone() {
    let image = pe_image(&[(".linux", &flat_multiboot2())]);
    let bare = Build::kernel(&image, sha256(&image));
    let listed = |build: Build| build.signed_manifest(&manifest(&[line("kernel", &image)]));
    assert_eq!(said(&listed(bare.clone()), b""), Ok(()));
    let module = bare.addon(&signed(&[(".initrd", b"a module")]));
    let refused = Err((ADDON_0, "addon-without-uki"));
    assert_eq!(said(&listed(module), b""), refused);
}

#[test]
fn an_addon_adds_no_initrd_to_those_that_a_manifest_lists() {
    let first = b"070701 the first";
    let with = |sections: &[(&str, &[u8])], text: &str| {
        let build = uki(&[]).initrd(first).addon(&signed(sections));
        build.signed_manifest(text)
    };
    let lists_it = manifest(&[line("initrd", first)]);
    let lists_none = manifest(&[line("kernel", &uki(&[]).records[0].1)]);
    for more in [".initrd", ".ucode"] {
        let sections: &[(&str, &[u8])] = &[(more, b"070701 more")];
        let refused = Err((ADDON_0, "not-in-manifest"));
        assert_eq!(said(&with(sections, &lists_it), b"debug"), refused);
        assert_eq!(said(&with(sections, &lists_none), b"debug"), Ok(()));
    }
    let parameter: &[(&str, &[u8])] = &[(".cmdline", b"debug")];
    assert_eq!(said(&with(parameter, &lists_it), b"debug"), Ok(()));
}

#[test]
fn an_addon_is_vouched_for_in_a_way_that_the_policy_accepts_for_a_uki() {
    let by_digest = pe_image(&[(".cmdline", b"debug")]);
    let digest = authenticode(&by_digest);
    let by_key = adding(b"debug");
    let by_digest = uki(&[]).addon(&by_digest);
    let refused = Err((ADDON_0, "not-accepted"));
    for (kernels, expected) in [
        (ANY, Ok(())),
        (UKI | LISTED_DIGEST, Ok(())),
        (UKI | MANIFEST, refused),
        (AUTHENTICODE, refused),
    ] {
        assert_eq!(under(kernels, &[&digest], &by_digest), expected);
        assert_eq!(under(kernels, &[], &by_key), Ok(()));
    }
}

#[test]
fn where_manifests_alone_count_no_addon_does() {
    let kernel = small_image();
    let image = pe_image(&[(".linux", &kernel)]);
    let bare = Build::kernel(&image, sha256(&image));
    let listed = |build: Build| build.signed_manifest(&manifest(&[line("kernel", &image)]));
    let addon = signed(&[(".cmdline", b"debug")]);
    assert_eq!(under(MANIFEST, &[], &listed(bare.clone())), Ok(()));
    let added = listed(bare.addon(&addon));
    let refused = Err((ADDON_0, "not-accepted"));
    assert_eq!(under(MANIFEST, &[], &added), refused);
    assert_eq!(under(MANIFEST | UKI, &[], &added), Ok(()));
}

#[test]
fn no_more_parts_are_booted_than_the_record_of_the_verdict_holds() {
    // The kernel, what is signed with it and the command line take five of 48.
    let base = uki(&[
        (".initrd", b"its initrd"),
        (".ucode", b"its microcode"),
        (".dtb", b"its device tree"),
    ]);
    let sections: &[(&str, &[u8])] = &[(".initrd", b"i"), (".ucode", b"u"), (".dtb", b"d")];
    let four = signed(sections);
    let with = |initrds: u8| {
        let build = (0..initrds).fold(base.clone(), |build, n| build.initrd(&[n]));
        (0..10).fold(build, |build, _| build.addon(&four))
    };
    let count = |decision: Decision<'_>| decision.parts.len();
    assert_eq!(judge(&with(3), b"", count), Ok(48));
    let refused = Err((Component::Handover, "too-many-parts"));
    assert_eq!(said(&with(4), b""), refused);
}
