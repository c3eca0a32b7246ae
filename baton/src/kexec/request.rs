//! What a command line asks for: each option changes it as kexec-tools' loop over them does, so that their order counts
//! where it does there (`-l -e` starts, `-e -l` loads).

use super::getopt;
use super::options::Opt;
use super::wrong::Wrong;
use crate::arch;
use std::ffi::{OsStr, OsString};
use std::path::PathBuf;

/// What is answered, or to be done.
#[derive(Debug, PartialEq, Eq)]
pub enum Asked {
    /// How it is used.
    Help {
        /// It wasn't asked for with an option that there is.
        is_wrong: bool,
    },
    /// Which version this is.
    Version,
    /// How much memory is reserved for a crash kernel, on the machine described there if one is.
    CrashSize(Option<PathBuf>),
    /// To be done.
    Do(Box<Request>),
}

/// By which system call a kernel is to be loaded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Syscall {
    /// By kexec_file_load, which verifies.
    File,
    /// `-a`, and what is done without any of them: the same, since nothing is loaded unverified in its place.
    Auto,
    /// By kexec_load, which verifies nothing.
    Old,
}

/// What is to be done.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs)] // as the options
pub struct Request {
    pub loads: bool,
    pub unloads: bool,
    pub execs: bool,
    /// Through the init system: what is done without `-l`, `-e` and the like.
    pub shuts_down: bool,
    pub syncs: bool,
    pub takes_interfaces_down: bool,
    pub asks_status: bool,
    /// `-l` was given.
    pub names_load: bool,
    /// For a panic.
    pub crash: bool,
    pub syscall: Syscall,
    pub debug: bool,
    pub file_type: Option<String>,
    pub command_line: Option<OsString>,
    pub reuse_command_line: bool,
    pub initrds: Vec<OsString>,
    /// Every option that was given and stands in no field.
    pub others: Vec<Opt>,
    pub operands: Vec<OsString>,
    /// The machine is described there, and nothing is carried out.
    pub root: Option<PathBuf>,
}

impl Default for Request {
    fn default() -> Request {
        Request {
            loads: true,
            unloads: false,
            execs: false,
            shuts_down: true,
            syncs: true,
            takes_interfaces_down: false,
            asks_status: false,
            names_load: false,
            crash: false,
            syscall: Syscall::Auto,
            debug: false,
            file_type: None,
            command_line: None,
            reuse_command_line: false,
            initrds: Vec::new(),
            others: Vec::new(),
            operands: Vec::new(),
            root: None,
        }
    }
}

impl Request {
    /// Whether this option was given.
    #[must_use]
    pub fn has(&self, opt: Opt) -> bool {
        self.others.contains(&opt)
    }
}

/// Reads the words after the program's name; `permutes` as in [`getopt::read`].
///
/// # Errors
/// The first thing that is wrong with an option, unless another one before it is answered at once.
pub fn parse(words: &[OsString], permutes: bool) -> Result<Asked, Wrong> {
    let given = getopt::read(words, permutes);
    let (mut request, mut skips) = (Request::default(), Skips::default());
    for option in given.options {
        let (opt, value) = option?;
        match opt {
            Opt::Help => return Ok(Asked::Help { is_wrong: false }),
            Opt::Question => return Ok(Asked::Help { is_wrong: true }),
            Opt::Version => return Ok(Asked::Version),
            Opt::PrintCrashSize => return Ok(Asked::CrashSize(request.root)),
            _ => take(&mut request, &mut skips, opt, value)?,
        }
    }
    request.operands = given.operands;
    request.syncs &= !skips.sync;
    request.takes_interfaces_down &= !skips.ifdown;
    Ok(Asked::Do(Box::new(request)))
}

/// Options that count wherever they stand.
#[derive(Default)]
struct Skips {
    sync: bool,
    ifdown: bool,
}

fn take(request: &mut Request, skips: &mut Skips, opt: Opt, value: OsString) -> Result<(), Wrong> {
    match opt {
        Opt::Force | Opt::Load | Opt::LoadPanic | Opt::Unload | Opt::Exec => begin(request, opt),
        Opt::NoSync => skips.sync = true,
        Opt::NoIfdown => skips.ifdown = true,
        Opt::Status => request.asks_status = true,
        Opt::FileSyscall => request.syscall = Syscall::File,
        Opt::OldSyscall => request.syscall = Syscall::Old,
        Opt::AutoSyscall => request.syscall = Syscall::Auto,
        Opt::Debug => request.debug = true,
        Opt::Type => request.file_type = Some(shown(&value)),
        Opt::CommandLine | Opt::Append => {
            request.command_line = Some(value);
            request.others.push(opt);
        }
        Opt::ReuseCmdline => {
            request.reuse_command_line = true;
            request.others.push(opt);
        }
        Opt::Initrd | Opt::Ramdisk => {
            request.initrds.push(value);
            request.others.push(opt);
        }
        Opt::Root => request.root = Some(value.into()),
        // 0: not to jump back.
        Opt::Entry if number(opt, &value)? == 0 => {}
        Opt::Serial if !arch::kexec::is_serial_port(&shown(&value)) => {
            return Err(Wrong::SerialPort(shown(&value), arch::kexec::SERIAL_PORTS));
        }
        Opt::SerialBaud if !is_baud_rate(&value) => return Err(Wrong::SerialBaud(shown(&value))),
        Opt::MemMin | Opt::MemMax => {
            number(opt, &value)?;
            request.others.push(opt);
        }
        _ => request.others.push(opt),
    }
    Ok(())
}

/// What main() of kexec-tools sets for each.
fn begin(request: &mut Request, opt: Opt) {
    request.loads = matches!(opt, Opt::Force | Opt::Load | Opt::LoadPanic);
    request.shuts_down = false;
    match opt {
        Opt::Force | Opt::Exec => {
            request.execs = true;
            request.syncs = true;
            request.takes_interfaces_down = true;
        }
        Opt::Load => {
            request.execs = false;
            request.names_load = true;
        }
        Opt::LoadPanic => {
            request.execs = false;
            request.syncs = false;
            request.crash = true;
        }
        _ => {
            request.syncs = false;
            request.unloads = true;
        }
    }
}

fn shown(value: &OsStr) -> String {
    value.to_string_lossy().into_owned()
}

/// A number as strtoul(3) reads one in base 0: all of it must be one, though nothing is 0.
fn number(opt: Opt, value: &OsStr) -> Result<u64, Wrong> {
    let text = shown(value);
    let parsed = match text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")) {
        Some(digits) => u64::from_str_radix(digits, 16).ok(),
        None if text.is_empty() => Some(0),
        None if text.starts_with('0') => u64::from_str_radix(&text, 8).ok(),
        None => text.parse().ok(),
    };
    parsed.ok_or(Wrong::NotANumber { opt, value: text })
}

fn is_baud_rate(value: &OsStr) -> bool {
    let rate = number(Opt::SerialBaud, value).unwrap_or(0);
    (9600..=115_200).contains(&rate) && 115_200 % rate == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(line: &str) -> Result<Asked, Wrong> {
        let words: Vec<OsString> = line.split_whitespace().map(OsString::from).collect();
        parse(&words, true)
    }

    fn request(line: &str) -> Request {
        match asked(line) {
            Ok(Asked::Do(request)) => *request,
            other => panic!("{line}: {other:?}"),
        }
    }

    /// loads, unloads, execs, shuts down, syncs, takes interfaces down
    fn deeds(line: &str) -> String {
        let it = request(line);
        [
            (it.loads, 'l'),
            (it.unloads, 'u'),
            (it.execs, 'e'),
            (it.shuts_down, 'd'),
            (it.syncs, 's'),
            (it.takes_interfaces_down, 'i'),
        ]
        .into_iter()
        .filter_map(|(is_so, letter)| is_so.then_some(letter))
        .collect()
    }

    #[test]
    fn what_is_done_depends_on_the_order_as_in_kexec_tools() {
        for (line, expected) in [
            ("k", "lds"),
            ("-l k", "ls"),
            ("-p k", "l"),
            ("-u", "u"),
            ("-p -u", "u"),
            ("-u -p", "lu"),
            ("-e", "esi"),
            ("-f k", "lesi"),
            ("-l -e k", "esi"),
            ("-e -l k", "lsi"),
            ("-f -x -y k", "le"),
            ("-y -x -f k", "le"),
            ("-l -u", "u"),
            ("-u -l k", "lu"),
        ] {
            assert_eq!(deeds(line), expected, "{line}");
        }
    }

    #[test]
    fn what_is_answered_at_once_is_if_it_comes_first() {
        assert_eq!(asked("-l -v --bogus"), Ok(Asked::Version));
        assert!(matches!(asked("--bogus -v"), Err(Wrong::Misused(_))));
        assert_eq!(asked("-h -v"), Ok(Asked::Help { is_wrong: false }));
        assert_eq!(asked("-?"), Ok(Asked::Help { is_wrong: true }));
        assert_eq!(asked("--print-ckr-size -Z"), Ok(Asked::CrashSize(None)));
        assert!(matches!(
            asked("--mem-min=x -v"),
            Err(Wrong::NotANumber { .. })
        ));
    }

    #[test]
    fn the_last_of_the_system_calls_counts() {
        assert_eq!(request("k").syscall, Syscall::Auto);
        assert_eq!(request("-s -c k").syscall, Syscall::Old);
        assert_eq!(request("-c -s k").syscall, Syscall::File);
        assert_eq!(request("-s -a k").syscall, Syscall::Auto);
    }

    #[test]
    fn numbers_are_read_as_in_c() {
        for (text, value) in [("", 0), ("0", 0), ("0x10", 16), ("010", 8), ("4096", 4096)] {
            assert_eq!(number(Opt::MemMin, OsStr::new(text)), Ok(value), "{text}");
        }
        for text in ["x", "0x", "09", "1M", "-1 "] {
            assert!(number(Opt::MemMin, OsStr::new(text)).is_err(), "{text}");
        }
    }

    #[test]
    fn values_that_are_none_are_told() {
        for line in [
            "--serial=ttyS9",
            "--serial-baud=1",
            "--serial-baud=fast",
            "--entry=x",
        ] {
            assert!(asked(line).is_err(), "{line}");
        }
        for line in ["--serial=0x3f8", "--serial-baud=115200", "--entry=0 k"] {
            request(line);
        }
        assert!(request("--entry=0x100 k").has(Opt::Entry));
    }
}
