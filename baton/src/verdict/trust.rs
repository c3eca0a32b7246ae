//! What a verdict was made by, in numbers.

use crate::input::revocations::Count;
use baton_verify::{Certificate, RevocationSource, SbatSource, Trust};
use serde::{Serialize, Serializer};
use std::fmt;

/// How many there are of all that trust is made of.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct TrustSummary {
    /// Trusted certificates.
    pub anchors: usize,
    /// Certificates that vouch for nothing: they can't be read, or their keys are for modules.
    pub unusable: usize,
    /// Entries of lists that revoke something.
    pub revocations: usize,
    /// How many of them each list has.
    pub revoked_by: Vec<RevokedBy>,
    /// The SBAT levels that images must satisfy.
    pub sbat_levels: Vec<Level>,
}

/// A list of what is revoked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct RevokedBy {
    /// What people call the list.
    pub source: &'static str,
    /// How many entries of it revoke something.
    pub revocations: usize,
}

/// An SBAT level.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Level {
    /// Who asks for it.
    #[serde(serialize_with = "code")]
    #[cfg_attr(test, schemars(with = "String"))]
    pub source: SbatSource,
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
        let revoked_by: Vec<RevokedBy> = trust.revocation_lists().map(RevokedBy::of).collect();
        TrustSummary {
            anchors: anchors.len(),
            unusable: trust.unusable_certificates() + for_modules.len(),
            revocations: revoked_by.iter().map(|list| list.revocations).sum(),
            revoked_by,
            sbat_levels: trust
                .sbat_levels()
                .map(|(level, source)| Level {
                    source: *source,
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

    /// How much is revoked, and by which lists, so that figures of other lists can be told from it.
    #[must_use]
    pub fn revoked(&self) -> String {
        let lists = self.revoked_by.iter().filter(|list| list.revocations > 0);
        let lists: Vec<String> = lists.map(RevokedBy::to_string).collect();
        if lists.is_empty() {
            self.revocations.to_string()
        } else {
            format!("{} ({})", self.revocations, lists.join(", "))
        }
    }

    /// The SBAT levels in words.
    #[must_use]
    pub fn levels(&self) -> String {
        let levels: Vec<String> = self.sbat_levels.iter().map(Level::to_string).collect();
        if levels.is_empty() {
            "no SBAT level".into()
        } else {
            levels.join("; ")
        }
    }
}

impl fmt::Display for TrustSummary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "trusted certificates: {}; revocations: {}; {}",
            self.anchors,
            self.revoked(),
            self.levels()
        )
    }
}

fn code<S: Serializer>(source: &SbatSource, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(source.code())
}

impl RevokedBy {
    fn of((lists, source): (&[u8], RevocationSource)) -> RevokedBy {
        RevokedBy {
            source: source.name(),
            // Trust is made of lists that can be read.
            revocations: Count::of(lists).map_or(0, |count| count.effective()),
        }
    }
}

impl fmt::Display for RevokedBy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} in {}", self.revocations, self.source)
    }
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.source {
            SbatSource::Gate => "the gate's SBAT minimum",
            SbatSource::Machine => "SBAT level",
        })?;
        if let Some(date) = &self.date {
            write!(f, " {date}")?;
        }
        let minimum = self.minimum.iter();
        let words: Vec<String> = minimum.map(|(name, n)| format!("{name} {n}")).collect();
        if words.is_empty() {
            Ok(())
        } else {
            write!(f, " ({})", words.join(", "))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use baton_verify::Lists;

    /// Two digests, one of them a version number of Windows's boot manager, which revokes nothing.
    fn digests() -> Vec<u8> {
        let version_owner = [
            0x6c, 0x2b, 0x13, 0x9d, 0xd5, 0x59, 0x88, 0x43, 0xab, 0x1c, 0x18, 0x5c, 0xfc, 0xb2,
            0xeb, 0x92,
        ];
        let mut list = baton_formats::siglist::SHA256_GUID.to_vec();
        for field in [28 + 2 * 48_u32, 0, 48] {
            list.extend(field.to_le_bytes());
        }
        for owner in [[0x5a; 16], version_owner] {
            list.extend([&owner[..], &[7; 32]].concat());
        }
        list
    }

    #[test]
    fn revocations_are_counted_as_those_of_a_gate_are_and_told_by_list() {
        let lists = digests();
        assert_eq!(Count::of(&lists).unwrap().effective(), 1);
        let trust = Trust::of(&Lists {
            gate_revocations: &lists,
            ..Lists::default()
        });
        let trust = trust
            .and_then(|trust| trust.add_revocations(&lists, RevocationSource::Firmware))
            .unwrap();
        let summary = TrustSummary::of(&trust);
        assert_eq!(summary.revocations, 2);
        assert_eq!(summary.revoked(), "2 (1 in .dbx, 1 in the firmware's dbx)");
    }

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
