//! What bytes are compressed by.

use baton_formats::magic::Magic;

/// What these bytes are compressed by, if Linux unpacks it.
#[must_use]
pub fn of(bytes: &[u8]) -> Option<&'static str> {
    Magic::of(bytes).and_then(name)
}

/// What data that begins so is compressed by, if Linux unpacks it.
#[must_use]
pub fn name(magic: Magic) -> Option<&'static str> {
    Some(match magic {
        Magic::Gzip => "gzip",
        Magic::Zstd => "zstd",
        Magic::Xz => "xz",
        Magic::Lz4Legacy => "lz4",
        Magic::Lzma => "lzma",
        Magic::Bzip2 => "bzip2",
        Magic::Lzo => "lzo",
        Magic::Pe | Magic::Elf | Magic::Cpio | Magic::CpioChecksummed | Magic::Lz4 => return None,
    })
}
