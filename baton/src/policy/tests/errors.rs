//! Everything that isn't a policy.

use super::*;

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
        (
            "kernel.accept = []".into(),
            "kernel.accept: the list is empty",
        ),
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
            "crash.kernel.accept: the list is empty",
        ),
        ("crash.cmdline.normal-rules = 1".into(), "true or false"),
        ("preset = 'none'".into(), "kernel.accept must be set"),
        ("key = 1".into(), "a list in brackets"),
        ("key = [[1]]".into(), "a table: [[key]]"),
        ("refusal = ['halt', 5]".into(), "must be a table: [refusal]"),
        (
            "refusal.action = { halt = {} }".into(),
            "must be \"reset\" or \"halt\"",
        ),
        ("refusal.delay = -0".into(), "refusal.delay is -0"),
        (
            "kernel = [['uki']]".into(),
            "kernel is [['uki']]; it must be a table",
        ),
        (
            "[[key]]\nmay = ['kernel']".into(),
            "either \"certificate\" or \"key-sha256\"",
        ),
        (
            format!("{key}certificate = 'a'\nmay = ['kernel']"),
            "either \"certificate\" or \"key-sha256\"",
        ),
        ("[[key]]\nkey-sha256 = 'ab'".into(), "64 hexadecimal digits"),
        (
            format!("[[key]]\nkey-sha256 = '{}x'", "0".repeat(63)),
            "64 hexadecimal digits",
        ),
        (key.clone(), "\"key[0].may\" is missing"),
        (format!("{key}may = []"), "key[0].may: the list is empty"),
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
            "already named; merge the two",
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
        ("['a']", "it must be a rule"),
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
        ("{ allow = 'a', number = 1 }", "a list in brackets"),
        ("{ allow = 'a', number = [-1, 1] }", "a number from 0"),
        ("{ allow = 'a', with = '' }", "an item of a list"),
        ("{ allow = 'a', with = 'x,y' }", "no item of a list"),
        ("{ allow = 'a', all-of = ['x,y'] }", "no item of a list"),
        ("{ allow = 'a', all-of = [] }", "one value or more"),
        (
            "{ allow = 'a', with-prefix = '' }",
            "the beginning of a list's item",
        ),
        ("{ allow = 'a', with-prefix = 'x,y' }", "no item of a list"),
        (
            "{ allow = 'a', with = 'b', with-prefix = 'c' }",
            "at most one of",
        ),
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
    let count = usize::from(MAX_RULES) + preset::stock().normal.parameters.len();
    let sentence = format!("it has {count} parameter rules for a normal load; at most 256");
    assert!(why.contains(&sentence), "{why}");
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
