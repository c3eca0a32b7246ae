//! Parameters.

use baton_attacks::Group;
use baton_gate::arch::x86_64::serial_consoles::serial_consoles;
use baton_verify::Component;

use crate::bases::*;
use crate::case::{Case, Cases};
use crate::scene::Scene;
use baton_samples::build::{line, manifest, sha256};
use baton_samples::machine::CMDLINE;
use baton_samples::policy::{policy, rule, rules};
use baton_samples::small_image::{CMDLINE_SIZE, small_image};

const LINE: Component = Component::CommandLine;
const DENIED: &str = "parameter-denied";

/// No parameters but a few, nothing for init, and two that are forced.
fn strict() -> Scene {
    let parameters = [
        rule(1, "root", 0, b""),
        rule(1, "console", 2, b"ttyS0\0"),
        rule(1, "quiet", 1, b""),
        rule(1, "panic", 0, b""),
        rule(
            1,
            "loglevel",
            3,
            &[0_u64.to_le_bytes(), 7_u64.to_le_bytes()].concat(),
        ),
        rule(1, "lockdown", 2, b"integrity\0confidentiality\0"),
    ];
    let rules = rules([0x7f, 7, 5, 3], "lockdown=integrity panic=30", &parameters);
    let mut scene = bzimage();
    scene.gate.policy = policy("strict", "", [&rules, &rules], &[]);
    scene
}

/// No command line but one that is signed.
fn sealed() -> Scene {
    let rules = rules([0x7f, 7, 4, 0], "", &[]);
    let mut scene = by_manifest();
    scene.gate.policy = policy("sealed line", "", [&rules, &rules], &[]);
    scene
}

fn by_prefix() -> Scene {
    let mut scene = manifested(&[
        line("kernel", &small_image()),
        "cmdline-prefix root=/dev/vda1 ro\n".into(),
    ]);
    scene.line = b"root=/dev/vda1 ro quiet".to_vec();
    scene
}

/// Attacks by a command line: the name; the machine, the command line; the code.
macro_rules! lines {
    ($all:ident; $($name:literal: $honest:ident, $line:literal => $code:expr;)*) => {
        $($all.refused($name, $honest, |it| it.line = Vec::from($line), LINE, $code);)*
    };
}

pub fn cases() -> Vec<Case> {
    let mut all = Cases::of(Group::CommandLine);
    by_the_stock_policy(&mut all);
    of_a_crash(&mut all);
    by_a_strict_policy(&mut all);
    by_the_preset_for_signed_initrds(&mut all);
    by_what_is_signed(&mut all);
    in_a_sealed_machine(&mut all);
    bootconfig(&mut all);
    by_their_form(&mut all);
    all.made
}

fn by_the_stock_policy(all: &mut Cases) {
    lines! { all;
        "the list of security modules without lockdown":
            bzimage, b"root=/dev/vda1 lsm=landlock,yama,apparmor" => DENIED;
        "the list of security modules with one whose name begins as lockdown's does":
            bzimage, b"lsm=lockdown2,yama" => DENIED;
        "the list of security modules with lockdown as a part of a name":
            bzimage, b"lsm=nolockdown" => DENIED;
        "the list of security modules twice, of which the last one counts":
            bzimage, b"lsm=lockdown,yama lsm=yama" => DENIED;
        "an empty list of security modules":
            bzimage, b"lsm=" => DENIED;
        "the list of security modules in quotes":
            bzimage, b"\"lsm=yama\"" => DENIED;
        "the list of security modules with quotes around its value, and lockdown beyond them":
            bzimage, b"lsm=\"yama\" ,lockdown" => DENIED;
        "the address of ACPI's tables, which are code that runs in the kernel":
            bzimage, b"acpi_rsdp=0x40000000" => DENIED;
        "the same with a hyphen, which is the same to the kernel":
            bzimage, b"acpi-rsdp=0x40000000" => DENIED;
        "the same after a tab":
            bzimage, b"quiet\tacpi_rsdp=0x40000000" => DENIED;
        "the same after a byte that only the kernel takes for a space":
            bzimage, b"quiet\xa0acpi_rsdp=0x40000000" => DENIED;
        "the same after a byte that only early code takes for a space":
            bzimage, b"quiet\x01acpi_rsdp=0x40000000" => DENIED;
        "the same within quotes, which early code doesn't know":
            bzimage, b"note=\"see acpi_rsdp=0x40000000 here\"" => DENIED;
        "the same after a quote that isn't closed":
            bzimage, b"note=\"see acpi_rsdp=0x40000000" => DENIED;
        "the same after `--`, where early code reads on":
            bzimage, b"quiet -- acpi_rsdp=0x40000000" => DENIED;
        "the address of an initrd other than the verified one":
            bzimage, b"initrdmem=0x40000000,0x100000" => DENIED;
        "another command line hidden in the initrd":
            bzimage, b"quiet bootconfig" => DENIED;
        "the address of an initrd, by its older name":
            bzimage, b"initrd=0x40000000,0x100000" => DENIED;
        "the firmware's memory as a device that root may write to":
            bzimage, b"memmap=64M!0x7f000000" => DENIED;
        "the same among other changes of the memory map":
            crash, b"quiet memmap=exactmap,64M!0x7f000000" => DENIED;
        "an address that the next kernel keeps its log at":
            bzimage, b"ramoops.mem-address=0x40000000 ramoops.mem_size=0x10000" => DENIED;
        "an address for a buffer of traces that root may write to":
            bzimage, b"trace_instance=x@0x40000000:1M" => DENIED;
        "the same with flags before the address and events after it":
            bzimage, b"trace_instance=x^traceoff@0x40000000:1M,sched:*" => DENIED;
        "an address for the registers of a device":
            bzimage, b"virtio_mmio.device=4K@0x40000000:5" => DENIED;
        "an address for the framebuffer, which root may write to":
            bzimage, b"video=efifb:base:0x40000000,stride:1024,height:768,width:1024" => DENIED;
        "the same after an item that is harmless by itself":
            bzimage, b"video=efifb:nowc,base:0x40000000" => DENIED;
        "the framebuffer's address on another machine, by that one's name":
            bzimage, b"video=1024x768,macbook" => DENIED;
        "an ACPI table from a variable that root can write":
            bzimage, b"efivar_ssdt=evil" => DENIED;
        "a call left out that reads the keys which are revoked":
            bzimage, b"initcall_blacklist=load_uefi_certs" => DENIED;
        "a debugger that writes to memory before the kernel is locked down":
            bzimage, b"kgdboc_earlycon kgdbwait" => DENIED;
        "memory for FireWire devices to write to":
            bzimage, b"ohci1394_dma=early" => DENIED;
        "the same by the driver that is loaded later":
            bzimage, b"firewire_ohci.remote_dma=1" => DENIED;
        "microcode that isn't compared with what is known to be good":
            bzimage, b"microcode.amd_sha_check=off" => DENIED;
        "no EFI, so that the next kernel can't tell the one after it of Secure Boot":
            bzimage, b"quiet noefi" => DENIED;
        "no runtime services of EFI, for the same":
            bzimage, b"efi=noruntime" => DENIED;
        "the same within a list":
            bzimage, b"efi=debug,noruntime" => DENIED;
        "the same with quotes around the list":
            must_be_signed, b"efi=\"noruntime,debug\"" => DENIED;
    }
    all.survived(
        "a denied parameter in upper case",
        bzimage,
        |it| it.line = b"ACPI_RSDP=0x40000000 Acpi_Rsdp=0x40000000".to_vec(),
        "the kernel tells upper from lower case, and knows no such parameter",
        |_| {},
    );
    all.survived(
        "a denied parameter as another one's value",
        bzimage,
        |it| it.line = b"note=acpi_rsdp=0x40000000".to_vec(),
        "it is the other one's value to everyone who reads the line",
        |_| {},
    );
    all.survived(
        "a console at a memory address, by which the gate would write over what it verified", bzimage,
        |it| it.line = b"earlycon=uart8250,mmio32,0x3e000000 console=uart8250,io,0xcf8".to_vec(),
        "the gate writes to the four standard serial ports alone; what the next kernel does is its signer's business",
        |_| assert_eq!(serial_consoles(b"earlycon=uart8250,mmio32,0x3e000000 console=uart8250,io,0xcf8").count(), 0),
    );
}

fn of_a_crash(all: &mut Cases) {
    lines! { all;
        "a forged place of the dump's headers, on a load that is for no crash":
            bzimage, b"quiet elfcorehdr=0x40000000" => DENIED;
        "a second place of the dump's headers after the kernel's, the last of which counts":
            crash, b"elfcorehdr=0x40000000 quiet" => DENIED;
        "the same in quotes":
            crash, b"quiet \"elfcorehdr=0x40000000\"" => DENIED;
        "the same after `--`":
            crash, b"quiet -- elfcorehdr=0x40000000" => DENIED;
        "a second place of the disk's keys after the kernel's":
            crash, b"dmcryptkeys=0x40000000 quiet" => DENIED;
        "a place of the disk's keys, on a load that is for no crash":
            bzimage, b"dmcryptkeys=0x40000000" => DENIED;
    }
    by_gate! { all;
        "a place of the dump's headers that the kernel didn't write, since it has another form":
            crash, |it| {
                it.on_memory.push(|memory| {
                    let mut line = b"elfcorehdr=64M@16M quiet".to_vec();
                    line.resize(4096, 0);
                    memory.put(CMDLINE, line);
                });
            } => LINE, DENIED;
    }
}

fn by_a_strict_policy(all: &mut Cases) {
    lines! { all;
        "a parameter that no rule is about":
            strict, b"root=/dev/vda1 init=/bin/sh" => "parameter-unlisted";
        "a value that no rule allows":
            strict, b"console=ttyS1" => "parameter-unlisted";
        "a value that begins as an allowed one does":
            strict, b"console=ttyS0,115200" => "parameter-unlisted";
        "a number beyond what is allowed":
            strict, b"loglevel=8" => "parameter-unlisted";
        "a number that is octal to the kernel and decimal to others":
            strict, b"loglevel=07" => "parameter-unlisted";
        "a number with a unit, which makes it 1024 times as much":
            strict, b"loglevel=1K" => "parameter-unlisted";
        "a number that wraps around 2^64 to an allowed one":
            strict, b"loglevel=18446744073709551617" => "parameter-unlisted";
        "a value for a parameter that may have none":
            strict, b"quiet=0" => "parameter-unlisted";
        "a parameter within an allowed one's quotes, which ends where another reader thinks":
            strict, b"root=\"/dev/vda1\"x init=/bin/sh" => "parameter-unlisted";
        "a parameter for init, which runs it as a program's argument":
            strict, b"quiet -- /bin/sh" => "parameter-for-init";
        "the same with the dashes in quotes":
            strict, b"quiet \"--\" single" => "parameter-for-init";
        "a forced parameter with another value":
            strict, b"lockdown=confidentiality" => "parameter-forced";
        "a forced parameter without a value":
            strict, b"lockdown" => "parameter-forced";
        "a forced parameter with another value after the right one":
            strict, b"panic=30 panic=0" => "parameter-forced";
        "a forced parameter with another value, in quotes":
            strict, b"\"panic=0\"" => "parameter-forced";
        "a forced parameter with another value within quotes, which early code doesn't know":
            strict, b"root=\"/dev/vda1 panic=0 \"" => "parameter-forced";
        "a forced parameter with another value after a byte that only early code takes for a space":
            strict, b"root=/dev/vda1\x01panic=0" => "parameter-forced";
        "an unlisted parameter within an allowed one's quotes, which early code doesn't know":
            strict, b"root=\"/dev/vda1 nopti x\"" => "parameter-unlisted";
    }
    all.survived(
        "a quote that isn't closed, to swallow what is forced",
        strict,
        |it| it.line = b"root=\"/dev/vda1".to_vec(),
        "what is forced stands before what user space chose, where no quote of its own reaches",
        |plan| {
            let forced = b"lockdown=integrity panic=30 root=\"/dev/vda1\0";
            assert!(
                plan.writes
                    .iter()
                    .any(|write| write.bytes.starts_with(forced))
            );
        },
    );
    refused! { all;
        "a line that fits, but not with what is forced":
            strict, |it| {
                it.line = [b"root=".as_slice(), &vec![b'x'; CMDLINE_SIZE as usize - 20]].concat();
            } => LINE, "command-line-too-long";
    }
}

fn by_the_preset_for_signed_initrds(all: &mut Cases) {
    lines! { all;
        "another program of the initrd to run first":
            must_be_signed, b"rdinit=/bin/sh" => DENIED;
        "another program to run first, in quotes":
            must_be_signed, b"quiet \"init=/bin/sh\"" => DENIED;
        "another program to run first, after `--`":
            must_be_signed, b"-- init=/bin/sh" => "parameter-for-init";
        "no initrd, where a signed one is handed over":
            must_be_signed, b"noinitrd" => DENIED;
        "the same by the beginning of a longer name, which is all that the kernel compares":
            must_be_signed, b"noinitrdx=1" => DENIED;
        "a program that the kernel starts when a process dies":
            must_be_signed, b"sysctl.kernel.core_pattern=|/bin/sh" => DENIED;
        "the same as a path, which is the same to the kernel":
            must_be_signed, b"sysctl/kernel//core_pattern=|/bin/sh" => DENIED;
        "a program that a file system of the kernel starts":
            must_be_signed, b"nfs.cache_getent=/bin/sh" => DENIED;
        "a function for the initrd's shell, in its environment":
            must_be_signed, b"\"BASH_FUNC_mount%%=() { sh; }\"" => DENIED;
        "an initrd at an address of memory, by its older name":
            must_be_signed, b"initrd=0x40000000,0x100000" => DENIED;
        "a shell in the initrd":
            must_be_signed, b"rd.break=pre-mount" => DENIED;
        "the command line itself as a script that the initrd reads":
            must_be_signed, b"ro boot=../proc/cmdline ;mkdir${IFS}/x" => DENIED;
        "the same within quotes, which the initrd's shell doesn't know":
            must_be_signed, b"note=\"x boot=../proc/cmdline ;sh\"" => DENIED;
        "the same as a script that is to print the key of a disk":
            must_be_signed, b"cryptopts=source=/dev/vda,luks,keyscript=/bin/sh,key=/proc/cmdline" => DENIED;
        "a shell to mount the root file system with":
            must_be_signed, b"mount_handler=launch_interactive_shell" => DENIED;
        "an image from the network, merged into the initrd":
            must_be_signed, b"rd.systemd.pull=raw,sysext,verify=no:x:http://10.0.0.1/x.raw" => DENIED;
        "a root shell without a password, with a hyphen for an underscore":
            must_be_signed, b"systemd.debug-shell=1" => DENIED;
        "the same in single quotes, which are quotes to systemd alone":
            must_be_signed, b"'systemd.debug_shell'" => DENIED;
        "the same with quotes within its name, which systemd drops":
            must_be_signed, b"quiet systemd.\"debug_shell\"=1" => DENIED;
        "a console that the next kernel writes to at an address of memory":
            must_be_signed, b"console=uart8250,mmio32,0x40000000" => DENIED;
        "the same by a number alone":
            must_be_signed, b"earlycon=uart8250,0x40000000" => DENIED;
        "the same early, among harmless words":
            must_be_signed, b"earlyprintk=serial,mmio32,0x40000000,keep" => DENIED;
        "the same by another driver's name":
            must_be_signed, b"earlycon=pl011,mmio32,0x40000000" => DENIED;
        "a harmless console before one at an address of memory":
            must_be_signed, b"console=ttyS0 console=uart,mmio,0x40000000" => DENIED;
    }
}

fn by_what_is_signed(all: &mut Cases) {
    const UKI: &str = "command-line-not-of-uki";
    const MANIFEST: &str = "command-line-not-in-manifest";
    lines! { all;
        "a parameter after a UKI's own":
            uki, b"root=/dev/vda quiet init=/bin/sh" => UKI;
        "a parameter before a UKI's own":
            uki, b"init=/bin/sh root=/dev/vda quiet" => UKI;
        "a UKI's own line with one space more":
            uki, b"root=/dev/vda  quiet" => UKI;
        "a UKI's own line with quotes, which say the same":
            uki, b"\"root=/dev/vda\" quiet" => UKI;
        "an empty line in place of a UKI's own":
            uki, b"" => UKI;
        "a parameter after a signed addon's, which would have the last word":
            uki_with_addon, b"root=/dev/vda debug nodebug" => UKI;
        "a signed addon's parameter as the end of another word":
            uki_with_addon, b"root=/dev/vda nodebug" => UKI;
        "a signed addon's parameter left out":
            uki_with_addon, b"root=/dev/vda" => UKI;
        "a parameter more than a manifest's":
            by_manifest, b"quiet init=/bin/sh" => MANIFEST;
        "a manifest's parameter as the beginning of another word":
            by_manifest, b"quieter" => MANIFEST;
        "a manifest's beginning, continued within its last word":
            by_prefix, b"root=/dev/vda1 rom=1" => MANIFEST;
        "a manifest's beginning after another parameter":
            by_prefix, b"init=/x root=/dev/vda1 ro" => MANIFEST;
    }
    refused! { all;
        "a manifest that says only how the line begins, where all of it must be signed":
            sealed, |it| {
                let prefix = by_prefix();
                it.build = prefix.build;
                it.line = prefix.line;
            } => LINE, "not-accepted";
        "a kernel signed by itself, with any line, where the line must be signed":
            sealed, |it| {
                let signed = bzimage();
                it.build = signed.build;
                it.line = signed.line;
            } => LINE, "not-accepted";
    }
}

fn in_a_sealed_machine(all: &mut Cases) {
    refused! { all;
        "a UKI that leaves the line to user space, on a sealed machine":
            sealed_uki, |it| { it.build = open_uki().build; } => LINE, "not-accepted";
        "a manifest that says nothing of the line, on a sealed machine":
            sealed_manifest, |it| {
                let open = manifested(&[
                    line("kernel", &small_image()),
                    line("initrd", FIRST),
                    line("initrd", SECOND),
                ]);
                it.build = open.build;
            } => LINE, "not-accepted";
        "another kernel's line by a manifest that lists no kernel, where the line must be signed":
            sealed, |it| {
                let listed = manifest(&[line("initrd", FIRST), "cmdline ro other\n".into()]);
                it.build = open_uki().build.initrd(FIRST).signed_manifest(&listed);
                it.line = b"ro other".to_vec();
            } => LINE, "manifest-without-kernel";
        "a denied parameter in a line that is signed":
            sealed_manifest, |it| {
                let signed = manifested(&[
                    line("kernel", &small_image()),
                    line("initrd", FIRST),
                    line("initrd", SECOND),
                    "cmdline quiet lsm=yama\n".into(),
                ]);
                it.build = signed.build;
                it.line = b"quiet lsm=yama".to_vec();
            } => LINE, DENIED;
    }
}

fn bootconfig(all: &mut Cases) {
    /// What Linux looks for at the initrds' end (Documentation/admin-guide/bootconfig.rst).
    const TRAILER: &[u8] = b"\x10\0\0\0\0\0\0\0#BOOTCONFIG\n";
    fn put(scene: &mut Scene, bytes: &[u8]) {
        scene.put(1, bytes.to_vec(), sha256(bytes));
    }
    refused! { all;
        "parameters in an initrd's end, where no rule sees them":
            bzimage, |it| put(it, &[b"kernel.lsm=yama\n".as_slice(), TRAILER].concat())
                => Component::Initrd(0), "hidden-bootconfig";
        "the same with the zeros after them that boot loaders add":
            bzimage, |it| {
                put(
                    it,
                    &[b"kernel.lsm=yama\n".as_slice(), TRAILER, &[0; 3]].concat(),
                )
            } => Component::Initrd(0), "hidden-bootconfig";
        "the same with three bytes after them, which Linux passes over whatever they are":
            bzimage, |it| {
                put(
                    it,
                    &[b"kernel.lsm=yama\n".as_slice(), TRAILER, b"XYZ"].concat(),
                )
            } => Component::Initrd(0), "hidden-bootconfig";
        "the same with these bytes in an initrd of their own":
            open_uki, |it| {
                let (first, second) = TRAILER.split_at(12);
                let first = [b"kernel.lsm=yama\n".as_slice(), first].concat();
                it.build = it
                    .build
                    .clone()
                    .initrd(&first)
                    .initrd(second)
                    .initrd(b"XYZ");
            } => Component::Initrd(2), "hidden-bootconfig";
        "the same in two initrds, the mark of which the gate joins":
            open_uki, |it| {
                let (first, second) = TRAILER.split_at(12);
                let first = [b"kernel.lsm=yama\n".as_slice(), first].concat();
                it.build = it.build.clone().initrd(&first).initrd(second);
            } => Component::Initrd(1), "hidden-bootconfig";
        "the same in two initrds that lie one after another in the handover":
            bzimage, |it| {
                let (first, second) = TRAILER.split_at(12);
                let mut page = vec![b'#'; 4096 - first.len()];
                page.extend(first);
                it.put(1, page.clone(), sha256(&page));
                it.build = it.build.clone().initrd(second);
            } => Component::Initrd(1), "hidden-bootconfig";
        "the same in a UKI's own initrd and the one after it, the mark of which the gate joins":
            || uki_with_initrd(b"kernel.lsm=yama\n\x10\0\0\0\0\0\0\0#BOO"),
            |it| it.build = it.build.clone().initrd(b"TCONFIG\n") => Component::Initrd(0), "hidden-bootconfig";
        "the same with two bytes after the mark":
            || uki_with_initrd(b"kernel.lsm=yama\n\x10\0\0\0\0\0\0\0#BOO"),
            |it| it.build = it.build.clone().initrd(b"TCONFIG\nXY") => Component::Initrd(0), "hidden-bootconfig";
        "the same in pieces of four bytes":
            bzimage, |it| {
                let pieces = TRAILER.chunks(4);
                let mut build = it.build.clone();
                for piece in pieces {
                    build = build.initrd(piece);
                }
                it.build = build;
            } => Component::Initrd(5), "hidden-bootconfig";
    }
}

fn by_their_form(all: &mut Cases) {
    refused! { all;
        "a line longer than the kernel takes, whose end would be cut off":
            bzimage, |it| it.line = vec![b'x'; CMDLINE_SIZE as usize + 1] => LINE, "command-line-too-long";
    }
}
