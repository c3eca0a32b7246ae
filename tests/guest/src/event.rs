//! What the guest says on its console: a line each, a fixed prefix and then JSON.

use crate::secret::Kind;
use serde::{Deserialize, Serialize};

/// What every line begins with. Kernel messages don't.
pub const PREFIX: &str = "@baton ";

/// A line.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Line {
    /// The stage that speaks.
    pub stage: usize,
    /// Milliseconds since the stage's kernel began.
    pub uptime_ms: u64,
    /// What it says.
    #[serde(flatten)]
    pub event: Event,
}

/// What happened.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event {
    /// init runs.
    Up,
    /// What the machine looks like.
    Observed(Box<Observation>),
    /// A program ended.
    Ran {
        /// The program and its arguments.
        argv: Vec<String>,
        /// Its exit code; none when a signal ended it.
        code: Option<i32>,
        /// What it wrote, to both outputs; the end of it if it was long.
        output: String,
        /// How long it ran.
        ms: u64,
    },
    /// A program that may end in any way ended.
    Tried(Box<Tried>),
    /// kexec_file_load returned.
    FileLoaded {
        /// The error number, 0 for success.
        errno: i32,
    },
    /// kexec_file_load returned, as it may.
    TriedLoad {
        /// The image.
        image: String,
        /// The error number, 0 for success.
        errno: i32,
    },
    /// The machine is about to be handed over: the last word of this stage.
    Leaving,
    /// The host is to do something to the machine.
    Awaiting {
        /// What.
        what: String,
    },
    /// `/proc/vmcore` was copied.
    Copied {
        /// Its size in bytes.
        size: u64,
    },
    /// Memory was filled.
    Filled(Canary),
    /// Secrets are in memory.
    Planted {
        /// Of which kinds.
        kinds: Vec<Kind>,
    },
    /// `/proc/vmcore` was read.
    Scanned(Vmcore),
    /// A step failed: the last word.
    Failed {
        /// Which, and why.
        reason: String,
    },
    /// The script's last stage ended: the last word.
    Done,
}

/// How a program ended, and what is loaded then.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tried {
    /// The program and its arguments.
    pub argv: Vec<String>,
    /// Its exit code; none when a signal ended it.
    pub code: Option<i32>,
    /// What it wrote to standard output; the end of it if it was long.
    pub out: String,
    /// What it wrote to standard error, likewise.
    pub err: String,
    /// Whether a kernel is loaded for a kexec.
    pub loaded: bool,
    /// Whether a kernel is loaded for a crash.
    pub crash_loaded: bool,
}

/// What a machine looks like from inside.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Observation {
    /// As `uname -r` says.
    pub release: String,
    /// `none`, `integrity` or `confidentiality`; none where the kernel doesn't say.
    pub lockdown: Option<String>,
    /// `/proc/cmdline`.
    pub cmdline: String,
    /// The trusted certificates as `KEYRING NAME ID`, sorted.
    pub keys: Vec<String>,
    /// The kernel's blacklist, sorted.
    pub blacklist: Vec<String>,
    /// Whether the keyrings could be read in full.
    pub keys_complete: bool,
    /// Whether the machine has EFI runtime services: `/sys/firmware/efi` is there.
    pub efi: bool,
    /// The EFI variable SecureBoot, read through the runtime services.
    pub secure_boot: Option<bool>,
    /// How many EFI variables can be read.
    pub efi_variables: usize,
    /// Names of the ACPI tables, sorted.
    pub acpi_tables: Vec<String>,
    /// MemTotal in KiB.
    pub mem_total_kib: u64,
    /// Files `/marker-*`: which initrds arrived.
    pub markers: Vec<String>,
    /// Whether 5-level paging is on.
    pub five_level: bool,
    /// Processors that are online.
    pub cpus: usize,
    /// Whether a kernel is loaded for a kexec.
    pub kexec_loaded: bool,
    /// Whether a kernel is loaded for a crash.
    pub crash_loaded: bool,
    /// Whether `/proc/vmcore` is there.
    pub vmcore: bool,
    /// The physical address of `struct linux_efi_initrd` (include/linux/efi.h), if the EFI tables have
    /// one: where the kernel's EFI stub told of the initrd that it loaded.
    pub efi_initrd: Option<u64>,
    /// What the kernel has said of EFI, without its time stamps.
    pub efi_messages: Vec<String>,
}

/// Pages that describe themselves.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Canary {
    /// How many there are.
    pub pages: u64,
}

/// What `/proc/vmcore` holds.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Vmcore {
    /// The file's size in bytes.
    pub size: u64,
    /// The end of its last segment in bytes, from its program headers.
    pub end_of_segments: u64,
    /// Memory in its PT_LOAD segments, in bytes.
    pub memory: u64,
    /// Canary pages whose contents are right, each counted once.
    pub intact: u64,
    /// Pages that begin as a canary page does and go on differently.
    pub damaged: u64,
    /// Pages that are intact but were seen before.
    pub repeated: u64,
    /// The first damaged page.
    pub damage: Option<Damage>,
}

/// What is wrong with a canary page.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Damage {
    /// Its number.
    pub number: u64,
    /// The physical address of the first word that isn't right.
    pub address: u64,
    /// The bytes from there to the end of the last such word.
    pub length: u64,
    /// Whether all of these are zero.
    pub zeros: bool,
}
