//! Revocation by generation: an image's `.sbat`, and the levels that it must satisfy.

use core::fmt;

use baton_formats::pe::Pe;
use baton_formats::sbat::Sbat;

use crate::display::printable;
use crate::policy::trust::Trust;
use crate::reason::Reason;

const SECTION: &str = ".sbat";

/// Who asks for a level.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SbatSource {
    /// The machine: SbatLevelRT, which shim left.
    Machine,
    /// The gate: its own minimum.
    Gate,
}

impl SbatSource {
    /// Its name for programs.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Machine => "machine",
            Self::Gate => "gate",
        }
    }
}

impl fmt::Display for SbatSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Machine => "SbatLevelRT",
            Self::Gate => "the gate's own minimum",
        })
    }
}

/// The SBAT metadata of an image: those in the section `.sbat` of a PE file. Others have none.
///
/// They are worth what the image is: it must be vouched for.
///
/// # Errors
/// `BadImage` of what begins as a PE file and isn't one; `BadSbat` and `SbatTwice` for metadata
/// that can't be relied on (shim refuses two sections, too: `verify_buffer_sbat` in its pe.c).
pub fn sbat(image: &[u8]) -> Result<Option<Sbat<'_>>, Reason> {
    if !Pe::recognises(image) {
        return Ok(None);
    }
    let pe = Pe::parse(image).map_err(Reason::BadImage)?;
    let mut sections = pe.sections().filter(|section| section.is_named(SECTION));
    let first = sections.next();
    if sections.next().is_some() {
        return Err(Reason::SbatTwice);
    }
    first
        .map(|section| Sbat::parse(section.data()).map_err(Reason::BadSbat))
        .transpose()
}

/// Checks that an image's SBAT metadata, if it has any, satisfy every level of `trust`.
///
/// # Errors
/// Those of [`sbat`], and `RevokedBySbat`.
pub fn check_sbat(image: &[u8], trust: &Trust<'_>) -> Result<(), Reason> {
    let Some(sbat) = sbat(image)? else {
        return Ok(());
    };
    for (level, source) in trust.sbat_levels() {
        if let Some(revoked) = sbat.revoked_by(level) {
            return Err(Reason::RevokedBySbat {
                component: printable(revoked.name.bytes()),
                generation: revoked.generation,
                minimum: revoked.minimum,
                source: *source,
            });
        }
    }
    Ok(())
}
