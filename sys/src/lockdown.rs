//! The kernel's lockdown state.

use crate::{ReadError, Root};
use std::fmt;

/// The file in securityfs (security/lockdown/lockdown.c).
const PATH: &str = "sys/kernel/security/lockdown";

/// How far the kernel is locked down, from the weakest state to the strongest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Lockdown {
    /// The kernel isn't locked down, so signatures needn't be enforced.
    None,
    /// User space can't change the running kernel; kexec wants a signed image.
    Integrity,
    /// As `Integrity`; in addition, user space can't read the kernel's secrets.
    Confidentiality,
}

impl fmt::Display for Lockdown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Lockdown::None => "none",
            Lockdown::Integrity => "integrity",
            Lockdown::Confidentiality => "confidentiality",
        })
    }
}

/// The state; `None` if the kernel doesn't show it (no lockdown module, or securityfs isn't mounted).
///
/// # Errors
/// When the file exists and can't be read.
pub fn read(root: &Root) -> Result<Option<Lockdown>, ReadError> {
    Ok(root.read_text(PATH)?.as_deref().and_then(parse))
}

/// Parses `none [integrity] confidentiality`: the current one is in brackets.
#[must_use]
pub fn parse(text: &str) -> Option<Lockdown> {
    let (_, rest) = text.split_once('[')?;
    let (current, _) = rest.split_once(']')?;
    match current {
        "none" => Some(Lockdown::None),
        "integrity" => Some(Lockdown::Integrity),
        "confidentiality" => Some(Lockdown::Confidentiality),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_state_is_the_word_in_brackets() {
        assert_eq!(
            parse("none [integrity] confidentiality\n"),
            Some(Lockdown::Integrity)
        );
        assert_eq!(
            parse("[none] integrity confidentiality\n"),
            Some(Lockdown::None)
        );
        assert_eq!(
            parse("none integrity [confidentiality]"),
            Some(Lockdown::Confidentiality)
        );
    }

    #[test]
    fn text_without_brackets_says_nothing() {
        assert_eq!(parse("none integrity"), None);
        assert_eq!(parse("[other]"), None);
    }
}
