//! `baton dump info`: what crashed, when and why, and how much of it the dump holds.

use super::args::InfoArgs;
use super::open::{files_of, flaw_texts, name, open, show_complete, survey, with_log};
use crate::calendar::rfc3339;
use crate::failure::Result;
use crate::output::page::Page;
use crate::output::{json, size, terminal, text};
use baton_kdump::dmesg::Panic;
use baton_kdump::filter::Counts;
use baton_kdump::note::CpuState;
use baton_kdump::{Dump, Memory, Survey, uses};
use serde::Serialize;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::thread::available_parallelism;

/// How many columns a bar has.
const BAR: usize = 40;

#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct Info {
    /// The dump.
    file: String,
    /// How many files it lies in.
    files: usize,
    /// Its format.
    format: String,
    /// It is in makedumpfile's flattened form.
    flattened: bool,
    /// Its length.
    bytes: u64,
    /// All that should be in it is.
    complete: bool,
    /// The flaws of the dump other than lost pages.
    flaws: Vec<String>,
    /// The kernel that crashed.
    kernel: Kernel,
    /// When it crashed.
    crashed_at: Option<String>,
    /// What it said when it crashed.
    panic: PanicInfo,
    /// How many CPUs the dump tells of.
    cpus: usize,
    /// The CPUs whose registers were saved; those that didn't respond to the crash are missing.
    states: Vec<Cpu>,
    /// How much of the memory is in it.
    memory: PageCounts,
    /// Pages by their use; `None` where the dump doesn't tell.
    uses: Option<UseCounts>,
    /// The kernel log.
    log: LogInfo,
}

#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct UseCounts {
    /// The kernel.
    kernel: u64,
    #[serde(flatten)]
    #[cfg_attr(test, schemars(with = "crate::schema::shapes::Counts"))]
    others: Counts,
    /// Those that were left out together with what describes them.
    gone: u64,
    /// Others of which nothing can be told.
    unknown: u64,
}

#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct Kernel {
    /// Its release, as `uname -r` says it.
    release: Option<String>,
    /// Its version, as `uname -v` says it.
    version: Option<String>,
    /// Its build ID, by which debug symbols are found.
    build_id: Option<String>,
    /// The architecture.
    machine: String,
    /// The machine's name.
    host: Option<String>,
}

#[derive(Serialize, Default)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct PanicInfo {
    /// The message of the panic.
    message: Option<String>,
    /// What led to it, as the log says.
    cause: Option<String>,
    /// The task that it happened in.
    task: Option<String>,
    /// Its PID.
    pid: Option<u32>,
}

#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct Cpu {
    /// The PID of the task that ran.
    pid: u32,
    /// The task's name, if the log states it.
    task: Option<String>,
    /// The address of the instruction, in hexadecimal.
    instruction: String,
    /// The address of the stack, in hexadecimal.
    stack: String,
}

#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct PageCounts {
    /// The size of a page.
    page_size: u64,
    /// How much memory the machine had.
    bytes: u64,
    /// The same in pages.
    pages: u64,
    /// The pages that the dump holds.
    dumped: u64,
    /// The pages that the dump should hold but doesn't.
    lost: u64,
    /// The dump level.
    level: Option<u32>,
    /// Page structures that describe only pages that are left out may be left out, too.
    without_structs: bool,
}

#[derive(Serialize, Default)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct LogInfo {
    /// How many records there are.
    records: u64,
    /// How many were overwritten before the crash.
    lost: u64,
    /// Why it can't be read.
    error: Option<String>,
}

/// Carries out the command.
///
/// # Errors
/// When the dump can't be read at all. Unreadable parts are reported instead.
pub fn run(args: &InfoArgs) -> Result<()> {
    let files = files_of(&args.files)?;
    let dump = open(&files)?;
    let info = Info::of(&files, &dump);
    if args.json {
        json::print(&info);
        return Ok(());
    }
    let mut page = Page::default();
    info.show(&mut page);
    text::print(page.text());
    Ok(())
}

impl Info {
    fn of(files: &[PathBuf], dump: &Dump) -> Info {
        let (log, panic) = read_log(dump);
        let survey = survey(files, dump);
        let states = dump.notes().cpus.iter();
        Info {
            file: name(files),
            files: dump.files(),
            format: dump.format(),
            flattened: dump.flattened(),
            bytes: dump.size(),
            complete: survey.complete(),
            flaws: flaw_texts(&survey),
            kernel: Kernel::of(dump),
            crashed_at: dump.time().map(rfc3339),
            cpus: dump.cpus(),
            states: states.map(|it| Cpu::of(it, &panic)).collect(),
            memory: PageCounts::of(dump, &survey),
            uses: UseCounts::of(dump),
            panic: panic.into(),
            log,
        }
    }

    fn show(&self, page: &mut Page) {
        page.heading(&self.file);
        page.optional("kernel", self.kernel.release.as_ref());
        page.optional("version", self.kernel.version.as_ref());
        page.optional("build ID", self.kernel.build_id.as_ref());
        page.field("machine", &self.kernel.machine);
        page.optional("host", self.kernel.host.as_ref());
        page.optional("crashed at", self.crashed_at.as_ref());
        page.optional("panic", self.panic.message.as_ref());
        page.optional("cause", self.panic.cause.as_ref());
        page.optional("task", self.panic.described());
        page.field("log", self.log.described());
        page.field("CPUs", self.cpus);
        self.show_dump(page);
        if !self.states.is_empty() {
            page.heading("registers of each CPU that answered");
            let rows: Vec<_> = self.states.iter().map(Cpu::row).collect();
            page.table(&["PID", "instruction", "stack", "task"], &rows);
        }
    }

    fn show_dump(&self, page: &mut Page) {
        let flattened = if self.flattened { ", flattened" } else { "" };
        page.field("format", format!("{}{flattened}", self.format));
        let files = match self.files {
            1 => String::new(),
            files => format!(" in {files} files"),
        };
        page.field("size", format!("{}{files}", size::bytes(self.bytes)));
        let memory = &self.memory;
        page.field("memory", size::bytes(memory.bytes));
        let lost = match memory.lost {
            0 => String::new(),
            lost => format!("; {lost} lost"),
        };
        let pages = format!("{} of {}", memory.dumped, memory.pages);
        page.field(
            "pages",
            format!("{pages}, of {} bytes{lost}", memory.page_size),
        );
        page.optional("dump level", memory.level);
        if memory.without_structs {
            let out = "those that describe only pages that are left out are left out, too";
            page.field("structures", out);
        }
        if let Some(uses) = &self.uses {
            uses.show(page, memory.page_size);
        }
        show_complete(page, self.complete, &self.flaws);
    }
}

/// The size of the log, and what it says about the crash.
fn read_log(dump: &Dump) -> (LogInfo, Panic) {
    let read = with_log(dump, |log| {
        let mut info = LogInfo::default();
        let mut records = log.records();
        let panic = Panic::find(records.by_ref().inspect(|record| {
            info.records += 1;
            info.lost += record.lost_before;
        }));
        info.lost += records.lost();
        (info, panic)
    });
    read.unwrap_or_else(|error| {
        let info = LogInfo {
            error: Some(error),
            ..LogInfo::default()
        };
        (info, Panic::default())
    })
}

impl Kernel {
    fn of(dump: &Dump) -> Kernel {
        let utsname = dump.stated().utsname.cloned().unwrap_or_default();
        let nonempty = |text: String| Some(text).filter(|it| !it.is_empty());
        let build_id = dump.vmcoreinfo().and_then(|info| info.build_id());
        Kernel {
            release: dump.release().map(str::to_owned),
            version: nonempty(utsname.version),
            build_id: build_id.ok().map(str::to_owned),
            machine: dump.machine().to_string(),
            host: nonempty(utsname.nodename),
        }
    }
}

impl From<Panic> for PanicInfo {
    fn from(panic: Panic) -> PanicInfo {
        let (pid, task) = panic.task.unzip();
        PanicInfo {
            message: panic.message,
            cause: panic.cause,
            task,
            pid,
        }
    }
}

impl PanicInfo {
    fn described(&self) -> Option<String> {
        Some(format!("{} (PID {})", self.task.as_ref()?, self.pid?))
    }
}

impl Cpu {
    fn of(state: &CpuState, panic: &Panic) -> Cpu {
        let named = panic.task.as_ref().filter(|(pid, _)| *pid == state.pid);
        // Every idle CPU's task has the PID 0: which of them crashed is unknown.
        let named = named.filter(|(pid, _)| *pid != 0);
        let idle = Some("(idle)".to_owned()).filter(|_| state.pid == 0);
        Cpu {
            pid: state.pid,
            task: named.map(|(_, name)| name.clone()).or(idle),
            instruction: format!("{:#018x}", state.instruction),
            stack: format!("{:#018x}", state.stack),
        }
    }

    fn row(&self) -> Vec<String> {
        vec![
            self.pid.to_string(),
            self.instruction.clone(),
            self.stack.clone(),
            self.task.clone().unwrap_or_default(),
        ]
    }
}

impl PageCounts {
    fn of(dump: &Dump, survey: &Survey) -> PageCounts {
        PageCounts {
            page_size: dump.page_size(),
            bytes: dump.ranges().iter().map(|it| it.end - it.start).sum(),
            pages: survey.present,
            dumped: survey.held,
            lost: survey.lost,
            level: dump.level(),
            without_structs: dump.stated().without_structs,
        }
    }
}

impl UseCounts {
    fn of(dump: &Dump) -> Option<UseCounts> {
        let threads = available_parallelism().unwrap_or(NonZeroUsize::MIN);
        let uses = uses::of(dump, threads)?;
        Some(UseCounts {
            kernel: uses.kernel(),
            others: uses.counts,
            gone: uses.gone,
            unknown: uses.unknown,
        })
    }

    /// A line for each use that there is, with a bar for a person.
    fn show(&self, page: &mut Page, page_size: u64) {
        let all = [
            ("the kernel's", self.kernel),
            ("processes'", self.others.user),
            ("page cache", self.others.cache),
            ("private cache", self.others.cache_private),
            ("free", self.others.free),
            ("unaccepted", self.others.unaccepted),
            ("broken", self.others.poisoned),
            ("offline", self.others.offline),
            ("left out", self.gone),
            ("unknown", self.unknown),
        ];
        let total = all.iter().map(|(_, count)| count).sum();
        for (name, count) in all.into_iter().filter(|(_, count)| *count > 0) {
            let size = size::bytes(count.saturating_mul(page_size));
            let bar = if terminal::is_watched() {
                terminal::bar(count, total, BAR)
            } else {
                String::new()
            };
            page.field(name, format!("{size:>8} {bar}"));
        }
    }
}

impl LogInfo {
    fn described(&self) -> String {
        match (&self.error, self.lost) {
            (Some(error), _) => error.clone(),
            (None, 0) => format!("{} messages", self.records),
            (None, lost) => format!("{} messages, {lost} lost", self.records),
        }
    }
}
