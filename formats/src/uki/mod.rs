//! Unified kernel images: a PE image that holds a kernel and its arguments as sections, so that one
//! signature covers them all; and addons, which hold arguments alone.
//!
//! | section | what is in it |
//! |---|---|
//! | `.linux` | the kernel, a bzImage |
//! | `.initrd` | initrds, one cpio archive after another |
//! | `.ucode` | microcode, a cpio archive that goes before the initrds |
//! | `.cmdline` | the command line |
//! | `.dtb` | a device tree |
//! | `.uname` | the kernel's release, which an addon's must be equal to |
//! | `.sbat` | what revocation by generation goes by |
//! | `.osrel` | the `os-release` of the system |
//! | `.profile` | `ID=` and `TITLE=` of a profile, and where its sections begin |
//!
//! # Profiles
//!
//! `.profile` sections divide the section table. What lies before the first one is the base of all
//! profiles; from a `.profile` up to the next one lie the sections of that profile, which stand in
//! for those of the same name in the base. An image without `.profile` has one profile: its base.
//!
//! Each of the sections above may be there once in the base and once in a profile. (systemd-stub
//! takes the first and ignores the others; here they are refused, so that what a tool shows is what
//! is booted.) Every profile needs a `.linux`. A section of `VirtualSize` 0 is as good as absent,
//! as it is to systemd-stub; in a profile it takes the base's away. It counts where it would be the
//! second. Other sections (`.splash`, `.pcrsig`, `.dtbauto`, `.hwids`, …) are allowed and mean
//! nothing here.
//!
//! # Text
//!
//! Text is UTF-8. Zeros and whitespace at its end are dropped. The command line is read as systemd-stub
//! reads it ([`Line`]): whatever judges it, shows it or boots it has the same characters.
//!
//! Sources: the UAPI Group's "Unified Kernel Image" specification (UAPI.5); systemd-stub(7);
//! `src/boot/pe.c` and `src/boot/util.c` in systemd.

mod error;
mod line;

#[cfg(test)]
mod tests;

pub use error::UkiError;
pub use line::Line;

use crate::pe::{Pe, Section};

const LINUX: &str = ".linux";
const INITRD: &str = ".initrd";
const UCODE: &str = ".ucode";
const CMDLINE: &str = ".cmdline";
const DTB: &str = ".dtb";
const UNAME: &str = ".uname";
const SBAT: &str = ".sbat";
const OSREL: &str = ".osrel";
const PROFILE: &str = ".profile";

/// The sections that may be there once in a profile.
const NAMES: [&str; 8] = [LINUX, INITRD, UCODE, CMDLINE, DTB, UNAME, SBAT, OSREL];

/// What a UKI's profile or an addon gives to the kernel.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Arguments<'a> {
    /// Initrds, one after another.
    pub initrd: Option<&'a [u8]>,
    /// Microcode, to go before the initrds.
    pub ucode: Option<&'a [u8]>,
    /// The command line; may be empty.
    pub cmdline: Option<Line<'a>>,
    /// A device tree.
    pub dtb: Option<&'a [u8]>,
    /// The kernel's release.
    pub uname: Option<&'a str>,
    /// SBAT metadata, as CSV. Unchecked.
    pub sbat: Option<&'a [u8]>,
}

/// A profile of a UKI: what is booted when it is chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Profile<'a> {
    /// The kernel: a bzImage, unchecked.
    pub linux: &'a [u8],
    /// What the kernel is given.
    pub arguments: Arguments<'a>,
    /// The system's `os-release`.
    pub osrel: Option<&'a str>,
    /// The text of the profile's `.profile`; `None` in an image without profiles.
    pub text: Option<&'a str>,
}

impl<'a> Profile<'a> {
    /// The profile's `ID=`, without quotes.
    pub fn id(&self) -> Option<&'a str> {
        value(self.text?, "ID")
    }

    /// The profile's `TITLE=`, for people, without quotes. May have any character in it.
    pub fn title(&self) -> Option<&'a str> {
        value(self.text?, "TITLE")
    }
}

/// A UKI whose sections have been checked as the module says.
#[derive(Clone, Copy, Debug)]
pub struct Uki<'a> {
    pe: Pe<'a>,
    count: usize,
}

impl<'a> Uki<'a> {
    /// Whether a PE image is a UKI: one has a section `.linux`.
    pub fn recognises(pe: &Pe<'_>) -> bool {
        pe.section(LINUX).is_some()
    }

    /// Checks the sections of all profiles.
    pub fn parse(pe: &Pe<'a>) -> Result<Self, UkiError> {
        if !Self::recognises(pe) {
            return Err(UkiError::NotOne);
        }
        check_names(pe)?;
        let marks = pe.sections().filter(|s| s.is_named(PROFILE)).count();
        let uki = Uki {
            pe: *pe,
            count: marks.max(1),
        };
        (0..uki.count).try_for_each(|number| uki.read(number).map(|_| ()))?;
        Ok(uki)
    }

    /// How many profiles it has, at least one. systemd-stub's `@0` is the first.
    pub fn profile_count(&self) -> usize {
        self.count
    }

    /// All profiles.
    pub fn profiles(&self) -> impl Iterator<Item = Profile<'a>> + use<'a> {
        let uki = *self;
        (0..self.count).filter_map(move |number| uki.profile(number))
    }

    /// The profile of this number, from 0; `None` if there is no such profile.
    pub fn profile(&self, number: usize) -> Option<Profile<'a>> {
        // `parse` has read each of them.
        self.read(number).ok().filter(|_| number < self.count)
    }

    fn read(&self, number: usize) -> Result<Profile<'a>, UkiError> {
        let find = |name| {
            for wanted in [Some(number), None] {
                for (scope, section) in scoped(&self.pe) {
                    if scope == wanted && section.is_named(name) {
                        // An empty one in the profile takes the base's away, as in systemd-stub.
                        return Some(section.data()).filter(|data| !data.is_empty());
                    }
                }
            }
            None
        };
        Ok(Profile {
            linux: find(LINUX).ok_or(UkiError::NoKernel(number))?,
            arguments: Arguments::read(&find)?,
            osrel: find(OSREL).map(|data| text(OSREL, data)).transpose()?,
            text: find(PROFILE).map(|data| text(PROFILE, data)).transpose()?,
        })
    }
}

/// An addon: arguments for UKIs that are already there, with a signature of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Addon<'a> {
    /// What it adds. Where `uname` is there, it is for the kernel of that release alone.
    pub arguments: Arguments<'a>,
}

impl<'a> Addon<'a> {
    /// Whether a PE image is meant as an addon: no UKI, and has what is added to one. Says nothing of
    /// whether that is right.
    pub fn recognises(pe: &Pe<'_>) -> bool {
        let adds = |name| pe.section(name).is_some();
        !Uki::recognises(pe) && [INITRD, UCODE, CMDLINE, DTB].into_iter().any(adds)
    }

    /// Checks the sections. A PE image without any that means something here is no addon.
    pub fn parse(pe: &Pe<'a>) -> Result<Self, UkiError> {
        if Uki::recognises(pe) {
            return Err(UkiError::NotAnAddon);
        }
        if pe.section(PROFILE).is_some() {
            return Err(UkiError::ProfileInAddon);
        }
        check_names(pe)?;
        let find = |name: &'static str| {
            let data = pe.section(name).map(|section| section.data());
            data.filter(|data| !data.is_empty())
        };
        let arguments = Arguments::read(&find)?;
        let adds = Arguments {
            uname: None,
            sbat: None,
            ..arguments
        };
        if adds == Arguments::default() {
            Err(UkiError::NotAnAddon)
        } else {
            Ok(Addon { arguments })
        }
    }
}

impl<'a> Arguments<'a> {
    fn read(find: &dyn Fn(&'static str) -> Option<&'a [u8]>) -> Result<Self, UkiError> {
        Ok(Arguments {
            initrd: find(INITRD),
            ucode: find(UCODE),
            cmdline: find(CMDLINE)
                .map(|data| Line::read(data).ok_or(UkiError::Text(CMDLINE)))
                .transpose()?,
            dtb: find(DTB),
            uname: find(UNAME).map(|data| text(UNAME, data)).transpose()?,
            sbat: find(SBAT),
        })
    }
}

/// The sections, each with the number of the profile it belongs to; `None` for the base.
fn scoped<'a>(pe: &Pe<'a>) -> impl Iterator<Item = (Option<usize>, Section<'a>)> + use<'a> {
    pe.sections()
        .scan(None, |scope: &mut Option<usize>, section| {
            if section.is_named(PROFILE) {
                *scope = Some(scope.map_or(0, |number| number.saturating_add(1)));
            }
            Some((*scope, section))
        })
}

/// Checks that no section is there twice in the same profile, nor twice in the base.
fn check_names(pe: &Pe<'_>) -> Result<(), UkiError> {
    for name in NAMES {
        // Profiles lie one after another: two of the same profile follow each other here.
        let mut last = None;
        for (scope, _) in scoped(pe).filter(|(_, section)| section.is_named(name)) {
            if last.replace(scope) == Some(scope) {
                return Err(UkiError::Twice(name));
            }
        }
    }
    Ok(())
}

fn text<'a>(name: &'static str, data: &'a [u8]) -> Result<&'a str, UkiError> {
    let last = data.iter().rposition(|byte| !is_dropped(*byte));
    let text = last.and_then(|last| data.get(..=last)).unwrap_or_default();
    if text.contains(&0) {
        Err(UkiError::Text(name))
    } else {
        core::str::from_utf8(text).map_err(|_| UkiError::Text(name))
    }
}

fn is_dropped(byte: u8) -> bool {
    byte == 0 || byte.is_ascii_whitespace()
}

/// The value of a key in lines of `KEY=value`, `KEY="value"` or `KEY='value'`. Escapes stay.
fn value<'a>(text: &'a str, key: &str) -> Option<&'a str> {
    let mut lines = text.lines();
    let value = lines.find_map(|line| line.trim().strip_prefix(key)?.strip_prefix('='))?;
    let unquoted = |quote| value.strip_prefix(quote)?.strip_suffix(quote);
    unquoted('"').or_else(|| unquoted('\'')).or(Some(value))
}
