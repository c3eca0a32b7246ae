//! What a layer lies on.

use super::SetUp;
use super::name::{Name, NameError};
use crate::device::{Device, DeviceNameError};
use crate::system::System;
use crate::wait::{self, DeviceError};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

/// A disk or partition, or another layer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Base {
    /// A disk or partition, by a name that it has after a crash, too.
    Device(Device),
    /// A disk that is reached by several paths, each a device of its own, by its WWID: any path will do.
    Paths(String),
    /// A layer that is set up before.
    Layer(Name),
}

/// Why a text doesn't say what a layer lies on.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BaseError {
    /// It has no such form.
    #[error(transparent)]
    Device(#[from] DeviceNameError),
    /// The layer's name is wrong.
    #[error(transparent)]
    Name(#[from] NameError),
    /// Another device may have this name after a crash.
    #[error(
        "\"{0}\" may be the name of another device after a crash; use PARTUUID=…, WWN=…, SERIAL=…,BYTES, UUID=…, PATHS=… or VOLUME=…"
    )]
    Unstable(String),
}

/// What goes before the name of a layer.
const LAYER: &str = "VOLUME=";
/// What goes before the WWID of a disk with several paths.
const PATHS: &str = "PATHS=";

/// Why what a layer lies on can't be used.
pub(super) enum NotFound {
    /// It isn't there.
    Missing(DeviceError),
    /// It is there twice: which devices, in words.
    Twice(String),
}

impl Base {
    /// Waits for it. Returns its node.
    pub(super) fn wait_for(
        &self,
        system: &dyn System,
        below: &SetUp<'_>,
        timeout: Duration,
    ) -> Result<PathBuf, NotFound> {
        let for_device =
            |device: &Device| wait::for_device(system, device, timeout).map_err(NotFound::Missing);
        let (found, twice) = match self {
            Base::Layer(name) => {
                let node = below.node(name).map_err(NotFound::Missing)?;
                return Ok(node.to_owned());
            }
            Base::Device(device) => {
                let found = for_device(device)?;
                let twice = found.twice(device);
                (found, twice)
            }
            Base::Paths(wwid) => {
                let device = Device::Wwn(wwid.clone());
                let found = for_device(&device)?;
                let twice = found.ambiguity(&device);
                (found, twice)
            }
        };
        match twice {
            Some(twice) => Err(NotFound::Twice(twice)),
            None => Ok(found.node),
        }
    }
}

impl TryFrom<String> for Base {
    type Error = BaseError;

    fn try_from(text: String) -> Result<Base, BaseError> {
        if let Some(name) = text.strip_prefix(LAYER) {
            return Ok(Base::Layer(Name::try_from(name.to_owned())?));
        }
        if let Some(wwid) = text.strip_prefix(PATHS) {
            // The same rules as for the WWID of any disk.
            let device = Device::try_from(format!("WWN={wwid}"))?;
            return Ok(Base::Paths(match device {
                Device::Wwn(wwid) => wwid,
                _ => wwid.to_owned(),
            }));
        }
        match Device::try_from(text)? {
            device @ (Device::Path(_) | Device::Label(_)) => {
                Err(BaseError::Unstable(device.to_string()))
            }
            device => Ok(Base::Device(device)),
        }
    }
}

impl From<Base> for String {
    fn from(base: Base) -> String {
        base.to_string()
    }
}

impl fmt::Display for Base {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Base::Device(device) => device.fmt(f),
            Base::Paths(wwid) => write!(f, "{PATHS}{wwid}"),
            Base::Layer(name) => write!(f, "{LAYER}{name}"),
        }
    }
}
