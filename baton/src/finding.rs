//! What is found about a machine: good, to be watched, or in the way; and what mends it.

use crate::output::terminal::{Style, styled};
use serde::Serialize;

/// What mends what only the firmware, the boot loader or shim can do: a plain reboot may be a kexec.
pub const RESTART: &str = "restart through the firmware (`baton exec --real-reboot`)";

/// How it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// As it should be.
    Ok,
    /// Works, and a person should know.
    Warning,
    /// In the way.
    Problem,
}

impl Level {
    /// The word for it.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Level::Ok => "ok",
            Level::Warning => "warning",
            Level::Problem => "problem",
        }
    }

    fn style(self) -> Style {
        match self {
            Level::Ok => Style::Good,
            Level::Warning => Style::Warning,
            Level::Problem => Style::Bad,
        }
    }
}

/// What a finding is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum Area {
    /// Starting another kernel by choice.
    Load,
    /// Surviving a crash.
    Crash,
    /// Whom the machine trusts.
    Keys,
}

/// One finding.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Finding {
    /// What it is about.
    pub area: Area,
    /// How it is.
    pub level: Level,
    /// A short, stable word for programs.
    pub code: &'static str,
    /// What was found, and why it matters.
    pub text: String,
    /// The command that mends it, or what a person has to do.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mend: Option<String>,
}

impl Finding {
    /// All is well.
    #[must_use]
    pub fn ok(area: Area, code: &'static str, text: impl Into<String>) -> Finding {
        Finding {
            area,
            level: Level::Ok,
            code,
            text: text.into(),
            mend: None,
        }
    }

    /// It works, and a person should know.
    #[must_use]
    pub fn warning(area: Area, code: &'static str, text: impl Into<String>) -> Finding {
        Finding {
            level: Level::Warning,
            ..Finding::ok(area, code, text)
        }
    }

    /// It is in the way.
    #[must_use]
    pub fn problem(area: Area, code: &'static str, text: impl Into<String>) -> Finding {
        Finding {
            level: Level::Problem,
            ..Finding::ok(area, code, text)
        }
    }

    /// With what mends it.
    #[must_use]
    pub fn mended_by(self, mend: impl Into<String>) -> Finding {
        Finding {
            mend: Some(mend.into()),
            ..self
        }
    }

    /// Prints it: a line, and what mends it on another.
    pub fn print(&self) {
        let word = format!("{:<8}", self.level.word());
        say!("{} {}", styled(self.level.style(), &word), self.text);
        if let Some(mend) = &self.mend {
            say!("{:<8} {mend}", "");
        }
    }
}
