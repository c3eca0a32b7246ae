//! Parameters with the same effect, so that a rule that denies one can be circumvented by another.

use super::cover::covers;
use super::model::{Rule, Rules, Values};
use crate::arch::parameters;
use baton_formats::cmdline::same_name;
use baton_formats::policy::{Action, InputSignature};

/// Names with the same effect, one of them with an item of its value, and the source that shows it.
const SAME: [(&[&str], &str); 11] = [
    (&["initrd", "initrdmem"], "init/do_mounts_initrd.c"),
    (&["init", "rdinit"], "init/main.c"),
    (
        &["noinitrd", "initramfs_options", "rootfstype=tmpfs"],
        "init/do_mounts.c",
    ),
    (
        &["rd.break", "rdbreak"],
        "dracut's older name for it: modules.d/99base/dracut-lib.sh",
    ),
    (
        &["break", "boot", "cryptopts", "mount_handler"],
        "the init programs of initramfs-tools and mkinitcpio",
    ),
    (&["earlycon", "console", "earlyprintk"], "init/main.c"),
    (&["efi=noruntime", "noefi"], "drivers/firmware/efi/efi.c"),
    (&["nosmt", "mitigations"], "kernel/cpu.c"),
    (&["slub_debug", "slab_debug"], "mm/slub.c"),
    (
        &["hung_task_panic", "sysctl.kernel.hung_task_panic"],
        "fs/proc/proc_sysctl.c",
    ),
    (
        &["softlockup_panic", "sysctl.kernel.softlockup_panic"],
        "fs/proc/proc_sysctl.c",
    ),
];

/// What the first `own` of the rules deny, and which other name with that effect isn't denied: one
/// sentence for each.
#[must_use]
pub fn circumvented(table: &str, rules: &Rules, own: usize) -> Vec<String> {
    let own = rules.parameters.iter().take(own).enumerate();
    let denials = own.filter(|(_, rule)| rule.action == Action::Deny);
    let sentences = denials.flat_map(|(number, rule)| {
        let others = others(&rule.name).filter(|(name, _)| !is_denied(rules, &denial(name)));
        others.map(move |(name, source)| {
            format!(
                "{table}.rules[{number}] can be circumvented: \"{name}\" has the same effect as \"{}\", or part \
                 of it ({source}), and no rule denies it",
                rule.name
            )
        })
    });
    sentences.collect()
}

/// How denied systemd and dracut settings can be made without a parameter: a sentence for each way, with
/// the first denied name.
#[must_use]
pub fn told_otherwise(table: &str, rules: &Rules) -> Vec<String> {
    let theirs = |rule: &Rule| {
        let starts = ["systemd.", "rd."].iter();
        let mut starts = starts.filter(|start| rule.name.starts_with(**start));
        rule.action == Action::Deny && starts.next().is_some()
    };
    let unsigned = rules.command_line.has(InputSignature::Unsigned as u8);
    let first = rules.parameters.iter().find(|rule| theirs(rule));
    let Some(first) = first.filter(|_| unsigned && rules.unlisted == Action::Allow) else {
        return Vec::new();
    };
    let denied = format!(
        "{table}: the denial of \"{}\" can be circumvented",
        first.name
    );
    let mut all = Vec::new();
    if rules.init_arguments == Action::Allow {
        all.push(format!(
            "{denied}: what follows a lone -- goes to init as its arguments (-- --unit=…), and \
             init-arguments isn't \"deny\""
        ));
    }
    if !is_denied(rules, &denial("SYSTEMD_*")) {
        all.push(format!(
            "{denied}: \"SYSTEMD_*\" becomes systemd's environment, where SYSTEMD_PROC_CMDLINE \
             stands for the command line, and no rule denies it"
        ));
    }
    all
}

/// Whether a rule denies it, whatever is allowed of it before, or everything is that isn't listed.
fn is_denied(rules: &Rules, denial: &Rule) -> bool {
    let mut denials = rules
        .parameters
        .iter()
        .filter(|it| it.action == Action::Deny);
    rules.unlisted == Action::Deny || denials.any(|it| covers(it, denial))
}

/// The other names for what a parameter does.
fn others(name: &str) -> impl Iterator<Item = (&'static str, &'static str)> {
    let is_it = move |other: &&str| same_name(other.as_bytes(), name.as_bytes());
    let groups = parameters::SAME
        .iter()
        .chain(&SAME)
        .filter(move |(names, _)| names.iter().any(&is_it));
    groups.flat_map(move |(names, source)| {
        let others = names.iter().filter(move |it| !is_it(it));
        others.map(|other| (*other, *source))
    })
}

fn denial(parameter: &str) -> Rule {
    let (name, value) = match parameter.split_once('=') {
        Some((name, item)) => (name, Values::With(item.to_owned())),
        None => (parameter, Values::Any),
    };
    Rule {
        action: Action::Deny,
        name: name.to_owned(),
        value,
    }
}

#[cfg(test)]
mod tests {
    use super::super::source;
    use super::*;
    use std::path::Path;

    fn said(rules: &str) -> String {
        let text = format!("preset = 'none'\nkernel.accept = ['uki']\ncmdline.rules = [{rules}]");
        let source = source::read(&text, Path::new("")).unwrap();
        circumvented("cmdline", &source.policy.normal, source.own_rules).join("\n")
    }

    #[test]
    fn a_denial_by_one_of_two_names_is_told() {
        assert!(
            said("{ deny = 'initrd' }").contains("\"initrdmem\" has the same effect as \"initrd\"")
        );
        assert!(
            said("{ deny = 'sysctl/kernel/softlockup-panic' }").contains("\"softlockup_panic\"")
        );
        assert!(
            said("{ deny = 'rd.break' }")
                .contains("\"rdbreak\" has the same effect as \"rd.break\"")
        );
        assert!(said("{ deny = 'earlycon' }").contains("\"console\""));
        assert!(said("{ deny = 'noefi' }").contains("\"efi=noruntime\""));
        assert_eq!(
            said("{ deny = 'noefi' }, { deny = 'efi', with = 'noruntime' }"),
            ""
        );
        assert_eq!(said("{ deny = 'initrd' }, { deny = 'initrdmem' }"), "");
        assert_eq!(said("{ deny = 'initrd*' }, { deny = 'initrd' }"), "");
        assert!(
            said("{ deny = 'noinitrd' }, { deny = 'initramfs_options' }")
                .contains("\"rootfstype=tmpfs\" has the same effect as \"noinitrd\"")
        );
        assert_eq!(said("{ deny = 'quiet' }, { allow = 'initrd' }"), "");
    }
}
