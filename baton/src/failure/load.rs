//! What stands against a load, whatever the verdict on what is loaded.

use super::Code;
use super::exit::Exit;
use baton_formats::handover::LayoutError;
use std::path::PathBuf;

/// What stands against a load.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs)] // the words say what the fields are
pub enum LoadError {
    #[error("not permitted to load kernels: this process lacks CAP_SYS_BOOT; run as root")]
    NoCapability,
    #[error(
        "this kernel has no kexec (or /sys isn't mounted); use a kernel with CONFIG_KEXEC_FILE, or judge for another machine (--dry-run --root DIR, `baton verify --gate`)"
    )]
    NoKexec,
    #[error(
        "loading is off until the next reboot: kernel.kexec_load_disabled is 1; find what sets it in /etc/sysctl.d"
    )]
    Disabled,
    #[error("no {}; find what sets it in /etc/sysctl.d", match .crash {
        true => "crash loads are left until the next reboot: kernel.kexec_load_limit_panic is 0",
        false => "loads are left until the next reboot: kernel.kexec_load_limit_reboot is 0",
    })]
    Limit { crash: bool },
    #[error(
        "no memory is reserved for a crash kernel; boot with crashkernel=256M (or more) on the command line"
    )]
    NoCrashRegion,
    /// By kexec_load, which only `kexec -c` asks for.
    #[error("kexec_load isn't possible: {0}")]
    NoKexecLoad(&'static str),
    #[error("kernel refused: {0}, which only the gate looks at (use --via gate)")]
    OnlyGateLooksAt(&'static str),
    #[error("kernel refused: it is {0}; only the gate can boot it (use --via gate)")]
    OnlyGateBoots(String),
    /// As memtest86+ is: the gate puts them below.
    #[error(
        "kernel refused: it can't take arguments above 4 GiB, where the running kernel puts them; only the gate can boot it (use --via gate)"
    )]
    ArgumentsBelow4G,
    #[error(
        "command line refused: {length} bytes; the {taker} takes {limit} less {reserved} that the kernel keeps for itself (shorten it)"
    )]
    CommandLineTooLong {
        length: usize,
        taker: baton_verify::Component,
        limit: u32,
        reserved: u64,
    },
    #[error("no room: {} MiB are needed, and {} MiB are {what}; {fix}", .needed.div_ceil(1 << 20), .there >> 20)]
    NoRoom {
        needed: u64,
        there: u64,
        what: &'static str,
        fix: &'static str,
    },
    #[error("no gate at {}; install a signed one there, or name one with --gate or in BATON_GATE", either(.places))]
    NoGate { places: Vec<PathBuf> },
    #[error("kernel refused: it has no profile \"{wanted}\"; {there}")]
    NoSuchProfile { wanted: String, there: String },
    #[error("{}: {why}", .path.display())]
    Settings { path: PathBuf, why: String },
    #[error("this machine has no entry \"{wanted}\"; {}", known_ids(.known))]
    NoSuchEntry { wanted: String, known: Vec<String> },
    #[error(
        "there is nothing to load by default: no boot loader's entry, and no /boot/vmlinuz-VERSION; name a KERNEL"
    )]
    NoEntry,
    #[error(
        "which entry is the default isn't known: {why}; name one with --entry, or in /etc/baton/load.toml (`baton entries` lists them)"
    )]
    NoDefault { why: String },
    #[error("entry {id}: {why} (name another with --entry; `baton entries` lists them)")]
    BadEntry { id: String, why: String },
    #[error(
        "entry {id}: its kernel was started {attempts} times and didn't come up; `baton boot-count reset {}` lets it be loaded again",
        in_shell(.counted_as)
    )]
    GivenUp {
        id: String,
        attempts: u32,
        counted_as: String,
    },
    #[error(
        "entry {id}: a UKI's command line is signed with it, and load.toml's parameters can't be added; use an addon, or remove them"
    )]
    ParametersOfUki { id: String },
    #[error("a saved state holds no entries; name a KERNEL, or use --root DIR")]
    EntriesOfSavedState,
    #[error("the handover can't be made: {0}")]
    Layout(LayoutError),
    #[error("the verdict isn't about the handover's records; please report this")]
    OtherVerdict,
    #[error("{what} can't be written to memory: {error}; free some memory")]
    Memory {
        what: &'static str,
        error: std::io::Error,
    },
    #[error("a handover has everything in it already (leave {option} out)")]
    HandoverIsWhole { option: &'static str },
    #[error("direct kexec has no handover to save (add --via gate)")]
    NoHandover,
    #[error(
        "--no-preflight gives no verdict to choose a load route by; add --via kernel or --via gate"
    )]
    NoVerdict,
    #[error(
        "{option} needs a KERNEL (name one, or leave {option} out to load a capture that is made here)"
    )]
    NeedsKernel { option: &'static str },
}

/// One path or another.
fn either(places: &[PathBuf]) -> String {
    let places: Vec<String> = places.iter().map(|it| it.display().to_string()).collect();
    places.join(" or ")
}

/// As a word of a shell's command line.
fn in_shell(word: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "+-./:=@_".contains(c);
    if !word.is_empty() && word.chars().all(is_plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', "'\\''"))
}

fn known_ids(ids: &[String]) -> String {
    match ids {
        [] => "it has none".to_owned(),
        ids => format!("there are: {}", ids.join(", ")),
    }
}

impl LoadError {
    /// Exit code and word.
    #[must_use]
    pub fn code(&self) -> Code {
        match self {
            LoadError::NoCapability => (Exit::NotPermitted, "no-capability"),
            LoadError::NoKexec => (Exit::Unsupported, "no-kexec"),
            LoadError::Disabled => (Exit::NotPermitted, "load-disabled"),
            LoadError::Limit { .. } => (Exit::NotPermitted, "load-limit"),
            LoadError::NoKexecLoad(_) => (Exit::Unsupported, "no-kexec-load"),
            LoadError::NoCrashRegion => (Exit::NoRoom, "no-crash-region"),
            LoadError::OnlyGateLooksAt(_) | LoadError::OnlyGateBoots(_) => {
                (Exit::Malformed, "only-for-the-gate")
            }
            LoadError::ArgumentsBelow4G => (Exit::Malformed, "not-above-4g"),
            LoadError::CommandLineTooLong { .. } => (Exit::Malformed, "command-line-too-long"),
            LoadError::NoRoom { .. } => (Exit::NoRoom, "no-room"),
            LoadError::NoGate { .. } => (Exit::Failed, "no-gate"),
            LoadError::OtherVerdict => (Exit::Failed, "failed"),
            LoadError::NoSuchProfile { .. } => (Exit::Malformed, "no-such-profile"),
            LoadError::Layout(_) => (Exit::Malformed, "handover-layout"),
            LoadError::Settings { .. } => (Exit::Malformed, "load-config"),
            LoadError::NoSuchEntry { .. } => (Exit::Usage, "no-such-entry"),
            LoadError::NoEntry => (Exit::Failed, "no-entry"),
            LoadError::NoDefault { .. } => (Exit::Failed, "no-default"),
            LoadError::BadEntry { .. } => (Exit::Malformed, "bad-entry"),
            LoadError::GivenUp { .. } => (Exit::NotPermitted, "given-up"),
            LoadError::ParametersOfUki { .. } => (Exit::Malformed, "load-config"),
            LoadError::EntriesOfSavedState => (Exit::Usage, "usage"),
            LoadError::Memory { .. } => (Exit::NoRoom, "memfd"),
            LoadError::HandoverIsWhole { .. }
            | LoadError::NoHandover
            | LoadError::NoVerdict
            | LoadError::NeedsKernel { .. } => (Exit::Usage, "usage"),
        }
    }
}
