//! What files begin with: the magics by which one format is told from another before anything is parsed.
//!
//! No magic is the beginning of another, so the first bytes of a file name one format or none. They say nothing of
//! what follows. A multiboot2 kernel and a bzImage without a PE header have no magic there: see
//! [`Multiboot2::recognises`](crate::multiboot2::Multiboot2::recognises) and
//! [`BzImage::recognises`](crate::bzimage::BzImage::recognises).

/// The table: what a file is, and the bytes that it then begins with.
macro_rules! magics {
    ($($(#[$source:meta])* $name:ident = $bytes:literal,)*) => {
        /// What a file begins as.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Magic {
            $($(#[$source])* $name,)*
        }

        impl Magic {
            /// All of them.
            pub const ALL: &[Magic] = &[$(Magic::$name,)*];

            /// The bytes themselves.
            pub const fn bytes(self) -> &'static [u8] {
                match self {
                    $(Magic::$name => $bytes,)*
                }
            }
        }
    };
}

magics! {
    /// A PE image, by its DOS header ("PE Format", "MS-DOS Stub").
    Pe = b"MZ",
    /// An ELF file of any kind (System V gABI, "ELF Identification").
    Elf = b"\x7fELF",
    /// A cpio archive in the form `newc` (Documentation/driver-api/early-userspace/buffer-format.rst in Linux).
    Cpio = b"070701",
    /// A cpio archive in the form `crc`, which is `newc` with checksums (same source).
    CpioChecksummed = b"070702",
    /// gzip with deflate, the only method there is (RFC 1952, 2.3.1: ID1, ID2, CM).
    Gzip = b"\x1f\x8b\x08",
    /// bzip2 (lib/decompress_bunzip2.c in Linux).
    Bzip2 = b"BZh",
    /// LZMA alone, which has no magic: the properties that all use, and the lowest byte of the dictionary's size
    /// (`compressed_formats` in lib/decompress.c in Linux).
    Lzma = b"\x5d\0",
    /// xz ("The .xz File Format", 2.1.1.1).
    Xz = b"\xfd7zXZ\0",
    /// lzop (`lzop_magic` in lib/decompress_unlzo.c in Linux).
    Lzo = b"\x89LZO\0\r\n\x1a\n",
    /// LZ4 in its frame ("LZ4 Frame Format", "General Structure of LZ4 Frame format").
    Lz4 = b"\x04\x22\x4d\x18",
    /// LZ4 in its legacy frame, of `lz4 -l` (same source, "Legacy frame").
    Lz4Legacy = b"\x02\x21\x4c\x18",
    /// Zstandard (RFC 8878, 3.1.1).
    Zstd = b"\x28\xb5\x2f\xfd",
}

impl Magic {
    /// Whether `file` begins so.
    pub fn begins(self, file: &[u8]) -> bool {
        file.starts_with(self.bytes())
    }

    /// What `file` begins as.
    pub fn of(file: &[u8]) -> Option<Magic> {
        Self::ALL.iter().copied().find(|magic| magic.begins(file))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_what_its_first_bytes_say_and_nothing_when_they_are_cut_off() {
        for (magic, bytes) in [
            (Magic::Pe, &b"MZ"[..]),
            (Magic::Elf, b"\x7fELF"),
            (Magic::Cpio, b"070701"),
            (Magic::CpioChecksummed, b"070702"),
            (Magic::Gzip, b"\x1f\x8b\x08"),
            (Magic::Bzip2, b"BZh"),
            (Magic::Lzma, b"\x5d\0"),
            (Magic::Xz, b"\xfd7zXZ\0"),
            (Magic::Lzo, b"\x89LZO\0\r\n\x1a\n"),
            (Magic::Lz4, b"\x04\x22\x4d\x18"),
            (Magic::Lz4Legacy, b"\x02\x21\x4c\x18"),
            (Magic::Zstd, b"\x28\xb5\x2f\xfd"),
        ] {
            for more in [&b""[..], b"\0", b" and more"] {
                assert_eq!(Magic::of(&[bytes, more].concat()), Some(magic));
            }
            assert_eq!(Magic::of(&[b"\0", bytes].concat()), None, "{magic:?}");
            for len in 0..bytes.len() {
                assert_eq!(Magic::of(&bytes[..len]), None, "{magic:?} cut to {len}");
            }
            for at in 0..bytes.len() {
                let mut other = [bytes, b" and more"].concat();
                other[at] ^= 0x80;
                assert_eq!(Magic::of(&other), None, "{magic:?} changed at {at}");
            }
        }
    }

    #[test]
    fn no_file_begins_as_two_things() {
        for magic in Magic::ALL {
            let begins = Magic::ALL.iter().filter(|it| it.begins(magic.bytes()));
            assert_eq!(begins.count(), 1, "{magic:?}");
        }
    }

    #[test]
    fn what_else_is_signed_or_passed_on_has_none_of_them() {
        for other in [
            crate::manifest::FIRST_LINE.as_bytes(),
            &crate::handover::MAGIC,
            &crate::policy::MAGIC,
            // The other cpio formats, which Linux refuses.
            b"070707",
            b"\xc7\x71",
            // DER, as in what is signed of certificates.
            b"\x30\x82\x01\x00",
            b"\x31\x81\x80",
            // What Linux's first two bytes would let through.
            b"BZ, as a text may begin",
            b"\x1f\x9e",
            b"\x1f\x8b\x07",
        ] {
            assert_eq!(Magic::of(&[other, &[0; 64]].concat()), None, "{other:x?}");
        }
    }
}
