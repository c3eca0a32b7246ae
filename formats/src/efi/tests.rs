use super::*;
use crate::samples::{config_tables, efi_tables, put64, system_table, with};

#[test]
fn reads_the_system_table() {
    let expected = SystemTable {
        nr_tables: 3,
        tables: 0xffff_fffe_e000_1000,
    };
    assert_eq!(SystemTable::parse(&system_table()), Ok(expected));
}

#[test]
fn refuses_every_truncation_of_the_system_table() {
    let table = system_table();
    for len in 0..table.len() {
        assert_eq!(SystemTable::parse(&table[..len]), Err(EfiError::Truncated));
    }
}

#[test]
fn refuses_a_table_without_the_signature() {
    let table = with(&system_table(), |table| table[7] = b't');
    assert_eq!(SystemTable::parse(&table), Err(EfiError::Signature));
}

#[test]
fn refuses_more_configuration_tables_than_can_be() {
    for count in [1025, u64::MAX] {
        let table = with(&system_table(), |table| put64(table, 0x68, count));
        let error = EfiError::TableCount(count);
        assert_eq!(SystemTable::parse(&table), Err(error));
    }
}

#[test]
fn finds_a_configuration_table_by_its_guid() {
    let bytes = config_tables();
    let tables = ConfigTables::parse(&bytes).unwrap();
    assert_eq!(tables.iter().count(), 3);
    assert_eq!(tables.find(&MOK_TABLE_GUID), Some(0x7d80_0000));
    assert_eq!(tables.find(&SMBIOS3_GUID), Some(0x7f5c_0000));
    assert_eq!(tables.find(&SMBIOS_GUID), None);
}

#[test]
fn guids_are_mixed_endian() {
    let expected = [
        0x2b, 0xed, 0x51, 0xc4, 0x94, 0x96, 0xd3, 0x45, 0xba, 0xba, 0xed, 0x9f, 0x89, 0x88, 0xa3,
        0x89,
    ];
    assert_eq!(MOK_TABLE_GUID, expected);
}

#[test]
fn refuses_a_part_of_a_configuration_table() {
    let bytes = config_tables();
    for len in (0..bytes.len()).filter(|len| len % 24 != 0) {
        let error = ConfigTables::parse(&bytes[..len]).err();
        assert_eq!(error, Some(EfiError::ConfigTablesLength(len)));
    }
}

/// Where the tables below are put.
const AT: u64 = 0x3a00_0000;

/// What a table of these bytes comes to, in memory that ends with them.
fn ranges(table: Table, bytes: &[u8]) -> Result<Vec<(u64, u64)>, Damaged> {
    let read = |address: u64, len: u64| {
        let from = usize::try_from(address.checked_sub(AT)?).ok()?;
        bytes.get(from..)?.get(..usize::try_from(len).ok()?)
    };
    let mut found = Vec::new();
    let whole = table.ranges(AT, &read, &mut |range| found.push((range.addr, range.size)));
    whole.map(|()| found)
}

#[test]
fn finds_the_end_of_every_table() {
    for (name, guid, table, bytes) in efi_tables::all() {
        assert_eq!(Table::of(&guid), Some(table), "{name}");
        let own = (AT, bytes.len() as u64);
        assert_eq!(ranges(table, &bytes).unwrap()[0], own, "{name}");
    }
}

#[test]
fn refuses_every_truncation_of_every_table() {
    for (name, _, table, bytes) in efi_tables::all() {
        for len in 0..bytes.len() {
            assert_eq!(ranges(table, &bytes[..len]), Err(Damaged), "{name}, {len}");
        }
    }
}

#[test]
fn takes_nothing_for_a_table_that_is_filled_with_one_byte() {
    for (name, _, table, bytes) in efi_tables::all() {
        for byte in [0x00, 0x5a, 0xe7, 0xff] {
            let filled = vec![byte; bytes.len().max(4096)];
            // An empty list of reserved memory, and no resources to update, are as good as none.
            let empty = table == Table::MemReserve && byte == 0;
            assert_eq!(ranges(table, &filled).is_err(), !empty, "{name}, {byte:#x}");
        }
    }
}

#[test]
fn refuses_lengths_that_no_table_has() {
    let all = efi_tables::all();
    let sample = |wanted| {
        let found = all.iter().find(|(name, ..)| *name == wanted).unwrap();
        (found.2, found.3.clone())
    };
    for (name, at, value) in [
        ("esrt", 0, 129_u64),
        ("memory-attributes", 4, 0x1_0001),
        ("memory-attributes", 8, 39),
        ("memory-attributes", 8, u32::MAX.into()),
        ("random-seed", 0, 0),
        ("random-seed", 0, 1025),
        ("tpm-log", 0, u32::MAX.into()),
        ("tpm-log", 4, u32::MAX.into()),
        ("final-events", 8, 4097),
        ("final-events", 8, u64::MAX),
        ("reserved", 0, 256),
        ("reserved", 4, 3),
        ("unaccepted", 16, u64::MAX),
    ] {
        let (table, mut bytes) = sample(name);
        let long = matches!((name, at), ("final-events", _) | ("unaccepted", 16));
        let len = if long { 8 } else { 4 };
        bytes[at..at + len].copy_from_slice(&value.to_le_bytes()[..len]);
        bytes.resize(0x1_0000, 0x5a);
        assert_eq!(
            ranges(table, &bytes),
            Err(Damaged),
            "{name}, {value:#x} at {at}"
        );
    }
}

#[test]
fn a_list_of_reserved_memory_that_goes_round_is_refused() {
    let (_, _, table, mut bytes) = efi_tables::all().remove(6);
    bytes[8..16].copy_from_slice(&AT.to_le_bytes());
    assert_eq!(ranges(table, &bytes), Err(Damaged));
}

#[test]
fn names_every_range_of_reserved_memory_that_is_in_use() {
    let (_, _, table, bytes) = efi_tables::all().remove(6);
    let expected = vec![(AT, 48), (0x3b00_0000, 0x1000)];
    assert_eq!(ranges(table, &bytes), Ok(expected));
}
