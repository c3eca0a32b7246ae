//! TOML to bytes and back.

mod errors;
mod parameters;
mod said;

use super::given::{compile, compiled};
use super::model::{Policy, Values};
use super::source::PolicySource;
use super::warnings::warnings;
use super::*;
use baton_formats::policy::{Action, MAX_RULES, Policy as Compact, Purpose, RefusalAction};
use std::path::Path;

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
  { allow = "video", with-prefix = "efifb:" },
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

fn read(text: &str) -> PolicySource {
    source::read(text, Path::new("")).unwrap_or_else(|problem| panic!("{problem}\n{text}"))
}

fn compiled_text(text: &str) -> Vec<u8> {
    compact::write(&read(text).policy).unwrap()
}

/// What is said of a text that is no policy.
fn refused(text: &str) -> String {
    compile(text, Path::new("p.toml")).unwrap_err().to_string()
}

fn assert_round_trip(policy: &Policy) {
    let bytes = compact::write(policy).unwrap();
    let back = compact::read(&Compact::parse(&bytes).unwrap()).unwrap();
    assert_eq!(&back, policy);
    let text = canonical::write(policy).unwrap();
    assert_eq!(&read(&text).policy, policy, "{text}");
    assert_eq!(canonical::write(&back).unwrap(), text);
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
    let shown = canonical::write(&alone).unwrap();
    assert!(shown.contains("normal-rules = false"));
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
    let (kernel, initrd) = (sealed.normal.kernel, sealed.normal.initrd);
    assert_eq!((kernel.bits(), initrd.bits()), (0x42, 1));
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
        why.contains("line 2: cmdline.normal-rules is about crash loads"),
        "{why}"
    );
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
    let json = canonical::json(&read(EVERY_PART).policy).unwrap();
    assert_eq!(json["cmdline"]["rules"][2]["allow"], "quiet");
    assert_eq!(json["cmdline"]["rules"][2]["value"], false);
    assert_eq!(json["cmdline"]["rules"][5]["number"][1], u64::MAX);
    assert_eq!(json["sbat"]["minimum"]["linux"], 2);
    assert_eq!(json["key"][1]["sbat"]["generation"], u32::MAX);
}
