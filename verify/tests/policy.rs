//! What the policy accepts, denies and forces, on each occasion and of each key.
#![allow(missing_docs)]

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

/// The same rules for both occasions.
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

/// What these rules say of a line.
fn said(flags: u8, parameters: &[Vec<u8>], line: &str) -> Result<(), &'static str> {
    let compact = both(&rules([0x7f, 7, 5, flags], "", parameters));
    verdict(&compact, &Build::signed(), line.as_bytes()).map_err(|(component, code)| {
        assert_eq!(component, Component::CommandLine);
        code
    })
}

fn booted_line(forced: &str, build: &Build, line: &str) -> Result<String, &'static str> {
    let compact = both(&rules(ALL, forced, &[]));
    let text = |decision: Decision<'_>| String::from_utf8(decision.command_line.to_vec()).unwrap();
    under(&compact, build, line.as_bytes(), text).map_err(|refusal| refusal.reason.code())
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
fn an_initrd_is_accepted_from_the_sources_that_the_policy_names() {
    let free = Build::signed().initrd(FIRST);
    let signed = Build::signed().initrd(FIRST).signature(1, FIRST);
    let listing = |lines: &[String]| {
        Build::signed()
            .initrd(FIRST)
            .signed_manifest(&manifest(lines))
    };
    let listed = listing(&[line("kernel", &signed_kernel()), line("initrd", FIRST)]);
    // Such a manifest says of an initrd no more than a signature of its own does.
    let alone = listing(&[line("initrd", FIRST)]);
    let not = Err((Component::Initrd(0), "not-accepted"));
    let unbound = Err((Component::Initrd(0), "manifest-without-kernel"));
    for (accepted, of_free, of_signed, of_listed, of_alone) in [
        (7, Ok(()), Ok(()), Ok(()), Ok(())),
        (6, not, Ok(()), Ok(()), Ok(())),
        (5, Ok(()), not, Ok(()), Ok(())),
        (4, not, not, Ok(()), unbound),
        (0, not, not, not, not),
    ] {
        let compact = accepting([0x7f, accepted, 5, 0]);
        assert_eq!(verdict(&compact, &free, b""), of_free, "{accepted}");
        assert_eq!(verdict(&compact, &signed, b""), of_signed, "{accepted}");
        assert_eq!(verdict(&compact, &listed, b""), of_listed, "{accepted}");
        assert_eq!(verdict(&compact, &alone, b""), of_alone, "{accepted}");
    }
}

#[test]
fn an_initrd_is_there_where_the_policy_wants_them_vouched_for() {
    let none = Err((Component::Initrd(0), "no-initrd"));
    for (accepted, expected) in [(7, Ok(())), (1, Ok(())), (6, none), (2, none), (0, none)] {
        let compact = accepting([0x7f, accepted, 5, 0]);
        assert_eq!(verdict(&compact, &Build::signed(), b""), expected);
    }
    let signed_only = accepting([0x7f, 6, 5, 0]);
    let listed = Build::bare().signed_manifest(&of_kernel());
    assert_eq!(verdict(&signed_only, &listed, b""), Ok(()));
    let kernel = small_image();
    let mut forge = Forge::new(&signer());
    forge.image = pe_image(&[(".linux", &kernel)]);
    forge.content = indirect_data(SHA256, &authenticode(&forge.image));
    let uki = forge.build();
    let uki = Build::kernel(&uki, authenticode(&uki));
    assert_eq!(verdict(&signed_only, &uki, b""), Ok(()));
}

#[test]
fn a_crash_has_its_own_rules_for_leaving_the_initrd_out() {
    let (free, strict) = (rules(ALL, "", &[]), rules([0x7f, 6, 5, 0], "", &[]));
    let none = Err((Component::Initrd(0), "no-initrd"));
    let crash = Build::signed().crash();
    for (occasions, normally, in_a_crash) in [
        ([&free, &strict], Ok(()), none),
        ([&strict, &free], none, Ok(())),
    ] {
        let [normal, crash_alone] = occasions;
        let compact = policy("", "", [normal, crash_alone], &[]);
        assert_eq!(verdict(&compact, &Build::signed(), b""), normally);
        let line = b"elfcorehdr=0x1000";
        assert_eq!(verdict(&compact, &crash, line), in_a_crash);
    }
}

#[test]
fn of_two_ways_to_vouch_for_an_initrd_one_that_is_accepted_suffices() {
    let text = manifest(&[line("kernel", &signed_kernel()), line("initrd", FIRST)]);
    let both_ways = Build::signed()
        .initrd(FIRST)
        .manifest(&text)
        .signature(1, FIRST)
        .signature(2, text.as_bytes());
    for accepted in [2, 4, 6] {
        let compact = accepting([0x7f, accepted, 5, 0]);
        assert_eq!(verdict(&compact, &both_ways, b""), Ok(()), "{accepted}");
    }
}

#[test]
fn a_command_line_may_have_to_be_one_that_a_manifest_says_exactly() {
    let with = |rule: &str| {
        let text = manifest(&[line("kernel", &small_image()), rule.into()]);
        Build::bare().signed_manifest(&text)
    };
    let compact = accepting([0x7f, 7, 4, 0]);
    let not = Err((Component::CommandLine, "not-accepted"));
    assert_eq!(verdict(&compact, &with("cmdline ro\n"), b"ro"), Ok(()));
    assert_eq!(
        verdict(&compact, &with("cmdline-prefix ro\n"), b"ro x"),
        not
    );
    assert_eq!(verdict(&compact, &with(""), b"ro"), not);
    assert_eq!(verdict(&compact, &Build::signed(), b""), not);
}

#[test]
fn a_crash_has_rules_of_its_own() {
    let normal = rules([AUTHENTICODE, 7, 5, 0], "", &[rule(0, "x", 0, b"")]);
    let crash = rules([MANIFEST, 7, 5, 0], "", &[rule(0, "y", 0, b"")]);
    let compact = policy("", "", [&normal, &crash], &[]);
    let signed = Build::signed();
    let listed = Build::bare().signed_manifest(&of_kernel()).crash();
    let denied = Err((Component::CommandLine, "parameter-denied"));
    assert_eq!(verdict(&compact, &signed, b"y"), Ok(()));
    assert_eq!(verdict(&compact, &signed, b"x"), denied);
    let signed = signed.crash();
    let not = Err((Component::Kernel, "not-accepted"));
    assert_eq!(verdict(&compact, &signed, b"elfcorehdr=0x1000"), not);
    assert_eq!(verdict(&compact, &listed, b"elfcorehdr=0x1000 x"), Ok(()));
    assert_eq!(verdict(&compact, &listed, b"elfcorehdr=0x1000 y"), denied);
}

#[test]
fn the_first_rule_that_fits_decides() {
    let lsm = [rule(1, "lsm", 4, b"lockdown"), rule(0, "lsm", 0, b"")];
    assert_eq!(said(0, &lsm, "lsm=landlock,lockdown,yama"), Ok(()));
    assert_eq!(said(0, &lsm, "lsm=landlock"), Err("parameter-denied"));
    assert_eq!(said(0, &lsm, "lsm"), Err("parameter-denied"));
}

#[test]
fn what_no_rule_is_about_may_be_denied() {
    let quiet = [rule(1, "quiet", 1, b"")];
    assert_eq!(said(1, &quiet, "quiet"), Ok(()));
    assert_eq!(said(1, &quiet, "quiet ro"), Err("parameter-unlisted"));
    assert_eq!(said(1, &quiet, "quiet=1"), Err("parameter-unlisted"));
    assert_eq!(said(1, &quiet, ""), Ok(()));
    assert_eq!(said(1, &quiet, "quiet -- single"), Ok(()));
}

#[test]
fn an_allowed_parameters_quotes_hide_nothing_that_is_unlisted() {
    let root = [rule(1, "root", 0, b"")];
    let unlisted = Err("parameter-unlisted");
    assert_eq!(said(1, &root, "root=\"/dev/vda1\""), Ok(()));
    assert_eq!(said(1, &root, "root=\"/dev/vda1 nopti x\""), unlisted);
    assert_eq!(said(1, &root, "root=\"a efi=noruntime"), unlisted);
    assert_eq!(said(1, &root, "root=a\u{1}nopti"), unlisted);
    // Both of its words are listed.
    assert_eq!(said(1, &root, "root=\"a root=b\""), Ok(()));
    assert_eq!(said(0, &root, "root=\"/dev/vda1 nopti x\""), Ok(()));
}

#[test]
fn nothing_may_follow_the_dashes_where_the_policy_says_so() {
    assert_eq!(said(2, &[], "quiet -- single"), Err("parameter-for-init"));
    assert_eq!(
        said(2, &[], "quiet \"--\" single"),
        Err("parameter-for-init")
    );
    assert_eq!(said(2, &[], "quiet --"), Ok(()));
    assert_eq!(said(0, &[], "quiet -- single"), Ok(()));
}

#[test]
fn a_denied_parameter_is_found_however_it_is_written() {
    let deny = [rule(0, "acpi_rsdp", 0, b"")];
    for line in [
        "acpi_rsdp=0x1000",
        "acpi-rsdp=0x1000",
        "acpi_rsdp",
        "quiet acpi_rsdp=0x1000 ro",
        "acpi_rsdp=1 acpi_rsdp=2",
        "\"acpi_rsdp=0x1000\"",
        "acpi_rsdp=\"0x1000\"",
        "\tacpi_rsdp=0x1000",
        "x\u{b}acpi_rsdp=0x1000",
        // To the kernel one parameter; to what runs before it two.
        "\"quiet acpi_rsdp=0x1000\"",
        "x=\"a acpi_rsdp=0x1000\"",
        "x=\"a acpi_rsdp=0x1000",
        "x\u{1}acpi_rsdp=0x1000",
        // What runs before the kernel doesn't stop there.
        "-- acpi_rsdp=0x1000",
    ] {
        assert_eq!(said(0, &deny, line), Err("parameter-denied"), "{line}");
    }
    for line in [
        "ACPI_RSDP=1",
        "acpi_rsdp2=1",
        "x=acpi_rsdp=1",
        "xacpi_rsdp=1",
    ] {
        assert_eq!(said(0, &deny, line), Ok(()), "{line}");
    }
}

#[test]
fn quotes_anywhere_hide_no_denied_parameter_from_programs_that_drop_them() {
    let denied = [
        rule(0, "systemd.debug_shell", 0, b""),
        rule(0, "unit", 2, b"rescue\0"),
    ];
    for line in [
        "'systemd.debug_shell'",
        "quiet systemd.\"debug_shell\"",
        "sys'tem'd.debug-shell=1",
        "'systemd.debug_shell=1'",
        "\"'systemd.debug_shell'\"",
        "a='x systemd.debug_shell\"\"'",
        "systemd.debug\\_shell",
        "-- 'systemd.debug_shell'",
        "unit='rescue'",
        "unit=res\"cue\"",
    ] {
        assert_eq!(said(0, &denied, line), Err("parameter-denied"), "{line}");
    }
    for line in [
        "a='systemd.debug_shell'",
        "'systemd.debug_shellx'",
        "it's",
        "'",
        "'\"\\",
    ] {
        assert_eq!(said(0, &denied, line), Ok(()), "{line}");
    }
    // What is allowed by its name keeps the quotes in its value.
    let listed = [rule(1, "note", 2, b"it's\0")];
    assert_eq!(said(1, &listed, "note=it's"), Ok(()));
    let forced = both(&rules([0x7f, 7, 5, 0], "note=it's panic=30", &[]));
    let verdict = |line: &str| verdict(&forced, &Build::signed(), line.as_bytes());
    assert_eq!(verdict("note=it's"), Ok(()));
    let refused = Err((Component::CommandLine, "parameter-forced"));
    assert_eq!(verdict("'panic'=0"), refused);
}

#[test]
fn white_space_of_the_kernels_own_kind_separates_parameters() {
    let deny = [rule(0, "acpi_rsdp", 0, b"")];
    let compact = both(&rules(ALL, "", &deny));
    let line = b"x\xa0acpi_rsdp=1";
    let denied = Err((Component::CommandLine, "parameter-denied"));
    assert_eq!(verdict(&compact, &Build::signed(), line), denied);
}

#[test]
fn forced_parameters_come_before_what_user_space_chose() {
    let signed = Build::signed();
    let line = |line| booted_line("lockdown=integrity panic=5", &signed, line);
    assert_eq!(line("ro").as_deref(), Ok("lockdown=integrity panic=5 ro"));
    assert_eq!(line("").as_deref(), Ok("lockdown=integrity panic=5"));
    // So that neither of these swallows them.
    assert_eq!(
        line("-- x").as_deref(),
        Ok("lockdown=integrity panic=5 -- x")
    );
    assert_eq!(
        line("a=\"b").as_deref(),
        Ok("lockdown=integrity panic=5 a=\"b")
    );
    assert_eq!(
        line("panic=5").as_deref(),
        Ok("lockdown=integrity panic=5 panic=5")
    );
}

#[test]
fn in_a_crash_forced_parameters_come_after_the_kernels_own() {
    let crash = Build::signed().crash();
    let line = |line| booted_line("nr_cpus=1", &crash, line);
    assert_eq!(
        line("elfcorehdr=0x1000 ro").as_deref(),
        Ok("elfcorehdr=0x1000 nr_cpus=1 ro")
    );
    assert_eq!(
        line("elfcorehdr=0x1000").as_deref(),
        Ok("elfcorehdr=0x1000 nr_cpus=1")
    );
    let both = "elfcorehdr=0x1000 dmcryptkeys=0x2000 ro";
    let expected = "elfcorehdr=0x1000 dmcryptkeys=0x2000 nr_cpus=1 ro";
    assert_eq!(line(both).as_deref(), Ok(expected));
}

#[test]
fn what_contradicts_a_forced_parameter_is_refused() {
    let signed = Build::signed();
    for line in ["panic=6", "panic", "\"panic=6\"", "ro panic=6 panic=5"] {
        let said = booted_line("panic=5", &signed, line);
        assert_eq!(said, Err("parameter-forced"), "{line}");
    }
}

#[test]
fn what_repeats_a_forced_parameter_needs_no_rule() {
    let compact = both(&rules([0x7f, 7, 5, 1], "panic=5 panic=6", &[]));
    let said = |line: &[u8]| verdict(&compact, &Build::signed(), line);
    assert_eq!(said(b"panic=5 panic=6"), Ok(()));
    let forced = Err((Component::CommandLine, "parameter-forced"));
    assert_eq!(said(b"panic=7"), forced);
}

#[test]
fn what_contradicts_a_forced_parameter_is_found_as_early_code_reads_it() {
    // cmdline_find_option in arch/x86/lib/cmdline.c takes the last one, as of mem_encrypt=.
    let signed = Build::signed();
    let said = |line| booted_line("mem_encrypt=on", &signed, line).map(|_| ());
    for line in [
        "x=\"a mem_encrypt=off b\"",
        "-- mem_encrypt=off",
        "x\u{1}mem_encrypt=off",
    ] {
        assert_eq!(said(line), Err("parameter-forced"), "{line}");
    }
    for line in ["x=\"a mem_encrypt=on b\"", "x=mem_encrypt=off"] {
        assert_eq!(said(line), Ok(()), "{line}");
    }
}

#[test]
fn forced_parameters_count_in_the_length() {
    let signed = Build::signed();
    let limit = CMDLINE_SIZE as usize;
    let room = "x".repeat(limit - "panic=5 ".len());
    assert!(booted_line("panic=5", &signed, &room).is_ok());
    let said = booted_line("panic=5", &signed, &format!("{room}x"));
    assert_eq!(said, Err("command-line-too-long"));
}

#[test]
fn what_is_recorded_is_what_is_booted() {
    let compact = both(&rules(ALL, "panic=5", &[]));
    under(&compact, &Build::signed(), b"ro", |decision| {
        let part = decision.parts.last().expect("the command line");
        assert_eq!(part.digest, sha256(b"panic=5 ro"));
        assert_eq!(decision.policy.digest, sha256(&compact));
        assert_eq!(decision.policy.name, "test");
    })
    .expect("accepted");
}

#[test]
fn the_kernels_own_elfcorehdr_is_told_apart_from_one_of_user_space() {
    let crash = Build::signed().crash();
    let stock = Policy::stock();
    let said = |line: &[u8]| verdict(stock.as_bytes(), &crash, line);
    let denied = Err((Component::CommandLine, "parameter-denied"));
    assert_eq!(said(b"elfcorehdr=0x1000 ro"), Ok(()));
    assert_eq!(said(b"elfcorehdr=0x1000 dmcryptkeys=0x2000 ro"), Ok(()));
    assert_eq!(said(b"elfcorehdr=0x1000 elfcorehdr=0x3000"), denied);
    assert_eq!(said(b"elfcorehdr=0x1000 ro \"elfcorehdr=0x3000\""), denied);
    assert_eq!(said(b"elfcorehdr=0x1000 ro dmcryptkeys=0x3000"), denied);
    // Not as the kernel writes it.
    assert_eq!(said(b"elfcorehdr=4K ro"), denied);
}

#[test]
fn an_unsigned_initrd_may_not_hide_parameters_in_its_end() {
    let stock = Policy::stock();
    let hidden = Err((Component::Initrd(0), "hidden-bootconfig"));
    // Linux passes over up to three bytes at the end, whatever they are.
    for after in ["", "\0", "\0\0\0", "X", "XY", "XYZ", "\nX", "\0X", "X\0"] {
        let initrd = format!("070701 kernel.init=/x#BOOTCONFIG\n{after}").into_bytes();
        let free = Build::signed().initrd(&initrd);
        assert_eq!(verdict(stock.as_bytes(), &free, b""), hidden);
        let signed = Build::signed().initrd(&initrd).signature(1, &initrd);
        assert_eq!(verdict(stock.as_bytes(), &signed, b""), Ok(()));
        let anything = accepting(ALL);
        assert_eq!(verdict(&anything, &free, b""), Ok(()));
    }
    let inside = Build::signed().initrd(b"#BOOTCONFIG\nmore");
    assert_eq!(verdict(stock.as_bytes(), &inside, b""), Ok(()));
}

#[test]
fn two_initrds_may_not_hide_parameters_in_the_end_of_both() {
    let stock = Policy::stock();
    let said = |initrds: &[&[u8]]| {
        let build = initrds
            .iter()
            .fold(Build::signed(), |build, it| build.initrd(it));
        verdict(stock.as_bytes(), &build, b"")
    };
    let hidden = |index| Err((Component::Initrd(index), "hidden-bootconfig"));
    assert_eq!(said(&[b"cpio#BOO", b"TCONFIG\n"]), hidden(1));
    assert_eq!(said(&[b"cpio#BOO", b"TCON", b"FIG\n", b"\0\0"]), hidden(3));
    assert_eq!(said(&[b"cpio#BOO", b"TCONFIG\nXYZ"]), hidden(1));
    assert_eq!(said(&[b"cpio#BOO", b"TCONFIG\n", b"XYZ"]), hidden(2));
    // Zeros come between, or what Linux looks at is something else.
    assert_eq!(said(&[b"cpio #BOO", b"TCONFIG\n"]), Ok(()));
    assert_eq!(said(&[b"cpio#BOO", b"TCONFIG\n", b"more"]), Ok(()));
    assert_eq!(said(&[]), Ok(()));
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

#[test]
fn acpi_tables_in_an_initrd_must_be_vouched_for_whatever_the_policy() {
    let table = file("kernel/firmware/acpi/ssdt.aml", b"SSDT");
    let microcode = file("kernel/x86/microcode/AuthenticAMD.bin", b"microcode");
    let free = Build::signed().initrd(&table);
    let signed = Build::signed().initrd(&table).signature(1, &table);
    let listed = Build::bare().initrd(&table).signed_manifest(&manifest(&[
        line("kernel", &small_image()),
        line("initrd", &table),
    ]));
    let anything = accepting(ALL);
    for policy in [Policy::stock().as_bytes(), &anything] {
        let refused = Err((Component::Initrd(0), "acpi-tables"));
        assert_eq!(verdict(policy, &free, b""), refused);
        assert_eq!(verdict(policy, &signed, b""), Ok(()));
        assert_eq!(verdict(policy, &listed, b""), Ok(()));
        let free = Build::signed().initrd(&microcode);
        assert_eq!(verdict(policy, &free, b""), Ok(()));
    }
}

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
        baton_formats::handover::Kind::Signature,
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
