//! What a load says when it is done.

use super::args::LoadOptions;
use super::run::Loaded;
use crate::output::json;
use crate::verdict::parts::PartLine;
use crate::verdict::trust::TrustSummary;
use serde::Serialize;
use std::path::PathBuf;

/// What there is to say of a capture besides what is said of every load.
#[derive(Debug, Clone, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct CaptureSummary {
    /// The owner's configuration.
    pub config: Option<PathBuf>,
    /// Where dumps go, in the order in which they are tried.
    pub targets: Vec<String>,
    /// Where the kernel log goes if no target takes it.
    pub log: Option<String>,
    /// Modules in the order in which they are loaded.
    pub modules: Vec<String>,
    /// Bytes of the initramfs.
    pub initramfs_len: u64,
    /// Bytes of memory that the capture is likely to need.
    pub memory_needed: u64,
    /// What a person should know.
    #[serde(skip)]
    pub notes: Vec<String>,
}

impl CaptureSummary {
    fn print(&self) {
        for target in &self.targets {
            say!("  target: {target}");
        }
        if let Some(log) = &self.log {
            say!("  log, if no target takes it: {log}");
        }
        say!("  modules: {}", self.modules.join(" "));
        say!("  initramfs: {} KiB", self.initramfs_len.div_ceil(1024));
    }
}

/// The object that `--json` prints.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct Report<'a> {
    /// The kernel is loaded.
    loaded: bool,
    /// It only would be.
    dry_run: bool,
    /// It is for a panic.
    crash: bool,
    /// The load route: `gate`, or `kernel` for direct kexec.
    via: &'static str,
    /// The entry of a boot loader that was loaded.
    entry: Option<&'a str>,
    /// The kernel's file.
    kernel: String,
    /// The gate's file.
    gate: Option<String>,
    /// The format of the kernel, where the gate boots it.
    format: Option<&'static str>,
    /// The profile of the UKI, the first being 0.
    profile: u32,
    /// What the gate will boot, part by part.
    parts: Vec<PartLine>,
    /// The files of the initrds.
    initrds: Vec<String>,
    /// The command line.
    cmdline: String,
    /// Who vouches for the kernel, in words for people.
    vouched_by: Option<&'a str>,
    /// Whom the gate trusts on this machine, and what it refuses.
    judged_by: Option<&'a TrustSummary>,
    /// The handover's length.
    handover_len: Option<u64>,
    /// What a person should know.
    notes: Vec<&'a str>,
    /// The capture that was made, by `baton crash load`.
    capture: Option<&'a CaptureSummary>,
}

pub(super) fn print(args: &LoadOptions, loaded: &Loaded, capture: Option<&CaptureSummary>) {
    let Loaded { inputs, plan, .. } = loaded;
    let gate = plan.gate.as_ref();
    let notes = capture.map_or(&[][..], |capture| &capture.notes);
    let report = Report {
        loaded: !args.dry_run,
        dry_run: args.dry_run,
        crash: inputs.crash,
        via: if gate.is_some() { "gate" } else { "kernel" },
        entry: loaded.origin.entry.as_deref(),
        kernel: inputs.kernel.path.display().to_string(),
        gate: gate.map(|g| g.image.path.display().to_string()),
        format: gate.and_then(|g| g.format),
        profile: inputs.profile,
        parts: gate.map_or_else(Vec::new, |g| g.parts.iter().map(PartLine::from).collect()),
        initrds: inputs
            .initrds
            .iter()
            .map(|i| i.path.display().to_string())
            .collect(),
        cmdline: String::from_utf8_lossy(&inputs.cmdline).into_owned(),
        vouched_by: plan.route.vouched.as_deref(),
        judged_by: gate.and_then(|g| g.judged_by.as_ref()),
        handover_len: gate.map(|g| g.len),
        notes: plan
            .route
            .notes
            .iter()
            .chain(&loaded.notes)
            .chain(notes)
            .map(String::as_str)
            .collect(),
        capture,
    };
    if args.json {
        json::print(&report);
    } else {
        print_text(&report);
    }
}

fn print_text(report: &Report<'_>) {
    let verb = if report.dry_run {
        "would load"
    } else {
        "loaded"
    };
    let route = match &report.gate {
        Some(gate) => format!("through the gate {gate}"),
        None => "by direct kexec".into(),
    };
    let purpose = if report.crash { " for a crash" } else { "" };
    let format = report.format.map_or(String::new(), |f| format!(" ({f})"));
    say!("{verb} {}{format}{purpose}, {route}", report.kernel);
    if let Some(entry) = report.entry {
        say!("  entry: {entry}");
    }
    match report.vouched_by {
        Some(by) => say!("  signed by: {by}"),
        None => say!("  signed by: not verified"),
    }
    if let Some(trust) = report.judged_by {
        say!("  judged by: {trust}");
    }
    if report.parts.is_empty() {
        for initrd in &report.initrds {
            say!("  initrd: {initrd}");
        }
    }
    let others = |part: &&PartLine| !part.is_always_reported();
    for part in report.parts.iter().filter(others) {
        say!("  {}: {}", part.kind(), part.vouched());
    }
    say!("  command line: {}", report.cmdline);
    if let Some(capture) = report.capture {
        capture.print();
    }
    for note in &report.notes {
        say!("  note: {note}");
    }
    if !report.dry_run && !report.crash {
        say!("start it with `baton exec`");
    }
}
