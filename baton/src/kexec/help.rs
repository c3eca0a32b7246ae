//! What `kexec --help` and `kexec --version` print, and kexec(8) is made of. Scripts look for the name and version of
//! kexec-tools at the beginning.

use super::options::{LONG, Opt, SHORT};
use super::plan::{why_not_done, why_without_effect};
use super::wrong::{FAILED, NO_SYSTEM_CALL, WRONG};
use crate::arch;

/// The version of kexec-tools whose command line this is.
pub const LIKE: &str = "2.0.32";

/// What it does, in one line.
pub const ABOUT: &str = "Directly reboot into a new kernel: through Baton, which loads only what is verified where this machine insists on it";

/// What is done where no option says what to do.
pub const BY_DEFAULT: &str =
    "Without -l, -p, -u, -e or -f the kernel is loaded and shutdown -r now is run.";

/// What it ends with, and why.
pub const EXIT_CODES: [(u8, &str); 4] = [
    (0, "done"),
    (
        WRONG,
        "wrong use, or no memory is reserved for a crash kernel, or nothing is loaded",
    ),
    (NO_SYSTEM_CALL, "the kernel lacks the system call"),
    (FAILED, "failed"),
];

/// What options do.
#[derive(Debug)]
pub struct Described {
    /// Options that do the same.
    pub opts: &'static [Opt],
    /// What their value is called; nothing if they have none.
    pub value: &'static str,
    /// What they do.
    pub text: &'static str,
}

const fn row(opts: &'static [Opt], value: &'static str, text: &'static str) -> Described {
    Described { opts, value, text }
}

/// The options that do something.
#[rustfmt::skip]
pub const DONE: &[Described] = &[
    row(&[Opt::Help], "", "Print this help."),
    row(&[Opt::Version], "", "Print the version."),
    row(&[Opt::Force], "", "Force an immediate kexec, don't call shutdown."),
    row(&[Opt::Load], "", "Load the new kernel into the current kernel."),
    row(&[Opt::LoadPanic], "", "Load the new kernel for use on panic."),
    row(&[Opt::Unload], "", "Unload the current kexec target kernel; with -p before it, the one for a panic."),
    row(&[Opt::Exec], "", "Execute a currently loaded kernel."),
    row(&[Opt::Status], "", "Return 1 if the type (by default crash) is loaded, 0 if not."),
    row(&[Opt::Debug], "", "Say what is loaded, how and by whose signature."),
    row(&[Opt::NoIfdown], "", "Don't bring down network interfaces."),
    row(&[Opt::NoSync], "", "Don't sync filesystems before kexec."),
    row(&[Opt::Type], "TYPE", "Load only a kernel of this type."),
    row(&[Opt::FileSyscall], "", "Load by the system call that verifies; this is what is done anyway."),
    row(&[Opt::AutoSyscall], "", "The same: nothing is ever loaded unverified in its place."),
    row(&[Opt::OldSyscall], "", "Load the gate, which verifies the kernel, by the system call that verifies nothing: for kernels that have no other, not locked down and without EFI."),
    row(&[Opt::CommandLine, Opt::Append], "STRING", "Set the kernel command line to STRING."),
    row(&[Opt::ReuseCmdline], "", "Use the running kernel's, without BOOT_IMAGE= and initrd=, and without crashkernel= for a panic; what --append adds comes after it."),
    row(&[Opt::Initrd, Opt::Ramdisk], "FILE", "Use FILE as the kernel's initial ramdisk."),
    row(&[Opt::PrintCrashSize], "", "Print how many bytes are reserved for a crash kernel."),
    row(&[Opt::Hotplug], "", "Fail unless the kernel updates a crash kernel by itself when processors or memory come or go."),
];

/// What is refused only for ELF kernels.
pub const REFUSED_FOR_ELF: [Opt; 2] = [Opt::ArgsElf, Opt::ArgsNone];

/// The options that are accepted and do nothing, each with the reason why, if there is one to know.
pub fn without_effect() -> impl Iterator<Item = (Opt, Option<&'static str>)> {
    of_kexec_tools()
        .filter(|opt| !does_something(*opt) && why_not_done(*opt).is_none())
        .filter(|opt| !REFUSED_FOR_ELF.contains(opt))
        .map(|opt| (opt, why_without_effect(opt)))
}

/// The options that are refused whatever the kernel is, each with what to do in its place.
pub fn refused() -> impl Iterator<Item = (Opt, &'static str)> {
    of_kexec_tools().filter_map(|opt| why_not_done(opt).map(|why| (opt, why)))
}

fn of_kexec_tools() -> impl Iterator<Item = Opt> {
    let known = LONG.iter().filter(|option| !option.is_for_tests);
    known.map(|option| option.opt)
}

fn does_something(opt: Opt) -> bool {
    DONE.iter().any(|described| described.opts.contains(&opt))
}

/// The letter of an option, if it has one.
#[must_use]
pub fn letter(opt: Opt) -> Option<char> {
    let short = SHORT.iter().find(|(_, _, other)| *other == opt);
    short.map(|(letter, _, _)| char::from(*letter))
}

/// The types of kernels that `--type` knows and that are booted.
#[must_use]
pub fn types() -> String {
    let types = arch::kexec::FILE_TYPES.iter();
    let booted: Vec<&str> = types
        .filter_map(|(name, format)| format.map(|_| *name))
        .collect();
    booted.join(", ")
}

/// Its version, on one line.
#[must_use]
pub fn version() -> String {
    format!("kexec-tools {LIKE} (Baton {})", env!("CARGO_PKG_VERSION"))
}

/// How it is used.
#[must_use]
pub fn usage() -> String {
    let options: String = DONE.iter().map(described).collect();
    let idle = names(without_effect().map(|(opt, _)| opt));
    let refused = names(refused().map(|(opt, _)| opt));
    let for_elf = REFUSED_FOR_ELF.map(|opt| format!("--{}", opt.name()));
    let codes = EXIT_CODES.map(|(code, why)| format!("{code} {why}"));
    let rest = [
        BY_DEFAULT.to_owned(),
        format!("Accepted, and without effect: {idle}."),
        format!(
            "Refused, each with what to do in its place: {refused}, and for ELF kernels {}.",
            for_elf.join(" and ")
        ),
        format!("Exit codes: {}.", codes.join("; ")),
        "Baton's own commands say and do more: baton load --help.".to_owned(),
        format!("Supported kernel file types: {}", types()),
    ];
    let rest: String = rest
        .iter()
        .map(|text| format!("\n{}\n", wrapped(text, 0)))
        .collect();
    format!(
        "{}\nUsage: kexec [OPTION]... [kernel]\n{ABOUT}\n\n{options}{rest}",
        version()
    )
}

/// The column in which texts begin.
const COLUMN: usize = 22;
/// How long lines are at most.
const WIDTH: usize = 100;

/// ` -t, --type=TYPE      Load only …`
fn described(it: &Described) -> String {
    let names: Vec<String> = it
        .opts
        .iter()
        .map(|opt| match it.value {
            "" => format!("--{}", opt.name()),
            value => format!("--{}={value}", opt.name()),
        })
        .collect();
    let letter = it.opts.first().and_then(|opt| letter(*opt));
    let letter = letter.map_or_else(|| "    ".to_owned(), |it| format!("-{it}, "));
    let names = format!(" {letter}{}", names.join(", "));
    let text = wrapped(it.text, COLUMN);
    if names.len() < COLUMN {
        format!("{names:COLUMN$}{text}\n")
    } else {
        format!("{names}\n{:COLUMN$}{text}\n", "")
    }
}

/// A text in lines, all but the first of which begin with so many spaces.
fn wrapped(text: &str, indent: usize) -> String {
    let mut lines = vec![String::new()];
    for word in text.split(' ') {
        let is_full = lines
            .last()
            .is_some_and(|line| !line.is_empty() && indent + line.len() + word.len() >= WIDTH);
        if is_full {
            lines.push(String::new());
        }
        if let Some(line) = lines.last_mut() {
            if !line.is_empty() {
                line.push(' ');
            }
            line.push_str(word);
        }
    }
    lines.join(&format!("\n{:indent$}", ""))
}

fn names(opts: impl Iterator<Item = Opt>) -> String {
    let names: Vec<String> = opts.map(|opt| format!("--{}", opt.name())).collect();
    names.join(", ")
}

#[cfg(test)]
mod tests {
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
    fn every_option_is_in_one_list() {
        let lists = [
            DONE.iter().flat_map(|row| row.opts).copied().collect(),
            without_effect().map(|(opt, _)| opt).collect(),
            refused().map(|(opt, _)| opt).collect(),
            REFUSED_FOR_ELF.to_vec(),
        ];
        let listed: Vec<Opt> = lists.into_iter().flat_map(|list: Vec<Opt>| list).collect();
        for opt in of_kexec_tools() {
            let count = listed.iter().filter(|other| **other == opt).count();
            assert_eq!(count, 1, "{}", opt.name());
        }
    }

    /// An option that is in no other list is one of these.
    #[test]
    fn three_options_do_nothing_and_nobody_needs_to_know_why() {
        let unexplained = without_effect().filter(|(_, why)| why.is_none());
        let unexplained: Vec<Opt> = unexplained.map(|(opt, _)| opt).collect();
        assert_eq!(
            unexplained,
            [Opt::NoChecks, Opt::Elf64Headers, Opt::ArgsLinux]
        );
    }

    #[test]
    fn options_that_have_a_value_are_shown_with_one() {
        for row in DONE {
            for opt in row.opts {
                let option = LONG.iter().find(|option| option.opt == *opt).unwrap();
                assert_eq!(option.takes_value, !row.value.is_empty(), "{}", opt.name());
            }
        }
    }

    #[test]
    fn texts_stand_beside_their_options_in_lines_that_terminals_hold() {
        let usage = usage();
        assert!(usage.contains("\n -h, --help           Print this help.\n"));
        assert!(usage.contains("\n -s, --kexec-file-syscall\n                      Load by "));
        assert!(usage.contains("\n     --initrd=FILE, --ramdisk=FILE\n"));
        let options = usage.lines().skip_while(|line| !line.starts_with(" -h"));
        for line in options {
            assert!(line.len() < WIDTH, "{line}");
        }
    }

    #[test]
    fn the_version_begins_as_scripts_expect() {
        let version = version();
        assert!(version.starts_with("kexec-tools 2."), "{version}");
        assert!(usage().starts_with(&version));
    }
}
