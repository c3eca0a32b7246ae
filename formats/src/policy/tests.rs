use super::*;
use crate::cmdline::parameters;
use crate::samples::{put32, with};
use crate::verdict::SignatureKind;
use baton_samples::policy::{every_part, policy, rule, rules, scope};

fn minimal(accepted: [u8; 4], forced: &str, parameters: &[Vec<u8>]) -> Vec<u8> {
    let crash = rules([1, 0, 0, 0], "", &[]);
    policy("", "", [&rules(accepted, forced, parameters), &crash], &[])
}

fn error(bytes: &[u8]) -> PolicyError {
    Policy::parse(bytes).unwrap_err()
}

fn error_with(change: impl FnOnce(&mut Vec<u8>)) -> PolicyError {
    error(&with(&every_part(), change))
}

/// Whether a rule for `name` and these values is about the first parameter of `line`.
fn is_about(name: &str, kind: u8, value: &[u8], line: &str) -> bool {
    action_is_about(1, name, kind, value, line)
}

fn denies(name: &str, kind: u8, value: &[u8], line: &str) -> bool {
    action_is_about(0, name, kind, value, line)
}

fn action_is_about(action: u8, name: &str, kind: u8, value: &[u8], line: &str) -> bool {
    let bytes = minimal([1, 0, 0, 0], "", &[rule(action, name, kind, value)]);
    let policy = Policy::parse(&bytes).unwrap();
    let rule = policy.normal.parameters().next().unwrap();
    rule.is_about(&parameters(line.as_bytes()).next().unwrap())
}

#[test]
fn reads_every_part() {
    let bytes = every_part();
    let policy = Policy::parse(&bytes).unwrap();
    assert_eq!(policy.refusal.action, RefusalAction::Halt);
    assert_eq!(
        (policy.refusal.delay_seconds, policy.name),
        (3, "every part")
    );
    assert!(policy.require_secure_boot);
    assert_eq!(policy.sbat_level, b"sbat,1,1\nlinux,2\n");
    assert_eq!(policy.as_bytes(), bytes);
    let rules = policy.rules(false);
    assert_eq!(rules.forced, b"panic=10 ro");
    assert!(rules.unlisted_denied && rules.nothing_for_init);
    let all: Vec<_> = rules.parameters().collect();
    assert_eq!(all.len(), 6);
    assert_eq!((all[0].action, all[0].name), (Action::Deny, &b"init"[..]));
    assert_eq!(all[3].value, Value::Number(16, 1024));
    let crash = policy.rules(true);
    assert!(!crash.unlisted_denied && !crash.nothing_for_init);
    assert_eq!(crash.parameters().count(), 0);
    let scopes: Vec<_> = policy.scopes().collect();
    assert_eq!(scopes[0].key, [1; 32]);
    assert!(scopes[0].allows(Purpose::Initrd) && scopes[0].allows(Purpose::Manifest));
    assert!(!scopes[0].allows(Purpose::Kernel) && !scopes[0].allows(Purpose::Addon));
    assert_eq!(scopes[1].sbat, Some(("linux", 3)));
}

#[test]
fn the_stock_policy_is_one() {
    let stock = Policy::stock();
    assert_eq!(stock.name, "stock");
    assert_eq!(stock.as_bytes(), STOCK);
    assert_eq!(stock.refusal, OnRefusal::default());
}

#[test]
fn only_a_policy_that_says_so_does_without_secure_boot() {
    let without = with(&every_part(), |it| it[20] = 0);
    assert!(!Policy::parse(&without).unwrap().require_secure_boot);
    assert!(Policy::stock().require_secure_boot && NOTHING.require_secure_boot);
}

#[test]
fn what_can_not_be_read_accepts_nothing() {
    for signature_kind in [
        SignatureKind::Unsigned,
        SignatureKind::Detached,
        SignatureKind::Manifest,
    ] {
        assert!(!NOTHING.normal.initrd.accept(signature_kind));
    }
    assert!(
        !NOTHING
            .normal
            .kernel
            .accept_kernel(SignatureKind::Authenticode, true)
    );
    let nothing = NOTHING.rules(true);
    assert!(nothing.unlisted_denied && nothing.parameters().next().is_none());
}

#[test]
fn refuses_every_truncation_and_every_byte_after_the_end() {
    let bytes = every_part();
    for len in 0..bytes.len() {
        let mut short = bytes[..len].to_vec();
        assert!(Policy::parse(&short).is_err(), "{len}");
        if len >= 16 {
            put32(&mut short, 12, len as u32);
            assert!(Policy::parse(&short).is_err(), "{len}, saying so");
        }
    }
    assert_eq!(
        error_with(|it| it.push(0)),
        PolicyError::Length(bytes.len() + 1)
    );
    let longer = |it: &mut Vec<u8>| {
        it.push(0);
        let len = it.len() as u32;
        put32(it, 12, len);
    };
    assert_eq!(error_with(longer), PolicyError::Trailing);
}

#[test]
fn refuses_a_header_that_it_does_not_know() {
    assert_eq!(error_with(|it| it[0] = b'b'), PolicyError::Magic);
    assert_eq!(error_with(|it| it[4] = 1), PolicyError::Version(1));
    assert_eq!(error_with(|it| it[6] = 2), PolicyError::RefusalAction(2));
    assert_eq!(
        error_with(|it| put32(it, 8, 3601)),
        PolicyError::RefusalDelay(3601)
    );
    assert_eq!(error_with(|it| it[20] = 2), PolicyError::Reserved);
    assert_eq!(error_with(|it| it[23] = 1), PolicyError::Reserved);
    assert_eq!(error_with(|it| it[24] = b'\n'), PolicyError::Name);
    assert_eq!(error_with(|it| it[24] = 0xff), PolicyError::Name);
    let long = policy(&"n".repeat(33), "", [&[], &[]], &[]);
    assert_eq!(error(&long), PolicyError::Name);
}

#[test]
fn refuses_what_it_does_not_know_how_to_accept() {
    let accepted = |bits| error(&minimal(bits, "", &[]));
    assert_eq!(accepted([0, 0, 0, 0]), PolicyError::Accepted(0));
    assert_eq!(accepted([0x80, 0, 0, 0]), PolicyError::Accepted(0x80));
    assert_eq!(accepted([1, 8, 0, 0]), PolicyError::Accepted(8));
    assert_eq!(accepted([1, 0, 2, 0]), PolicyError::Accepted(2));
    assert_eq!(accepted([1, 0, 0, 4]), PolicyError::Accepted(4));
}

#[test]
fn refuses_malformed_parameter_rules() {
    let refused = |rule: Vec<u8>| {
        assert_eq!(
            error(&minimal([1, 0, 0, 0], "", &[rule])),
            PolicyError::Rule(0)
        );
    };
    let number = [2_u64.to_le_bytes(), 1_u64.to_le_bytes()].concat();
    refused(rule(2, "a", 0, b""));
    refused(rule(0, "", 0, b""));
    refused(rule(0, "a", 0, b"x"));
    refused(rule(0, "a", 1, b"x"));
    refused(rule(0, "a", 2, b"x"));
    refused(rule(0, "a", 2, b""));
    refused(rule(0, "a", 3, &number));
    refused(rule(0, "a", 3, &number[..15]));
    refused(rule(0, "a", 4, b""));
    refused(rule(0, "a", 5, b"x"));
    refused(rule(0, "a", 6, b""));
    refused(rule(0, "a", 6, b"\0"));
    refused(rule(0, "a", 7, b""));
    refused(rule(0, "a", 7, b"x"));
    refused(with(&rule(0, "a", 0, b""), |it| it[3] = 1));
    let many = vec![rule(0, "a", 0, b""); 257];
    assert_eq!(
        error(&minimal([1, 0, 0, 0], "", &many)),
        PolicyError::RuleCount(257)
    );
}

#[test]
fn forced_parameters_are_printable_and_few() {
    let forced = |text: &str| Policy::parse(&minimal([1, 0, 0, 0], text, &[])).map(|_| ());
    assert_eq!(forced("a=b c"), Ok(()));
    assert_eq!(forced("a\nb"), Err(PolicyError::Forced));
    assert_eq!(forced("a\0"), Err(PolicyError::Forced));
    assert_eq!(forced(&"a".repeat(1025)), Err(PolicyError::Forced));
}

#[test]
fn refuses_malformed_scopes() {
    let normal = rules([1, 0, 0, 0], "", &[]);
    let with_scopes = |scopes: &[Vec<u8>]| error(&policy("", "", [&normal, &normal], scopes));
    assert_eq!(with_scopes(&[scope(0, 0, "", 0)]), PolicyError::Scope(0));
    assert_eq!(with_scopes(&[scope(0, 16, "", 0)]), PolicyError::Scope(0));
    assert_eq!(
        with_scopes(&[scope(0, 3, "linux", 1)]),
        PolicyError::Scope(0)
    );
    assert_eq!(with_scopes(&[scope(0, 1, "", 1)]), PolicyError::Reserved);
    let many = vec![scope(0, 1, "", 0); 65];
    assert_eq!(with_scopes(&many), PolicyError::Scope(65));
}

#[test]
fn a_uki_counts_as_any_signed_image_unless_ukis_alone_are_accepted() {
    let any = Accepted(KernelSignature::Authenticode as u8);
    let ukis = Accepted(KernelSignature::Uki as u8);
    assert!(
        any.accept_kernel(SignatureKind::Authenticode, true)
            && any.accept_kernel(SignatureKind::Authenticode, false)
    );
    assert!(ukis.accept_kernel(SignatureKind::Authenticode, true));
    assert!(!ukis.accept_kernel(SignatureKind::Authenticode, false));
    assert!(!ukis.accept_kernel(SignatureKind::ListedDigest, true));
    assert!(!Accepted(0x7f).accept_kernel(SignatureKind::Unsigned, true));
}

#[test]
fn a_rule_is_about_a_name_as_the_kernel_compares_it() {
    assert!(is_about(
        "module.sig-enforce",
        0,
        b"",
        "module.sig_enforce=0"
    ));
    assert!(is_about("systemd.*", 0, b"", "systemd.unit=x"));
    assert!(is_about("*", 0, b"", "anything"));
    assert!(is_about("init", 0, b"", "\"init=/bin/sh x\""));
    assert!(!is_about("init", 0, b"", "Init=x"));
    assert!(!is_about("init", 0, b"", "initrd=x"));
}

#[test]
fn a_rule_is_about_values_of_its_kind() {
    let number = [16_u64.to_le_bytes(), 4096_u64.to_le_bytes()].concat();
    for (kind, value, about, not_about) in [
        (1, &b""[..], &["a"][..], &["a=", "a=b"][..]),
        (
            2,
            b"x\0y z\0",
            &["a=x", "a=\"y z\""],
            &["a", "a=y", "a=X", "a="],
        ),
        (2, b"\0", &["a=", "a=\"\""], &["a", "a=x"]),
        (
            3,
            &number,
            &["a=16", "a=0x10", "a=4K", "a=4k"],
            &[
                "a=15", "a=5K", "a=020", "a=16x", "a=-1", "a=", "a", "a=+16", "a=0x1_0", "a=0x+10",
                "a=4KK", "a=K",
            ],
        ),
        (4, b"x", &["a=x", "a=y,x", "a=x,y"], &["a", "a=xy", "a=y"]),
        (
            5,
            b"x\0y\0",
            &["a=x", "a=y,x", "a=x,x"],
            &["a", "a=x,", "a=x,z"],
        ),
        (
            6,
            b"x:",
            &["a=x:", "a=x:y,z", "a=\"x: y\"", "a=y,x:z"],
            &["a", "a=", "a=x", "a=y,zx:", "a=X:", "ax:=x:"],
        ),
    ] {
        for line in about {
            assert!(is_about("a", kind, value, line), "{kind} {line}");
        }
        for line in not_about {
            assert!(!is_about("a", kind, value, line), "{kind} {line}");
        }
    }
}

#[test]
fn a_number_that_does_not_fit_is_none() {
    let all = [0_u64.to_le_bytes(), u64::MAX.to_le_bytes()].concat();
    assert!(is_about("a", 3, &all, "a=0xffffffffffffffff"));
    assert!(!is_about("a", 3, &all, "a=18446744073709551616"));
    assert!(is_about("a", 3, &all, "a=15E"));
    assert!(!is_about("a", 3, &all, "a=16E"));
    assert!(is_about("a", 3, &all, "a=0xe"));
}

#[test]
fn a_number_is_denied_however_the_kernel_may_read_it() {
    let small = [0_u64.to_le_bytes(), (256_u64 << 20).to_le_bytes()].concat();
    for line in [
        "mem=64M",
        "mem=0x4000000",
        "mem=0X4000000",
        "mem=0400000000",
        "mem=64M,",
        "mem=64MB",
        "mem=",
    ] {
        assert!(denies("mem", 3, &small, line), "{line}");
    }
    for line in ["mem", "mem=1073741824", "mem=0x40000000", "memory=64M"] {
        assert!(!denies("mem", 3, &small, line), "{line}");
    }
    // Whoever takes no unit reads 8K as 8, and whoever has room for 32 bits reads as many.
    let eight = [8_u64.to_le_bytes(), 15_u64.to_le_bytes()].concat();
    for line in [
        "loglevel=8",
        "loglevel=8K",
        "loglevel=4294967304",
        "loglevel=0x100000008",
    ] {
        assert!(denies("loglevel", 3, &eight, line), "{line}");
    }
    for line in ["loglevel=7", "loglevel=7K", "loglevel=0x100000007"] {
        assert!(!denies("loglevel", 3, &eight, line), "{line}");
    }
}

#[test]
fn what_the_kernel_takes_by_its_beginning_is_denied_with_a_value_too() {
    for line in ["noinitrd", "noinitrdx", "noinitrd=1", "noinitrdx=1"] {
        assert!(denies("noinitrd", 1, b"", line), "{line}");
    }
    for name in ["noini*", "noinitrd*"] {
        assert!(denies(name, 1, b"", "noinitrdx=1"), "{name}");
    }
    assert!(denies("quiet", 1, b"", "quiet"));
    assert!(!denies("quiet", 1, b"", "quiet=1"));
}
