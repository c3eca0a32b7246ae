//! What of the running kernel's command line a capture doesn't get, and why.
//!
//! The kernel matches names in several ways: most as a whole, with `-` and `_` alike (`parameq` of
//! kernel/params.c); what `__setup` registers without a `=` by its beginning (`obsolete_checksetup` of
//! init/main.c: `noinitrdx` is `noinitrd`); sysctls after `sysctl.` or `sysctl/`, with dots and slashes alike
//! (`process_sysctl_arg` of fs/proc/proc_sysctl.c). So a whole kind is named here rather than its members,
//! where nothing of the kind is of use to a capture: an owner who wants one has `kernel.parameters`.

/// Patterns by reason. A `*` at the end or the beginning of one stands for anything, or nothing.
#[rustfmt::skip]
pub const PATTERNS: &[&str] = &[
    // What boot loaders and kexec say about themselves. A second elfcorehdr= would undo the kernel's own.
    // What a boot configuration says is in the line already.
    "BOOT_IMAGE", "initrd*", "elfcorehdr", "dmcryptkeys", "disable_cpu_apicid", "kho*", "bootconfig",
    // Sysctls are how the running user space tunes memory, panics, modules and kexec.
    "sysctl.*", "sysctl/*",
    // Memory that would be set aside from the little there is: huge pages, contiguous areas, hash tables,
    // buffers, page structures for more than a node.
    "crashkernel", "hugepage*", "default_hugepagesz", "hugetlb*", "transparent_hugepage*", "thp_*", "cma*",
    "numa*", "swiotlb", "reserve_mem", "*hash_entries", "log_buf_len", "dma_debug*", "profile",
    "debug_guardpage_minorder", "early_page_ext", "page_owner", "page_table_check", "ramdisk_size", "brd.*",
    "cgroup*", "swapaccount", "zswap.*",
    // Where the kernel that crashed keeps records of itself: evidence, and none of this kernel's memory.
    "ramoops.*",
    // What memory there is was found out for the kernel that crashed; here it is what was reserved. Memory of
    // the crashed kernel must not become this one's.
    "mem", "memmap", "add_efi_memmap", "movablecore", "kernelcore", "movable_node", "memory_hotplug.*",
    "memhp_*", "efi_fake_mem",
    // Checks and debugging that cost memory or time, or make allocations fail.
    "slub_*", "slab_*", "kasan*", "kcsan*", "kmsan*", "kfence.*", "kmemleak", "memtest",
    "memory_corruption_check*", "page_poison*", "init_on_alloc", "init_on_free", "init_mlocked_on_free",
    "debug_pagealloc", "debug_objects", "vm_debug", "fail_*", "failslab", "kunit.*", "rcutorture.*", "locktorture.*",
    "torture.*", "stacktrace*", "ftrace*", "trace_*", "alloc_snapshot", "traceoff_*", "kprobe_event",
    "tp_printk*", "initcall_debug", "kgdb*", "ekgdboc", "dyndbg", "*.dyndbg", "ddebug_query", "boot_delay",
    "audit*", "null_blk.*", "scsi_debug.*", "zram.*",
    // Processors that aren't used.
    "nr_cpus", "maxcpus", "possible_cpus", "nosmp", "isolcpus", "nohz_full", "rcu_nocb*", "irqaffinity",
    "kthread_cpus", "workqueue.unbound_cpus",
    // Modules: those of the initramfs are all that there are, and must be loaded. Devices are looked for at
    // once, and nothing is made of a target's disk, or waited for, before the capture program begins.
    "nomodule", "module_blacklist", "modprobe.*", "scsi_mod.scan", "dm_mod.*", "md", "netconsole*",
    // Where the running system lies, and how it is started: the capture program is init, and no other. Its
    // initramfs is unpacked, with room for all of it.
    "root", "rootfstype", "rootflags", "rootwait", "rootdelay", "ro", "rw", "init", "rdinit", "resume*",
    "noresume*", "hibernate", "nohibernate", "nfsroot", "nfsaddrs", "ip", "single", "emergency", "rescue",
    "S", "1", "2", "3", "4", "5", "noinitrd*", "retain_initrd*", "keepinitrd*", "skip_initramfs*",
    "initramfs_*",
    // How much is printed is chosen below; a splash hides it, and the console shows it once. What the capture
    // program writes to the kernel's log must get there.
    "quiet", "debug", "ignore_loglevel", "loglevel", "splash", "rhgb", "keep_bootcon", "printk.devkmsg",
    // What makes a kernel panic that is only slow, and what it does then: chosen below.
    "*panic*", "oops", "softlockup_*", "hardlockup_*", "hung_task_*", "nmi_watchdog",
    "crash_kexec_post_notifiers",
    // Chosen below.
    "irqpoll*", "irqfixup*", "reset_devices*", "mce", "novmcoredd", "acpi_no_memhotplug",
    // Programs of the user space that isn't there.
    "systemd.*", "rd.*", "fsck.*", "plymouth.*", "luks.*", "vconsole.*", "locale.*", "udev.*", "mount.*",
];

/// Whether a parameter of this name is dropped.
#[must_use]
pub fn is_dropped(name: &str) -> bool {
    // Only in sysctls `-` and `_` differ, and of those all are dropped.
    let name = name.replace('-', "_");
    PATTERNS.iter().any(|pattern| matches(pattern, &name))
}

fn matches(pattern: &str, name: &str) -> bool {
    match (pattern.strip_prefix('*'), pattern.strip_suffix('*')) {
        (None, None) => pattern == name,
        (None, Some(start)) => name.starts_with(start),
        (Some(end), None) => name.ends_with(end),
        (Some(end), Some(_)) => name.contains(end.trim_end_matches('*')),
    }
}
