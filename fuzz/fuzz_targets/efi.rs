//! The EFI system table, and what follows it as its configuration tables; then those tables, which lie in the
//! same file by their addresses.
#![no_main]

use baton_formats::efi::{
    ConfigTables, MAX_CONFIG_TABLES, MOK_TABLE_GUID, SYSTEM_TABLE_LEN, SystemTable, Table,
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
    let read = |address: u64, len: u64| {
        let from = usize::try_from(address).ok()?;
        bytes.get(from..)?.get(..usize::try_from(len).ok()?)
    };
    for entry in tables.iter() {
        let Some(table) = Table::of(&entry.guid) else {
            continue;
        };
        let mut first = None;
        let whole = table.ranges(entry.address, &read, &mut |range| {
            assert!(range.addr.checked_add(range.size).is_some());
            first = first.or(Some(range));
        });
        if whole.is_ok() {
            let own = first.expect("a table has a range");
            assert_eq!(own.addr, entry.address);
            assert!(read(own.addr, own.size).is_some());
        }
    }
});
