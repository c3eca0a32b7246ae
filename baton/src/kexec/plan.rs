//! What is done for a request, in which order, and what isn't: plain values in, plain values out.

use super::options::Opt;
use super::request::{Request, Syscall};
use super::wrong::Wrong;
use crate::arch;
use std::ffi::OsString;
use std::path::PathBuf;

/// A step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// Say by the exit code whether a kernel is loaded.
    Status {
        /// One for a panic.
        crash: bool,
    },
    /// Memory must be reserved for a crash kernel.
    CheckReserved,
    /// The kernel must be able to update a crash kernel by itself.
    CheckHotplug,
    /// Forget what is loaded.
    Unload {
        /// What is loaded for a panic.
        crash: bool,
    },
    /// Load a kernel.
    Load(Box<Load>),
    /// Say that none was named.
    MissKernel,
    /// Something must be loaded.
    CheckLoaded,
    /// Shut the machine down, through its init system.
    ShutDown,
    /// Count that what is loaded is started, as `baton exec` does.
    Count,
    /// Write what is dirty to the disks.
    Sync,
    /// Take the network's interfaces down.
    TakeInterfacesDown,
    /// Start what is loaded.
    Exec,
}

/// A kernel to be loaded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Load {
    /// Where it is.
    pub kernel: PathBuf,
    /// For a panic.
    pub crash: bool,
    /// By which system call.
    pub syscall: Syscall,
    /// The format that it must have, as `FileKind` calls it; and as kexec-tools does.
    pub format: Option<(&'static str, &'static str)>,
    /// The option that asks for arguments that an ELF kernel isn't given.
    pub arguments: Option<Opt>,
    /// Its initrd.
    pub initrd: Option<PathBuf>,
    /// Its command line, or what is added to the running kernel's.
    pub command_line: Option<OsString>,
    /// Whether the running kernel's command line comes before it.
    pub reuses_command_line: bool,
}

/// What is to be done.
#[derive(Debug, PartialEq, Eq)]
pub struct Plan {
    /// In this order.
    pub steps: Vec<Step>,
    /// What a person should know before.
    pub notes: Vec<String>,
}

/// Makes the plan.
///
/// # Errors
/// What is wrong with the request, or isn't done.
pub fn make(request: &Request) -> Result<Plan, Wrong> {
    let loads = request.loads && !request.asks_status;
    check_options(request, loads)?;
    if request.asks_status {
        let crash = request.crash || !request.names_load;
        return Ok(Plan {
            steps: vec![Step::Status { crash }],
            notes: Vec::new(),
        });
    }
    let mut steps = Vec::new();
    let mut add = |is_wanted: bool, step: Step| {
        if is_wanted {
            steps.push(step);
        }
    };
    let crash = request.crash;
    let starts = request.execs || request.shuts_down;
    add(loads && crash, Step::CheckReserved);
    add(request.has(Opt::Hotplug), Step::CheckHotplug);
    add(request.unloads, Step::Unload { crash });
    if loads {
        add(true, load(request)?);
    }
    add(starts, Step::CheckLoaded);
    add(request.shuts_down, Step::ShutDown);
    add(request.execs, Step::Count);
    add(request.execs && request.syncs, Step::Sync);
    add(
        request.execs && request.takes_interfaces_down,
        Step::TakeInterfacesDown,
    );
    add(request.execs, Step::Exec);
    let notes = if loads { notes(request) } else { Vec::new() };
    Ok(Plan { steps, notes })
}

fn check_options(request: &Request, loads: bool) -> Result<(), Wrong> {
    for opt in &request.others {
        if let Some(why) = why_not_done(*opt)
            && (loads || !opt.is_of_loaders())
        {
            return Err(Wrong::NotDone { opt: *opt, why });
        }
    }
    let mut others = request.others.iter();
    match others.find(|opt| opt.is_of_loaders() && !loads) {
        Some(opt) => Err(Wrong::NothingIsLoaded(*opt)),
        None => Ok(()),
    }
}

/// What Baton doesn't do, and what to do in its place.
pub(super) fn why_not_done(opt: Opt) -> Option<&'static str> {
    Some(match opt {
        Opt::LoadPreserveContext | Opt::LoadJumpBackHelper | Opt::Entry => {
            "the kernel jumps back only from an image that it didn't verify; to come back to this one, suspend the machine (systemctl hibernate)"
        }
        Opt::LoadLiveUpdate | Opt::ExecLiveUpdate => {
            "it only works under Xen; use kexec-tools' kexec there"
        }
        Opt::ReuseInitrd => {
            "the first initrd isn't kept; name it with --initrd=FILE (--initrd=/sys/firmware/initrd where the kernel has retain_initrd on its command line)"
        }
        Opt::ForceDtb | Opt::Dtb => {
            "a device tree counts only if it is signed; put it into a UKI (ukify --devicetree) or an addon (baton load --addon)"
        }
        Opt::Module => {
            "modules count only if a signed manifest lists them; use baton load KERNEL --initrd MODULE --manifest FILE"
        }
        Opt::RealMode | Opt::Entry32Bit => {
            "kernels are entered in 64-bit mode, as by kexec_file_load; leave it out"
        }
        _ => return None,
    })
}

fn load(request: &Request) -> Result<Step, Wrong> {
    let format = match &request.file_type {
        Some(name) => Some(format_called(name)?),
        None => None,
    };
    let arguments = [Opt::ArgsElf, Opt::ArgsNone];
    let Some(kernel) = request.operands.first() else {
        return Ok(Step::MissKernel);
    };
    Ok(Step::Load(Box::new(Load {
        kernel: kernel.into(),
        crash: request.crash,
        syscall: request.syscall,
        format,
        arguments: arguments.into_iter().find(|opt| request.has(*opt)),
        initrd: request.initrds.last().map(PathBuf::from),
        command_line: request.command_line.clone(),
        reuses_command_line: request.reuse_command_line,
    })))
}

fn format_called(name: &str) -> Result<(&'static str, &'static str), Wrong> {
    let known = arch::kexec::FILE_TYPES;
    match known.iter().find(|(called, _)| *called == name) {
        Some((called, Some(format))) => Ok((format, called)),
        Some((called, None)) => Err(Wrong::OtherType(called)),
        None => Err(Wrong::UnknownType {
            name: name.to_owned(),
            known: known.map(|(called, _)| called).join(", "),
        }),
    }
}

fn notes(request: &Request) -> Vec<String> {
    let mut notes: Vec<String> = Vec::new();
    for (n, opt) in request.others.iter().enumerate() {
        let is_first = !request.others.iter().take(n).any(|before| before == opt);
        if let Some(why) = why_without_effect(*opt).filter(|_| is_first) {
            notes.push(format!("--{} has no effect: {why}", opt.name()));
        }
    }
    if request.initrds.len() > 1 {
        notes.push(
            "only the last --initrd counts, as with kexec-tools; `baton load` takes several".into(),
        );
    }
    if let [kernel, other, ..] = &request.operands[..] {
        notes.push(format!(
            "only {} is loaded, as by kexec-tools; {} isn't looked at (an initrd goes with --initrd)",
            kernel.display(),
            other.display()
        ));
    }
    notes
}

/// What kexec_file_load does without; kexec-tools says nothing of it.
pub(super) fn why_without_effect(opt: Opt) -> Option<&'static str> {
    Some(match opt {
        Opt::MemMin | Opt::MemMax => "the kernel chooses where in memory the next one lies",
        Opt::ResetVga | Opt::ConsoleVga | Opt::ConsoleSerial | Opt::Serial | Opt::SerialBaud => {
            "what runs between the kernels uses the console that they use"
        }
        Opt::PassMemmap => "the kernel passes the memory map on itself",
        Opt::NoEfi => "EFI is passed on, since the next kernel learns of Secure Boot by it",
        Opt::ReuseVideoType => "the kernel passes the display on itself",
        Opt::Elf32Headers => "the kernel makes the headers of a dump itself, as 64-bit ELF",
        Opt::NoCma => "it isn't passed to the kernel; where memory is short, boot it without cma=",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::super::request::{Asked, parse};
    use super::*;

    fn plan(line: &str) -> Result<Plan, Wrong> {
        let words: Vec<OsString> = line.split_whitespace().map(OsString::from).collect();
        match parse(&words, true)? {
            Asked::Do(request) => make(&request),
            other => panic!("{line}: {other:?}"),
        }
    }

    fn steps(line: &str) -> Vec<Step> {
        plan(line).unwrap().steps
    }

    fn loaded(line: &str) -> Load {
        let steps = steps(line);
        let load = steps.into_iter().find_map(|step| match step {
            Step::Load(load) => Some(*load),
            _ => None,
        });
        load.unwrap()
    }

    #[test]
    fn steps_come_in_the_order_of_kexec_tools() {
        use Step::*;
        assert_eq!(steps("-p -u"), [Unload { crash: true }]);
        assert_eq!(
            steps("-e"),
            [CheckLoaded, Count, Sync, TakeInterfacesDown, Exec]
        );
        assert_eq!(steps("-e -x -y"), [CheckLoaded, Count, Exec]);
        assert_eq!(steps("-p --hotplug k")[..2], [CheckReserved, CheckHotplug]);
        assert!(matches!(steps("-l k")[..], [Load(_)]));
        assert!(matches!(steps("k")[..], [Load(_), CheckLoaded, ShutDown]));
        assert!(matches!(
            steps("-u -l k")[..],
            [Unload { crash: false }, Load(_)]
        ));
        let forced = steps("-f k");
        assert!(matches!(
            forced[..],
            [Load(_), CheckLoaded, Count, Sync, TakeInterfacesDown, Exec]
        ));
    }

    #[test]
    fn the_status_is_of_the_crash_kernel_unless_a_load_is_named() {
        for (line, crash) in [
            ("-S", true),
            ("-l -S", false),
            ("-S -p", true),
            ("-S -l -p", true),
        ] {
            assert_eq!(steps(line), [Step::Status { crash }], "{line}");
        }
    }

    #[test]
    fn options_of_loaders_go_with_loading_alone() {
        for line in [
            "-e --append=x",
            "-u --initrd=x",
            "-S --reuse-cmdline",
            "-p -u --args-linux",
        ] {
            assert!(
                matches!(plan(line), Err(Wrong::NothingIsLoaded(_))),
                "{line}"
            );
        }
    }

    #[test]
    fn what_is_not_done_is_refused_with_what_to_do() {
        for line in [
            "--load-preserve-context k",
            "--load-jump-back-helper",
            "--entry=0x100 k",
            "-l k --module=x",
            "-l k --real-mode",
            "-l k --reuseinitrd",
            "--exec-live-update",
        ] {
            assert!(matches!(plan(line), Err(Wrong::NotDone { .. })), "{line}");
        }
    }

    #[test]
    fn the_last_initrd_and_command_line_count() {
        let load = loaded("-l k --initrd=a --ramdisk=b --append=x --command-line=y");
        assert_eq!(load.initrd, Some("b".into()));
        assert_eq!(load.command_line, Some("y".into()));
        let notes = plan("-l k --initrd=a --ramdisk=b other").unwrap().notes;
        assert_eq!(notes.len(), 2, "{notes:?}");
    }

    #[test]
    fn what_has_no_effect_is_said_once() {
        let notes = plan("-l k --mem-min=1 --mem-min=2 --noefi -i")
            .unwrap()
            .notes;
        assert_eq!(notes.len(), 2, "{notes:?}");
        assert!(plan("-e --noefi").unwrap().notes.is_empty());
    }

    #[test]
    fn types_are_those_of_kexec_tools() {
        assert!(loaded("-l k -t uki").format.is_some());
        assert!(matches!(plan("-l k -t no"), Err(Wrong::UnknownType { .. })));
        assert_eq!(steps("-l -t uki"), [Step::MissKernel]);
    }
}
