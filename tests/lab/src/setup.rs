//! Everything a scenario needs, made ready once: what was fetched, the keys, our programs, and the
//! disk with all that the guests load.

use fs_err::{self as fs, File};
use std::fmt;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow};

use crate::fetch::built;
use crate::fetch::cache::Cache;
use crate::fetch::extras::Extras;
use crate::fetch::packages::{Kernel, Packages};
use crate::fetch::tools::{self, Need};
use crate::keys::{self, Keys};
use crate::machine::kvm;
use crate::payload::{self, initrd};
use crate::programs::{self, Programs};

/// The set-up.
pub struct Lab {
    /// What every machine is made of.
    pub packages: Packages,
    extras: Option<Extras>,
    /// Keys and variable stores.
    pub keys: Keys,
    /// The payload's file system.
    pub payload: PathBuf,
    /// Where disks and logs of this run go.
    pub work: PathBuf,
    /// Whether KVM runs real kernels here.
    pub kvm: bool,
    /// The guests' init.
    init: PathBuf,
    /// Why there is no gate, if there is none.
    gate: Result<(), String>,
    _lock: File,
}

/// Two runs at once would write over each other's disks.
fn lock(work: &Path) -> Result<File> {
    fs::create_dir_all(work)?;
    let file = File::create(work.join("lock"))?;
    if file.try_lock().is_err() {
        eprintln!("waiting for another run to end");
        file.lock()?;
    }
    Ok(file)
}

/// What doesn't depend on our sources.
pub struct Fetched {
    /// What every machine is made of.
    pub packages: Packages,
    /// What most do without.
    pub extras: Extras,
    /// The keys.
    pub keys: Keys,
    /// What it took.
    pub cost: Cost,
}

/// What fetching took.
#[derive(Debug, Clone, Copy)]
pub struct Cost {
    tools: Duration,
    downloads: Duration,
}

impl fmt::Display for Cost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [tools, downloads] = [self.tools, self.downloads].map(|time| time.as_secs_f64());
        write!(f, "set up: tools {tools:.0} s, downloads {downloads:.0} s")
    }
}

/// Installs tools, and fetches and makes what doesn't depend on our sources.
pub fn fetch(cache: &Cache) -> Result<Fetched> {
    let begun = Instant::now();
    tools::ensure(cache, Need::Suite)?;
    let tools = begun.elapsed();
    let (packages, extras) = thread::scope(|scope| {
        let extras = scope.spawn(|| Extras::fetch(cache));
        (Packages::fetch(cache), extras.join())
    });
    let packages = packages?;
    Ok(Fetched {
        keys: keys::make(cache, &packages)?,
        cost: Cost {
            tools,
            downloads: begun.elapsed() - tools,
        },
        extras: extras.map_err(|_| anyhow!("fetching panicked"))??,
        packages,
    })
}

impl Lab {
    /// Sets everything up.
    pub fn set_up() -> Result<Lab> {
        let root = baton_xtask::root()?;
        let cache = Cache::open()?;
        let (fetched, programs) = while_building(|| fetch(&cache), || programs::build(&root))?;
        let Fetched {
            packages,
            extras,
            keys,
            ..
        } = fetched;
        let (work, lock) = workplace(&root, &packages, &programs.init)?;
        let kvm = kvm::works(&cache, &packages)?;
        let (payload, gate) = payload::make(&work, &packages, &extras, &keys, &programs.ours)?;
        Ok(Lab {
            packages,
            extras: Some(extras),
            keys,
            payload,
            work,
            kvm,
            init: programs.init,
            gate,
            _lock: lock,
        })
    }

    /// Sets up what the demo needs, and no more: it is what people wait for first.
    pub fn for_demo() -> Result<Lab> {
        let root = baton_xtask::root()?;
        let cache = Cache::open()?;
        let fetch = || {
            tools::ensure(&cache, Need::Demo)?;
            let packages = Packages::fetch_for_demo(&cache)?;
            let keys = keys::make(&cache, &packages)?;
            Ok((packages, keys))
        };
        let ((packages, keys), programs) =
            while_building(fetch, || programs::build_for_demo(&root))?;
        let (work, lock) = workplace(&root, &packages, &programs.init)?;
        let ours = programs.ours.map_err(|why| anyhow!(why))?;
        Ok(Lab {
            kvm: kvm::works(&cache, &packages)?,
            payload: payload::make_for_demo(&work, &packages, &keys, &ours)?,
            packages,
            extras: None,
            keys,
            work,
            init: programs.init,
            gate: Ok(()),
            _lock: lock,
        })
    }

    /// Builds from source what a few machines need besides, once, and puts it on the payload's disk.
    pub fn add_built_kernels(&mut self) -> Result<()> {
        let built = built::kernels(&Cache::open()?, &baton_xtask::root()?)?;
        for kernel in &built {
            initrd::write(&self.work, &self.init, kernel)?;
        }
        self.packages.built = payload::add_built(&self.work, &self.keys, built)?;
        Ok(())
    }

    /// What most machines do without.
    pub fn extras(&self) -> Result<&Extras> {
        let extras = self.extras.as_ref();
        extras.context("the demo's set-up has firmware and one kernel alone")
    }

    /// Fails, saying why, where there is no gate to test.
    pub fn needs_gate(&self) -> Result<()> {
        self.gate
            .as_ref()
            .map_err(|why| anyhow!("there is no gate: {why}"))
            .copied()
    }

    /// The initrd for a kernel, on the host.
    pub fn initrd(&self, kernel: &Kernel) -> PathBuf {
        initrd::path(&self.work, kernel)
    }
}

/// Fetches while programs are built: one waits for the network, the other for the compiler.
fn while_building<T: Send>(
    fetch: impl FnOnce() -> Result<T> + Send,
    build: impl FnOnce() -> Result<Programs>,
) -> Result<(T, Programs)> {
    let (fetched, programs) = thread::scope(|scope| {
        let fetched = scope.spawn(fetch);
        let programs = build();
        (fetched.join(), programs)
    });
    Ok((
        fetched.map_err(|_| anyhow!("fetching panicked"))??,
        programs?,
    ))
}

/// The directory for disks and logs, which is ours alone then, with each kernel's initrd in it.
fn workplace(root: &Path, packages: &Packages, init: &Path) -> Result<(PathBuf, File)> {
    let work = root.join("target/vm");
    let lock = lock(&work)?;
    for kernel in &packages.kernels {
        initrd::write(&work, init, kernel)?;
    }
    Ok((work, lock))
}
