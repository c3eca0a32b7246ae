//! What docs/kernel-parameters.tsv decides about Linux's parameters is what the presets do.

use super::*;
use baton_verify::command_line::judge_parameters;

const TABLE: &str = include_str!(concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/../docs/kernel-parameters.tsv"
));

struct Row {
    name: &'static str,
    kind: &'static str,
    decision: &'static str,
    lines: Vec<&'static str>,
}

fn rows() -> Vec<Row> {
    let each = TABLE.lines().skip(1).map(|line| {
        let fields: Vec<_> = line.split('\t').collect();
        let [name, kind, _versions, decision, lines, reason] = fields[..] else {
            panic!("not six fields: {line}");
        };
        assert!(!reason.is_empty(), "{line}");
        Row {
            name,
            kind,
            decision,
            lines: lines.split(' ').collect(),
        }
    });
    each.collect()
}

fn is_denied(preset: &str, line: &str) -> bool {
    let bytes = compiled(Path::new(preset)).unwrap();
    let policy = Compact::parse(&bytes).unwrap();
    [false, true].into_iter().all(|crash| {
        judge_parameters(line.as_bytes(), policy.rules(crash)).any(|it| it.action == Action::Deny)
    })
}

/// The line as the kernel would take it, too.
fn spellings(row: &Row, line: &str) -> Vec<String> {
    let (name, value) = match line.split_once('=') {
        Some((name, value)) => (name, format!("={value}")),
        None => (line, String::new()),
    };
    let mut all = vec![
        line.to_owned(),
        format!("\"{line}\""),
        format!("quiet \t{line} ro"),
        format!("x=\"y {line} z\""),
        format!("ro -- {line}"),
    ];
    if row.kind != "early code" {
        all.push(format!("{}{value}", name.replace('_', "-")));
        all.push(format!("{name}=\"{}\"", value.trim_start_matches('=')));
    }
    if row.kind == "prefix" {
        all.extend([
            format!("{name}x"),
            format!("{name}=1"),
            format!("{name}-more=1"),
        ]);
    }
    if row.kind == "sysctl" {
        let path = name.replace('.', "/");
        let mixed = name.replacen('.', "/", 1);
        all.extend([path, mixed, name.replace('.', "..")].map(|name| format!("{name}{value}")));
    }
    all
}

#[test]
fn what_is_denied_is_denied_by_every_preset_in_every_spelling() {
    for row in rows() {
        let presets: &[&str] = match row.decision {
            "deny" => &["stock", "signed-initrd", "sealed"],
            "signed-initrd" => &["signed-initrd"],
            _ => continue,
        };
        for line in &row.lines {
            for spelling in spellings(&row, line) {
                for preset in presets {
                    assert!(
                        is_denied(preset, &spelling),
                        "{preset} allows {spelling} ({})",
                        row.name
                    );
                }
            }
        }
    }
}

#[test]
fn what_is_allowed_is_allowed_by_stock() {
    for row in rows().iter().filter(|row| row.decision != "deny") {
        assert!(
            ["allow", "signed-initrd"].contains(&row.decision),
            "{}",
            row.decision
        );
        for line in &row.lines {
            assert!(!is_denied("stock", line), "{line}");
        }
    }
    for line in [
        "BOOT_IMAGE=/boot/vmlinuz-6.12 root=UUID=1-2 ro quiet splash console=tty0 console=ttyS0,115200n8",
        "crashkernel=256M nr_cpus=1 irqpoll reset_devices",
        "efi=runtime efi=debug lsm=landlock,lockdown,yama security=apparmor",
        "intel_iommu=on iommu=pt rd.lvm.lv=a/b resume=/dev/vda2 mitigations=auto",
        "mem=4G sysctl.kernel.panic=10 module_blacklist=x modprobe.blacklist=y",
        "initramfs_async=1 noinit root_x=1 kgd=1 memmapx=1",
    ] {
        assert!(!is_denied("stock", line), "{line}");
    }
}
