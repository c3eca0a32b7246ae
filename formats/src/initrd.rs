//! How an initrd begins, as Linux's initramfs reader takes it.
//!
//! After any number of zeros, which it skips, there is
//!
//! | first bytes | |
//! |---|---|
//! | `070701`, `070702` | a cpio archive, at a multiple of 4 bytes |
//! | `1f 8b 08` | gzip |
//! | `BZh` | bzip2 |
//! | `5d 00` | LZMA |
//! | `fd 37 7a 58 5a 00` | xz |
//! | `89 4c 5a 4f 00 0d 0a 1a 0a` | lzo |
//! | `02 21 4c 18` | lz4 in its legacy frame |
//! | `28 b5 2f fd` | zstd |
//!
//! No kernel, manifest, certificate or signature begins so. Linux chooses by the first two bytes of a
//! compression alone; the rest is what its decompressor then asks for.
//!
//! Sources: `unpack_to_rootfs` and `do_header` in init/initramfs.c, `compressed_formats` in
//! lib/decompress.c, and the decompressors in lib/decompress_*.c.

/// The first bytes of a cpio archive, without and with checksums.
const CPIO: [&[u8]; 2] = [b"070701", b"070702"];
/// Where an archive begins, at least.
const ALIGNMENT: usize = 4;

const COMPRESSED: [&[u8]; 7] = [
    b"\x1f\x8b\x08",
    b"BZh",
    b"\x5d\0",
    b"\xfd7zXZ\0",
    b"\x89LZO\0\r\n\x1a\n",
    b"\x02\x21\x4c\x18",
    b"\x28\xb5\x2f\xfd",
];

/// Whether `bytes` begin as an initrd does. Says nothing of what follows.
pub fn recognises(bytes: &[u8]) -> bool {
    let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
    let rest = bytes.get(zeros..).unwrap_or_default();
    let archive = zeros.is_multiple_of(ALIGNMENT) && begins_as_archive(rest);
    archive || begins_with(rest, &COMPRESSED)
}

/// Whether `bytes` begin as a cpio archive does.
pub fn begins_as_archive(bytes: &[u8]) -> bool {
    begins_with(bytes, &CPIO)
}

fn begins_with(bytes: &[u8], any: &[&[u8]]) -> bool {
    any.iter().any(|magic| bytes.starts_with(magic))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn begins_as_an_archive_or_as_one_of_seven_compressions() {
        for magic in CPIO.iter().chain(&COMPRESSED) {
            let bytes = [magic, &b" and more"[..]].concat();
            assert!(recognises(&bytes), "{magic:x?}");
            for len in 0..magic.len() {
                assert!(!recognises(&bytes[..len]), "{magic:x?} cut to {len}");
            }
            for at in 0..magic.len() {
                let mut other = bytes.clone();
                other[at] ^= 0x80;
                assert!(!recognises(&other), "{magic:x?} changed at {at}");
            }
        }
    }

    #[test]
    fn zeros_come_before_it_as_linux_skips_them() {
        for (zeros, archive) in [(1, false), (2, false), (4, true), (511, false), (512, true)] {
            let padded = |magic: &[u8]| [&vec![0; zeros], magic].concat();
            assert_eq!(recognises(&padded(CPIO[0])), archive, "{zeros}");
            assert!(recognises(&padded(COMPRESSED[0])), "{zeros}");
        }
        for none in [&b""[..], &[0; 4096]] {
            assert!(!recognises(none));
        }
    }

    #[test]
    fn nothing_else_that_is_signed_begins_so() {
        for other in [
            &b"MZ"[..],
            b"\x7fELF",
            crate::manifest::FIRST_LINE.as_bytes(),
            &crate::handover::MAGIC,
            // The other cpio formats, which Linux refuses.
            b"070707",
            b"\xc7\x71",
            // DER, as in what is signed of certificates.
            b"\x30\x82\x01\x00",
            b"\x31\x81\x80",
            // What Linux's first two bytes would let through.
            b"BZ, as a text may begin",
            b"\x1f\x9e",
        ] {
            assert!(!recognises(&[other, &[0; 64]].concat()), "{other:x?}");
        }
    }
}
