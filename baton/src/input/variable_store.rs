//! A firmware's variable store in a file, such as OVMF's `VARS.fd`.
//!
//! EDK2 keeps variables in a firmware volume (EFI_FIRMWARE_VOLUME_HEADER, PI specification, volume 3, 3.2.1), one after
//! another behind the header of a store (MdeModulePkg/Include/Guid/VariableFormat.h and, of authenticated variables,
//! MdePkg/Include/Guid/... AuthenticatedVariableFormat.h):
//!
//! | volume | store | variable | field |
//! |---|---|---|---|
//! | 40 | | | `_FVH` |
//! | 48 | | | length of the volume's header, u16; the store follows it |
//! | | 0 | | GUID of authenticated variables |
//! | | 16 | | size of the store with this header (28 bytes), u32 |
//! | | 20 | | formatted (0x5a), healthy (0xfe) |
//! | | | 0 | 0x55aa, u16 |
//! | | | 2 | state, u8 |
//! | | | 4 | attributes, u32 |
//! | | | 36 | sizes of name and data, u32 each |
//! | | | 44 | vendor's GUID |
//! | | | 60 | name in UTF-16 with its NUL, then data |
//!
//! Variables begin at multiples of 4.

use baton_formats::reader::{u16_at, u32_at};
use std::collections::BTreeSet;

/// EFI_AUTHENTICATED_VARIABLE_GUID, aaf32c78-947b-439a-a180-2e144ec37792.
const AUTHENTICATED: [u8; 16] = [
    0x78, 0x2c, 0xf3, 0xaa, 0x7b, 0x94, 0x9a, 0x43, 0xa1, 0x80, 0x2e, 0x14, 0x4e, 0xc3, 0x77, 0x92,
];
const SIGNATURE: (usize, &[u8]) = (40, b"_FVH");
const VOLUME_HEADER_LEN: usize = 48;
const STORE_HEADER_LEN: usize = 28;
/// VARIABLE_STORE_FORMATTED, VARIABLE_STORE_HEALTHY.
const USABLE: [u8; 2] = [0x5a, 0xfe];
/// VARIABLE_DATA.
const START: u16 = 0x55aa;
const VARIABLE_HEADER_LEN: usize = 60;
/// VAR_ADDED, alone and with VAR_IN_DELETED_TRANSITION: of a variable that was being replaced.
const ADDED: u8 = 0x3f;
const BEING_REPLACED: u8 = 0x3e;

/// A variable that is in force.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Variable {
    /// Its name.
    pub name: String,
    /// Its vendor, as `8be4df61-93ca-11d2-aa0d-00e098032b8c`.
    pub vendor: String,
    /// Its attributes.
    pub attributes: u32,
    /// Its data.
    pub data: Vec<u8>,
}

/// Whether a file begins as a firmware volume does.
#[must_use]
pub fn is_volume(file: &[u8]) -> bool {
    let (at, signature) = SIGNATURE;
    file.get(at..at + signature.len()) == Some(signature)
}

/// The variables of the store that the file begins with.
///
/// # Errors
/// Says what is wrong.
pub fn parse(file: &[u8]) -> Result<Vec<Variable>, String> {
    let cut = || "it ends too early".to_owned();
    if !is_volume(file) {
        return Err("it isn't a firmware volume".into());
    }
    let header_len = u16_at(file, VOLUME_HEADER_LEN).ok_or_else(cut)?;
    let store = file.get(usize::from(header_len)..).ok_or_else(cut)?;
    let header = store.get(..STORE_HEADER_LEN).ok_or_else(cut)?;
    if !header.starts_with(&AUTHENTICATED) {
        return Err("its volume doesn't begin with a store of authenticated variables".into());
    }
    if header.get(20..22) != Some(&USABLE[..]) {
        return Err("its store of variables is unformatted or damaged".into());
    }
    let size = u32_at(header, 16).and_then(|size| usize::try_from(size).ok());
    let store = size.and_then(|size| store.get(..size)).ok_or_else(cut)?;
    variables(store)
}

fn variables(store: &[u8]) -> Result<Vec<Variable>, String> {
    let mut found: Vec<(u8, Variable)> = Vec::new();
    let mut at = STORE_HEADER_LEN;
    // What follows the last one is erased flash, or the end.
    while u16_at(store, at) == Some(START) {
        let bytes = store.get(at..).unwrap_or_default();
        let (state, variable, len) = variable(bytes)
            .ok_or_else(|| format!("its variable at {at:#x} ends behind the store"))?;
        if matches!(state, ADDED | BEING_REPLACED) {
            let name = variable.ok_or_else(|| format!("its variable at {at:#x} has no name"))?;
            found.push((state, name));
        }
        at = at.saturating_add(len.next_multiple_of(4));
    }
    let added: BTreeSet<_> = found
        .iter()
        .filter(|(state, _)| *state == ADDED)
        .map(|(_, it)| (&it.name, &it.vendor))
        .collect();
    let is_replaced = |replaced: &Variable| added.contains(&(&replaced.name, &replaced.vendor));
    let in_force = |(state, variable): &&(u8, Variable)| *state == ADDED || !is_replaced(variable);
    Ok(found
        .iter()
        .filter(in_force)
        .map(|(_, it)| it.clone())
        .collect())
}

/// Its state, the variable unless its name is malformed, and its length.
fn variable(bytes: &[u8]) -> Option<(u8, Option<Variable>, usize)> {
    let header = bytes.get(..VARIABLE_HEADER_LEN)?;
    let size = |at| usize::try_from(u32_at(header, at)?).ok();
    let (name_len, data_len) = (size(36)?, size(40)?);
    let name_end = VARIABLE_HEADER_LEN.checked_add(name_len)?;
    let end = name_end.checked_add(data_len)?;
    let name = bytes.get(VARIABLE_HEADER_LEN..name_end)?;
    let data = bytes.get(name_end..end)?;
    let name = name_of(name).map(|name| Variable {
        name,
        vendor: guid(header.get(44..60).unwrap_or_default()),
        attributes: u32_at(header, 4).unwrap_or(0),
        data: data.to_vec(),
    });
    Some((*header.get(2)?, name, end))
}

fn name_of(utf16: &[u8]) -> Option<String> {
    let (units, rest) = utf16.as_chunks();
    let units: Vec<u16> = units.iter().map(|unit| u16::from_le_bytes(*unit)).collect();
    let name = String::from_utf16(units.strip_suffix(&[0])?).ok()?;
    let is_plain = !name.is_empty() && !name.contains(['/', '\0']);
    (rest.is_empty() && is_plain).then_some(name)
}

/// A GUID as people write it (UEFI specification, appendix A).
fn guid(bytes: &[u8]) -> String {
    let part = |range: std::ops::Range<usize>, reversed: bool| -> String {
        let mut bytes = bytes.get(range).unwrap_or_default().to_vec();
        if reversed {
            bytes.reverse();
        }
        baton_sys::hex::encode(bytes)
    };
    [
        part(0..4, true),
        part(4..6, true),
        part(6..8, true),
        part(8..10, false),
        part(10..16, false),
    ]
    .join("-")
}

#[cfg(test)]
mod tests {
    use super::*;

    const GLOBAL: [u8; 16] = [
        0x61, 0xdf, 0xe4, 0x8b, 0xca, 0x93, 0xd2, 0x11, 0xaa, 0x0d, 0x00, 0xe0, 0x98, 0x03, 0x2b,
        0x8c,
    ];

    fn entry(state: u8, name: &str, data: &[u8]) -> Vec<u8> {
        let mut utf16: Vec<u8> = name.encode_utf16().flat_map(u16::to_le_bytes).collect();
        utf16.extend([0, 0]);
        let mut bytes = START.to_le_bytes().to_vec();
        bytes.extend([state, 0]);
        bytes.extend(7_u32.to_le_bytes());
        bytes.extend([0; 28]);
        for len in [utf16.len(), data.len()] {
            bytes.extend(u32::try_from(len).unwrap().to_le_bytes());
        }
        bytes.extend(GLOBAL);
        bytes.extend(utf16);
        bytes.extend(data);
        bytes.resize(bytes.len().next_multiple_of(4), 0xff);
        bytes
    }

    fn store(entries: &[Vec<u8>]) -> Vec<u8> {
        let mut file = [0; 72];
        file[40..44].copy_from_slice(b"_FVH");
        file[48] = 72;
        let entries = entries.concat();
        let mut header = AUTHENTICATED.to_vec();
        let size = u32::try_from(STORE_HEADER_LEN + entries.len() + 8).unwrap();
        header.extend(size.to_le_bytes());
        header.extend(USABLE);
        header.resize(STORE_HEADER_LEN, 0);
        [&file[..], &header, &entries, &[0xff; 8]].concat()
    }

    #[test]
    fn variables_that_are_in_force_are_read() {
        let file = store(&[
            entry(ADDED, "db", b"12345"),
            entry(0x3d, "dbx", b"deleted"),
            entry(BEING_REPLACED, "PK", b"old"),
            entry(ADDED, "PK", b"new"),
            entry(BEING_REPLACED, "KEK", b"kept"),
        ]);
        let found = parse(&file).unwrap();
        let names: Vec<(&str, &[u8])> = found
            .iter()
            .map(|it| (&it.name[..], &it.data[..]))
            .collect();
        assert_eq!(
            names,
            [("db", &b"12345"[..]), ("PK", b"new"), ("KEK", b"kept")]
        );
        assert_eq!(found[0].vendor, "8be4df61-93ca-11d2-aa0d-00e098032b8c");
        assert_eq!(found[0].attributes, 7);
    }

    #[test]
    fn a_store_that_is_cut_off_is_refused_at_every_length() {
        let file = store(&[entry(ADDED, "db", b"12345"), entry(ADDED, "dbx", b"1")]);
        assert_eq!(parse(&file).unwrap().len(), 2);
        for len in 0..file.len() {
            assert!(parse(&file[..len]).is_err(), "{len}");
        }
    }

    #[test]
    fn what_a_store_must_not_be_is_named() {
        let good = store(&[entry(ADDED, "db", b"12345")]);
        let first = 72 + STORE_HEADER_LEN;
        for (at, value, expected) in [
            (41, 0, "isn't a firmware volume"),
            (49, 0xff, "ends too early"),
            (72, 0, "authenticated"),
            (72 + 20, 0, "unformatted"),
            (72 + 19, 0xff, "ends too early"),
            (first + 39, 0xff, "behind the store"),
            (first + 43, 0xff, "behind the store"),
            (first + 36, 0, "has no name"),
            (first + 60, b'/', "has no name"),
        ] {
            let mut bad = good.clone();
            bad[at] = value;
            let why = parse(&bad).unwrap_err();
            assert!(why.contains(expected), "{at}: {why}");
        }
    }
}
