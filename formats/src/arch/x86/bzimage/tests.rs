use super::*;
use crate::samples::{at, hybrid, put16, put32, put64, with};

fn error_with(change: impl FnOnce(&mut Vec<u8>)) -> BzImageError {
    BzImage::parse(&with(&hybrid(), change)).unwrap_err()
}

#[test]
fn reads_the_fields_of_an_image() {
    let file = hybrid();
    let image = BzImage::parse(&file).unwrap();
    assert_eq!(image.setup_sects(), 1);
    assert_eq!(image.version(), 0x020f);
    assert_eq!(image.init_size(), 0x10_0000);
    assert_eq!(image.pref_address(), 0x100_0000);
    assert_eq!(image.kernel_alignment(), 0x20_0000);
    assert_eq!(image.min_alignment(), 21);
    assert!(image.relocatable());
    assert_eq!(image.xloadflags(), 0x7f);
    assert_eq!(image.loadflags(), LOADED_HIGH);
    assert_eq!(image.cmdline_size(), 2047);
    assert_eq!(
        (image.payload_offset(), image.payload_length()),
        (0x40, 0x300)
    );
    assert_eq!(image.syssize(), 0x3b);
    assert_eq!(image.setup_header(), &file[0x1f1..0x26c]);
    assert_eq!(image.protected_mode(), &file[at::CODE..]);
    assert_eq!(image.kernel_version(), Some("6.1.0-sample (baton)"));
}

#[test]
fn refuses_every_truncation_that_loses_a_stated_paragraph() {
    let file = hybrid();
    // The stated size is rounded up to whole paragraphs of 16 bytes, and the file need not be.
    let least = at::CODE + 0x3a * 16 + 1;
    for len in 0..least {
        assert!(BzImage::parse(&file[..len]).is_err(), "{len} bytes");
    }
    for len in least..=at::CODE + 0x3b * 16 {
        assert!(BzImage::parse(&file[..len]).is_ok(), "{len} bytes");
    }
}

#[test]
fn refuses_files_without_their_magic_numbers() {
    assert_eq!(error_with(|file| file[0x1fe] = 0), BzImageError::NoBootFlag);
    assert_eq!(error_with(|file| file[0x202] = b'h'), BzImageError::NoHdrS);
}

#[test]
fn takes_no_setup_sectors_to_mean_four() {
    let file = with(&hybrid(), |file| {
        file[0x1f1] = 0;
        put32(file, 0x1f4, 0);
        file.resize(5 * 512 + 0x300, 0x90);
    });
    let image = BzImage::parse(&file).unwrap();
    assert_eq!(image.setup_sects(), 4);
    assert_eq!(image.protected_mode(), [0x90; 0x300]);
}

#[test]
fn refuses_a_setup_part_that_leaves_no_code() {
    let len = hybrid().len();
    let error = error_with(|file| file[0x1f1] = 255);
    assert_eq!(error, BzImageError::TooShort(len));
    let no_entry = with(&hybrid(), |file| {
        put32(file, 0x1f4, 0);
        file.truncate(at::CODE + 0x200);
    });
    assert!(BzImage::parse(&no_entry).is_err());
}

#[test]
fn refuses_a_stated_size_beyond_the_file() {
    for (syssize, stated) in [(0x3d, 0x3d0), (u32::MAX, 0xf_ffff_fff0)] {
        let error = error_with(|file| put32(file, 0x1f4, syssize));
        let actual = at::END - at::CODE;
        assert_eq!(error, BzImageError::Truncated { stated, actual });
    }
}

#[test]
fn refuses_an_old_boot_protocol() {
    let error = error_with(|file| put16(file, 0x206, 0x020b));
    assert_eq!(error, BzImageError::Version(0x020b));
    assert_eq!(
        error.to_string(),
        "boot protocol 2.11; 2.12 is the oldest accepted"
    );
}

#[test]
fn refuses_kernels_that_can_not_be_entered_in_64_bit_mode() {
    assert_eq!(
        error_with(|file| file[0x211] = 0x80),
        BzImageError::NotLoadedHigh
    );
    let error = error_with(|file| put16(file, 0x236, 0x7e));
    assert_eq!(error, BzImageError::No64BitEntry);
}

#[test]
fn refuses_an_alignment_that_is_zero_or_no_power_of_two() {
    for alignment in [0, 3, 0x20_0001, u32::MAX] {
        let error = error_with(|file| put32(file, 0x230, alignment));
        assert_eq!(error, BzImageError::Alignment(alignment));
    }
}

#[test]
fn refuses_a_preferred_address_that_wraps_around() {
    let error = error_with(|file| put64(file, 0x258, u64::MAX - 0xf_ffff));
    assert_eq!(error, BzImageError::PrefAddress(u64::MAX - 0xf_ffff));
    let last = with(&hybrid(), |file| put64(file, 0x258, u64::MAX - 0x10_0000));
    assert!(BzImage::parse(&last).is_ok());
}

#[test]
fn refuses_to_need_less_memory_than_it_has_code() {
    let needed = at::END - at::CODE;
    for init_size in [0, needed as u32 - 1] {
        let error = error_with(|file| put32(file, 0x260, init_size));
        assert_eq!(error, BzImageError::InitSize { init_size, needed });
    }
}

#[test]
fn exposes_that_an_image_needs_all_of_32_bits() {
    let file = with(&hybrid(), |file| put32(file, 0x260, u32::MAX));
    assert_eq!(BzImage::parse(&file).unwrap().init_size(), u32::MAX);
}

#[test]
fn refuses_a_setup_header_that_ends_where_it_must_not() {
    for (jump, end) in [(0x65, 0x267), (0x8f, 0x291), (0, 0x202), (255, 0x301)] {
        let error = error_with(|file| file[0x201] = jump);
        assert_eq!(error, BzImageError::HeaderEnd(end));
    }
}

#[test]
fn has_no_version_string_where_none_is_there() {
    let version = |pointer, text: &[u8]| {
        let text = text.to_vec();
        let file = with(&hybrid(), move |file| {
            put16(file, 0x20e, pointer);
            crate::samples::put(file, 0x298, &text);
        });
        let image = BzImage::parse(&file).unwrap();
        image.kernel_version().map(str::to_owned)
    };
    assert_eq!(version(0x98, b"6.12\0").as_deref(), Some("6.12"));
    assert_eq!(version(0, b"6.12\0"), None);
    assert_eq!(version(u16::MAX, b"6.12\0"), None);
    assert_eq!(version(0x98, &[0xff, 0]), None);
    assert_eq!(version(0x98, &[b'x'; 0x400]), None, "no end within reach");
}
