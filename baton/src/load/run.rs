//! Loading: files → verdict → plan → system call.

use super::args::{LoadArgs, LoadOptions, Via};
use super::entry;
use super::plan::{self, LoadPlan, Loadable, Payload, Request, Route};
use super::report::{self, CaptureSummary};
use super::settings::Settings;
use crate::arch::loader::{Header, Linux};
use crate::arch::segments;
use crate::boot_count::record::{RECORD, Record};
use crate::digest::sha256;
use crate::entries::once::Once;
use crate::failure::load::LoadError;
use crate::failure::{Failure, Result};
use crate::handover::build;
use crate::handover::files::{self, Image, NotLoaded};
use crate::handover::inputs::Inputs;
use crate::input::cmdline;
use crate::kind::Format;
use crate::machine::{Keys, Machine, quirks, saved_state};
use crate::output::file::save_private;
use crate::output::json;
use crate::timing::note;
use crate::verdict::own::OwnLists;
use crate::verdict::trust::TrustSummary;
use crate::verdict::{gate, kernel};
use baton_formats::verdict::ComponentKind;
use baton_sys::kexec_state::KexecState;
use baton_sys::memfd::Sealed;
use baton_sys::{Root, hex, init, kexec, memory};
use baton_verify::{Component, JudgedPart, Reason, Refusal};
use serde::Serialize;
use std::ffi::CString;
use std::os::fd::AsFd;
use std::path::Path;
use std::thread;

/// What was loaded, or would be.
pub struct Loaded {
    /// Why it is this kernel.
    pub(super) origin: Origin,
    /// What else a person should know.
    pub(super) notes: Vec<String>,
    /// The SHA-256 of the kernel's file, if it was loaded, and not for a crash.
    digest: Option<[u8; 32]>,
    pub(super) inputs: Inputs,
    pub(super) plan: LoadPlan<Gate>,
}

impl Loaded {
    /// Keeps what was loaded on record; that it can't be undoes no load.
    fn keep_record(&mut self, root: &Root) {
        let Some(digest) = self.digest else {
            return;
        };
        let kernel = &self.inputs.kernel;
        let gate = self.plan.gate.as_ref();
        let judged = gate.and_then(|gate| {
            let mut parts = gate.parts.iter();
            parts
                .find(|it| it.kind == ComponentKind::Kernel)
                .map(|it| it.digest)
        });
        let record = Record {
            kernel: kernel.path.clone(),
            digest: hex::encode(digest),
            judged: judged.map(hex::encode),
            is_through_gate: gate.is_some(),
            release: Linux::read(&kernel.bytes).ok().map(|it| it.release),
            entry: self.origin.entry.clone(),
            once: self.origin.once.clone(),
            is_named: self.origin.is_named,
        };
        if let Err(failure) = RECORD.write(root, &record) {
            self.notes
                .push(format!("what is loaded isn't on record: {failure}"));
        }
    }

    /// Whether it goes through the gate.
    #[must_use]
    pub fn is_through_gate(&self) -> bool {
        self.plan.gate.is_some()
    }

    /// What it is, and how it is loaded, in words.
    #[must_use]
    pub fn described(&self) -> String {
        let entry = self
            .origin
            .entry
            .as_ref()
            .map(|id| format!(" (entry {id})"));
        let route = match &self.plan.gate {
            Some(gate) => format!("through the gate {}", gate.image.path.display()),
            None => "by direct kexec".to_owned(),
        };
        let kernel = self.inputs.kernel.path.display();
        format!("{kernel}{}, {route}", entry.unwrap_or_default())
    }

    /// Prints the report, with what there is to say of a capture.
    pub fn print(&self, args: &LoadOptions, capture: Option<&CaptureSummary>) {
        report::print(args, self, capture);
    }
}

/// Carries out `baton load`.
///
/// # Errors
/// Why it would be refused, or was.
pub fn run(args: &LoadArgs) -> Result<()> {
    if args.at_kexec {
        return at_kexec(args);
    }
    if args.keep_named {
        if is_kept(&args.options)? {
            return Ok(());
        }
        check_quirks(args)?;
    }
    load_as_told(args)
}

/// Before what is loaded is started, whoever loaded it: loads what Baton would. Nothing else is started then, whatever
/// fails: what a person didn't name is unloaded first, and the machine restarts through its firmware.
fn at_kexec(args: &LoadArgs) -> Result<()> {
    // Whoever can't be asked may be about to start it.
    if init::is_ending_in_kexec().is_ok_and(|is| !is) {
        return Ok(());
    }
    if let Err(failure) = note::asked(&Root::system()) {
        tell!("baton: {failure}");
    }
    let is_kept = is_kept(&args.options).unwrap_or_else(|failure| {
        tell!("baton: {failure}");
        false
    });
    if is_kept {
        return Ok(());
    }
    unload_others()?;
    let loaded = check_quirks(args).and_then(|()| load_as_told(args));
    loaded.inspect_err(|_| {
        tell!("baton: nothing is loaded; the machine restarts through its firmware");
    })
}

/// Unloads what Baton didn't decide about.
fn unload_others() -> Result<()> {
    if KexecState::read(&Root::system()).is_ok_and(|state| state.is_none_or(|it| !it.loaded)) {
        return Ok(());
    }
    kexec::unload(false).map_err(|error| {
        Failure::from(error).remarked(
            "what is loaded stays loaded, unverified by Baton, and is started now: set kernel.kexec_load_disabled only after Baton's units have loaded",
        )
    })
}

/// Refuses where a device is known not to survive a kexec, unless the owner says otherwise.
fn check_quirks(args: &LoadArgs) -> Result<()> {
    let root = root(&args.options)?;
    if Settings::read(&root, args.config.as_deref())?.ignore_quirks {
        return Ok(());
    }
    quirks::check(&root)
}

#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct Kept {
    /// What stays loaded, since a person named it.
    kept: String,
}

/// Whether what is loaded stays, because a person named it.
fn is_kept(options: &LoadOptions) -> Result<bool> {
    let root = root(options)?;
    let is_loaded = KexecState::read(&root)?.is_some_and(|state| state.loaded);
    let record = RECORD
        .read(&root)?
        .filter(|record| is_loaded && record.is_named);
    match &record {
        Some(record) if options.json => json::print(&Kept {
            kept: record.name(),
        }),
        Some(record) => say!("{} stays loaded: it was named", record.name()),
        None => {}
    }
    Ok(record.is_some())
}

fn load_as_told(args: &LoadArgs) -> Result<()> {
    let settings = Settings::read(&root(&args.options)?, args.config.as_deref())?;
    let options = settings.complete(&args.options);
    let loaded = match &args.kernel {
        Some(kernel) => load_named(kernel, &options, false)?,
        None => entry::load(args.entry.as_deref(), &settings, &options)?,
    };
    loaded.print(&options, None);
    Ok(())
}

/// Why this kernel is loaded, and no other.
#[derive(Default)]
pub(super) struct Origin {
    /// The entry that it is from.
    pub(super) entry: Option<String>,
    /// The choice for the next boot only.
    pub(super) once: Option<Once>,
    /// Whether a person named it.
    pub(super) is_named: bool,
}

/// Loads a kernel that was named.
///
/// # Errors
/// Why it would be refused, or was.
pub fn load_named(kernel: &Path, args: &LoadOptions, crash: bool) -> Result<Loaded> {
    let origin = Origin {
        is_named: true,
        ..Origin::default()
    };
    load_from(kernel, args, crash, origin)
}

/// Loads a kernel, and keeps on record what it is.
///
/// # Errors
/// Why it would be refused, or was.
pub(super) fn load_from(
    kernel: &Path,
    args: &LoadOptions,
    crash: bool,
    origin: Origin,
) -> Result<Loaded> {
    let root = root(args)?;
    let inputs = Inputs::read(kernel, &args.with, reused(args, &root, crash)?, crash)?;
    if let Some(failure) = inputs.kind.refused_as("kernel", kernel) {
        return Err(failure.into());
    }
    if !args.dry_run && !crash {
        // Whatever becomes of this load, the record of the one before isn't true any more.
        RECORD.forget(&root)?;
    }
    let mut loaded = load(args, &root, inputs)?;
    loaded.origin = origin;
    loaded.keep_record(&root);
    Ok(loaded)
}

/// The running kernel's command line, if that is to be used again.
fn reused(args: &LoadOptions, root: &Root, crash: bool) -> Result<Option<Vec<u8>>> {
    if !args.reuse_cmdline {
        return Ok(None);
    }
    let current = baton_sys::cmdline::current(root)?;
    Ok(Some(cmdline::reuse(&current, crash)))
}

/// The machine to look at.
///
/// # Errors
/// When it was saved, and that can't be read.
pub fn root(args: &LoadOptions) -> Result<Root> {
    saved_state::root(args.root.as_deref(), args.saved_state.as_deref())
}

/// Loads what was read, unless that is only to be tried: verdict, plan, system call.
///
/// # Errors
/// Why it would be refused, or was.
pub(crate) fn load(args: &LoadOptions, root: &Root, inputs: Inputs) -> Result<Loaded> {
    let (plan, machine) = if args.no_preflight {
        // What can't be read of the machine isn't missed.
        (unjudged(args, &inputs)?, Machine::read(root).ok())
    } else {
        let machine = Machine::read(root)?;
        (preflight(args, root, &machine, &inputs)?, Some(machine))
    };
    if let Some(path) = &args.save_handover {
        save(plan.gate.as_ref(), path, args.force)?;
    }
    let mut digest = None;
    if !args.dry_run {
        let why_no_mok = machine.as_ref().and_then(Machine::why_no_mok);
        let load = || match plan.gate.as_ref() {
            Some(gate) if args.kexec_load => load_segments(root, &inputs, gate),
            gate => carry_out(&inputs, gate, why_no_mok),
        };
        if inputs.crash {
            load()?;
        } else {
            digest = Some(hashed_beside(&inputs.kernel.bytes, load)?);
        }
    }
    Ok(Loaded {
        origin: Origin::default(),
        notes: Vec::new(),
        digest,
        inputs,
        plan,
    })
}

/// Loads, and hashes the kernel's file while the kernel does, which would take as long again.
fn hashed_beside(kernel: &[u8], load: impl FnOnce() -> Result<()>) -> Result<[u8; 32]> {
    thread::scope(|threads| {
        let hashing = thread::Builder::new().spawn_scoped(threads, || sha256([kernel]));
        load()?;
        let digest = hashing.ok().and_then(|it| it.join().ok());
        Ok(digest.unwrap_or_else(|| sha256([kernel])))
    })
}

/// Everything that can be known before the system call.
fn preflight(
    args: &LoadOptions,
    root: &Root,
    machine: &Machine,
    inputs: &Inputs,
) -> Result<LoadPlan<Gate>> {
    let request = Request {
        crash: inputs.crash,
        cmdline_len: inputs.cmdline.len(),
        free: memory::obtainable(root)?,
    };
    plan::check_machine(machine, request)?;
    if args.kexec_load {
        plan::check_kexec_load(machine, request)?;
    }
    let keys = Keys::read(root)?;
    plan::choose(
        if args.kexec_load {
            Via::Gate
        } else {
            args.via()
        },
        || direct_route(machine, request, inputs, &keys),
        || gate_route(args, machine, request, inputs, &keys),
    )
}

fn direct_route(
    machine: &Machine,
    request: Request,
    inputs: &Inputs,
    keys: &Keys,
) -> Result<Route> {
    let bytes = &inputs.kernel.bytes;
    if let Some(what) = inputs.only_for_the_gate() {
        return Err(LoadError::OnlyGateLooksAt(what).into());
    }
    let kind = &inputs.kind;
    if matches!(kind.format, Format::Uki | Format::Elf | Format::Multiboot2) {
        return Err(LoadError::OnlyGateBoots(kind.name.to_string()).into());
    }
    let header = header(bytes, Component::Kernel);
    let initrds = Payload {
        len: files::joined_len(&inputs.initrds),
        is_made: inputs.initrds.len() > 1,
    };
    plan::check_payload(machine, request, &header, initrds)?;
    let kernel = Loadable {
        header,
        verdict: kernel::judge(bytes, keys),
        payload_len: initrds.len,
        further_len: 0,
    };
    plan::direct_route(machine, request, &kernel, Component::Kernel)
}

fn header(bytes: &[u8], component: Component) -> std::result::Result<Header, Refusal> {
    Header::parse(bytes).map_err(|reason| Refusal::new(component, reason))
}

/// A gate, and the handover made for it.
pub(super) struct Gate {
    pub(super) image: Image,
    pub(super) handover: Sealed,
    pub(super) len: u64,
    /// What was decided, part by part; none without a verdict.
    pub(super) parts: Vec<JudgedPart>,
    /// The kernel's format, if there is a verdict.
    pub(super) format: Option<&'static str>,
    /// What the verdict was made by.
    pub(super) judged_by: Option<TrustSummary>,
}

impl Gate {
    fn new(image: Image, handover: Sealed) -> Result<Gate> {
        Ok(Gate {
            image,
            len: handover.len().map_err(build::memory)?,
            handover,
            parts: Vec::new(),
            format: None,
            judged_by: None,
        })
    }
}

fn open_gate(args: &LoadOptions) -> Result<Image> {
    Image::open(&args.gate()?)
}

fn gate_route(
    args: &LoadOptions,
    machine: &Machine,
    request: Request,
    inputs: &Inputs,
    keys: &Keys,
) -> Result<(Route, Gate)> {
    let image = open_gate(args)?;
    let header = header(&image.bytes, Component::Gate);
    let handover = Payload {
        len: inputs.handover_len()?,
        is_made: true,
    };
    plan::check_payload(machine, request, &header, handover)?;
    let own = OwnLists::of(&image.bytes, &image.path)?;
    let trust = keys.gate_trust(own.lists())?;
    let judged = gate::judge(inputs, &trust, machine)?;
    let further_len = judged.as_ref().map_or(0, |(_, judged)| judged.further_len);
    let loadable = Loadable {
        header,
        verdict: kernel::judge(&image.bytes, keys),
        payload_len: handover.len,
        further_len,
    };
    let by = judged.map(|it| (it.1.signer.to_string(), it));
    let (route, (handover, judged)) = plan::gate_route(machine, request, &loadable, by)?;
    let gate = Gate {
        parts: judged.parts,
        format: Some(judged.format),
        judged_by: Some(TrustSummary::of(&trust)),
        ..Gate::new(image, handover)?
    };
    Ok((route, gate))
}

fn save(gate: Option<&Gate>, path: &Path, force: bool) -> Result<()> {
    let Some(gate) = gate else {
        return Err(LoadError::NoHandover.into());
    };
    let map = gate.handover.map().map_err(build::memory)?;
    save_private(path, &map, force)
}

/// What `--no-preflight` does: no verdict of ours, and so no choice either.
fn unjudged(args: &LoadOptions, inputs: &Inputs) -> Result<LoadPlan<Gate>> {
    let gate = match args.via() {
        Via::Auto => return Err(LoadError::NoVerdict.into()),
        Via::Kernel => None,
        Via::Gate => Some(Gate::new(open_gate(args)?, inputs.unjudged_handover()?)?),
    };
    Ok(LoadPlan {
        gate,
        route: Route {
            vouched: None,
            unverified: None,
            notes: vec!["loaded without Baton's own verdict".into()],
        },
    })
}

/// By kexec_load: what kexec_file_load makes of the gate, made here.
fn load_segments(root: &Root, inputs: &Inputs, gate: &Gate) -> Result<()> {
    let handover = gate.handover.map().map_err(build::memory)?;
    let layout = segments::lay_out(root, &gate.image.bytes, &handover, &inputs.cmdline)?;
    Ok(kexec::load_segments(layout.entry(), &layout.segments())?)
}

fn carry_out(inputs: &Inputs, gate: Option<&Gate>, why_no_mok: Option<&'static str>) -> Result<()> {
    let cmdline = CString::new(inputs.cmdline.clone())
        .map_err(|_| Refusal::new(Component::CommandLine, Reason::CommandLineNul))?;
    let joined;
    let (image, initrd) = match gate {
        Some(gate) => (&gate.image, Some(gate.handover.file().as_fd())),
        None => {
            let initrd = match &inputs.initrds[..] {
                [] => None,
                [one] => Some(one.file.as_fd()),
                several => {
                    joined = files::concatenate(several)?;
                    Some(joined.file().as_fd())
                }
            };
            (&inputs.kernel, initrd)
        }
    };
    let loaded = image.load(|file| kexec::load(file.as_fd(), initrd, &cmdline, inputs.crash));
    loaded.map_err(|error| match error {
        NotLoaded::Memory(failure) => failure,
        NotLoaded::Kernel(error) => match why_no_mok.filter(|_| error.is_for_want_of_a_key()) {
            Some(why) => error.with_fix(why).into(),
            None => error.into(),
        },
    })
}
