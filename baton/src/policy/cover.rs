//! Which rule makes another one superfluous, and what a policy allows that the stock one denies.

use super::model::{Policy, Rule, Rules, Values};
use super::preset;
use baton_formats::cmdline::{reaches, same_name, starts_with_name};
use baton_formats::policy::{Action, InputSignature};

/// The names that a rule is about, as `ParameterRule::is_about` in formats takes them.
struct Names<'r> {
    start: &'r [u8],
    /// Whether longer ones are meant, too: by a `*`, or since what denies a parameter that the kernel takes
    /// by its beginning denies all that reaches it.
    and_longer: bool,
}

impl<'r> Names<'r> {
    fn of(rule: &'r Rule) -> Self {
        let name = rule.name.as_bytes();
        let stem = name.strip_suffix(b"*");
        let by_beginning = || rule.action == Action::Deny && reaches(&[name, b"x"].concat(), name);
        Names {
            start: stem.unwrap_or(name),
            and_longer: stem.is_some() || by_beginning(),
        }
    }

    fn hold(&self, other: &Names<'_>) -> bool {
        if self.and_longer {
            starts_with_name(other.start, self.start)
        } else {
            !other.and_longer && same_name(self.start, other.start)
        }
    }
}

/// Whether `one` is about everything that `other` is about.
#[must_use]
pub fn covers(one: &Rule, other: &Rule) -> bool {
    Names::of(one).hold(&Names::of(other)) && covers_values(&one.value, &other.value)
}

fn covers_values(one: &Values, other: &Values) -> bool {
    let item = |text: &String, item: &String| text.split(',').any(|it| it == item);
    match (one, other) {
        (Values::Any, _) => true,
        (Values::OneOf(all), Values::OneOf(some)) => some.iter().all(|it| all.contains(it)),
        (Values::With(with), Values::OneOf(some)) => some.iter().all(|it| item(it, with)),
        (Values::AllOf(all), Values::OneOf(some)) => some
            .iter()
            .all(|text| text.split(',').all(|it| all.iter().any(|item| item == it))),
        (Values::AllOf(all), Values::AllOf(some)) => some.iter().all(|it| all.contains(it)),
        (Values::WithPrefix(start), Values::WithPrefix(longer)) => longer.starts_with(start),
        (Values::WithPrefix(start), Values::With(item)) => item.starts_with(start),
        (Values::WithPrefix(start), Values::OneOf(some)) => some
            .iter()
            .all(|text| text.split(',').any(|it| it.starts_with(start))),
        (Values::Number(least, most), Values::Number(from, to)) => least <= from && to <= most,
        (one, other) => one == other,
    }
}

/// Whether some parameter's name fits both: then the longer of two beginnings does.
fn names_meet(one: &Rule, other: &Rule) -> bool {
    let (one, other) = (Names::of(one), Names::of(other));
    one.hold(&other) || other.hold(&one)
}

/// Pairs (later, earlier) of rules, by number from 0, of which the later can never fit.
#[must_use]
pub fn never_fit(rules: &[Rule]) -> Vec<(usize, usize)> {
    let before = |later: usize, rule: &Rule| {
        let mut earlier = rules.iter().take(later);
        let found = earlier.position(|it| covers(it, rule));
        found.map(|earlier| (later, earlier))
    };
    let each = rules.iter().enumerate();
    each.filter_map(|(later, rule)| before(later, rule))
        .collect()
}

/// What it allows that the stock policy denies: one sentence for each.
#[must_use]
pub fn weaker_than_stock(policy: &Policy) -> Vec<String> {
    let stock = preset::stock();
    let normal = not_denied(&policy.normal, &stock.normal);
    let mut crash = not_denied(&policy.crash, &stock.crash);
    crash.retain(|name| !normal.contains(name));
    let sentence = |name: &&str, load_type: &str| {
        format!("it is weaker than stock: \"{name}\" is not always denied{load_type}")
    };
    let normal = normal.iter().map(|name| sentence(name, ""));
    let crash = crash.iter().map(|name| sentence(name, " for a crash load"));
    let unasked = (!policy.require_secure_boot).then(|| {
        "it is weaker than stock: it doesn't require Secure Boot, so that a kernel that was told to hide it \
         (efi=noruntime) is handed over, and the next one isn't locked down"
            .to_owned()
    });
    normal.chain(crash).chain(unasked).collect()
}

/// What gets around initrds that must be signed, where user space chooses the command line: one sentence
/// for both load types if it is the same.
#[must_use]
pub fn unguarded_initrd(policy: &Policy) -> Vec<String> {
    let (normal, crash) = (unguarded(&policy.normal), unguarded(&policy.crash));
    let sentence = |load_type: &str, names: String| {
        format!(
            "{load_type}initrds must be signed, but parameters that get around that are not always denied, as \
             they are by the preset signed-initrd: {names}"
        )
    };
    if normal == crash {
        return normal
            .map(|names| sentence("", names))
            .into_iter()
            .collect();
    }
    let normal = normal.map(|names| sentence("for a normal load ", names));
    let crash = crash.map(|names| sentence("for a crash load ", names));
    normal.into_iter().chain(crash).collect()
}

/// The names of the parameters that get around these rules' signed initrds.
fn unguarded(rules: &Rules) -> Option<String> {
    let unsigned = InputSignature::Unsigned as u8;
    let guarded = preset::named("signed-initrd")?;
    if rules.initrd.has(unsigned) || !rules.command_line.has(unsigned) {
        return None;
    }
    let mut names = not_denied(rules, &guarded.normal);
    names.dedup();
    (!names.is_empty()).then(|| names.join(", "))
}

/// The names of those parameters that `reference` denies and `rules` don't always.
fn not_denied<'r>(rules: &Rules, reference: &'r Rules) -> Vec<&'r str> {
    let denials = reference.parameters.iter().enumerate();
    let denials = denials.filter(|(_, rule)| rule.action == Action::Deny);
    let allowed = denials.filter(|(number, denial)| {
        // What the reference itself allows of it.
        let exceptions = reference.parameters.get(..*number).unwrap_or_default();
        !still_denied(rules, denial, exceptions)
    });
    allowed.map(|(_, denial)| denial.name.as_str()).collect()
}

/// Whether `rules` deny all that `denial` is about, but for `exceptions`.
fn still_denied(rules: &Rules, denial: &Rule, exceptions: &[Rule]) -> bool {
    for rule in &rules.parameters {
        let allowed_anyway = exceptions
            .iter()
            .any(|it| it.action == Action::Allow && covers(it, rule));
        match rule.action {
            Action::Deny if covers(rule, denial) => return true,
            Action::Allow if names_meet(rule, denial) && !allowed_anyway => return false,
            _ => {}
        }
    }
    rules.unlisted == Action::Deny
}

#[cfg(test)]
mod tests {
    use super::super::source;
    use super::*;
    use std::path::Path;

    fn rules(text: &str) -> Policy {
        let text = format!("cmdline.rules = [{text}]");
        source::read(&text, Path::new("")).unwrap().policy
    }

    fn denials_of_stock() -> usize {
        let all = preset::stock().normal.parameters;
        all.iter().filter(|it| it.action == Action::Deny).count()
    }

    fn own(text: &str) -> Vec<Rule> {
        let all = rules(text).normal.parameters;
        all[..all.len() - preset::stock().normal.parameters.len()].to_vec()
    }

    fn covered(one: &str, other: &str) -> bool {
        let rules = own(&format!("{{ allow = {one} }}, {{ deny = {other} }}"));
        never_fit(&rules) == [(1, 0)]
    }

    #[test]
    fn a_rule_takes_all_of_another_by_name() {
        assert!(covered("'a'", "'a'"));
        assert!(covered("'a-b'", "'a_b'"));
        assert!(covered("'a*'", "'abc'"));
        assert!(covered("'a*'", "'ab*'"));
        assert!(covered("'*'", "'a'"));
        assert!(!covered("'abc'", "'a*'"));
        assert!(!covered("'ab*'", "'a*'"));
        assert!(!covered("'a'", "'A'"));
    }

    #[test]
    fn what_denies_by_the_beginning_takes_longer_names_and_what_allows_does_not() {
        let never = |text: &str| never_fit(&own(text));
        assert_eq!(
            never("{ deny = 'noinitrd' }, { allow = 'noinitrdx' }"),
            [(1, 0)]
        );
        assert_eq!(
            never("{ deny = 'noinitrd' }, { deny = 'noinitrd*' }"),
            [(1, 0)]
        );
        assert_eq!(never("{ allow = 'noinitrd' }, { deny = 'noinitrd' }"), []);
        assert_eq!(never("{ deny = 'quiet' }, { allow = 'quietly' }"), []);
    }

    #[test]
    fn a_rule_takes_all_of_another_by_value() {
        assert!(covered("'a'", "'a', value = false"));
        assert!(covered("'a', one-of = ['x', 'y']", "'a', one-of = ['y']"));
        assert!(covered("'a', number = [0, 9]", "'a', number = [1, 9]"));
        assert!(covered("'a', with = 'x'", "'a', one-of = ['x', 'y,x']"));
        assert!(covered("'a', all-of = ['x', 'y']", "'a', one-of = ['y,x']"));
        assert!(covered("'a', all-of = ['x', 'y']", "'a', all-of = ['y']"));
        assert!(covered("'a', with-prefix = 'x'", "'a', with-prefix = 'xy'"));
        assert!(covered(
            "'a', with-prefix = 'x'",
            "'a', one-of = ['xy', 'z,x']"
        ));
        assert!(covered("'a', with-prefix = 'x'", "'a', with = 'xy'"));
        assert!(!covered(
            "'a', with-prefix = 'xy'",
            "'a', with-prefix = 'x'"
        ));
        assert!(!covered(
            "'a', with-prefix = 'x'",
            "'a', one-of = ['x', 'y']"
        ));
        assert!(!covered("'a', value = false", "'a'"));
        assert!(!covered("'a', one-of = ['x']", "'a', one-of = ['x', 'y']"));
        assert!(!covered("'a', number = [1, 9]", "'a', number = [0, 9]"));
        assert!(!covered("'a', with = 'x'", "'a', all-of = ['x']"));
        assert!(!covered("'a', one-of = ['1']", "'a', number = [1, 1]"));
    }

    #[test]
    fn presets_are_not_weaker_than_stock() {
        for name in preset::NAMES {
            let weaker = weaker_than_stock(&preset::named(name).unwrap());
            assert_eq!(weaker, [] as [&str; 0], "{name}");
        }
    }

    #[test]
    fn allowing_what_stock_denies_is_weaker() {
        let weaker = |text: &str| weaker_than_stock(&rules(text)).join("; ");
        assert_eq!(
            weaker("{ allow = 'acpi_rsdp', number = [0, 1] }"),
            "it is weaker than stock: \"acpi_rsdp\" is not always denied"
        );
        assert!(weaker("{ allow = 'lsm' }").contains("\"lsm\""));
        // The kernel takes it by its beginning.
        for longer in ["'amd_smn_debugfs_enablex'", "'amd-smn-debugfs-enable_*'"] {
            assert_eq!(
                weaker(&format!("{{ allow = {longer} }}")),
                "it is weaker than stock: \"amd_smn_debugfs_enable\" is not always denied"
            );
        }
        assert_eq!(
            weaker("{ allow = '*' }").matches("weaker").count(),
            denials_of_stock()
        );
        assert_eq!(weaker("{ allow = 'lsm', with = 'lockdown' }"), "");
        assert_eq!(weaker("{ deny = 'a*' }, { allow = 'acpi_rsdp' }"), "");
        assert_eq!(weaker("{ allow = 'quiet' }"), "");
    }

    #[test]
    fn asking_for_no_secure_boot_is_weaker() {
        let text = "require-secure-boot = false";
        let policy = source::read(text, Path::new("")).unwrap().policy;
        let weaker = weaker_than_stock(&policy);
        assert!(
            weaker.len() == 1 && weaker[0].contains("Secure Boot"),
            "{weaker:?}"
        );
    }

    #[test]
    fn what_is_weaker_for_a_crash_load_alone_says_so() {
        let text = "[crash.cmdline]\nrules = [{ allow = 'bootconfig' }]";
        let policy = source::read(text, Path::new("")).unwrap().policy;
        assert_eq!(
            weaker_than_stock(&policy),
            ["it is weaker than stock: \"bootconfig\" is not always denied for a crash load"]
        );
    }

    #[test]
    fn initrds_that_must_be_signed_need_more_than_that() {
        let unguarded = |text: &str| {
            let policy = source::read(text, Path::new("")).unwrap().policy;
            let mut warnings = unguarded_initrd(&policy);
            assert!(warnings.len() < 2, "{warnings:?}");
            warnings.pop()
        };
        let warning = unguarded("initrd.accept = ['detached']").unwrap();
        assert!(warning.ends_with("rdinit, init, noinitrd, initramfs_options, rootfstype, failslab, fail_page_alloc, rd.break, rdbreak, break, boot, cryptopts, mount_handler, systemd.debug_shell, rd.systemd.debug_shell, systemd.break, rd.systemd.break, rd.cmdline, systemd.wants, rd.systemd.wants, systemd.unit, rd.systemd.unit, rd.rescue, rd.emergency, systemd.pull, rd.systemd.pull, systemd.run*, systemd.crash_shell, rd.systemd.crash_shell, systemd.mount_extra, rd.systemd.mount_extra, systemd.set_credential*, rd.systemd.set_credential*, SYSTEMD_*, systemd.setenv, rd.systemd.setenv, -*, sysctl.kernel.modprobe, sysctl.kernel.hotplug, sysctl.kernel.core_pattern, sysctl.kernel.poweroff_cmd, TOMOYO_loader, TOMOYO_trigger, nfs.cache_getent, nfsd.cltrack_prog, sysctl.fs.ocfs2.nm.hb_ctl_path, drbd.usermode_helper, uvesafb.v86d, LD_*, BASH_*, ENV, PATH, earlycon, console, earlyprintk"), "{warning}");
        for guarded in [
            "preset = 'signed-initrd'",
            "preset = 'sealed'",
            "preset = 'stock'",
            "initrd.accept = ['detached']\ncmdline.accept = ['manifest']",
        ] {
            assert_eq!(unguarded(guarded), None, "{guarded}");
        }
        let text = "preset = 'signed-initrd'\ncmdline.rules = [{ allow = 'init', one-of = ['/sbin/init'] }]";
        assert!(unguarded(text).unwrap().ends_with("signed-initrd: init"));
        let text = "preset = 'signed-initrd'\ncmdline.rules = [{ allow = 'noinitrdx' }]";
        let warning = unguarded(text).expect("the kernel takes it for noinitrd");
        assert!(warning.ends_with("signed-initrd: noinitrd"), "{warning}");
    }

    #[test]
    fn denying_what_no_rule_is_about_makes_up_for_rules_that_are_missing() {
        let text = "preset = 'none'\nkernel.accept = ['uki']\ncmdline.unlisted = 'deny'";
        let policy = source::read(text, Path::new("")).unwrap().policy;
        assert!(weaker_than_stock(&policy).is_empty());
        let text = text.replace("deny", "allow");
        let policy = source::read(&text, Path::new("")).unwrap().policy;
        assert_eq!(weaker_than_stock(&policy).len(), denials_of_stock());
    }
}
