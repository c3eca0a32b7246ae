//! Showing what was found.

use super::args::{DoctorArgs, Only};
use crate::calendar;
use crate::failure::capture::CaptureError;
use crate::failure::capture::NotReady;
use crate::failure::{Failure, Result};
use crate::finding::{Area, Finding, Level};
use crate::machine::saved_state;
use crate::output::json;
use crate::output::text::counted;
use crate::readiness::facts::{Facts, Sources};
use crate::readiness::findings;
use serde::Serialize;

/// The object that `--json` prints.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct Report {
    /// Nothing is in the way.
    ready: bool,
    /// What was found.
    findings: Vec<Finding>,
}

/// Shows all findings.
///
/// # Errors
/// When something of the system can't be read; when something is in the way, after that has been shown.
pub fn run(args: &DoctorArgs) -> Result<()> {
    let root = saved_state::described(args.root.as_deref())?;
    let sources = Sources {
        gate: args.gate.clone(),
        capture: args.sources.clone(),
    };
    let facts = Facts::read(&root, args.root.as_deref(), &sources)?;
    let mut found = findings::of(&facts, calendar::now());
    found.retain(|it| match args.only {
        None => true,
        Some(Only::Crash) => it.area == Area::Crash,
        Some(Only::Load) => it.area != Area::Crash,
    });
    let report = Report {
        ready: findings::is_ready(&found),
        findings: found,
    };
    if args.json {
        json::print(&report);
    } else {
        report.print();
    }
    if report.ready {
        Ok(())
    } else {
        Err(Failure::from(CaptureError::NotReady(NotReady::Problems)).reported())
    }
}

impl Report {
    fn print(&self) {
        for (area, title) in [
            (Area::Load, "starting another kernel"),
            (Area::Keys, "keys"),
            (Area::Crash, "surviving a crash"),
        ] {
            let found: Vec<&Finding> = self.findings.iter().filter(|it| it.area == area).collect();
            if !found.is_empty() {
                say!("{title}");
            }
            for finding in found {
                finding.print();
            }
        }
        let count = |level| self.findings.iter().filter(|it| it.level == level).count();
        let (problems, warnings) = (count(Level::Problem), count(Level::Warning));
        let warnings_counted = counted(warnings, "warning");
        match (problems, warnings) {
            (0, 0) => say!("ready"),
            (0, _) => say!("ready, with {warnings_counted}"),
            _ => say!(
                "not ready: {}, {warnings_counted}",
                counted(problems, "problem")
            ),
        }
    }
}
