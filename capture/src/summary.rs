//! `summary.json`, the report that lies beside each dump.

use baton_kdump::convert::Summary as Dump;
use serde::{Deserialize, Serialize};

/// The report on a capture. Times are in RFC 3339, sizes in bytes, durations in seconds.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Summary {
    /// Whether the dump is complete.
    pub complete: bool,
    /// Why the dump isn't complete.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// The crash that was captured.
    pub crash: CrashSummary,
    /// The target that holds the dump.
    pub target: String,
    /// What was written; `None` for an interrupted dump.
    pub dump: Option<Dump>,
    /// SHA-256 of the dump in hexadecimal, if it was read back.
    pub sha256: Option<String>,
    /// The targets that failed before this one.
    pub failed_targets: Vec<Failed>,
    /// Problems that didn't stop the capture.
    pub warnings: Vec<String>,
    /// How long the steps took.
    pub seconds: Seconds,
    /// How much of the reserved memory was used.
    pub memory: Memory,
}

/// The crash that was captured.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct CrashSummary {
    /// When the kernel crashed.
    pub time: Option<String>,
    /// The release of the crashed kernel.
    pub kernel: Option<String>,
    /// The panic message.
    pub panic: Option<String>,
}

/// A target that failed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Failed {
    /// The target's name.
    pub target: String,
    /// Why it failed.
    pub error: String,
}

/// How long the steps took.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Seconds {
    /// Waiting for the target and preparing it.
    pub prepare: f64,
    /// Filtering and writing the dump.
    pub dump: f64,
    /// Reading the dump back.
    pub read_back: f64,
    /// Everything since the capture program started.
    pub total: f64,
}

/// Memory use, which helps to choose how much memory to reserve.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Memory {
    /// `MemAvailable` when the program started.
    pub available_at_start: Option<u64>,
    /// The lowest `MemAvailable` that was seen.
    #[serde(rename = "available-at-least")]
    pub min_available: Option<u64>,
    /// The program's peak resident memory (`VmHWM`).
    pub peak_resident: Option<u64>,
}

impl Summary {
    /// The summary as JSON that ends in a newline.
    #[must_use]
    pub fn to_json(&self) -> String {
        // Strings, numbers and lists of them can always be serialised.
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
