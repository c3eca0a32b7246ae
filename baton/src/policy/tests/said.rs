//! What is said of a policy, and what presets let through.

use super::*;
use baton_formats::policy::{InputSignature, KernelSignature};
use words::Set;

#[test]
fn rules_that_can_never_match_are_warned_of() {
    let source = read(
        "cmdline.rules = [{ deny = 'a*' }, { allow = 'abc' }]\n[crash.cmdline]\nrules = [{ deny = 'x' }, { deny = 'x' }]",
    );
    assert_eq!(
        warnings(&source),
        [
            "cmdline.rules[1] can never match: cmdline.rules[0] comes before it and matches everything that it does",
            "crash.cmdline.rules[1] can never match: crash.cmdline.rules[0] comes before it and matches everything that it does",
        ]
    );
}

#[test]
fn a_rule_about_what_systemd_reads_is_said_to_be_circumvented_by_its_arguments_and_environment() {
    let said = |text: &str| warnings(&read(text)).join("\n");
    let both = said("cmdline.rules = [{ deny = 'systemd.unit' }]");
    for way in [
        "cmdline: the denial of \"systemd.unit\" can be circumvented: what follows a lone --",
        "cmdline: the denial of \"systemd.unit\" can be circumvented: \"SYSTEMD_*\"",
    ] {
        assert!(both.contains(way), "{both}");
    }
    let denied = "cmdline.init-arguments = 'deny'\ncmdline.rules = [{ deny = 'rd.x' }, { deny = 'SYSTEMD_*' }]";
    assert_eq!(said(denied), "");
    let in_crashes = "[crash.cmdline]\nrules = [{ deny = 'rd.x' }]";
    assert!(
        said(in_crashes)
            .contains("crash.cmdline: the denial of \"rd.x\" can be circumvented: \"SYSTEMD_*\""),
        "{}",
        said(in_crashes)
    );
    // Also where the rule is the preset's.
    let loosened = said("preset = 'signed-initrd'\ncmdline.init-arguments = 'allow'");
    assert!(loosened.contains("what follows a lone --"), "{loosened}");
    assert_eq!(said("preset = 'signed-initrd'"), "");
    // Who signs the line knows what is in it.
    let signed = "cmdline.accept = ['manifest']\ncmdline.rules = [{ deny = 'systemd.unit' }]";
    assert_eq!(said(signed), "");
}

#[test]
fn the_rules_for_crash_loads_are_judged_for_ways_around_a_signed_initrd_too() {
    let said = |text: &str| warnings(&read(text)).join("\n");
    let only_crash = "preset = 'sealed'\n[crash.initrd]\naccept = ['detached']\n[crash.cmdline]\naccept = ['unsigned']";
    let text = said(only_crash);
    assert!(
        text.contains("for a crash load initrds must be signed, but") && text.contains("rdinit"),
        "{text}"
    );
    let loosened = "preset = 'signed-initrd'\n[crash.cmdline]\nrules = [{ allow = 'rdinit' }]";
    assert!(
        said(loosened).ends_with("signed-initrd: rdinit"),
        "{}",
        said(loosened)
    );
    // What holds for both is told once.
    let both = said("initrd.accept = ['detached']");
    assert_eq!(both.matches("initrds must be signed").count(), 1, "{both}");
}

#[test]
fn each_kind_of_rule_has_its_sentence() {
    let rules = &read(EVERY_PART).policy.normal.parameters;
    let said: Vec<_> = rules[1..11].iter().map(explain::rule).collect();
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
            "allows \"video\" with a list that has an item beginning with \"efifb:\"",
            "denies every parameter whose name begins with \"systemd.\", with any value or none",
            "allows every parameter without a value",
        ]
    );
}

#[test]
fn each_topic_of_a_policy_has_its_items() {
    let policy = read(EVERY_PART).policy;
    let topics = explain::topics(&policy, policy.rules(false));
    for (name, items) in [
        ("Secure Boot", &["must be on"][..]),
        ("refusal", &["halts the machine at once"]),
        (
            "SBAT",
            &[
                "\"linux\" of generation 2 or newer, where an image names it",
                "\"systemd\" of generation 1 or newer, where an image names it",
            ],
        ),
        (
            "kernel",
            &[
                "an Authenticode signature on a UKI",
                "a signature in an ELF note",
            ],
        ),
        ("other kernel", &[]),
        ("initrd", &["part of a UKI", "with a detached signature"]),
        (
            "required",
            &["one initrd, unless a UKI or a manifest says what goes with the kernel"],
        ),
        ("command line", &["that of a UKI"]),
        (
            "added to it",
            &["module.sig_enforce=1", "dyndbg=\"file a +p\"", "ro"],
        ),
        ("also allowed", &[]),
    ] {
        let topic = topics.iter().find(|it| it.name == name).unwrap();
        assert_eq!(topic.items, items, "{name}");
    }
    let (what, condition) = explain::key(policy.keys.last().unwrap());
    assert_eq!(what, "kernels");
    assert_eq!(
        condition,
        "that name the SBAT component \"linux\" of generation 4294967295 or newer"
    );
    let crash = explain::rule(&policy.crash.parameters[0]);
    assert_eq!(crash, "allows \"nr_cpus\" with a number from 1 to 2");
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
        // The same by other names.
        "rdbreak=cmdline",
        "break=premount",
        "boot=../proc/cmdline",
        "boot=live",
        "cryptopts=source=/dev/sda2,luks,keyscript=/bin/sh",
        "mount_handler=launch_interactive_shell",
        "rd.systemd.pull=raw,sysext:x:http://10.0.0.1/x",
        "systemd.pull=tar,sysext:x:http://10.0.0.1/x",
        "rd.cmdline=ask",
        "systemd.wants=debug-shell.service",
        "rd.systemd.wants=debug-shell.service",
        "systemd.unit=debug-shell.service",
        "rd.systemd.unit=debug-shell.service",
        "rd.emergency",
        "systemd.run=/bin/sh",
        "systemd.run_success_action=none",
        "rd.systemd.mount-extra=/dev/sda2:/etc/systemd",
        "systemd.set-credential=systemd.extra-unit.x.service:[Service]",
        "systemd.set_credential_binary=x:eA==",
        "SYSTEMD_PROC_CMDLINE=systemd.debug_shell",
        "SYSTEMD_SULOGIN_FORCE=1",
        "systemd.setenv=SYSTEMD_SULOGIN_FORCE=1",
        "quiet -- --unit=debug-shell.service",
        "quiet -- rescue",
        "quiet --crash-shell",
    ] {
        assert!(!allows("signed-initrd", line), "{line}");
    }
    for line in [
        "root=UUID=1 ro quiet splash systemd.unit=multi-user.target",
        "rd.systemd.unit=initrd.target rd.emergency=reboot rd.luks.uuid=1 rd.lvm.lv=a/b",
        "root=/dev/nfs boot=nfs",
        "systemd.unified_cgroup_hierarchy=1 systemd.show_status=auto systemd.machine_id=x",
    ] {
        assert!(allows("signed-initrd", line), "{line}");
    }
}

#[test]
fn signed_initrd_denies_what_keeps_the_initrd_from_being_unpacked() {
    for line in [
        "initramfs_options=size=4k",
        "root=/dev/sda2 rootfstype=ext4,tmpfs initramfs_options=nr_inodes=1",
        "mem=512M root=/dev/sda2 rootfstype=tmpfs",
        // The kernel looks for it anywhere in the value.
        "rootfstype=ext4,devtmpfs",
        "rootfstype=notmpfs",
        "rootfstype",
        "fail_page_alloc=1,100,0,-1",
    ] {
        assert!(!allows("signed-initrd", line), "{line}");
        assert!(allows("stock", line), "{line}");
    }
    for line in [
        "root=/dev/sda2 rootfstype=ext4",
        "rootfstype=btrfs,xfs,ext4",
        "rootfstype=nfs4 rootflags=vers=4.2",
    ] {
        assert!(allows("signed-initrd", line), "{line}");
    }
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
        (Action::Allow, "no rule covers it")
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
    let text = include_str!("../../../../docs/policy.md");
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
    let text = include_str!("../../../../docs/policy.md");
    let known = [
        Set::<KernelSignature>::of(u8::MAX).words(),
        Set::<InputSignature>::of(u8::MAX).words(),
        Set::<words::CommandLineSignature>::of(u8::MAX).words(),
        Set::<Purpose>::of(u8::MAX).words(),
    ];
    for word in known.concat() {
        assert!(text.contains(&format!("`{word}`")), "{word}");
    }
    for preset in preset::NAMES {
        assert!(text.contains(&format!("`{preset}`")), "{preset}");
    }
}
