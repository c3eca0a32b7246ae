use super::*;
use crate::samples::{boot_params, filler, hybrid};

#[test]
fn reads_what_a_kernel_passed_on() {
    let page = boot_params();
    let params = BootParams(&page);
    assert_eq!(params.ramdisk(), (0x1_3f00_0000, 0x2_0012_3456));
    assert_eq!(params.cmdline(), 0x3_0000_9000);
    assert_eq!(params.cmdline_size(), 2047);
    assert_eq!(params.setup_data(), 0x1_0000_2000);
    assert_eq!(params.secure_boot(), SECURE_BOOT_ENABLED);
    assert_eq!(params.rsdp(), 0x7f77_e014);
    assert_eq!(params.type_of_loader(), LOADER_KEXEC);
}

#[test]
fn reads_where_the_firmwares_tables_are() {
    let expected = EfiInfo {
        signature: EFI_SIGNATURE_64,
        systab: 0x4_7f5e_c018,
        memmap: 0x5_1234_5000,
        memmap_size: 0x540,
        memdesc_size: 48,
        memdesc_version: 1,
    };
    assert_eq!(BootParams(&boot_params()).efi_info(), expected);
}

#[test]
fn reads_what_the_screen_is_like() {
    let colour = |size, position| Colour { size, position };
    let expected = ScreenInfo {
        video_type: VIDEO_TYPE_EFI,
        lfb_width: 1280,
        lfb_height: 800,
        lfb_depth: 32,
        lfb_base: 0x8000_0000,
        lfb_size: 4_096_000,
        lfb_linelength: 5120,
        colours: [colour(8, 16), colour(8, 8), colour(8, 0), colour(7, 24)],
        capabilities: 2,
        ext_lfb_base: 0x40,
    };
    let screen = BootParams(&boot_params()).screen_info();
    assert_eq!(screen, expected);
    assert_eq!(screen.framebuffer(), 0x40_8000_0000);
}

#[test]
fn ignores_the_framebuffers_high_half_unless_a_flag_says_so() {
    let mut page = boot_params();
    page[0x36] = 1;
    let screen = BootParams(&page).screen_info();
    assert_eq!(screen.framebuffer(), 0x8000_0000);
}

#[test]
fn reads_the_memory_map() {
    let page = boot_params();
    let map: Vec<_> = BootParams(&page).e820().unwrap().collect();
    let entry = |addr, size, kind| E820Entry { addr, size, kind };
    let expected = [
        entry(0, 0xa_0000, E820Entry::RAM),
        entry(0x10_0000, 0x7ef0_0000, E820Entry::RAM),
        entry(0x7f70_0000, 0x10_0000, E820Entry::NVS),
    ];
    assert_eq!(map, expected);
}

#[test]
fn reads_a_full_memory_map_and_refuses_a_longer_one() {
    let mut page = boot_params();
    page[offset::E820_ENTRIES] = 128;
    assert_eq!(BootParams(&page).e820().unwrap().count(), 128);
    page[offset::E820_ENTRIES] = 129;
    let error = BootParams(&page).e820().err();
    assert_eq!(error, Some(BootParamsError::E820Count(129)));
}

#[test]
fn passes_on_memory_that_wraps_around_for_others_to_judge() {
    let mut page = boot_params();
    page[offset::E820_TABLE..][..16].fill(0xff);
    let first = BootParams(&page).e820().unwrap().next().unwrap();
    assert_eq!((first.addr, first.end()), (u64::MAX, None));
}

#[test]
fn reads_no_entry_from_too_few_bytes() {
    assert_eq!(E820Entry::parse(&[0; 19]), None);
    assert!(E820Entry::parse(&[0; 20]).is_some());
}

#[test]
fn changes_what_it_is_told_to_and_nothing_else() {
    let mut page = boot_params();
    let mut params = BootParamsMut(&mut page);
    params.set_ramdisk(0x9_8765_4321, 0x7_0000_0001);
    params.set_cmdline(0x5_0000_0004);
    params.set_setup_data(0x1122_3344_5566_7788);
    params.set_type_of_loader(0x21);
    assert_eq!(params.as_ref().ramdisk(), (0x9_8765_4321, 0x7_0000_0001));
    assert_eq!(params.as_ref().cmdline(), 0x5_0000_0004);
    assert_eq!(params.as_ref().setup_data(), 0x1122_3344_5566_7788);
    assert_eq!(params.as_ref().type_of_loader(), 0x21);
    let changed: Vec<_> = (0..LEN).filter(|&i| page[i] != boot_params()[i]).collect();
    let fields = [
        0x0c0..0x0cc,
        0x210..0x211,
        0x218..0x220,
        0x228..0x22c,
        0x250..0x258,
    ];
    assert!(changed.iter().all(|i| fields.iter().any(|f| f.contains(i))));
}

#[test]
fn replaces_the_whole_setup_header() {
    let mut page = boot_params();
    page[0x1f1..0x290].fill(0xee);
    let image = hybrid();
    let header = crate::bzimage::BzImage::parse(&image)
        .unwrap()
        .setup_header();
    let before = page;
    BootParamsMut(&mut page)
        .install_setup_header(header)
        .unwrap();
    assert_eq!(page[0x1f1..0x26c], image[0x1f1..0x26c]);
    assert_eq!(
        page[0x26c..0x290],
        [0; 0x24],
        "nothing of the old one is left"
    );
    assert_eq!(page[..0x1f1], before[..0x1f1]);
    assert_eq!(page[0x290..], before[0x290..]);
}

#[test]
fn refuses_a_setup_header_that_reaches_into_other_fields() {
    let mut page = boot_params();
    let before = page;
    let longest = SETUP_HEADER_LIMIT - SETUP_HEADER_OFFSET;
    let mut params = BootParamsMut(&mut page);
    let error = params.install_setup_header(&filler(longest + 1, 0));
    assert_eq!(error, Err(BootParamsError::SetupHeader(longest + 1)));
    assert!(*params.0 == before);
    assert_eq!(params.install_setup_header(&filler(longest, 0)), Ok(()));
}

fn reserved(addr: u64, size: u64) -> Result<Vec<(u64, u64, u32)>, BootParamsError> {
    let mut page = boot_params();
    BootParamsMut(&mut page).reserve(addr, size)?;
    let map = BootParams(&page).e820().unwrap();
    Ok(map.map(|it| (it.addr, it.size, it.kind)).collect())
}

#[test]
fn reserves_a_range_of_ram_wherever_it_lies_in_it() {
    let rest = [(0x10_0000, 0x7ef0_0000, 1), (0x7f70_0000, 0x10_0000, 4)];
    for (addr, size, parts) in [
        (0, 0x1000, vec![(0, 0x1000, 2), (0x1000, 0x9_f000, 1)]),
        (
            0x9_f000,
            0x1000,
            vec![(0, 0x9_f000, 1), (0x9_f000, 0x1000, 2)],
        ),
        (0, 0xa_0000, vec![(0, 0xa_0000, 2)]),
        (
            0x5000,
            0x1000,
            vec![(0, 0x5000, 1), (0x5000, 0x1000, 2), (0x6000, 0x9_a000, 1)],
        ),
    ] {
        assert_eq!(reserved(addr, size), Ok([parts, rest.to_vec()].concat()));
    }
}

#[test]
fn reserves_nothing_that_isnt_all_ram() {
    for (addr, size) in [
        (0x9_f000, 0x2000),
        (0x7f70_0000, 0x1000),
        (0x9000_0000, 0x1000),
        (0x1000, 0),
        (u64::MAX, 2),
    ] {
        let error = Err(BootParamsError::NotReserved);
        assert_eq!(reserved(addr, size), error, "{addr:#x}");
    }
}

#[test]
fn a_memory_map_without_an_entry_left_stays_as_it_is() {
    let mut page = boot_params();
    page[offset::E820_ENTRIES] = 127;
    let before = page;
    let error = BootParamsMut(&mut page).reserve(0x5000, 0x1000);
    // Entries of no size are none, and leave theirs to others.
    assert_eq!(error, Ok(()));
    page = before;
    for entry in page[offset::E820_TABLE + 60..][..20 * 125].chunks_mut(20) {
        entry[8] = 1;
    }
    let before = page;
    let error = BootParamsMut(&mut page).reserve(0x5000, 0x1000);
    assert_eq!(error, Err(BootParamsError::NotReserved));
    assert!(page == before);
    assert_eq!(BootParamsMut(&mut page).reserve(0, 0x1000), Ok(()));
}

/// The memory map without the marks of setup_data in this one.
fn freed(entries: &[(u64, u64, u32)]) -> Vec<(u64, u64, u32)> {
    let mut page = boot_params();
    let map: Vec<_> = entries
        .iter()
        .map(|&(addr, size, kind)| E820Entry { addr, size, kind })
        .collect();
    let mut params = BootParamsMut(&mut page);
    params.set_e820(&map);
    params.free_setup_data().unwrap();
    let map = BootParams(&page).e820().unwrap();
    map.map(|it| (it.addr, it.size, it.kind)).collect()
}

#[test]
fn setup_data_becomes_ram_with_what_adjoins_it() {
    let around = [(0x1000, 0x1000, 1), (0x2000, 9, 128), (0x2009, 0xff7, 1)];
    assert_eq!(freed(&around), [(0x1000, 0x2000, 1)]);
    let two = [(0, 0x1000, 128), (0x1000, 0x1000, 128), (0x2000, 0x1000, 1)];
    assert_eq!(freed(&two), [(0, 0x3000, 1)]);
    let alone = [(0, 0x1000, 1), (0x2000, 0x1000, 128), (0x3000, 0x1000, 2)];
    let expected = [(0, 0x1000, 1), (0x2000, 0x1000, 1), (0x3000, 0x1000, 2)];
    assert_eq!(freed(&alone), expected);
    let last = [(u64::MAX - 1, 1, 1), (u64::MAX, 1, 128), (0, 1, 1)];
    assert_eq!(freed(&last), [(u64::MAX - 1, 2, 1), (0, 1, 1)]);
}

#[test]
fn a_memory_map_without_marks_stays_as_it_is() {
    let map: Vec<_> = (0..128).map(|n| (n * 0x1000, 0x1000, 1)).collect();
    assert_eq!(freed(&map), map);
    let marked: Vec<_> = (0..128).map(|n| (n * 0x1000, 0x1000, 128)).collect();
    assert_eq!(freed(&marked), [(0, 0x8_0000, 1)]);
}
