//! The EFI system table, and what follows it as its configuration tables.
#![no_main]

use baton_formats::efi::{
    ConfigTables, MAX_CONFIG_TABLES, MOK_TABLE_GUID, SYSTEM_TABLE_LEN, SystemTable,
};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let Ok(table) = SystemTable::parse(bytes) else {
        return;
    };
    assert!(table.nr_tables <= MAX_CONFIG_TABLES);
    let rest = &bytes[SYSTEM_TABLE_LEN..];
    let Ok(tables) = ConfigTables::parse(rest) else {
        assert_ne!(rest.len() % 24, 0);
        return;
    };
    assert_eq!(tables.iter().count(), rest.len() / 24);
    let found = tables.find(&MOK_TABLE_GUID);
    assert_eq!(
        found.is_some(),
        tables.iter().any(|table| table.guid == MOK_TABLE_GUID)
    );
});
