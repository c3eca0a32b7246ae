//! `summary.json`: what happened, beside each dump.

use baton_kdump::convert::Summary as Dump;
use serde::{Deserialize, Serialize};

/// Everything that is known of a capture. Times are in RFC 3339, sizes in bytes, durations in seconds.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Summary {
    /// Whether the dump is whole.
    pub complete: bool,
    /// Why it isn't.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// What crashed.
    pub crash: CrashSummary,
    /// Where the dump is.
    pub target: String,
    /// What was written; nothing of a dump that broke off.
    pub dump: Option<Dump>,
    /// SHA-256 of the dump in hexadecimal, if it was read back.
    pub sha256: Option<String>,
    /// Targets that were tried before.
    pub failed_targets: Vec<Failed>,
    /// What else went wrong, or differently.
    pub warnings: Vec<String>,
    /// How long it took.
    pub seconds: Seconds,
    /// What it took of the memory that is reserved.
    pub memory: Memory,
}

/// What crashed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct CrashSummary {
    /// When.
    pub time: Option<String>,
    /// The kernel's release.
    pub kernel: Option<String>,
    /// The message of the panic.
    pub panic: Option<String>,
}

/// A target that didn't do.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Failed {
    /// Which.
    pub target: String,
    /// Why not.
    pub error: String,
}

/// How long things took.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Seconds {
    /// Until the target was there.
    pub prepare: f64,
    /// Filtering and writing.
    pub dump: f64,
    /// Reading back.
    pub read_back: f64,
    /// All, since the capture program began.
    pub total: f64,
}

/// What is left of the reserved memory helps choosing how much to reserve.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Memory {
    /// `MemAvailable` when the program began.
    pub available_at_start: Option<u64>,
    /// The least that was seen.
    pub available_at_least: Option<u64>,
    /// The most that the program held (`VmHWM`).
    pub peak_resident: Option<u64>,
}

impl Summary {
    /// As text with a line end.
    #[must_use]
    pub fn to_json(&self) -> String {
        // Strings, numbers and lists of them can always be written.
        let mut text = serde_json::to_string_pretty(self).unwrap_or_default();
        text.push('\n');
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_summary_is_read_as_it_is_written() {
        let summary = Summary {
            complete: true,
            target: "/var/crash on UUID=1".into(),
            failed_targets: vec![Failed {
                target: "a".into(),
                error: "b\"c\n".into(),
            }],
            ..Summary::default()
        };
        let text = summary.to_json();
        assert!(text.ends_with("}\n"));
        assert_eq!(serde_json::from_str::<Summary>(&text).unwrap(), summary);
    }
}
