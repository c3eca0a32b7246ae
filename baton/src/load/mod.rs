//! `baton load` and `baton crash load`: files → verdict → plan → system call.

pub mod choice;
pub mod handover;
pub mod input;
mod inputs;
mod judged;
mod report;

use crate::cli::{LoadOptions, Via};
use crate::crash::load::Summary;
use crate::exit::Exit;
use crate::failure::{Failure, Result};
use crate::gate::own::OwnLists;
use crate::kernel_verdict;
use crate::machine::{Keys, Machine};
use crate::plan::{self, Header, LoadPlan, Loadable, Request, Way};
use crate::trust_summary::TrustSummary;
use baton_formats::bzimage::BzImage;
use baton_sys::memfd::Sealed;
use baton_sys::{Root, kexec};
use baton_verify::{Component, Part, Reason, Refusal, Trust, VerifiedManifest, verify_kernel_on};
use input::{Image, Initrd};
use inputs::Inputs;
use judged::Judged;
use std::cell::OnceCell;
use std::ffi::CString;
use std::fs::{OpenOptions, Permissions};
use std::io::Write;
use std::os::fd::AsFd;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::Path;

/// What the kernel puts before a crash kernel's command line, as long as it can be (setup_cmdline in
/// arch/x86/kernel/kexec-bzimage64.c; the second since Linux 6.16, where a disk is encrypted).
const ELFCOREHDR: &[u8] = b"elfcorehdr=0xffffffffffffffff dmcryptkeys=0xffffffffffffffff ";

/// Carries out the command.
///
/// # Errors
/// Why it would be refused, or was.
pub fn run(kernel: &Path, args: &LoadOptions, crash: bool) -> Result<()> {
    let root = root(args);
    let inputs = Inputs::read(kernel, args, &root, crash)?;
    load(args, &root, &inputs, None).map(drop)
}

/// The machine to look at.
#[must_use]
pub fn root(args: &LoadOptions) -> Root {
    args.root.as_ref().map_or_else(Root::system, Root::at)
}

/// Loads a capture that was made here. Says whether it went through the gate.
///
/// # Errors
/// Why it would be refused, or was.
pub fn capture(
    args: &LoadOptions,
    root: &Root,
    capture: &Summary,
    initrd: Initrd,
    cmdline: Vec<u8>,
) -> Result<bool> {
    let inputs = Inputs::of_capture(&capture.kernel, initrd, cmdline)?;
    load(args, root, &inputs, Some(capture)).map(|plan| plan.gate)
}

fn load(
    args: &LoadOptions,
    root: &Root,
    inputs: &Inputs,
    capture: Option<&Summary>,
) -> Result<LoadPlan> {
    let gate = OnceCell::new();
    let mut plan = if args.no_preflight {
        unjudged(args, inputs, &gate)?
    } else {
        preflight(args, root, inputs, &gate)?
    };
    plan.way
        .notes
        .extend(capture.iter().flat_map(|it| it.notes.clone()));
    let gate = gate.into_inner().filter(|_| plan.gate);
    if let Some(path) = &args.save_handover {
        save(gate.as_ref(), path)?;
    }
    if !args.dry_run {
        carry_out(inputs, gate.as_ref())?;
    }
    report::print(args, inputs, &plan, gate.as_ref(), capture);
    Ok(plan)
}

/// Everything that can be known before the system call.
fn preflight(
    args: &LoadOptions,
    root: &Root,
    inputs: &Inputs,
    gate: &OnceCell<Gate>,
) -> Result<LoadPlan> {
    let machine = Machine::read(root)?;
    let request = Request {
        crash: inputs.crash,
        cmdline_len: inputs.cmdline.len(),
    };
    plan::check_machine(&machine, request)?;
    let keys = Keys::read(root)?;
    plan::choose(
        args.via,
        || kernel_way(&machine, request, inputs, &keys),
        || gate_way(args, &machine, request, inputs, &keys, gate),
    )
}

fn kernel_way(machine: &Machine, request: Request, inputs: &Inputs, keys: &Keys) -> Result<Way> {
    let bytes = &inputs.kernel.bytes;
    if let Some(what) = inputs.only_for_the_gate() {
        return Err(Failure::new(
            Exit::Malformed,
            "only-for-the-gate",
            format!("kernel refused: {what}, which only the gate looks at (use --via gate)"),
        ));
    }
    let kernel = Loadable {
        header: header(bytes, Component::Kernel),
        verdict: kernel_verdict::judge(bytes, keys),
        payload_len: input::joined_len(&inputs.initrds),
        further_len: 0,
    };
    plan::kernel_way(machine, request, &kernel, Component::Kernel)
}

fn header(bytes: &[u8], component: Component) -> std::result::Result<Header, Refusal> {
    BzImage::parse(bytes)
        .map(|image| Header::from(&image))
        .map_err(|e| Refusal::new(component, Reason::BadKernel(e)))
}

/// A gate, and the handover made for it.
struct Gate {
    image: Image,
    handover: Sealed,
    len: u64,
    /// What was decided, part by part; none without a verdict.
    parts: Vec<Part>,
    /// The kernel's format, if there is a verdict.
    format: Option<&'static str>,
    /// What the verdict was made by.
    judged_by: Option<TrustSummary>,
}

impl Gate {
    fn make(args: &LoadOptions, inputs: &Inputs) -> Result<Gate> {
        let image = open_gate(args)?;
        let handover = match handover::is_one(&inputs.kernel.bytes) {
            true => handover::adopt(&inputs.kernel.bytes)?,
            false => handover::build(&inputs.ingredients())?,
        };
        Gate::with(image, handover)
    }

    fn with(image: Image, handover: Sealed) -> Result<Gate> {
        let len = handover
            .file()
            .metadata()
            .map_err(|e| Failure::system(&e))?
            .len();
        Ok(Gate {
            image,
            handover,
            len,
            parts: Vec::new(),
            format: None,
            judged_by: None,
        })
    }
}

fn open_gate(args: &LoadOptions) -> Result<Image> {
    if !args.gate.exists() {
        return Err(Failure::new(
            Exit::Failed,
            "no-gate",
            format!(
                "no gate at {}; install a signed one there, or name one with --gate",
                args.gate.display()
            ),
        ));
    }
    Image::open(&args.gate)
}

fn gate_way(
    args: &LoadOptions,
    machine: &Machine,
    request: Request,
    inputs: &Inputs,
    keys: &Keys,
    cell: &OnceCell<Gate>,
) -> Result<Way> {
    let mut gate = Gate::make(args, inputs)?;
    let own = OwnLists::of(&gate.image.bytes, &gate.image.path)?;
    let trust = keys.gate_trust(own.lists())?;
    let line = line_for_gate(inputs);
    let crash_regions = &machine.crash_regions;
    let judge = |gate: &Gate| {
        let map = gate.handover.map().map_err(|e| Failure::system(&e))?;
        Ok::<_, Failure>(Judged::of(&map, &line, &trust, machine, crash_regions))
    };
    let mut judged = judge(&gate)?;
    // Which way vouches for the kernel, and with it the digest, shows only when it is verified.
    if let Err(refusal) = &judged
        && refusal.reason == Reason::HandoverDigestMismatch
        && let Some(again) = gate.with_right_digest(inputs, &trust)?
    {
        gate = again;
        judged = judge(&gate)?;
    }
    let further_len = judged.as_ref().map_or(0, |judged| judged.further_len);
    let loadable = Loadable {
        header: header(&gate.image.bytes, Component::Gate),
        verdict: kernel_verdict::judge(&gate.image.bytes, keys),
        payload_len: gate.len,
        further_len,
    };
    let vouched = judged.map(|judged| {
        gate.parts = judged.parts;
        gate.format = Some(judged.format);
        gate.judged_by = Some(TrustSummary::of(&trust));
        judged.by
    });
    let way = plan::gate_way(machine, request, &loadable, vouched)?;
    let _ = cell.set(gate);
    Ok(way)
}

impl Gate {
    /// The same handover with the digest of what vouches for its kernel; `None` if nothing does, or
    /// if somebody else made the handover.
    fn with_right_digest(&self, inputs: &Inputs, trust: &Trust<'_>) -> Result<Option<Gate>> {
        if handover::is_one(&inputs.kernel.bytes) {
            return Ok(None);
        }
        let manifest = inputs.manifest.as_ref().and_then(|(text, signature)| {
            VerifiedManifest::verify(&text.bytes, signature.as_deref()?, trust).ok()
        });
        let signature = inputs.signature.as_deref();
        let kernel = verify_kernel_on(
            inputs.crash,
            &inputs.kernel.bytes,
            signature,
            manifest.as_ref(),
            trust,
        );
        let Ok(kernel) = kernel else {
            return Ok(None);
        };
        let handover = handover::build_with(&inputs.ingredients(), kernel.digest())?;
        let image = Image::open(&self.image.path)?;
        Gate::with(image, handover).map(Some)
    }
}

/// The command line as the gate will see it.
fn line_for_gate(inputs: &Inputs) -> Vec<u8> {
    let before = if inputs.crash { ELFCOREHDR } else { b"" };
    [before, &inputs.cmdline].concat()
}

/// Writes a file that its owner alone may read: initrds may hold keys. Also where it was there before.
///
/// # Errors
/// When it can't be written.
pub fn write_private(path: &Path, bytes: &[u8]) -> Result<()> {
    try_write_private(path, bytes).map_err(|e| Failure::io(path, &e))
}

fn save(gate: Option<&Gate>, path: &Path) -> Result<()> {
    let Some(gate) = gate else {
        return Err(Failure::new(
            Exit::Usage,
            "usage",
            "the kernel's own way has no handover to save (add --via gate)",
        ));
    };
    let map = gate.handover.map().map_err(|e| Failure::system(&e))?;
    write_private(path, &map)
}

fn try_write_private(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    const OWNER_ALONE: u32 = 0o600;
    let mut file = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(OWNER_ALONE)
        .open(path)?;
    if file.metadata()?.is_file() {
        file.set_permissions(Permissions::from_mode(OWNER_ALONE))?;
    }
    file.write_all(bytes)
}

/// What `--no-preflight` does: no verdict of ours, and so no choice either.
fn unjudged(args: &LoadOptions, inputs: &Inputs, gate: &OnceCell<Gate>) -> Result<LoadPlan> {
    match args.via {
        Via::Auto => {
            return Err(Failure::new(
                Exit::Usage,
                "usage",
                "--no-preflight gives no verdict to choose a way by; add --via kernel or --via gate",
            ));
        }
        Via::Kernel => {}
        Via::Gate => {
            let _ = gate.set(Gate::make(args, inputs)?);
        }
    }
    Ok(LoadPlan {
        gate: args.via == Via::Gate,
        way: Way {
            vouched: None,
            unverified: None,
            notes: vec!["loaded without Baton's own verdict".into()],
        },
    })
}

fn carry_out(inputs: &Inputs, gate: Option<&Gate>) -> Result<()> {
    let cmdline = CString::new(inputs.cmdline.clone())
        .map_err(|_| Failure::from(Refusal::new(Component::CommandLine, Reason::CommandLineNul)))?;
    let joined;
    let (kernel, initrd) = match gate {
        Some(gate) => (&gate.image.file, Some(gate.handover.file().as_fd())),
        None => {
            let initrd = match &inputs.initrds[..] {
                [] => None,
                [one] => Some(one.file.as_fd()),
                several => {
                    joined = input::concatenate(several)?;
                    Some(joined.file().as_fd())
                }
            };
            (&inputs.kernel.file, initrd)
        }
    };
    kexec::load(kernel.as_fd(), initrd, &cmdline, inputs.crash)?;
    Ok(())
}
