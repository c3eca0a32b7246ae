//! The command line of the kernel that captures: that of the running one, less what would hurt, and more
//! what helps. Each parameter has its reason; docs/crash.md repeats them.

use super::dropped;
use crate::arch;
use baton_formats::cmdline::{Parameter, parameters, words};

/// What every capture gets, in this order.
const ADDED: [&[&str]; 3] = [BEFORE, arch::capture::ADDED, AFTER];

#[rustfmt::skip]
const BEFORE: &[&str] = &[
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
];

#[rustfmt::skip]
const AFTER: &[&str] = &[
    // ACPI must not add the crashed kernel's memory as free memory.
    "acpi_no_memhotplug",
    // Dumps of devices' own memory lie in this kernel's memory.
    "novmcoredd",
    // A serial line takes seconds for what the kernel says when it starts; warnings and worse are shown.
    "loglevel=5",
    // If the capture itself panics, the machine comes back.
    "panic=10",
];

fn added() -> impl Iterator<Item = &'static str> {
    ADDED.into_iter().flatten().copied()
}

/// The command line, from the running kernel's; `processors` is what the architecture needs where so many run.
#[must_use]
pub fn capture(running: &[u8], cpus: u32, processors: Option<String>, more: &[String]) -> Vec<u8> {
    let mut words: Vec<Vec<u8>> = parameters(running)
        .take_while(|parameter| !parameter.ends_kernel_parameters())
        .filter(|parameter| !has_dropped(parameter))
        .map(|parameter| parameter.raw.to_vec())
        .collect();
    words.push(format!("nr_cpus={cpus}").into_bytes());
    words.extend(processors.map(String::into_bytes));
    words.extend(added().map(|word| word.as_bytes().to_vec()));
    words.extend(more.iter().map(|word| word.as_bytes().to_vec()));
    words.join(&b' ')
}

/// Also as what runs before the kernel's own parser reads it, which knows no quotes.
fn has_dropped(parameter: &Parameter<'_>) -> bool {
    is_dropped(parameter.name, parameter.value)
        || words(parameter.raw).any(|word| is_dropped(word.name, word.value))
}

fn is_dropped(name: &[u8], value: Option<&[u8]>) -> bool {
    let value = value.unwrap_or_default();
    dropped::is_dropped(&String::from_utf8_lossy(name))
        // Its driver is a module that isn't loaded, and with it /dev/console would be no device.
        || (name == b"console" && value.starts_with(b"hvc"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(running: &str, cpus: u32, more: &[&str]) -> String {
        let more: Vec<String> = more.iter().map(|word| (*word).to_owned()).collect();
        String::from_utf8(capture(running.as_bytes(), cpus, None, &more)).unwrap()
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

    /// Nothing of `running` is on the line.
    fn assert_all_dropped(running: &str) {
        for word in parameters(running.as_bytes()) {
            assert!(has_dropped(&word), "{word:?}");
        }
        assert!(line(running, 1, &[]).starts_with("nr_cpus=1 "));
    }

    #[test]
    fn what_eats_memory_is_dropped_in_every_spelling() {
        assert_all_dropped(
            "hugepages=16 hugepagesz=1G default_hugepagesz=1G default-hugepagesz=1G \"hugepages=16\" \
             hugetlb_cma=4G hugetlb-cma=4G hugetlb_free_vmemmap=on hugepage_alloc_threads=8 \
             sysctl.vm.nr_hugepages=512 sysctl/vm/nr_hugepages=512 sysctl.vm/nr_hugepages=512 \
             sysctl/vm.nr_overcommit_hugepages=512 sysctl.vm.min_free_kbytes=200000 \
             dhash_entries=9 ihash_entries=9 mhash_entries=9 mphash_entries=9 thash_entries=9 \
             uhash-entries=9 numa_cma=0:1G cma_pernuma=64M thp_anon=2M:always kernelcore=4G \
             movablecore=2G movable_node memhp_default_state=online memory_hotplug.memmap_on_memory=1 \
             mem=64G memmap=4G!8G add_efi_memmap swiotlb=262144 dma_debug_entries=65536 \
             trace_instance=boot_map profile=2 cgroup_enable=memory cgroup.memory=nokmem zswap.enabled=1",
        );
    }

    #[test]
    fn what_panics_or_keeps_modules_and_targets_out_is_dropped_in_every_spelling() {
        assert_all_dropped(
            "panic=0 panic_on_warn=1 panic-on-warn=1 panic_print=63 panic_sys_info=mem oops=panic \
             sysctl.kernel.panic=0 sysctl/kernel/hung_task_panic=1 sysctl.kernel/softlockup_panic=1 \
             sysctl.kernel.panic_on_rcu_stall=1 sysctl.kernel.modules_disabled=1 sysctl.kernel.oops_limit=1 \
             softlockup_panic=1 hardlockup_panic=1 hung_task_panic=1 unknown_nmi_panic \
             workqueue.panic_on_stall=1 edac_core.edac_mc_panic_on_ue=1 nmi_watchdog=panic \
             softlockup_all_cpu_backtrace=1 nomodule module_blacklist=ahci,nouveau \
             modprobe.blacklist=virtio_blk scsi_mod.scan=none dm-mod.create=\"x,,,ro,0 1 linear /dev/sda 0\" \
             dm_mod.waitfor=/dev/x md=0,/dev/sda noinitrd noinitrdx initrdmem=0x1,0x2 initramfs_options=size=1% \
             \"foo mem=64M\" printk.devkmsg=off ramoops.mem_address=0x1 dyndbg=\"file x +p\" ext4.dyndbg=+p",
        );
    }

    #[test]
    fn names_that_only_begin_alike_stay() {
        let kept = "rootkit=1 memory=2 rdx=3 mem_encrypt=on sysctlx=1 modules=1 swiotlbx=1 mce_x=1";
        assert!(line(kept, 1, &[]).starts_with(&format!("{kept} nr_cpus=1")));
    }

    #[test]
    fn what_belongs_to_init_is_dropped() {
        let line = line("a=1 -- single b=2", 1, &[]);
        assert!(line.starts_with("a=1 nr_cpus=1"), "{line}");
        assert!(!line.contains("b=2"), "{line}");
    }

    #[test]
    fn what_several_processors_need_stands_beside_their_number() {
        let needed = Some("disable_cpu_apicid=0".to_owned());
        let line = String::from_utf8(capture(b"", 2, needed, &[])).unwrap();
        assert!(line.starts_with("nr_cpus=2 disable_cpu_apicid=0 reset_devices "));
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
        for word in added() {
            let (name, value) = word
                .split_once('=')
                .map_or((word, None), |(n, v)| (n, Some(v)));
            assert!(
                is_dropped(name.as_bytes(), value.map(str::as_bytes)),
                "{word}"
            );
        }
    }
}
