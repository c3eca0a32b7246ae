//! What a policy says of command lines: rules about parameters, and those that it forces.

use super::*;

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
