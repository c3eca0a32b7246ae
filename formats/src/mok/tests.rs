use super::*;
use crate::samples::{
    SBAT_LEVEL as SBAT_LEVEL_DATA, mok_entry, mok_table, put64, signature_lists, with,
};

/// An entry with its data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Entry<'a> {
    name: &'a str,
    data: &'a [u8],
}

/// The entries of a table up to the one that ends it, or up to the first error, as whoever has all of its bytes
/// reads them.
fn entries(mut bytes: &[u8]) -> Vec<Result<Entry<'_>, MokError>> {
    let mut entries = Vec::new();
    loop {
        match next(bytes) {
            Ok(None) => return entries,
            Ok(Some((entry, rest))) => {
                entries.push(Ok(entry));
                bytes = rest;
            }
            Err(error) => {
                entries.push(Err(error));
                return entries;
            }
        }
    }
}

/// An entry and what follows it; `None` at the end of the table.
fn next(bytes: &[u8]) -> Result<Option<(Entry<'_>, &[u8])>, MokError> {
    let (header, rest) = bytes.split_first_chunk().ok_or(MokError::Truncated)?;
    let EntryHeader { name, size } = EntryHeader::parse(header)?;
    if name.is_empty() {
        return Ok(None);
    }
    let size = usize::try_from(size).map_err(|_| MokError::Truncated)?;
    let (data, rest) = rest.split_at_checked(size).ok_or(MokError::Truncated)?;
    Ok(Some((Entry { name, data }, rest)))
}

fn last_of(bytes: &[u8]) -> Option<Result<Entry<'_>, MokError>> {
    entries(bytes).pop()
}

#[test]
fn reads_the_entries_up_to_the_empty_name() {
    let table = [mok_table(), b"whatever comes after".to_vec()].concat();
    let entries: Vec<_> = entries(&table).into_iter().map(Result::unwrap).collect();
    let names: Vec<_> = entries.iter().map(|entry| entry.name).collect();
    assert_eq!(
        names,
        [MOK_LIST, MOK_LIST_X, SBAT_LEVEL, "MokListTrustedRT"]
    );
    assert_eq!(entries[0].data, signature_lists());
    assert_eq!(entries[2].data, SBAT_LEVEL_DATA);
    assert_eq!(entries[3].data, [1]);
}

#[test]
fn refuses_every_truncation() {
    let table = mok_table();
    for len in 0..table.len() {
        let last = last_of(&table[..len]);
        assert_eq!(last, Some(Err(MokError::Truncated)), "{len} bytes");
    }
}

#[test]
fn refuses_sizes_beyond_the_table() {
    for size in [u64::MAX, u64::MAX - 263, 0x1000] {
        let table = with(&mok_table(), |table| put64(table, NAME_LEN, size));
        assert_eq!(last_of(&table), Some(Err(MokError::Truncated)));
    }
}

#[test]
fn refuses_a_name_without_an_end() {
    let endless = mok_entry(&"x".repeat(NAME_LEN), &[]);
    assert_eq!(last_of(&endless), Some(Err(MokError::Name)));
    let longest = [
        mok_entry(&"x".repeat(NAME_LEN - 1), &[]),
        mok_entry("", &[]),
    ];
    assert!(last_of(&longest.concat()).unwrap().is_ok());
}

#[test]
fn refuses_a_name_that_is_not_text() {
    let table = with(&mok_table(), |table| table[0] = 0xff);
    assert_eq!(last_of(&table), Some(Err(MokError::Name)));
}

#[test]
fn reads_headers_alone_for_a_table_in_memory() {
    let table = mok_table();
    let header = EntryHeader::parse(table.first_chunk().unwrap()).unwrap();
    assert_eq!(header.name, MOK_LIST);
    assert_eq!(header.size, signature_lists().len() as u64);
    assert!(!header.is_end());
    let end = EntryHeader::parse(table.last_chunk().unwrap()).unwrap();
    assert!(end.is_end());
}

#[test]
fn refuses_an_end_that_has_data() {
    let table = [mok_table(), vec![0; HEADER_LEN]].concat();
    let end = mok_table().len() - HEADER_LEN;
    let table = with(&table, |table| put64(table, end + NAME_LEN, 1));
    assert_eq!(last_of(&table), Some(Err(MokError::EndWithData)));
}
