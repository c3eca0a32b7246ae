//! What is revoked is refused, whoever vouches for it and whichever list says so; and a list that
//! can't be read refuses everything.
#![allow(missing_docs)]

mod by_generation;
mod by_lists;
mod malformed;

use baton_formats::handover::RecordKind;
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
