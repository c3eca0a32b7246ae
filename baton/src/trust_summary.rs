//! What a verdict was made by, in numbers.

use baton_verify::{Certificate, SbatSource, Trust};
use serde::Serialize;
use std::fmt;

/// How many there are of all that trust is made of.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct TrustSummary {
    /// Trusted certificates.
    pub anchors: usize,
    /// Certificates that vouch for nothing: they can't be read, or their keys are for modules.
    pub unusable: usize,
    /// Entries of lists that revoke something.
    pub revocations: usize,
    /// The SBAT levels that images must satisfy.
    pub sbat_levels: Vec<Level>,
}

/// An SBAT level.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Level {
    /// Who asks for it: `machine` or `gate`.
    pub source: &'static str,
    /// When it was made, if it says so.
    pub date: Option<String>,
    /// The components, and the lowest generation of each, without `sbat` itself.
    pub minimum: Vec<(String, u32)>,
}

impl TrustSummary {
    /// Counts.
    #[must_use]
    pub fn of(trust: &Trust<'_>) -> TrustSummary {
        let anchors = trust.anchors().map(|anchor| anchor.certificate);
        let (for_modules, anchors): (Vec<_>, Vec<_>) =
            anchors.partition(Certificate::is_for_modules);
        TrustSummary {
            anchors: anchors.len(),
            unusable: trust.unusable_certificates() + for_modules.len(),
            revocations: trust.revocation_count(),
            sbat_levels: trust
                .sbat_levels()
                .map(|(level, source)| Level {
                    source: source.code(),
                    date: level.date().map(str::to_owned),
                    minimum: level
                        .components()
                        .skip(1)
                        .map(|component| (component.name.to_owned(), component.generation))
                        .collect(),
                })
                .collect(),
        }
    }

    /// The SBAT levels in words.
    #[must_use]
    pub fn levels(&self) -> String {
        let levels: Vec<String> = self.sbat_levels.iter().map(Level::to_string).collect();
        match levels.is_empty() {
            true => "no SBAT level".into(),
            false => levels.join("; "),
        }
    }
}

impl fmt::Display for TrustSummary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "trusted certificates: {}; revocations: {}; {}",
            self.anchors,
            self.revocations,
            self.levels()
        )
    }
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.source == SbatSource::Gate.code() {
            true => "the gate's SBAT minimum",
            false => "SBAT level",
        })?;
        if let Some(date) = &self.date {
            write!(f, " {date}")?;
        }
        let minimum = self.minimum.iter();
        let words: Vec<String> = minimum.map(|(name, n)| format!("{name} {n}")).collect();
        match words.is_empty() {
            true => Ok(()),
            false => write!(f, " ({})", words.join(", ")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use baton_verify::{Lists, SbatSource};

    #[test]
    fn levels_are_told_with_what_they_ask_for() {
        let trust = Trust::of(&Lists {
            sbat_level: Some(b"sbat,1,2025051000\nshim,4\ngrub,5\n"),
            ..Lists::default()
        });
        let trust = trust.unwrap();
        let trust = trust.add_sbat_level(b"sbat,1\nlinux,7\n", SbatSource::Gate);
        assert_eq!(
            TrustSummary::of(&trust.unwrap()).to_string(),
            "trusted certificates: 0; revocations: 0; SBAT level 2025051000 (shim 4, grub 5); the gate's SBAT minimum (linux 7)"
        );
        let none = TrustSummary::of(&Trust::new()).to_string();
        assert!(none.ends_with("no SBAT level"), "{none}");
    }
}
