//! The cases, by the machine on which they are tried.

use super::case::{Case, Loaded, Outcome};
use super::why::Why;

const NOTHING: Loaded = Loaded::Nothing;
const KERNEL: Loaded = Loaded::Kernel;
const CRASH: Loaded = Loaded::Crash;

/// Both end with this code, with this loaded, and say this: kexec-tools, Baton.
const fn same(
    line: &'static str,
    before: Loaded,
    code: i32,
    loaded: Loaded,
    says: [&'static str; 2],
) -> Case {
    let [stock, ours] = says;
    Case {
        line,
        before,
        stock: Outcome {
            code,
            loaded,
            says: stock,
        },
        ours: Outcome {
            code,
            loaded,
            says: ours,
        },
        why: None,
    }
}

/// They end differently, for a reason.
const fn differ(
    line: &'static str,
    before: Loaded,
    stock: (i32, Loaded, &'static str),
    ours: (i32, Loaded, &'static str),
    why: Why,
) -> Case {
    Case {
        line,
        before,
        stock: Outcome {
            code: stock.0,
            loaded: stock.1,
            says: stock.2,
        },
        ours: Outcome {
            code: ours.0,
            loaded: ours.1,
            says: ours.2,
        },
        why: Some(why),
    }
}

/// Both load it and say nothing.
const fn loads(line: &'static str) -> Case {
    same(line, NOTHING, 0, KERNEL, ["", ""])
}

/// Both load it for a panic and say nothing.
const fn loads_for_panic(line: &'static str) -> Case {
    same(line, NOTHING, 0, CRASH, ["", ""])
}

/// Both refuse it with this code, in these words.
const fn refuses(line: &'static str, code: i32, stock: &'static str, ours: &'static str) -> Case {
    same(line, NOTHING, code, NOTHING, [stock, ours])
}

/// kexec-tools asks for kexec_load, which the kernel refuses; Baton loads it.
const fn by_default(line: &'static str, loaded: Loaded) -> Case {
    differ(
        line,
        NOTHING,
        (255, NOTHING, "kexec_load failed"),
        (0, loaded, ""),
        Why::DefaultSyscall,
    )
}

/// Locked down by Secure Boot, with memory reserved for a crash kernel.
#[rustfmt::skip]
pub const LOCKED_DOWN: &[Case] = &[
    by_default("-l K --initrd=I", KERNEL),
    by_default("--load K --ramdisk=I --append=quiet", KERNEL),
    by_default("-l K --reuse-cmdline", KERNEL),
    by_default("-p K --initrd=I", CRASH),
    differ("-l UKI", NOTHING, (255, NOTHING, "Cannot determine the file type"), (0, KERNEL, ""), Why::Formats),
    loads("-s -l K"),
    loads("-s -l K --initrd=I --command-line=quiet"),
    loads("-a -l K --initrd=I"),
    loads("-ls K --reuse-cmdline --append=quiet"),
    loads_for_panic("-s -p K --initrd=I"),
    loads_for_panic("-a -p K --initrd=I --reuse-cmdline"),
    loads_for_panic("-lps K"),
    differ("-s -l UKI", NOTHING, (255, NOTHING, "Cannot determine the file type"), (0, KERNEL, ""), Why::Formats),
    differ("-s -l ELF", NOTHING, (1, NOTHING, "Invalid memory segment"), (0, KERNEL, ""), Why::Formats),
    refuses("-c -l K", 255, "kexec_load failed", "this kernel insists on signatures"),
    refuses("-c -p K", 255, "kexec_load failed", "this kernel insists on signatures"),
    refuses("-s -l UNSIGNED", 255, "kexec_file_load failed", "no signature"),
    refuses("-s -l FLIPPED", 255, "kexec_file_load failed", "Cannot load"),
    refuses("-s -l STRANGER", 255, "kexec_file_load failed", "Cannot load"),
    refuses("-a -l UNSIGNED", 255, "kexec_file_load failed", "no signature"),
    refuses("-s -l TEXT", 255, "Cannot determine the file type", "Cannot load"),
    refuses("-s -l NONE", 255, "Failed to open file", "No such file"),
    same("-s -l UNSIGNED", KERNEL, 255, KERNEL, ["kexec_file_load failed", "no signature"]),
    same("-s -u", KERNEL, 0, NOTHING, ["", ""]),
    same("-s -p -u", CRASH, 0, NOTHING, ["", ""]),
    differ("-u", KERNEL, (255, KERNEL, "kexec unload failed"), (0, NOTHING, ""), Why::OldUnload),
    differ("-p -u", CRASH, (255, CRASH, "kexec unload failed"), (0, NOTHING, ""), Why::OldUnload),
    differ("-l -p -s -c -u", CRASH, (255, CRASH, "kexec unload failed"), (0, NOTHING, ""), Why::OldUnload),
    same("-S", CRASH, 1, CRASH, ["", ""]),
    same("-l -S", KERNEL, 1, KERNEL, ["", ""]),
    refuses("-e", 1, "Nothing has been loaded!", "Nothing has been loaded!"),
];

/// Not locked down and without EFI, with memory reserved for a crash kernel.
#[rustfmt::skip]
pub const FREE: &[Case] = &[
    // Loading.
    loads("-l K"),
    loads("-l K --initrd=I"),
    loads("-l K --initrd I"),
    loads("K -l --initrd=I"),
    loads("--load K --ramdisk=I --append=quiet"),
    loads("-l -- K"),
    loads("-s -l K"),
    loads("-sl K --initrd=I"),
    loads("-a -l K"),
    loads("-s -a -l K"),
    loads("-c -l K"),
    loads("-c -l K --initrd=I --reuse-cmdline"),
    loads("--kexec-file-syscall --load K"),
    loads("-s -l K --reuse-cmdline"),
    loads("-s -l K --reuse-c --app=quiet"),
    loads("-s -l K --command-line=a --append=b"),
    loads("-e -l K"),
    loads("-f -l K"),
    loads("-u -l K"),
    loads("-x -y -i -s -l K"),
    loads("-s -l K -t bzImage64"),
    loads("-l K -t bzImage64"),
    loads("-s -l K --elf64-core-headers --entry=0"),
    loads("-s -l UNSIGNED"),
    loads("-s -l STRANGER"),
    loads_for_panic("-p K"),
    loads_for_panic("-p K --initrd=I --reuse-cmdline"),
    loads_for_panic("-s -p K"),
    loads_for_panic("-lps K"),
    loads_for_panic("--load-panic -s K"),
    differ("-c -p K", NOTHING, (0, CRASH, ""), (255, NOTHING, "kexec_load isn't possible"), Why::OldSyscall),
    same("-s -l K", KERNEL, 0, KERNEL, ["", ""]),
    same("-s -p K", CRASH, 0, CRASH, ["", ""]),
    same("K", NOTHING, 255, KERNEL, ["shutdown: No such file", "shutdown: No such file"]),
    same("-s K --initrd=I", NOTHING, 255, KERNEL, ["shutdown: No such file", "shutdown: No such file"]),
    // As scripts load: systemd 252, kdump-tools, kdumpctl, SONiC.
    loads("--load K --append quiet --initrd I"),
    loads_for_panic("-p --command-line=quiet --initrd=I K"),
    loads_for_panic("-p -s --command-line=quiet --initrd=I K"),
    same("-s -d -p --command-line=quiet --initrd=I K", NOTHING, 0, CRASH, ["", "loaded"]),
    loads("-l K --initrd=I --append=quiet -a"),
    // Without effect.
    same("-s -l K --initrd=I --initrd=I", NOTHING, 0, KERNEL, ["", "only the last --initrd counts"]),
    same("-s -l K I", NOTHING, 0, KERNEL, ["", "isn't looked at"]),
    same("-s -l K --mem-min=0x1000000 --mem-max=0x3fffffff", NOTHING, 0, KERNEL, ["", "--mem-min has no effect"]),
    same("-s -l K --noefi --reuse-video-type", NOTHING, 0, KERNEL, ["", "--noefi has no effect"]),
    same("-s -l K --pass-memmap-cmdline", NOTHING, 0, KERNEL, ["", "has no effect"]),
    same("-s -l K --elf32-core-headers", NOTHING, 0, KERNEL, ["", "has no effect"]),
    same("-s -l K --reset-vga --console-vga --console-serial", NOTHING, 0, KERNEL, ["", "--reset-vga has no effect"]),
    same("-s -l K --serial=ttyS0 --serial-baud=115200", NOTHING, 0, KERNEL, ["", "--serial has no effect"]),
    same("-s -l K --args-linux", NOTHING, 0, KERNEL, ["unrecognized option '--args-linux'", ""]),
    same("-s -l K --args-elf", NOTHING, 0, KERNEL, ["unrecognized option '--args-elf'", ""]),
    // What can't be loaded.
    refuses("-l UKI", 255, "Cannot determine the file type", "Cannot load"),
    differ("-l ELF", NOTHING, (0, KERNEL, ""), (255, NOTHING, "only the gate can boot it"), Why::Formats),
    differ("-s -l FLIPPED", NOTHING, (0, KERNEL, ""), (255, NOTHING, "the signature is for other bytes"), Why::Verified),
    refuses("-s -l NONE", 255, "Failed to open file", "No such file"),
    differ("-l NONE", NOTHING, (1, NOTHING, "Cannot open"), (255, NOTHING, "No such file"), Why::Files),
    refuses("-s -l K --initrd=NONE", 255, "Could not open initrd file", "No such file"),
    differ("-l K --initrd=NONE", NOTHING, (1, NOTHING, "Cannot open"), (255, NOTHING, "No such file"), Why::Files),
    refuses("-s -l K --initrd=", 255, "Could not open initrd file", "No such file"),
    differ("-s -l EMPTY", NOTHING, (1, NOTHING, "Cannot read"), (255, NOTHING, "an empty file"), Why::Files),
    differ("-s -l DIR", NOTHING, (1, NOTHING, "Is a directory"), (255, NOTHING, "it is a directory"), Why::Files),
    refuses("-s -l TEXT", 255, "Cannot determine the file type", "is a manifest"),
    refuses("-s -l I", 255, "Cannot determine the file type", "is an initrd"),
    differ("-s -l K --initrd=EMPTY", NOTHING, (253, NOTHING, "syscall kexec_file_load not available"), (255, NOTHING, "the file is empty"), Why::Invalid),
    differ("-s -l K --append=LONG", NOTHING, (253, NOTHING, "syscall kexec_file_load not available"), (255, NOTHING, "command line refused: 2100 bytes"), Why::Invalid),
    refuses("-l K -t elf-x86_64", 255, "Wrong file type elf-x86_64", "Wrong file type elf-x86_64"),
    refuses("-l K -t nbi-x86", 255, "Wrong file type nbi-x86", "no nbi-x86 kernel is booted by Baton"),
    refuses("-l K -t no-such-type", 255, "Unsupported kernel type", "Unsupported kernel type"),
    differ("-s -l K -t no-such-type", NOTHING, (0, KERNEL, ""), (255, NOTHING, "Unsupported kernel type"), Why::Ignored),
    refuses("-l", 255, "No kernel specified", "No kernel specified"),
    refuses("-s -l", 255, "No kernel specified", "No kernel specified"),
    refuses("-p", 255, "No kernel specified", "No kernel specified"),
    refuses("", 255, "No kernel specified", "No kernel specified"),
    refuses("-l --initrd=I --", 255, "No kernel specified", "No kernel specified"),
    same("-s -l NONE", KERNEL, 255, KERNEL, ["Failed to open file", "No such file"]),
    // Unloading.
    same("-u", NOTHING, 0, NOTHING, ["", ""]),
    same("-u", KERNEL, 0, NOTHING, ["", ""]),
    same("-u -a", KERNEL, 0, NOTHING, ["", ""]),
    same("-s -u", KERNEL, 0, NOTHING, ["", ""]),
    same("-c -u", KERNEL, 0, NOTHING, ["", ""]),
    same("-u", CRASH, 0, CRASH, ["", ""]),
    same("-p -u", CRASH, 0, NOTHING, ["", ""]),
    same("-s -p -u", CRASH, 0, NOTHING, ["", ""]),
    same("-l -p -s -c -u", CRASH, 0, NOTHING, ["", ""]),
    same("-p -u", KERNEL, 0, KERNEL, ["", ""]),
    same("-u -p", CRASH, 255, NOTHING, ["No kernel specified", "No kernel specified"]),
    // What is loaded.
    same("-S", NOTHING, 0, NOTHING, ["", ""]),
    same("-S", KERNEL, 0, KERNEL, ["", ""]),
    same("-S", CRASH, 1, CRASH, ["", ""]),
    same("-S -p", CRASH, 1, CRASH, ["", ""]),
    same("-l -S", KERNEL, 1, KERNEL, ["", ""]),
    same("-S --load", CRASH, 0, CRASH, ["", ""]),
    same("--status -u", CRASH, 1, CRASH, ["", ""]),
    same("-S -e", CRASH, 1, CRASH, ["", ""]),
    same("--print-ckr-size", NOTHING, 0, NOTHING, ["268435456", "268435456"]),
    // What is answered at once.
    same("-v", NOTHING, 0, NOTHING, ["kexec-tools 2.0.", "kexec-tools 2.0."]),
    same("--vers", NOTHING, 0, NOTHING, ["kexec-tools 2.0.", "kexec-tools 2.0."]),
    same("-l -d -v --bogus", NOTHING, 0, NOTHING, ["kexec-tools 2.0.", "kexec-tools 2.0."]),
    same("-h", NOTHING, 0, NOTHING, ["Usage: kexec", "Usage: kexec"]),
    same("-?", NOTHING, 1, NOTHING, ["Usage: kexec", "Usage: kexec"]),
    // Wrong use.
    refuses("-e", 1, "Nothing has been loaded!", "Nothing has been loaded!"),
    refuses("--bogus", 1, "unrecognized option '--bogus'", "unrecognized option '--bogus'"),
    refuses("--bogus -v", 1, "unrecognized option '--bogus'", "unrecognized option '--bogus'"),
    refuses("-l K -Z", 1, "invalid option -- 'Z'", "invalid option -- 'Z'"),
    refuses("-l K --re", 1, "option '--re' is ambiguous", "option '--re' is ambiguous"),
    refuses("-l K --initrd", 1, "requires an argument", "requires an argument"),
    refuses("-l K -t", 1, "requires an argument", "requires an argument"),
    refuses("--load=K", 1, "doesn't allow an argument", "doesn't allow an argument"),
    refuses("-l K --mem-min=low", 1, "Bad option value in --mem-min=low", "Bad option value in --mem-min=low"),
    refuses("-l K --mem-max=1M", 1, "Bad option value in --mem-max=1M", "Bad option value in --mem-max=1M"),
    refuses("-l K --entry=x", 1, "Bad option value in --entry=x", "Bad option value in --entry=x"),
    refuses("-l K --serial=ttyS9", 255, "Bad serial port base", "Bad serial port base"),
    refuses("-l K --serial-baud=7", 255, "Bad serial port baud rate", "Bad serial port baud rate"),
    same("-e --append=quiet", KERNEL, 1, KERNEL, ["Usage", "goes with loading a kernel alone"]),
    same("-u --initrd=I", KERNEL, 1, KERNEL, ["Usage", "goes with loading a kernel alone"]),
    same("-S --reuse-cmdline", CRASH, 1, CRASH, ["Usage", "goes with loading a kernel alone"]),
    // What Baton doesn't do.
    refuses("-l K --load-preserve-context", 1, "memory range", "isn't done"),
    refuses("-s --load-jump-back-helper", 1, "not supported with kexec_file_load", "isn't done"),
    refuses("--load-live-update K", 1, "can only be used with xen", "isn't done"),
    refuses("--exec-live-update", 1, "only works under xen", "isn't done"),
    refuses("-s -l K --reuseinitrd", 1, "retain the initrd", "isn't done"),
    refuses("-s -l K --real-mode", 255, "does not support 16bit", "isn't done"),
    refuses("-s -l K --entry-32bit", 255, "does not support 16bit", "isn't done"),
    differ("-s -l K --module=I", NOTHING, (0, KERNEL, "unrecognized option"), (1, NOTHING, "isn't done"), Why::NotDone),
    refuses("-s -l K --dtb=I", 1, "unrecognized option", "isn't done"),
    differ("-s -l K --entry=0x100", NOTHING, (0, KERNEL, ""), (1, NOTHING, "isn't done"), Why::NotDone),
    // What newer kexec-tools have.
    differ("-s -p K --hotplug", NOTHING, (1, NOTHING, "unrecognized option"), (0, CRASH, ""), Why::Newer),
    refuses("-s -l K --force-dtb", 1, "unrecognized option", "isn't done"),
    differ("-s -l K --no-cma", NOTHING, (1, NOTHING, "unrecognized option"), (0, KERNEL, "has no effect"), Why::Newer),
];

/// Not locked down, without memory reserved for a crash kernel.
#[rustfmt::skip]
pub const UNRESERVED: &[Case] = &[
    refuses("-p K", 1, "Memory for crashkernel is not reserved", "Memory for crashkernel is not reserved"),
    refuses("-s -p K", 1, "Memory for crashkernel is not reserved", "Memory for crashkernel is not reserved"),
    refuses("-p", 1, "Memory for crashkernel is not reserved", "Memory for crashkernel is not reserved"),
    same("-p -u", NOTHING, 0, NOTHING, ["", ""]),
    same("-S", NOTHING, 0, NOTHING, ["", ""]),
    same("--print-ckr-size", NOTHING, 0, NOTHING, ["0", "0"]),
    loads("-s -l K"),
];
