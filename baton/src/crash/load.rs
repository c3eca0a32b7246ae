//! `baton crash load`: another kernel as it is given, or one that captures, made here.

use super::estimate;
use super::owners;
use super::prepare::{Prepared, prepare};
use super::record::{self, Record};
use crate::cli::{CrashLoadArgs, LoadOptions};
use crate::failure::Result;
use crate::failure::load::LoadError;
use crate::load::{self, input::Initrd};
use crate::machine::Machine;
use crate::output::json;
use crate::plan::{self, Request};
use baton_sys::Root;
use baton_sys::kexec_state::KexecState;
use serde::Serialize;
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;

/// What the initramfs is called in reports and in `/proc/PID/fd`.
const NAME: &str = "baton-capture-initramfs";

/// What a person is told of a capture besides what is told of every load.
#[derive(Debug, Clone, Serialize)]
pub struct Summary {
    /// The kernel's image.
    #[serde(skip)]
    pub kernel: PathBuf,
    /// The owner's configuration.
    pub config: Option<PathBuf>,
    /// Where dumps go, in the order in which they are tried.
    pub targets: Vec<String>,
    /// Modules in the order in which they are loaded.
    pub modules: Vec<String>,
    /// Bytes of the initramfs.
    pub initramfs_len: u64,
    /// Bytes of memory that the capture is likely to need.
    pub memory_needed: u64,
    /// What a person should know.
    #[serde(skip)]
    pub notes: Vec<String>,
}

impl Summary {
    fn new(root: &Root, prepared: &Prepared, reserved: u64) -> Result<Summary> {
        let needed = estimate::memory(prepared);
        let mut notes: Vec<String> = prepared
            .left_out
            .iter()
            .map(|failure| format!("left out: {failure}"))
            .collect();
        notes.extend(
            prepared
                .targets
                .iter()
                .flat_map(|target| target.notes.clone()),
        );
        let dump = estimate::dump(root, &prepared.config)?;
        notes.extend(
            prepared.targets.iter().filter_map(|target| {
                estimate::shortage(target, estimate::free(root, target), dump)
            }),
        );
        notes.extend(estimate::watchdogs(root));
        notes.extend(owners::find(root).iter().map(|it| owners::described(it)));
        if reserved > 0 && needed > reserved {
            notes.push(format!(
                "{} MiB are reserved and about {} MiB are likely to be needed; boot with a larger crashkernel=",
                reserved >> 20,
                needed.div_ceil(1 << 20)
            ));
        }
        Ok(Summary {
            kernel: prepared.kernel.path.clone(),
            config: prepared.source.clone(),
            targets: prepared
                .targets
                .iter()
                .map(|target| target.described())
                .collect(),
            modules: prepared.modules.clone(),
            initramfs_len: prepared.initramfs.len() as u64,
            memory_needed: needed,
            notes,
        })
    }

    /// As lines of a report.
    pub fn print(&self) {
        for target in &self.targets {
            say!("  target: {target}");
        }
        say!("  modules: {}", self.modules.join(" "));
        say!("  initramfs: {} KiB", self.initramfs_len.div_ceil(1024));
    }
}

/// Carries out the command.
///
/// # Errors
/// Why it would be refused, or was.
pub fn run(args: &CrashLoadArgs) -> Result<()> {
    let root = load::root(&args.options)?;
    let result = match &args.kernel {
        Some(kernel) => load::run(kernel, &args.options, true).map(|()| None),
        None => capture(args, &root),
    };
    if args.options.dry_run {
        return result.map(drop);
    }
    match result {
        Ok(Some(record)) => record.write(&root),
        // Something else is loaded now than what was recorded.
        Ok(None) if args.kernel.is_some() => record::forget(&root),
        Ok(None) => Ok(()),
        Err(failure) => {
            // The kernel drops what was loaded before it looks at what shall be.
            let state = KexecState::read(&root).ok().flatten();
            if !state.is_some_and(|state| state.crash_loaded) {
                record::forget(&root)?;
            }
            Err(failure)
        }
    }
}

/// Makes a capture and loads it; gives the record of it, or none if it was loaded already.
fn capture(args: &CrashLoadArgs, root: &Root) -> Result<Option<Record>> {
    check_options(&args.options)?;
    let machine = Machine::read(root)?;
    let crash = Request {
        crash: true,
        cmdline_len: 0,
    };
    if !args.options.no_preflight {
        plan::check_machine(&machine, crash)?;
    }
    let mut prepared = prepare(root, &args.sources)?;
    if let Some(line) = &args.options.with.cmdline {
        prepared.replace_command_line(line.as_bytes());
    }
    if let Some(path) = &args.save_initrd {
        load::save_private(path, &prepared.initramfs, args.options.force)?;
    }
    let state = machine.state.unwrap_or_default();
    if args.if_changed && state.crash_loaded && is_loaded(root, &prepared)? {
        say_unchanged(&args.options);
        return Ok(None);
    }
    let summary = Summary::new(root, &prepared, state.crash_size)?;
    let initrd = Initrd::made(NAME, &prepared.initramfs)?;
    let line = prepared.cmdline.clone();
    let gate = load::capture(&args.options, root, &summary, initrd, line)?;
    Ok(Some(Record::new(&prepared, gate)))
}

fn is_loaded(root: &Root, prepared: &Prepared) -> Result<bool> {
    let record = Record::read(root)?;
    Ok(record.is_some_and(|record| record.changed(&prepared.parts).is_empty()))
}

fn say_unchanged(options: &LoadOptions) {
    #[derive(Serialize)]
    struct Unchanged {
        loaded: bool,
        changed: bool,
    }
    match options.json {
        true => json::print(&Unchanged {
            loaded: true,
            changed: false,
        }),
        false => say!("what would be loaded is loaded already"),
    }
}

/// What only goes with a kernel that is named.
fn check_options(options: &LoadOptions) -> Result<()> {
    let given = options.with.given();
    let reuse = options.reuse_cmdline.then_some("--reuse-cmdline");
    let mut given = given.into_iter().chain(reuse);
    match given.find(|option| *option != "--cmdline") {
        None => Ok(()),
        Some(option) => Err(LoadError::NeedsKernel { option }.into()),
    }
}
