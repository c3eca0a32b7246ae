//! The options of kexec-tools, as its programs name them (`kexec/kexec.h` and `kexec/arch/i386/include/arch/options.h`
//! of kexec-tools 2.0.32), in that order: it is the order in which the C library lists what an abbreviation may mean.

/// An option.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)] // the table below has their names
pub enum Opt {
    Help,
    /// `-?`, which is a wrong option that has a letter.
    Question,
    Version,
    Force,
    NoChecks,
    NoIfdown,
    NoSync,
    Load,
    Unload,
    Exec,
    ExecLiveUpdate,
    LoadPreserveContext,
    LoadJumpBackHelper,
    LoadLiveUpdate,
    Entry,
    Type,
    LoadPanic,
    MemMin,
    MemMax,
    ReuseInitrd,
    FileSyscall,
    OldSyscall,
    AutoSyscall,
    Debug,
    Status,
    PrintCrashSize,
    Hotplug,
    NoCma,
    ForceDtb,
    ResetVga,
    Serial,
    SerialBaud,
    ConsoleVga,
    ConsoleSerial,
    Elf32Headers,
    Elf64Headers,
    PassMemmap,
    NoEfi,
    ReuseVideoType,
    CommandLine,
    Append,
    ReuseCmdline,
    Initrd,
    Ramdisk,
    ArgsElf,
    ArgsLinux,
    ArgsNone,
    Module,
    RealMode,
    Entry32Bit,
    Dtb,
    /// Not of kexec-tools: the machine that is described below a directory, on which nothing is carried out.
    Root,
}

/// A long option.
#[derive(Debug)]
pub struct LongOption {
    /// Without the hyphens.
    pub name: &'static str,
    /// Whether it has a value.
    pub takes_value: bool,
    /// Which it is.
    pub opt: Opt,
    /// Whether kexec-tools has no such option.
    pub is_for_tests: bool,
}

const fn flag(name: &'static str, opt: Opt) -> LongOption {
    LongOption {
        name,
        takes_value: false,
        opt,
        is_for_tests: false,
    }
}

const fn value(name: &'static str, opt: Opt) -> LongOption {
    LongOption {
        takes_value: true,
        ..flag(name, opt)
    }
}

/// The long options.
pub const LONG: &[LongOption] = &[
    flag("help", Opt::Help),
    flag("version", Opt::Version),
    flag("force", Opt::Force),
    flag("no-checks", Opt::NoChecks),
    flag("no-ifdown", Opt::NoIfdown),
    flag("no-sync", Opt::NoSync),
    flag("load", Opt::Load),
    flag("unload", Opt::Unload),
    flag("exec", Opt::Exec),
    flag("exec-live-update", Opt::ExecLiveUpdate),
    flag("load-preserve-context", Opt::LoadPreserveContext),
    flag("load-jump-back-helper", Opt::LoadJumpBackHelper),
    flag("load-live-update", Opt::LoadLiveUpdate),
    value("entry", Opt::Entry),
    value("type", Opt::Type),
    flag("load-panic", Opt::LoadPanic),
    value("mem-min", Opt::MemMin),
    value("mem-max", Opt::MemMax),
    flag("reuseinitrd", Opt::ReuseInitrd),
    flag("kexec-file-syscall", Opt::FileSyscall),
    flag("kexec-syscall", Opt::OldSyscall),
    flag("kexec-syscall-auto", Opt::AutoSyscall),
    flag("debug", Opt::Debug),
    flag("status", Opt::Status),
    flag("print-ckr-size", Opt::PrintCrashSize),
    flag("hotplug", Opt::Hotplug),
    flag("no-cma", Opt::NoCma),
    flag("force-dtb", Opt::ForceDtb),
    flag("reset-vga", Opt::ResetVga),
    value("serial", Opt::Serial),
    value("serial-baud", Opt::SerialBaud),
    flag("console-vga", Opt::ConsoleVga),
    flag("console-serial", Opt::ConsoleSerial),
    flag("elf32-core-headers", Opt::Elf32Headers),
    flag("elf64-core-headers", Opt::Elf64Headers),
    flag("pass-memmap-cmdline", Opt::PassMemmap),
    flag("noefi", Opt::NoEfi),
    flag("reuse-video-type", Opt::ReuseVideoType),
    value("command-line", Opt::CommandLine),
    value("append", Opt::Append),
    flag("reuse-cmdline", Opt::ReuseCmdline),
    value("initrd", Opt::Initrd),
    value("ramdisk", Opt::Ramdisk),
    flag("args-elf", Opt::ArgsElf),
    flag("args-linux", Opt::ArgsLinux),
    flag("args-none", Opt::ArgsNone),
    value("module", Opt::Module),
    flag("real-mode", Opt::RealMode),
    flag("entry-32bit", Opt::Entry32Bit),
    value("dtb", Opt::Dtb),
    LongOption {
        is_for_tests: true,
        ..value("baton-root", Opt::Root)
    },
];

/// The short ones: letter, whether it has a value, which it is.
pub const SHORT: &[(u8, bool, Opt)] = &[
    (b'h', false, Opt::Help),
    (b'?', false, Opt::Question),
    (b'v', false, Opt::Version),
    (b'd', false, Opt::Debug),
    (b'f', false, Opt::Force),
    (b'i', false, Opt::NoChecks),
    (b'x', false, Opt::NoIfdown),
    (b'y', false, Opt::NoSync),
    (b'l', false, Opt::Load),
    (b'u', false, Opt::Unload),
    (b'e', false, Opt::Exec),
    (b't', true, Opt::Type),
    (b'p', false, Opt::LoadPanic),
    (b's', false, Opt::FileSyscall),
    (b'c', false, Opt::OldSyscall),
    (b'a', false, Opt::AutoSyscall),
    (b'S', false, Opt::Status),
];

impl Opt {
    /// Its long name.
    #[must_use]
    pub fn name(self) -> &'static str {
        let option = LONG.iter().find(|option| option.opt == self);
        option.map_or("?", |option| option.name)
    }

    /// Whether it is one of those that only loading a kernel looks at (`OPT_ARCH_MAX` and above).
    #[must_use]
    pub fn is_of_loaders(self) -> bool {
        matches!(
            self,
            Opt::CommandLine
                | Opt::Append
                | Opt::ReuseCmdline
                | Opt::Initrd
                | Opt::Ramdisk
                | Opt::ArgsElf
                | Opt::ArgsLinux
                | Opt::ArgsNone
                | Opt::Module
                | Opt::RealMode
                | Opt::Entry32Bit
                | Opt::Dtb
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_name_and_no_letter_is_there_twice() {
        for (n, option) in LONG.iter().enumerate() {
            assert!(LONG[..n].iter().all(|other| other.name != option.name));
        }
        for (n, (letter, _, _)) in SHORT.iter().enumerate() {
            assert!(SHORT[..n].iter().all(|(other, _, _)| other != letter));
        }
    }

    #[test]
    fn every_letter_but_the_question_mark_has_a_name() {
        for (letter, takes_value, opt) in SHORT.iter().filter(|(letter, _, _)| *letter != b'?') {
            let long = LONG.iter().find(|option| option.opt == *opt);
            let long = long.unwrap_or_else(|| panic!("{}", char::from(*letter)));
            assert_eq!(long.takes_value, *takes_value);
        }
    }
}
