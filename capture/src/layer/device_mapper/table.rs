//! The table of a volume: which ranges of it lie where. Lengths and places count sectors of 512 bytes.
//!
//! Each segment is written as `dmsetup table` prints it (Documentation/admin-guide/device-mapper/linear.rst and
//! striped.rst):
//!
//! ```text
//! START LENGTH linear DEVICE PLACE
//! START LENGTH striped STRIPES CHUNK DEVICE PLACE [DEVICE PLACE]…
//! START LENGTH raid raid1|raid10 COUNT CHUNK [PARAMETER]… COUNT METADATA DATA [METADATA DATA]…
//! START LENGTH crypt CIPHER :SIZE:TYPE:KEY IV_OFFSET DEVICE PLACE [COUNT OPTION…]
//! ```

mod cipher;
mod mirror;

pub use cipher::{Cipher, CipherError, Description, Key, KeyKind};
pub use mirror::{Image, Mirror, MirrorLevel};

use baton_sys::device_mapper::{NotATarget, Target};
use serde::{Deserialize, Serialize};
use std::convert::Infallible;
use std::fmt;
use std::str::FromStr;

/// A range of a volume. Devices are whatever names them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
#[serde(bound(serialize = "D: Clone + fmt::Display", deserialize = "D: FromStr"))]
pub struct Segment<D> {
    /// Where it begins in the volume.
    pub start: u64,
    /// How long it is.
    pub length: u64,
    /// Where it lies.
    pub mapping: Mapping<D>,
}

/// Where a segment lies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Mapping<D> {
    /// In one piece.
    Linear(Extent<D>),
    /// Spread over several places, chunk by chunk.
    Striped {
        /// The length of a chunk.
        chunk: u64,
        /// The places.
        stripes: Vec<Extent<D>>,
    },
    /// In one piece, encrypted.
    Crypt {
        /// How.
        cipher: Cipher,
        /// The place.
        extent: Extent<D>,
    },
    /// On several devices, of which some may be missing.
    Mirror(Mirror<D>),
}

impl<D> Mapping<D> {
    fn extents(&self) -> &[Extent<D>] {
        match self {
            Mapping::Mirror(_) => &[],
            Mapping::Linear(extent) | Mapping::Crypt { extent, .. } => std::slice::from_ref(extent),
            Mapping::Striped { stripes, .. } => stripes,
        }
    }
}

/// A place on a device.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Extent<D> {
    /// The device.
    pub device: D,
    /// Where it begins there.
    pub start: u64,
}

/// Why a table can't be set up.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TableError {
    /// A segment's type isn't among those that are set up.
    #[error(
        "the device mapper's type {0:?} isn't set up by a capture, only linear, striped and crypt, and raid1 and raid10 of raid"
    )]
    Type(String),
    /// A mirror has a parameter that isn't known, or that has something done.
    #[error("it has the parameter {0:?}, with which a capture doesn't set it up")]
    Parameter(String),
    /// An encrypted segment can't be set up.
    #[error(transparent)]
    Cipher(#[from] CipherError),
    /// It isn't a part of any table.
    #[error(transparent)]
    Target(#[from] NotATarget),
    /// A segment isn't written as it must be.
    #[error("{0:?} is no segment of a table")]
    Form(String),
    /// A segment doesn't begin where the one before it ends, or is empty.
    #[error("the segment at sector {0} doesn't follow the one before it, or is empty")]
    Gap(u64),
    /// There is no segment.
    #[error("the table is empty")]
    Empty,
}

/// Checks that segments follow each other from the volume's beginning.
///
/// # Errors
/// Names the first that doesn't.
pub fn check<D>(table: &[Segment<D>]) -> Result<(), TableError> {
    let mut end = 0_u64;
    for segment in table {
        let next = segment.start.checked_add(segment.length);
        // A volume's size in bytes is a 64-bit number, too.
        let next = next.filter(|next| *next > end && *next <= u64::MAX >> 9);
        end = next
            .filter(|_| segment.start == end)
            .ok_or(TableError::Gap(segment.start))?;
    }
    if end == 0 {
        return Err(TableError::Empty);
    }
    Ok(())
}

impl<D> Extent<D> {
    fn try_with<E, X>(&self, name: &mut impl FnMut(&D) -> Result<E, X>) -> Result<Extent<E>, X> {
        Ok(Extent {
            device: name(&self.device)?,
            start: self.start,
        })
    }
}

impl<D> Segment<D> {
    /// The devices that it lies on.
    pub fn devices(&self) -> Vec<&D> {
        let extents = self.mapping.extents().iter();
        let mirror = self.mirror().into_iter().flat_map(Mirror::devices);
        extents.map(|it| &it.device).chain(mirror).collect()
    }

    /// The same with other names of the devices.
    #[must_use]
    pub fn with<E>(&self, mut name: impl FnMut(&D) -> E) -> Segment<E> {
        let Ok(segment) = self.try_with(|device| Ok::<_, Infallible>(name(device)));
        segment
    }

    /// The same with other names of the devices, if all have one.
    ///
    /// # Errors
    /// The first of `name`.
    pub fn try_with<E, X>(
        &self,
        mut name: impl FnMut(&D) -> Result<E, X>,
    ) -> Result<Segment<E>, X> {
        Ok(Segment {
            start: self.start,
            length: self.length,
            mapping: match &self.mapping {
                Mapping::Linear(extent) => Mapping::Linear(extent.try_with(&mut name)?),
                Mapping::Striped { chunk, stripes } => {
                    let stripes = stripes.iter().map(|extent| extent.try_with(&mut name));
                    Mapping::Striped {
                        chunk: *chunk,
                        stripes: stripes.collect::<Result<_, X>>()?,
                    }
                }
                Mapping::Crypt { cipher, extent } => Mapping::Crypt {
                    cipher: cipher.clone(),
                    extent: extent.try_with(&mut name)?,
                },
                Mapping::Mirror(mirror) => Mapping::Mirror(mirror.try_with(&mut name)?),
            },
        })
    }

    /// The type, as the device mapper calls it.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self.mapping {
            Mapping::Linear(_) => LINEAR,
            Mapping::Striped { .. } => STRIPED,
            Mapping::Crypt { .. } => CRYPT,
            Mapping::Mirror(_) => RAID,
        }
    }

    /// What it is kept on several devices by, if it is.
    #[must_use]
    pub fn mirror(&self) -> Option<&Mirror<D>> {
        match &self.mapping {
            Mapping::Mirror(mirror) => Some(mirror),
            _ => None,
        }
    }

    /// How it is encrypted, if it is.
    #[must_use]
    pub fn cipher(&self) -> Option<&Cipher> {
        match &self.mapping {
            Mapping::Crypt { cipher, .. } => Some(cipher),
            _ => None,
        }
    }

    /// The same, to be changed.
    pub fn cipher_mut(&mut self) -> Option<&mut Cipher> {
        match &mut self.mapping {
            Mapping::Crypt { cipher, .. } => Some(cipher),
            _ => None,
        }
    }
}

const LINEAR: &str = "linear";
const STRIPED: &str = "striped";
const CRYPT: &str = "crypt";
const RAID: &str = "raid";

impl<D: FromStr> Segment<D> {
    /// A segment as the kernel describes it.
    ///
    /// # Errors
    /// When the type isn't among those that are set up, or the parameters aren't that type's.
    pub fn parse(target: &Target) -> Result<Segment<D>, TableError> {
        let words: Vec<&str> = target.parameters.split_ascii_whitespace().collect();
        let mapping = match target.kind.as_str() {
            LINEAR => linear(&words),
            STRIPED => striped(&words),
            CRYPT => Some(crypt(&words)?),
            RAID => Mirror::parse(&words)?.map(Mapping::Mirror),
            other => return Err(TableError::Type(other.to_owned())),
        };
        Ok(Segment {
            start: target.start,
            length: target.length,
            mapping: mapping.ok_or_else(|| TableError::Form(target.to_string()))?,
        })
    }
}

fn linear<D: FromStr>(words: &[&str]) -> Option<Mapping<D>> {
    let [device, start] = words else {
        return None;
    };
    extent(device, start).map(Mapping::Linear)
}

fn striped<D: FromStr>(words: &[&str]) -> Option<Mapping<D>> {
    let [count, chunk, places @ ..] = words else {
        return None;
    };
    let stripes = places.chunks(2).map(|place| match place {
        [device, start] => extent(device, start),
        _ => None,
    });
    let stripes = stripes.collect::<Option<Vec<_>>>()?;
    let chunk = number(chunk).filter(|chunk| *chunk > 0)?;
    let is_whole = !stripes.is_empty() && number(count) == Some(stripes.len() as u64);
    is_whole.then_some(Mapping::Striped { chunk, stripes })
}

/// Whatever may be a key is in no error.
fn crypt<D: FromStr>(words: &[&str]) -> Result<Mapping<D>, CipherError> {
    let [name, key, iv_offset, device, start, options @ ..] = words else {
        return Err(CipherError::Form);
    };
    let cipher = Cipher::parse(name, key, iv_offset, options)?;
    let extent = extent(device, start).ok_or(CipherError::Form)?;
    Ok(Mapping::Crypt { cipher, extent })
}

fn extent<D: FromStr>(device: &str, start: &str) -> Option<Extent<D>> {
    Some(Extent {
        device: device.parse().ok()?,
        start: number(start)?,
    })
}

/// A number without a sign.
fn number(word: &str) -> Option<u64> {
    let is_plain = word.bytes().all(|byte| byte.is_ascii_digit());
    word.parse().ok().filter(|_| is_plain)
}

impl<D: fmt::Display> Segment<D> {
    /// The segment as the kernel takes it.
    #[must_use]
    pub fn target(&self) -> Target {
        let mut words = match &self.mapping {
            Mapping::Linear(_) => Vec::new(),
            Mapping::Striped { chunk, stripes } => {
                vec![stripes.len().to_string(), chunk.to_string()]
            }
            Mapping::Crypt { cipher, .. } => vec![
                cipher.name.clone(),
                cipher.key.to_string(),
                cipher.iv_offset.to_string(),
            ],
            Mapping::Mirror(mirror) => mirror.words(),
        };
        let places = self.mapping.extents().iter();
        words.extend(places.map(|extent| format!("{} {}", extent.device, extent.start)));
        if let Some(cipher) = self.cipher().filter(|cipher| !cipher.options.is_empty()) {
            words.push(cipher.options.len().to_string());
            words.extend(cipher.options.iter().cloned());
        }
        let parameters = words.join(" ");
        Target {
            start: self.start,
            length: self.length,
            kind: self.kind().to_owned(),
            parameters,
        }
    }
}

impl<D: FromStr> TryFrom<String> for Segment<D> {
    type Error = TableError;

    fn try_from(text: String) -> Result<Segment<D>, TableError> {
        text.parse()
    }
}

impl<D: FromStr> FromStr for Segment<D> {
    type Err = TableError;

    fn from_str(text: &str) -> Result<Segment<D>, TableError> {
        Segment::parse(&text.parse()?)
    }
}

impl<D: fmt::Display> fmt::Display for Segment<D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.target().fmt(f)
    }
}

impl<D: fmt::Display> From<Segment<D>> for String {
    fn from(segment: Segment<D>) -> String {
        segment.to_string()
    }
}
