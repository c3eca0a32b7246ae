use super::*;
use crate::samples::{at, attach, hybrid, put16, put32, signed_hybrid, with};

fn error_of(file: &[u8]) -> PeError {
    Pe::parse(file).unwrap_err()
}

/// What a signed sample with one 32-bit field changed is refused for.
fn error_with(offset: usize, value: u32) -> PeError {
    error_of(&with(&signed_hybrid(), |file| put32(file, offset, value)))
}

fn digested(file: &[u8]) -> Option<Vec<u8>> {
    let parts: Vec<_> = Pe::parse(file).ok()?.digest_parts().collect();
    Some(parts.concat())
}

/// Raw size and offset of a section's data, in its header.
const RAW_SIZE: usize = 16;
const RAW_OFFSET: usize = 20;

mod accepts {
    use super::*;

    #[test]
    fn an_unsigned_image() {
        let file = hybrid();
        let pe = Pe::parse(&file).unwrap();
        assert_eq!(pe.machine(), MACHINE_AMD64);
        assert_eq!(pe.size_of_image(), 0x8000);
        assert_eq!(pe.size_of_headers(), 0x400);
        assert_eq!(
            (pe.section_alignment(), pe.file_alignment()),
            (0x1000, 0x200)
        );
        assert!(!pe.is_signed());
        assert_eq!(pe.certificate_table(), None);
        assert_eq!(pe.signed_len(), file.len());
        assert_eq!(pe.certificates().count(), 0);
    }

    #[test]
    fn a_signed_image_with_two_signatures() {
        let file = signed_hybrid();
        let pe = Pe::parse(&file).unwrap();
        assert!(pe.is_signed());
        assert_eq!(pe.signed_len(), 0x7b8);
        assert_eq!(pe.certificate_table(), Some(0x7b8..file.len()));
        let certificates: Vec<_> = pe.certificates().map(Result::unwrap).collect();
        let expected = |data| WinCertificate {
            revision: WIN_CERT_REVISION_2,
            kind: WIN_CERT_TYPE_PKCS,
            data,
        };
        assert_eq!(
            certificates,
            [
                expected(&[0x30, 3, 2, 1, 1][..]),
                expected(&[0x30, 6, 2, 4, 9, 9, 9, 9][..])
            ]
        );
    }

    #[test]
    fn bytes_after_the_last_section_and_digests_them() {
        let file = with(&hybrid(), |file| file.extend([7; 12]));
        let digested = digested(&attach(file, &[&[0x30, 0]])).unwrap();
        assert!(digested.ends_with(&[7; 12]));
    }

    #[test]
    fn a_machine_that_is_not_ours_and_says_which() {
        let file = with(&hybrid(), |file| put16(file, at::COFF, 0xaa64));
        assert_eq!(Pe::parse(&file).unwrap().machine(), 0xaa64);
    }

    #[test]
    fn an_unsigned_image_with_no_room_for_a_certificate_directory() {
        // Four directories end where the section table begins, which moves with them.
        let file = with(&hybrid(), |file| {
            put32(file, at::DIRECTORY_COUNT, 4);
            put16(file, at::OPTIONAL_SIZE, 112 + 8 * 4);
            file.copy_within(0x108..0x1a8, 0x108 - 8 * 4);
        });
        let pe = Pe::parse(&file).unwrap();
        assert_eq!(pe.offsets().certificate_directory, None);
        assert_eq!(pe.sections().count(), 4);
        let total: usize = pe.digest_parts().map(<[u8]>::len).sum();
        assert_eq!(total, file.len() - 4 + 4, "all but CheckSum, and padding");
    }
}

mod sections {
    use super::*;

    #[test]
    fn are_found_by_name_with_their_data() {
        let file = hybrid();
        let pe = Pe::parse(&file).unwrap();
        let names: Vec<_> = pe.sections().map(|s| s.name_str().to_owned()).collect();
        assert_eq!(names, [".text", ".data", ".bss", ".sbat"]);
        let text = pe.section(".text").unwrap();
        assert_eq!((text.virtual_address, text.virtual_size), (0x1000, 0x300));
        assert_eq!((text.raw_offset, text.raw), (0x440, &file[0x440..0x740]));
        assert_eq!(text.characteristics, 0x4000_0040);
        assert_eq!(pe.section(".bss").unwrap().raw, []);
        assert_eq!(pe.section(".sb"), None);
        assert_eq!(pe.section(".sbat2"), None);
    }

    #[test]
    fn give_their_data_without_alignment_padding() {
        let file = hybrid();
        let sbat = Pe::parse(&file).unwrap().section(".sbat").unwrap();
        assert!(sbat.data().ends_with(b"sample,1,-\n"));
        assert!(sbat.raw.len() > sbat.data().len());
    }

    #[test]
    fn give_all_their_data_if_memory_has_more_room() {
        let size = at::SECTIONS[3] + 8;
        let file = with(&hybrid(), |file| put32(file, size, u32::MAX));
        let sbat = Pe::parse(&file).unwrap().section(".sbat").unwrap();
        assert_eq!(sbat.data(), sbat.raw);
    }

    #[test]
    fn have_one_name_only() {
        // Found by fuzzing: shown as `.bss`, but not found as that.
        let file = with(&hybrid(), |file| file[at::SECTIONS[2] + 6] = b'x');
        let pe = Pe::parse(&file).unwrap();
        assert_eq!(pe.section(".bss"), None);
        assert_eq!(pe.sections().nth(2).unwrap().name_str(), "");
    }

    #[test]
    fn may_have_names_that_are_not_text() {
        let file = with(&hybrid(), |file| file[at::SECTIONS[0]] = 0xff);
        let pe = Pe::parse(&file).unwrap();
        assert_eq!(pe.sections().next().unwrap().name_str(), "");
    }
}

mod digest {
    use super::*;

    #[test]
    fn covers_all_but_the_three_exceptions() {
        let file = signed_hybrid();
        let expected = [
            &file[..at::CHECKSUM],
            &file[at::CHECKSUM + 4..at::CERTIFICATE_DIRECTORY],
            &file[at::CERTIFICATE_DIRECTORY + 8..0x7b8],
        ];
        assert_eq!(digested(&file).unwrap(), expected.concat());
    }

    #[test]
    fn is_the_same_before_and_after_signing() {
        assert_eq!(digested(&hybrid()), digested(&signed_hybrid()));
    }

    fn unpadded(file: &[u8]) -> Vec<Vec<u8>> {
        let pe = Pe::parse(file).unwrap();
        let each = pe.unpadded_digest_parts();
        each.map(|parts| parts.collect::<Vec<_>>().concat())
            .collect()
    }

    #[test]
    fn without_padding_is_over_the_file_as_it_was_before_signing() {
        // 4 bytes short of a multiple of 8, and what it covers ends with the last section.
        let file = hybrid();
        let covered = digested(&file).unwrap();
        let before = covered[..covered.len() - 4].to_vec();
        assert_eq!(unpadded(&file), [&before[..]]);
        let signed = unpadded(&signed_hybrid());
        assert_eq!(signed.last(), Some(&before));
        let lens: Vec<_> = signed.iter().map(|it| covered.len() - it.len()).collect();
        assert_eq!(lens, [1, 2, 3, 4]);
    }

    #[test]
    fn zeros_after_a_file_within_something_are_left_out() {
        let odd = with(&hybrid(), |file| file.extend([9, 9, 9]));
        for file in [hybrid(), signed_hybrid()] {
            for zeros in [0, 1, 8, 0x200, 0x1234] {
                let padded = with(&file, |file| file.extend(vec![0; zeros]));
                assert_eq!(Pe::without_padding(&padded), Ok(&file[..]), "{zeros}");
            }
        }
        // What is after the sections of an unsigned one belongs to it.
        let padded = with(&odd, |file| file.extend([0; 5]));
        assert_eq!(Pe::without_padding(&padded), Ok(&padded[..]));
        let more = with(&signed_hybrid(), |file| {
            file.extend([0, 0, 0, 0, 0, 0, 0, 1])
        });
        assert_eq!(Pe::without_padding(&more).err(), Some(error_of(&more)));
        for len in 0..signed_hybrid().len() {
            let cut = &signed_hybrid()[..len];
            assert_eq!(Pe::without_padding(cut).err(), Some(error_of(cut)), "{len}");
        }
    }

    #[test]
    fn without_padding_leaves_out_nothing_but_zeros_after_the_sections() {
        // Where they end a section, they are no padding; nor is anything before another byte.
        let aligned = with(&hybrid(), |file| file.extend([0, 0, 0, 7]));
        assert!(unpadded(&aligned).is_empty());
        let one = with(&hybrid(), |file| file.extend([0, 0, 7, 0]));
        let covered = digested(&one).unwrap();
        assert_eq!(unpadded(&one), [&covered[..covered.len() - 1]]);
    }

    #[test]
    fn of_an_aligned_unsigned_image_has_no_padding() {
        let file = with(&hybrid(), |file| file.extend([7; 4]));
        assert!(digested(&file).unwrap().ends_with(&[7; 4]));
    }

    #[test]
    fn sees_every_bit_flip_that_is_not_refused_but_in_the_exceptions() {
        let file = signed_hybrid();
        let before = digested(&file).unwrap();
        let mut unseen = Vec::new();
        for bit in 0..file.len() * 8 {
            let flipped = with(&file, |file| file[bit / 8] ^= 1 << (bit % 8));
            if digested(&flipped).is_some_and(|after| after == before) {
                unseen.push(bit / 8);
            }
        }
        unseen.dedup();
        // CheckSum, which nobody reads, and the signatures, which are verified.
        let allowed: Vec<_> = (at::CHECKSUM..at::CHECKSUM + 4)
            .chain(0x7b8..file.len())
            .collect();
        assert_eq!(unseen, allowed);
    }
}

mod refuses {
    use super::*;

    #[test]
    fn every_truncation() {
        for file in [hybrid(), signed_hybrid()] {
            for len in 0..file.len() {
                assert!(Pe::parse(&file[..len]).is_err(), "{len} bytes");
            }
        }
    }

    #[test]
    fn a_file_without_the_signatures_of_dos_and_pe() {
        let no_mz = with(&hybrid(), |file| file[0] = b'm');
        assert_eq!(error_of(&no_mz), PeError::NoDosHeader);
        assert_eq!(error_with(0x40, 0x0000_454c), PeError::NoPeSignature);
    }

    #[test]
    fn a_pe_header_past_the_end_of_the_file() {
        for at in [0x7ff, 0x1_0000, u32::MAX] {
            assert_eq!(error_with(0x3c, at), PeError::Truncated("PE signature"));
        }
    }

    #[test]
    fn a_pe_header_inside_the_dos_header() {
        for at in [0, 4, 0x3c, 0x3f] {
            assert_eq!(error_with(0x3c, at), PeError::HeaderOffset(at));
        }
    }

    #[test]
    fn a_32_bit_image() {
        let file = with(&hybrid(), |file| put16(file, at::OPTIONAL, 0x10b));
        assert_eq!(error_of(&file), PeError::Pe32);
        let rom = with(&hybrid(), |file| put16(file, at::OPTIONAL, 0x107));
        assert_eq!(error_of(&rom), PeError::OptionalMagic(0x107));
    }

    #[test]
    fn a_directory_count_that_the_optional_header_does_not_hold() {
        let error = |expected| PeError::OptionalHeaderSize {
            stated: 176,
            expected,
        };
        assert_eq!(error_with(at::DIRECTORY_COUNT, 4), error(144));
        assert_eq!(error_with(at::DIRECTORY_COUNT, 0), error(112));
        assert_eq!(error_with(at::DIRECTORY_COUNT, 16), error(240));
    }

    #[test]
    fn a_huge_directory_count() {
        for count in [17, 0x2000_0008, u32::MAX] {
            assert_eq!(
                error_with(at::DIRECTORY_COUNT, count),
                PeError::DirectoryCount(count)
            );
        }
    }

    #[test]
    fn an_image_of_no_or_of_too_many_sections() {
        for count in [0, 97, u16::MAX] {
            let file = with(&hybrid(), |file| put16(file, at::SECTION_COUNT, count));
            assert_eq!(error_of(&file), PeError::SectionCount(count));
        }
    }

    #[test]
    fn headers_that_do_not_hold_the_section_table() {
        for size in [0, 0x1a7, 0x10_0000, u32::MAX] {
            let error = error_with(at::SIZE_OF_HEADERS, size);
            assert_eq!(error, PeError::SizeOfHeaders(size));
        }
        let many = with(&hybrid(), |file| put16(file, at::SECTION_COUNT, 20));
        assert_eq!(error_of(&many), PeError::SizeOfHeaders(0x400));
    }

    #[test]
    fn a_section_over_the_headers() {
        let error = error_with(at::SECTIONS[1] + RAW_OFFSET, 0x3ff);
        assert_eq!(error, PeError::SectionOverlaps(1));
        assert_eq!(
            error_with(at::SIZE_OF_HEADERS, 0x401),
            PeError::SectionOverlaps(1)
        );
    }

    #[test]
    fn sections_that_overlap() {
        let error = error_with(at::SECTIONS[0] + RAW_OFFSET, 0x43f);
        assert_eq!(error, PeError::SectionOverlaps(0));
        let twice = error_with(at::SECTIONS[0] + RAW_OFFSET, 0x400);
        assert_eq!(twice, PeError::SectionOverlaps(1));
    }

    #[test]
    fn a_gap_between_sections_or_after_the_headers() {
        let error = error_with(at::SECTIONS[1] + RAW_SIZE, 0x3f);
        assert_eq!(error, PeError::SectionLeavesGap(0));
        assert_eq!(
            error_with(at::SIZE_OF_HEADERS, 0x3ff),
            PeError::SectionLeavesGap(1)
        );
    }

    #[test]
    fn a_section_over_the_certificate_table() {
        let error = error_with(at::SECTIONS[3] + RAW_SIZE, 0x79);
        assert_eq!(error, PeError::SectionBeyondEnd(3));
    }

    #[test]
    fn a_section_past_the_end_of_the_file() {
        for size in [0x75, 0x1000, u32::MAX] {
            let at = at::SECTIONS[3] + RAW_SIZE;
            let file = with(&hybrid(), |file| put32(file, at, size));
            assert_eq!(error_of(&file), PeError::SectionBeyondEnd(3));
        }
    }

    #[test]
    fn a_certificate_directory_of_less_than_a_header() {
        for size in 0..8 {
            let error = error_with(at::CERTIFICATE_DIRECTORY + 4, size);
            assert_eq!(error, PeError::CertificateDirectory);
        }
        let no_offset = error_with(at::CERTIFICATE_DIRECTORY, 0);
        assert_eq!(no_offset, PeError::CertificateDirectory);
    }

    #[test]
    fn an_unaligned_certificate_table() {
        let file = with(&attach(hybrid(), &[&[0x30; 12]]), |file| {
            put32(file, at::CERTIFICATE_DIRECTORY, 0x7bc);
            put32(file, at::CERTIFICATE_DIRECTORY + 4, 0x14);
        });
        assert_eq!(error_of(&file), PeError::CertificateTableOffset(0x7bc));
    }

    #[test]
    fn a_certificate_table_over_the_headers() {
        let file = with(&signed_hybrid(), |file| {
            let size = file.len() as u32 - 0x200;
            put32(file, at::CERTIFICATE_DIRECTORY, 0x200);
            put32(file, at::CERTIFICATE_DIRECTORY + 4, size);
        });
        assert_eq!(error_of(&file), PeError::CertificateTableOffset(0x200));
    }

    #[test]
    fn bytes_after_the_certificate_table() {
        let file = with(&signed_hybrid(), |file| file.extend([0; 8]));
        let end = PeError::CertificateTableEnd {
            end: 0x7d8,
            file: 0x7e0,
        };
        assert_eq!(error_of(&file), end);
        let size = error_with(at::CERTIFICATE_DIRECTORY + 4, u32::MAX);
        assert!(matches!(size, PeError::CertificateTableEnd { .. }));
    }
}

mod certificates {
    use super::*;

    /// What the entries of a table are, of which the first has this length field.
    fn with_length(length: u32) -> Vec<Result<usize, CertificateError>> {
        let file = with(&signed_hybrid(), |file| put32(file, 0x7b8, length));
        let pe = Pe::parse(&file).unwrap();
        pe.certificates()
            .map(|entry| match entry {
                Ok(entry) => Ok(entry.data.len()),
                Err(PeError::Certificate { problem, .. }) => Err(problem),
                Err(other) => panic!("{other}"),
            })
            .collect()
    }

    #[test]
    fn end_after_one_without_data() {
        for length in 0..=8 {
            let error = CertificateError::Length(length);
            assert_eq!(with_length(length), [Err(error)]);
        }
    }

    #[test]
    fn end_after_one_that_is_longer_than_the_table() {
        for length in [0x21, 0x1000, u32::MAX] {
            assert_eq!(with_length(length), [Err(CertificateError::Truncated)]);
        }
    }

    #[test]
    fn may_fill_the_table_to_its_end() {
        assert_eq!(with_length(0x20), [Ok(0x18)]);
    }

    #[test]
    fn refuse_bytes_hidden_in_their_padding() {
        // The first has 5 bytes of data and 3 of padding.
        assert_eq!(with_length(12), [Err(CertificateError::Padding)]);
        let file = with(&signed_hybrid(), |file| file[0x7c7] = 1);
        let error = PeError::Certificate {
            index: 0,
            problem: CertificateError::Padding,
        };
        let pe = Pe::parse(&file).unwrap();
        assert_eq!(pe.certificates().collect::<Vec<_>>(), [Err(error)]);
    }

    #[test]
    fn refuse_a_table_that_ends_without_padding() {
        let file = with(&attach(hybrid(), &[&[0x30; 5]]), |file| {
            file.truncate(0x7b8 + 13);
            put32(file, at::CERTIFICATE_DIRECTORY + 4, 13);
        });
        let error = PeError::Certificate {
            index: 0,
            problem: CertificateError::Padding,
        };
        let pe = Pe::parse(&file).unwrap();
        assert_eq!(pe.certificates().next(), Some(Err(error)));
    }
}
