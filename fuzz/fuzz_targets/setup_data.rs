//! A list of setup_data ends, whatever memory it lies in. The input is that memory, at 0x1000.
#![no_main]

use baton_formats::reader::{array_at, slice};
use baton_formats::setup_data::{
    EfiSetupData, HEADER_LEN, KhoData, MAX_NODES, Nodes, PhysRange, SetupIndirect,
};
use libfuzzer_sys::fuzz_target;

const BASE: u64 = 0x1000;

fuzz_target!(|memory: &[u8]| {
    let read = |address: u64| array_at(memory, usize::try_from(address.checked_sub(BASE)?).ok()?);
    let mut nodes = 0;
    for node in Nodes::new(BASE, read) {
        nodes += 1;
        assert!(nodes <= MAX_NODES + 1);
        let Ok(node) = node else { break };
        let begin = node.address - BASE + HEADER_LEN as u64;
        let Some(data) = slice(memory, begin, node.header.len.into()) else {
            continue;
        };
        assert_eq!(EfiSetupData::parse(data).is_ok(), data.len() >= 96);
        assert_eq!(KhoData::parse(data).is_ok(), data.len() >= 32);
        assert_eq!(PhysRange::parse(data).is_ok(), data.len() >= 16);
        assert_eq!(SetupIndirect::parse(data).is_ok(), data.len() >= 24);
    }
});
