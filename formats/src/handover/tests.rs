use super::*;
use crate::samples::{
    filler, handover, handover_of, handover_records, handover_with_addons, put, put32, put64,
    signed_handover, signed_hybrid, with,
};

const PAGE: u64 = PAGE_SIZE as u64;

/// The offset of a field of record `index` in the header page.
fn field(index: usize, offset: usize) -> usize {
    TABLE_OFFSET + index * RECORD_LEN + offset
}

fn error_with(change: impl FnOnce(&mut Vec<u8>)) -> HandoverError {
    Handover::parse(&with(&handover(), change)).unwrap_err()
}

fn at_record(index: usize, problem: RecordProblem) -> HandoverError {
    HandoverError::Record { index, problem }
}

mod reads {
    use super::*;

    #[test]
    fn what_was_written() {
        let blob = handover();
        let parsed = Handover::parse(&blob).unwrap();
        let records: Vec<_> = parsed.records().collect();
        assert_eq!(records.len(), 3);
        for (record, (kind, bytes, digest)) in records.iter().zip(handover_records()) {
            assert_eq!((record.kind, record.digest), (kind, digest));
            assert_eq!(record.bytes, bytes);
        }
        let offsets: Vec<_> = records.iter().map(|r| (r.index, r.offset)).collect();
        assert_eq!(offsets, [(0, PAGE), (1, 2 * PAGE), (2, 3 * PAGE)]);
        assert_eq!(parsed.kernel(), records[0]);
        assert!(!parsed.is_crash());
        assert_eq!(parsed.bytes(), blob);
    }

    #[test]
    fn the_initrds_as_one_range() {
        let blob = handover();
        let parsed = Handover::parse(&blob).unwrap();
        assert_eq!(parsed.initrds().count(), 2);
        assert_eq!(parsed.initrd_range(), Some(0x2000..0x3064));
    }

    #[test]
    fn a_kernel_alone() {
        let blob = handover_of(&handover_records()[..1], 0);
        let parsed = Handover::parse(&blob).unwrap();
        assert_eq!(parsed.initrd_range(), None);
        assert_eq!(parsed.initrds().count(), 0);
    }

    #[test]
    fn the_manifest_and_whose_signatures_there_are() {
        let blob = signed_handover();
        let parsed = Handover::parse(&blob).unwrap();
        assert_eq!(parsed.records().count(), 7);
        let manifest = parsed.manifest().unwrap();
        assert_eq!((manifest.index, manifest.subject()), (3, None));
        assert_eq!(parsed.signatures().count(), 3);
        let signature_of = |index| parsed.signature_of(index).map(|record| record.bytes);
        assert_eq!(signature_of(0), Some(&[0x30, 1, 0][..]));
        assert_eq!(signature_of(1), None);
        assert_eq!(signature_of(2), Some(&[0x30, 1, 2][..]));
        assert_eq!(signature_of(3), Some(&[0x30, 1, 3][..]));
        assert_eq!((signature_of(4), signature_of(16)), (None, None));
        let subjects: Vec<_> = parsed.records().map(|record| record.subject()).collect();
        let expected = [None, None, None, None, Some(0), Some(2), Some(3)];
        assert_eq!(subjects, expected);
        assert_eq!(parsed.initrd_range(), Some(0x2000..0x3064));
    }

    #[test]
    fn neither_manifest_nor_signature_where_there_is_none() {
        let blob = handover();
        let parsed = Handover::parse(&blob).unwrap();
        assert_eq!((parsed.manifest(), parsed.signature_of(0)), (None, None));
    }

    #[test]
    fn that_it_is_meant_for_a_crash() {
        let blob = handover_of(&handover_records(), FLAG_CRASH);
        assert!(Handover::parse(&blob).unwrap().is_crash());
    }

    #[test]
    fn addons_between_initrds_and_manifest_and_the_profile() {
        let blob = handover_with_addons();
        let parsed = Handover::parse(&blob).unwrap();
        let addons: Vec<_> = parsed.addons().map(|addon| addon.index).collect();
        assert_eq!((addons, parsed.profile()), (vec![2, 3], 7));
        assert_eq!(parsed.manifest().map(|record| record.index), Some(4));
        assert!(parsed.signature_of(4).is_some());
        assert_eq!(Handover::parse(&handover()).unwrap().profile(), 0);
    }

    #[test]
    fn as_many_records_as_there_may_be() {
        let mut records = vec![handover_records().remove(0)];
        records.extend((1..32).map(|n| (RecordKind::Initrd, filler(n, 0), [0; 32])));
        let blob = handover_of(&records, 0);
        assert_eq!(Handover::parse(&blob).unwrap().records().count(), 32);
    }

    #[test]
    fn a_meaning_from_every_bit() {
        let blob = signed_handover();
        let contents = |blob: &[u8]| {
            let parsed = Handover::parse(blob).ok()?;
            let records: Vec<_> = parsed
                .records()
                .map(|r| (r.kind, r.digest, r.subject(), r.bytes.to_vec()))
                .collect();
            Some((parsed.is_crash(), parsed.profile(), records))
        };
        let before = contents(&blob);
        // The header page and what holds the last three records' bytes and padding.
        for bit in (0..4096 * 8).chain(5 * 4096 * 8..blob.len() * 8) {
            let flipped = with(&blob, |blob| blob[bit / 8] ^= 1 << (bit % 8));
            assert!(contents(&flipped) != before, "bit {bit} means nothing");
        }
    }
}

mod refuses {
    use super::*;

    #[test]
    fn every_truncation() {
        let blob = signed_handover();
        for len in 0..blob.len() {
            assert!(Handover::parse(&blob[..len]).is_err(), "{len} bytes");
        }
    }

    #[test]
    fn less_than_a_header() {
        assert_eq!(
            Handover::parse(&[]).unwrap_err(),
            HandoverError::TooShort(0)
        );
        let blob = handover();
        let error = Handover::parse(&blob[..4095]).unwrap_err();
        assert_eq!(error, HandoverError::TooShort(4095));
    }

    #[test]
    fn another_magic_or_version() {
        assert_eq!(error_with(|blob| blob[5] = b'-'), HandoverError::Magic);
        assert_eq!(
            error_with(|blob| put32(blob, 8, 2)),
            HandoverError::Version(2)
        );
    }

    #[test]
    fn no_records_or_too_many() {
        for count in [0, 33, u32::MAX] {
            assert_eq!(
                error_with(|blob| put32(blob, 0x0c, count)),
                HandoverError::RecordCount(count)
            );
        }
    }

    #[test]
    fn a_length_that_is_not_the_blobs() {
        let actual = handover().len();
        for stated in [0, actual as u64 - PAGE, actual as u64 + PAGE, u64::MAX] {
            let error = error_with(|blob| put64(blob, 0x10, stated));
            assert_eq!(error, HandoverError::Length { stated, actual });
        }
    }

    #[test]
    fn a_length_that_is_no_multiple_of_the_page_size() {
        let actual = handover().len() + 8;
        let error = error_with(|blob| {
            blob.extend([0; 8]);
            put64(blob, 0x10, actual as u64);
        });
        let stated = actual as u64;
        assert_eq!(error, HandoverError::Length { stated, actual });
    }

    #[test]
    fn a_page_after_the_last_record() {
        let error = error_with(|blob| {
            blob.extend([0; PAGE_SIZE]);
            let len = blob.len() as u64;
            put64(blob, 0x10, len);
        });
        assert_eq!(error, HandoverError::TrailingBytes { end: 4 * PAGE });
    }

    #[test]
    fn unknown_flags() {
        for flags in [2, 3, 0x8000_0000] {
            assert_eq!(
                error_with(|blob| put32(blob, 0x18, flags)),
                HandoverError::Flags(flags)
            );
        }
    }

    #[test]
    fn bytes_in_unused_parts_of_the_header() {
        for offset in [field(3, 0), 4095] {
            let error = error_with(|blob| blob[offset] = 1);
            assert_eq!(error, HandoverError::HeaderNotZero, "at {offset:#x}");
        }
    }

    #[test]
    fn unknown_and_reserved_kinds() {
        for kind in [0, 5, 7, 99, u32::MAX] {
            let error = error_with(|blob| put32(blob, field(1, 0), kind));
            assert_eq!(error, at_record(1, RecordProblem::Kind(kind)));
        }
    }

    #[test]
    fn flags_and_reserved_fields_of_records() {
        let error = error_with(|blob| put32(blob, field(2, 4), 1));
        assert_eq!(error, at_record(2, RecordProblem::Flags(1)));
        for offset in [0x38, 0x3c, 0x3f] {
            let error = error_with(|blob| blob[field(0, offset)] = 1);
            assert_eq!(error, at_record(0, RecordProblem::Reserved));
        }
        let blob = with(&signed_handover(), |blob| blob[field(4, 0x3c)] = 1);
        let error = Handover::parse(&blob).unwrap_err();
        assert_eq!(error, at_record(4, RecordProblem::Reserved));
    }

    #[test]
    fn an_empty_record() {
        let error = error_with(|blob| put64(blob, field(1, 0x10), 0));
        assert_eq!(error, at_record(1, RecordProblem::Empty));
    }

    #[test]
    fn records_that_overlap_each_other_or_the_header() {
        for (index, stated) in [(0, 0), (1, PAGE), (2, 2 * PAGE)] {
            let error = error_with(|blob| put64(blob, field(index, 8), stated));
            let expected = PAGE * (index as u64 + 1);
            let problem = RecordProblem::Offset { stated, expected };
            assert_eq!(error, at_record(index, problem));
        }
    }

    #[test]
    fn gaps_between_records() {
        for stated in [3 * PAGE, 2 * PAGE + 8, u64::MAX] {
            let error = error_with(|blob| put64(blob, field(1, 8), stated));
            let expected = 2 * PAGE;
            let problem = RecordProblem::Offset { stated, expected };
            assert_eq!(error, at_record(1, problem));
        }
    }

    #[test]
    fn a_record_past_the_end() {
        for length in [PAGE + 1, u64::MAX - 3 * PAGE, u64::MAX] {
            let error = error_with(|blob| put64(blob, field(2, 0x10), length));
            assert_eq!(error, at_record(2, RecordProblem::BeyondEnd));
        }
    }

    #[test]
    fn bytes_hidden_in_padding() {
        for offset in [0x3064, 0x3fff] {
            let error = error_with(|blob| blob[offset] = 1);
            assert_eq!(error, at_record(2, RecordProblem::Padding));
        }
    }

    #[test]
    fn a_record_that_states_less_than_it_has() {
        let error = error_with(|blob| put64(blob, field(2, 0x10), 99));
        assert_eq!(error, at_record(2, RecordProblem::Padding));
    }

    #[test]
    fn no_kernel_or_two() {
        let error = error_with(|blob| put32(blob, field(0, 0), 2));
        assert_eq!(error, HandoverError::NoKernel);
        let error = error_with(|blob| put32(blob, field(1, 0), 1));
        assert_eq!(error, at_record(1, RecordProblem::SecondKernel));
    }

    /// What the signed handover with this in a field of a record is refused for.
    fn signed_error(index: usize, offset: usize, value: u32) -> HandoverError {
        let blob = with(&signed_handover(), |blob| {
            put32(blob, field(index, offset), value);
        });
        Handover::parse(&blob).unwrap_err()
    }

    #[test]
    fn records_out_of_order() {
        let error = error_with(|blob| {
            put32(blob, field(0, 0), 2);
            put32(blob, field(1, 0), 1);
        });
        assert_eq!(error, at_record(1, RecordProblem::OutOfOrder));
        // A signature or a manifest before an initrd.
        for kind in [3, 4] {
            let error = signed_error(1, 0, kind);
            assert_eq!(error, at_record(2, RecordProblem::OutOfOrder));
        }
        // An initrd after the manifest.
        let error = signed_error(4, 0, 2);
        assert_eq!(error, at_record(4, RecordProblem::OutOfOrder));
        // The manifest after a signature.
        let error = signed_error(6, 0, 4);
        assert_eq!(error, at_record(6, RecordProblem::OutOfOrder));
    }

    #[test]
    fn two_manifests() {
        let error = signed_error(4, 0, 4);
        assert_eq!(error, at_record(4, RecordProblem::SecondManifest));
    }

    #[test]
    fn signatures_of_what_is_not_there_or_is_a_signature() {
        for subject in [4, 5, 6, 7, 16, u32::MAX] {
            let error = signed_error(6, 0x38, subject);
            assert_eq!(error, at_record(6, RecordProblem::Subject(subject)));
        }
        let error = signed_error(4, 0x38, 4);
        assert_eq!(error, at_record(4, RecordProblem::Subject(4)));
    }

    #[test]
    fn a_signature_of_an_addon() {
        let blob = handover_with_addons();
        for subject in [2, 3] {
            let blob = with(&blob, |blob| put32(blob, field(5, 0x38), subject));
            let error = Handover::parse(&blob).unwrap_err();
            assert_eq!(error, at_record(5, RecordProblem::Subject(subject)));
        }
    }

    #[test]
    fn an_addon_out_of_its_place() {
        for (index, kind) in [(2, 4), (3, 2), (4, 6)] {
            let blob = with(&handover_with_addons(), |blob| {
                put32(blob, field(index, 0), kind);
            });
            assert!(Handover::parse(&blob).is_err(), "{kind} at {index}");
        }
    }

    #[test]
    fn two_signatures_of_one_record() {
        for subject in [0, 1, 2] {
            let error = signed_error(6, 0x38, subject);
            assert_eq!(error, at_record(6, RecordProblem::Subject(subject)));
        }
    }

    #[test]
    fn a_kernel_image_in_its_place() {
        let mut image = signed_hybrid();
        image.resize(2 * PAGE_SIZE, 0);
        assert_eq!(Handover::parse(&image).unwrap_err(), HandoverError::Magic);
    }
}

mod layouts {
    use super::*;

    fn error_of(records: &[(RecordKind, u64)], flags: u32) -> LayoutError {
        let records: Vec<_> = records.iter().map(|&(k, n)| (k, n, [0; 32])).collect();
        Layout::plan(&records, flags).unwrap_err()
    }

    #[test]
    fn are_page_aligned_without_gaps() {
        let records = [
            (RecordKind::Kernel, PAGE, [1; 32]),
            (RecordKind::Initrd, 1, [2; 32]),
            (RecordKind::Initrd, PAGE + 1, [3; 32]),
        ];
        let layout = Layout::plan(&records, 0).unwrap();
        let offsets: Vec<_> = (0..4).map(|index| layout.offset(index)).collect();
        let expected = [Some(PAGE), Some(2 * PAGE), Some(3 * PAGE), None];
        assert_eq!(offsets, expected);
        assert_eq!(layout.total_len(), 5 * PAGE);
    }

    #[test]
    fn put_every_field_where_the_documentation_says() {
        let layout = Layout::plan(&[(RecordKind::Kernel, 5, [0xd1; 32])], FLAG_CRASH).unwrap();
        let layout = layout.with_profile(0x0102_0304);
        let mut expected = [0; PAGE_SIZE];
        put(&mut expected, 0x00, b"BATON\0HO");
        put(&mut expected, 0x08, &[1, 0, 0, 0, 1, 0, 0, 0]);
        put(&mut expected, 0x10, &[0, 0x20, 0, 0, 0, 0, 0, 0]);
        put(&mut expected, 0x18, &[1, 0, 0, 0, 4, 3, 2, 1]);
        put(&mut expected, 0x20, &[1, 0, 0, 0, 0, 0, 0, 0]);
        put(&mut expected, 0x28, &[0, 0x10, 0, 0, 0, 0, 0, 0]);
        put(&mut expected, 0x30, &[5, 0, 0, 0, 0, 0, 0, 0]);
        put(&mut expected, 0x38, &[0xd1; 32]);
        assert!(layout.header_page() == expected);
    }

    #[test]
    fn are_refused_for_what_a_reader_would_refuse() {
        use RecordKind::{Initrd, Kernel, Manifest, Signature};
        let at = |index, problem| LayoutError::Record { index, problem };
        assert_eq!(error_of(&[], 0), LayoutError::RecordCount(0));
        let many = [&[(Kernel, 1)][..], &[(Initrd, 1); 32]].concat();
        assert_eq!(error_of(&many, 0), LayoutError::RecordCount(33));
        assert_eq!(error_of(&[(Kernel, 1)], 2), LayoutError::Flags(2));
        assert_eq!(error_of(&[(Initrd, 1)], 0), LayoutError::NoKernel);
        let two = at(1, RecordProblem::SecondKernel);
        assert_eq!(error_of(&[(Kernel, 1); 2], 0), two);
        let empty = at(1, RecordProblem::Empty);
        assert_eq!(error_of(&[(Kernel, 1), (Initrd, 0)], 0), empty);
        let order = at(1, RecordProblem::OutOfOrder);
        assert_eq!(error_of(&[(Initrd, 1), (Kernel, 1)], 0), order);
        let manifests = [(Kernel, 1), (Manifest, 1), (Manifest, 1)];
        let second = at(2, RecordProblem::SecondManifest);
        assert_eq!(error_of(&manifests, 0), second);
        let signatures = [(Kernel, 1), (Signature, 1), (Signature, 1)];
        let same = at(2, RecordProblem::Subject(0));
        assert_eq!(error_of(&signatures, 0), same);
        for length in [u64::MAX, u64::MAX - PAGE] {
            assert_eq!(error_of(&[(Kernel, length)], 0), LayoutError::TooLong);
        }
    }
}
