use super::*;

fn header(next: u64, kind: u32, len: u32) -> SetupDataHeader {
    SetupDataHeader { next, kind, len }
}

/// Follows the list of these nodes, each (address, header), from address 0x100 on.
fn follow(nodes: &[(u64, SetupDataHeader)]) -> Vec<Result<u64, ListError>> {
    let read = |address| {
        let found = nodes.iter().find(|(at, _)| *at == address);
        found.map(|(_, header)| header.to_bytes())
    };
    Nodes::new(0x100, read)
        .map(|node| node.map(|node| node.address))
        .collect()
}

#[test]
fn headers_read_what_they_wrote() {
    let header = header(0x1122_3344_5566_7788, SETUP_RNG_SEED, 32);
    let bytes = [
        0x88, 0x77, 0x66, 0x55, 0x44, 0x33, 0x22, 0x11, 9, 0, 0, 0, 32, 0, 0, 0,
    ];
    assert_eq!(header.to_bytes(), bytes);
    assert_eq!(SetupDataHeader::parse(&bytes), header);
}

#[test]
fn follows_a_list_to_its_end() {
    let nodes = [
        (0x300, header(0, SETUP_IMA, 16)),
        (0x100, header(0x200, SETUP_EFI, 96)),
        (0x200, header(0x300, SETUP_RNG_SEED, 32)),
    ];
    assert_eq!(follow(&nodes), [Ok(0x100), Ok(0x200), Ok(0x300)]);
}

#[test]
fn an_empty_list_reads_nothing() {
    let nodes = Nodes::new(0, |_| panic!("nothing to read"));
    assert_eq!(nodes.count(), 0);
}

#[test]
fn ends_a_cycle() {
    let itself = [(0x100, header(0x100, SETUP_DTB, 0))];
    let two = [
        (0x100, header(0x200, SETUP_DTB, 0)),
        (0x200, header(0x100, SETUP_DTB, 0)),
    ];
    for cycle in [&itself[..], &two] {
        let followed = follow(cycle);
        assert_eq!(followed.len(), MAX_NODES + 1);
        assert_eq!(followed.last(), Some(&Err(ListError::TooLong)));
    }
}

#[test]
fn ends_where_a_node_can_not_be_read() {
    let nodes = [(0x100, header(0x200, SETUP_EFI, 96))];
    let unreadable = Err(ListError::Unreadable(0x200));
    assert_eq!(follow(&nodes), [Ok(0x100), unreadable]);
}

#[test]
fn refuses_data_that_wraps_around() {
    for address in [u64::MAX - 15, u64::MAX - 47] {
        let mut nodes = Nodes::new(address, |_| Some(header(0, SETUP_EFI, 33).to_bytes()));
        assert_eq!(nodes.next(), Some(Err(ListError::Unreadable(address))));
        assert_eq!(nodes.next(), None);
    }
}

#[test]
fn reads_the_physical_addresses_of_efi() {
    let mut data = [0; EfiSetupData::LEN];
    data[0] = 1;
    data[8] = 9;
    data[16] = 2;
    data[24] = 3;
    let expected = EfiSetupData {
        fw_vendor: 1,
        tables: 2,
        smbios: 3,
    };
    assert_eq!(EfiSetupData::parse(&data), Ok(expected));
}

#[test]
fn reads_what_a_hand_over_of_memory_says() {
    let data: Vec<u8> = [1u64, 2, 3, 4]
        .iter()
        .flat_map(|n| n.to_le_bytes())
        .collect();
    let expected = KhoData {
        fdt_addr: 1,
        fdt_size: 2,
        scratch_addr: 3,
        scratch_size: 4,
    };
    assert_eq!(KhoData::parse(&data), Ok(expected));
    let range = PhysRange { addr: 1, size: 2 };
    assert_eq!(KhoScratch::parse(&data), Ok(range));
    assert_eq!(ImaSetupData::parse(&data), Ok(range));
}

#[test]
fn reads_indirect_data_size_first() {
    let mut data = [0; SetupIndirect::LEN];
    data[..4].copy_from_slice(&(SETUP_INDIRECT | SETUP_CC_BLOB).to_le_bytes());
    data[8] = 5;
    data[16] = 6;
    let expected = SetupIndirect {
        kind: 0x8000_0007,
        range: PhysRange { addr: 6, size: 5 },
    };
    assert_eq!(SetupIndirect::parse(&data), Ok(expected));
}

#[test]
fn refuses_every_truncation() {
    let data = [0xff; 96];
    assert!((0..EfiSetupData::LEN).all(|len| EfiSetupData::parse(&data[..len]).is_err()));
    assert!((0..KhoData::LEN).all(|len| KhoData::parse(&data[..len]).is_err()));
    assert!((0..PhysRange::LEN).all(|len| PhysRange::parse(&data[..len]).is_err()));
    assert!((0..SetupIndirect::LEN).all(|len| SetupIndirect::parse(&data[..len]).is_err()));
}
