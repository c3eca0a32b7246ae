use super::*;
use crate::samples::multiboot2::{at, fixed, header, kernel, kernel_of, tag, tags};
use crate::samples::{put, put16, put32, with};

fn error_with(change: impl FnOnce(&mut Vec<u8>)) -> Multiboot2Error {
    Multiboot2::parse(&with(&kernel(), change)).unwrap_err()
}

fn error_at(offset: usize, value: u32) -> Multiboot2Error {
    error_with(|file| put32(file, offset, value))
}

/// A kernel with another address tag.
fn with_addresses(fields: [u32; 4]) -> Vec<u8> {
    with(&kernel(), |file| {
        put(file, at::ADDRESS, &tag(2, 0, &fields))
    })
}

fn error_of_tags(tags: &[Vec<u8>]) -> Multiboot2Error {
    Multiboot2::parse(&kernel_of(&header(0, tags))).unwrap_err()
}

mod reads {
    use super::*;

    #[test]
    fn every_tag() {
        let file = kernel();
        let parsed = Multiboot2::parse(&file).unwrap();
        assert_eq!(parsed.header_offset(), at::HEADER);
        let load = Load {
            file: 0x10..0x100,
            memory: 0x10_0010..0x10_1000,
        };
        assert_eq!(parsed.load(), Some(load));
        assert_eq!(parsed.entry(), Some(0x10_0080));
        assert!(parsed.page_aligned_modules());
        let relocatable = Relocatable {
            min: 0x1000,
            max: u32::MAX,
            align: 0x1000,
            preference: Preference::High,
        };
        assert_eq!(parsed.relocatable(), Some(relocatable));
        let requests: Vec<_> = parsed.requests().collect();
        assert_eq!(requests, [(6, true), (15, true)]);
    }

    #[test]
    fn requests_that_are_wishes() {
        let file = with(&kernel(), |file| file[at::REQUESTS + 2] = 1);
        let parsed = Multiboot2::parse(&file).unwrap();
        assert!(parsed.requests().eq([(6, false), (15, false)]));
    }

    #[test]
    fn a_header_without_tags_of_an_elf_file() {
        let file = kernel_of(&header(0, &[tag(0, 0, &[])]));
        let parsed = Multiboot2::parse(&file).unwrap();
        assert_eq!((parsed.load(), parsed.entry()), (None, None));
        assert_eq!((parsed.relocatable(), parsed.requests().count()), (None, 0));
        assert!(!parsed.page_aligned_modules());
    }

    #[test]
    fn addresses_that_say_the_whole_file() {
        let file = with_addresses([0x10_0040, u32::MAX, 0, 0]);
        let load = Multiboot2::parse(&file).unwrap().load().unwrap();
        assert_eq!(load.file, 0..at::FILE_END);
        assert_eq!(load.memory, 0x10_0000..0x10_0200);
    }

    #[test]
    fn a_kernel_up_to_the_end_of_four_gib() {
        let file = with(&with_addresses([0xffff_fe40, u32::MAX, 0, 0]), |file| {
            put32(file, at::ENTRY + 8, u32::MAX);
        });
        let load = Multiboot2::parse(&file).unwrap().load().unwrap();
        assert_eq!(load.memory, 0xffff_fe00..0x1_0000_0000);
    }

    #[test]
    fn past_a_magic_number_without_its_checksum() {
        let file = with(&kernel(), |file| put32(file, 0x20, MAGIC));
        assert_eq!(
            Multiboot2::parse(&file).unwrap().header_offset(),
            at::HEADER
        );
    }

    #[test]
    fn past_unknown_tags_that_are_optional() {
        let mut tags = tags();
        tags.insert(0, tag(77, 1, &[1, 2, 3]));
        tags.insert(0, tag(7, 1, &[]));
        let file = kernel_of(&header(0, &tags));
        assert!(Multiboot2::parse(&file).is_ok());
    }

    #[test]
    fn the_last_header_that_is_whole_in_the_searched_part() {
        let small = header(0, &[tag(0, 0, &[])]);
        let mut file = vec![0; SEARCH_LEN + 0x100];
        put(&mut file, SEARCH_LEN - small.len(), &small);
        let parsed = Multiboot2::parse(&file).unwrap();
        assert_eq!(parsed.header_offset(), SEARCH_LEN - 24);
        let mut file = vec![0; SEARCH_LEN + 0x100];
        put(&mut file, SEARCH_LEN - 16, &small);
        let error = Multiboot2::parse(&file).unwrap_err();
        assert_eq!(error, Multiboot2Error::Length(24));
        let mut file = vec![0; SEARCH_LEN + 0x100];
        put(&mut file, SEARCH_LEN, &small);
        assert!(!Multiboot2::recognises(&file));
    }
}

mod refuses {
    use super::*;

    #[test]
    fn every_truncation_of_the_header_and_of_what_is_loaded() {
        let file = kernel();
        for len in 0..0x100 {
            assert!(Multiboot2::parse(&file[..len]).is_err(), "{len} bytes");
        }
        assert!(Multiboot2::parse(&file[..0x100]).is_ok());
    }

    #[test]
    fn a_file_without_a_header() {
        assert_eq!(error_at(at::HEADER, 0), Multiboot2Error::NotOne);
        assert_eq!(error_at(at::HEADER + 12, 0), Multiboot2Error::NotOne);
        let unaligned = with(&kernel(), |file| {
            file.splice(0..0, [0; 4]);
        });
        assert!(!Multiboot2::recognises(&unaligned) && Multiboot2::recognises(&kernel()));
    }

    #[test]
    fn another_architecture() {
        let error = error_with(|file| put(file, at::HEADER, &header(4, &tags())));
        assert_eq!(error, Multiboot2Error::Architecture(4));
    }

    #[test]
    fn lengths_that_can_not_be() {
        for len in [0, 15, (at::FILE_END - at::HEADER + 1) as u32, u32::MAX] {
            let error = error_with(|file| put(file, at::HEADER, &fixed(0, len)));
            assert_eq!(error, Multiboot2Error::Length(len));
        }
    }

    #[test]
    fn a_header_that_ends_before_its_last_tag_or_after_it() {
        let len = (at::END - at::HEADER) as u32;
        for short in [16, len - 8, len - 1] {
            let error = error_with(|file| put(file, at::HEADER, &fixed(0, short)));
            assert_eq!(error, Multiboot2Error::Truncated, "{short}");
        }
        let error = error_with(|file| put(file, at::HEADER, &fixed(0, len + 8)));
        assert_eq!(error, Multiboot2Error::TrailingBytes);
    }

    #[test]
    fn tags_whose_sizes_wrap_or_pass_the_end() {
        for size in [0, 7] {
            let error = error_at(at::ENTRY + 4, size);
            assert_eq!(error, Multiboot2Error::Tag(3));
        }
        for size in [0x1000, u32::MAX] {
            let error = error_at(at::ENTRY + 4, size);
            assert_eq!(error, Multiboot2Error::Truncated);
        }
    }

    #[test]
    fn tags_of_another_length_than_their_type_has() {
        for (kind, fields) in [(1u16, 0usize), (2, 3), (2, 5), (3, 2), (6, 1), (10, 5)] {
            let mut bytes = tag(kind, 0, &vec![1; fields]);
            if kind == 1 {
                // Not a whole number of fields.
                bytes = [&[1, 0, 0, 0, 10, 0, 0, 0, 1, 1][..], &[0; 6]].concat();
            }
            let error = error_of_tags(&[bytes, tag(0, 0, &[])]);
            assert_eq!(error, Multiboot2Error::Tag(kind));
        }
    }

    #[test]
    fn a_second_tag_of_what_there_is_once() {
        for index in [1, 2, 3, 4] {
            let mut tags = tags();
            tags.insert(0, tags[index].clone());
            let kind = u16::from(tags[0][0]);
            assert_eq!(error_of_tags(&tags), Multiboot2Error::Twice(kind));
        }
    }

    #[test]
    fn what_can_not_be_given_to_a_kernel_that_requires_it() {
        for kind in [7, 11, 0xffff] {
            let error = error_with(|file| put16(file, at::EFI_ENTRY, kind));
            assert_eq!(error, Multiboot2Error::Required(kind));
        }
    }

    #[test]
    fn addresses_that_do_not_match_the_file() {
        for fields in [
            // The header would lie before what is loaded, or further in than it does.
            [0x10_0040, 0x10_0041, 0x10_0100, 0],
            [0x10_0041, 0x10_0000, 0x10_0100, 0],
            [0x3f, u32::MAX, 0, 0],
            // Nothing, or more than the file, is loaded.
            [0x10_0040, 0x10_0000, 0x10_0000, 0],
            [0x10_0040, 0x10_0000, 0x0f_ffff, 0],
            [0x10_0040, 0x10_0000, 0x10_0201, 0],
            // The zeros end before the data does.
            [0x10_0040, 0x10_0000, 0x10_0200, 0x10_01ff],
            // All of it ends beyond 4 GiB.
            [0xffff_fe41, u32::MAX, 0, 0],
        ] {
            let error = Multiboot2::parse(&with_addresses(fields)).unwrap_err();
            assert_eq!(error, Multiboot2Error::Address, "{fields:x?}");
        }
    }

    #[test]
    fn an_entry_point_that_is_missing_or_not_in_what_is_loaded() {
        let mut tags = tags();
        tags.remove(2);
        assert_eq!(error_of_tags(&tags), Multiboot2Error::NoEntry);
        for entry in [0, 0x10_000f, 0x10_1000, u32::MAX] {
            let error = error_at(at::ENTRY + 8, entry);
            assert_eq!(error, Multiboot2Error::Entry(entry));
        }
    }

    #[test]
    fn places_to_go_to_that_can_not_be() {
        for (field, value) in [(8, 0xffff_ffff), (16, 0), (16, 3), (20, 3)] {
            let error = error_with(|file| {
                put32(file, at::RELOCATABLE + 12, 0xffff_0000);
                put32(file, at::RELOCATABLE + field, value);
            });
            assert_eq!(error, Multiboot2Error::Tag(10), "{field}");
        }
    }
}
