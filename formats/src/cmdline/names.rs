//! How the kernel tells parameters apart by their names.

/// Parameters without a value that are taken by their beginning: `obsolete_checksetup` in init/main.c
/// compares as many bytes as `__setup` names, and the functions of these, in 6.1, 6.12 or 7.2, don't look at
/// the rest, so that `noinitrdx` is `noinitrd`. (`kernel-parameters.py` in docs lists what `__setup` names.)
const BY_BEGINNING: [&[u8]; 73] = [
    b"acpi_irq_balance",
    b"acpi_irq_nobalance",
    b"acpi_no_auto_serialize",
    b"acpi_no_memhotplug",
    b"acpi_no_watchdog",
    b"acpi_pm_good",
    b"acpi_rev_override",
    b"acpica_no_return_repair",
    b"alloc_snapshot",
    b"amd_iommu_dump",
    b"amd_smn_debugfs_enable",
    b"apicpmtimer",
    b"bert_disable",
    b"cgroup_debug",
    b"clk_ignore_unused",
    b"cpu0_hotplug",
    b"debug_alternative",
    b"debug_callthunks",
    b"debugpat",
    b"delayacct",
    b"dump_apple_properties",
    b"erst_disable",
    b"forcepae",
    b"gpt",
    b"hest_disable",
    b"hlt",
    b"ima_appraise_tcb",
    b"ima_canonical_fmt",
    b"ima_flush_htable",
    b"ima_tcb",
    b"int_pln_enable",
    b"irqfixup",
    b"irqpoll",
    b"kasan_multi_shot",
    b"keepinitrd",
    b"lsm.debug",
    b"nfsrootdebug",
    b"no_console_suspend",
    b"no_file_caps",
    b"no_scroll",
    b"no_timer_check",
    b"noaliencache",
    b"noautogroup",
    b"nohibernate",
    b"nohlt",
    b"nohpet",
    b"noinitrd",
    b"noirqdebug",
    b"noisapnp",
    b"nomce",
    b"nomodeset",
    b"nonmi_ipi",
    b"nopku",
    b"norandmaps",
    b"noreplace_smp",
    b"noresume",
    b"nosoftlockup",
    b"notsc",
    b"nowatchdog",
    b"pd_ignore_unused",
    b"pm_debug_messages",
    b"rcu_nocb_poll",
    b"regulator_ignore_unused",
    b"reset_devices",
    b"resumewait",
    b"serialnumber",
    b"slab_merge",
    b"slab_nomerge",
    b"sysrq_always_enabled",
    b"tp_printk_stop_on_boot",
    b"traceoff_after_boot",
    b"unknown_nmi_panic",
    b"uvrtcevt",
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

/// Whether the kernel takes a parameter of this name by its beginning, whatever follows, a value too.
pub fn is_by_beginning(name: &[u8]) -> bool {
    BY_BEGINNING.iter().any(|it| starts_with_name(name, it))
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
