//! What a layer lies on.

use super::name::{Name, NameError};
use crate::device::{Device, DeviceNameError};
use serde::{Deserialize, Serialize};
use std::fmt;

/// A disk or partition, or another layer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Base {
    /// A disk or partition, by a name that it has after a crash, too.
    Device(Device),
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
        "\"{0}\" may be the name of another device after a crash; use PARTUUID=…, WWN=…, SERIAL=…,BYTES, UUID=… or VOLUME=…"
    )]
    Unstable(String),
}

/// What goes before the name of a layer.
const LAYER: &str = "VOLUME=";

impl TryFrom<String> for Base {
    type Error = BaseError;

    fn try_from(text: String) -> Result<Base, BaseError> {
        if let Some(name) = text.strip_prefix(LAYER) {
            return Ok(Base::Layer(Name::try_from(name.to_owned())?));
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
            Base::Layer(name) => write!(f, "{LAYER}{name}"),
        }
    }
}
