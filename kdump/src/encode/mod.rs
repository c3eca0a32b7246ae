//! Pages made smaller, one by one, so that each can be read without the others.

mod zlib;
mod zstd;

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// How pages are compressed. Written as `zstd`, `zstd:LEVEL`, `zlib`, `zlib:LEVEL` or `none`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Compression {
    /// Zstandard (RFC 8878), of this level.
    Zstd(i32),
    /// zlib (RFC 1950), of this level.
    Zlib(u32),
    /// Pages as they are.
    None,
}

/// The level of zstd that dumps are written soonest with. Of a kernel's pages, it makes dumps a tenth
/// larger than level 1 in two thirds of its time, since it leaves out the Huffman codes of each page.
const ZSTD_LEVEL: i32 = -1;
/// The level of zlib that makedumpfile uses.
const ZLIB_LEVEL: u32 = 1;

/// A compression that there isn't.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0}: no such compression; it is zstd, zstd:LEVEL (-7 to 19), zlib, zlib:LEVEL (1 to 9) or none"
)]
pub struct NoSuchCompression(String);

/// A library that won't compress as it is asked to.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("zstd can't be set up: {0}")]
pub struct NoEncoder(&'static str);

impl Default for Compression {
    fn default() -> Compression {
        Compression::Zstd(ZSTD_LEVEL)
    }
}

impl FromStr for Compression {
    type Err = NoSuchCompression;

    fn from_str(text: &str) -> Result<Compression, NoSuchCompression> {
        let unknown = || NoSuchCompression(text.to_owned());
        let (name, level) = match text.split_once(':') {
            Some((name, level)) => (name, Some(level.parse::<i32>().map_err(|_| unknown())?)),
            None => (text, None),
        };
        match (name, level) {
            ("zstd", level @ (None | Some(-7..=-1 | 1..=19))) => {
                Ok(Compression::Zstd(level.unwrap_or(ZSTD_LEVEL)))
            }
            ("zlib", level @ (None | Some(1..=9))) => Ok(Compression::Zlib(
                level.map_or(ZLIB_LEVEL, i32::unsigned_abs),
            )),
            ("none", None) => Ok(Compression::None),
            _ => Err(unknown()),
        }
    }
}

impl fmt::Display for Compression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Compression::Zstd(level) => write!(f, "zstd:{level}"),
            Compression::Zlib(level) => write!(f, "zlib:{level}"),
            Compression::None => f.write_str("none"),
        }
    }
}

impl TryFrom<String> for Compression {
    type Error = NoSuchCompression;

    fn try_from(text: String) -> Result<Compression, NoSuchCompression> {
        text.parse()
    }
}

impl From<Compression> for String {
    fn from(compression: Compression) -> String {
        compression.to_string()
    }
}

/// Compresses one page after another; each thread has its own.
pub struct Encoder(Kind);

enum Kind {
    Zstd(zstd::Encoder),
    Zlib(zlib::Encoder),
    None,
}

impl Encoder {
    /// An encoder for pages of one size.
    ///
    /// # Errors
    /// When the library refuses the level or can't have the memory.
    pub fn new(compression: Compression, page_size: usize) -> Result<Encoder, NoEncoder> {
        Ok(Encoder(match compression {
            Compression::Zstd(level) => Kind::Zstd(zstd::Encoder::new(level, page_size)?),
            Compression::Zlib(level) => Kind::Zlib(zlib::Encoder::new(level, page_size)),
            Compression::None => Kind::None,
        }))
    }

    /// Compresses a page into the start of `out`, which must have the page's length. `None` where that
    /// isn't shorter than the page.
    pub fn encode(&mut self, page: &[u8], out: &mut [u8]) -> Option<usize> {
        // A room shorter than the page lets the libraries give up at once.
        let room = out.get_mut(..page.len().checked_sub(1)?)?;
        match &mut self.0 {
            Kind::Zstd(encoder) => encoder.encode(page, room),
            Kind::Zlib(encoder) => encoder.encode(page, room),
            Kind::None => None,
        }
    }
}

/// Whether a page is all zeros.
#[must_use]
pub fn is_zero(page: &[u8]) -> bool {
    // A comparison of memory, which libraries do in wide registers: where a program is optimised for its size, compilers
    // go through a loop byte by byte.
    page.chunks(ZEROS.len()).all(|some| ZEROS.starts_with(some))
}

/// Few enough that most pages that aren't zeros are told by their beginning.
static ZEROS: [u8; 1024] = [0; 1024];

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Read;

    fn text_page() -> Vec<u8> {
        b"a page of words that come again and again; "
            .iter()
            .copied()
            .cycle()
            .take(4096)
            .collect()
    }

    fn noise_page() -> Vec<u8> {
        let mut state = 0x9e37_79b9_7f4a_7c15_u64;
        std::iter::repeat_with(|| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            state.to_le_bytes()
        })
        .flatten()
        .take(4096)
        .collect()
    }

    fn encoded(compression: &str, page: &[u8]) -> Option<Vec<u8>> {
        let mut encoder = Encoder::new(compression.parse().unwrap(), page.len()).unwrap();
        let mut out = vec![0; page.len()];
        // Twice, since an encoder must forget the page before.
        encoder.encode(&noise_page(), &mut out);
        let length = encoder.encode(page, &mut out)?;
        out.truncate(length);
        Some(out)
    }

    #[test]
    fn a_page_compressed_by_zstd_comes_back() {
        for level in [-7, -1, 1, 3, 9, 19] {
            let bytes = encoded(&format!("zstd:{level}"), &text_page()).unwrap();
            assert!(bytes.len() < 200, "level {level}: {}", bytes.len());
            let mut page = vec![0; 4096];
            assert_eq!(zstd_safe::decompress(&mut page[..], &bytes), Ok(4096));
            assert_eq!(page, text_page());
        }
    }

    #[test]
    fn the_size_stands_in_the_frame_of_zstd() {
        let bytes = encoded("zstd:1", &text_page()).unwrap();
        let size = zstd_safe::get_frame_content_size(&bytes);
        assert!(matches!(size, Ok(Some(4096))));
    }

    #[test]
    fn a_page_compressed_by_zlib_comes_back() {
        for level in 1..=9 {
            let bytes = encoded(&format!("zlib:{level}"), &text_page()).unwrap();
            assert!(bytes.len() < 200, "level {level}: {}", bytes.len());
            let mut page = Vec::new();
            flate2::read::ZlibDecoder::new(&bytes[..])
                .read_to_end(&mut page)
                .unwrap();
            assert_eq!(page, text_page());
        }
    }

    #[test]
    fn what_gets_no_smaller_stays_as_it_is() {
        for compression in ["zstd:1", "zstd:-7", "zstd:19", "zlib:1", "zlib:9", "none"] {
            assert_eq!(
                encoded(compression, &noise_page()),
                None,
                "with {compression}"
            );
        }
        assert_eq!(encoded("none", &text_page()), None);
    }

    #[test]
    fn a_zero_page_is_told_from_one_with_a_single_bit() {
        let mut page = vec![0; 4096];
        assert!(is_zero(&page));
        for place in [0, 255, 256, 4095] {
            page[place] = 1;
            assert!(!is_zero(&page), "at {place}");
            page[place] = 0;
        }
    }

    #[test]
    fn compressions_are_written_as_they_are_read() {
        for text in ["zstd:-7", "zstd:19", "zlib:1", "zlib:9", "none"] {
            assert_eq!(text.parse::<Compression>().unwrap().to_string(), text);
        }
        assert_eq!("zstd".parse(), Ok(Compression::Zstd(-1)));
        assert_eq!("zlib".parse(), Ok(Compression::Zlib(1)));
    }

    #[test]
    fn compressions_that_there_are_not_are_refused_by_name() {
        for text in [
            "", "lzo", "zstd:", "zstd:x", "zstd:0", "zstd:20", "zstd:-8", "zlib:0", "zlib:10",
            "zlib:-1", "none:1", "zstd:1:1",
        ] {
            let error = text.parse::<Compression>().unwrap_err();
            assert!(error.to_string().starts_with(&format!("{text}: ")));
        }
    }
}
