//! TOML to bytes and back, and everything that isn't a policy.

use super::model::{Policy, Values};
use super::source::Source;
use super::*;
use baton_formats::policy::{MAX_RULES, Purpose, RefusalAction};

/// A policy with every part.
const EVERY_PART: &str = r#"
preset = "sealed"
name = "every part"
[refusal]
action = "halt"
delay = 0
[sbat]
minimum = { "systemd" = 1, linux = 2 }
[kernel]
accept = ["uki", "note"]
[initrd]
accept = ["detached"]
[cmdline]
accept = []
unlisted = "deny"
init-arguments = "deny"
force = ["module.sig_enforce=1", "dyndbg=\"file a +p\"", "ro"]
rules = [
  { allow = "module.sig_enforce" },
  { deny = "init" },
  { allow = "quiet", value = false },
  { allow = "lockdown", one-of = ["integrity", "confidentiality", "", "a b"] },
  { allow = "loglevel", number = [0, 7] },
  { allow = "mem", number = [0x10, 18446744073709551615] },
  { allow = "lsm", with = "lockdown" },
  { allow = "console", all-of = ["ttyS0", "115200n8", ""] },
  { deny = "systemd.*" },
  { allow = "*", value = false },
]
[crash.kernel]
accept = ["authenticode"]
[crash.initrd]
accept = ["unsigned"]
[crash.cmdline]
accept = ["unsigned"]
unlisted = "allow"
init-arguments = "allow"
force = []
rules = [{ allow = "nr_cpus", number = [1, 2] }]
[[key]]
key-sha256 = "00112233445566778899aabbccddeeff00112233445566778899AABBCCDDEEFF"
may = ["initrd", "manifest", "addon"]
[[key]]
key-sha256 = "1111111111111111111111111111111111111111111111111111111111111111"
may = ["kernel"]
sbat = { component = "linux", generation = 4294967295 }
"#;

fn read(text: &str) -> Source {
    source::read(text, Path::new("")).unwrap_or_else(|problem| panic!("{problem}\n{text}"))
}

fn compiled_text(text: &str) -> Vec<u8> {
    compact::write(&read(text).policy).unwrap()
}

/// What is said of a text that is no policy.
fn refused(text: &str) -> String {
    compile(text, Path::new("p.toml")).unwrap_err().message
}

fn assert_round_trip(policy: &Policy) {
    let bytes = compact::write(policy).unwrap();
    let back = compact::read(&Compact::parse(&bytes).unwrap()).unwrap();
    assert_eq!(&back, policy);
    let text = canonical::write(policy);
    assert_eq!(&read(&text).policy, policy, "{text}");
    assert_eq!(canonical::write(&back), text);
}

#[test]
fn the_stock_policy_in_formats_is_the_preset() {
    let bytes = compact::write(&preset::stock()).unwrap();
    if std::env::var_os("BATON_BLESS").is_some() {
        let path = concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/../formats/src/policy/stock.bin"
        );
        std::fs::write(path, &bytes).unwrap();
    }
    assert!(
        Compact::stock().as_bytes() == bytes,
        "BATON_BLESS=1 cargo test -p baton makes formats/src/policy/stock.bin anew"
    );
}

#[test]
fn every_preset_can_be_read_and_says_its_name() {
    for name in preset::NAMES {
        let source = read(preset::text(name).unwrap());
        assert_eq!(source.policy.name, name);
        assert_eq!(source.policy.crash, source.policy.normal, "a base for both");
        let bytes = compact::write(&source.policy).unwrap();
        assert_eq!(
            preset::name_of(&Compact::parse(&bytes).unwrap()),
            Some(name)
        );
        assert_eq!(warnings(&source), [""; 0], "{name}");
        assert_round_trip(&source.policy);
    }
    assert!(preset::named("none").is_none() && preset::text("other").is_none());
}

#[test]
fn every_part_survives_the_round_trip() {
    let policy = read(EVERY_PART).policy;
    assert_round_trip(&policy);
    let alone = EVERY_PART.replace("force = []", "force = []\nnormal-rules = false");
    let alone = read(&alone).policy;
    assert_eq!(alone.crash.parameters.len(), 1);
    assert_round_trip(&alone);
    assert!(canonical::write(&alone).contains("normal-rules = false"));
}

#[test]
fn every_part_is_in_the_compact_form() {
    let bytes = compiled_text(EVERY_PART);
    let policy = Compact::parse(&bytes).unwrap();
    assert_eq!(policy.refusal.action, RefusalAction::Halt);
    assert_eq!(
        (policy.refusal.delay_seconds, policy.name),
        (0, "every part")
    );
    assert_eq!(policy.sbat_level, b"sbat,1,1\nlinux,2\nsystemd,1\n");
    assert_eq!(
        policy.normal.forced,
        b"module.sig_enforce=1 dyndbg=\"file a +p\" ro"
    );
    assert!(policy.normal.unlisted_denied && policy.normal.nothing_for_init);
    assert!(!policy.crash.unlisted_denied && !policy.crash.nothing_for_init);
    assert_eq!(
        (policy.normal.kernel.0, policy.crash.kernel.0),
        (0x12, 0x01)
    );
    let scopes: Vec<_> = policy.scopes().collect();
    assert_eq!(scopes[0].key[..3], [0, 0x11, 0x22]);
    assert!(!scopes[0].allows(Purpose::Kernel) && scopes[0].allows(Purpose::Addon));
    assert_eq!(scopes[1].sbat, Some(("linux", u32::MAX)));
}

#[test]
fn an_empty_policy_is_stock_to_the_byte() {
    assert_eq!(compiled_text(""), Compact::stock().as_bytes());
    assert_eq!(
        compiled_text("preset = 'stock'"),
        Compact::stock().as_bytes()
    );
    assert_eq!(compiled_text("# nothing\n"), Compact::stock().as_bytes());
}

#[test]
fn a_policy_has_its_presets_name_only_as_long_as_it_is_that() {
    assert_eq!(read("preset = 'sealed'").policy.name, "sealed");
    assert_eq!(read("[refusal]\ndelay = 10").policy.name, "");
    assert_eq!(read("name = 'fleet'").policy.name, "fleet");
}

#[test]
fn what_is_not_said_is_as_in_the_preset() {
    let stock = preset::stock();
    let policy = read("[refusal]\ndelay = 3").policy;
    assert_eq!(
        (policy.refusal.delay_seconds, policy.refusal.action),
        (3, RefusalAction::Reset)
    );
    assert_eq!(
        (&policy.normal, &policy.crash),
        (&stock.normal, &stock.crash)
    );
    let sealed = read("preset = 'sealed'\n[initrd]\naccept = ['unsigned']").policy;
    assert_eq!((sealed.normal.kernel, sealed.normal.initrd), (0x42, 1));
}

#[test]
fn ones_own_rules_come_before_those_of_the_preset() {
    let source = read("[cmdline]\nrules = [{ allow = 'a' }, { deny = 'b' }]");
    let rules = &source.policy.normal.parameters;
    assert_eq!((rules[0].name.as_str(), rules[1].name.as_str()), ("a", "b"));
    assert_eq!(rules[2..], preset::stock().normal.parameters[..]);
    assert_eq!((source.own_rules, source.own_crash_rules), (2, 0));
}

#[test]
fn what_is_not_said_of_crash_loads_is_as_for_normal_ones() {
    let text = "kernel.accept = ['uki']\ncmdline.rules = [{ deny = 'a' }]\n[crash.cmdline]\nrules = [{ allow = 'a' }]";
    let source = read(text);
    let policy = &source.policy;
    assert_eq!(policy.crash.kernel, policy.normal.kernel);
    assert_eq!(
        policy.crash.parameters.len(),
        policy.normal.parameters.len() + 1
    );
    assert_eq!(policy.crash.parameters[1..], policy.normal.parameters[..]);
    assert_eq!((source.own_rules, source.own_crash_rules), (1, 1));
}

#[test]
fn a_crash_load_can_have_rules_of_its_own_alone() {
    let source = read("[crash.cmdline]\nnormal-rules = false\nrules = [{ allow = 'a' }]");
    assert_eq!(source.policy.crash.parameters.len(), 1);
    assert_eq!(source.own_crash_rules, 1);
    let why = refused("[cmdline]\nnormal-rules = false");
    assert!(
        why.contains("unknown key \"cmdline.normal-rules\""),
        "{why}"
    );
}

#[test]
fn an_unknown_key_is_named_with_its_line_and_those_that_are_known() {
    for (text, line, key, known) in [
        ("a = 1", 1, "a", "preset, name"),
        ("\n[refusal]\nwait = 1", 3, "refusal.wait", "action, delay"),
        ("[refusals]", 1, "refusals", "refusal"),
        ("[sbat]\nminimal = {}", 2, "sbat.minimal", "minimum"),
        ("[kernel]\nallow = []", 2, "kernel.allow", "accept"),
        ("[initrd]\nallow = []", 2, "initrd.allow", "accept"),
        ("[cmdline]\nx = 1", 2, "cmdline.x", "unlisted"),
        (
            "[crash]\nrefusal = 1",
            2,
            "crash.refusal",
            "kernel, initrd, cmdline",
        ),
        (
            "[crash.cmdline]\nx = 1",
            2,
            "crash.cmdline.x",
            "normal-rules",
        ),
        ("[[key]]\nname = 1", 2, "key[0].name", "certificate"),
        (
            "cmdline.rules = [\n {},\n { deny = 'a', is = 1 }]",
            2,
            "",
            "allow",
        ),
        (
            "cmdline.rules = [\n { deny = 'a', is = 1 }]",
            2,
            "cmdline.rules[0].is",
            "one-of",
        ),
        ("[[key]]\nkey-sha256 = ''\nsbat.x = 1", 2, "", "64"),
    ] {
        let why = refused(text);
        assert!(why.starts_with(&format!("p.toml: line {line}: ")), "{why}");
        assert!(
            key.is_empty() || why.contains(&format!("unknown key \"{key}\"")),
            "{why}"
        );
        assert!(why.contains(known), "{why}");
        assert_eq!(why.lines().count(), 1, "{why}");
    }
}

#[test]
fn a_value_that_can_not_be_is_named_with_its_key_and_what_it_must_be() {
    let zeros = "0".repeat(64);
    let key = format!("[[key]]\nkey-sha256 = '{zeros}'\n");
    for (text, part) in [
        (
            "preset = 'best'".into(),
            "preset is 'best'; it must be \"stock\", \"signed-initrd\"",
        ),
        ("preset = 1".into(), "preset is 1; it must be a text"),
        (format!("name = '{}'", "n".repeat(33)), "at most 32 bytes"),
        ("name = \"a\\n\"".into(), "control characters"),
        (
            "refusal = 1".into(),
            "refusal is 1; it must be a table: [refusal]",
        ),
        (
            "refusal.action = 'boot'".into(),
            "must be \"reset\" or \"halt\"",
        ),
        ("refusal.action = 1".into(), "refusal.action is 1"),
        ("refusal.delay = 3601".into(), "a number from 0 to 3600"),
        ("refusal.delay = -1".into(), "refusal.delay is -1"),
        ("refusal.delay = 1.5".into(), "refusal.delay is 1.5"),
        (
            "sbat.minimum = 1".into(),
            "sbat.minimum is 1; it must be a table",
        ),
        (
            "sbat.minimum = { linux = 0 }".into(),
            "a number from 1 to 4294967295",
        ),
        (
            "sbat.minimum = { linux = 4294967296 }".into(),
            "sbat.minimum.linux",
        ),
        ("sbat.minimum = { 'a,b' = 1 }".into(), "component of SBAT"),
        ("sbat.minimum = { 'a b' = 1 }".into(), "component of SBAT"),
        ("sbat.minimum = { '' = 1 }".into(), "component of SBAT"),
        (
            "sbat.minimum = { \"a\\n\" = 1 }".into(),
            "component of SBAT",
        ),
        (
            "sbat.minimum = { sbat = 1 }".into(),
            "SBAT's own generation",
        ),
        ("kernel.accept = []".into(), "kernel.accept is empty"),
        (
            "kernel.accept = ['all']".into(),
            "kernel.accept[0] is 'all'; it must be \"authenticode\"",
        ),
        ("kernel.accept = 'uki'".into(), "a list in brackets"),
        (
            "initrd.accept = ['uki']".into(),
            "must be \"unsigned\" or \"detached\" or \"manifest\"",
        ),
        (
            "cmdline.accept = ['detached']".into(),
            "must be \"unsigned\" or \"manifest\"",
        ),
        (
            "cmdline.unlisted = true".into(),
            "must be \"allow\" or \"deny\"",
        ),
        (
            "cmdline.init-arguments = 'no'".into(),
            "must be \"allow\" or \"deny\"",
        ),
        (
            "crash.kernel.accept = []".into(),
            "crash.kernel.accept is empty",
        ),
        ("crash.cmdline.normal-rules = 1".into(), "true or false"),
        ("preset = 'none'".into(), "kernel.accept must be said"),
        ("key = 1".into(), "[[key]]"),
        (
            "[[key]]\nmay = ['kernel']".into(),
            "either \"certificate\" or \"key-sha256\"",
        ),
        (
            format!("{key}certificate = 'a'"),
            "either \"certificate\" or \"key-sha256\"",
        ),
        ("[[key]]\nkey-sha256 = 'ab'".into(), "64 hexadecimal digits"),
        (
            format!("[[key]]\nkey-sha256 = '{}x'", "0".repeat(63)),
            "64 hexadecimal digits",
        ),
        (key.clone(), "\"key[0].may\" is missing"),
        (format!("{key}may = []"), "key[0].may is empty"),
        (
            format!("{key}may = ['all']"),
            "must be \"kernel\" or \"initrd\"",
        ),
        (
            format!(
                "{key}may = ['kernel', 'initrd']\nsbat = {{ component = 'linux', generation = 2 }}"
            ),
            "[\"kernel\"] alone",
        ),
        (
            format!("{key}may = ['kernel']\nsbat = {{ component = 'linux' }}"),
            "\"key[0].sbat.generation\" is missing",
        ),
        (
            format!("{key}may = ['kernel']\nsbat = {{ component = 'a b', generation = 2 }}"),
            "component of SBAT",
        ),
        (
            format!("{key}may = ['kernel']\n{key}may = ['initrd']"),
            "named before; join the two",
        ),
        (
            "[[key]]\ncertificate = 'missing.pem'\nmay = ['kernel']".into(),
            "missing.pem",
        ),
        ("[refusal]\n\ndelay = = 1".into(), "line 3: not TOML"),
        ("name = 'a'\nname = 'b'".into(), "line 2: not TOML"),
    ] {
        let why = refused(&text);
        assert!(why.contains(part), "{text}: {why}");
        assert!(why.starts_with("p.toml: "), "{why}");
        assert_eq!(why.lines().count(), 1, "{why}");
    }
}

#[test]
fn a_rule_that_can_not_be_is_refused() {
    for (rule, part) in [
        ("1", "it must be a rule"),
        ("{}", "either \"allow\" or \"deny\""),
        (
            "{ allow = 'a', deny = 'a' }",
            "either \"allow\" or \"deny\"",
        ),
        ("{ allow = '' }", "1 to 255 bytes"),
        ("{ allow = 'a=b' }", "without = and value"),
        ("{ allow = 'a b' }", "a parameter's name"),
        ("{ allow = 'a*b' }", "* may end it"),
        ("{ allow = 'a\"' }", "a parameter's name"),
        ("{ allow = 1 }", "a text in quotes"),
        ("{ allow = 'a', value = true }", "it must be false"),
        ("{ allow = 'a', value = 'x' }", "it must be false"),
        (
            "{ allow = 'a', value = false, with = 'x' }",
            "at most one of",
        ),
        ("{ allow = 'a', one-of = [] }", "one value or more"),
        ("{ allow = 'a', one-of = 'x' }", "a list in brackets"),
        ("{ allow = 'a', one-of = [\"\\u0000\"] }", "without NUL"),
        ("{ allow = 'a', number = [1] }", "the least and the most"),
        ("{ allow = 'a', number = [2, 1] }", "the least and the most"),
        ("{ allow = 'a', number = 1 }", "the least and the most"),
        ("{ allow = 'a', number = [-1, 1] }", "a number from 0"),
        ("{ allow = 'a', with = '' }", "an item of a list"),
        ("{ allow = 'a', with = 'x,y' }", "no item of a list"),
        ("{ allow = 'a', all-of = ['x,y'] }", "no item of a list"),
        ("{ allow = 'a', all-of = [] }", "one value or more"),
    ] {
        let why = refused(&format!("[cmdline]\nrules = [{rule}]"));
        assert!(why.contains(part), "{rule}: {why}");
        assert!(why.starts_with("p.toml: line 2: cmdline.rules[0]"), "{why}");
    }
}

#[test]
fn a_forced_parameter_is_one_parameter_of_the_kernels() {
    for (parameter, part) in [
        ("'a b'", "one parameter"),
        ("' a'", "one parameter"),
        ("''", "one parameter"),
        ("'--'", "ends the kernel's parameters"),
        ("'a=\"b'", "leaves a quote open"),
        ("\"a\\tb\"", "printable ASCII"),
        ("'ä'", "printable ASCII"),
        ("1", "a text in quotes"),
    ] {
        let why = refused(&format!("[cmdline]\nforce = [{parameter}]"));
        assert!(why.contains(part), "{parameter}: {why}");
        assert!(why.starts_with("p.toml: line 2: cmdline.force[0]"), "{why}");
    }
}

#[test]
fn a_forced_parameter_must_not_be_denied_by_the_same_policy() {
    let why = refused("[cmdline]\nforce = ['acpi_rsdp=1']");
    assert!(why.contains("cmdline.force has \"acpi_rsdp=1\""), "{why}");
    let why = refused("[crash.cmdline]\nforce = ['ro', 'a']\nrules = [{ deny = 'a' }]");
    assert!(why.contains("crash.cmdline.force has \"a\""), "{why}");
    let allowed =
        "[cmdline]\nforce = ['a=1']\nrules = [{ allow = 'a', one-of = ['1'] }, { deny = 'a' }]";
    assert!(compile(allowed, Path::new("p.toml")).is_ok());
    // That no rule is about it only means that user space need not repeat it.
    assert!(
        compile(
            "[cmdline]\nunlisted = 'deny'\nforce = ['a']",
            Path::new("p")
        )
        .is_ok()
    );
}

#[test]
fn there_is_an_end_to_rules_and_forced_parameters() {
    let rule = "{ deny = 'a' },".repeat(usize::from(MAX_RULES));
    let why = refused(&format!("[cmdline]\nrules = [{rule}]"));
    assert!(
        why.contains("it has 263 parameter rules for a normal load; at most 256"),
        "{why}"
    );
    let why = refused(&format!("[crash.cmdline]\nrules = [{rule}]"));
    assert!(why.contains("for a crash load"), "{why}");
    let why = refused(&format!("[cmdline]\nforce = ['{}']", "a".repeat(1025)));
    assert!(why.contains("1025 bytes of forced parameters"), "{why}");
    let value = "x".repeat(40_000);
    let why = refused(&format!(
        "[cmdline]\nrules = [{{ deny = 'a', one-of = ['{value}', '{value}'] }}]"
    ));
    assert!(why.contains("over 65535 bytes"), "{why}");
    let why = refused(&format!(
        "[cmdline]\nrules = [{{ deny = 'a', one-of = ['{value}'] }}]"
    ));
    assert!(why.contains("over 65536 bytes in compact form"), "{why}");
    let key = |n: usize| format!("[[key]]\nkey-sha256 = '{n:064}'\nmay = ['kernel']\n");
    let why = refused(&(0..65).map(key).collect::<String>());
    assert!(why.contains("65 keys; at most 64"), "{why}");
}

#[test]
fn a_policy_that_toml_can_not_say_is_not_shown_otherwise_than_it_is() {
    let mut bytes = compiled_text("[cmdline]\nforce = ['a', 'b']");
    let at = bytes.windows(3).position(|it| it == b"a b").unwrap();
    bytes[at..at + 3].copy_from_slice(b"a  ");
    let policy = Compact::parse(&bytes).unwrap();
    assert!(
        compact::read(&policy)
            .unwrap_err()
            .contains("another program")
    );
    bytes[at] = b'"';
    assert!(compact::read(&Compact::parse(&bytes).unwrap()).is_ok());
}

#[test]
fn json_says_what_the_toml_says() {
    let json = canonical::json(&read(EVERY_PART).policy);
    assert_eq!(json["cmdline"]["rules"][2]["allow"], "quiet");
    assert_eq!(json["cmdline"]["rules"][2]["value"], false);
    assert_eq!(json["cmdline"]["rules"][5]["number"][1], u64::MAX);
    assert_eq!(json["sbat"]["minimum"]["linux"], 2);
    assert_eq!(json["key"][1]["sbat"]["generation"], u32::MAX);
}

#[test]
fn rules_that_can_never_fit_are_warned_of() {
    let source = read(
        "cmdline.rules = [{ deny = 'a*' }, { allow = 'abc' }]\n[crash.cmdline]\nrules = [{ deny = 'x' }, { deny = 'x' }]",
    );
    assert_eq!(
        warnings(&source),
        [
            "cmdline.rules[1] can never fit: cmdline.rules[0] comes before it and takes all that it is about",
            "crash.cmdline.rules[1] can never fit: crash.cmdline.rules[0] comes before it and takes all that it is about",
        ]
    );
}

#[test]
fn each_kind_of_rule_has_its_sentence() {
    let rules = &read(EVERY_PART).policy.normal.parameters;
    let said: Vec<_> = rules[1..10].iter().map(explain::rule).collect();
    assert_eq!(
        said,
        [
            "denies \"init\", with any value or none",
            "allows \"quiet\" without a value",
            "allows \"lockdown\" with the value \"integrity\", \"confidentiality\", \"\" or \"a b\"",
            "allows \"loglevel\" with a number from 0 to 7",
            "allows \"mem\" with a number from 16 to 18446744073709551615",
            "allows \"lsm\" with a list that has \"lockdown\" in it",
            "allows \"console\" with a list of nothing but \"ttyS0\", \"115200n8\" and \"\"",
            "denies every parameter whose name begins with \"systemd.\", with any value or none",
            "allows every parameter without a value",
        ]
    );
}

#[test]
fn a_policy_is_said_in_sentences() {
    let policy = read(EVERY_PART).policy;
    let said = explain::sentences(&policy, false);
    for sentence in [
        "A refusal halts the machine at once.",
        "An image that names the SBAT component \"linux\" must be of generation 2 or newer.",
        "A kernel must be vouched for by an Authenticode signature on a UKI or a signature in an ELF note.",
        "An initrd may be part of a UKI or with a detached signature.",
        "The command line must be that of a UKI.",
        "Added to the command line, which must not say otherwise: \"module.sig_enforce=1\", \"dyndbg=\"file a +p\"\" and \"ro\".",
        "The first rule that fits counts; what no rule is about is denied.",
        "What follows a lone -- is init's, and denied.",
        "The key with SHA-256 1111111111111111111111111111111111111111111111111111111111111111 may vouch for nothing but kernels, and only if they name the SBAT component \"linux\" of generation 4294967295 or newer.",
    ] {
        assert!(
            said.iter().any(|it| it == sentence),
            "{sentence}\n{said:#?}"
        );
    }
    let crash = explain::sentences(&policy, true);
    assert!(crash.contains(&"Rule 1: allows \"nr_cpus\" with a number from 1 to 2.".to_owned()));
}

/// Whether a preset lets this command line through.
fn allows(preset: &str, line: &str) -> bool {
    let bytes = compact::write(&preset::named(preset).unwrap()).unwrap();
    let policy = Compact::parse(&bytes).unwrap();
    let decisions = explain::decisions(line.as_bytes(), &policy.normal);
    decisions.iter().all(|it| it.action == Action::Allow)
}

#[test]
fn stock_denies_what_undoes_a_verdict_and_nothing_else() {
    for line in [
        "elfcorehdr=0x1000",
        "quiet \"elfcorehdr=1\"",
        "dmcryptkeys=1",
        "initrdmem=0x1000,0x1000",
        "\"a acpi_rsdp=0x1\"",
        "bootconfig",
        "lsm=apparmor",
        "lsm=",
        "ro -- acpi_rsdp=1",
    ] {
        assert!(!allows("stock", line), "{line}");
        assert!(!allows("signed-initrd", line), "{line}");
        assert!(!allows("sealed", line), "{line}");
    }
    let line =
        "root=/dev/sda ro quiet init=/bin/sh console=uart8250,mmio,0x1 lsm=lockdown,yama -- x";
    assert!(allows("stock", line));
}

#[test]
fn signed_initrd_denies_what_runs_something_else() {
    for line in [
        "init=/bin/sh",
        "rdinit=/x",
        "noinitrd",
        "initrd=0x1000,0x1000",
        "rd.break",
        "rd.break=pre-mount",
        "systemd.debug_shell",
        "systemd.debug-shell=1",
        "rd.systemd.debug_shell=1",
        "rd.systemd.break=pre-mount",
    ] {
        assert!(!allows("signed-initrd", line), "{line}");
    }
    assert!(allows(
        "signed-initrd",
        "root=UUID=1 ro quiet splash systemd.unit=x"
    ));
}

#[test]
fn signed_initrd_denies_consoles_at_addresses_of_memory() {
    for value in [
        "uart8250,mmio,0xfee00000",
        "uart8250,mmio16,0xfee00000",
        "uart8250,mmio32,0xfee00000,115200n8",
        "uart8250,mmio32be,0x1000000",
        "uart8250,mmio32native,0x1000000",
        // Without a kind it is memory, too; and nothing looks at what follows the address.
        "uart8250,0x1000000",
        "uart8250,0x1000000,io",
        "uart8250,mmio,0x1000000,io,0x3f8",
        "amba-pl011,0x1000000",
        "mmio32,0x1000000",
    ] {
        for name in ["console", "earlycon", "earlyprintk"] {
            let line = format!("{name}={value}");
            assert!(!allows("signed-initrd", &line), "{line}");
        }
    }
    assert!(!allows("signed-initrd", "earlyprintk=xmmio32,0x1000000"));
    for line in [
        "console=ttyS0",
        "console=ttyS0,115200n8 console=tty0",
        "console=uart8250,io,0x3f8,115200n8",
        "earlycon",
        "earlycon=uart8250,io,0x3f8,115200n8",
        "earlyprintk",
        "earlyprintk=serial,ttyS0,115200,keep",
    ] {
        assert!(allows("signed-initrd", line), "{line}");
    }
}

#[test]
fn what_only_early_code_sees_is_said_to_be_so() {
    let bytes = compiled_text("");
    let policy = Compact::parse(&bytes).unwrap();
    let said = explain::decisions(b"a=\"b acpi_rsdp=1\"", &policy.normal);
    assert_eq!(said.len(), 2);
    assert_eq!(
        (said[0].action, said[0].why.as_str()),
        (Action::Allow, "no rule is about it")
    );
    assert_eq!(said[1].parameter, "acpi_rsdp=1\"");
    assert!(
        said[1].why.contains("rule 4 denies \"acpi_rsdp\""),
        "{}",
        said[1].why
    );
    assert!(said[1].why.contains("early"), "{}", said[1].why);
    let once = explain::decisions(b"acpi_rsdp=1", &policy.normal);
    assert_eq!(once.len(), 1, "not told twice");
}

#[test]
fn a_values_texts_may_be_anything_that_toml_can_say() {
    let text = "[cmdline]\nrules = [{ allow = \"a'\", one-of = [\"\\\"\", \"'\", \"\\\\\", \"\\n\", \"ä\", \"'''\\\"\"] }]";
    let policy = read(text).policy;
    let Values::OneOf(texts) = &policy.normal.parameters[0].value else {
        panic!("{policy:?}");
    };
    assert_eq!(texts.len(), 6);
    assert_round_trip(&policy);
}

#[test]
fn the_examples_of_the_documentation_are_policies() {
    let text = include_str!("../../../docs/policy.md");
    let blocks: Vec<_> = text.split("```toml\n").skip(1).collect();
    assert!(blocks.len() >= 5, "{}", blocks.len());
    for block in blocks {
        let (example, _) = block.split_once("```").unwrap();
        // Certificates lie with whoever has them.
        let sha256 = format!("key-sha256 = \"{:064}\"", example.len());
        let example = example.replace("certificate = \"release.pem\"", &sha256);
        let example = example.replace(
            "certificate = \"dracut.pem\"",
            &format!("key-sha256 = \"{:064}\"", 1),
        );
        compile(&example, Path::new("docs/policy.md")).unwrap_or_else(|e| panic!("{e}\n{example}"));
    }
}

#[test]
fn the_documentation_names_every_word() {
    let text = include_str!("../../../docs/policy.md");
    let known = [
        &model::KERNEL_WAYS[..],
        &model::INITRD_WAYS,
        &model::COMMAND_LINE_WAYS,
        &model::PURPOSES,
    ];
    for (_, word, _) in known.concat() {
        assert!(text.contains(&format!("`{word}`")), "{word}");
    }
    for preset in preset::NAMES {
        assert!(text.contains(&format!("`{preset}`")), "{preset}");
    }
}
