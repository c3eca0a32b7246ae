//! `baton load` and `baton crash load`: files → verdict → plan → system call.

pub mod handover;
pub mod input;
mod report;

use crate::cli::{LoadArgs, Via};
use crate::cmdline;
use crate::exit::Exit;
use crate::failure::{Failure, Result};
use crate::kernel_verdict;
use crate::machine::{Keys, Machine};
use crate::plan::{self, Header, LoadPlan, Loadable, Request, Way};
use baton_formats::bzimage::BzImage;
use baton_formats::gate_image::GateInfo;
use baton_formats::handover::Handover;
use baton_sys::memfd::Sealed;
use baton_sys::{Root, kexec};
use baton_verify::{Component, Reason, Refusal, check_entry, decide};
use input::{Image, Initrd};
use std::cell::OnceCell;
use std::ffi::CString;
use std::fs::OpenOptions;
use std::io::Write;
use std::os::fd::AsFd;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

/// What the kernel puts before a crash kernel's command line, as long as it can be (setup_cmdline in
/// arch/x86/kernel/kexec-bzimage64.c; the second since Linux 6.16, where a disk is encrypted).
const ELFCOREHDR: &[u8] = b"elfcorehdr=0xffffffffffffffff dmcryptkeys=0xffffffffffffffff ";

/// What a load is made of.
struct Inputs {
    crash: bool,
    kernel: Image,
    initrds: Vec<Initrd>,
    cmdline: Vec<u8>,
}

/// Carries out the command.
///
/// # Errors
/// Why it would be refused, or was.
pub fn run(args: &LoadArgs, crash: bool) -> Result<()> {
    let root = args.root.as_ref().map_or_else(Root::system, Root::at);
    let kernel = Image::open(&args.kernel)?;
    if handover::is_one(&kernel.bytes) && !args.initrd.is_empty() {
        return Err(Failure::new(
            Exit::Usage,
            "usage",
            "a handover has its initrds in it already (leave --initrd out)",
        ));
    }
    let inputs = Inputs {
        crash,
        kernel,
        initrds: args
            .initrd
            .iter()
            .map(|p| Initrd::open(p))
            .collect::<Result<_>>()?,
        cmdline: command_line(args, &root, crash)?,
    };
    let gate = OnceCell::new();
    let plan = if args.no_preflight {
        unjudged(args, &inputs, &gate)?
    } else {
        preflight(args, &root, &inputs, &gate)?
    };
    let gate = gate.into_inner().filter(|_| plan.gate);
    if let Some(path) = &args.save_handover {
        save(gate.as_ref(), path)?;
    }
    if !args.dry_run {
        carry_out(&inputs, gate.as_ref())?;
    }
    report::print(args, &inputs, &plan, gate.as_ref());
    Ok(())
}

fn command_line(args: &LoadArgs, root: &Root, crash: bool) -> Result<Vec<u8>> {
    let line = match &args.cmdline {
        Some(text) => text.as_bytes().to_vec(),
        None if args.reuse_cmdline => {
            let current = baton_sys::cmdline::current(root).map_err(|e| Failure::system(&e))?;
            cmdline::reuse(&current, crash)
        }
        None => Vec::new(),
    };
    if line.contains(&b'\n') {
        return Err(Failure::new(
            Exit::Malformed,
            "command-line-newline",
            "command line refused: it holds a line end (take it out)",
        ));
    }
    Ok(line)
}

/// Everything that can be known before the system call.
fn preflight(
    args: &LoadArgs,
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
    if handover::is_one(bytes) {
        return Err(Failure::new(
            Exit::Malformed,
            "handover",
            "kernel refused: it is a handover, which only the gate takes (use --via gate)",
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
}

impl Gate {
    fn make(args: &LoadArgs, inputs: &Inputs) -> Result<Gate> {
        let image = open_gate(args)?;
        let kernel = &inputs.kernel;
        let handover = if handover::is_one(&kernel.bytes) {
            handover::adopt(&kernel.bytes)?
        } else {
            handover::build(&kernel.bytes, &inputs.initrds, inputs.crash)?
        };
        let len = handover
            .file()
            .metadata()
            .map_err(|e| Failure::system(&e))?
            .len();
        Ok(Gate {
            image,
            handover,
            len,
        })
    }
}

fn open_gate(args: &LoadArgs) -> Result<Image> {
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
    args: &LoadArgs,
    machine: &Machine,
    request: Request,
    inputs: &Inputs,
    keys: &Keys,
    cell: &OnceCell<Gate>,
) -> Result<Way> {
    let gate = Gate::make(args, inputs)?;
    let not_a_gate = |e| {
        Failure::new(
            Exit::Malformed,
            "bad-gate",
            format!("{}: {e}", args.gate.display()),
        )
    };
    let info = GateInfo::from_image(&gate.image.bytes).map_err(not_a_gate)?;
    let gate_keys = info.keys(&gate.image.bytes).map_err(not_a_gate)?;
    let trust = keys.gate_trust(gate_keys)?;
    let map = gate.handover.map().map_err(|e| Failure::system(&e))?;
    let verdict = decide(&map, &line_for_gate(inputs), &trust).and_then(|decision| {
        check_entry(&decision.bzimage, machine.five_level)
            .map_err(|reason| Refusal::new(Component::Kernel, reason))?;
        Ok(decision.kernel.signer().to_string())
    });
    let loadable = Loadable {
        header: header(&gate.image.bytes, Component::Gate),
        verdict: kernel_verdict::judge(&gate.image.bytes, keys),
        payload_len: gate.len,
        further_len: Handover::parse(&map)
            .ok()
            .and_then(|handover| header(handover.kernel().bytes, Component::Kernel).ok())
            .map_or(0, |h| h.init_size.into()),
    };
    let way = plan::gate_way(machine, request, &loadable, verdict)?;
    let _ = cell.set(gate);
    Ok(way)
}

/// The command line as the gate will see it.
fn line_for_gate(inputs: &Inputs) -> Vec<u8> {
    let before = if inputs.crash { ELFCOREHDR } else { b"" };
    [before, &inputs.cmdline].concat()
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
    // Initrds may hold keys: nobody else is to read them.
    OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(path)
        .and_then(|mut file| file.write_all(&map))
        .map_err(|e| Failure::io(path, &e))
}

/// What `--no-preflight` does: no verdict of ours, and so no choice either.
fn unjudged(args: &LoadArgs, inputs: &Inputs, gate: &OnceCell<Gate>) -> Result<LoadPlan> {
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
