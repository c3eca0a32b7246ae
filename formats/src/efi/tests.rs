use super::*;
use crate::samples::{config_tables, put64, system_table, with};

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
