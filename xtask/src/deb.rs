//! Builds Debian packages: the sources as git knows them, with `packaging/debian` as their `debian`, given to
//! dpkg-buildpackage.
//!
//! So that the same commit gives the same bytes, every date in the packages is the commit's. Who maintains them is who
//! made it, unless `DEBFULLNAME` and `DEBEMAIL` name somebody else, as for Debian's own tools.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};

use crate::run;

/// Where the packages' name and version stand.
const WORKSPACE: &str = "Cargo.toml";

/// Builds the packages into `root/target/deb`, and names them.
///
/// # Errors
/// When git doesn't know the sources, debhelper is missing, or something can't be built.
pub fn build(root: &Path) -> Result<Vec<PathBuf>> {
    ensure!(
        Path::new("/usr/bin/dh").exists(),
        "debhelper is missing; as root: apt-get install --no-install-recommends debhelper dpkg-dev"
    );
    let directory = root.join("target/deb");
    if directory.exists() {
        fs::remove_dir_all(&directory)
            .with_context(|| format!("can't remove {}", directory.display()))?;
    }
    let release = Release::of(root)?;
    let sources = directory.join(format!("baton-{}", release.version));
    copy_sources(root, &sources)?;
    release.write_debian(&sources)?;
    // Crates from elsewhere that were compiled before aren't compiled again.
    let compiled = root.join("target/deb-build");
    fs::create_dir_all(&compiled)?;
    symlink(&compiled, sources.join("target"))?;
    run(Command::new("dpkg-buildpackage")
        .current_dir(&sources)
        .args([
            "--build=binary",
            "--unsigned-changes",
            "--no-check-builddeps",
        ])
        .env("SOURCE_DATE_EPOCH", release.seconds.to_string()))
    .context("dpkg-buildpackage")?;
    packages(&directory)
}

/// What of the commit goes into the packages.
struct Release {
    /// The workspace's version.
    version: String,
    /// `NAME <ADDRESS>`.
    maintainer: String,
    /// The commit's date in the form that Debian's changelogs have.
    date: String,
    /// The same in seconds since 1970.
    seconds: u64,
}

impl Release {
    fn of(root: &Path) -> Result<Release> {
        let manifest = fs::read_to_string(root.join(WORKSPACE)).context(WORKSPACE)?;
        let last = git(root, &["log", "-1", "--format=%an%n%ae%n%cD%n%ct"])?;
        let mut lines = last.lines().map(str::to_owned);
        let mut line = || lines.next().context("git log says too little");
        let (name, address) = (line()?, line()?);
        let set = |variable: &str| std::env::var(variable).ok().filter(|it| !it.is_empty());
        Ok(Release {
            version: version(&manifest)?,
            maintainer: format!(
                "{} <{}>",
                set("DEBFULLNAME").unwrap_or(name),
                set("DEBEMAIL").unwrap_or(address)
            ),
            date: line()?,
            seconds: line()?.parse().context("git's date")?,
        })
    }

    /// Makes the sources' `debian` from the template.
    fn write_debian(&self, sources: &Path) -> Result<()> {
        let (from, to) = (sources.join("packaging/debian"), sources.join("debian"));
        fs::rename(from, &to).context("packaging/debian")?;
        let control = fs::read_to_string(to.join("control")).context("packaging/debian/control")?;
        ensure!(
            control.contains(MAINTAINER),
            "packaging/debian/control doesn't say {MAINTAINER}"
        );
        fs::write(
            to.join("control"),
            control.replace(MAINTAINER, &self.maintainer),
        )?;
        fs::write(to.join("changelog"), self.changelog())?;
        Ok(())
    }

    /// Debian's changelog has the form that deb-changelog(5) describes.
    fn changelog(&self) -> String {
        format!(
            "baton ({}-1) unstable; urgency=medium\n\n  * See CHANGELOG.md.\n\n -- {}  {}\n",
            self.version, self.maintainer, self.date
        )
    }
}

/// What stands in the template for who maintains the packages.
const MAINTAINER: &str = "@MAINTAINER@";

/// The workspace's version.
fn version(manifest: &str) -> Result<String> {
    let section = manifest
        .split_once("[workspace.package]")
        .context("Cargo.toml has no [workspace.package]")?
        .1;
    let value = section
        .lines()
        .find_map(|line| line.strip_prefix("version = \""))
        .and_then(|rest| rest.strip_suffix('"'));
    Ok(value.context("Cargo.toml names no version")?.to_owned())
}

fn git(root: &Path, arguments: &[&str]) -> Result<String> {
    let output = Command::new("git")
        .current_dir(root)
        .args(arguments)
        .output()
        .context("can't start git")?;
    if !output.status.success() {
        bail!(
            "git {}: {}",
            arguments.join(" "),
            String::from_utf8_lossy(&output.stderr).trim()
        );
    }
    String::from_utf8(output.stdout).context("git's output isn't UTF-8")
}

/// Copies the files that git knows, as they are now.
fn copy_sources(root: &Path, to: &Path) -> Result<()> {
    for name in git(root, &["ls-files", "-z"])?.split_terminator('\0') {
        let (from, target) = (root.join(name), to.join(name));
        // One that was removed and not yet committed.
        if !from.exists() {
            continue;
        }
        let directory = target.parent().context("no directory")?;
        fs::create_dir_all(directory)
            .and_then(|()| fs::copy(&from, &target))
            .with_context(|| format!("can't copy {name}"))?;
    }
    Ok(())
}

fn packages(directory: &Path) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(directory)? {
        let path = entry?.path();
        if path.extension().is_some_and(|it| it == "deb") {
            found.push(path);
        }
    }
    found.sort();
    ensure!(!found.is_empty(), "dpkg-buildpackage made no package");
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_is_the_workspaces() {
        let manifest =
            "[workspace]\n[workspace.package]\nversion = \"1.2.3\"\nedition = \"2024\"\n";
        assert_eq!(version(manifest).unwrap(), "1.2.3");
        assert!(version("[package]\nversion = \"1\"\n").is_err());
    }

    #[test]
    fn the_changelog_has_the_form_that_dpkg_reads() {
        let release = Release {
            version: "1.2.3".into(),
            maintainer: "A Name <a@name.example>".into(),
            date: "Mon, 30 Nov 2026 12:00:00 +0000".into(),
            seconds: 0,
        };
        let text = release.changelog();
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines[0], "baton (1.2.3-1) unstable; urgency=medium");
        assert_eq!(
            lines[4],
            " -- A Name <a@name.example>  Mon, 30 Nov 2026 12:00:00 +0000"
        );
    }

    #[test]
    fn every_unit_that_can_be_enabled_is_stopped_when_the_package_is_removed() {
        let root = crate::root().unwrap();
        let script = fs::read_to_string(root.join("packaging/debian/baton.prerm")).unwrap();
        for entry in fs::read_dir(root.join("dist/systemd")).unwrap() {
            let path = entry.unwrap().path();
            let can_be_enabled = fs::read_to_string(&path).unwrap().contains("[Install]");
            let name = path.file_name().unwrap().to_string_lossy();
            let is_stopped = script.split_whitespace().any(|word| word == name);
            assert_eq!(can_be_enabled, is_stopped, "{name}");
        }
    }

    #[test]
    fn the_template_leaves_open_who_maintains_the_packages() {
        let control = crate::root().unwrap().join("packaging/debian/control");
        assert!(fs::read_to_string(control).unwrap().contains(MAINTAINER));
    }
}
