//! What `kexec --help` and `kexec --version` print. Scripts look for the name and version of kexec-tools at the
//! beginning.

use crate::arch;

/// The version of kexec-tools whose command line this is.
const LIKE: &str = "2.0.32";

/// Its version, on one line.
#[must_use]
pub fn version() -> String {
    format!("kexec-tools {LIKE} (Baton {})", env!("CARGO_PKG_VERSION"))
}

/// How it is used.
#[must_use]
pub fn usage() -> String {
    let types: Vec<&str> = arch::kexec::FILE_TYPES
        .iter()
        .filter_map(|(name, format)| format.map(|_| *name))
        .collect();
    format!(
        "{}\n{USAGE}\nSupported kernel file types: {}\n",
        version(),
        types.join(", ")
    )
}

const USAGE: &str = "\
Usage: kexec [OPTION]... [kernel]
Directly reboot into a new kernel: through Baton, which loads only what is verified where this machine insists on it

 -h, --help           Print this help.
 -v, --version        Print the version.
 -f, --force          Force an immediate kexec, don't call shutdown.
 -l, --load           Load the new kernel into the current kernel.
 -p, --load-panic     Load the new kernel for use on panic.
 -u, --unload         Unload the current kexec target kernel; with -p before it, the one for a panic.
 -e, --exec           Execute a currently loaded kernel.
 -S, --status         Return 1 if the type (by default crash) is loaded, 0 if not.
 -d, --debug          Say what is loaded, how and by whose signature.
 -x, --no-ifdown      Don't bring down network interfaces.
 -y, --no-sync        Don't sync filesystems before kexec.
 -t, --type=TYPE      Load only a kernel of this type.
 -s, --kexec-file-syscall  Load by the system call that verifies; this is what is done anyway.
 -a, --kexec-syscall-auto  The same: nothing is ever loaded unverified in its place.
 -c, --kexec-syscall  Load the gate, which verifies the kernel, by the system call that verifies nothing: for kernels
                      that have no other, not locked down and without EFI.
     --command-line=STRING, --append=STRING
                      Set the kernel command line to STRING.
     --reuse-cmdline  Use the running kernel's, without BOOT_IMAGE= and initrd=, and without crashkernel= for a
                      panic; what --append adds comes after it.
     --initrd=FILE, --ramdisk=FILE
                      Use FILE as the kernel's initial ramdisk.
     --print-ckr-size Print how many bytes are reserved for a crash kernel.
     --hotplug        Fail unless the kernel updates a crash kernel by itself when processors or memory come or go.

Without -l, -p, -u, -e or -f the kernel is loaded and shutdown -r now is run.

Accepted, and without effect: --no-checks, --mem-min, --mem-max, --reset-vga, --serial, --serial-baud, --console-vga,
--console-serial, --noefi, --reuse-video-type, --pass-memmap-cmdline, --elf32-core-headers, --elf64-core-headers,
--no-cma, --args-linux.
Refused, each with what to do in its place: --entry, --load-preserve-context, --load-jump-back-helper,
--load-live-update, --exec-live-update, --reuseinitrd, --module, --dtb, --force-dtb, --real-mode, --entry-32bit, and
for ELF kernels --args-elf and --args-none.

Exit codes: 0 done; 1 wrong use, or no memory is reserved for a crash kernel, or nothing is loaded; 253 the kernel
lacks the system call; 255 failed.
Baton's own commands say and do more: baton load --help.
";

#[cfg(test)]
mod tests {
    use super::super::options::LONG;
    use super::*;

    #[test]
    fn the_help_has_every_option() {
        let usage = usage();
        for option in LONG.iter().filter(|option| !option.is_for_tests) {
            let name = format!("--{}", option.name);
            assert!(usage.contains(&name), "{name}");
        }
    }

    #[test]
    fn the_version_begins_as_scripts_expect() {
        let version = version();
        assert!(version.starts_with("kexec-tools 2."), "{version}");
        assert!(usage().starts_with(&version));
    }
}
