//! Which memory is dumped, and how.

use baton_kdump::convert::Format;
use baton_kdump::encode::Compression;
use baton_kdump::filter::{Level, OnDoubt};
use serde::{Deserialize, Serialize};

/// Which memory is dumped, and how.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Keys", rename_all = "kebab-case")]
pub struct Dump {
    /// Which memory is left out.
    pub level: Level,
    /// What becomes of memory of which it can't be told whether it is left out.
    pub on_doubt: OnDoubt,
    /// The dump's format.
    pub format: Format,
    /// How pages are compressed. ELF dumps aren't.
    pub compression: Compression,
}

/// The keys as they are written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", expecting = "a table")]
struct Keys {
    #[serde(default = "highest")]
    level: Level,
    #[serde(default)]
    on_doubt: OnDoubt,
    #[serde(default)]
    format: Format,
    compression: Option<Compression>,
}

/// Only the kdump format is compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "ELF dumps aren't compressed, and the compression is \"{0}\"; use \"none\", or the format \"kdump\""
)]
pub struct CompressedElf(Compression);

impl TryFrom<Keys> for Dump {
    type Error = CompressedElf;

    fn try_from(keys: Keys) -> Result<Dump, CompressedElf> {
        let compression = match (keys.format, keys.compression) {
            (Format::Elf, None) => Compression::None,
            (Format::Elf, Some(given)) if given != Compression::None => {
                return Err(CompressedElf(given));
            }
            (_, given) => given.unwrap_or_default(),
        };
        Ok(Dump {
            level: keys.level,
            on_doubt: keys.on_doubt,
            format: keys.format,
            compression,
        })
    }
}

impl Default for Dump {
    fn default() -> Dump {
        Dump {
            level: Level::HIGHEST,
            on_doubt: OnDoubt::default(),
            format: Format::default(),
            compression: Compression::default(),
        }
    }
}

fn highest() -> Level {
    Level::HIGHEST
}
