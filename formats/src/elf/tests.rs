use super::*;
use crate::samples::elf::{
    CODE_PADDR, CODE_VADDR, DATA_PADDR, SIGNATURE, at, kernel, note, put_header,
};
use crate::samples::{put, put16, put32, put64, with};

const OFFSET: usize = 8;
const VADDR: usize = 16;
const PADDR: usize = 24;
const FILESZ: usize = 32;
const MEMSZ: usize = 40;
const ALIGN: usize = 48;

fn error_with(change: impl FnOnce(&mut Vec<u8>)) -> ElfError {
    Elf::parse(&with(&kernel(), change)).unwrap_err()
}

/// What the kernel with one 64-bit field of a program header changed is refused for.
fn error_at(header: usize, field: usize, value: u64) -> ElfError {
    error_with(|file| put64(file, at::HEADERS[header] + field, value))
}

mod reads {
    use super::*;

    #[test]
    fn what_is_loaded_where() {
        let file = kernel();
        let elf = Elf::parse(&file).unwrap();
        assert_eq!(elf.kind(), ElfKind::Executable);
        let segments: Vec<_> = elf.segments().collect();
        assert_eq!(segments.len(), 2);
        assert_eq!(segments[0].data, &file[at::CODE..at::DATA]);
        assert_eq!(segments[0].vaddr, CODE_VADDR);
        assert_eq!((segments[1].paddr, segments[1].memsz), (DATA_PADDR, 0x1000));
        assert_eq!(segments[1].data.len(), 0x40);
        assert_eq!(elf.physical_range(), CODE_PADDR..DATA_PADDR + 0x1000);
        assert_eq!(elf.all_segments().count(), 4);
    }

    #[test]
    fn an_entry_point_that_is_physical_as_linux_has_it() {
        let elf_bytes = kernel();
        let elf = Elf::parse(&elf_bytes).unwrap();
        assert_eq!(elf.stated_entry(), CODE_PADDR + 0x10);
        assert_eq!(elf.entry(), CODE_PADDR + 0x10);
    }

    #[test]
    fn an_entry_point_that_is_virtual_as_the_standard_has_it() {
        let file = with(&kernel(), |file| put64(file, at::ENTRY, CODE_VADDR + 0x7f));
        let elf = Elf::parse(&file).unwrap();
        assert_eq!(elf.entry(), CODE_PADDR + 0x7f);
    }

    #[test]
    fn a_virtual_entry_point_rather_than_a_physical_one() {
        // Address 0x1000000 is in the first segment physically, and in the second virtually.
        let file = with(&kernel(), |file| {
            put64(file, at::HEADERS[1] + VADDR, CODE_PADDR);
        });
        assert_eq!(Elf::parse(&file).unwrap().entry(), DATA_PADDR + 0x10);
    }

    #[test]
    fn an_entry_point_in_a_segment_marked_as_data_as_linux_7_has_it() {
        let file = with(&kernel(), |file| put64(file, at::ENTRY, DATA_PADDR + 0x30));
        assert_eq!(Elf::parse(&file).unwrap().entry(), DATA_PADDR + 0x30);
    }

    #[test]
    fn the_entry_point_for_virtual_machines() {
        let file = kernel();
        assert_eq!(
            Elf::parse(&file).unwrap().pvh_entry(),
            Some(CODE_PADDR + 0x20)
        );
        let short = with(&file, |file| {
            let xen = note(b"Xen\0", 18, &0x100_0030u32.to_le_bytes());
            put(file, at::XEN_NOTE, &xen);
            put64(file, at::HEADERS[2] + FILESZ, xen.len() as u64);
        });
        assert_eq!(Elf::parse(&short).unwrap().pvh_entry(), Some(0x100_0030));
        let other = with(&file, |file| file[at::XEN_NOTE + 8] = 17);
        assert_eq!(Elf::parse(&other).unwrap().pvh_entry(), None);
    }

    #[test]
    fn all_notes() {
        let file = kernel();
        let elf = Elf::parse(&file).unwrap();
        let notes: Vec<_> = elf.notes().map(|n| (n.segment, n.name, n.kind)).collect();
        assert_eq!(notes, [(2, &b"Xen"[..], 18), (3, &b"Baton"[..], 1)]);
    }

    #[test]
    fn notes_aligned_to_eight_bytes() {
        let mut file = kernel();
        // "GNU", a descriptor of 4 bytes and 4 of padding, then a note without a descriptor.
        let mut notes = note(b"GNU\0", 5, &[1, 2, 3, 4]);
        notes.extend([0; 4]);
        notes.extend(note(b"", 7, &[]));
        let begin = file.len();
        file.extend(&notes);
        put64(&mut file, at::HEADERS[2] + OFFSET, begin as u64);
        put64(&mut file, at::HEADERS[2] + FILESZ, notes.len() as u64);
        put64(&mut file, at::HEADERS[2] + ALIGN, 8);
        let elf = Elf::parse(&file).unwrap();
        let read: Vec<_> = elf
            .notes()
            .take(2)
            .map(|n| (n.kind, n.descriptor))
            .collect();
        assert_eq!(read, [(5, &[1, 2, 3, 4][..]), (7, &[][..])]);
    }

    #[test]
    fn a_relocatable_file() {
        let file = with(&kernel(), |file| put16(file, 0x10, 3));
        assert_eq!(Elf::parse(&file).unwrap().kind(), ElfKind::Relocatable);
    }

    #[test]
    fn a_segment_without_data_wherever_it_claims_to_be() {
        let file = with(&kernel(), |file| {
            put64(file, at::HEADERS[2] + FILESZ, 0);
            put64(file, at::HEADERS[2] + OFFSET, u64::MAX);
        });
        assert_eq!(Elf::parse(&file).unwrap().pvh_entry(), None);
    }

    #[test]
    fn as_many_program_headers_as_there_may_be() {
        let mut file = kernel();
        let table = file[0x40..0x120].to_vec();
        let begin = file.len();
        file.extend(table);
        file.resize(begin + 64 * PROGRAM_HEADER_LEN, 0);
        put64(&mut file, at::TABLE_OFFSET, begin as u64);
        put16(&mut file, at::TABLE_COUNT, 64);
        assert_eq!(Elf::parse(&file).unwrap().all_segments().count(), 64);
    }
}

mod signatures {
    use super::*;

    fn signed(file: &[u8]) -> Vec<u8> {
        let elf = Elf::parse(file).unwrap();
        elf.signed_parts().unwrap().flatten().copied().collect()
    }

    #[test]
    fn are_found_in_their_note() {
        let file = kernel();
        let elf = Elf::parse(&file).unwrap();
        let range = at::SIGNATURE..at::SIGNATURE + SIGNATURE.len();
        assert_eq!(elf.signature_note(), Some(range));
        assert_eq!(elf.signature(), Some(SIGNATURE));
    }

    #[test]
    fn are_over_the_file_with_zeros_in_their_place() {
        let file = kernel();
        let unsigned = with(&file, |file| {
            file[at::SIGNATURE..at::SIGNATURE + SIGNATURE.len()].fill(0);
        });
        assert_eq!(signed(&file), unsigned);
    }

    #[test]
    fn of_any_length_leave_as_many_zeros() {
        for len in [1, 1023, 1024, 1025, 2500] {
            let mut file = kernel();
            file.truncate(at::SIGNATURE_NOTE);
            let note = note(b"Baton\0", 1, &vec![0xff; len]);
            file.extend(&note);
            put64(&mut file, at::HEADERS[3] + FILESZ, note.len() as u64);
            let signed = signed(&file);
            assert_eq!(signed.len(), file.len());
            assert!(signed[at::SIGNATURE..].iter().all(|&byte| byte == 0));
        }
    }

    #[test]
    fn need_not_be_there() {
        for change in [at::SIGNATURE_NOTE + 8, at::SIGNATURE_NOTE + 12] {
            let file = with(&kernel(), |file| file[change] = b'b');
            let elf = Elf::parse(&file).unwrap();
            assert_eq!(elf.signature_note(), None);
            assert!(elf.signed_parts().is_none() && elf.signature().is_none());
        }
    }

    #[test]
    fn are_refused_if_there_are_two() {
        let error = error_with(|file| {
            let begin = file.len();
            file.extend(note(b"Baton\0", 1, SIGNATURE));
            let header = at::HEADERS[2];
            put64(file, header + OFFSET, begin as u64);
            put64(file, header + FILESZ, 32);
        });
        assert_eq!(error, ElfError::SecondSignature);
        // The same note, seen through two segments.
        let error = error_with(|file| {
            put64(file, at::HEADERS[2] + OFFSET, at::SIGNATURE_NOTE as u64);
            put64(file, at::HEADERS[2] + FILESZ, 32);
        });
        assert_eq!(error, ElfError::SecondSignature);
    }

    #[test]
    fn are_refused_if_empty_or_huge() {
        let error = error_with(|file| {
            put32(file, at::SIGNATURE_NOTE + 4, 0);
            put64(file, at::HEADERS[3] + FILESZ, 20);
        });
        assert_eq!(error, ElfError::SignatureLength(0));
        let error = error_with(|file| {
            file.truncate(at::SIGNATURE_NOTE);
            let note = note(b"Baton\0", 1, &[1; MAX_SIGNATURE_LEN + 1]);
            put64(file, at::HEADERS[3] + FILESZ, note.len() as u64);
            file.extend(note);
        });
        assert_eq!(error, ElfError::SignatureLength(MAX_SIGNATURE_LEN + 1));
    }

    #[test]
    fn are_refused_where_they_would_be_loaded() {
        let error = error_with(|file| {
            put64(file, at::HEADERS[1] + FILESZ, 0x55);
        });
        assert_eq!(error, ElfError::SignatureOverlaps);
    }

    #[test]
    fn are_refused_where_the_program_headers_are() {
        let error = error_with(|file| {
            // The descriptor holds a copy of the program headers, and the header points there.
            let table = file[0x40..0x120].to_vec();
            file.truncate(at::SIGNATURE_NOTE);
            file.extend(note(b"Baton\0", 1, &table));
            put64(file, at::TABLE_OFFSET, at::SIGNATURE as u64);
            let len = file.len() - at::SIGNATURE_NOTE;
            let size = at::SIGNATURE + 3 * PROGRAM_HEADER_LEN + FILESZ;
            put64(file, size, len as u64);
        });
        assert_eq!(error, ElfError::SignatureOverlaps);
    }
}

mod refuses {
    use super::*;

    #[test]
    fn every_truncation() {
        let file = kernel();
        for len in 0..file.len() - 2 {
            assert!(Elf::parse(&file[..len]).is_err(), "{len} bytes");
        }
        assert_eq!(Elf::parse(&file[..63]).unwrap_err(), ElfError::TooShort(63));
    }

    #[test]
    fn what_is_no_executable_for_this_machine() {
        assert_eq!(error_with(|file| file[0] = 0), ElfError::Magic);
        for ident in [5, 6, 0x14, 0x34] {
            assert_eq!(error_with(|file| file[ident] ^= 3), ElfError::Class);
        }
        for class in [0, 3] {
            assert_eq!(error_with(|file| file[4] = class), ElfError::Class);
        }
        assert_eq!(error_with(|file| file[4] = 1), ElfError::Machine(62));
        for kind in [0, 1, 4] {
            let error = error_with(|file| put16(file, 0x10, kind));
            assert_eq!(error, ElfError::Kind(kind));
        }
        let error = error_with(|file| put16(file, 0x12, 183));
        assert_eq!(error, ElfError::Machine(183));
        assert!(Elf::recognises(&kernel()) && !Elf::recognises(b"\x7fEL"));
    }

    #[test]
    fn a_core_is_known_by_its_first_18_bytes_but_is_no_kernel() {
        let core = with(&kernel()[..18], |file| put16(file, 0x10, 4));
        assert_eq!(Elf::core_class(&core), Some(Class::Elf64));
        let elf32 = with(&core, |file| file[4] = 1);
        assert_eq!(Elf::core_class(&elf32), Some(Class::Elf32));
        for (at, value) in [(0, 0), (3, 0), (4, 3), (5, 2), (6, 0), (16, 2), (17, 1)] {
            let other = with(&core, |file| file[at] = value);
            assert_eq!(Elf::core_class(&other), None, "byte {at} is {value}");
        }
        for len in 0..core.len() {
            assert_eq!(Elf::core_class(&core[..len]), None, "cut to {len}");
        }
    }

    #[test]
    fn program_headers_of_another_length() {
        for len in [0, 32, 57, u16::MAX] {
            let error = error_with(|file| put16(file, 0x36, len));
            assert_eq!(error, ElfError::ProgramHeaderLength(len));
        }
    }

    #[test]
    fn no_program_headers_or_thousands_or_a_count_kept_elsewhere() {
        for count in [0, 65, 5000, 0xffff] {
            let error = error_with(|file| put16(file, at::TABLE_COUNT, count));
            assert_eq!(error, ElfError::ProgramHeaderCount(count));
        }
    }

    #[test]
    fn program_headers_outside_the_file_or_over_its_header() {
        for offset in [0, 0x3f, at::END as u64 - 223, u64::MAX - 223, u64::MAX] {
            let error = error_with(|file| put64(file, at::TABLE_OFFSET, offset));
            assert_eq!(error, ElfError::ProgramHeadersBeyondEnd);
        }
    }

    #[test]
    fn segments_outside_the_file() {
        for (offset, filesz) in [
            (at::END as u64 - 0x7f, 0x80),
            (u64::MAX, 1),
            (u64::MAX - 0x7f, 0x80),
            (at::CODE as u64, u64::MAX),
        ] {
            let error = error_with(|file| {
                put64(file, at::HEADERS[0] + OFFSET, offset);
                put64(file, at::HEADERS[0] + FILESZ, filesz);
                put64(file, at::HEADERS[0] + MEMSZ, filesz);
            });
            assert_eq!(error, ElfError::SegmentBeyondEnd(0));
        }
    }

    #[test]
    fn segments_with_more_in_the_file_than_in_memory() {
        let error = error_at(0, MEMSZ, 0x7f);
        assert_eq!(error, ElfError::MoreInFileThanInMemory(0));
    }

    #[test]
    fn segments_that_wrap_around() {
        let last = u64::MAX - 0x7e;
        assert_eq!(error_at(0, VADDR, last), ElfError::AddressWraps(0));
        assert_eq!(error_at(0, PADDR, last), ElfError::AddressWraps(0));
        assert_eq!(error_at(1, MEMSZ, u64::MAX), ElfError::AddressWraps(1));
    }

    #[test]
    fn segments_that_overlap_in_memory() {
        for paddr in [CODE_PADDR - 0xfff, CODE_PADDR, CODE_PADDR + 0x7f] {
            assert_eq!(error_at(1, PADDR, paddr), ElfError::Overlap(0, 1));
        }
        let touching = with(&kernel(), |file| {
            put64(file, at::HEADERS[1] + PADDR, CODE_PADDR + 0x80);
        });
        assert!(Elf::parse(&touching).is_ok());
    }

    #[test]
    fn alignments_that_are_no_power_of_two() {
        assert_eq!(error_at(0, ALIGN, 3), ElfError::Alignment(0, 3));
        assert_eq!(
            error_at(3, ALIGN, u64::MAX),
            ElfError::Alignment(3, u64::MAX)
        );
    }

    #[test]
    fn nothing_to_load() {
        let error = error_with(|file| {
            for header in &at::HEADERS[..2] {
                put_header(
                    file,
                    *header,
                    &crate::samples::elf::Header {
                        kind: 1,
                        flags: 5,
                        offset: 0,
                        memory: (0, 0),
                        sizes: (0, 0),
                        align: 0,
                    },
                );
            }
        });
        assert_eq!(error, ElfError::NothingToLoad);
    }

    #[test]
    fn a_program_for_user_space() {
        let error = error_with(|file| put32(file, at::HEADERS[2], PT_INTERP));
        assert_eq!(error, ElfError::Interpreter);
    }

    #[test]
    fn an_entry_point_outside_what_is_loaded() {
        for entry in [0, CODE_PADDR + 0x80, DATA_PADDR + 0x1000, u64::MAX] {
            let error = error_with(|file| put64(file, at::ENTRY, entry));
            assert_eq!(error, ElfError::Entry(entry));
        }
    }

    #[test]
    fn notes_whose_sizes_wrap_or_pass_the_end() {
        for (field, value) in [(0, u32::MAX), (0, 13), (4, u32::MAX), (4, 9)] {
            let error = error_with(|file| put32(file, at::XEN_NOTE + field, value));
            assert_eq!(error, ElfError::Note(2), "{field} {value}");
        }
        assert_eq!(error_at(2, FILESZ, 11), ElfError::Note(2));
    }

    #[test]
    fn segments_that_all_have_the_same_notes() {
        // The notes' own header again and again, and the notes long enough to fill the file twice.
        let mut file = kernel();
        let notes = note(b"x", 1, &vec![0; file.len()]);
        let offset = file.len();
        file.extend(&notes);
        for header in [2, 3] {
            let at = at::HEADERS[header];
            put32(&mut file, at, PT_NOTE);
            put64(&mut file, at + 8, offset as u64);
            put64(&mut file, at + 32, notes.len() as u64);
        }
        assert_eq!(Elf::parse(&file).unwrap_err(), ElfError::Note(3));
    }

    #[test]
    fn a_pvh_entry_point_that_can_not_be() {
        for address in [0, CODE_PADDR - 1, DATA_PADDR + 0x1000, u64::MAX] {
            let error = error_with(|file| put64(file, at::XEN_NOTE + 16, address));
            assert_eq!(error, ElfError::PvhEntry);
        }
        let error = error_with(|file| {
            let xen = note(b"Xen\0", 18, &[1, 2, 3, 4, 5]);
            put(file, at::XEN_NOTE, &xen);
        });
        assert_eq!(error, ElfError::PvhEntry);
    }
}

mod of_32_bits {
    use super::*;
    use crate::samples::elf32;

    #[test]
    fn is_read_by_its_own_offsets() {
        let file = elf32::kernel();
        let elf = Elf::parse(&file).unwrap();
        assert_eq!(elf.class(), Class::Elf32);
        assert_eq!(elf.entry(), 0x20_0010);
        let [segment] = elf.segments().collect::<Vec<_>>()[..] else {
            panic!("one segment is loaded");
        };
        assert_eq!((segment.paddr, segment.memsz), (0x20_0000, 0x1000));
        assert_eq!((segment.flags, segment.align), (7, 64));
        assert_eq!(segment.data, &file[0x80..0xc0]);
        assert!(elf.is_linux(), "its note says so");
    }

    #[test]
    fn is_refused_cut_short_anywhere_and_with_the_other_machine() {
        let file = elf32::kernel();
        for len in 0..file.len() {
            assert!(Elf::parse(&file[..len]).is_err(), "{len} bytes");
        }
        let other = with(&file, |file| file[0x12] = 62);
        assert_eq!(Elf::parse(&other).unwrap_err(), ElfError::Machine(62));
    }
}
