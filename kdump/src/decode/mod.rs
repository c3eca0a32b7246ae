//! Decompressing pages, with crates that are pure Rust: dumps come from machines that crashed.

use ruzstd::decoding::FrameDecoder;

/// How a page is compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Codec {
    /// Not at all.
    Raw,
    /// A zlib stream.
    Zlib,
    /// LZO1X.
    Lzo,
    /// A Snappy block.
    Snappy,
    /// A Zstandard frame.
    Zstd,
}

impl std::fmt::Display for Codec {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Codec::Raw => "none",
            Codec::Zlib => "zlib",
            Codec::Lzo => "lzo",
            Codec::Snappy => "snappy",
            Codec::Zstd => "zstd",
        })
    }
}

/// Why a page can't be decompressed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// The codec refuses it.
    #[error("its {0} data is damaged: {1}")]
    Damaged(Codec, String),
    /// It is shorter or longer than a page.
    #[error("its {0} data isn't one page")]
    Size(Codec),
}

/// Frames of a page need no more; the largest window that level 19 chooses for an unknown length.
const MAX_WINDOW: u64 = 8 << 20;

/// Decompresses page after page; keeps what the codecs need.
pub(crate) struct Decoder {
    zlib: flate2::Decompress,
    zstd: FrameDecoder,
}

impl Decoder {
    pub(crate) fn new() -> Decoder {
        let mut zstd = FrameDecoder::new();
        zstd.set_max_window_size(MAX_WINDOW);
        Decoder {
            zlib: flate2::Decompress::new(true),
            zstd,
        }
    }

    /// Fills `page` with what `data` is compressed: neither less nor more.
    pub(crate) fn decode(
        &mut self,
        codec: Codec,
        data: &[u8],
        page: &mut [u8],
    ) -> Result<(), DecodeError> {
        let damaged =
            |error: &dyn std::fmt::Display| DecodeError::Damaged(codec, error.to_string());
        let length = match codec {
            Codec::Raw if data.len() == page.len() => {
                page.copy_from_slice(data);
                data.len()
            }
            Codec::Raw => data.len(),
            Codec::Zlib => self.inflate(data, page).map_err(|it| damaged(&it))?,
            Codec::Lzo => lzokay::decompress::decompress(data, page).map_err(|it| damaged(&it))?,
            Codec::Snappy => unsnap(data, page).map_err(|it| damaged(&it))?,
            Codec::Zstd => self
                .zstd
                .decode_all(data, page)
                .map_err(|it| damaged(&it))?,
        };
        if length == page.len() {
            Ok(())
        } else {
            Err(DecodeError::Size(codec))
        }
    }

    fn inflate(&mut self, data: &[u8], page: &mut [u8]) -> Result<usize, String> {
        self.zlib.reset(true);
        let status = self
            .zlib
            .decompress(data, page, flate2::FlushDecompress::Finish);
        match status {
            Ok(flate2::Status::StreamEnd) => {
                Ok(usize::try_from(self.zlib.total_out()).unwrap_or(usize::MAX))
            }
            Ok(_) => Err("its end isn't there, or beyond a page".to_owned()),
            Err(error) => Err(error.to_string()),
        }
    }
}

fn unsnap(data: &[u8], page: &mut [u8]) -> Result<usize, snap::Error> {
    snap::raw::Decoder::new().decompress(data, page)
}

#[cfg(test)]
mod tests;
