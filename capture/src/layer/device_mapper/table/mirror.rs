//! A range that is kept on several devices by dm-raid (Documentation/admin-guide/device-mapper/dm-raid.rst), as LVM's volumes
//! of the types raid1 and raid10 are.

use super::TableError;
use std::fmt;
use std::str::FromStr;

/// What keeps a range on several devices.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mirror<D> {
    /// The level.
    pub level: MirrorLevel,
    /// The length of a chunk and further words.
    pub parameters: Vec<String>,
    /// The copies; `None` of one that is missing.
    pub images: Vec<Option<Image<D>>>,
}

/// Levels that can go without one of their devices.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MirrorLevel {
    /// The same on each device.
    Raid1,
    /// Striped, and each stripe on several devices.
    Raid10,
}

impl MirrorLevel {
    const ALL: [MirrorLevel; 2] = [MirrorLevel::Raid1, MirrorLevel::Raid10];

    /// What the device mapper, and Linux's RAID driver, call it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            MirrorLevel::Raid1 => "raid1",
            MirrorLevel::Raid10 => "raid10",
        }
    }
}

/// One of the copies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Image<D> {
    /// The device that says what state it is in.
    pub metadata: D,
    /// The device that has it.
    pub data: D,
}

/// What stands for a device that is missing.
const MISSING: &str = "-";

/// Parameters with a value that change nothing about what lies where, nor have anything done
/// (`_supported_args` of drivers/md/dm-raid.c).
const KNOWN: [&str; 9] = [
    "region_size",
    "daemon_sleep",
    "min_recovery_rate",
    "max_recovery_rate",
    "write_mostly",
    "max_write_behind",
    "raid10_copies",
    "raid10_format",
    "raid10_use_near_sets",
];

impl<D: FromStr> Mirror<D> {
    /// What the words of a table say: `LEVEL COUNT PARAMETER… COUNT [METADATA DATA]…`.
    ///
    /// # Errors
    /// `None` where they aren't written so.
    pub fn parse(words: &[&str]) -> Result<Option<Mirror<D>>, TableError> {
        let [level, rest @ ..] = words else {
            return Ok(None);
        };
        let level = MirrorLevel::ALL.into_iter().find(|it| it.name() == *level);
        let level = level
            .ok_or_else(|| TableError::Type(format!("raid {}", words.first().unwrap_or(&""))))?;
        let Some((parameters, rest)) = counted(rest, 1) else {
            return Ok(None);
        };
        if let Some(unknown) = unknown(parameters) {
            return Err(TableError::Parameter(unknown.to_owned()));
        }
        let Some((devices, [])) = counted(rest, 2) else {
            return Ok(None);
        };
        let images = devices.chunks(2).map(image).collect::<Option<Vec<_>>>();
        let images = images.filter(|images| images.iter().any(Option::is_some));
        Ok(images.map(|images| Mirror {
            level,
            parameters: parameters.iter().map(|it| (*it).to_owned()).collect(),
            images,
        }))
    }
}

/// A count of groups of so many words, these words, and what follows.
fn counted<'w, 's>(words: &'w [&'s str], size: usize) -> Option<(&'w [&'s str], &'w [&'s str])> {
    let (count, rest) = words.split_first()?;
    let count = usize::try_from(super::number(count)?).ok()?;
    rest.split_at_checked(count.checked_mul(size)?)
}

/// The first parameter that isn't known. The first word is the length of a chunk.
fn unknown<'s>(parameters: &[&'s str]) -> Option<&'s str> {
    let Some((chunk, mut rest)) = parameters.split_first() else {
        return Some("");
    };
    if super::number(chunk).is_none() {
        return Some(chunk);
    }
    while let [name, after @ ..] = rest {
        rest = match (*name, after) {
            // It was made so; what was written since is in its metadata.
            ("nosync", _) => after,
            (known, [_, after @ ..]) if KNOWN.contains(&known) => after,
            _ => return Some(name),
        };
    }
    None
}

fn image<D: FromStr>(words: &[&str]) -> Option<Option<Image<D>>> {
    match words {
        [MISSING, MISSING] => Some(None),
        [metadata, data] => Some(Some(Image {
            metadata: metadata.parse().ok()?,
            data: data.parse().ok()?,
        })),
        _ => None,
    }
}

impl<D> Mirror<D> {
    /// The devices that are there.
    pub fn devices(&self) -> impl Iterator<Item = &D> {
        let images = self.images.iter().flatten();
        images.flat_map(|image| [&image.metadata, &image.data])
    }

    /// The same with other names of the devices.
    ///
    /// # Errors
    /// The first of `name`.
    pub fn try_with<E, X>(
        &self,
        name: &mut impl FnMut(&D) -> Result<E, X>,
    ) -> Result<Mirror<E>, X> {
        let images = self.images.iter().map(|image| {
            let Some(Image { metadata, data }) = image else {
                return Ok(None);
            };
            Ok(Some(Image {
                metadata: name(metadata)?,
                data: name(data)?,
            }))
        });
        Ok(Mirror {
            level: self.level,
            parameters: self.parameters.clone(),
            images: images.collect::<Result<_, X>>()?,
        })
    }

    /// The same without copies that lie on a device which isn't there. `None` if none is left.
    #[must_use]
    pub fn without(&self, is_there: impl Fn(&D) -> bool) -> Option<Mirror<D>>
    where
        D: Clone,
    {
        let is_whole = |image: &Image<D>| is_there(&image.metadata) && is_there(&image.data);
        let images = self.images.iter();
        let images: Vec<_> = images.map(|image| image.clone().filter(is_whole)).collect();
        images.iter().any(Option::is_some).then(|| Mirror {
            level: self.level,
            parameters: self.parameters.clone(),
            images,
        })
    }
}

impl<D: fmt::Display> Mirror<D> {
    /// The words of a table.
    pub fn words(&self) -> Vec<String> {
        let mut words = vec![
            self.level.name().to_owned(),
            self.parameters.len().to_string(),
        ];
        words.extend(self.parameters.iter().cloned());
        words.push(self.images.len().to_string());
        words.extend(self.images.iter().map(|image| match image {
            Some(Image { metadata, data }) => format!("{metadata} {data}"),
            None => format!("{MISSING} {MISSING}"),
        }));
        words
    }
}
