//! apt, used in two ways that must not mix.
//!
//! *Download*: packages of several releases are fetched by name and unpacked into the cache. apt
//! works on directories of its own, with an empty list of installed packages, so that nothing of the
//! system changes.
//! *Install*: tools that must run on this machine. Only the system's own releases and their
//! backports are offered, **never a newer release**: apt would take libraries from there and
//! upgrade half the system. For the same reason an installation that would remove anything is
//! refused.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, PoisonError};

use anyhow::{Context, Result, bail};
use fs_err as fs;

use crate::exec;
use crate::fetch::cache::Cache;
use crate::fetch::sources::{self, Source};

/// The Debian release that the guests' firmware and tools are taken from.
pub const BASE: &str = "bookworm";
/// Its backports.
pub const BACKPORTS: &str = "bookworm-backports";
/// The release of the newest kernel.
pub const NEWEST: &str = "sid";

/// Directories whose lists this run has fetched.
static FETCHED: Mutex<BTreeSet<PathBuf>> = Mutex::new(BTreeSet::new());

/// Which releases packages are fetched from. The lists of the newest are large.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Releases {
    /// The base and its backports.
    Stable,
    /// The newest, too.
    WithNewest,
}

impl Releases {
    fn suites(self) -> &'static [&'static str] {
        match self {
            Releases::Stable => &[BASE, BACKPORTS],
            Releases::WithNewest => &[BASE, BACKPORTS, NEWEST],
        }
    }

    fn purpose(self) -> &'static str {
        match self {
            Releases::Stable => "download-stable",
            Releases::WithNewest => "download-newest",
        }
    }
}

/// apt working on directories of its own.
pub struct Apt {
    options: Vec<String>,
    directory: PathBuf,
}

impl Apt {
    /// For downloads: no package counts as installed. The lists of packages are fetched, unless this run
    /// has them already.
    pub fn for_downloads(cache: &Cache, releases: Releases) -> Result<Apt> {
        let source = sources::system()?;
        let suites = releases.suites();
        let parts: Vec<_> = suites
            .iter()
            .map(|suite| source.with_suite(suite))
            .collect();
        let apt = Apt::prepare(cache.apt(releases.purpose())?, &parts)?;
        let status = apt.directory.join("status");
        if !status.exists() {
            // A newer file would make apt read all of its lists again.
            fs::write(&status, "")?;
        }
        let apt = apt
            .with("Dir::State", &apt.directory)
            .with("Dir::State::status", &status);
        apt.update_once()?;
        Ok(apt)
    }

    /// For installing tools: the system's packages, and nothing newer than its backports.
    pub fn for_tools(cache: &Cache) -> Result<Apt> {
        let parts = for_installing(sources::all()?, &sources::system()?);
        Apt::prepare(cache.apt("tools")?, &parts)
    }

    fn prepare(directory: PathBuf, parts: &[Source]) -> Result<Apt> {
        let lists = directory.join("lists");
        let parts_directory = directory.join("sources");
        for made in [
            lists.join("partial"),
            directory.join("cache/archives/partial"),
            parts_directory.clone(),
        ] {
            fs::create_dir_all(made)?;
        }
        for (number, part) in parts.iter().enumerate() {
            fs::write(
                parts_directory.join(format!("{number}.sources")),
                part.to_text(),
            )?;
        }
        let apt = Apt {
            options: Vec::new(),
            directory: directory.clone(),
        }
        .with("Dir::State::lists", &lists)
        .with("Dir::Cache", &directory.join("cache"))
        // Containers switch this off, and every call would read the lists again.
        .with("Dir::Cache::pkgcache", Path::new("pkgcache.bin"))
        .with("Dir::Etc::sourcelist", Path::new("/dev/null"))
        .with("Dir::Etc::sourceparts", &parts_directory)
        // Translations and application metadata are large, and nobody reads them here.
        .with("Acquire::Languages", Path::new("none"))
        .with(
            "Acquire::IndexTargets::deb::DEP-11::DefaultEnabled",
            Path::new("false"),
        )
        // Lists that can't be fetched now are otherwise left out with a warning, and packages are missing then.
        .with("APT::Update::Error-Mode", Path::new("any"))
        .with("Acquire::Retries", Path::new("5"))
        // The cache is root's own directory, which apt's sandbox user couldn't write to.
        .with("APT::Sandbox::User", Path::new("root"));
        Ok(apt)
    }

    fn with(&self, name: &str, value: &Path) -> Apt {
        let mut options = self.options.clone();
        options.extend(["-o".into(), format!("{name}={}", value.display())]);
        Apt {
            options,
            directory: self.directory.clone(),
        }
    }

    fn command(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        command
            .args(&self.options)
            .env("DEBIAN_FRONTEND", "noninteractive")
            .env("LC_ALL", "C");
        command
    }

    /// Fetches the lists of packages, once in a run; whoever else wants them waits.
    fn update_once(&self) -> Result<()> {
        let mut fetched = FETCHED.lock().unwrap_or_else(PoisonError::into_inner);
        if !fetched.contains(&self.directory) {
            self.update()?;
            fetched.insert(self.directory.clone());
        }
        Ok(())
    }

    /// Fetches the lists of packages.
    pub fn update(&self) -> Result<()> {
        exec::run(self.command("apt-get").args(["-q", "update"]))
            .context("fetching the lists of packages")
    }

    /// Names of packages that match a regular expression.
    pub fn search(&self, pattern: &str) -> Result<Vec<String>> {
        let found =
            exec::output(
                self.command("apt-cache")
                    .args(["search", "--names-only", pattern]),
            )?;
        Ok(found
            .lines()
            .filter_map(|line| line.split_whitespace().next())
            .map(String::from)
            .collect())
    }

    /// A package's libraries, and theirs: what its programs need to run elsewhere.
    pub fn libraries(&self, package: &str, release: &str) -> Result<Vec<String>> {
        let mut found: Vec<String> = Vec::new();
        let mut queue = vec![package.to_owned()];
        while let Some(name) = queue.pop() {
            let text = exec::output(self.command("apt-cache").args([
                "-o",
                &format!("APT::Default-Release={release}"),
                "depends",
                "-i",
                &name,
            ]))?;
            for library in text
                .lines()
                .filter_map(|line| line.trim().strip_prefix("Depends: "))
            {
                let is_library = library.starts_with("lib") || library.starts_with("zlib");
                if is_library && !found.iter().any(|f| f == library) {
                    found.push(library.to_owned());
                    queue.push(library.to_owned());
                }
            }
        }
        Ok(found)
    }

    /// Downloads packages and unpacks their files into `into`.
    pub fn unpack_all(&self, packages: &[impl AsRef<str>], into: &Path) -> Result<()> {
        eprintln!("fetching {} (once)", words(packages));
        let directory = into.join("download");
        fs::create_dir_all(&directory)?;
        for archive in self.download_all(packages, &directory)? {
            let mut unpack = Command::new("dpkg-deb");
            exec::run(unpack.arg("--extract").arg(&archive).arg(into))?;
        }
        fs::remove_dir_all(&directory)?;
        Ok(())
    }

    /// Downloads packages into a directory that has nothing else in it.
    fn download_all(&self, packages: &[impl AsRef<str>], directory: &Path) -> Result<Vec<PathBuf>> {
        let mut command = self.command("apt-get");
        command.current_dir(directory).args(["-q", "-o"]);
        command
            .arg(format!("APT::Default-Release={BASE}"))
            .arg("download");
        command.args(packages.iter().map(AsRef::as_ref));
        exec::run(&mut command).with_context(|| format!("downloading {}", words(packages)))?;
        fs::read_dir(directory)?
            .map(|entry| Ok(entry?.path()))
            .collect()
    }

    /// Downloads a package into a directory that has nothing else in it.
    pub fn download(&self, package: &str, directory: &Path) -> Result<PathBuf> {
        let archive = self.download_all(&[package], directory)?.pop();
        archive.with_context(|| format!("apt-get downloaded nothing for {package}"))
    }

    /// Installs packages on the system; refused where it would remove one.
    pub fn install(&self, packages: &[&str]) -> Result<()> {
        let mut command = self.command("apt-get");
        command.args([
            "-q",
            "-y",
            "--no-install-recommends",
            "--no-remove",
            "-t",
            BACKPORTS,
            "install",
        ]);
        exec::run(command.args(packages)).context("installing tools")
    }
}

/// The system's own releases and the backports to its base: packages of a newer release would bring
/// their own libc along and upgrade the system to it.
fn for_installing(configured: Vec<Source>, system: &Source) -> Vec<Source> {
    let mut parts = configured;
    parts.push(system.with_suite(BACKPORTS));
    parts
}

fn words(packages: &[impl AsRef<str>]) -> String {
    let mut names: Vec<&str> = packages.iter().map(AsRef::as_ref).collect();
    // What libraries come along says nothing to anybody.
    names.retain(|name| !name.starts_with("lib") || packages.len() == 1);
    names.join(", ")
}

/// The newest of some package names that differ in their version alone.
pub fn newest(names: Vec<String>) -> Result<String> {
    let Some(name) = names.into_iter().max_by_key(|name| numbers(name)) else {
        bail!("no package of that name");
    };
    Ok(name)
}

/// The numbers in a name, in order: enough to compare kernels' package names.
pub fn numbers(name: &str) -> Vec<u64> {
    name.split(|c: char| !c.is_ascii_digit())
        .filter_map(|n| n.parse().ok())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_installed_from_a_newer_release() {
        let configured = sources::parse_list("deb http://a/debian bookworm main\n");
        let system = configured[0].clone();
        let offered: String = for_installing(configured, &system)
            .iter()
            .map(Source::to_text)
            .collect();
        assert!(offered.contains(BACKPORTS));
        assert!(!offered.contains(NEWEST));
    }

    #[test]
    fn the_newest_package_is_found_by_number_not_by_letter() {
        let names = [
            "linux-image-6.12.9+deb12-cloud-amd64",
            "linux-image-6.12.95+deb12-cloud-amd64",
        ];
        assert_eq!(newest(names.map(String::from).into()).unwrap(), names[1]);
        assert!(newest(Vec::new()).is_err());
    }
}
