//! A scenario as the guest sees it: steps, stage by stage.

use serde::{Deserialize, Serialize};

/// The size in bytes of the disk that holds the script, as JSON followed by zeros.
pub const DISK_SIZE: usize = 1 << 20;

/// NVMe serial number of the disk that holds the script.
pub const SCRIPT_SERIAL: &str = "baton-script";

/// NVMe serial number of the disk with everything a scenario may load, mounted on [`PAYLOAD`].
pub const PAYLOAD_SERIAL: &str = "baton-payload";

/// Where decompressed modules lie: `RELEASE/MODULE/` holds a module and all that it needs, their names in
/// the order of loading; nothing, if it is built in.
pub const MODULES: &str = "/payload/modules";

/// Where in an initrd the modules lie that a kernel needs to find its disks, their names in the order of loading.
pub const EARLY_MODULES: &str = "modules";

/// Where the payload's file system is mounted.
pub const PAYLOAD: &str = "/payload";

/// Serial number of a disk for crash dumps.
#[must_use]
pub fn target_serial(number: usize) -> String {
    format!("baton-target-{number}")
}

/// Kernel parameter that says which stage (from 1) a boot is: `baton.stage=2`.
pub const STAGE: &str = "baton.stage=";

/// A scenario's steps. A stage is one boot: the first is the firmware's, the next is what the first
/// handed over to, and so on.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Script {
    /// Steps of stage 1, of stage 2, …
    pub stages: Vec<Vec<Step>>,
}

/// One thing that the guest does. A step that can't be done ends the scenario as failed.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Step {
    /// Says what the machine looks like.
    Observe,
    /// Runs a program and says how it ended.
    Run {
        /// The program and its arguments.
        argv: Vec<String>,
        /// The exit code that it must end with.
        expect: Expect,
    },
    /// Forgets what is loaded.
    Unload,
    /// Runs a program, however it ends, and says what is loaded then.
    Try {
        /// The program and its arguments.
        argv: Vec<String>,
        /// What its environment has besides, as `NAME=value`.
        environment: Vec<String>,
    },
    /// Writes a file.
    Write {
        /// Absolute path.
        path: String,
        /// Its whole new contents.
        text: String,
    },
    /// Calls kexec_file_load without asking anybody's opinion first.
    FileLoad {
        /// The kernel image, or the gate.
        kernel: String,
        /// The initrd, or the handover.
        initrd: String,
        /// The command line.
        cmdline: String,
        /// For a crash.
        crash: bool,
        /// The error number that it must fail with; none if it must succeed.
        errno: Option<i32>,
    },
    /// Calls kexec_file_load with an image alone, says what it returns, whatever that is, and unloads it.
    TryLoad {
        /// The image.
        image: String,
        /// The command line.
        cmdline: String,
    },
    /// Fills memory with pages that describe themselves.
    FillCanary {
        /// How much memory to leave free, in MiB.
        leave_mib: u64,
    },
    /// Puts secrets into every kind of memory.
    Plant {
        /// A directory on a disk, for files of which some are.
        disk: String,
    },
    /// Looks for those pages in `/proc/vmcore`, and checks its headers.
    ScanVmcore,
    /// Loads a module of the running kernel and what it needs, from [`MODULES`].
    LoadModule(String),
    /// Makes a link to a disk for crash dumps, or to its first partition.
    Link {
        /// The disk's number.
        target: usize,
        /// Whether to its first partition.
        partition: bool,
        /// The link.
        path: String,
    },
    /// Mounts a disk for crash dumps.
    Mount {
        /// Its number.
        target: usize,
        /// The file system's type.
        filesystem: String,
        /// Where.
        place: String,
    },
    /// Writes the files below a directory to a disk for crash dumps, as tar(1) does.
    Archive {
        /// The directory.
        directory: String,
        /// The disk's number.
        target: usize,
    },
    /// Says a word, for the host to act on, and then waits for what it does.
    Await(String),
    /// Uses memory up, until there is no more.
    Exhaust,
    /// Ends init, which panics.
    Die,
    /// Copies `/proc/vmcore` as it is to a disk for crash dumps.
    CopyVmcore {
        /// The disk's number.
        target: usize,
    },
    /// Jumps to the loaded kernel, by reboot(2).
    Kexec,
    /// Writes a letter to `/proc/sysrq-trigger`.
    Sysrq(char),
}

/// How a program must end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Expect {
    /// With exit code 0.
    Success,
    /// With any other exit code.
    Failure,
    /// With this exit code.
    Code(i32),
    /// It doesn't return: the machine is handed over.
    Gone,
}

impl Expect {
    /// Whether a program that ended with `code` (none: killed) did what is expected.
    #[must_use]
    pub fn accepts(self, code: Option<i32>) -> bool {
        match self {
            Expect::Success => code == Some(0),
            Expect::Failure => code.is_some_and(|c| c != 0),
            Expect::Code(wanted) => code == Some(wanted),
            Expect::Gone => false,
        }
    }
}

impl Step {
    /// A program that must succeed; the words are separated by single spaces.
    #[must_use]
    pub fn run(words: &str) -> Step {
        Step::run_expecting(words, Expect::Success)
    }

    /// A program that must end as given.
    #[must_use]
    pub fn run_expecting(words: &str, expect: Expect) -> Step {
        Step::Run {
            argv: words.split(' ').map(String::from).collect(),
            expect,
        }
    }

    /// The same with one more argument, which may have spaces.
    #[must_use]
    pub fn and(self, argument: impl Into<String>) -> Step {
        match self {
            Step::Run { mut argv, expect } => {
                argv.push(argument.into());
                Step::Run { argv, expect }
            }
            other => other,
        }
    }
}
