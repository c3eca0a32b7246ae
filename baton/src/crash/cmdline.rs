//! The command line of the kernel that captures: that of the running one, less what would hurt, and more
//! what helps. Each parameter has its reason; docs/crash.md repeats them.

use baton_formats::cmdline::parameters;

/// What is dropped from the running kernel's line, by whole name.
#[rustfmt::skip]
const DROPPED: &[&str] = &[
    // What boot loaders and kexec say about themselves. A second elfcorehdr= would undo the kernel's own.
    "BOOT_IMAGE", "initrd", "elfcorehdr", "dmcryptkeys", "disable_cpu_apicid",
    // Memory that would be set aside from the little there is; limits that were meant for all of it.
    "crashkernel", "hugepages", "hugepagesz", "default_hugepagesz", "hugetlb_cma", "cma", "swiotlb",
    "log_buf_len", "mem", "memmap", "movablecore", "kernelcore", "transparent_hugepage",
    "reserve_mem", "kho", "kfence.sample_interval",
    // Debugging that costs memory or time.
    "slub_debug", "slab_debug", "page_owner", "page_poison", "debug_pagealloc", "kmemleak", "memtest",
    "ftrace", "ftrace_dump_on_oops", "trace_buf_size", "trace_event", "trace_options", "trace_instance",
    "tp_printk", "initcall_debug", "kgdboc", "kgdbwait", "kgdbcon",
    // Processors and nodes that aren't used.
    "nr_cpus", "maxcpus", "possible_cpus", "nosmp", "isolcpus", "nohz_full", "rcu_nocbs", "irqaffinity",
    "numa", "numa_balancing",
    // Where the running system lies, and how it is started: the capture program is init, and no other.
    "root", "rootfstype", "rootflags", "rootwait", "rootdelay", "ro", "rw", "init", "rdinit", "resume",
    "resume_offset", "noresume", "hibernate", "nfsroot", "nfsaddrs", "ip", "single", "emergency", "rescue",
    "S", "1", "2", "3", "4", "5", "noinitrd", "retain_initrd",
    // How much is printed is chosen below; a splash hides it.
    "quiet", "debug", "ignore_loglevel", "loglevel", "splash",
    // What makes a kernel panic that is only slow, and what it does then: chosen below.
    "panic", "panic_on_warn", "panic_on_oops", "panic_on_taint", "oops", "softlockup_panic",
    "hardlockup_panic", "hung_task_panic", "nmi_watchdog", "crash_kexec_post_notifiers", "panic_print",
    "unknown_nmi_panic",
    // Chosen below.
    "irqpoll", "irqfixup", "reset_devices", "cgroup_disable", "mce", "novmcoredd", "acpi_no_memhotplug",
];

/// What is dropped by how its name begins: programs of the user space that isn't there.
const DROPPED_PREFIXES: &[&str] = &[
    "systemd.",
    "rd.",
    "fsck.",
    "plymouth.",
    "luks.",
    "vconsole.",
    "locale.",
    "udev.",
];

/// What every capture gets.
#[rustfmt::skip]
const ADDED: &[&str] = &[
    // Drivers reset what the crashed kernel left running.
    "reset_devices",
    // An interrupt that nobody answers for, from a device that has no driver here, doesn't end in silence.
    "irqpoll",
    // The memory controller's structures, and those of NUMA, cost memory and give nothing.
    "cgroup_disable=memory",
    "numa=off",
    "transparent_hugepage=never",
    // Nothing is set aside for large contiguous allocations.
    "cma=0",
    "hugetlb_cma=0",
    // A machine check that is still pending from the crash must not end the capture.
    "mce=off",
    // ACPI must not add the crashed kernel's memory as free memory.
    "acpi_no_memhotplug",
    // Dumps of devices' own memory lie in this kernel's memory.
    "novmcoredd",
    // A serial line takes seconds for what the kernel says when it starts; warnings and worse are shown.
    "loglevel=5",
    // If the capture itself panics, the machine comes back.
    "panic=10",
];

/// The command line, from the running kernel's.
#[must_use]
pub fn capture(running: &[u8], cpus: u32, bsp_apic_id: Option<u32>, more: &[String]) -> Vec<u8> {
    let mut words: Vec<Vec<u8>> = parameters(running)
        .take_while(|parameter| !parameter.ends_kernel_parameters())
        .filter(|parameter| !is_dropped(parameter.name, parameter.value))
        .map(|parameter| parameter.raw.to_vec())
        .collect();
    words.push(format!("nr_cpus={cpus}").into_bytes());
    // Starting the processor that firmware started first resets the machine, unless the crash was on it.
    // Since Linux 6.9 the kernel sees that itself (arch/x86/kernel/cpu/topology.c).
    if let Some(id) = bsp_apic_id.filter(|_| cpus > 1) {
        words.push(format!("disable_cpu_apicid={id}").into_bytes());
    }
    words.extend(ADDED.iter().map(|word| word.as_bytes().to_vec()));
    words.extend(more.iter().map(|word| word.as_bytes().to_vec()));
    words.join(&b' ')
}

fn is_dropped(name: &[u8], value: Option<&[u8]>) -> bool {
    // The kernel takes - and _ as the same in a parameter's name (parameq of kernel/params.c).
    let name = String::from_utf8_lossy(name).replace('-', "_");
    let value = value.unwrap_or_default();
    DROPPED.contains(&name.as_str())
        || DROPPED_PREFIXES.iter().any(|prefix| name.starts_with(prefix))
        // Its driver is a module that isn't loaded, and with it /dev/console would be no device.
        || (name == "console" && value.starts_with(b"hvc"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(running: &str, cpus: u32, more: &[&str]) -> String {
        let more: Vec<String> = more.iter().map(|word| (*word).to_owned()).collect();
        String::from_utf8(capture(running.as_bytes(), cpus, Some(0), &more)).unwrap()
    }

    #[test]
    fn what_is_about_this_hardware_and_about_trust_stays() {
        let kept = "console=tty0 console=ttyS0,115200n8 intel_iommu=on lockdown=integrity module.sig_enforce=1 reboot=pci";
        assert!(line(kept, 1, &[]).starts_with(&format!("{kept} nr_cpus=1 ")));
    }

    #[test]
    fn what_would_hurt_is_dropped() {
        let running = "BOOT_IMAGE=/vmlinuz root=UUID=1 ro quiet crashkernel=256M hugepages=100 \
            hugepagesz=1G elfcorehdr=0x1 console=hvc0 rd.lvm.lv=a/b systemd.unit=x init=/bin/sh \
            rdinit=/bin/sh mem=4G log-buf-len=64M softlockup_panic=1 nr_cpus=8 single 3";
        let line = line(running, 1, &[]);
        assert!(line.starts_with("nr_cpus=1 reset_devices"), "{line}");
    }

    #[test]
    fn names_that_only_begin_alike_stay() {
        let line = line("rootkit=1 memory=2 rdx=3", 1, &[]);
        assert!(line.starts_with("rootkit=1 memory=2 rdx=3 "), "{line}");
    }

    #[test]
    fn what_belongs_to_init_is_dropped() {
        let line = line("a=1 -- single b=2", 1, &[]);
        assert!(line.starts_with("a=1 nr_cpus=1"), "{line}");
        assert!(!line.contains("b=2"), "{line}");
    }

    #[test]
    fn the_first_processor_is_left_alone_where_several_are_started() {
        assert!(!line("", 1, &[]).contains("disable_cpu_apicid"));
        assert!(line("", 2, &[]).starts_with("nr_cpus=2 disable_cpu_apicid=0 "));
    }

    #[test]
    fn the_owners_own_parameters_come_last() {
        assert!(
            line("", 1, &["loglevel=7", "swiotlb=noforce"])
                .ends_with("panic=10 loglevel=7 swiotlb=noforce")
        );
    }

    #[test]
    fn all_that_is_added_is_dropped_from_a_running_line() {
        // Else a capture that is loaded from within a capture would say it twice.
        for word in ADDED {
            let (name, value) = word
                .split_once('=')
                .map_or((*word, None), |(n, v)| (n, Some(v)));
            assert!(
                is_dropped(name.as_bytes(), value.map(str::as_bytes)),
                "{word}"
            );
        }
    }
}
