//! Any page can be read as boot_params, and what is set is what is read.
#![no_main]

use baton_formats::boot_params::{BootParams, BootParamsMut};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let mut page = [0; 4096];
    let len = bytes.len().min(page.len());
    page[..len].copy_from_slice(&bytes[..len]);
    let params = BootParams(&page);
    if let Ok(map) = params.e820() {
        assert_eq!(map.map(|entry| entry.end()).count(), page[0x1e8].into());
    } else {
        assert!(page[0x1e8] > 128);
    }
    let _ = params.screen_info().framebuffer();
    let (ramdisk, cmdline, data) = (params.ramdisk(), params.cmdline(), params.setup_data());
    let _ = (params.efi_info(), params.rsdp(), params.secure_boot());

    let mut other = [0; 4096];
    let mut target = BootParamsMut(&mut other);
    let fits = target.install_setup_header(bytes).is_ok();
    assert_eq!(fits, bytes.len() <= 0x290 - 0x1f1);
    target.set_ramdisk(ramdisk.0, ramdisk.1);
    target.set_cmdline(cmdline);
    target.set_setup_data(data);
    assert_eq!(target.as_ref().ramdisk(), ramdisk);
    assert_eq!(target.as_ref().cmdline(), cmdline);
    assert_eq!(target.as_ref().setup_data(), data);
});
