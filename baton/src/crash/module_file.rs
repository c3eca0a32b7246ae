//! The bytes of a module as the kernel loads them: decompressed, and otherwise as they are, so that the
//! signature at the end stays valid.

use crate::failure::problem::Problem;
use crate::failure::{IoError, Result};
use baton_formats::elf::Elf;
use baton_sys::file;
use std::io::{ErrorKind, Read};
use std::path::Path;

/// No module is nearly as large; a file that decompresses to more is damaged, or no module.
const MAX_LENGTH: u64 = 256 << 20;

/// Reads and decompresses a module, by the ending of its name.
///
/// # Errors
/// When the file can't be read or decompressed, or isn't ELF then.
pub fn read(path: &Path) -> Result<Vec<u8>> {
    let packed = match file::read_regular(path) {
        Ok(packed) => packed,
        Err(e) if e.kind() == ErrorKind::NotFound => {
            let path = path.to_owned();
            return Err(Problem::NoModuleFile { path }.into());
        }
        Err(e) => return Err(IoError::reading(path, e).into()),
    };
    let ending = path.extension().unwrap_or_default().to_string_lossy();
    let bytes = unpack(&packed, &ending).map_err(|why| damaged(path, &why.to_string()))?;
    if Elf::recognises(&bytes) {
        Ok(bytes)
    } else {
        Err(damaged(path, "it isn't ELF").into())
    }
}

fn damaged(path: &Path, why: &str) -> Problem {
    Problem::BadModule {
        path: path.to_owned(),
        why: why.to_owned(),
    }
}

/// As the kernel's build compresses modules (scripts/Makefile.modinst): gzip, xz or zstd.
fn unpack(packed: &[u8], ending: &str) -> std::io::Result<Vec<u8>> {
    let reader: Box<dyn Read + '_> = match ending {
        "gz" => Box::new(flate2::read::GzDecoder::new(packed)),
        "xz" => Box::new(lzma_rust2::XzReader::new(packed, false)),
        "zst" => Box::new(
            ruzstd::decoding::StreamingDecoder::new(packed).map_err(std::io::Error::other)?,
        ),
        _ => Box::new(packed),
    };
    let mut bytes = Vec::new();
    let read = reader.take(MAX_LENGTH + 1).read_to_end(&mut bytes)? as u64;
    if read > MAX_LENGTH {
        Err(std::io::Error::other("it is larger than any module"))
    } else {
        Ok(bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `printf '\x7fELF module ~Module signature appended~\n' | xz --check=crc32 --lzma2=dict=1MiB`,
    /// `zstd -19` and `gzip -9`.
    const PACKED: [(&str, &[u8]); 3] = [
        ("xz", include_bytes!("packed/module.ko.xz")),
        ("zst", include_bytes!("packed/module.ko.zst")),
        ("gz", include_bytes!("packed/module.ko.gz")),
    ];
    const MODULE: &[u8] = b"\x7fELF module ~Module signature appended~\n";

    #[test]
    fn a_module_is_unpacked_to_its_last_byte_whatever_packed_it() {
        for (ending, packed) in PACKED {
            assert_eq!(unpack(packed, ending).unwrap(), MODULE, "{ending}");
        }
        assert_eq!(unpack(MODULE, "ko").unwrap(), MODULE);
    }

    #[test]
    fn a_module_that_is_cut_off_is_refused_at_every_length() {
        for (ending, packed) in PACKED {
            for len in 0..packed.len() {
                let cut = unpack(packed.get(..len).unwrap(), ending);
                // What is cut off may be a checksum that the decoder doesn't insist on.
                assert!(!cut.is_ok_and(|bytes| bytes != MODULE), "{ending} at {len}");
            }
        }
    }

    #[test]
    fn a_missing_file_is_reported_with_the_fix() {
        let failure = read(Path::new("/no/such/module.ko")).unwrap_err();
        assert!(failure.to_string().contains("depmod"), "{failure}");
    }
}
