//! The steps of a plan, carried out. What goes well says nothing, as with kexec-tools; what fails says one line.

use super::plan::{self, Load, Plan, Step};
use super::request::{Asked, Request, Syscall, parse};
use super::wrong::{self, FAILED, WRONG, Wrong};
use super::{NAME, help};
use crate::failure::load::LoadError;
use crate::failure::{Cause, Failure, Result};
use crate::handover::files::Image;
use crate::input::cmdline;
use crate::kind::FileKind;
use crate::load::args::{LoadArgs, LoadOptions};
use crate::load::run::{Loaded, load_named};
use crate::load::settings::Settings;
use crate::machine::saved_state;
use crate::output::text;
use crate::{crash, exec, unload};
use baton_sys::kexec_state::KexecState;
use baton_sys::{Root, init, network, power};
use clap::{Args, Command, FromArgMatches};
use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;
use std::path::Path;

/// Carries out a command line, without the program's name; gives the exit code.
#[must_use]
pub fn run(words: &[OsString]) -> u8 {
    let permutes = std::env::var_os("POSIXLY_CORRECT").is_none();
    let code = match parse(words, permutes) {
        Ok(asked) => answer(&asked),
        Err(wrong) => told(&wrong),
    };
    match text::end(crate::failure::exit::Exit::Done).code() {
        0 => code,
        _ => FAILED,
    }
}

fn told(wrong: &Wrong) -> u8 {
    tell!("{NAME}: {wrong}");
    wrong.code()
}

fn answer(asked: &Asked) -> u8 {
    match asked {
        Asked::Help { is_wrong } => {
            text::print(&help::usage());
            if *is_wrong { WRONG } else { 0 }
        }
        Asked::Version => {
            say!("{}", help::version());
            0
        }
        Asked::CrashSize(root) => {
            let state = root_of(root.as_deref()).and_then(|root| Ok(KexecState::read(&root)?));
            say!(
                "{}",
                state.ok().flatten().map_or(0, |state| state.crash_size)
            );
            0
        }
        Asked::Do(request) => match plan::make(request) {
            Ok(plan) => carry_out(request, &plan),
            Err(wrong) => told(&wrong),
        },
    }
}

fn root_of(path: Option<&Path>) -> Result<Root> {
    saved_state::root(path, None)
}

/// The step that ends it all, and how.
enum Ended {
    /// With this code, and nothing to say.
    Silently(u8),
    /// With this code and line.
    Saying(u8, String),
}

impl From<Failure> for Ended {
    fn from(failure: Failure) -> Ended {
        Ended::Saying(wrong::code_of(&failure), failure.to_string())
    }
}

impl From<baton_sys::ReadError> for Ended {
    fn from(error: baton_sys::ReadError) -> Ended {
        Failure::from(error).into()
    }
}

fn carry_out(request: &Request, plan: &Plan) -> u8 {
    for note in &plan.notes {
        tell!("{NAME}: {note}");
    }
    let machine = match root_of(request.root.as_deref()) {
        Ok(root) => Machine { root, request },
        Err(failure) => {
            tell!("{NAME}: {failure}");
            return FAILED;
        }
    };
    for step in &plan.steps {
        match machine.take(step) {
            Ok(()) => {}
            Err(Ended::Silently(code)) => return code,
            Err(Ended::Saying(code, line)) => {
                tell!("{NAME}: {line}");
                return code;
            }
        }
    }
    0
}

/// The machine that it is done on. One that is described is looked at, and left as it is.
struct Machine<'a> {
    root: Root,
    request: &'a Request,
}

impl Machine<'_> {
    fn take(&self, step: &Step) -> std::result::Result<(), Ended> {
        match step {
            Step::Status { crash } => Err(self.status(*crash)?),
            Step::CheckReserved | Step::CheckHotplug | Step::CheckLoaded => self.check(step),
            Step::MissKernel => failed("No kernel specified; name one".into()),
            Step::Load(load) => self.load(load),
            _ if !self.is_real() => Ok(()),
            Step::Unload { crash } => self.unload(*crash),
            Step::ShutDown => failed(format!(
                "shutdown: {}; the kernel is loaded: shut down yourself, or start it with kexec -e",
                init::shut_down()
            )),
            Step::Count => {
                exec::run::count(&self.root);
                Ok(())
            }
            Step::Sync => {
                power::sync();
                Ok(())
            }
            Step::TakeInterfacesDown => {
                // As in kexec-tools, one that stays up keeps no kernel from being started.
                for (name, error) in network::take_interfaces_down(&self.root) {
                    tell!("{NAME}: ifdown: shutdown {name}: {error}");
                }
                Ok(())
            }
            Step::Exec => failed(format!("kexec failed: {}", power::reboot_into_loaded())),
        }
    }

    fn status(&self, crash: bool) -> std::result::Result<Ended, Ended> {
        Ok(match KexecState::read(&self.root)? {
            Some(state) if crash => Ended::Silently(state.crash_loaded.into()),
            Some(state) => Ended::Silently(state.loaded.into()),
            None => Ended::Saying(FAILED, LoadError::NoKexec.to_string()),
        })
    }

    /// What kexec-tools looks at itself. Where the kernel doesn't show it, the system call will say it.
    fn check(&self, step: &Step) -> std::result::Result<(), Ended> {
        let state = KexecState::read(&self.root)?;
        let obstacle = match step {
            Step::CheckReserved if state.is_some_and(|state| state.crash_size == 0) => {
                "Memory for crashkernel is not reserved; boot with crashkernel=256M (or more) on the command line"
            }
            Step::CheckHotplug if !HOTPLUG.iter().any(|file| self.root.exists(file)) => {
                "Path /sys/kernel/crash_elfcorehdr_size does not exist, the kernel needs CONFIG_CRASH_HOTPLUG; leave --hotplug out"
            }
            Step::CheckLoaded if state.is_some_and(|state| !state.loaded) && self.is_real() => {
                "Nothing has been loaded! Load a kernel first (kexec -l)"
            }
            _ => return Ok(()),
        };
        Err(Ended::Saying(WRONG, obstacle.into()))
    }

    fn is_real(&self) -> bool {
        self.root.is_system()
    }

    fn unload(&self, crash: bool) -> std::result::Result<(), Ended> {
        unload::run::unload(crash)?;
        if crash {
            crash::record::RECORD.forget(&self.root)?;
        }
        Ok(())
    }

    fn load(&self, load: &Load) -> std::result::Result<(), Ended> {
        let name = load.kernel.display();
        let loaded = self.loaded(load).map_err(|ended| match ended {
            Ended::Saying(code, line) => Ended::Saying(code, format!("Cannot load {name}: {line}")),
            silent => silent,
        })?;
        if self.request.debug {
            loaded.print(&self.options(load)?, None);
        }
        Ok(())
    }

    fn loaded(&self, load: &Load) -> std::result::Result<Loaded, Ended> {
        check_kind(load)?;
        let options = self.options(load)?;
        let loaded = if load.crash {
            crash::load::load_named(&self.root, &load.kernel, &options)
        } else {
            load_named(&load.kernel, &options, false)
        };
        loaded.map_err(|failure| {
            let code = wrong::code_of(&failure);
            let line = match (code, load.syscall) {
                (wrong::NO_SYSTEM_CALL, Syscall::Auto) => {
                    format!(
                        "{failure} (nothing is loaded unverified in its place, with -a neither)"
                    )
                }
                _ => failure.to_string(),
            };
            Ended::Saying(code, line)
        })
    }

    /// As `baton load` has them, with the files and the command line of this load.
    fn options(&self, load: &Load) -> Result<LoadOptions> {
        let mut options = default_options()?;
        options.with.initrd = load.initrd.iter().cloned().collect();
        options.with.cmdline = self.command_line(load)?;
        options.kexec_load = load.syscall == Syscall::Old;
        if !load.crash {
            options = Settings::read(&self.root, None)?.complete(&options);
        }
        if let Some(root) = &self.request.root {
            options.root = Some(root.clone());
            options.dry_run = true;
        }
        Ok(options)
    }

    /// The running kernel's, what was given, or both in that order; none where neither was asked for.
    fn command_line(&self, load: &Load) -> Result<Option<OsString>> {
        if !load.reuses_command_line {
            return Ok(load.command_line.clone());
        }
        let current = baton_sys::cmdline::current(&self.root)?;
        let mut line = cmdline::reuse(&current, load.crash);
        if let Some(more) = &load.command_line {
            line.push(b' ');
            line.extend(more.as_encoded_bytes());
        }
        Ok(Some(OsString::from_vec(line)))
    }
}

/// There where the kernel updates a crash kernel by itself, on older and on newer ones (kernel/ksysfs.c,
/// kernel/kexec_core.c).
const HOTPLUG: [&str; 2] = [
    "sys/kernel/crash_elfcorehdr_size",
    "sys/kernel/kexec/crash_elfcorehdr_size",
];

fn failed(line: String) -> std::result::Result<(), Ended> {
    Err(Ended::Saying(FAILED, line))
}

/// `baton load` without an option, in this environment.
fn default_options() -> Result<LoadOptions> {
    let command = LoadArgs::augment_args(Command::new("load"));
    // The kernel is named by the load itself.
    let matches = command.try_get_matches_from(["load", "kernel"]);
    let parsed = matches.and_then(|matches| LoadArgs::from_arg_matches(&matches));
    let args = parsed.map_err(|error| {
        let text = error.to_string();
        let line = text.lines().next().unwrap_or_default();
        Cause::Arguments(line.trim_start_matches("error: ").to_owned())
    });
    Ok(args?.options)
}

/// Whether the kernel is of the type that was named, and takes the arguments that were asked for.
fn check_kind(load: &Load) -> std::result::Result<(), Ended> {
    if load.format.is_none() && load.arguments.is_none() {
        return Ok(());
    }
    let kind = FileKind::of(&Image::open(&load.kernel)?.bytes);
    let found = kind.format.word();
    match (load.format, load.arguments) {
        (Some((format, called)), _) if format != found => failed(format!(
            "Wrong file type {called}, it is {}; leave -t out",
            kind.name
        )),
        (_, Some(opt)) if found == "elf" => failed(format!(
            "--{} isn't done: an ELF kernel gets its arguments as Linux takes them; leave it out",
            opt.name()
        )),
        _ => Ok(()),
    }
}
