//! Modules of the kernels that guests run.

use fs_err as fs;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::exec;

/// What the guests' disks, file systems and network need, where it isn't built in; theirs come along.
const WANTED: &[&str] = &[
    "btrfs",
    "dm_mod",
    "dm_multipath",
    "dm_round_robin",
    "efivarfs",
    "ext4",
    "nls_ascii",
    "nls_cp437",
    "nls_iso8859_1",
    "nls_utf8",
    "nvme",
    "raid1",
    "sd_mod",
    "vfat",
    "virtio_blk",
    "virtio_net",
    "virtio_pci",
    "virtio_scsi",
    "xfs",
];

/// What guests are given where their kernels have it: a watchdog, SATA's usual controller, snapshots, and arrays that few
/// have.
const OPTIONAL: &[&str] = &[
    "ahci",
    "dm_snapshot",
    "i6300esb",
    "linear",
    "raid0",
    "raid10",
];

/// Where a kernel's modules are, as below `/lib/modules/RELEASE`.
#[derive(Debug, Clone)]
pub struct Modules(pub PathBuf);

impl Modules {
    /// Keeps of a kernel's unpacked packages what guests need: hundreds of modules are of no use here.
    /// The lists name them all, as on a machine that the packages were installed on.
    pub fn keep(whole: &Path, release: &str, kept: &Path) -> Result<()> {
        // Newer packages have the modules below /usr alone, where depmod doesn't look.
        let lib = whole.join("lib");
        if !lib.exists() {
            std::os::unix::fs::symlink("usr/lib", &lib)?;
        }
        exec::run(exec::tool("depmod").arg("-b").arg(whole).arg(release))?;
        let all = lib.join("modules").join(release);
        let into = kept.join("modules");
        fs::create_dir_all(&into)?;
        for entry in fs::read_dir(&all)? {
            let entry = entry?;
            if entry.file_name().to_string_lossy().starts_with("modules.") {
                fs::copy(entry.path(), into.join(entry.file_name()))?;
            }
        }
        for file in needed(whole, release, &all)? {
            let below = file.strip_prefix(&all);
            let place = into.join(below.with_context(|| file.display().to_string())?);
            fs::create_dir_all(place.parent().context("a module in no directory")?)?;
            fs::copy(&file, place)?;
        }
        Ok(())
    }

    /// The file of a module, relative to the directory; none if it is built in.
    fn file(&self, name: &str) -> Option<String> {
        let lines = self.dependencies().ok()?;
        lines
            .into_iter()
            .map(|(file, _)| file)
            .find(|file| module(file) == name)
    }

    /// These modules and all that they need, each after what it needs.
    fn closure(&self, names: &[&str]) -> Result<Vec<String>> {
        let lines = self.dependencies()?;
        let mut found = Vec::new();
        let mut seen = BTreeSet::new();
        for name in names {
            let Some((file, needs)) = lines.iter().find(|(file, _)| module(file) == *name) else {
                bail!("{} has no module {name}", self.0.display());
            };
            // modules.dep(5) lists what is needed first last.
            for file in needs.iter().rev().chain([file]) {
                if seen.insert(file.clone()) {
                    found.push(file.clone());
                }
            }
        }
        Ok(found)
    }

    /// Each line of modules.dep: a file, and the files that it needs.
    fn dependencies(&self) -> Result<Vec<(String, Vec<String>)>> {
        let file = self.0.join("modules.dep");
        let text = fs::read_to_string(&file).with_context(|| file.display().to_string())?;
        let parsed = text.lines().filter_map(|line| line.split_once(':'));
        Ok(parsed
            .map(|(file, needs)| {
                let needs = needs.split_whitespace().map(String::from).collect();
                (file.to_owned(), needs)
            })
            .collect())
    }

    /// A module's bytes, decompressed.
    pub fn bytes(&self, name: &str) -> Result<Vec<u8>> {
        let file = self.file(name);
        let file = file.with_context(|| format!("{} has no module {name}", self.0.display()))?;
        decompressed(&self.0.join(file))
    }

    /// Of these modules those that aren't built in and all that they need, decompressed: their names and
    /// bytes, in the order in which they can be loaded.
    pub fn loadable(&self, names: &[&str]) -> Result<Vec<(String, Vec<u8>)>> {
        let loadable: Vec<&str> = names
            .iter()
            .copied()
            .filter(|name| self.file(name).is_some())
            .collect();
        self.closure(&loadable)?
            .iter()
            .map(|file| Ok((module(file), decompressed(&self.0.join(file))?)))
            .collect()
    }
}

/// The files of what is wanted and isn't built in, with all that is loaded before. modprobe goes by the first
/// softdep line of a module alone; modules have several.
fn needed(whole: &Path, release: &str, lists: &Path) -> Result<BTreeSet<PathBuf>> {
    let soft = fs::read_to_string(lists.join("modules.softdep"))?;
    let mut files = BTreeSet::new();
    let wanted = WANTED.iter().chain(OPTIONAL);
    let mut names: Vec<String> = wanted.map(|name| (*name).to_owned()).collect();
    while let Some(name) = names.pop() {
        let mut modprobe = exec::tool("modprobe");
        modprobe.args(["--config", "/dev/null", "--show-depends", "-S", release]);
        let shown = exec::output(modprobe.arg("-d").arg(whole).arg(&name));
        if shown.is_err() && !WANTED.contains(&name.as_str()) {
            continue;
        }
        for file in shown?
            .lines()
            .filter_map(|line| line.strip_prefix("insmod "))
        {
            if files.insert(PathBuf::from(file.trim())) {
                names.extend(softly(&soft, &module(file.trim())));
            }
        }
    }
    Ok(files)
}

/// What a module would like to have, by modules.softdep.
fn softly(soft: &str, module: &str) -> Vec<String> {
    let words = soft.lines().filter_map(|line| {
        let (of, wanted) = line.strip_prefix("softdep ")?.split_once(' ')?;
        (of == module).then_some(wanted.split_whitespace())
    });
    let words = words.flatten().filter(|word| !word.ends_with(':'));
    words.map(str::to_owned).collect()
}

/// What a module's file is called in the kernel.
fn module(file: &str) -> String {
    let name = file.rsplit('/').next().unwrap_or(file);
    name.split(".ko").next().unwrap_or(name).replace('-', "_")
}

/// A file's contents, by its name's ending.
pub fn decompressed(file: &Path) -> Result<Vec<u8>> {
    let program = match file.extension().and_then(|e| e.to_str()) {
        Some("ko") => return Ok(fs::read(file)?),
        Some("gz") => "gzip",
        Some("xz") => "xz",
        Some("zst") => "zstd",
        other => bail!("{}: don't know how to decompress {other:?}", file.display()),
    };
    exec::bytes(Command::new(program).arg("-dc").arg(file))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_that_a_module_would_like_is_found_in_all_its_lines() {
        let soft = "softdep a pre: b c\nsoftdep ab pre: x\nsoftdep a post: d\n";
        assert_eq!(softly(soft, "a"), ["b", "c", "d"]);
    }

    #[test]
    fn a_module_comes_after_all_that_it_needs() {
        let directory = tempfile::tempdir().unwrap();
        fs::write(
            directory.path().join("modules.dep"),
            "k/xfs.ko: k/crc.ko k/lib-base.ko\nk/crc.ko: k/lib-base.ko\nk/lib-base.ko:\n",
        )
        .unwrap();
        let modules = Modules(directory.path().into());
        assert_eq!(
            modules.closure(&["crc", "xfs"]).unwrap(),
            ["k/lib-base.ko", "k/crc.ko", "k/xfs.ko"]
        );
        assert!(modules.closure(&["missing"]).is_err());
    }
}
