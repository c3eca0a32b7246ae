use super::*;
use crate::samples::{filler, put32, signature_list, signature_lists, with};

/// All signatures, or the first error.
fn all(bytes: &[u8]) -> Result<Vec<Signature<'_>>, SigListError> {
    let lists: Result<Vec<_>, _> = SignatureLists::new(bytes).collect();
    Ok(lists?.iter().flat_map(SignatureList::signatures).collect())
}

#[test]
fn reads_certificates_and_digests() {
    let bytes = signature_lists();
    let signatures = all(&bytes).unwrap();
    let kinds: Vec<_> = signatures.iter().map(|signature| signature.kind).collect();
    assert_eq!(
        kinds,
        [
            SignatureType::X509,
            SignatureType::Sha256,
            SignatureType::Sha256,
            SignatureType::X509Sha384
        ]
    );
    assert_eq!(signatures[0].data, filler(70, 4));
    assert_eq!(signatures[0].hash(), None);
    assert_eq!(signatures[2].hash(), Some(&[0xbb; 32][..]));
    assert_eq!(signatures[3].data.len(), 64);
    assert_eq!(signatures[3].hash(), Some(&filler(64, 5)[..48]));
    assert!(signatures.iter().all(|s| s.owner == [0x5a; 16]));
}

#[test]
fn knows_the_digests_of_revoked_certificates() {
    for (guid, len) in [
        (X509_SHA256_GUID, 32),
        (X509_SHA384_GUID, 48),
        (X509_SHA512_GUID, 64),
    ] {
        let data = filler(len + 16, 0);
        let bytes = signature_list(&guid, &[&data]);
        assert_eq!(all(&bytes).unwrap()[0].hash(), Some(&data[..len]));
    }
}

#[test]
fn passes_on_types_that_it_does_not_know() {
    let guid = [0x77; 16];
    let bytes = with(&signature_list(&guid, &[&[1, 2, 3]]), |bytes| {
        bytes.splice(28..28, [8, 9]);
        put32(bytes, 16, 28 + 2 + 19);
        put32(bytes, 20, 2);
    });
    let list = SignatureLists::new(&bytes).next().unwrap().unwrap();
    assert_eq!(list.kind(), SignatureType::Other(guid));
    assert_eq!(list.header(), [8, 9]);
    assert_eq!(list.signatures().next().unwrap().data, [1, 2, 3]);
}

#[test]
fn no_lists_and_lists_without_signatures_are_well_formed() {
    assert_eq!(all(&[]), Ok(vec![]));
    assert_eq!(all(&signature_list(&SHA256_GUID, &[])), Ok(vec![]));
}

#[test]
fn refuses_every_truncation() {
    let bytes = signature_lists();
    let whole_lists = [0, 28 + 86, 28 + 86 + 28 + 96];
    for len in (0..bytes.len()).filter(|len| !whole_lists.contains(len)) {
        assert_eq!(all(&bytes[..len]), Err(SigListError::Truncated));
    }
}

#[test]
fn refuses_lists_shorter_than_their_headers() {
    for size in [0, 16, 27] {
        let bytes = with(&signature_lists(), |bytes| put32(bytes, 16, size));
        assert_eq!(all(&bytes), Err(SigListError::ListSize(size)));
    }
    let bytes = with(&signature_list(&[7; 16], &[&[1]]), |bytes| {
        put32(bytes, 20, u32::MAX);
    });
    assert_eq!(all(&bytes), Err(SigListError::ListSize(45)));
}

#[test]
fn refuses_signatures_of_the_wrong_size() {
    for size in [0, 15, 16] {
        let bytes = with(&signature_lists(), |bytes| put32(bytes, 24, size));
        assert_eq!(all(&bytes), Err(SigListError::SignatureSize(size)));
    }
    let short = signature_list(&SHA256_GUID, &[&[1; 20]]);
    assert_eq!(all(&short), Err(SigListError::SignatureSize(36)));
    let timeless = signature_list(&X509_SHA256_GUID, &[&[1; 32]]);
    assert_eq!(all(&timeless), Err(SigListError::SignatureSize(48)));
}

#[test]
fn refuses_a_part_of_a_signature_at_the_end() {
    for size in [85, 87, u32::MAX] {
        let bytes = with(&signature_lists(), |bytes| put32(bytes, 24, size));
        assert_eq!(all(&bytes), Err(SigListError::PartOfSignature));
    }
}

#[test]
fn refuses_a_header_where_the_type_has_none() {
    let bytes = with(&signature_lists(), |bytes| put32(bytes, 20, 1));
    assert_eq!(all(&bytes), Err(SigListError::HeaderSize(1)));
}

#[test]
fn ends_after_the_first_malformed_list() {
    let bytes = with(&signature_lists(), |bytes| put32(bytes, 24, 0));
    assert_eq!(SignatureLists::new(&bytes).count(), 1);
}
