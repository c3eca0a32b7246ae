//! Where fetched and built things lie, and how it is known that one is complete.
//!
//! Nothing else knows a path in the cache: whoever needs something is handed its location.

use std::fs::File;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use fs_err as fs;

/// The cache directory: `$BATON_CACHE`, else `$XDG_CACHE_HOME/baton`, else `~/.cache/baton`.
#[derive(Debug, Clone)]
pub struct Cache(PathBuf);

/// Something that is made once and kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Entry<'a> {
    /// Firmware, boot loaders and what guests run, unpacked.
    Firmware,
    /// A kernel and its modules, by its label: `6.12`.
    Kernel(&'a str),
    /// Kernels that are built from source, by a digest of what they are built with.
    BuiltKernels(&'a str),
    /// Stock kexec and its libraries.
    StockKexec,
    /// LVM, and what makes file systems on its volumes.
    Lvm,
    /// What the images that guests load besides kernels are made of.
    Images,
    /// Programs that read dumps.
    DumpPeers,
    /// systemd-sbsign.
    SystemdSbsign,
    /// Python with what edits the firmware's variables.
    FirmwarePython,
    /// Python with what makes UKIs and reads dumps.
    ToolsPython,
    /// The test machines' keys and variable stores.
    Keys,
    /// A kernel with debug symbols, by its release.
    Symbols(&'a str),
    /// An installed Debian system that crashes.
    CrashingSystem,
    /// An installed Debian system, by its release.
    Debian(&'a str),
    /// The memory that the figures of dumps are measured on.
    FiguresVmcore,
}

impl Entry<'_> {
    /// Its name in the cache, with the version of how it is made: whoever makes it another way raises
    /// the number, here and nowhere else.
    fn name(self) -> String {
        match self {
            Entry::Firmware => "firmware-1".into(),
            Entry::Kernel(label) => format!("kernel-{label}-10"),
            Entry::BuiltKernels(digest) => format!("built-kernels-{digest}-1"),
            Entry::StockKexec => "stock-kexec-1".into(),
            Entry::Lvm => "lvm-7".into(),
            Entry::Images => "images-2".into(),
            Entry::DumpPeers => "dump-peers-2".into(),
            Entry::SystemdSbsign => "systemd-sbsign-1".into(),
            Entry::FirmwarePython => "firmware-python-1".into(),
            Entry::ToolsPython => "tools-python-1".into(),
            Entry::Keys => "keys-3".into(),
            Entry::Symbols(release) => format!("symbols-{release}-1"),
            Entry::CrashingSystem => "crashing-system-2".into(),
            Entry::Debian(release) => format!("{release}-5"),
            Entry::FiguresVmcore => "figures-vmcore-1".into(),
        }
    }
}

impl Cache {
    /// Opens the cache, making the directory where it isn't there.
    pub fn open() -> Result<Cache> {
        let set = |name| {
            std::env::var_os(name)
                .filter(|v| !v.is_empty())
                .map(PathBuf::from)
        };
        let directory = set("BATON_CACHE")
            .or_else(|| set("XDG_CACHE_HOME").map(|p| p.join("baton")))
            .or_else(|| set("HOME").map(|p| p.join(".cache/baton")))
            .context("no place for the cache: set BATON_CACHE to a directory")?;
        fs::create_dir_all(&directory)?;
        // Programs are started in other directories.
        Ok(Cache(fs::canonicalize(directory)?))
    }

    /// The directory that apt works in for this purpose.
    pub fn apt(&self, purpose: &str) -> Result<PathBuf> {
        let path = self.0.join("apt").join(purpose);
        fs::create_dir_all(&path)?;
        Ok(path)
    }

    /// Where the answer to whether KVM works here is kept.
    pub fn kvm_answer(&self) -> PathBuf {
        self.0.join("kvm-probe")
    }

    /// The directory of an entry, if it has been made.
    pub fn find(&self, entry: Entry<'_>) -> Option<PathBuf> {
        Some(self.0.join(entry.name())).filter(|directory| directory.is_dir())
    }

    /// The directory of an entry, filled by `fill` once. What an interrupted run left is removed first; the
    /// directory takes its name only when it is complete. Whoever else wants it waits.
    pub fn once(
        &self,
        entry: Entry<'_>,
        fill: impl FnOnce(&Path) -> Result<()>,
    ) -> Result<PathBuf> {
        let name = entry.name();
        let _one = self.lock(&name)?;
        let done = self.0.join(&name);
        if done.is_dir() {
            return Ok(done);
        }
        let draft = self.0.join(format!("{name}.draft"));
        if draft.exists() {
            fs::remove_dir_all(&draft)?;
        }
        fs::create_dir_all(&draft)?;
        fill(&draft)?;
        fs::rename(&draft, &done)?;
        Ok(done)
    }

    /// Held until it is dropped.
    fn lock(&self, name: &str) -> Result<File> {
        let path = self.0.join(format!("{name}.lock"));
        let file = File::create(&path).with_context(|| format!("can't make {}", path.display()))?;
        file.lock()
            .with_context(|| format!("can't lock {}", path.display()))?;
        Ok(file)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cache() -> (Cache, tempfile::TempDir) {
        let directory = tempfile::tempdir().unwrap();
        (Cache(directory.path().into()), directory)
    }

    #[test]
    fn a_directory_whose_making_failed_is_made_again() {
        let (cache, _directory) = cache();
        assert!(cache.once(Entry::Keys, |_| anyhow::bail!("no")).is_err());
        assert_eq!(cache.find(Entry::Keys), None);
        let made = cache
            .once(Entry::Keys, |draft| Ok(fs::write(draft.join("x"), "1")?))
            .unwrap();
        assert_eq!(fs::read_to_string(made.join("x")).unwrap(), "1");
        assert_eq!(cache.find(Entry::Keys), Some(made));
        cache.once(Entry::Keys, |_| panic!("made twice")).unwrap();
    }

    #[test]
    fn two_that_want_the_same_make_it_once() {
        let (cache, _directory) = cache();
        let slowly = |draft: &Path| {
            std::thread::sleep(std::time::Duration::from_millis(50));
            Ok(fs::write(draft.join("x"), "1")?)
        };
        std::thread::scope(|scope| {
            let both = [0, 1].map(|_| scope.spawn(|| cache.once(Entry::Images, slowly)));
            for made in both {
                assert!(made.join().unwrap().unwrap().join("x").is_file());
            }
        });
    }

    #[test]
    fn no_two_entries_share_a_name() {
        let entries = [
            Entry::Firmware,
            Entry::Kernel("6.1"),
            Entry::Kernel("6.12"),
            Entry::StockKexec,
            Entry::Images,
            Entry::DumpPeers,
            Entry::SystemdSbsign,
            Entry::FirmwarePython,
            Entry::ToolsPython,
            Entry::Keys,
            Entry::Symbols("6.12"),
            Entry::CrashingSystem,
            Entry::Debian("debian-12"),
            Entry::FiguresVmcore,
        ];
        let names: std::collections::BTreeSet<_> = entries.map(Entry::name).into();
        assert_eq!(names.len(), entries.len());
    }
}
