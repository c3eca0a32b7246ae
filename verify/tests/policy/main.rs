//! What the policy accepts, denies and forces, for each load type and of each key.
#![allow(missing_docs)]

mod command_lines;
mod initrds;
mod keys;

use baton_formats::policy::Policy;
use baton_samples::build::*;
use baton_samples::cpio::file;
use baton_samples::forge::{Cert, Forge, SHA256, indirect_data};
use baton_samples::forge_detached::ForgeDetached;
use baton_samples::other_formats::pe_image;
use baton_samples::policy::{policy, rule, rules, scope};
use baton_samples::small_image::{CMDLINE_SIZE, small_image, with_sbat};
use baton_verify::{Component, Decision, Machine, Refusal, Trust, decide};

/// All ways, sources and parameters.
const ALL: [u8; 4] = [0x7f, 7, 5, 0];
const AUTHENTICODE: u8 = 1;
const UKI: u8 = 2;
const MANIFEST: u8 = 0x40;

const FIRST: &[u8] = b"070701 the first initrd";

fn under<T>(
    compact: &[u8],
    build: &Build,
    line: &[u8],
    see: impl FnOnce(Decision<'_>) -> T,
) -> Result<T, Refusal> {
    let policy = Policy::parse(compact).expect("well-formed");
    let key = Cert::ca(1, 1).der();
    let trust = Trust::new().add_keys(&key).expect("well-formed");
    let trust = trust.under(policy).expect("well-formed");
    decide(&build.blob(), line, Machine::SECURE, &trust).map(see)
}

/// The same rules for both load types.
fn both(rules: &[u8]) -> Vec<u8> {
    policy("test", "", [rules, rules], &[])
}

fn accepting(accepted: [u8; 4]) -> Vec<u8> {
    both(&rules(accepted, "", &[]))
}

fn verdict(compact: &[u8], build: &Build, line: &[u8]) -> Result<(), (Component, &'static str)> {
    under(compact, build, line, |_| ()).map_err(|refusal| {
        assert!(!refusal.to_string().contains('\n'));
        (refusal.component, refusal.reason.code())
    })
}

fn of_kernel() -> String {
    manifest(&[line("kernel", &small_image())])
}

#[test]
fn a_kernel_is_accepted_in_the_ways_that_the_policy_names_and_in_no_other() {
    let signed = Build::signed();
    let listed = Build::bare().signed_manifest(&of_kernel());
    let not = Err((Component::Kernel, "not-accepted"));
    assert_eq!(
        verdict(&accepting([AUTHENTICODE, 7, 5, 0]), &signed, b""),
        Ok(())
    );
    assert_eq!(verdict(&accepting([MANIFEST, 7, 5, 0]), &signed, b""), not);
    assert_eq!(verdict(&accepting([UKI, 7, 5, 0]), &signed, b""), not);
    assert_eq!(
        verdict(&accepting([MANIFEST, 7, 5, 0]), &listed, b""),
        Ok(())
    );
    assert_eq!(verdict(&accepting([0x3f, 7, 5, 0]), &listed, b""), not);
}

#[test]
fn a_way_that_is_accepted_counts_though_another_is_not() {
    let image = Forge::new(&signer()).build();
    let text = manifest(&[line("kernel", &image)]);
    let both_ways = Build::kernel(&image, sha256(&image)).signed_manifest(&text);
    assert_eq!(
        verdict(&accepting([MANIFEST, 7, 5, 0]), &both_ways, b""),
        Ok(())
    );
}

#[test]
fn only_a_policy_that_asks_for_no_secure_boot_does_without_it() {
    let machine = |secure_boot| Machine {
        secure_boot,
        ..Machine::SECURE
    };
    let mut lax = accepting(ALL);
    lax[20] = 0;
    for (compact, machine, expected) in [
        (accepting(ALL), machine(true), Ok(())),
        (accepting(ALL), machine(false), Err("secure-boot-not-on")),
        (lax.clone(), machine(true), Ok(())),
        (lax, machine(false), Ok(())),
    ] {
        let policy = Policy::parse(&compact).expect("well-formed");
        let key = Cert::ca(1, 1).der();
        let trust = Trust::new().add_keys(&key).expect("well-formed");
        let trust = trust.under(policy).expect("well-formed");
        let blob = Build::signed().blob();
        let verdict = decide(&blob, b"", machine, &trust).map(|_| ());
        assert_eq!(verdict.map_err(|refusal| refusal.reason.code()), expected);
    }
}

#[test]
fn a_kernel_that_is_not_told_of_efi_is_for_machines_without_it_or_for_a_manifest() {
    let mut kernel = small_image();
    kernel[0x236] = 3;
    let detached = Build::kernel(&kernel, sha256(&kernel)).signature(0, &kernel);
    let listed = Build::kernel(&kernel, sha256(&kernel))
        .signed_manifest(&manifest(&[line("kernel", &kernel)]));
    let key = Cert::ca(1, 1).der();
    let trust = Trust::new().add_keys(&key).expect("well-formed");
    let said = |build: &Build, efi| {
        let machine = Machine {
            efi,
            ..Machine::SECURE
        };
        decide(&build.blob(), b"", machine, &trust)
            .map(|_| ())
            .map_err(|refusal| refusal.reason.code())
    };
    assert_eq!(said(&detached, true), Err("loses-efi"));
    assert_eq!(said(&detached, false), Ok(()));
    assert_eq!(said(&listed, true), Ok(()));
}
