//! An accepted flattened dump reads as if its records had been written to a file one after another.
#![no_main]

use baton_kdump::format::flattened::Flattened;
use baton_kdump::{Dump, Source};
use libfuzzer_sys::fuzz_target;
use std::path::Path;
use std::sync::Arc;

/// What is compared byte by byte.
const MOST: usize = 1 << 20;

/// The simplest reader there is.
fn written(file: &[u8]) -> Option<Vec<u8>> {
    let mut dump = Vec::new();
    let mut rest = file.get(4096..)?;
    while let Some((header, data)) = rest.split_at_checked(16) {
        let number = |at: usize| i64::from_be_bytes(header[at..at + 8].try_into().unwrap());
        if (number(0), number(8)) == (-1, -1) {
            break;
        }
        // Zeros aren't a record, which would be read as an endless number of them.
        if number(8) <= 0 || number(0).checked_add(number(8)).is_none() {
            break;
        }
        let length = usize::try_from(number(8)).ok()?.min(data.len());
        let start = usize::try_from(number(0)).ok().filter(|it| *it <= MOST)?;
        let end = start.checked_add(length).filter(|it| *it <= MOST)?;
        if length > 0 {
            dump.resize(dump.len().max(end), 0);
            dump[start..end].copy_from_slice(&data[..length]);
        }
        rest = &data[length..];
    }
    Some(dump)
}

fuzz_target!(|file: &[u8]| {
    let Ok(dump) = Flattened::open(Arc::new(file.to_vec())) else {
        return;
    };
    let size = dump.size().unwrap();
    assert!(dump.read_at(size, &mut [0]).is_err());
    if let Some(expected) = written(file) {
        let mut bytes = vec![1; usize::try_from(size).unwrap()];
        dump.read_at(0, &mut bytes).unwrap();
        assert!(bytes == expected);
        let middle = bytes.len() / 2;
        let mut tail = vec![1; bytes.len() - middle];
        dump.read_at(middle as u64, &mut tail).unwrap();
        assert!(tail == expected[middle..]);
    }
    let _ = Dump::from_source(Path::new("dump"), Arc::new(file.to_vec()));
});
