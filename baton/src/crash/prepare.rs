//! Everything that a capture consists of, made from what the owner says and what this machine is. The same
//! machine gives the same bytes, so that what is loaded can be compared with what would be.

use super::args::CaptureSources;
use super::cluster::{Nodes, Reached};
use super::initramfs::{self, Module};
use super::kernel::{self, Kernel};
use super::module_file;
use super::needs::Needs;
use super::record::Record;
use super::settings::{Settings, Source};
use super::target::{FoundTarget, LogPlace};
use super::watchdogs::Watchdogs;
use super::{cmdline, program};
use crate::arch;
use crate::failure::problem::Problem;
use crate::failure::{Failure, Result};
use baton_capture::config::{Config, ConfigError};
use baton_capture::layer::Layer;
use baton_capture::path::InitramfsFile;
use baton_sys::config::KernelConfig;
use baton_sys::modules::Index;
use baton_sys::mounts::{self, Mount};
use baton_sys::{Root, hex, memory};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::path::PathBuf;

/// Targets, in the order in which they are tried.
type Targets = Vec<Box<dyn FoundTarget>>;

/// A capture, ready to be loaded.
#[derive(Debug)]
pub struct Prepared {
    /// The kernel.
    pub kernel: Kernel,
    /// Its command line.
    pub cmdline: Vec<u8>,
    /// Its initramfs.
    pub initramfs: Vec<u8>,
    /// The configuration of the capture program.
    pub config: Config,
    /// The targets, in the order in which they are tried.
    pub targets: Targets,
    /// Where the kernel log goes if no target takes it.
    pub log: Option<String>,
    /// Why other targets that were asked for are left out.
    pub left_out: Vec<Failure>,
    /// What a person should know besides what there is to know of the targets.
    pub notes: Vec<String>,
    /// The names of the modules, in the order in which they are loaded.
    pub modules: Vec<String>,
    /// Bytes of all modules.
    pub modules_len: u64,
    /// How many processors the capture uses.
    pub cpus: u32,
    /// The owner's configuration; `None` where there is none.
    pub source: Option<PathBuf>,
    /// How the nodes of a cluster that it tells are reached, by the names that the owner gives them.
    pub nodes: BTreeMap<String, Reached>,
    /// What it was made from: a name and SHA-256 each.
    pub parts: BTreeMap<String, String>,
}

impl Prepared {
    /// What is to be said where there is no target.
    #[must_use]
    pub fn without_dump(&self) -> Option<String> {
        let log = self.log.as_ref().filter(|_| self.targets.is_empty())?;
        Some(format!(
            "no target can be used: a crash would leave its kernel log alone, in {log}"
        ))
    }

    /// Takes another command line, as it is.
    pub fn replace_command_line(&mut self, line: &[u8]) {
        self.cmdline = line.to_vec();
        let digest = hex::encode(Sha256::digest(line));
        self.parts.insert(COMMAND_LINE.to_owned(), digest);
    }
}

/// What the command line is called among the parts.
const COMMAND_LINE: &str = "command line";

/// Makes one.
///
/// # Errors
/// The first reason why a crash couldn't be captured. A target that can't be used is left out if another can.
///
/// `loaded` is the record of what is loaded, which serves for what can't be found out at the moment.
pub fn prepare(root: &Root, sources: &CaptureSources, loaded: Option<&Record>) -> Result<Prepared> {
    let Source { settings, path } = Source::read(root, sources.config.as_deref())?;
    let kernel = kernel::find(root, settings.kernel.image.as_deref())?;
    let program = program::read(&sources.capture)?;
    let index = Index::read(root, &kernel.release)?;
    let index = index.ok_or_else(|| Problem::NoModules {
        release: kernel.release.clone(),
    })?;
    let config = KernelConfig::of_release(root, &kernel.release)
        .ok()
        .flatten();
    let mut needs = Needs::new(&index, kernel.is_running).with_config(config);
    // First, since they wait for nobody.
    let watchdogs = Watchdogs::find(root, &mut needs);
    let Places {
        targets,
        log,
        left_out,
    } = places(root, &settings, &mut needs)?;
    needs.pstore(root);
    let known = loaded.map(|record| &record.nodes);
    let nodes = Nodes::find(root, settings.fence_kdump.as_ref(), known, &mut needs);
    for module in &settings.kernel.modules {
        needs.named(module)?;
    }
    let of_log = log.found.iter().flat_map(|place| place.notes().to_vec());
    let notes = watchdogs
        .notes
        .into_iter()
        .chain(nodes.notes.iter().cloned())
        .chain(of_log)
        .collect();
    let modules = read_modules(&index, needs.into_order())?;
    let config = Config {
        watchdogs: watchdogs.fed,
        fence_kdump: nodes.config(settings.fence_kdump.as_ref()),
        log: log.config(),
        ..compile(&settings, &targets, &modules)?
    };
    let text = config.to_toml().map_err(Problem::BadCaptureConfig)?;
    let cmdline = command_line(root, &settings)?;
    let initramfs = initramfs::build(&program, &text, &modules)?;
    let mut parts = parts(&kernel, &program, &text, &modules, &cmdline);
    parts.extend(volumes(&config)?);
    parts.extend(told(root, loaded)?);
    Ok(Prepared {
        modules_len: modules.iter().map(|module| module.bytes.len() as u64).sum(),
        modules: modules.into_iter().map(|module| module.name).collect(),
        cpus: settings.kernel.cpus.get(),
        source: path,
        kernel,
        cmdline,
        initramfs,
        config,
        targets,
        log: log.found.map(|place| place.describe()),
        left_out,
        notes,
        nodes: nodes.told,
        parts,
    })
}

/// Where a crash can go.
struct Places {
    targets: Targets,
    log: LogPlace,
    left_out: Vec<Failure>,
}

/// Finds them, and adds the modules that they need.
fn places(root: &Root, settings: &Settings, needs: &mut Needs<'_>) -> Result<Places> {
    let mounts = mounts::read(root)?;
    let (targets, mut left_out) = targets(root, settings, &mounts, needs);
    let mut log = LogPlace::find(settings.log.as_ref(), root, &mounts, &targets, needs);
    left_out.extend(log.failure.take());
    if targets.is_empty() && log.found.is_none() {
        let first = left_out.into_iter().next();
        return Err(first.unwrap_or_else(|| Problem::NoTarget.into()));
    }
    Ok(Places {
        targets,
        log,
        left_out,
    })
}

fn targets(
    root: &Root,
    settings: &Settings,
    mounts: &[Mount],
    needs: &mut Needs<'_>,
) -> (Targets, Vec<Failure>) {
    let (mut targets, mut left_out) = (Vec::new(), Vec::new());
    for target in &settings.target {
        let found = target.kind().find(root, mounts).and_then(|target| {
            needs.all_or_nothing(|needs| target.require(needs))?;
            Ok(target)
        });
        match found {
            Ok(target) => targets.push(target),
            Err(failure) => left_out.push(failure),
        }
    }
    (targets, left_out)
}

fn read_modules(index: &Index, order: Vec<String>) -> Result<Vec<Module>> {
    let read = |name: String| {
        let path = index.file(&name).ok_or_else(|| Problem::MissingModule {
            release: index.version.clone(),
            wanted: name.clone(),
            purpose: "by another module".to_owned(),
        })?;
        let bytes = module_file::read(&path)?;
        Ok(Module { name, bytes })
    };
    order.into_iter().map(read).collect()
}

/// The configuration of the capture program: crash.toml's but for the kernel, with the targets as they were found
/// and the modules in the initramfs.
fn compile(
    settings: &Settings,
    targets: &[Box<dyn FoundTarget>],
    modules: &[Module],
) -> std::result::Result<Config, Problem> {
    let files = modules.iter().map(|module| {
        let file = InitramfsFile::try_from(initramfs::module_path(&module.name));
        file.map_err(|problem| Problem::BadModuleName { problem })
    });
    Ok(Config {
        deadline: settings.deadline,
        progress_timeout: settings.progress_timeout,
        finally: settings.finally,
        read_back: settings.read_back,
        keep: settings.keep,
        modules: files.collect::<std::result::Result<_, _>>()?,
        watchdogs: Vec::new(),
        fence_kdump: None,
        dump: settings.dump,
        target: targets.iter().map(|target| target.config()).collect(),
        log: None,
    })
}

fn command_line(root: &Root, settings: &Settings) -> Result<Vec<u8>> {
    let running = baton_sys::cmdline::current(root)?;
    let kernel = &settings.kernel;
    let cpus = kernel.cpus.get();
    let processors = arch::capture::processors(root, cpus)?;
    Ok(cmdline::capture(
        &running,
        cpus,
        processors,
        &kernel.parameters,
    ))
}

fn parts(
    kernel: &Kernel,
    program: &[u8],
    text: &str,
    modules: &[Module],
    cmdline: &[u8],
) -> BTreeMap<String, String> {
    let digest = |bytes: &[u8]| hex::encode(Sha256::digest(bytes));
    let mut parts = BTreeMap::from([
        ("kernel".to_owned(), kernel.digest.clone()),
        ("capture program".to_owned(), digest(program)),
        ("configuration".to_owned(), digest(text.as_bytes())),
        (COMMAND_LINE.to_owned(), digest(cmdline)),
    ]);
    parts.extend(modules.iter().map(|module| {
        let name = format!("module {}", module.name);
        (name, digest(&module.bytes))
    }));
    parts
}

/// The volumes that targets and the log's place are on, so that it is told which of them changed.
fn volumes(config: &Config) -> std::result::Result<BTreeMap<String, String>, Problem> {
    let mut parts = BTreeMap::new();
    for layer in config.layers() {
        let keys = serde_json::to_vec(layer).map_err(|error| {
            Problem::BadCaptureConfig(ConfigError::Unwritable(error.to_string()))
        })?;
        let digest = hex::encode(Sha256::digest(keys));
        let kind = match layer {
            Layer::DeviceMapper(_) => "volume",
            Layer::Md(_) => "array",
        };
        parts.insert(format!("{kind} {}", layer.name()), digest);
    }
    Ok(parts)
}

/// What the kernel tells a crash kernel when that is loaded. Where it keeps what is loaded up to date, nothing changed about
/// that.
fn told(root: &Root, loaded: Option<&Record>) -> Result<BTreeMap<String, String>> {
    let named = [
        ("memory", memory::map_told(root)?),
        ("processors", memory::processors_told(root)?),
    ];
    let digest = |name: &str, told: memory::Told| {
        let kept = loaded.filter(|_| told.is_kept);
        let kept = kept.and_then(|record| record.parts.get(name).cloned());
        kept.or_else(|| Some(hex::encode(Sha256::digest(told.text?))))
    };
    let parts = named
        .into_iter()
        .filter_map(|(name, told)| Some((name.to_owned(), digest(name, told)?)));
    Ok(parts.collect())
}

#[cfg(test)]
mod tests;
