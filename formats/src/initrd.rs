//! How an initrd begins, as Linux's initramfs reader takes it.
//!
//! After any number of zeros, which it skips, there is a cpio archive, at a multiple of 4 bytes, or what one of the
//! compressions that Linux unpacks begins with ([`Magic`]). No kernel, manifest, certificate or signature begins so.
//! Linux chooses by the first two bytes of a compression alone; the rest is what its decompressor then asks for.
//!
//! Sources: `unpack_to_rootfs` and `do_header` in init/initramfs.c, `compressed_formats` in
//! lib/decompress.c, and the decompressors in lib/decompress_*.c.

use crate::magic::Magic;

/// Where an archive begins, at least.
const ALIGNMENT: usize = 4;

/// Whether `bytes` begin as an initrd does. Says nothing of what follows.
pub fn recognises(bytes: &[u8]) -> bool {
    first(bytes).is_some()
}

/// What an initrd's first part is: an archive or a compression. `None` if `bytes` don't begin as an initrd does.
pub fn first(bytes: &[u8]) -> Option<Magic> {
    let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
    let magic = Magic::of(bytes.get(zeros..)?)?;
    let is_taken = match magic {
        Magic::Cpio | Magic::CpioChecksummed => zeros.is_multiple_of(ALIGNMENT),
        Magic::Gzip
        | Magic::Bzip2
        | Magic::Lzma
        | Magic::Xz
        | Magic::Lzo
        | Magic::Lz4Legacy
        | Magic::Zstd => true,
        Magic::Pe | Magic::Elf | Magic::Lz4 => false,
    };
    is_taken.then_some(magic)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What Linux refuses.
    const OTHERS: [Magic; 3] = [Magic::Pe, Magic::Elf, Magic::Lz4];

    fn taken() -> impl Iterator<Item = Magic> {
        let all = Magic::ALL.iter().copied();
        all.filter(|magic| !OTHERS.contains(magic))
    }

    #[test]
    fn begins_as_an_archive_or_as_one_of_seven_compressions() {
        assert_eq!(taken().count(), 2 + 7);
        for magic in taken() {
            let bytes = [magic.bytes(), b" and more"].concat();
            assert_eq!(first(&bytes), Some(magic));
            for len in 0..magic.bytes().len() {
                assert!(!recognises(&bytes[..len]), "{magic:?} cut to {len}");
            }
        }
        for magic in OTHERS {
            let bytes = [magic.bytes(), b" and more"].concat();
            assert!(!recognises(&bytes), "{magic:?}");
        }
    }

    #[test]
    fn zeros_come_before_it_as_linux_skips_them() {
        for zeros in [1, 2, 4, 511, 512] {
            for magic in taken() {
                let is_archive = matches!(magic, Magic::Cpio | Magic::CpioChecksummed);
                let expected = !is_archive || zeros % 4 == 0;
                let bytes = [&vec![0; zeros], magic.bytes()].concat();
                assert_eq!(recognises(&bytes), expected, "{magic:?} after {zeros}");
            }
        }
        for none in [&b""[..], &[0; 4096]] {
            assert!(!recognises(none));
        }
    }
}
