//! How the kernel tells parameters apart by their names.

/// Parameters without a value that are taken by their beginning: `obsolete_checksetup` in init/main.c
/// compares as many bytes as `__setup` names, and what is set up for these doesn't look at the rest, so
/// that `noinitrdx` is `noinitrd`. (`kernel-parameters.tsv` in docs lists the parameters.)
const BY_BEGINNING: [&[u8]; 33] = [
    b"acpi_irq_balance",
    b"acpi_irq_nobalance",
    b"acpi_no_auto_serialize",
    b"acpi_no_memhotplug",
    b"acpi_no_watchdog",
    b"acpi_pm_good",
    b"amd_smn_debugfs_enable",
    b"bert_disable",
    b"clk_ignore_unused",
    b"delayacct",
    b"erst_disable",
    b"hest_disable",
    b"ima_appraise_tcb",
    b"ima_canonical_fmt",
    b"ima_tcb",
    b"irqfixup",
    b"irqpoll",
    b"keepinitrd",
    b"no_console_suspend",
    b"no_file_caps",
    b"nofsgsbase",
    b"nohibernate",
    b"nohpet",
    b"noinitrd",
    b"nomodeset",
    b"nopku",
    b"norandmaps",
    b"noresume",
    b"nosoftlockup",
    b"notsc",
    b"nowatchdog",
    b"retain_initrd",
    b"sysrq_always_enabled",
];

/// Whether two names are the same parameter: `-` and `_` are one character to the kernel (`parameq` in
/// kernel/params.c), upper and lower case are not; after `sysctl`, `.` and `/` are one, however many stand
/// together (`process_sysctl_arg` in fs/proc/proc_sysctl.c makes a path of it).
pub fn same_name(one: &[u8], other: &[u8]) -> bool {
    canonical(one).eq(canonical(other))
}

/// Whether a name begins so, compared as by [`same_name`].
pub fn starts_with_name(name: &[u8], start: &[u8]) -> bool {
    let mut name = canonical(name);
    canonical(start).all(|byte| name.next() == Some(byte))
}

/// Whether the kernel takes a parameter of this name for the one that is called `parameter`: the same, or,
/// of those that are taken by their beginning, a longer one.
pub fn reaches(name: &[u8], parameter: &[u8]) -> bool {
    let by_beginning = || BY_BEGINNING.iter().any(|it| same_name(it, parameter));
    same_name(name, parameter) || (starts_with_name(name, parameter) && by_beginning())
}

/// The name with one character for all that the kernel takes for one.
fn canonical(name: &[u8]) -> impl Iterator<Item = u8> + '_ {
    let is_path = matches!(name.strip_prefix(b"sysctl"), Some([b'.' | b'/', ..]));
    let mut before = 0;
    name.iter().filter_map(move |&byte| {
        let byte = match byte {
            b'-' => b'_',
            b'/' if is_path => b'.',
            other => other,
        };
        let repeated = is_path && byte == b'.' && before == b'.';
        before = byte;
        (!repeated).then_some(byte)
    })
}
