//! Installing Debian's packages into a directory, with mmdebstrap.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result};
use fs_err as fs;

use crate::exec;
use crate::fetch::sources::Source;

/// What nobody reads there.
const LEFT_OUT: &[&str] = &["doc", "locale", "man"];

/// What is installed.
pub struct Bootstrap {
    /// Where from; the first release's required packages are installed in any case.
    pub suites: Vec<Source>,
    /// What else, as apt is told.
    pub packages: Vec<String>,
    /// Commands for the shell that come last, with the directory as `$1`.
    pub then: Vec<String>,
}

impl Bootstrap {
    /// Installs it into `tree`, as root; `work` is for files that are needed meanwhile.
    pub fn install(&self, tree: &Path, work: &Path) -> Result<()> {
        let offered = work.join("debian.sources");
        let parts: Vec<String> = self.suites.iter().map(Source::to_text).collect();
        fs::write(&offered, parts.join("\n"))?;
        let mut mmdebstrap = Command::new("mmdebstrap");
        mmdebstrap.args(["--mode=root", "--variant=minbase", "--format=directory"]);
        mmdebstrap.arg("--aptopt=APT::Install-Recommends \"false\"");
        // It reads nothing of the system's configuration by itself.
        mmdebstrap.arg(format!("--aptopt={}", validity()?));
        mmdebstrap.arg("--dpkgopt=force-unsafe-io");
        for directory in LEFT_OUT {
            mmdebstrap.arg(format!("--dpkgopt=path-exclude=/usr/share/{directory}/*"));
        }
        mmdebstrap.arg(format!("--include={}", self.packages.join(",")));
        for command in &self.then {
            mmdebstrap.arg(format!("--customize-hook={command}"));
        }
        // The release is that of the sources.
        exec::run(mmdebstrap.arg("").arg(tree).arg(offered)).context("installing a Debian system")
    }
}

/// What the system's own apt is told about lists that are past their date.
fn validity() -> Result<String> {
    let mut dump = Command::new("apt-config");
    exec::output(dump.args(["dump", "Acquire::Check-Valid-Until"]))
}
