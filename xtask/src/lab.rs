//! Everything a scenario needs, made ready once: what was fetched, the keys, our programs, and the
//! disk with all that the guests load.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::thread;

use anyhow::{Result, anyhow};

use crate::build;
use crate::cache::Cache;
use crate::cpio::Archive;
use crate::keys::{self, Keys};
use crate::packages::{Kernel, Packages};
use crate::{kvm, payload, programs, tools};

/// The set-up.
pub struct Lab {
    /// What was fetched.
    pub packages: Packages,
    /// Keys and variable stores.
    pub keys: Keys,
    /// The payload's file system.
    pub payload: PathBuf,
    /// Where disks and logs of this run go.
    pub work: PathBuf,
    /// Whether KVM runs real kernels here.
    pub kvm: bool,
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

/// Fetches and makes what doesn't depend on our sources.
pub fn fetch() -> Result<(Packages, Keys)> {
    let cache = Cache::open()?;
    tools::ensure(&cache)?;
    fetch_into(&cache)
}

fn fetch_into(cache: &Cache) -> Result<(Packages, Keys)> {
    let packages = Packages::fetch(cache)?;
    let keys = keys::make(cache, &packages)?;
    Ok((packages, keys))
}

impl Lab {
    /// Sets everything up.
    pub fn set_up() -> Result<Lab> {
        let root = build::root()?;
        let cache = Cache::open()?;
        tools::ensure(&cache)?;
        // One waits for the network, the other for the compiler.
        let (fetched, programs) = thread::scope(|scope| {
            let fetched = scope.spawn(|| fetch_into(&cache));
            let programs = programs::build(&root);
            (fetched.join(), programs)
        });
        let (packages, keys) = fetched.map_err(|_| anyhow!("fetching panicked"))??;
        let programs = programs?;
        let work = root.join("target/vm");
        let lock = lock(&work)?;
        for kernel in &packages.kernels {
            fs::write(initrd_path(&work, kernel), initrd(&programs.init, kernel)?)?;
        }
        let kvm = kvm::works(&cache, &packages)?;
        let (payload, gate) = payload::make(&work, &packages, &keys, &programs.ours)?;
        Ok(Lab {
            packages,
            keys,
            payload,
            work,
            kvm,
            gate,
            _lock: lock,
        })
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
        initrd_path(&self.work, kernel)
    }
}

/// Where a kernel's initrd is on the host.
pub fn initrd_path(work: &Path, kernel: &Kernel) -> PathBuf {
    work.join(format!("initrd-{}.img", kernel.label))
}

/// Our init, the module it needs, and a file by which the guest knows this initrd.
fn initrd(init: &Path, kernel: &Kernel) -> Result<Vec<u8>> {
    let mut archive = Archive::default();
    for folder in ["proc", "sys", "dev", "tmp", "run", "payload"] {
        archive.folder(folder)?;
    }
    archive.file("init", &fs::read(init)?)?;
    archive.file("efivarfs.ko", &kernel.modules.bytes("efivarfs")?)?;
    archive.file("marker-main", kernel.label.as_bytes())?;
    archive.finish()
}
