//! Whatever is accepted as a bzImage has a setup header that fits boot_params, and code.
#![no_main]

use baton_formats::boot_params::BootParamsMut;
use baton_formats::bzimage::BzImage;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|file: &[u8]| {
    let Ok(image) = BzImage::parse(file) else {
        return;
    };
    let mut page = [0; 4096];
    BootParamsMut(&mut page)
        .install_setup_header(image.setup_header())
        .unwrap();
    assert_eq!(&page[0x202..0x206], b"HdrS");
    assert!(image.protected_mode().len() > 0x200);
    assert!(image.protected_mode().len() <= image.init_size() as usize);
    // The size is stated in whole paragraphs, and the file may end within the last.
    let there = image.protected_mode().len().next_multiple_of(16);
    assert!(u64::from(image.syssize()) * 16 <= there as u64);
    assert!(image.kernel_alignment().is_power_of_two());
    assert!(file.ends_with(image.protected_mode()));
    let _ = image.kernel_version();
});
