//! `baton crash status`: whether a crash now would be captured, where to, and what is missing.

use super::args::{CaptureSources, CrashStatusArgs};
use super::estimate::{self, CrashMemory};
use super::owners;
use super::prepare::{Prepared, prepare};
use super::record::{RECORD, Record};
use crate::failure::capture::{CaptureError, NotReady};
use crate::failure::exit::Exit;
use crate::failure::{Failure, Result};
use crate::machine::saved_state;
use crate::output::json;
use crate::output::terminal::{self, Style, styled};
use baton_sys::Root;
use baton_sys::kexec_state::KexecState;
use serde::Serialize;

/// How many columns a bar has.
const BAR: usize = 40;

/// What is shown.
#[derive(Debug, Default, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct Status {
    /// Whether the kernel has kexec; `None`, here and in the next two: not known, because `/sys` isn't mounted.
    kexec: Option<bool>,
    /// A crash kernel is loaded.
    crash_loaded: Option<bool>,
    /// How much memory is reserved for one.
    crash_reserved: Option<u64>,
    /// How much of it lies below 4 GiB, where the rest lies above; 0 where none does.
    crash_reserved_low: u64,
    /// How much memory programs use until a crash, and the crash kernel then (`crashkernel=…,cma`).
    crash_lent: u64,
    /// A crash now would be captured as configured.
    ready: bool,
    /// Why a crash now wouldn't be captured as configured.
    problems: Vec<Remark>,
    /// What a person should know.
    notes: Vec<Remark>,
    /// What was loaded, if it was made by `baton crash load`.
    loaded: Option<Record>,
    /// Where a dump would go if the capture was loaded now.
    targets: Vec<TargetRoom>,
    /// Where the kernel log would go if no target took it.
    log: Option<String>,
    /// Bytes that a dump would take now.
    dump_size: Option<u64>,
    /// Bytes of memory that the capture is likely to need.
    memory_needed: Option<u64>,
}

/// Something to be said of a capture.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(transparent)]
pub struct Remark {
    /// In words.
    pub text: String,
    /// What it is about.
    #[serde(skip)]
    pub about: About,
}

/// What a remark is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum About {
    /// No memory is reserved.
    Memory,
    /// Somebody else loads a kernel for crashes.
    OtherOwner,
    /// Something failed, and the words are those of the failure.
    Failure,
    /// Something else; it says what mends it, if anything does.
    Other,
}

impl About {
    fn remark(self, text: impl Into<String>) -> Remark {
        Remark {
            text: text.into(),
            about: self,
        }
    }

    fn remarks(self, texts: impl IntoIterator<Item = String>) -> impl Iterator<Item = Remark> {
        texts.into_iter().map(move |text| self.remark(text))
    }
}

impl From<&Failure> for Remark {
    fn from(failure: &Failure) -> Remark {
        About::Failure.remark(failure.to_string())
    }
}

/// A target and its room.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct TargetRoom {
    /// The target.
    target: String,
    /// How much room it has, where that can be told.
    free: Option<u64>,
}

/// Shows it.
///
/// # Errors
/// When something of the system can't be read; when nothing is loaded, or a crash wouldn't be captured as
/// configured, after that has been shown.
pub fn run(args: &CrashStatusArgs) -> Result<()> {
    let root = saved_state::described(args.root.as_deref())?;
    let status = Status::read(&root, &args.sources)?;
    if args.json {
        json::print(&status)
    } else {
        status.print()
    }
    match status.verdict() {
        None => Ok(()),
        Some(why) => Err(Failure::from(CaptureError::NotReady(why)).reported()),
    }
}

/// Why a crash now wouldn't be captured as configured, what a person should know, and the kind of trouble.
///
/// # Errors
/// When something of the system can't be read.
pub fn look(
    root: &Root,
    sources: &CaptureSources,
) -> Result<(Vec<Remark>, Vec<Remark>, Option<NotReady>)> {
    let status = Status::read(root, sources)?;
    let verdict = status.verdict();
    Ok((status.problems, status.notes, verdict))
}

impl Status {
    fn read(root: &Root, sources: &CaptureSources) -> Result<Status> {
        let state = KexecState::read(root)?;
        let known = state.or_else(|| root.shown().sys.then(KexecState::default));
        let is_loaded = known.is_some_and(|known| known.crash_loaded);
        let memory = CrashMemory::read(root, known.unwrap_or_default().crash_size)?;
        let mut status = Status {
            kexec: known.map(|_| state.is_some()),
            crash_loaded: known.map(|known| known.crash_loaded),
            crash_reserved: known.map(|known| known.crash_size),
            crash_reserved_low: memory.low,
            crash_lent: memory.lent,
            ..Status::default()
        };
        status.look_at_kernel();
        if is_loaded {
            status.loaded = RECORD.read(root)?;
        }
        let owners = owners::find(root);
        // What somebody loaded by other means is theirs to judge.
        let by_others = is_loaded && status.loaded.is_none();
        if by_others {
            let whose = if owners.is_empty() {
                String::new()
            } else {
                format!(" (perhaps it is from {})", owners.join(", "))
            };
            let text = format!(
                "what is loaded wasn't made by `baton crash load`{whose}: what it would do isn't known here"
            );
            status.notes.push(About::Other.remark(text));
        } else {
            // They may have loaded theirs since, in the place of what was recorded.
            let described = owners.iter().map(|it| owners::described(it));
            let described = About::OtherOwner.remarks(described);
            if is_loaded {
                status.problems.extend(described)
            } else {
                status.notes.extend(described)
            }
            let prepared = prepare(root, sources, status.loaded.as_ref());
            status.look_at_capture(root, prepared)?;
        }
        status.ready = status.problems.is_empty();
        Ok(status)
    }

    fn look_at_kernel(&mut self) {
        let (about, problem) = match (self.kexec, self.crash_reserved, self.crash_loaded) {
            (None, ..) => (About::Other, "what is loaded isn't known here; mount /sys"),
            (Some(false), ..) => (
                About::Other,
                "this kernel has no kexec; use one with CONFIG_KEXEC_FILE",
            ),
            (_, Some(0), _) => (
                About::Memory,
                "no memory is reserved; boot with crashkernel=256M (or more) on the command line",
            ),
            (.., Some(false)) => (
                About::Other,
                "nothing is loaded; load a capture (`baton crash load`)",
            ),
            _ => return,
        };
        self.problems.push(about.remark(problem));
    }

    fn look_at_capture(&mut self, root: &Root, prepared: Result<Prepared>) -> Result<()> {
        let prepared = match prepared {
            Ok(prepared) => prepared,
            Err(failure) if failure.exit() == Exit::NotPermitted => {
                let text = format!("whether what is loaded is up to date isn't known: {failure}");
                self.notes.push(About::Failure.remark(text));
                return Ok(());
            }
            Err(failure) => {
                let loaded = self.loaded.is_some();
                let what = if loaded { "a reload" } else { "a load" };
                let text = format!("{what} would fail: {failure}");
                self.problems.push(About::Failure.remark(text));
                return Ok(());
            }
        };
        self.compare(&prepared);
        self.log.clone_from(&prepared.log);
        self.problems
            .extend(About::Other.remarks(prepared.without_dump()));
        let left_out = prepared.left_out.iter();
        let left_out = left_out.map(|failure| format!("left out: {failure}"));
        self.problems.extend(About::Failure.remarks(left_out));
        let targets = prepared.targets.iter();
        let notes = targets.flat_map(|target| target.notes().to_vec());
        self.notes.extend(About::Other.remarks(notes));
        let others = prepared.notes.iter().cloned();
        self.notes.extend(About::Other.remarks(others));
        self.look_at_room(root, &prepared)?;
        let needed = estimate::memory(&prepared);
        self.memory_needed = Some(needed);
        let memory = self.memory().unwrap_or_default();
        let short = memory.shortage(&prepared.cmdline);
        self.problems.extend(About::Other.remarks(short));
        let notes = memory.notes(needed, prepared.config.dump.level);
        self.notes.extend(About::Other.remarks(notes));
        Ok(())
    }

    /// The memory for a crash kernel; `None` where that isn't known.
    fn memory(&self) -> Option<CrashMemory> {
        Some(CrashMemory {
            reserved: self.crash_reserved?,
            low: self.crash_reserved_low,
            lent: self.crash_lent,
        })
    }

    fn compare(&mut self, prepared: &Prepared) {
        let Some(record) = &self.loaded else {
            return;
        };
        let changed = record.changed(&prepared.parts);
        if !changed.is_empty() {
            let text = format!(
                "what is loaded is out of date: {} changed since; load again (`baton crash load`)",
                changed.join(", ")
            );
            self.problems.push(About::Other.remark(text));
        }
    }

    fn look_at_room(&mut self, root: &Root, prepared: &Prepared) -> Result<()> {
        let dump = estimate::dump(root, &prepared.config.dump)?;
        self.dump_size = dump;
        let mut short = Vec::new();
        for target in &prepared.targets {
            let free = target.room(root);
            short.extend(estimate::shortage(&**target, free, dump));
            self.targets.push(TargetRoom {
                target: target.describe(),
                free,
            });
        }
        // A dump goes to the next target where one is full.
        if short.len() == prepared.targets.len() {
            self.problems.extend(About::Other.remarks(short))
        } else {
            self.notes.extend(About::Other.remarks(short))
        }
        Ok(())
    }

    /// How the program ends, for those who watch.
    fn verdict(&self) -> Option<NotReady> {
        match self {
            Status { ready: true, .. } => None,
            Status { kexec: None, .. } => Some(NotReady::NotKnown),
            Status {
                kexec: Some(false), ..
            } => Some(NotReady::NoKexec),
            Status {
                crash_reserved: Some(0),
                ..
            } => Some(NotReady::NoCrashRegion),
            Status {
                crash_loaded: Some(false),
                ..
            } => Some(NotReady::NothingLoaded),
            _ => Some(NotReady::Problems),
        }
    }

    fn print(&self) {
        let mib = |bytes: u64| format!("{} MiB", bytes >> 20);
        let row = |label: &str, value: &str| {
            let gap = 13_usize.saturating_sub(terminal::width(label));
            say!("{label}{:gap$} {value}", "");
        };
        let (style, captured) = match (self.ready, self.loaded.is_some()) {
            (true, true) => (Style::Good, "yes"),
            (true, false) => (Style::Warning, "not known"),
            (false, _) if self.kexec.is_none() => (Style::Warning, "not known"),
            (false, _) => (Style::Bad, "not as configured"),
        };
        row("captured", &styled(style, captured));
        row("crash kernel", &self.loaded_words());
        let reserved = self.memory().map(CrashMemory::describe);
        let reserved = reserved.unwrap_or_else(|| "not known".to_owned());
        let needed = self
            .memory_needed
            .map(|it| format!(", about {} needed", mib(it)));
        row("crash memory", &(reserved + &needed.unwrap_or_default()));
        if let (true, Some(bar)) = (terminal::is_watched(), self.memory_bar()) {
            row("", &bar);
        }
        for (index, target) in self.targets.iter().enumerate() {
            let room = match target.free {
                Some(bytes) => format!("{} free", mib(bytes)),
                None => "not mounted, so its free space isn't known".to_owned(),
            };
            let label = if index == 0 { "targets" } else { "" };
            row(label, &format!("{}: {room}", target.target));
        }
        if let Some(log) = &self.log {
            row("log alone", log);
        }
        if let Some(bytes) = self.dump_size {
            row("a dump now", &format!("about {}", mib(bytes)));
        }
        for problem in &self.problems {
            row(&styled(Style::Bad, "problem"), &problem.text);
        }
        for note in &self.notes {
            row("note", &note.text);
        }
    }

    /// What of the crash kernel's memory a capture needs; red where there is less.
    fn memory_bar(&self) -> Option<String> {
        let (needed, reserved) = (self.memory_needed?, self.memory()?.usable());
        let style = if needed > reserved {
            Style::Bad
        } else {
            Style::Good
        };
        Some(styled(style, &terminal::bar(needed, reserved, BAR)))
    }

    fn loaded_words(&self) -> String {
        match (&self.loaded, self.crash_loaded) {
            (Some(record), _) => {
                let route = if record.gate {
                    "through the gate"
                } else {
                    "by direct kexec"
                };
                format!("capture with {}, {route}", record.release)
            }
            (None, Some(true)) => "loaded".to_owned(),
            (None, Some(false)) => "not loaded".to_owned(),
            (None, None) => "not known".to_owned(),
        }
    }
}
