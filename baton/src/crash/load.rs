//! `baton crash load`: another kernel as it is given, or one that captures, made here.

use super::args::CrashLoadArgs;
use super::estimate::{self, CrashMemory};
use super::owners;
use super::prepare::{Prepared, prepare};
use super::record::{RECORD, Record};
use crate::failure::load::LoadError;
use crate::failure::problem::Problem;
use crate::failure::{Failure, Result};
use crate::handover::files::Initrd;
use crate::handover::inputs::Inputs;
use crate::load::args::LoadOptions;
use crate::load::plan::{self, Request};
use crate::load::report::CaptureSummary;
use crate::load::run::{self, Loaded};
use crate::machine::Machine;
use crate::output::{file, json};
use baton_sys::kexec_state::KexecState;
use baton_sys::{Root, crash_keys};
use serde::Serialize;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

/// What the initramfs is called in reports and in `/proc/PID/fd`.
const NAME: &str = "baton-capture-initramfs";

fn summary(root: &Root, prepared: &Prepared, reserved: u64) -> Result<CaptureSummary> {
    let needed = estimate::memory(prepared);
    let mut notes: Vec<String> = prepared.without_dump().into_iter().collect();
    let left_out = prepared.left_out.iter();
    notes.extend(left_out.map(|failure| format!("left out: {failure}")));
    notes.extend(
        prepared
            .targets
            .iter()
            .flat_map(|target| target.notes().to_vec()),
    );
    let dump = estimate::dump(root, &prepared.config.dump)?;
    notes.extend(
        prepared
            .targets
            .iter()
            .filter_map(|target| estimate::shortage(&**target, target.room(root), dump)),
    );
    notes.extend(prepared.notes.iter().cloned());
    notes.extend(owners::find(root).iter().map(|it| owners::described(it)));
    let memory = CrashMemory::read(root, reserved)?;
    notes.extend(memory.shortage(&prepared.cmdline));
    notes.extend(memory.notes(needed, prepared.config.dump.level));
    Ok(CaptureSummary {
        config: prepared.source.clone(),
        targets: prepared
            .targets
            .iter()
            .map(|target| target.describe())
            .collect(),
        log: prepared.log.clone(),
        modules: prepared.modules.clone(),
        initramfs_len: prepared.initramfs.len() as u64,
        memory_needed: needed,
        notes,
    })
}

/// Carries out the command.
///
/// # Errors
/// Why it would be refused, or was.
pub fn run(args: &CrashLoadArgs) -> Result<()> {
    let root = run::root(&args.options)?;
    if let Some(kernel) = &args.kernel {
        load_named(&root, kernel, &args.options)?.print(&args.options, None);
        return Ok(());
    }
    let done = capture(args, &root);
    match dropped_on_failure(&root, &args.options, done)? {
        Done::Kept(kept) => kept.print(&args.options),
        Done::Loaded(capture) => {
            capture.loaded.print(&args.options, Some(&capture.summary));
            if !args.options.dry_run {
                RECORD.write(&root, &capture.record)?;
            }
        }
    }
    Ok(())
}

/// Loads a kernel that was named, on the machine with this root.
///
/// # Errors
/// Why it would be refused, or was.
pub fn load_named(root: &Root, kernel: &Path, options: &LoadOptions) -> Result<Loaded> {
    let loaded = keeping(root, options, &[], || {
        run::load_named(kernel, options, true)
    });
    let loaded = dropped_on_failure(root, options, loaded)?;
    // Something else is loaded now than what was recorded.
    if !options.dry_run {
        RECORD.forget(root)?;
    }
    Ok(loaded)
}

/// The kernel drops what was loaded before it looks at what shall be.
fn dropped_on_failure<T>(root: &Root, options: &LoadOptions, done: Result<T>) -> Result<T> {
    let is_loaded = || {
        let state = KexecState::read(root).ok().flatten();
        state.is_some_and(|state| state.crash_loaded)
    };
    if done.is_err() && !options.dry_run && !is_loaded() {
        RECORD.forget(root)?;
    }
    done
}

/// Loads with these keys of encrypted volumes kept for the kernel that is loaded, and no others of an earlier load.
fn keeping(
    root: &Root,
    options: &LoadOptions,
    keys: &[String],
    load: impl FnOnce() -> Result<Loaded>,
) -> Result<Loaded> {
    if options.dry_run || !root.is_system() {
        return load();
    }
    crash_keys::name(root, keys).map_err(|error| Problem::Keys {
        why: error.to_string(),
    })?;
    let loaded = load();
    if loaded.is_err() {
        // The first error is the one that says why.
        let _ = crash_keys::forget(root);
    }
    loaded
}

/// A capture that was made here and loaded.
struct Capture {
    loaded: Loaded,
    summary: CaptureSummary,
    record: Record,
}

/// What was done.
enum Done {
    Loaded(Box<Capture>),
    Kept(Unchanged),
}

/// Makes a capture and loads it, unless what is loaded shall stay.
fn capture(args: &CrashLoadArgs, root: &Root) -> Result<Done> {
    let options = &args.options;
    check_options(options)?;
    if !options.no_preflight {
        let crash = Request {
            crash: true,
            cmdline_len: 0,
            free: None,
        };
        plan::check_machine(&Machine::read(root)?, crash)?;
    }
    let state = KexecState::read(root).ok().flatten().unwrap_or_default();
    let loaded = if args.if_changed && state.crash_loaded {
        RECORD.read(root)?
    } else {
        None
    };
    let mut prepared = prepare(root, &args.sources, loaded.as_ref())?;
    if let Some(line) = &options.with.cmdline {
        prepared.replace_command_line(line.as_bytes());
    }
    if let Some(path) = &args.save_initrd {
        file::save_private(path, &prepared.initramfs, options.force)?;
    }
    if let Some(kept) = loaded.and_then(|record| kept(&record, &prepared)) {
        return Ok(Done::Kept(kept));
    }
    let summary = summary(root, &prepared, state.crash_size)?;
    let initrd = Initrd::made(NAME, &prepared.initramfs)?;
    let inputs = Inputs::of_capture(&prepared.kernel.path, initrd, prepared.cmdline.clone())?;
    let keys = prepared.config.keys();
    let loaded = keeping(root, options, &keys, || run::load(options, root, inputs))?;
    Ok(Done::Loaded(Box::new(Capture {
        record: Record::new(&prepared, loaded.is_through_gate()),
        loaded,
        summary,
    })))
}

/// That what is loaded stays, and why; `None` if it is to be replaced. It also stays where no target that it has can be
/// used at the moment: what would be loaded in its place couldn't write a dump at all.
fn kept(record: &Record, prepared: &Prepared) -> Option<Unchanged> {
    let changed = record.changed(&prepared.parts);
    let loses_dumps = !record.targets.is_empty() && prepared.targets.is_empty();
    if changed.is_empty() {
        return Some(Unchanged::default());
    }
    let reasons = prepared.left_out.iter().map(Failure::to_string);
    loses_dumps.then(|| Unchanged {
        changed: true,
        reasons: reasons.collect(),
        ..Unchanged::default()
    })
}

/// That what is loaded stays.
#[derive(Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct Unchanged {
    /// Always true: a capture is loaded.
    loaded: bool,
    /// What would be loaded now is something else: it would have no target.
    changed: bool,
    /// Why it would have none.
    reasons: Vec<String>,
}

impl Default for Unchanged {
    fn default() -> Unchanged {
        Unchanged {
            loaded: true,
            changed: false,
            reasons: Vec::new(),
        }
    }
}

impl Unchanged {
    fn print(&self, options: &LoadOptions) {
        if options.json {
            json::print(self)
        } else if self.changed {
            say!(
                "what is loaded stays, since no target can be used now (`baton crash load` without --if-changed replaces it): {}",
                self.reasons.join("; ")
            )
        } else {
            say!("what would be loaded is loaded already")
        }
    }
}

/// What only goes with a kernel that is named.
fn check_options(options: &LoadOptions) -> Result<()> {
    let reuse = options.reuse_cmdline.then_some("--reuse-cmdline");
    match options.with.besides_cmdline().or(reuse) {
        None => Ok(()),
        Some(option) => Err(LoadError::NeedsKernel { option }.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crash::args::CaptureSources;
    use crate::crash::fake::{Fake, static_program};

    #[test]
    fn a_refresh_does_not_replace_a_capture_by_one_that_could_not_write_a_dump() {
        let config = "[[target]]\nkind = \"mounted\"\ndirectory = \"/srv\"\n\
            [log]\nkind = \"mounted\"\ndirectory = \"/\"\n";
        let fake = Fake::new()
            .with_kernel()
            .with_modules()
            .with_virtio_blk()
            .with_logical_volume()
            .file("capture", static_program())
            .file("crash.toml", config);
        let sources = CaptureSources {
            config: Some(fake.path("crash.toml")),
            capture: fake.path("capture"),
        };
        let made = || prepare(&fake.root(), &sources, None).unwrap();
        let record = Record::new(&made(), false);
        assert_eq!(kept(&record, &made()), Some(Unchanged::default()));
        // Its volume changed, and can be used: it is loaded anew.
        let table = "sys/class/block/dm-0/dm/table";
        fake.set(table, "0 122880 linear 8:1 2048\n");
        assert_eq!(kept(&record, &made()), None);
        // It can't be used.
        fake.set(table, "0 122880 error\n");
        let kept_now = kept(&record, &made()).unwrap();
        assert!(kept_now.changed);
        assert!(kept_now.reasons[0].contains("(type error)"), "{kept_now:?}");
    }
}
